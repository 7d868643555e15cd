import { afterEach, describe, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import type { BundleEvent } from '../../bom/events.ts';
import type { Bytes } from '../../bom/ports.ts';
import { createHttpClient, type Http, type HttpOptions } from '../../transport/http.ts';
import { type Content, type FaultServer, type Handler, serveContent, startFaultServer } from '../support/fault-server.ts';

const signal = new AbortController().signal;
const open: { close(): Promise<void> }[] = [];
afterEach(async () => { await Promise.all(open.splice(0).map((item) => item.close())); });

const text = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8)) & 0xff);

async function serve(handler: Handler): Promise<FaultServer> {
  const server = await startFaultServer(handler);
  open.push(server);
  return server;
}

function client(options: HttpOptions = {}): Http {
  const http = createHttpClient({ env: {}, stallTimeoutMs: 1000, ...options, retry: { firstWaitMs: 1, ...options.retry } });
  open.push(http);
  return http;
}

async function all(bytes: Bytes): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

async function failure(work: Promise<unknown>): Promise<BundleError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof BundleError) return error;
  throw new Error(`expected a coded error, got ${String(error)}`);
}

describe('get and head', () => {
  it('gives status, headers and body', async () => {
    const server = await serve((_, response) => { response.writeHead(200, { 'X-Thing': 'yes' }).end('hello'); });
    const answer = await client().get(`${server.origin}/a?token=secret`, { signal, maxBytes: 10 });
    expect(new TextDecoder().decode(answer.body)).toBe('hello');
    expect(answer.headers['x-thing']).toBe('yes');
    expect(answer.url).not.toContain('secret');
  });

  it('refuses a body beyond maxBytes, said or not', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/said') response.writeHead(200, { 'content-length': '1000' });
      response.end(text(1000));
    });
    for (const path of ['/said', '/unsaid']) {
      expect((await failure(client().get(server.origin + path, { signal, maxBytes: 999 }))).code).toBe('TRANSFER_PROTOCOL');
    }
  });

  it('throws a status with its number and a shortened answer, or passes an accepted one', async () => {
    const server = await serve((_, response) => { response.writeHead(404).end('no such\n thing'); });
    const error = await failure(client().get(`http://user:secret@${server.host}/x?sig=topsecret`, { signal, maxBytes: 100 }));
    expect(error.code).toBe('TRANSFER_STATUS');
    expect(error.facts.details).toMatchObject({ status: 404 });
    expect(error.facts.actual).toBe('status 404: no such thing');
    expect(JSON.stringify([error.message, error.facts])).not.toMatch(/secret/);
    expect((await client().get(server.origin, { signal, maxBytes: 100, accept: [404] })).status).toBe(404);
  });

  it('tells the size by HEAD and keeps statuses below 500', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/none') response.writeHead(404).end();
      else serveContent(request, response, { bytes: text(70_000) });
    });
    const http = client();
    expect(await http.head(`${server.origin}/x`, { signal })).toMatchObject({ status: 200, size: 70_000 });
    expect((await http.head(`${server.origin}/none`, { signal })).status).toBe(404);
  });

  it('retries what passes, waits as Retry-After says, and tells of it', async () => {
    let count = 0;
    const server = await serve((_, response) => {
      count += 1;
      if (count === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else if (count === 2) response.writeHead(503).end();
      else if (count === 3) response.destroy();
      else response.end('ok');
    });
    const events: BundleEvent[] = [];
    const started = performance.now();
    await client({ notify: (event) => events.push(event) }).get(server.origin, { signal, maxBytes: 10 });
    expect(performance.now() - started).toBeGreaterThan(990);
    expect(events.map((event) => event.kind)).toEqual(['retry', 'retry', 'retry']);
  });

  it('gives up after the retries, and at once for a Retry-After beyond all patience', async () => {
    const server = await serve((request, response) => {
      response.writeHead(503, request.url === '/later' ? { 'retry-after': '86400' } : {}).end();
    });
    expect((await failure(client({ retry: { retries: 2 } }).get(`${server.origin}/`, { signal, maxBytes: 10 }))).facts.details).toMatchObject({ status: 503 });
    expect(server.seen.length).toBe(3);
    await failure(client().get(`${server.origin}/later`, { signal, maxBytes: 10 }));
    expect(server.seen.length).toBe(4);
  });

  it('names what is wrong with a connection', async () => {
    const server = await startFaultServer(() => undefined);
    await server.close();
    expect((await failure(client({ retry: { retries: 1 } }).get(server.origin, { signal, maxBytes: 1 }))).code).toBe('TRANSFER_CONNECT');
    const plain = await serve((_, response) => { response.end(); });
    expect((await failure(client().get(`https://${plain.host}/`, { signal, maxBytes: 1 }))).code).toBe('TRANSFER_TLS');
    expect((await failure(client().get('ftp://example.org/x', { signal, maxBytes: 1 }))).code).toBe('INPUT_URL');
    const silentServer = await serve(() => undefined);
    expect((await failure(client({ stallTimeoutMs: 300, retry: { retries: 0 } }).get(silentServer.origin, { signal, maxBytes: 1 }))).code).toBe('TRANSFER_STALL');
  });

  it('gives a host that could not be reached no second chance for a while', async () => {
    const server = await startFaultServer(() => undefined);
    await server.close();
    const events: BundleEvent[] = [];
    const http = client({ retry: { retries: 3 }, notify: (event) => events.push(event) });
    for (let turn = 0; turn < 3; turn += 1) expect((await failure(http.get(`${server.origin}/${turn}`, { signal, maxBytes: 1 }))).code).toBe('TRANSFER_CONNECT');
    expect(events.length).toBe(3);
  });

  it('stops when asked, in a request and in a wait', async () => {
    const server = await serve((request, response) => { if (request.url === '/busy') response.writeHead(503).end(); });
    for (const path of ['/hang', '/busy']) {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 50);
      expect((await failure(client({ stallTimeoutMs: 20_000, retry: { firstWaitMs: 30_000 } }).get(server.origin + path, { signal: stop.signal, maxBytes: 1 }))).code).toBe('INTERRUPTED');
    }
  });
});

describe('redirects', () => {
  it('follows, without credentials to another host, with Range', async () => {
    const content = text(1000);
    const other = await serve((request, response) => serveContent(request, response, { bytes: content }));
    const server = await serve((request, response) => {
      if (request.url === '/there') response.writeHead(302, { location: '/here' }).end();
      else response.writeHead(307, { location: `${other.origin}/blob` }).end();
    });
    const headers = { authorization: 'Bearer secret', 'X-Api-Key': 'secret' };
    expect(await all(client().stream(`${server.origin}/there`, { signal, headers, offset: 10 }))).toEqual(Buffer.from(content.subarray(10)));
    expect(server.seen[1]?.headers.authorization).toBe('Bearer secret');
    expect(other.seen[0]?.headers).toMatchObject({ range: 'bytes=10-' });
    expect(JSON.stringify(other.seen[0])).not.toContain('secret');
  });

  it('stops at loops and at other protocols', async () => {
    const server = await serve((request, response) => {
      response.writeHead(302, { location: request.url === '/loop' ? '/loop' : 'file:///etc/passwd' }).end();
    });
    for (const path of ['/loop', '/file']) {
      expect((await failure(client().get(server.origin + path, { signal, maxBytes: 1 }))).code).toBe('TRANSFER_PROTOCOL');
    }
  });
});

describe.each([false, true])('stream, borrowed: %s', (borrow) => {
  const content = text(300_000);
  const cases: [string, Omit<Content, 'bytes'>][] = [
    ['with an ETag', { etag: '"a"' }], ['with Last-Modified', { lastModified: 'Wed, 21 Oct 2015 07:28:00 GMT' }], ['without validators', {}],
    ['from a server without ranges', { ranges: false, etag: '"a"' }], ['with a weak ETag', { etag: 'W/"a"' }],
  ];
  it.each(cases)('continues a body that is cut again and again, %s', async (_, more) => {
    let left = 3;
    const server = await serve((request, response) => {
      const cut = left > 0 && request.url === '/x';
      left -= 1;
      serveContent(request, response, { ...more, bytes: content, ...(cut ? { cutAfter: 66_000 * (more.ranges === false ? 4 - left : 1) } : {}) });
    });
    expect(await all(client().stream(`${server.origin}/x`, { signal, expectedSize: content.length }))).toEqual(Buffer.from(content));
    if (more.ranges !== false) expect(server.seen.slice(1).every((seen) => seen.headers.range !== undefined)).toBe(true);
  });

  it('continues after a stall', async () => {
    let first = true;
    const server = await serve((request, response) => {
      serveContent(request, response, { bytes: content, ...(first ? { stallAfter: 1000 } : {}) });
      first = false;
    });
    expect(await all(client({ stallTimeoutMs: 200 }).stream(server.origin, { signal, borrow }))).toEqual(Buffer.from(content));
  });

  it('starts at an offset, and is empty at the end', async () => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: content }));
    const http = client();
    expect(await all(http.stream(server.origin, { signal, borrow, offset: 299_990 }))).toEqual(Buffer.from(content.subarray(299_990)));
    expect((await all(http.stream(server.origin, { signal, borrow, offset: 300_000, expectedSize: 300_000 }))).length).toBe(0);
  });

  it('says so when the content changed in between', async () => {
    let count = 0;
    const server = await serve((request, response) => {
      count += 1;
      serveContent(request, response, { bytes: count === 1 ? content : text(300_000).reverse(), etag: `"${count}"`, ...(count === 1 ? { cutAfter: 1000 } : {}) });
    });
    const error = await failure(all(client().stream(server.origin, { signal, borrow })));
    expect(error.code).toBe('TRANSFER_CUT');
    expect(error.facts.details).toMatchObject({ changed: true });
    expect(count).toBe(2);
  });

  it('never takes a short body for a whole one', async () => {
    const server = await serve((request, response) => {
      request.socket.setNoDelay(true);
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200, { connection: 'close' });
      response.end(content.subarray(0, 1000));
    });
    const error = await failure(all(client({ retry: { retries: 1 } }).stream(server.origin, { signal, borrow, expectedSize: content.length })));
    expect(error.code).toBe('TRANSFER_CUT');
  });

  it('takes only 200 and 206 for content', async () => {
    const server = await serve((request, response) => {
      const status = Number(request.url?.slice(1));
      response.writeHead(status, status === 204 ? {} : { 'content-length': 4 }).end(status === 204 ? undefined : 'text');
    });
    const http = client();
    for (const status of [201, 202, 203, 204]) {
      const error = await failure(all(http.stream(`${server.origin}/${status}`, { signal, borrow })));
      expect([error.code, error.facts.actual]).toEqual(['TRANSFER_PROTOCOL', `status ${status}`]);
    }
    expect(String(await all(http.stream(`${server.origin}/200`, { signal, borrow })))).toBe('text');
  });

  it('refuses an encoding that was not asked for, also in a part', async () => {
    const server = await serve((request, response) => {
      const encoding = request.url?.slice(1) ?? '';
      const part = request.headers.range === undefined ? {} : { 'content-range': 'bytes 2-3/4' };
      const body = request.headers.range === undefined ? 'text' : 'xt';
      response.writeHead(request.headers.range === undefined ? 200 : 206, { 'content-encoding': encoding, 'content-length': body.length, ...part }).end(body);
    });
    const http = client();
    for (const encoding of ['gzip', 'x-gzip', 'br', 'identity, gzip']) {
      for (const offset of [0, 2]) {
        const error = await failure(all(http.stream(`${server.origin}/${encodeURIComponent(encoding)}`, { signal, borrow, offset })));
        expect(error.code).toBe('TRANSFER_PROTOCOL');
        expect(error.facts.actual).toBe(`content-encoding ${encodeURIComponent(encoding)}`);
      }
    }
    expect(String(await all(http.stream(`${server.origin}/Identity`, { signal, borrow, offset: 2 })))).toBe('xt');
    expect(server.seen.every(({ headers }) => headers['accept-encoding'] === 'identity')).toBe(true);
  });

  it('takes a .tgz that the server calls gzip', async () => {
    const server = await serve((_, response) => { response.writeHead(200, { 'content-encoding': 'x-gzip', 'content-length': 4 }).end('text'); });
    expect(String(await all(client().stream(`${server.origin}/app-1.0.tgz?mirror=1`, { signal, borrow })))).toBe('text');
    expect((await failure(all(client().stream(`${server.origin}/app.bin`, { signal, borrow })))).code).toBe('TRANSFER_PROTOCOL');
  });

  it('tells the length of the content once, where the server says it', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/unsaid') { response.write('te'); response.end('xt'); }
      else serveContent(request, response, { bytes: text(1000), ...(request.headers.range === undefined ? { cutAfter: 500 } : {}) });
    });
    const told: (number | undefined)[] = [];
    for (const path of ['/said', '/unsaid']) await all(client().stream(server.origin + path, { signal, onIdentity: ({ total }) => { told.push(total); } }));
    expect(told).toEqual([1000, undefined]);
  });

  it('refuses another size than the expected one before reading', async () => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: content }));
    expect((await failure(all(client().stream(server.origin, { signal, borrow, expectedSize: 5 })))).code).toBe('INTEGRITY_SIZE');
  });

  it('gives up on a drip', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    expect((await failure(all(client({ stallTimeoutMs: 200, retry: { retries: 1 } }).stream(server.origin, { signal, borrow })))).code).toBe('TRANSFER_STALL');
  });

  it('closes the connection when the reader stops early', async () => {
    let closed = false;
    const server = await serve((_, response) => {
      response.on('close', () => { closed = true; });
      response.writeHead(200);
      const timer = setInterval(() => response.write(text(10_000)), 5);
      response.on('close', () => clearInterval(timer));
    });
    for await (const chunk of client().stream(server.origin, { signal, borrow })) { expect(chunk.length).toBeGreaterThan(0); break; }
    await expect.poll(() => closed).toBe(true);
  });

  it('keeps to a rate', async () => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: content }));
    const started = performance.now();
    await all(client({ limitRateBytesPerS: 600_000 }).stream(server.origin, { signal, borrow }));
    expect(performance.now() - started).toBeGreaterThan(200);
  });
});

describe('borrowed memory', () => {
  const content = text(5_000_000);

  it('stays as it was until three more chunks were read, also across bodies on one connection', async () => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: request.url === '/small' ? content.subarray(0, 5000) : content }));
    const http = client();
    const held: { readonly chunk: Uint8Array; readonly at: number }[] = [];
    const check = (): void => { for (const { chunk, at } of held) expect(Buffer.compare(chunk, content.subarray(at, at + chunk.length))).toBe(0); };
    for (const path of ['/small', '/', '/small', '/small', '/']) {
      let at = 0;
      for await (const chunk of http.stream(server.origin + path, { signal, borrow: true })) {
        held.push({ chunk, at });
        if (held.length > 4) held.shift();
        at += chunk.length;
        if (at % 3 === 0) await new Promise((resolve) => { setTimeout(resolve, 2); });
        check();
      }
      expect(at).toBe(path === '/' ? content.length : 5000);
    }
    check();
  });

  it('serves several bodies at once from connections that are used again', async () => {
    const sockets = new Set<unknown>();
    const server = await serve((request, response) => { sockets.add(request.socket); serveContent(request, response, { bytes: content }); });
    const http = client();
    for (let round = 0; round < 3; round += 1) {
      const sizes = await Promise.all([1, 2, 3, 4].map(async () => (await all(http.stream(server.origin, { signal, borrow: true }))).length));
      expect(sizes).toEqual([content.length, content.length, content.length, content.length]);
    }
    expect(sockets.size).toBeLessThanOrEqual(4);
  });

  it('finds another way for bodies of unknown length, and for a connection that was closed meanwhile', async () => {
    let count = 0;
    const server = await serve((request, response) => {
      count += 1;
      if (request.url === '/chunked') { response.write('abc'); response.end('def'); return; }
      serveContent(request, response, { bytes: content.subarray(0, 1000) });
      if (count === 1) response.on('finish', () => setTimeout(() => request.socket.destroy(), 5));
    });
    const http = client();
    await all(http.stream(server.origin, { signal, borrow: true }));
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    expect((await all(http.stream(server.origin, { signal, borrow: true }))).length).toBe(1000);
    expect((await all(http.stream(`${server.origin}/chunked`, { signal, borrow: true }))).toString()).toBe('abcdef');
  });
});

describe('proxies', () => {
  it('sends plain http through HTTP_PROXY, but not where NO_PROXY says, and never for loopback', async () => {
    const proxy = await serve((request, response) => { response.end(`by proxy: ${request.url}`); });
    const server = await serve((_, response) => { response.end('direct'); });
    const http = client({ env: { http_proxy: proxy.origin, no_proxy: 'direct.example.org' } });
    const answer = await http.get('http://files.example.org/x', { signal, maxBytes: 1000 });
    expect(new TextDecoder().decode(answer.body)).toBe('by proxy: http://files.example.org/x');
    expect(new TextDecoder().decode((await http.get(server.origin, { signal, maxBytes: 1000 })).body)).toBe('direct');
  });

  it('asks networks that NO_PROXY names without the proxy', async () => {
    const proxy = await serve((_, response) => { response.end('by proxy'); });
    const server = await serve((_, response) => { response.end('direct'); });
    // An address of this machine that is not a loopback one.
    const url = `http://0.0.0.0:${server.host.split(':')[1]}/x`;
    for (const [NO_PROXY, expected] of [['10.0.0.0/8', 'by proxy'], ['10.0.0.0/8,0.0.0.0/8', 'direct']] as const) {
      const http = client({ env: { HTTP_PROXY: proxy.origin, NO_PROXY } });
      expect(new TextDecoder().decode((await http.get(url, { signal, maxBytes: 1000 })).body)).toBe(expected);
      expect((await all(http.stream(url, { signal, borrow: true }))).toString()).toBe(expected);
    }
  });

  it('asks hosts of other letters than ASCII by their punycode name', async () => {
    const hosts: (string | undefined)[] = [];
    const proxy = await serve((request, response) => { hosts.push(request.url, request.headers.host); response.end('x'); });
    await client({ env: { http_proxy: proxy.origin } }).get('http://bücher.example:5000/v2/', { signal, maxBytes: 1000 });
    expect(hosts).toEqual(['http://xn--bcher-kva.example:5000/v2/', 'xn--bcher-kva.example:5000']);
  });
});
