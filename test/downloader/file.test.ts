import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { type BundleEvent, type Notify, silent } from '../../bom/events.ts';
import type { Bytes, Source } from '../../bom/ports.ts';
import type { FileRequirement } from '../../bom/requirement.ts';
import { createFileSource } from '../../downloader/sources/file.ts';
import { createHttpClient } from '../../transport/http.ts';
import { type FaultServer, type Handler, serveContent, startFaultServer } from '../support/fault-server.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';

const signal = new AbortController().signal;
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

const content = new TextEncoder().encode('a file\n'.repeat(1000));
const digest = digestOf(content);
const hash = (algorithm: string): string => `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;

async function serve(handler: Handler): Promise<FaultServer> {
  const server = await startFaultServer(handler);
  open.push(() => server.close());
  return server;
}

const good: Handler = (request, response) => serveContent(request, response, { bytes: content });
const missing: Handler = (_, response) => { response.writeHead(404).end(); };

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'longshore-test-'));
  open.push(() => rm(path, { recursive: true }));
  return path;
}

async function source(notify: Notify = silent): Promise<{ source: Source<'file'>; blobs: MemoryBlobs; spoolDir: string }> {
  const http = createHttpClient({ env: {}, stallTimeoutMs: 1000, retry: { firstWaitMs: 1, retries: 1 } });
  open.push(() => http.close());
  const blobs = new MemoryBlobs();
  const spoolDir = await folder();
  const headersFor = async (name: string): Promise<Record<string, string>> => ({ authorization: `Bearer ${name}-secret` });
  return { source: createFileSource({ http, blobs, notify, headersFor, spoolDir }), blobs, spoolDir };
}

function wanted(more: Partial<FileRequirement>): FileRequirement {
  return { kind: 'file', name: 'tools/x', urls: [], mode: '0644', purpose: 'other', headersFrom: [], evidence: [], usedBy: ['m'], at: [], ...more };
}

async function failure(work: Promise<unknown>): Promise<BundleError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof BundleError) return error;
  throw new Error(`expected a coded error, got ${String(error)}`);
}

async function all(bytes: Bytes): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('resolving', () => {
  it('asks only for the size when a sha256 is declared, and for nothing when that is too', async () => {
    const server = await serve(good);
    const { source: files, blobs } = await source();
    const { artifacts } = await files.resolve([wanted({ urls: [server.origin], digest }), wanted({ urls: [server.origin], digest, size: 7 })], signal);
    expect(artifacts.map(({ size }) => size)).toEqual([content.length, 7]);
    expect(artifacts[0]).toMatchObject({ digest, trust: 'declared', urls: [server.origin], mode: '0644', usedBy: ['m'] });
    expect(server.seen.map(({ method, headers: { range } }) => [method, range])).toEqual([['GET', 'bytes=0-0']]);
    expect(blobs.blobs.size).toBe(0);
  });

  it('reads and stores what has no sha256, checks evidence, and leaves no spool behind', async () => {
    const server = await serve(good);
    const { source: files, blobs, spoolDir } = await source();
    const evidence = ['md5', 'sha1', 'sha512'].map(hash);
    const { artifacts: [file] } = await files.resolve([wanted({ urls: [server.origin], evidence })], signal);
    expect(file).toMatchObject({ digest, size: content.length, trust: 'first-use', evidence });
    expect(await blobs.has(digest)).toBe(true);
    const error = await failure(files.resolve([wanted({ urls: [server.origin], evidence: [hash('md5'), `sha1:${'0'.repeat(40)}`] })], signal));
    expect(error.code).toBe('INTEGRITY_DIGEST');
    expect((await failure(files.resolve([wanted({ urls: [server.origin], evidence: ['crc32:12345678'] })], signal))).code).toBe('INPUT_FIELD');
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('tries mirrors in order, past 404 and wrong content, and names all when none is good', async () => {
    const [none, wrong, right] = [await serve(missing), await serve((_, response) => { response.end('other'); }), await serve(good)];
    const { source: files } = await source();
    const { artifacts: [file] } = await files.resolve([wanted({ urls: [none.origin, wrong.origin, right.origin], evidence: [hash('sha1')] })], signal);
    expect(file?.digest).toBe(digest);
    const error = await failure(files.resolve([wanted({ urls: [none.origin, wrong.origin], evidence: [hash('sha1')] })], signal));
    expect(error.code).toBe('INTEGRITY_DIGEST');
    expect(error.facts.actual).toContain(none.host);
    expect(error.facts.actual).toContain(wrong.host);
    expect((await failure(files.resolve([wanted({ urls: [none.origin] })], signal))).code).toBe('RESOLVE_NOT_FOUND');
  });

  it.each<[string, Handler]>([
    ['where no size is said', (_, response) => { response.write(content.subarray(0, 10)); response.end(content.subarray(10)); }],
    ['where ranges are refused', (request, response) => { if (request.headers.range === undefined) good(request, response); else response.writeHead(403).end(); }],
    ['where an answer contradicts itself', (request, response) => {
      if (request.headers.range === undefined) good(request, response);
      else response.writeHead(206, { 'content-range': 'bytes 0-0/5', 'content-length': 2 }).end('aa');
    }],
  ])('reads content %s', async (_, handler) => {
    const server = await serve(handler);
    const { source: files, blobs } = await source();
    expect((await files.resolve([wanted({ urls: [server.origin], digest })], signal)).artifacts[0]?.size).toBe(content.length);
    expect(await blobs.has(digest)).toBe(true);
  });

  it.each([true, false])('is not misled by a HEAD that lies; ranges: %s', async (ranges) => {
    const server = await serve((request, response) => {
      if (request.method === 'HEAD') response.writeHead(200, { 'content-length': 5 }).end();
      else serveContent(request, response, { bytes: content, ranges });
    });
    const { source: files, blobs } = await source();
    const { artifacts: [file] } = await files.resolve([wanted({ urls: [server.origin], digest })], signal);
    expect(file?.size).toBe(content.length);
    expect(server.seen.length).toBe(1);
    expect(blobs.blobs.size).toBe(0);
    expect(await all(files.fetch(file!, file!, { signal }))).toEqual(Buffer.from(content));
  });

  it('takes neither an empty success nor an encoded body for the file', async () => {
    const [empty, encoded] = [await serve((_, response) => { response.writeHead(204).end(); }), await serve((_, response) => { response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(content)); })];
    const { source: files, blobs, spoolDir } = await source();
    for (const [server, actual] of [[empty, 'status 204'], [encoded, 'content-encoding gzip']] as const) {
      const error = await failure(files.resolve([wanted({ urls: [server.origin] })], signal));
      expect([error.code, error.facts.actual]).toEqual(['TRANSFER_PROTOCOL', actual]);
    }
    expect(blobs.blobs.size).toBe(0);
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('warns of a length that could not be checked, when nothing else was declared', async () => {
    const [said, unsaid] = [await serve(good), await serve((_, response) => { response.write(content.subarray(0, 10)); response.end(content.subarray(10)); })];
    const events: BundleEvent[] = [];
    const { source: files } = await source((event) => { if (event.kind === 'warning') events.push(event); });
    for (const one of [{ urls: [said.origin] }, { urls: [unsaid.origin], size: content.length }, { urls: [unsaid.origin], evidence: [hash('md5')] }]) await files.resolve([wanted(one)], signal);
    expect(events).toEqual([]);
    await files.resolve([wanted({ urls: [`${unsaid.origin}/?q=secret`] })], signal);
    expect(events).toMatchObject([{ subject: expect.stringContaining('tools/x') as string, message: expect.stringContaining('could not be checked') as string }]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  it('stores local files and file: addresses', async () => {
    const path = join(await folder(), 'local file');
    await writeFile(path, content);
    const { source: files, blobs } = await source();
    const { artifacts } = await files.resolve([
      wanted({ path: { absolute: path, written: './local file' } }), wanted({ urls: [pathToFileURL(path).href], digest }),
    ], signal);
    expect(artifacts[0]).toMatchObject({ digest, path: './local file', urls: [], trust: 'first-use' });
    expect(artifacts[1]).toMatchObject({ digest, urls: [], trust: 'declared' });
    expect(await blobs.has(digest)).toBe(true);
    const bad = digestOf('other');
    expect((await failure(files.resolve([wanted({ path: { absolute: path, written: 'x' }, digest: bad })], signal))).code).toBe('INTEGRITY_DIGEST');
    for (const absolute of [`${path}.none`, tmpdir()]) {
      expect((await failure(files.resolve([wanted({ path: { absolute, written: 'x' } })], signal))).code).toBe('INPUT_MISSING_FILE');
    }
  });

  it('sends the headers of named credentials and keeps them out of the lock', async () => {
    const server = await serve(good);
    const { source: files } = await source();
    const { artifacts: [file] } = await files.resolve([wanted({ urls: [server.origin], digest, headersFrom: ['vendor'] })], signal);
    expect(server.seen[0]?.headers.authorization).toBe('Bearer vendor-secret');
    expect(file?.headersFrom).toEqual(['vendor']);
    expect(JSON.stringify(file)).not.toContain('secret');
    for (const url of ['https://user:hidden@example.org/x', 'https://example.org/x?token=hidden']) {
      const error = await failure(files.resolve([wanted({ urls: [url], digest })], signal));
      expect(error.code).toBe('INPUT_CREDENTIAL');
      expect(`${error.message} ${error.next}`).not.toContain('hidden');
    }
    expect((await failure(files.resolve([wanted({ urls: ['https://'], digest })], signal))).code).toBe('INPUT_URL');
  });
});

describe('fetching', () => {
  it('starts at an offset and goes to the next mirror', async () => {
    const [none, right] = [await serve(missing), await serve(good)];
    const { source: files } = await source();
    const { artifacts: [file] } = await files.resolve([wanted({ urls: [none.origin, right.origin], digest, size: content.length })], signal);
    expect(await all(files.fetch(file!, file!, { signal, offset: 100 }))).toEqual(Buffer.from(content.subarray(100)));
  });
});
