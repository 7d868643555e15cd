// Repositories over smart http: git's own http-backend behind a few lines of CGI (RFC 3875), with a token in front.
import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface GitServer {
  readonly origin: string;
  /** Values of Authorization that came. */
  readonly seen: readonly string[];
  /** Connections end after so many bytes of an answer to upload-pack; undefined: never. */
  cutAfter: number | undefined;
  stop(): Promise<void>;
}

/** Serves the bare repositories below `root` on loopback; with `token`, only to `Authorization: Bearer <token>`. */
export async function startGitServer(root: string, options: { readonly token?: string; readonly tls?: { readonly key: string; readonly cert: string } } = {}): Promise<GitServer> {
  const seen: string[] = [];
  const running: { cutAfter: number | undefined } = { cutAfter: undefined };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { authorization = '' } = request.headers;
    seen.push(authorization);
    if (options.token !== undefined && authorization !== `Bearer ${options.token}`) { response.writeHead(401, { 'www-authenticate': 'Basic realm="forge"' }).end(); return; }
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const child = spawn('git', ['http-backend'], {
      env: {
        ...process.env, GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: decodeURIComponent(path), QUERY_STRING: query, REQUEST_METHOD: request.method ?? 'GET',
        CONTENT_TYPE: request.headers['content-type'] ?? '', CONTENT_LENGTH: request.headers['content-length'] ?? '', HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''), GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*',
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.on('error', () => undefined);
    request.pipe(child.stdin);
    let head = Buffer.alloc(0);
    let begun = false;
    let sent = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      if (begun) {
        sent += chunk.length;
        const over = request.method === 'POST' && running.cutAfter !== undefined ? sent - running.cutAfter : 0;
        response.write(over > 0 ? chunk.subarray(0, chunk.length - over) : chunk);
        if (over > 0) request.socket.destroySoon();
        return;
      }
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      begun = true;
      const headers = Object.fromEntries(head.toString('latin1', 0, end).split('\r\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
      const { Status: status = '200', ...rest } = headers;
      response.writeHead(Number(status.slice(0, 3)), rest);
      response.write(head.subarray(end + 4));
    });
    child.once('close', () => { if (!begun) response.writeHead(500); response.end(); });
  };
  const server = options.tls === undefined ? createServer(answer) : createSecureServer(options.tls, answer);
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  return Object.assign(running, {
    origin: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`, seen,
    stop: (): Promise<void> => new Promise((done) => { server.closeAllConnections(); server.close(() => done()); }),
  });
}
