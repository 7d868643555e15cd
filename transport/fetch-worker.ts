// The loop of one thread of FetchThreads: what a socket brings is hashed and written at once, out of one small buffer that stays in the processor's cache.
import { createHash, type Hash } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';
import type { SecureContext } from 'node:tls';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { Direct } from './direct.ts';
import { type BodyTaker, NotDirect } from './direct-connection.ts';
import type { Answering } from './direct.ts';
import type { Head } from './http-body.ts';

export interface FetchOrder {
  readonly kind: 'get';
  readonly id: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The file, and how much of the content lies in it already. */
  readonly sink: { readonly id: number; readonly fd: number; readonly sizeBytes: number; readonly tailFrom?: number };
  readonly at: number;
  readonly connectTimeoutMs: number;
  readonly stallTimeoutMs: number;
}

export type FetchMessage =
  | FetchOrder
  | { readonly kind: 'abort'; readonly id: number }
  /** How an origin is spoken to; comes before the first order for it. */
  | { readonly kind: 'tls'; readonly origin: string; readonly options: object }
  /** The sink is given up; one that is complete needs no word. */
  | { readonly kind: 'drop'; readonly sink: number };

export interface FetchFailure {
  readonly message: string;
  readonly code?: string;
  /** Why the answer is not one for this reader. */
  readonly notDirect?: 'once' | 'always';
  /** The file could not be written. */
  readonly ofSink?: true;
}

/** `bytes` were written since the last report. After `end` and `failed` nothing more is written for that order. */
export type FetchReport =
  | { readonly kind: 'head'; readonly id: number; readonly head: Head }
  | { readonly kind: 'bytes'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'end'; readonly id: number; readonly bytes: number; readonly hex?: string; readonly tailHex?: string }
  | { readonly kind: 'failed'; readonly id: number; readonly bytes: number; readonly error: FetchFailure };

const bufferBytes = 256 * 1024;
const reportBytes = 1024 * 1024;
/** A drip is told of, too. */
const reportMs = 200;
/** A body that is not wanted is read to its end when it is this short. */
const drainBytes = 64 * 1024;
/** So much is hashed again at a time: other connections of the thread must not wait for long. */
const rehashBytes = 32 * 1024 * 1024;

/** What the beginning of a sink's content hashes to, and of it what lies from `tailFrom` on. */
class Written {
  position = 0;
  readonly tailFrom: number | undefined;
  private readonly whole = createHash('sha256');
  private readonly tail: Hash | undefined;

  constructor(tailFrom: number | undefined) {
    this.tailFrom = tailFrom;
    this.tail = tailFrom === undefined ? undefined : createHash('sha256');
  }

  take(chunk: Uint8Array): void {
    const before = Math.max(0, (this.tailFrom ?? 0) - this.position);
    this.whole.update(chunk);
    if (before < chunk.length) this.tail?.update(before === 0 ? chunk : chunk.subarray(before));
    this.position += chunk.length;
  }

  /** Once. */
  digests(): { readonly hex: string; readonly tailHex?: string } {
    const tailHex = this.tail?.digest('hex');
    return { hex: this.whole.digest('hex'), ...(tailHex === undefined ? {} : { tailHex }) };
  }
}

class SinkError extends Error {}

class FetchLoop {
  private readonly port: MessagePort;
  private readonly direct = new Direct();
  private readonly buffer = Buffer.allocUnsafeSlow(bufferBytes);
  private readonly sinks = new Map<number, Written>();
  private readonly running = new Map<number, Running>();
  /** What went wrong with the settings of an origin is for the orders that go there. */
  private readonly contexts = new Map<string, SecureContext | Error>();

  constructor(port: MessagePort) {
    this.port = port;
    port.on('message', (message: FetchMessage) => this.take(message));
  }

  private take(message: FetchMessage): void {
    switch (message.kind) {
      case 'get': void this.get(message); break;
      case 'abort': this.running.get(message.id)?.abort(); break;
      case 'tls': this.contexts.set(message.origin, contextOf(message.options)); break;
      case 'drop': this.sinks.delete(message.sink); break;
    }
  }

  private async get(order: FetchOrder): Promise<void> {
    const running = new Running(order, (report) => {
      if (report.kind === 'end' || report.kind === 'failed') this.running.delete(order.id);
      if (report.kind === 'end' && report.hex !== undefined) this.sinks.delete(order.sink.id);
      this.port.postMessage(report);
    });
    this.running.set(order.id, running);
    try {
      const written = await this.upTo(order, running);
      if (running.settled) return;
      const url = new URL(order.url);
      const secureContext = this.contexts.get(url.origin);
      if (secureContext instanceof Error) throw secureContext;
      const { connectTimeoutMs, stallTimeoutMs } = order;
      running.answering = this.direct.get(url, order.headers, { tls: secureContext === undefined ? {} : { secureContext }, connectTimeoutMs, stallTimeoutMs }, (head) => {
        running.report({ kind: 'head', id: order.id, head });
        return takerFor(head, { running, written, buffer: this.buffer });
      });
      await running.answering.head;
    } catch (error) {
      running.fail(error as Error);
    }
  }

  /** Hashes what lies in the file before `order.at`, where that is not known. */
  private async upTo({ sink, at }: FetchOrder, running: Running): Promise<Written> {
    const known = this.sinks.get(sink.id);
    const written = known?.position === at && known.tailFrom === sink.tailFrom ? known : new Written(sink.tailFrom);
    this.sinks.set(sink.id, written);
    for (let paused = 0; written.position < at && !running.settled;) {
      const read = ofSink(() => readSync(sink.fd, this.buffer, 0, Math.min(bufferBytes, at - written.position), written.position));
      if (read === 0) throw new SinkError('the file became shorter');
      written.take(this.buffer.subarray(0, read));
      if (written.position - paused < rehashBytes) continue;
      paused = written.position;
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    return written;
  }
}

/** One order until its last report. */
class Running {
  readonly order: FetchOrder;
  readonly report: (report: FetchReport) => void;
  answering: Answering | undefined;
  settled = false;
  private unreported = 0;
  private reportedMs = performance.now();

  constructor(order: FetchOrder, report: (report: FetchReport) => void) {
    this.order = order;
    this.report = report;
  }

  wrote(bytes: number): void {
    this.unreported += bytes;
    const nowMs = performance.now();
    if (this.unreported < reportBytes && nowMs - this.reportedMs < reportMs) return;
    this.report({ kind: 'bytes', id: this.order.id, bytes: this.takeUnreported() });
    this.reportedMs = nowMs;
  }

  private takeUnreported(): number {
    const bytes = this.unreported;
    this.unreported = 0;
    return bytes;
  }

  end(digests: { readonly hex?: string; readonly tailHex?: string } = {}): void {
    if (this.settled) return;
    this.settled = true;
    this.report({ kind: 'end', id: this.order.id, bytes: this.takeUnreported(), ...digests });
  }

  fail(error: Error): void {
    if (this.settled) return;
    this.settled = true;
    this.report({ kind: 'failed', id: this.order.id, bytes: this.takeUnreported(), error: factsOf(error) });
  }

  abort(): void {
    const error = new Error('stopped');
    this.answering?.abort(error);
    this.fail(error);
  }
}

function factsOf(error: Error): FetchFailure {
  const { code } = error as NodeJS.ErrnoException;
  const inner = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException | undefined)?.code : undefined;
  const known = code ?? inner;
  return {
    message: error.message,
    ...(known === undefined ? {} : { code: known }),
    ...(error instanceof NotDirect ? { notDirect: error.always ? 'always' as const : 'once' as const } : {}),
    ...(error instanceof SinkError ? { ofSink: true as const } : {}),
  };
}

interface Taking { readonly running: Running; readonly written: Written; readonly buffer: Buffer }

/** Only the content itself goes into the file, to its place: all of it, or the part that was asked for. */
function takerFor({ status, headers }: Head, taking: Taking): BodyTaker {
  const { order: { at } } = taking.running;
  const start = Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? Number.NaN);
  if (status === 200) return contentTaker(taking, at);
  return status === 206 && start === at ? contentTaker(taking, 0) : unwantedTaker(taking);
}

/** `known`: how much of the body lies in the file already. */
function contentTaker({ running, written, buffer }: Taking, known: number): BodyTaker {
  const { sink } = running.order;
  let toSkip = known;
  return {
    room: () => buffer,
    received(count) {
      // More than the content has is not written, only told of.
      const skipped = Math.min(count, toSkip);
      toSkip -= skipped;
      const chunk = buffer.subarray(skipped, Math.min(count, skipped + sink.sizeBytes - written.position));
      writeAll(sink.fd, chunk, written.position);
      written.take(chunk);
      running.wrote(count);
    },
    ended: () => running.end(written.position === sink.sizeBytes ? written.digests() : {}),
    failed: (error) => running.fail(error),
  };
}

function unwantedTaker({ running, buffer }: Taking): BodyTaker {
  let left = drainBytes;
  return {
    room: () => buffer,
    received(count) {
      left -= count;
      if (left < 0) throw new Error('the rest of the body is not wanted');
    },
    ended: () => running.end(),
    failed: (error) => running.fail(error),
  };
}

function writeAll(fd: number, chunk: Uint8Array, position: number): void {
  for (let done = 0; done < chunk.length;) done += ofSink(() => writeSync(fd, chunk, done, chunk.length - done, position + done));
}

/** What `work` with the file gives; its failure is the file's and nothing of the network. */
function ofSink(work: () => number): number {
  try {
    return work();
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException;
    throw Object.assign(new SinkError(message), code === undefined ? {} : { code });
  }
}

function contextOf(options: object): SecureContext | Error {
  try {
    return process.getBuiltinModule('node:tls').createSecureContext(options);
  } catch (error) {
    return error as Error;
  }
}

// Under a test runner that imports this file outside of a worker there is no port.
if (parentPort !== null) new FetchLoop(parentPort);
