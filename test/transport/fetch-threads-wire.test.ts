import { createHash } from 'node:crypto';
import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ReceivingSink } from '../../store/file-sink.ts';
import type { BundleEvent } from '../../bom/events.ts';
import { createHttpClient, type Http, type HttpOptions } from '../../transport/http.ts';
import { noise } from '../support/bytes.ts';
import { startFaultServer } from '../support/fault-server.ts';
import { expectWhole, receive as receiveInto, type Received, type Receiving } from '../support/receiving.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('fetch-threads-wire');
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

const content = noise(3_000_000);
const { signal } = new AbortController();

/** Answers each request, the number of which `answer` is given, with the very bytes that it writes. */
async function wire(answer: (socket: Socket, number: number, head: string) => void): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        asked.push(text.slice(0, end));
        text = text.slice(end + 4);
        answer(socket, asked.length, asked.at(-1) ?? '');
      }
    });
  });
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  open.push(async () => { for (const socket of sockets) socket.destroy(); await new Promise((done) => { server.close(done); }); });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`, asked };
}

function client(options: HttpOptions = {}): Http {
  const http = createHttpClient({ env: {}, stallTimeoutMs: 5000, retry: { firstWaitMs: 1, retries: 1 }, ...options });
  open.push(() => http.close());
  return http;
}

const receive = (http: Http, url: string, options: Partial<Receiving> = {}): Promise<Received> => receiveInto(http, url, { folder, sizeBytes: content.length, ...options });
const head = (...lines: string[]): string => ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n');
const lengthLine = `Content-Length: ${content.length}`;
const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

/** A client whose contents are worth threads already, however small the next one is. */
async function warm(options: HttpOptions = {}): Promise<Http> {
  const http = client(options);
  const { url } = await wire((socket) => socket.write(Buffer.concat([latin(head(lengthLine)), content])));
  expectWhole(await receive(http, url), content);
  return http;
}

describe('what a thread may meet on the wire', () => {
  it.each([
    ['early hints', ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n']],
    ['an answer to go on, which nobody asked for', ['HTTP/1.1 100 Continue\r\n\r\n']],
    ['several of both, cut anywhere', ['HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early', ' Hints\r\n\r', '\nHTTP/1.1 100\r\n\r\nHTT']],
  ])('%s before the answer: passed over', async (_, parts) => {
    const { url, asked } = await wire((socket) => {
      const text = `${parts.join('|')}|${head(lengthLine)}`.replace('HTT|HTTP', 'HTT|P').split('|');
      const next = (at: number): void => {
        const part = text[at];
        if (part === undefined) socket.write(content);
        else socket.write(part, () => { setTimeout(() => next(at + 1), 20); });
      };
      next(0);
    });
    expectWhole(await receive(client(), url), content);
    expect(asked.length).toBe(1);
  });

  it('nothing but answers before the answer: an end of it', async () => {
    const { url } = await wire((socket) => socket.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(100)));
    expect((await receive(client({ stallTimeoutMs: 500, retry: { retries: 0 } }), url)).error).toMatchObject({ family: 'transfer' });
  });

  it.each([
    ['HTTP/1.0, which ends with its connection', (socket: Socket) => { socket.write(latin('HTTP/1.0 200 OK\r\n\r\n')); socket.end(content); }],
    ['HTTP/1.1 that ends with its connection', (socket: Socket) => { socket.write(latin(head('Connection: close'))); socket.end(content); }],
    ['chunks', (socket: Socket) => { socket.write(latin(`${head('Transfer-Encoding: chunked')}${content.length.toString(16)}\r\n`)); socket.write(content); socket.write('\r\n0\r\n\r\n'); }],
  ])('%s: the content is handed over', async (_, answer) => {
    const { url } = await wire((socket) => answer(socket));
    const { error, bytes, handed, hex } = await receive(client(), url);
    expect({ error, bytes, handed, hex }).toEqual({ error: undefined, bytes: content.length, handed: content.length, hex: undefined });
  });

  it.each([
    ['a Content-Encoding', (socket: Socket) => { socket.write(latin(head(lengthLine, 'Content-Encoding: gzip'))); socket.write(content); }, 'TRANSFER_PROTOCOL'],
    ['a length below what is expected', (socket: Socket) => { socket.write(latin(head('Content-Length: 1000'))); socket.write(content.subarray(0, 1000)); }, 'INTEGRITY_SIZE'],
    ['a length above what is expected', (socket: Socket) => { socket.write(latin(head(`Content-Length: ${content.length + 1}`))); socket.write(content); socket.write('x'); }, 'INTEGRITY_SIZE'],
    ['bytes after the body, with its last ones', (socket: Socket) => { socket.cork(); socket.write(latin(head(lengthLine))); socket.write(content.subarray(0, -10)); socket.uncork(); setTimeout(() => socket.write(Buffer.concat([content.subarray(-10), latin('HTTP/1.1 200 OK\r\n\r\n')])), 50); }, 'TRANSFER_CUT'],
    ['a part that begins elsewhere', (socket: Socket) => { socket.write(latin(`HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes 7-16/${content.length}\r\n\r\n0123456789`)); }, 'TRANSFER_PROTOCOL'],
    ['several parts', (socket: Socket) => { socket.write(latin('HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Type: multipart/byteranges; boundary=x\r\n\r\n0123456789')); }, 'TRANSFER_PROTOCOL'],
    ['an end in the middle of the head', (socket: Socket) => { socket.end('HTTP/1.1 200 O'); }, 'TRANSFER_CUT'],
  ])('%s: refused, and nothing of it vouched for', async (_, answer, code) => {
    const { url } = await wire((socket) => answer(socket));
    const { error, hex } = await receive(client(), url);
    expect([(error as { readonly code?: string } | undefined)?.code, hex]).toEqual([code, undefined]);
  });

  it('more bytes in one piece with the head than it said: refused, not waited for', async () => {
    const { url } = await wire((socket) => socket.write(latin(`${head('Content-Length: 5')}0123456789`)));
    expect((await receive(await warm(), url, { sizeBytes: 5 })).error).toMatchObject({ code: 'TRANSFER_CUT' });
  });

  it('no bytes at all', async () => {
    const { url } = await wire((socket) => socket.write(latin(head('Content-Length: 0'))));
    expectWhole(await receive(await warm(), url, { sizeBytes: 0 }), new Uint8Array(0));
  });

  it('a connection that was closed between two requests is opened again, and nobody told', async () => {
    const events: BundleEvent[] = [];
    const http = client({ notify: (event) => events.push(event) });
    // The second request comes over the connection of the first one, which ends at that moment.
    const { url, asked } = await wire((socket, number) => { if (number === 2) socket.destroy(); else socket.write(Buffer.concat([latin(head(lengthLine)), content])); });
    expectWhole(await receive(http, url), content);
    expectWhole(await receive(http, url), content);
    expect([asked.length, events.filter(({ kind }) => kind === 'retry')]).toEqual([3, []]);
  });

  it('a part beyond 4 GiB lies where it belongs, and all of it is hashed', async () => {
    const before = 4 * 2 ** 30 + 12_345;
    const tail = noise(1_000_000);
    const { url, asked } = await wire((socket) => {
      socket.write(latin(`HTTP/1.1 206 Partial Content\r\nContent-Length: ${tail.length}\r\nContent-Range: bytes ${before}-${before + tail.length - 1}/${before + tail.length}\r\n\r\n`));
      socket.write(tail);
    });
    const fd = openSync(join(folder, 'large'), 'w+');
    ftruncateSync(fd, before);
    const sink = new ReceivingSink(fd, before + tail.length);
    let bytes = 0;
    for await (const chunk of client().stream(url, { signal, offset: before, expectedSize: before + tail.length, borrow: true, into: sink })) bytes += chunk.length;
    await sink.release();
    const hash = createHash('sha256');
    const zeros = Buffer.alloc(16 << 20);
    for (let left = before; left > 0; left -= zeros.length) hash.update(zeros.subarray(0, Math.min(left, zeros.length)));
    const found = Buffer.alloc(tail.length);
    readSync(fd, found, 0, tail.length, before);
    expect([bytes, fstatSync(fd).size, found.equals(tail), sink.hex]).toEqual([tail.length, before + tail.length, true, hash.update(tail).digest('hex')]);
    expect(asked[0]).toContain(`bytes=${before}-`);
    closeSync(fd);
  }, 120_000);

  it('redirects with bodies that nobody wants write nothing', async () => {
    const there = await startFaultServer((_, response) => { response.writeHead(200, { 'content-length': content.length }).end(content); });
    open.push(() => there.close());
    const { url } = await wire((socket) => socket.write(latin(`HTTP/1.1 302 Found\r\nLocation: ${there.origin}/b\r\nContent-Length: 9\r\n\r\nnot there`)));
    expectWhole(await receive(client(), url), content);
  });
});
