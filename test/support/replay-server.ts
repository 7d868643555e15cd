// Answers for every host that has a folder in the world: http on port 80, https on 443, files and registries, ranges and HEAD.
// Run as: node replay-server.ts WORLD ADDRESS CERTIFICATE KEY
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { join, normalize } from 'node:path';

const [world = '', address = '', certificate = '', key = ''] = process.argv.slice(2);

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname));
  if (/^\/v2\/?$/.test(path)) { response.writeHead(200, { 'content-type': 'application/json' }).end('{}'); return; }
  const file = join(world, host, path);
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) { response.writeHead(404, { 'content-type': 'text/plain' }).end('nothing is recorded for this address\n'); return; }
  const headers: Record<string, string | number> = { 'accept-ranges': 'bytes', etag: `"${found.ino}-${found.size}"`, 'content-type': 'application/octet-stream' };
  if (/\/v2\/.+\/manifests\//.test(path)) {
    const text = await readFile(file, 'utf8');
    headers['content-type'] = (JSON.parse(text) as { mediaType: string }).mediaType;
    headers['docker-content-digest'] = `sha256:${(await import('node:crypto')).createHash('sha256').update(text).digest('hex')}`;
  }
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = from === undefined ? 0 : Number(from);
  const end = to === undefined || to === '' ? found.size - 1 : Math.min(Number(to), found.size - 1);
  if (start > 0 && start >= found.size) { response.writeHead(416, { 'content-range': `bytes */${found.size}` }).end(); return; }
  if (from === undefined) response.writeHead(200, { ...headers, 'content-length': found.size });
  else response.writeHead(206, { ...headers, 'content-length': end - start + 1, 'content-range': `bytes ${start}-${end}/${found.size}` });
  if (request.method === 'HEAD' || found.size === 0) response.end();
  else createReadStream(file, { start, end }).pipe(response);
}

const handle = (request: IncomingMessage, response: ServerResponse): void => {
  answer(request, response).catch((cause: unknown) => response.writeHead(500).end(String(cause)));
};
const servers = [
  [createHttpServer(handle), 80],
  [createHttpsServer({ cert: await readFile(certificate), key: await readFile(key) }, handle), 443],
] as const;
for (const [server, port] of servers) await new Promise<void>((done) => { server.listen(port, address, done); });
console.log('ready');
