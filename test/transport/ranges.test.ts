import { afterEach, describe, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import { createHttpClient } from '../../transport/http.ts';
import { inRanges, type RangeSource, Segments } from '../../transport/ranges.ts';
import { noise } from '../support/bytes.ts';
import { serveContent, startFaultServer } from '../support/fault-server.ts';

const signal = new AbortController().signal;
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

const tuning = { leastBytes: 100_000, fastBytesPerS: 50_000, probeMs: 1000, connections: 3, worthwhile: 1.3 };

/** A source under a clock of its own: a whole read takes `aloneMs` for each 1,000 bytes; parts come at once, or each takes `partMs`. */
class Simulated implements RangeSource {
  nowMs = 0;
  readonly parts: [number, number][] = [];
  readonly wholes: number[] = [];
  running = 0;
  mostRunning = 0;
  readonly content: Buffer;
  readonly pace: { readonly aloneMs: number; readonly partMs?: number; readonly failAt?: number; readonly noRanges?: boolean };

  constructor(content: Buffer, pace: Simulated['pace']) {
    this.content = content;
    this.pace = pace;
  }

  async *whole(from: number): Bytes {
    this.wholes.push(from);
    for (let at = from; at < this.content.length; at += 1000) {
      this.nowMs += this.pace.aloneMs;
      yield this.content.subarray(at, at + 1000);
    }
  }

  async *part(from: number, to: number): Bytes {
    this.parts.push([from, to]);
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    try {
      await new Promise((done) => { setImmediate(done); });
      if (this.pace.noRanges === true) throw new BundleError('TRANSFER_PROTOCOL', { subject: 'x', expected: 'a part', actual: 'all', details: { noRanges: true } });
      if (this.pace.failAt !== undefined && from <= this.pace.failAt && this.pace.failAt < to) throw new BundleError('TRANSFER_CUT', { subject: 'x', expected: 'bytes', actual: 'the end' });
      this.nowMs += this.pace.partMs ?? 0;
      yield this.content.subarray(from, to);
    } finally {
      this.running -= 1;
    }
  }
}

const content = noise(400_123);
const segments = (count = 8): Segments => new Segments(count, 20_000);

async function read(source: Simulated, more: { readonly offset?: number; readonly mayTry?: boolean; readonly segments?: Segments } = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of inRanges(source, {
    offset: more.offset ?? 0, sizeBytes: source.content.length, signal, segments: more.segments ?? segments(), mayTry: () => more.mayTry !== false, nowMs: () => source.nowMs, tuning,
  })) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

describe('a large content', () => {
  it('comes over several connections where one is slow, in order and from an offset too', async () => {
    const source = new Simulated(content, { aloneMs: 100 });
    expect((await read(source, { offset: 77 })).equals(content.subarray(77))).toBe(true);
    expect([source.wholes, source.mostRunning]).toEqual([[77], 3]);
    expect(source.parts[0]?.[0]).toBe(77 + 11_000);
    for (const [at, [from]] of source.parts.slice(1).entries()) expect(from).toBe(source.parts[at]?.[1]);
  });

  it('comes over one where that is fast, little is left, or no connection is to spare', async () => {
    for (const [source, more] of [[new Simulated(content, { aloneMs: 10 }), {}], [new Simulated(content, { aloneMs: 100 }), { offset: 350_000 }], [new Simulated(content, { aloneMs: 100 }), { mayTry: false }]] as const) {
      expect((await read(source, more)).length).toBe(content.length - ('offset' in more ? more.offset : 0));
      expect(source.parts).toEqual([]);
    }
  });

  it('goes back to one connection where more of them bring no more', async () => {
    const source = new Simulated(content, { aloneMs: 100, partMs: 2000 });
    expect((await read(source)).equals(content)).toBe(true);
    expect(source.parts.length).toBeLessThan(6);
    expect(source.wholes).toEqual([0, source.parts.at(-1)?.[1]]);
  });

  it('goes back to one connection where the server gives no parts, or others use the memory', async () => {
    const source = new Simulated(content, { aloneMs: 100, noRanges: true });
    expect((await read(source)).equals(content)).toBe(true);
    expect(source.wholes).toEqual([0, 11_000]);
    const crowded = new Simulated(content, { aloneMs: 100 });
    expect((await read(crowded, { segments: segments(0) })).equals(content)).toBe(true);
  });

  it('gives its memory back, whether it ends, fails or is left', async () => {
    const memory = segments(4);
    const failing = new Simulated(content, { aloneMs: 100, failAt: 90_000 });
    await expect(read(failing, { segments: memory })).rejects.toMatchObject({ code: 'TRANSFER_CUT' });
    for await (const chunk of inRanges(new Simulated(content, { aloneMs: 100 }), { offset: 0, sizeBytes: content.length, signal, segments: memory, mayTry: () => true, nowMs: () => 0, tuning: { ...tuning, probeMs: -1, fastBytesPerS: Infinity } })) {
      if (chunk.length === 0) continue;
      break;
    }
    await new Promise((done) => { setTimeout(done, 20); });
    const taken = [1, 2, 3, 4].map(() => memory.take());
    expect([taken.every((buffer) => buffer !== undefined), memory.take()]).toEqual([true, undefined]);
  });
});

describe('over HTTP', () => {
  it('each connection of a server that holds them back carries a part, cuts included, and the bytes are right', async () => {
    const bytes = noise(3_000_000);
    let running = 0;
    let mostRunning = 0;
    let cuts = 3;
    const server = await startFaultServer(async (request, response) => {
      running += 1;
      mostRunning = Math.max(mostRunning, running);
      response.on('close', () => { running -= 1; });
      if (/^bytes=\d+-\d+$/.test(request.headers.range ?? '') && cuts > 0) {
        cuts -= 1;
        serveContent(request, response, { bytes, etag: '"1"', cutAfter: 70_000 });
        return;
      }
      const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
      const end = to === '' ? bytes.length : Number(to) + 1;
      response.writeHead(request.headers.range === undefined ? 200 : 206, { etag: '"1"', 'content-length': end - Number(from), ...(request.headers.range === undefined ? {} : { 'content-range': `bytes ${from}-${end - 1}/${bytes.length}` }) });
      for (let at = Number(from); at < end && !response.destroyed; at += 50_000) {
        response.write(bytes.subarray(at, Math.min(at + 50_000, end)));
        await new Promise((done) => { setTimeout(done, 5); });
      }
      response.end();
    });
    const http = createHttpClient({ env: {}, retry: { firstWaitMs: 1 }, ranges: { leastBytes: 500_000, fastBytesPerS: Infinity, probeMs: 10, worthwhile: 0, connections: 4 } });
    open.push(() => server.close(), () => http.close());
    const chunks: Buffer[] = [];
    for await (const chunk of http.stream(`${server.origin}/blob`, { signal, expectedSize: bytes.length, borrow: true })) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(server.seen.some(({ headers }) => /^bytes=\d+-\d+$/.test(headers.range ?? ''))).toBe(true);
    const mixed = http.stream(`${server.origin}/blob`, { signal, expectedSize: bytes.length + 1, borrow: true });
    await expect((async () => { for await (const chunk of mixed) if (chunk.length === 0) break; })()).rejects.toMatchObject({ code: 'INTEGRITY_SIZE' });
    expect(mostRunning).toBeGreaterThan(0);
  });
});
