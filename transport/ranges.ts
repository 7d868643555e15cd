// One large content over several connections, where a single one is held back: many servers and proxies give each connection so much and no more.
import { BundleError } from '../bom/errors.ts';
import type { Bytes } from '../bom/ports.ts';

export interface RangeSource {
  whole(from: number): Bytes;
  /** Bytes `from` to `to` (exclusive). Throws `TRANSFER_PROTOCOL` with `details.noRanges` where the server gives no parts. */
  part(from: number, to: number, signal: AbortSignal): Bytes;
}

export interface RangeOptions {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
  readonly segments: Segments;
  /** Whether there are connections to spare now. */
  readonly mayTry: () => boolean;
  readonly nowMs: () => number;
  readonly tuning?: Partial<RangeTuning>;
}

export interface RangeTuning {
  /** What must be left for it to be worth a try. */
  readonly leastBytes: number;
  /** A connection that brings this much a second is not held back. */
  readonly fastBytesPerS: number;
  readonly probeMs: number;
  readonly connections: number;
  /** What several connections must bring, as a multiple of one. */
  readonly worthwhile: number;
}

const defaultTuning: RangeTuning = { leastBytes: 128 << 20, fastBytesPerS: 64 << 20, probeMs: 2000, connections: 6, worthwhile: 1.3 };
const chunkBytes = 128 * 1024;

/** Memory for parts that came before their turn: so many buffers for all contents together. */
export class Segments {
  readonly sizeBytes: number;
  private free: number;
  private readonly buffers: Buffer[] = [];

  constructor(count: number, sizeBytes: number) {
    this.free = count;
    this.sizeBytes = sizeBytes;
  }

  take(): Buffer | undefined {
    if (this.free === 0) return undefined;
    this.free -= 1;
    return this.buffers.pop() ?? Buffer.allocUnsafeSlow(this.sizeBytes);
  }

  /** `reuse`: nobody looks at the buffer any more. */
  give(buffer: Buffer, reuse: boolean): void {
    this.free += 1;
    if (reuse) this.buffers.push(buffer);
  }
}

/**
 * The content from `offset` to its end, in order: over one connection, and, where that turns out slow with much left, over several for as long
 * as they bring more. A chunk may be overwritten once three more were read. Holds no more than its share of `segments`.
 */
export async function* inRanges(source: RangeSource, options: RangeOptions): Bytes {
  const tuning = { ...defaultTuning, ...options.tuning };
  const place: Place = { at: options.offset };
  const aloneBytesPerS = yield* alone(source, place, { ...options, tuning });
  if (aloneBytesPerS === undefined) return;
  if (yield* together(source, place, { ...options, tuning, aloneBytesPerS })) return;
  yield* source.whole(place.at);
}

interface Place { at: number }
type Tuned = RangeOptions & { readonly tuning: RangeTuning };

/** Ends with the whole read, or with the pace of the one connection when others should be tried. */
async function* alone(source: RangeSource, place: Place, { sizeBytes, mayTry, nowMs, tuning }: Tuned): AsyncGenerator<Uint8Array, number | undefined> {
  let windowStartMs: number | undefined;
  let windowBytes = 0;
  for await (const chunk of source.whole(place.at)) {
    yield chunk;
    place.at += chunk.length;
    if (sizeBytes - place.at < tuning.leastBytes) continue;
    windowStartMs ??= nowMs();
    windowBytes += chunk.length;
    const elapsedMs = nowMs() - windowStartMs;
    if (elapsedMs < tuning.probeMs) continue;
    const bytesPerS = (windowBytes / elapsedMs) * 1000;
    if (bytesPerS < tuning.fastBytesPerS && mayTry()) return bytesPerS;
    windowStartMs = nowMs();
    windowBytes = 0;
  }
  return undefined;
}

interface Segment { readonly buffer: Buffer; readonly length: number; readonly done: Promise<Error | undefined> }

/** True when the whole was read; false when several connections are not worth it, or cannot be had. */
async function* together(source: RangeSource, place: Place, options: Tuned & { readonly aloneBytesPerS: number }): AsyncGenerator<Uint8Array, boolean> {
  const { sizeBytes, segments, nowMs, tuning, aloneBytesPerS } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const pending: Segment[] = [];
  const startMs = nowMs();
  const startBytes = place.at;
  let next = place.at;
  let last: Buffer | undefined;
  let isWorthwhile = true;
  try {
    for (;;) {
      while (isWorthwhile && next < sizeBytes && pending.length < tuning.connections) {
        const buffer = segments.take();
        if (buffer === undefined) break;
        const length = Math.min(segments.sizeBytes, sizeBytes - next);
        pending.push({ buffer, length, done: fill(buffer, source.part(next, next + length, signal)) });
        next += length;
      }
      const head = pending.shift();
      if (head === undefined) return place.at === sizeBytes;
      const failure = await head.done;
      if (failure !== undefined) {
        segments.give(head.buffer, false);
        if (failure instanceof BundleError && failure.facts.details?.['noRanges'] === true) return false;
        throw failure;
      }
      for (let at = 0; at < head.length; at += chunkBytes) yield head.buffer.subarray(at, Math.min(at + chunkBytes, head.length));
      place.at += head.length;
      // The last chunks of a segment may be looked at until three of the next one were read.
      if (last !== undefined) segments.give(last, true);
      last = head.buffer;
      const elapsedMs = nowMs() - startMs;
      if (elapsedMs >= 2 * tuning.probeMs && (place.at - startBytes) / elapsedMs * 1000 < aloneBytesPerS * tuning.worthwhile) isWorthwhile = false;
    }
  } finally {
    stop.abort();
    if (last !== undefined) segments.give(last, false);
    for (const { buffer, done } of pending) void done.then(() => segments.give(buffer, false));
  }
}

async function fill(buffer: Buffer, bytes: Bytes): Promise<Error | undefined> {
  try {
    let at = 0;
    for await (const chunk of bytes) {
      buffer.set(chunk, at);
      at += chunk.length;
    }
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
