// Many small contents, fetched into files by threads that tell of them together.
import { closeSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../bom/digest.ts';
import type { FileOrder, FileResult } from '../../bom/ports.ts';
import { createHttpClient, type Http, type HttpOptions } from '../../transport/http.ts';
import { noise } from '../support/bytes.ts';
import { type FaultServer, type Handler, serveContent, startFaultServer } from '../support/fault-server.ts';
import { temporaryFolder } from '../support/temporary.ts';

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

const contents = Array.from({ length: 12 }, (_, index) => noise(1000 + index * 30_011, index + 1));
const contentAt = ({ url = '' }: IncomingMessage): Uint8Array => contents[Number(url.slice(1))] ?? new Uint8Array();

async function serve(handler: Handler = (request, response) => serveContent(request, response, { bytes: contentAt(request) })): Promise<FaultServer> {
  const server = await startFaultServer(handler);
  open.push(() => server.close());
  return server;
}

function client(options: HttpOptions = {}): Http {
  const http = createHttpClient({ env: {}, stallTimeoutMs: 2000, connectTimeoutMs: 2000, ...options });
  open.push(() => http.close());
  return http;
}

async function ordersOf(origin: string): Promise<FileOrder[]> {
  const folder = await temporaryFolder('series');
  return contents.map((bytes, index) => ({ url: `${origin}/${index}`, path: join(folder, `${index}.part`), blob: { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length } }));
}

interface Told { readonly whole: readonly number[]; readonly left: readonly (readonly [number, number])[]; readonly untried: readonly number[]; readonly results: readonly FileResult[] }

async function fetched(http: Http, orders: readonly FileOrder[], stop = new AbortController(), onResults?: () => void): Promise<Told> {
  const results: FileResult[] = [];
  await http.fetchFiles(orders, { signal: stop.signal, onResults: (some) => { results.push(...some); onResults?.(); } });
  expect(new Set(results.map(({ order }) => order)).size).toBe(orders.length);
  expect(results.length).toBe(orders.length);
  for (const result of results) {
    if (result.kind !== 'whole') continue;
    expect(digestOf(readFileSync(result.fd))).toBe(result.order.blob.digest);
    closeSync(result.fd);
  }
  const at = ({ order }: FileResult): number => orders.indexOf(order);
  return {
    results, whole: results.filter(({ kind }) => kind === 'whole').map(at), untried: results.filter(({ kind }) => kind === 'untried').map(at),
    left: results.flatMap((result) => (result.kind === 'left' ? [[at(result), result.bytes] as const] : [])),
  };
}

const all = contents.map((_, index) => index);
const after = (index: number): number[] => all.slice(index + 1);

describe('many contents in series', () => {
  it('come whole into new files, one after another over one connection', async () => {
    const server = await serve();
    const orders = await ordersOf(server.origin);
    expect(await fetched(client(), orders)).toMatchObject({ whole: all, left: [], untried: [] });
    expect(server.seen.map(({ url, headers }) => [url, headers['accept-encoding'], headers.range])).toEqual(all.map((index) => [`/${index}`, 'identity', undefined]));
    expect(await readFile(orders[3]?.path ?? '')).toEqual(contents[3]);
  });

  it('tell the hash of a tail, and send headers and what stands in the address', async () => {
    const server = await serve();
    const [first, second] = await ordersOf(server.origin.replace('://', '://user:word@'));
    if (first === undefined || second === undefined) throw new Error('no orders');
    const { results } = await fetched(client(), [{ ...first, tailFrom: 400, headers: { 'X-Token': 'abc' } }, second]);
    expect(results[0]).toMatchObject({ kind: 'whole', tailHex: hexOf(digestOf((contents[0] as Uint8Array).subarray(400))) });
    expect(results[1]).not.toHaveProperty('tailHex');
    expect(server.seen[0]?.headers).toMatchObject({ 'x-token': 'abc', authorization: `Basic ${Buffer.from('user:word').toString('base64')}` });
    expect(server.seen[1]?.headers).not.toHaveProperty('x-token');
  });

  const faults: readonly (readonly [string, (request: IncomingMessage, response: ServerResponse) => void, { readonly ends: boolean; readonly bytes?: number }])[] = [
    ['not found', (_, response) => { response.writeHead(404, { 'content-length': 2 }).end('no'); }, { ends: false }],
    ['gone', (_, response) => { response.writeHead(410, { 'content-length': 0 }).end(); }, { ends: false }],
    ['forbidden', (_, response) => { response.writeHead(403).end('no'); }, { ends: true }],
    ['asked to come later', (_, response) => { response.writeHead(429, { 'retry-after': '0' }).end(); }, { ends: true }],
    ['a server in trouble', (_, response) => { response.writeHead(500).end('oh'); }, { ends: true }],
    ['elsewhere', (request, response) => { response.writeHead(302, { location: `${request.url}?x` }).end(); }, { ends: true }],
    ['encoded', (request, response) => { response.writeHead(200, { 'content-encoding': 'br', 'content-length': contentAt(request).length }).end(contentAt(request)); }, { ends: true }],
    ['of another length', (request, response) => { response.writeHead(200, { 'content-length': 10 }).end(contentAt(request).subarray(0, 10)); }, { ends: true }],
    ['of unknown length', (request, response) => { response.writeHead(200).write('x'); response.end(contentAt(request).subarray(1)); }, { ends: true }],
    ['cut', (request, response) => { serveContent(request, response, { bytes: contentAt(request), cutAfter: 50_000 }); }, { ends: true, bytes: 50_000 }],
    ['stalled', (request, response) => { serveContent(request, response, { bytes: contentAt(request), stallAfter: 50_000 }); }, { ends: true, bytes: 50_000 }],
  ];
  it.each(faults)('leave one that is %s, and what came of it', async (_, answer, { ends, bytes = 0 }) => {
    const server = await serve((request, response) => (request.url === '/4' ? answer(request, response) : serveContent(request, response, { bytes: contentAt(request) })));
    const orders = await ordersOf(server.origin);
    const told = await fetched(client({ stallTimeoutMs: 300 }), orders);
    expect(told).toMatchObject({ whole: all.filter((index) => index !== 4 && (!ends || index < 4)), left: [[4, bytes]], untried: ends ? after(4) : [] });
    const part = await readFile(orders[4]?.path ?? '').catch(() => Buffer.alloc(0));
    expect(part).toEqual(Buffer.from((contents[4] as Uint8Array).subarray(0, bytes)));
    expect(await readdir(join(orders[4]?.path ?? '', '..'))).toHaveLength(told.whole.length + (bytes > 0 ? 1 : 0));
  });

  it('leave no file of a wrong content', async () => {
    const wrong = noise(contents[4]?.length ?? 0, 99);
    const server = await serve((request, response) => serveContent(request, response, { bytes: request.url === '/4' ? wrong : contentAt(request) }));
    const orders = await ordersOf(server.origin);
    const { results, whole } = await fetched(client(), orders);
    expect(whole).toEqual(all.filter((index) => index !== 4));
    expect(results.find(({ kind }) => kind === 'left')).toEqual({ kind: 'left', order: orders[4], bytes: wrong.length });
    expect(await readdir(join(orders[4]?.path ?? '', '..'))).not.toContain('4.part');
  });

  it('leave a file that is there as it is', async () => {
    const server = await serve();
    const orders = await ordersOf(server.origin);
    await writeFile(orders[2]?.path ?? '', 'somebody else');
    expect(await fetched(client(), orders)).toMatchObject({ whole: [0, 1], left: [[2, 0]], untried: after(2) });
    expect(await readFile(orders[2]?.path ?? '', 'utf8')).toBe('somebody else');
  });

  it('end soon after a stop, with what was whole by then', async () => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: contentAt(request), ...(request.url === '/5' ? { stallAfter: 1000 } : {}) }));
    const stop = new AbortController();
    const orders = await ordersOf(server.origin);
    const telling = fetched(client({ stallTimeoutMs: 60_000 }), orders, stop);
    await expect.poll(() => server.seen.length).toBe(6);
    stop.abort();
    const { whole, left, untried } = await telling;
    expect([whole, untried]).toEqual([[0, 1, 2, 3, 4], []]);
    expect(left.map(([index]) => index)).toEqual([5, ...after(5)]);
    expect(server.seen.length).toBe(6);
  });

  it.each<readonly [string, HttpOptions]>([
    ['a rate is to be kept', { limitRateBytesPerS: 1e9 }],
    ['a proxy stands between', { env: { http_proxy: 'http://127.0.0.1:9' } }],
  ])('are all left, and nobody asked, where %s', async (_, options) => {
    const server = await serve();
    const orders = await ordersOf(options.env === undefined ? server.origin : 'http://example.org');
    expect(await fetched(client(options), orders)).toMatchObject({ whole: [], untried: [], left: all.map((index) => [index, 0]) });
    expect(server.seen).toEqual([]);
  });

  it('are left to others once a server failed too often', async () => {
    const server = await serve((_, response) => { response.writeHead(500).end(); });
    const http = client();
    let untried = 1;
    for (let round = 0; untried > 0 && round < 100; round += 1) untried = (await fetched(http, await ordersOf(server.origin))).untried.length;
    const asked = server.seen.length;
    expect(asked).toBeLessThan(64);
    expect(await fetched(http, await ordersOf(server.origin))).toMatchObject({ whole: [], untried: [] });
    expect(server.seen.length).toBe(asked);
  });

  it('are left where they are of several servers', async () => {
    const [server, other] = [await serve(), await serve()];
    const orders = await ordersOf(server.origin);
    const mixed = orders.map((order, index) => (index < 3 ? order : { ...order, url: order.url.replace(server.origin, other.origin) }));
    expect(await fetched(client(), mixed)).toMatchObject({ whole: [], left: all.map((index) => [index, 0]) });
    expect([...server.seen, ...other.seen]).toEqual([]);
  });
});
