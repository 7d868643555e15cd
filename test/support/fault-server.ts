import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** Answers one request; what it does not answer hangs until the server closes. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface Seen { readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers'] }

/** A server on loopback that does exactly what a test says, and remembers what it was asked. */
export interface FaultServer {
  readonly origin: string;
  readonly host: string;
  readonly seen: readonly Seen[];
  close(): Promise<void>;
}

export async function startFaultServer(handler: Handler, address = '127.0.0.1'): Promise<FaultServer> {
  const seen: Seen[] = [];
  const sockets = new Set<Duplex>();
  const server: Server = createServer((request, response) => {
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    response.on('error', () => undefined);
    void Promise.resolve(handler(request, response)).catch((error: unknown) => {
      response.destroy(error as Error);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => { server.listen(0, address, resolve); });
  const host = `${address.includes(':') ? `[${address}]` : address}:${(server.address() as AddressInfo).port}`;
  return {
    origin: `http://${host}`,
    host,
    seen,
    async close() {
      const closed = new Promise<void>((resolve) => { server.close(() => resolve()); });
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

export interface Content {
  readonly bytes: Uint8Array;
  readonly etag?: string;
  readonly lastModified?: string;
  /** false: Range is ignored, as simple servers do. */
  readonly ranges?: boolean;
  /** Cut the connection after so many bytes of the body. */
  readonly cutAfter?: number;
  /** Send so many bytes, then nothing more. */
  readonly stallAfter?: number;
}

/** Serves `content` with Range and If-Range as RFC 9110 says, or with the fault that it names. */
export function serveContent(request: IncomingMessage, response: ServerResponse, content: Content): void {
  const { bytes, etag, lastModified } = content;
  const validators = { ...(etag === undefined ? {} : { etag }), ...(lastModified === undefined ? {} : { 'last-modified': lastModified }) };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const ifRange = request.headers['if-range'];
  const partial = range !== null && content.ranges !== false && (ifRange === undefined || ifRange === etag || ifRange === lastModified);
  const start = partial ? Number(range[1]) : 0;
  const end = partial && range[2] !== '' ? Number(range[2]) + 1 : bytes.length;
  if (partial && start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}`, ...validators }).end();
    return;
  }
  const part = bytes.subarray(start, end);
  response.writeHead(partial ? 206 : 200, {
    'content-length': part.length, ...validators, ...(partial ? { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` } : {}),
  });
  if (request.method === 'HEAD') { response.end(); return; }
  const limit = content.cutAfter ?? content.stallAfter;
  if (limit === undefined || limit >= part.length) { response.end(part); return; }
  response.write(part.subarray(0, limit), () => {
    if (content.cutAfter !== undefined) setTimeout(() => response.destroy(), 20);
  });
}
