import { spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { Store } from '../../store/store.ts';
import { digestOf } from '../../bom/digest.ts';
import { ReceivingSink } from '../../store/file-sink.ts';
import { createHttpClient, type Http, type HttpOptions } from '../../transport/http.ts';
import { noise } from '../support/bytes.ts';
import { type FaultServer, type Handler, serveContent, startFaultServer } from '../support/fault-server.ts';
import { receive as receiveInto, type Received, type Receiving } from '../support/receiving.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('fetch-threads-lost');
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

const content = noise(5_000_000);
const { signal } = new AbortController();

async function serve(handler: Handler): Promise<FaultServer> {
  const server = await startFaultServer(handler);
  open.push(() => server.close());
  return server;
}

function client(options: HttpOptions = {}): Http {
  const http = createHttpClient({ env: {}, stallTimeoutMs: 5000, retry: { firstWaitMs: 1, retries: 2 }, ...options });
  open.push(() => http.close());
  return http;
}

const receive = (http: Http, url: string, options: Partial<Receiving> = {}): Promise<Received> => receiveInto(http, url, { folder, sizeBytes: content.length, ...options });

/** Gives the first part; all of the rest once the thread that asked is gone. */
async function half(): Promise<{ readonly server: FaultServer; readonly workers: Worker[] }> {
  const workers: Worker[] = [];
  const made = (worker: Worker): void => { workers.push(worker); };
  process.on('worker', made);
  open.push(async () => { process.off('worker', made); });
  const server = await serve((request, response) => serveContent(request, response, { bytes: content, etag: '"a"', ...(request.headers.range === undefined ? { stallAfter: 2_000_000 } : {}) }));
  return { server, workers };
}

describe('a thread that is lost', () => {
  it.each([
    ['ends', (worker: Worker) => { void worker.terminate(); }],
    ['throws', (worker: Worker) => { worker.postMessage(null); }],
  ])('since it %s: the body is continued without one, by Range, and so is what follows', async (_, end) => {
    const { server, workers } = await half();
    const http = client();
    let ended = false;
    const onChunk = (bytes: number): void => {
      const [worker] = workers;
      if (ended || bytes < 2_000_000 || worker === undefined) return;
      ended = true;
      end(worker);
    };
    const { error, bytes, handed, file, hex } = await receive(http, server.origin, { onChunk });
    expect({ error, bytes, handed, hex }).toEqual({ error: undefined, bytes: content.length, handed: 3_000_000, hex: undefined });
    expect(file.subarray(0, 2_000_000).equals(content.subarray(0, 2_000_000))).toBe(true);
    expect(server.seen.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=2000000-']);
    const next = await serve((request, response) => serveContent(request, response, { bytes: content }));
    expect(await receive(http, next.origin)).toMatchObject({ error: undefined, handed: content.length });
    expect(workers.length).toBe(1);
  });

  it('leaves a whole blob in the store', async () => {
    const { server, workers } = await half();
    const http = client();
    const store = await Store.open(join(folder, 'store'), { create: true });
    const blob = { mediaType: 'application/octet-stream', digest: digestOf(content), size: content.length };
    let ended = false;
    const stored = await store.fill(blob, (offset, into) => (async function* ending() {
      let bytes = offset;
      for await (const chunk of http.stream(server.origin, { signal, offset, expectedSize: content.length, borrow: true, into })) {
        bytes += chunk.length;
        yield chunk;
        if (bytes < 2_000_000 || ended) continue;
        ended = true;
        workers[0]?.postMessage(null);
      }
    })(), signal);
    const read: Uint8Array[] = [];
    for await (const chunk of store.open(blob)) read.push(chunk);
    expect([stored, Buffer.concat(read).equals(content)]).toEqual(['stored', true]);
    store.close();
  });
});

describe('files that fail under a thread', () => {
  it('cannot be read where they are to be continued: fails as files do, and nobody is asked', async () => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: content }));
    expect((await receive(client(), server.origin, { there: content.subarray(0, 100_000), flags: 'a' })).error).toMatchObject({ code: 'EBADF' });
    expect(server.seen.length).toBe(0);
  });

  it('are full: ENOSPC, without another try', async () => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: content }));
    const fd = openSync('/dev/full', 'r+');
    const sink = new ReceivingSink(fd, content.length);
    const reading = (async () => { for await (const chunk of client().stream(server.origin, { signal, expectedSize: content.length, borrow: true, into: sink })) expect(chunk.length).toBe(0); })();
    await expect(reading).rejects.toMatchObject({ code: 'ENOSPC', syscall: 'write' });
    await sink.release();
    closeSync(fd);
    expect(server.seen.length).toBe(1);
  });

  it('are read by a thread only when all that came before lies in them', async () => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: content }));
    const there = content.subarray(0, 100_000);
    const path = join(folder, 'late');
    writeFileSync(path, '');
    const fd = openSync(path, 'r+');
    const sink = new ReceivingSink(fd, content.length);
    let askedBefore: number | undefined;
    sink.writing = new Promise<void>((done) => {
      setTimeout(() => { writeFileSync(path, there); askedBefore = server.seen.length; done(); }, 200);
    });
    for await (const chunk of client().stream(server.origin, { signal, offset: there.length, expectedSize: content.length, borrow: true, into: sink })) expect(chunk.length).toBeGreaterThan(0);
    await sink.release();
    closeSync(fd);
    expect([askedBefore, `sha256:${sink.hex}`]).toEqual([0, digestOf(content)]);
  });
});

describe('a process with threads', () => {
  it.each([
    ['after success', false],
    ['after failure', true],
  ])('ends by itself %s, though nobody closed anything', async (_, cut) => {
    const server = await serve((request, response) => serveContent(request, response, { bytes: content, ...(cut ? { cutAfter: 1000 } : {}) }));
    const target = join(folder, `exit-${cut}`);
    writeFileSync(target, '');
    const script = `
      import { openSync } from 'node:fs';
      import { createHttpClient } from ${JSON.stringify(new URL('../../transport/http.ts', import.meta.url).href)};
      import { warmFetchThreads } from ${JSON.stringify(new URL('../../transport/fetch-threads.ts', import.meta.url).href)};
      import { ReceivingSink } from ${JSON.stringify(new URL('../../store/file-sink.ts', import.meta.url).href)};
      warmFetchThreads();
      const into = new ReceivingSink(openSync(${JSON.stringify(target)}, 'r+'), ${content.length});
      let bytes = 0;
      try {
        for await (const chunk of createHttpClient({ env: {}, retry: { retries: 0 } }).stream(${JSON.stringify(server.origin)}, { signal: new AbortController().signal, expectedSize: ${content.length}, borrow: true, into })) bytes += chunk.length;
        console.log(bytes, into.hex);
      } catch (error) { console.log(error.code); }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
    const code = await new Promise((done) => { child.on('close', done); });
    expect([code, text.trim()]).toEqual([0, cut ? 'TRANSFER_CUT' : `${content.length} ${digestOf(content).slice(7)}`]);
  }, 60_000);
});
