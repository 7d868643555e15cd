import { afterEach, describe, expect, it } from 'vitest';
import type { Http, HttpOptions } from '../../transport/http.ts';
import { createHttpClient } from '../../transport/http.ts';
import { noise } from '../support/bytes.ts';
import { type FaultServer, type Handler, serveContent, startFaultServer } from '../support/fault-server.ts';
import { expectWhole as expectWholeOf, receive as receiveInto, type Received, type Receiving } from '../support/receiving.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('fetch-threads');
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

const content = noise(5_000_000);

async function serve(handler: Handler): Promise<FaultServer> {
  const server = await startFaultServer(handler);
  open.push(() => server.close());
  return server;
}

function client(options: HttpOptions = {}): Http {
  const http = createHttpClient({ env: {}, stallTimeoutMs: 2000, retry: { firstWaitMs: 1, retries: 3 }, ...options });
  open.push(() => http.close());
  return http;
}

const receive = (http: Http, url: string, options: Partial<Receiving> = {}): Promise<Received> => receiveInto(http, url, { folder, sizeBytes: content.length, ...options });
const expectWhole = (received: Received): void => expectWholeOf(received, content);

describe('bodies that threads write to files', () => {
  it('come whole, hashed, and over one connection one after another', async () => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: content }));
    const http = client();
    expectWhole(await receive(http, server.origin));
    expectWhole(await receive(http, server.origin, { isCached: true }));
  });

  it('are continued where they were cut, with the hash of all of it', async () => {
    let cuts = 2;
    const server = await serve((request, response) => serveContent(request, response, { bytes: content, etag: '"a"', ...(cuts-- > 0 ? { cutAfter: 1_500_000 } : {}) }));
    expectWhole(await receive(client(), server.origin));
    expect(server.seen.map(({ headers }) => [headers.range, headers['if-range']])).toEqual([[undefined, undefined], ['bytes=1500000-', '"a"'], ['bytes=3000000-', '"a"']]);
  });

  it('are continued after what an earlier run left, by a server that gives parts and by one that does not', async () => {
    const there = content.subarray(0, 2_000_001);
    for (const [ranges, isCached] of [[true, true], [true, false], [false, true], [false, false]] as const) {
      const server = await serve((request, response) => serveContent(request, response, { bytes: content, ranges }));
      expectWhole(await receive(client(), server.origin, { there, isCached }));
    }
  });

  it('come after redirects and answers that ask to come again', async () => {
    let busy = 1;
    const there = await serve((request, response) => serveContent(request, response, { bytes: content }));
    const server = await serve((_, response) => {
      if (busy-- > 0) response.writeHead(429, { 'retry-after': '0' }).end('later');
      else response.writeHead(307, { location: there.origin }).end();
    });
    expectWhole(await receive(client(), server.origin));
  });

  it('are handed over where the length is not said', async () => {
    const server = await serve((_, response) => { response.write(content.subarray(0, 100)); response.end(content.subarray(100)); });
    const result = await receive(client(), server.origin);
    expect(result).toMatchObject({ bytes: content.length, handed: content.length, hex: undefined, error: undefined });
  });

  it.each([
    ['a length that is another', (response) => { response.end(content.subarray(1)); }, 'INTEGRITY_SIZE'],
    ['404', (response) => { response.writeHead(404).end('no'); }, 'TRANSFER_STATUS'],
    ['silence in the middle', (response) => { response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1000)); }, 'TRANSFER_STALL'],
    ['a drip', (response) => {
      response.writeHead(200, { 'content-length': content.length });
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    }, 'TRANSFER_STALL'],
    ['a part that was not asked for', (response) => { response.writeHead(206, { 'content-range': `bytes 5-9/${content.length}` }).end('12345'); }, 'TRANSFER_PROTOCOL'],
  ] satisfies readonly [string, (response: import('node:http').ServerResponse) => void, string][])('%s: fails as it does elsewhere', async (_, answer, code) => {
    const server = await serve((_request, response) => answer(response));
    expect((await receive(client({ stallTimeoutMs: 300, retry: { firstWaitMs: 1, retries: 0 } }), server.origin)).error).toMatchObject({ code });
  });

  it('are not written to any more once a stop was waited for', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      const timer = setInterval(() => response.write(content.subarray(0, 50_000)), 5);
      response.on('close', () => clearInterval(timer));
    });
    const stop = new AbortController();
    const result = await receive(client(), server.origin, { stop: stop.signal, onChunk: () => stop.abort() });
    expect(result.error).toMatchObject({ code: 'INTERRUPTED' });
    expect(result.file.length).toBe(result.bytes);
  });

  it('fail as files do when they cannot be written', async () => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: content }));
    expect((await receive(client(), server.origin, { flags: 'r' })).error).toMatchObject({ code: 'EBADF', syscall: 'write' });
    const full = await receive(client(), server.origin, { unbuffered: '/dev/full' });
    expect(full).toMatchObject({ error: { code: 'ENOSPC', syscall: 'write' }, bytes: 0 });
    expect(server.seen.length).toBe(2);
  });

  it('are in the file soon, however slowly they come', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      let sent = 0;
      const timer = setInterval(() => response.write(content.subarray(sent, sent += 5001)), 100);
      response.on('close', () => clearInterval(timer));
    });
    const stop = new AbortController();
    const result = await receive(client(), server.origin, { stop: stop.signal, onChunk: (bytes) => { if (bytes > 20_000) stop.abort(); } });
    expect(result.error).toMatchObject({ code: 'INTERRUPTED' });
    expect(result.file.equals(content.subarray(0, result.bytes))).toBe(true);
  });

  it('keep a rate that was asked for: no thread then', async () => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: content }));
    expect((await receive(client({ limitRateBytesPerS: 1e9 }), server.origin)).handed).toBe(content.length);
  });
});
