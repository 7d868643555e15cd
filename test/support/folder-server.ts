import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';

export interface FolderServer {
  readonly url: string;
  /** Method, path and range of each request. */
  readonly requests: string[];
  stop(): Promise<void>;
}

export interface FolderOptions {
  /** An address of loopback. */
  readonly host?: string;
  /** What the Authorization header has to say; 401 without it. */
  readonly authorization?: string;
}

/** A folder on loopback, with ranges, as a mirror's web server gives it. */
export async function serveFolder(folder: string, { host = '127.0.0.1', authorization }: FolderOptions = {}): Promise<FolderServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    if (authorization !== undefined && request.headers.authorization !== authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="packages"' }).end();
      return;
    }
    const path = join(folder, normalize(decodeURIComponent((request.url ?? '/').split('?')[0] ?? '/')));
    requests.push(`${request.method} ${request.url} ${request.headers.range ?? ''}`.trim());
    void stat(path).then((info) => {
      if (!info.isFile()) throw new Error('no file');
      const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
      const start = Number(from);
      const end = to === '' ? info.size - 1 : Math.min(Number(to), info.size - 1);
      const isPart = request.headers.range !== undefined;
      response.writeHead(isPart ? 206 : 200, { 'content-length': end - start + 1, 'accept-ranges': 'bytes', ...(isPart ? { 'content-range': `bytes ${start}-${end}/${info.size}` } : {}) });
      if (request.method === 'HEAD' || info.size === 0) response.end();
      else createReadStream(path, { start, end }).pipe(response);
    }).catch(() => { if (!response.headersSent) response.writeHead(404); response.end(); });
  });
  const port = await new Promise<number>((done) => { server.listen(0, host, () => done((server.address() as { port: number }).port)); });
  return { url: `http://${host}:${port}`, requests, stop: () => new Promise((done) => { server.closeAllConnections(); server.close(() => done()); }) };
}
