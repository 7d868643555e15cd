import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { BundleEvent } from '../../bom/events.ts';
import { contentOf, type Lock } from '../../bom/lock.ts';
import type { BlobReader, BlobWriter, Bytes } from '../../bom/ports.ts';
import { download, type DownloadOptions, type DownloadResult } from '../../downloader/download.ts';
import { createFileSource } from '../../downloader/sources/file.ts';
import { createImageSource } from '../../downloader/sources/image.ts';
import { Store } from '../../store/store.ts';
import { createHttpClient } from '../../transport/http.ts';
import { createRegistryPool } from '../../transport/registry.ts';
import { type FakeRegistry, type FakeRegistryOptions, startFakeRegistry } from '../support/fake-registry.ts';
import { type FaultServer, type Handler, serveContent, startFaultServer } from '../support/fault-server.ts';
import { file, lockOf } from '../support/file-lock.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

async function serve(handler: Handler): Promise<FaultServer> {
  const server = await startFaultServer(handler);
  open.push(() => server.close());
  return server;
}

async function registry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const fake = await startFakeRegistry(options);
  open.push(() => fake.close());
  return fake;
}

const bytesOf = (size: number, seed = 1): Uint8Array => Uint8Array.from({ length: size }, (_, at) => (at * 31 * seed + (at >> 8)) & 0xff);

async function openStore(): Promise<Store> {
  const dir = await mkdtemp(join(tmpdir(), 'longshore-test-'));
  open.push(() => rm(dir, { recursive: true }));
  const store = await Store.open(join(dir, 'store'), { create: true });
  open.push(async () => store.close());
  return store;
}

interface Setup { readonly options: DownloadOptions; readonly events: BundleEvent[] }

function setup(blobs: BlobReader & BlobWriter, more: Partial<DownloadOptions> & { readonly insecure?: readonly string[]; readonly stallTimeoutMs?: number } = {}): Setup {
  const http = createHttpClient({ env: {}, stallTimeoutMs: more.stallTimeoutMs ?? 500, retry: { firstWaitMs: 1, retries: 2 } });
  open.push(() => http.close());
  const events: BundleEvent[] = [];
  const notify = (event: BundleEvent): void => { events.push(event); };
  const image = createImageSource({ registry: createRegistryPool({ http, insecureHosts: more.insecure ?? [] }), blobs, notify });
  const files = createFileSource({ http, blobs, notify, headersFor: async () => ({}) });
  return { options: { sources: { image, file: files }, blobs, concurrency: 4, notify, signal: new AbortController().signal, ...more }, events };
}

async function failure(work: Promise<DownloadResult>): Promise<BundleError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof BundleError) return error;
  throw new Error(`expected a coded error, got ${String(error)}`);
}

async function imageLock(fake: FakeRegistry, refs: readonly string[], { options }: Setup): Promise<Lock> {
  const wanted = refs.map((ref) => ({
    kind: 'image' as const, ref: `${fake.host}/${ref}`, platforms: ['all'], sources: [`${fake.host}/${ref}`], artifactKind: 'image' as const, role: 'runtime',
    extras: { signatures: false, attestations: false, sboms: false, referrers: false }, usedBy: [], at: [],
  }));
  const source = options.sources.image as ReturnType<typeof createImageSource>;
  return lockOf({ images: [...(await source.resolve(wanted, options.signal)).artifacts] });
}

describe('download', () => {
  it('fetches what is missing, each blob once however many images share it, and nothing the second time', async () => {
    const fake = await registry();
    const base = bytesOf(200_000);
    for (const name of ['a', 'b', 'c']) fake.addImage('linux/amd64', [base, name], `x/${name}:1`);
    const blobs = new MemoryBlobs();
    const ready = setup(blobs, { insecure: [fake.host] });
    const lock = await imageLock(fake, ['x/a:1', 'x/b:1', 'x/c:1'], ready);
    const first = await download(lock, ready.options);
    for (const digest of contentOf(lock).keys()) expect(await blobs.has(digest)).toBe(true);
    const requests = fake.server.seen.filter(({ url }) => url.includes(digestOf(base)));
    expect(requests.length).toBe(1);
    const plan = ready.events.find((event) => event.kind === 'plan');
    const moved = ready.events.reduce((sum, event) => sum + (event.kind === 'bytes' ? event.bytes : 0), 0);
    expect(plan).toMatchObject({ phase: 'download', items: contentOf(lock).size, presentBytes: first.presentBytes });
    expect(moved).toBe(first.fetchedBytes);
    const seen = fake.server.seen.length;
    expect(await download(lock, ready.options)).toEqual({ fetched: 0, fetchedBytes: 0, present: contentOf(lock).size, presentBytes: first.fetchedBytes + first.presentBytes });
    expect(fake.server.seen.length).toBe(seen);
  });

  it('names what only the store can have before fetching anything', async () => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: bytesOf(10) }));
    const lock = lockOf({ files: [file('a', bytesOf(10), server.origin), file('local', bytesOf(20))], boms: [{ name: 'm', version: '1', digest: digestOf('bom'), size: 3, labels: {} }] });
    const error = await failure(download(lock, setup(new MemoryBlobs()).options));
    expect(error.code).toBe('INTEGRITY_MISSING');
    expect(error.message).toContain('and 1 more');
    expect(error.next).toContain('longshore lock');
    expect(server.seen).toEqual([]);
  });

  it('fetches wrong content once more, from the next mirror', async () => {
    const content = bytesOf(1000);
    const wrong = await serve((request, response) => serveContent(request, response, { bytes: bytesOf(1000, 3) }));
    const right = await serve((request, response) => serveContent(request, response, { bytes: content }));
    const blobs = new MemoryBlobs();
    await download(lockOf({ files: [file('a', content, wrong.origin, right.origin)] }), setup(blobs).options);
    expect(await blobs.has(digestOf(content))).toBe(true);
    const error = await failure(download(lockOf({ files: [file('a', content, wrong.origin)] }), setup(new MemoryBlobs()).options));
    expect(error.code).toBe('INTEGRITY_DIGEST');
    expect(error.message).toContain('file a');
  });

  it('throws the first failure with the others, and starts nothing new after it', async () => {
    const server = await serve((_, response) => { response.writeHead(404).end(); });
    const files = Array.from({ length: 50 }, (_, at) => file(`f${at}`, bytesOf(100 + at), `${server.origin}/${at}`));
    const error = await failure(download(lockOf({ files }), setup(new MemoryBlobs(), { concurrency: 2 }).options));
    expect(error.code).toBe('RESOLVE_NOT_FOUND');
    expect(server.seen.length).toBeLessThan(10);
  });

  it('goes on to the next blob when one was received, before it is durable', async () => {
    const contents = Array.from({ length: 20 }, (_, at) => bytesOf(1000 + at));
    const server = await serve((request, response) => serveContent(request, response, { bytes: contents[Number(request.url?.slice(1))] ?? bytesOf(0) }));
    const all = Promise.withResolvers<void>();
    let received = 0;
    const slow: BlobReader & BlobWriter = Object.assign(new MemoryBlobs(), {
      async fill(_: unknown, from: (offset: number) => Bytes): Promise<'stored'> {
        for await (const chunk of from(0)) if (chunk.length === 0) break;
        received += 1;
        if (received === contents.length) all.resolve();
        await all.promise;
        return 'stored' as const;
      },
    });
    const result = await download(lockOf({ files: contents.map((content, at) => file(`f${at}`, content, `${server.origin}/${at}`)) }), setup(slow, { concurrency: 2 }).options);
    expect(result.fetched).toBe(20);
  });

  it('continues inside a blob after a stop', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'longshore-test-'));
    open.push(() => rm(dir, { recursive: true }));
    const store = await Store.open(join(dir, 'store'), { create: true });
    open.push(async () => store.close());
    const content = bytesOf(3_000_000);
    let stall = true;
    const server = await serve((request, response) => serveContent(request, response, { bytes: content, etag: '"x"', ...(stall ? { stallAfter: 2_000_000 } : {}) }));
    const lock = lockOf({ files: [file('a', content, server.origin)] });
    const stop = new AbortController();
    // What came is in the file though nothing more comes: no end of the connection brings it there.
    const ready = setup(store, { signal: stop.signal, stallTimeoutMs: 600_000 });
    const running = failure(download(lock, ready.options));
    const left = async (): Promise<number> => {
      const [name] = (await readdir(join(dir, 'store/partial'))).filter((each) => each.endsWith('.part'));
      return name === undefined ? 0 : (await stat(join(dir, 'store/partial', name))).size;
    };
    await expect.poll(left).toBe(2_000_000);
    stop.abort();
    expect((await running).code).toBe('INTERRUPTED');
    expect(await left()).toBe(2_000_000);
    stall = false;
    const result = await download(lock, setup(store).options);
    expect(result.fetchedBytes).toBe(1_000_000);
    expect(server.seen.at(-1)?.headers.range).toBe('bytes=2000000-');
    expect(await store.has(digestOf(content))).toBe(true);
  });
});

/** Every way a registry can misbehave: none may end well with content missing or wrong. */
describe('a misbehaving registry', () => {
  const layer = bytesOf(400_000);
  /** Long enough for the threads that receive into files. */
  const long = bytesOf(3_000_000);
  const wrong = bytesOf(long.length, 5);
  const isLayer = (url: string | undefined, content = layer): boolean => url?.includes(digestOf(content)) === true;

  /** Into a store as users have it: what is not the content must not get there, and nothing ends well without it. */
  async function attempt(fault: NonNullable<FakeRegistryOptions['fault']>, { auth, content = layer, stallTimeoutMs = 20_000 }: { readonly auth?: FakeRegistryOptions['auth']; readonly content?: Uint8Array; readonly stallTimeoutMs?: number } = {}): Promise<{ code: string; fake: FakeRegistry }> {
    let armed = false;
    const fake = await registry({ ...(auth === undefined ? {} : { auth }), fault: (request, response) => (armed ? fault(request, response) : false) });
    fake.addImage('linux/amd64', [content], 'x/y:1');
    const store = await openStore();
    const ready = setup(store, { insecure: [fake.host], stallTimeoutMs });
    const lock = await imageLock(fake, ['x/y:1'], ready);
    armed = true;
    const code = await download(lock, ready.options).then(() => 'done', (error: unknown) => (error instanceof BundleError ? error.code : String(error)));
    expect(code === 'done').toBe(await store.has(digestOf(content)));
    if (code === 'done') expect(await collect(store.open({ mediaType: 'x', digest: digestOf(content), size: content.length }))).toBe(content.length);
    return { code, fake };
  }

  type Answer = import('node:http').ServerResponse;
  const always: [string, string, (response: Answer, of: { readonly request: import('node:http').IncomingMessage; readonly content: Uint8Array }) => void][] = [
    ['a short body with a wrong length', 'INTEGRITY_SIZE', (response, { content }) => { response.end(content.subarray(0, 1000)); }],
    ['a body that ends before its length, each time', 'TRANSFER_CUT', (response, { content }) => { response.writeHead(200, { 'content-length': content.length }).write('x', () => { setTimeout(() => response.destroy(), 10); }); }],
    ['a short body without a length', 'TRANSFER_CUT', (response) => { response.writeHead(200, { 'transfer-encoding': 'chunked' }); response.write('x'); response.end(); }],
    ['wrong bytes of the right length', 'INTEGRITY_DIGEST', (response, { content }) => { response.end(wrong.subarray(0, content.length)); }],
    ['an endless body', 'INTEGRITY_SIZE', (response, { content }) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      const timer = setInterval(() => response.write(content), 1);
      response.on('close', () => clearInterval(timer));
    }],
    ['a slow drip', 'TRANSFER_STALL', (response, { content }) => {
      response.writeHead(200, { 'content-length': content.length });
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    }],
    ['429 for ever', 'TRANSFER_STATUS', (response) => { response.writeHead(429, { 'retry-after': '0' }).end(); }],
    ['401 for ever', 'TRANSFER_AUTH', (response) => { response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(); }],
    ['403', 'TRANSFER_STATUS', (response) => { response.writeHead(403).end(); }],
    ['a range that was not asked for', 'TRANSFER_PROTOCOL', (response, { content }) => { response.writeHead(206, { 'content-range': `bytes 5-9/${content.length}` }).end('12345'); }],
    ['garbage in place of HTTP', 'TRANSFER_PROTOCOL', (response) => { response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'); }],
    ['redirects in a circle', 'TRANSFER_PROTOCOL', (response, { request }) => { response.writeHead(307, { location: request.url ?? '' }).end(); }],
  ];
  it.each(always)('%s: %s', async (_, code, fault) => {
    const codes = await Promise.all([layer, long].map((content) => attempt((request, response) => {
      if (!isLayer(request.url, content)) return false;
      fault(response, { request, content });
      return true;
    }, { content, ...(code === 'TRANSFER_STALL' ? { stallTimeoutMs: 500 } : {}) })));
    expect(codes.map((each) => each.code)).toEqual([code, code]);
  });

  it('a storm of 429 that passes', async () => {
    let left = 2;
    const { code } = await attempt((request, response) => {
      if (!isLayer(request.url) || left === 0) return false;
      left -= 1;
      response.writeHead(429, { 'retry-after': '0' }).end();
      return true;
    });
    expect(code).toBe('done');
  });

  it('resets in mid-blob, again and again', async () => {
    let left = 3;
    const { code, fake } = await attempt((request, response) => {
      if (!isLayer(request.url) || left === 0) return false;
      left -= 1;
      const start = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
      serveContent(request, response, { bytes: layer, cutAfter: 100_000 });
      expect(start).toBe((2 - left) * 100_000);
      return true;
    });
    expect(code).toBe('done');
    expect(fake.server.seen.filter(({ url }) => isLayer(url)).length).toBe(4);
  });

  it('another validator in each answer, and cuts', async () => {
    let answers = 0;
    const { code } = await attempt((request, response) => {
      if (!isLayer(request.url)) return false;
      answers += 1;
      serveContent(request, response, { bytes: layer, etag: `"${answers}"`, cutAfter: 100_000 });
      return true;
    });
    expect([code, answers > 4]).toEqual(['done', true]);
  });

  it('another content at first, and a cut: it begins anew', async () => {
    let answers = 0;
    const { code, fake } = await attempt((request, response) => {
      if (!isLayer(request.url) || answers > 0) return false;
      answers += 1;
      serveContent(request, response, { bytes: wrong.subarray(0, layer.length), etag: '"wrong"', cutAfter: 100_000 });
      return true;
    });
    expect(code).toBe('done');
    expect(fake.server.seen.filter(({ url }) => isLayer(url)).map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=100000-', 'bytes=100000-', undefined]);
  });

  it('nothing is asked by HEAD, which may lie', async () => {
    const { code, fake } = await attempt(() => false);
    expect([code, fake.server.seen.filter(({ method }) => method === 'HEAD')]).toEqual(['done', []]);
  });

  it('tokens that expire in mid-blob', async () => {
    let cuts = 2;
    const { code } = await attempt((request, response) => {
      if (!isLayer(request.url) || cuts === 0 || request.headers.authorization === undefined) return false;
      cuts -= 1;
      serveContent(request, response, { bytes: layer, cutAfter: 70_000 });
      return true;
    }, { auth: { kind: 'bearer', tokenUses: 1 } });
    expect(code).toBe('done');
  });
});

async function collect(bytes: Bytes): Promise<number> {
  let length = 0;
  for await (const chunk of bytes) length += chunk.length;
  return length;
}

describe('what a stop leaves', () => {
  it('closes its requests', async () => {
    const server = await serve((_, response) => { response.writeHead(200, { 'content-length': 10 }).write('x'); });
    const stop = new AbortController();
    const { options } = setup(new MemoryBlobs(), { signal: stop.signal });
    const source = options.sources.file as ReturnType<typeof createFileSource>;
    const locked = file('a', bytesOf(10), server.origin);
    const reading = collect(source.fetch(locked, locked, { signal: stop.signal })).catch((error: unknown) => error);
    setTimeout(() => stop.abort(), 50);
    expect(await reading).toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('memory that is used again', () => {
  /** Chunks that are overwritten as soon as three more were asked for, which is what fast transports may do. */
  async function* borrowed(content: Uint8Array, chunkBytes: number): Bytes {
    const buffers = Array.from({ length: 4 }, () => new Uint8Array(chunkBytes));
    for (let at = 0, turn = 0; at < content.length; at += chunkBytes, turn += 1) {
      const buffer = buffers[turn % 4] as Uint8Array;
      buffer.fill(0xee);
      const part = content.subarray(at, at + chunkBytes);
      buffer.set(part);
      yield buffer.subarray(0, part.length);
    }
    for (const buffer of buffers) setTimeout(() => buffer.fill(0xee), 50);
  }

  it('is no longer looked at by the store when it is overwritten', async () => {
    const store = await openStore();
    const signal = new AbortController().signal;
    const contents = [1, 2, 3, 4, 5, 6].map((seed) => bytesOf(3_000_000 + seed, seed));
    await Promise.all(contents.map(async (content, at) => {
      const blob = { mediaType: 'x', digest: digestOf(content), size: content.length };
      await store.fill(blob, () => borrowed(content, [4096, 65_536, 131_072][at % 3] as number), signal);
    }));
    for (const content of contents) {
      // A whole read is verified: it would throw for bytes that were overwritten before they were written.
      expect(await collect(store.open({ mediaType: 'x', digest: digestOf(content), size: content.length }))).toBe(content.length);
    }
  });
});
