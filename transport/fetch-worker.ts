// The loop of one thread of FetchThreads: what a socket brings is hashed and written at once, out of memory that stays in the processor's cache.
import { readSync } from 'node:fs';
import type { SecureContext } from 'node:tls';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { BlockBuffers, ofSink, SinkError } from './block-writer.ts';
import { blockTaker, contentTaker, Hashed, type Told } from './content-taker.ts';
import { type Answering, Direct } from './direct.ts';
import { type BodyTaker, NotDirect } from './direct-connection.ts';
import type { FetchFailure, FetchMessage, FetchOrder, FetchReport, SeriesOrder } from './fetch-messages.ts';
import type { Head } from './http-body.ts';
import { MessageBatch } from './message-batch.ts';
import { Series } from './series-worker.ts';

const bufferBytes = 256 * 1024;
const reportBytes = 1024 * 1024;
/** A drip is told of, too. */
const reportMs = 200;
/** A body that is not wanted is read to its end when it is this short. */
const drainBytes = 64 * 1024;
/** So much is hashed again at a time: other connections of the thread must not wait for long. */
const rehashBytes = 32 * 1024 * 1024;
/** Files that are written past the page cache at the same time. */
const mostRings = 6;

class FetchLoop {
  private readonly reports: MessageBatch<FetchReport>;
  private readonly direct = new Direct();
  private readonly buffer = Buffer.allocUnsafeSlow(bufferBytes);
  private readonly buffers = new BlockBuffers(mostRings);
  private readonly sinks = new Map<number, Hashed>();
  private readonly running = new Map<number, Running>();
  private readonly series = new Map<number, Series>();
  /** What went wrong with the settings of an origin is for the orders that go there. */
  private readonly contexts = new Map<string, SecureContext | Error>();

  constructor(port: MessagePort) {
    this.reports = new MessageBatch((all) => port.postMessage(all));
    port.on('message', (messages: readonly FetchMessage[]) => { for (const message of messages) this.take(message); });
  }

  private take(message: FetchMessage): void {
    switch (message.kind) {
      case 'get': void this.get(message); break;
      case 'series': void this.inSeries(message); break;
      case 'abort': this.running.get(message.id)?.abort(); this.series.get(message.id)?.stop(); break;
      case 'tls': this.contexts.set(message.origin, contextOf(message.options)); break;
      case 'drop': this.sinks.delete(message.sink); break;
    }
  }

  private async get(order: FetchOrder): Promise<void> {
    const running = new Running(order, (report) => {
      if (report.kind === 'end' || report.kind === 'failed') this.running.delete(order.id);
      if (report.kind === 'end' && report.hex !== undefined) this.sinks.delete(order.sink.id);
      this.reports.add(report);
    });
    this.running.set(order.id, running);
    try {
      const hashed = await this.upTo(order, running);
      if (running.settled) return;
      const url = new URL(order.url);
      const secureContext = this.contexts.get(url.origin);
      if (secureContext instanceof Error) throw secureContext;
      const { connectTimeoutMs, stallTimeoutMs } = order;
      running.answering = this.direct.get(url, order.headers, { tls: secureContext === undefined ? {} : { secureContext }, connectTimeoutMs, stallTimeoutMs }, (head, resume) => {
        running.report({ kind: 'head', id: order.id, head });
        return takerFor(head, { running, hashed, buffer: this.buffer, buffers: this.buffers, resume });
      });
      await running.answering.head;
    } catch (error) {
      running.fail(error as Error);
    }
  }

  private async inSeries(order: SeriesOrder): Promise<void> {
    const series = new Series(order, { direct: this.direct, buffer: this.buffer, contextOf: (origin) => this.contexts.get(origin), report: (report) => this.reports.add(report) });
    this.series.set(order.id, series);
    await series.run();
    this.series.delete(order.id);
  }

  /** Hashes what lies in the file before `order.at`, where that is not known. */
  private async upTo({ sink, at }: FetchOrder, running: Running): Promise<Hashed> {
    const known = this.sinks.get(sink.id);
    const hashed = known?.position === at && known.tailFrom === sink.tailFrom ? known : new Hashed(sink.tailFrom);
    this.sinks.set(sink.id, hashed);
    for (let paused = 0; hashed.position < at && !running.settled;) {
      const read = ofSink(() => readSync(sink.fd, this.buffer, 0, Math.min(bufferBytes, at - hashed.position), hashed.position));
      if (read === 0) throw new SinkError('the file became shorter');
      hashed.take(this.buffer.subarray(0, read));
      if (hashed.position - paused < rehashBytes) continue;
      paused = hashed.position;
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    return hashed;
  }
}

/** One order until its last report. */
class Running implements Told {
  readonly order: FetchOrder;
  readonly report: (report: FetchReport) => void;
  answering: Answering | undefined;
  settled = false;
  private isClosing = false;
  private unreported = 0;
  private reportedMs = performance.now();

  constructor(order: FetchOrder, report: (report: FetchReport) => void) {
    this.order = order;
    this.report = report;
  }

  get isDue(): boolean { return performance.now() - this.reportedMs >= reportMs; }

  wrote(bytes: number): void {
    this.unreported += bytes;
    if (this.unreported < reportBytes && !this.isDue) return;
    this.report({ kind: 'bytes', id: this.order.id, bytes: this.takeUnreported() });
    this.reportedMs = performance.now();
  }

  /** The whole body came, or broke off: its connection is another order's. */
  left(): void {
    this.answering = undefined;
    this.isClosing = true;
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

  /** What came is brought into the file first. */
  stop(error: Error): void {
    this.answering?.abort(error);
  }

  abort(): void {
    const error = new Error('stopped');
    this.stop(error);
    if (!this.isClosing) this.fail(error);
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

interface Ways { readonly running: Running; readonly hashed: Hashed; readonly buffer: Buffer; readonly buffers: BlockBuffers; readonly resume: () => void }

/** Only the content itself goes into the file, to its place: all of it, or the part that was asked for. Throws `SinkError`. */
function takerFor({ status, headers }: Head, ways: Ways): BodyTaker {
  const { running, hashed, buffer, buffers, resume } = ways;
  const { order: { url, at, sink } } = running;
  const start = Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? Number.NaN);
  if (status !== 200 && (status !== 206 || start !== at)) return unwantedTaker(ways);
  const taking = { told: running, hashed, sink, known: status === 200 ? at : 0 };
  // What was decrypted already is handed over whether or not more is wanted: a buffer that is on its way to the disk would be written over.
  const unbufferedFd = url.startsWith('https:') ? undefined : sink.unbufferedFd;
  return (unbufferedFd === undefined ? undefined : blockTaker(taking, { buffers, unbufferedFd, resume })) ?? contentTaker(taking, buffer);
}

function unwantedTaker({ running, buffer }: Ways): BodyTaker {
  let left = drainBytes;
  return {
    room: () => buffer,
    received(count) {
      left -= count;
      if (left < 0) throw new Error('the rest of the body is not wanted');
      return true;
    },
    ended: () => running.end(),
    failed: (error) => running.fail(error),
  };
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
