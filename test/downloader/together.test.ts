// Many small contents at once: the way in series, and from there to the way one by one.
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { BundleEvent } from '../../bom/events.ts';
import type { PlainFetch } from '../../bom/ports.ts';
import { download, type DownloadOptions, type DownloadResult } from '../../downloader/download.ts';
import { createFileSource, plainFile } from '../../downloader/sources/file.ts';
import { Store } from '../../store/store.ts';
import { createHttpClient } from '../../transport/http.ts';
import { noise } from '../support/bytes.ts';
import { type FaultServer, type Handler, serveContent, startFaultServer } from '../support/fault-server.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { file, lockOf } from '../support/file-lock.ts';

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

const contents = Array.from({ length: 80 }, (_, index) => noise(2000 + index, index + 1));
const right: Handler = (request, response) => serveContent(request, response, { bytes: contents[Number(request.url?.slice(1))] ?? new Uint8Array() });

async function serve(handler: Handler = right): Promise<FaultServer> {
  const server = await startFaultServer(handler);
  open.push(() => server.close());
  return server;
}

interface Setup { readonly store: Store; readonly options: DownloadOptions; readonly events: BundleEvent[] }

async function setup(more: { readonly signal?: AbortSignal; readonly check?: PlainFetch['check']; readonly root?: string } = {}): Promise<Setup> {
  const root = more.root ?? join(await temporaryFolder('together'), 'store');
  const store = await Store.open(root, { create: true });
  open.push(async () => store.close());
  const events: BundleEvent[] = [];
  const notify = (event: BundleEvent): void => { events.push(event); };
  const http = createHttpClient({ env: {}, stallTimeoutMs: 2000, retry: { firstWaitMs: 1, retries: 2 }, notify });
  open.push(() => http.close());
  const known = { http, blobs: store, notify, headersFor: async () => ({}) };
  const plain = async (artifact: Parameters<typeof plainFile>[0]): Promise<PlainFetch | undefined> => {
    const found = await plainFile(artifact, known);
    return found === undefined || more.check === undefined ? found : { ...found, check: more.check };
  };
  return {
    store, events,
    options: { sources: { file: createFileSource(known) }, blobs: store, concurrency: 4, notify, signal: more.signal ?? new AbortController().signal, together: { fetchFiles: http.fetchFiles, files: store.receiving, plain: { file: plain } } },
  };
}

const lockFrom = (...origins: readonly string[]): ReturnType<typeof lockOf> => lockOf({ files: contents.map((content, index) => file(`f${index}`, content, ...origins.map((origin) => `${origin}/${index}`))) });
const movedBytes = ({ events }: Setup): number => events.reduce((sum, event) => sum + (event.kind === 'bytes' ? event.bytes : 0), 0);
const total = contents.reduce((sum, { length }) => sum + length, 0);

async function expectAll({ store }: Setup): Promise<void> {
  for (const content of contents) {
    const parts: Uint8Array[] = [];
    for await (const part of store.open({ mediaType: 'x', digest: digestOf(content), size: content.length })) parts.push(Uint8Array.from(part));
    expect(Buffer.concat(parts).equals(content)).toBe(true);
  }
  expect(readdirSync(store.spoolFolder)).toEqual([]);
}

async function failure(work: Promise<DownloadResult>): Promise<BundleError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof BundleError) return error;
  throw new Error(`expected a coded error, got ${String(error)}`);
}

describe('many small contents', () => {
  it('come each once, are told of, durable, and not asked for again', async () => {
    const server = await serve();
    const ready = await setup();
    expect(await download(lockFrom(server.origin), ready.options)).toEqual({ fetched: 80, fetchedBytes: total, present: 0, presentBytes: 0 });
    expect(server.seen.map(({ url }) => url).sort()).toEqual(contents.map((_, index) => `/${index}`).sort());
    expect(movedBytes(ready)).toBe(total);
    expect(ready.events.filter(({ kind }) => kind === 'done')).toHaveLength(80);
    expect(ready.events.filter(({ kind }) => kind === 'retry')).toEqual([]);
    await expectAll(ready);
    expect(await download(lockFrom(server.origin), (await setup({ root: ready.store.root })).options)).toMatchObject({ fetched: 0, present: 80 });
    expect(server.seen).toHaveLength(80);
  });

  it('come from a second address, or in the next attempt, where the first one fails', async () => {
    let asked = 0;
    const bad = await serve((request, response) => {
      const index = Number(request.url?.slice(1));
      const bytes = contents[index] ?? new Uint8Array();
      asked += 1;
      if (index === 3) response.writeHead(404, { 'content-length': 0 }).end();
      else if (index === 7) serveContent(request, response, { bytes: noise(bytes.length, 1000) });
      else if (index % 9 === 5) serveContent(request, response, { bytes, cutAfter: 1000 });
      else if (index === 20 && asked < 60) response.writeHead(503, { 'retry-after': '0' }).end();
      else serveContent(request, response, { bytes });
    });
    const good = await serve();
    const ready = await setup();
    const result = await download(lockFrom(bad.origin, good.origin), ready.options);
    expect(result).toMatchObject({ fetched: 80, present: 0 });
    // What was cut is continued; what was wrong is fetched again by itself, which then asks the next one.
    expect(result.fetchedBytes).toBe(total + 2 * (contents[7]?.length ?? 0));
    expect(good.seen.map(({ url }) => url)).toEqual(expect.arrayContaining(['/3', '/7']));
    await expectAll(ready);
  });

  it('go on where a process that died had received a part, or all, of them', async () => {
    const server = await serve();
    const ready = await setup();
    const leave = (index: number, bytes: number): Promise<void> => writeFile(join(ready.store.spoolFolder, `${hexOf(digestOf(contents[index] ?? ''))}.999999999.part`), (contents[index] ?? Buffer.alloc(0)).subarray(0, bytes));
    await leave(5, 1500);
    await leave(6, contents[6]?.length ?? 0);
    expect(await download(lockFrom(server.origin), ready.options)).toMatchObject({ fetched: 80, fetchedBytes: total - 1500 - (contents[6]?.length ?? 0) });
    expect(server.seen.find(({ url }) => url === '/5')?.headers.range).toBe('bytes=1500-');
    expect(server.seen.find(({ url }) => url === '/6')).toBeUndefined();
    await expectAll(ready);
  });

  it('fail as they do one by one, and keep what came', async () => {
    const server = await serve((request, response) => (request.url === '/50' ? serveContent(request, response, { bytes: noise(contents[50]?.length ?? 0, 1000) }) : right(request, response)));
    const ready = await setup();
    const error = await failure(download(lockFrom(server.origin), ready.options));
    expect(error).toMatchObject({ code: 'INTEGRITY_DIGEST' });
    expect(error.facts.subject).toContain('file f50');
    expect(server.seen.filter(({ url }) => url === '/50')).toHaveLength(3);
    expect(await ready.store.has(digestOf(contents[50] ?? ''))).toBe(false);
    const kept = (await Promise.all(contents.map((content) => ready.store.has(digestOf(content))))).filter(Boolean).length;
    expect(kept).toBeGreaterThan(0);
    const again = await download(lockFrom((await serve()).origin), (await setup({ root: ready.store.root })).options);
    expect(again).toMatchObject({ fetched: 80 - kept, present: kept });
  });

  it('are not stored before what their source has to check is true', async () => {
    const server = await serve();
    let checked = 0;
    const ready = await setup({ check: async ({ sizeBytes }) => {
      checked += 1;
      if (sizeBytes === 2011) throw new BundleError('INTEGRITY_SIGNATURE', { subject: 'f11', expected: 'a signature', actual: 'none' });
    } });
    // Here the way one by one has nothing to check.
    expect(await download(lockFrom(server.origin), ready.options)).toMatchObject({ fetched: 80, fetchedBytes: total + 2011 });
    expect(checked).toBe(80);
    expect(server.seen.filter(({ url }) => url === '/11')).toHaveLength(2);
    await expectAll(ready);
  });

  it('are kept as far as they came when a person stops the run', async () => {
    const stop = new AbortController();
    const server = await serve((request, response) => serveContent(request, response, { bytes: contents[Number(request.url?.slice(1))] ?? new Uint8Array(), ...(Number(request.url?.slice(1)) > 39 ? { stallAfter: 1000 } : {}) }));
    const ready = await setup({ signal: stop.signal });
    const running = failure(download(lockFrom(server.origin), ready.options));
    // Each of four lanes waits for one that stands still.
    await expect.poll(() => server.seen.filter(({ url }) => Number(url.slice(1)) > 39).length).toBe(4);
    stop.abort();
    expect((await running).code).toBe('INTERRUPTED');
    const kept = (await Promise.all(contents.map((content) => ready.store.has(digestOf(content))))).filter(Boolean).length;
    expect(kept).toBe(server.seen.filter(({ url }) => Number(url.slice(1)) <= 39).length);
    const again = await download(lockFrom((await serve()).origin), (await setup({ root: ready.store.root })).options);
    expect(again).toMatchObject({ fetched: 80 - kept });
  });
});
