import { getCompileCacheDir } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Bytes, FileOrder, FileResult, FileSink } from '../bom/ports.ts';
import type { Answering } from './direct.ts';
import { NotDirect } from './direct-connection.ts';
import type { FetchFailure, FetchMessage, FetchReport, SeriesEnd, SeriesOrder } from './fetch-messages.ts';
import type { Head } from './http-body.ts';
import { MessageBatch } from './message-batch.ts';
import { SeriesLane } from './series-lane.ts';

export interface FetchOptions {
  readonly into: { readonly sink: FileSink; readonly at: number };
  /** For https: how the origin is spoken to, made once. */
  readonly tls: (() => object) | undefined;
  readonly connectTimeoutMs: number;
  readonly stallTimeoutMs: number;
}

/** What a thread could not write: for whoever owns the file, nothing of the network. */
export class SinkFailure extends Error {}

/** Threads that were started before anybody needs one. */
const spare: Worker[] = [];

/** Starts threads that will be needed soon, while there is else nothing for other processors to do. They end with the process when nobody takes them. */
export function warmFetchThreads(): void {
  while (spare.length < mostHere()) {
    const worker = startWorker();
    if (worker === undefined) return;
    const gone = (): void => {
      const at = spare.indexOf(worker);
      if (at >= 0) spare.splice(at, 1);
    };
    worker.once('exit', gone).once('error', gone);
    spare.push(worker);
  }
}

function mostHere(): number {
  return Math.max(1, Math.min(mostThreads, availableParallelism()));
}

/** undefined where a limit on processes leaves no thread: whoever asks reads by itself. */
function startWorker(): Worker | undefined {
  const script = import.meta.url.endsWith('.ts') ? new URL('./fetch-worker.ts', import.meta.url) : new URL('./fetch-worker.js', import.meta.url);
  const cache = getCompileCacheDir();
  // A thread has a compile cache of its own only by its environment, and needs nothing else of that.
  const env = cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) };
  // It opens no file itself. What it closes on its end would be others' files.
  try {
    const worker = new Worker(script, { env, execArgv: [], trackUnmanagedFds: false, resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 } });
    worker.unref();
    return worker;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_WORKER_INIT_FAILED') return undefined;
    throw cause;
  }
}

/** What a thread has under way. */
interface UnderWay { readonly leftBytes: number; take(report: FetchReport): void; lost(cause: Error): void }
interface Member { readonly worker: Worker; readonly messages: MessageBatch<FetchMessage>; readonly lanes: Map<number, UnderWay>; readonly origins: Set<string> }

export interface SeriesOptions extends Omit<SeriesOrder, 'kind' | 'id'> {
  readonly onResults: (results: readonly FileResult[]) => void;
  /** For https: how the origin is spoken to, made once. */
  readonly tls: (() => object) | undefined;
}

/** More than this brings nothing: a processor hashes and writes as much as most networks bring. */
const mostThreads = 4;
/** One stands for so many bytes of a transfer. */
const receiptBytes = 4 * 1024 * 1024;

/**
 * Threads that fetch bodies straight into files: each reads its sockets, hashes and writes without handing a byte to another thread. The head of an
 * answer comes here, and its judgement stays with the caller: bytes that the caller does not want after all lie in the file, uncounted. Threads start
 * with the first order and end with {@link close}; what is {@link NotDirect} to them is to be asked for in another way, as with `Direct`. Once one
 * ended by itself, what it had under way breaks off and no thread is asked any more.
 */
export class FetchThreads {
  private readonly members: Member[] = [];
  private readonly places = new WeakMap<FileSink, { readonly id: number; readonly member: Member }>();
  private readonly latest = new WeakMap<FileSink, Lane>();
  private readonly most = mostHere();
  private nextId = 1;
  private isBroken = false;

  /** Resolves when no thread writes to the sink what came before and was given up. */
  async quiet(sink: FileSink): Promise<void> {
    await this.latest.get(sink)?.quiet();
  }

  /** Only after {@link quiet}. undefined when there is no thread to be had. */
  get(url: URL, headers: Readonly<Record<string, string>>, options: FetchOptions): Answering | undefined {
    const { sink, at } = options.into;
    const place = this.isBroken ? undefined : this.placeOf(sink);
    if (place === undefined) return undefined;
    const id = this.nextId++;
    const post = (message: FetchMessage): void => place.member.messages.add(message);
    const lane = new Lane(sink, () => post({ kind: 'abort', id }));
    this.latest.set(sink, lane);
    begin(place.member, { id, lane, origin: url.origin, tls: options.tls }, lane.settled);
    sink.holdFor(async () => {
      lane.abort(new Error('the rest of the body is not wanted'));
      await lane.settled;
      if (lane.hex === undefined) post({ kind: 'drop', sink: place.id });
    });
    const { connectTimeoutMs, stallTimeoutMs } = options;
    const { unbufferedFd } = sink;
    post({ kind: 'get', id, url: url.href, headers, sink: { id: place.id, fd: sink.fd, ...(unbufferedFd === undefined ? {} : { unbufferedFd }), sizeBytes: sink.sizeBytes, ...(sink.tail === undefined ? {} : { tailFrom: sink.tail.from }) }, at, connectTimeoutMs, stallTimeoutMs });
    return lane;
  }

  /** undefined when there is no thread to be had. */
  series(orders: readonly FileOrder[], { onResults, tls, ...rest }: SeriesOptions): { readonly ended: Promise<SeriesEnd>; stop(): void } | undefined {
    const member = this.isBroken ? undefined : this.leastBusy();
    if (member === undefined) return undefined;
    const id = this.nextId++;
    const lane = new SeriesLane(orders, onResults);
    begin(member, { id, lane, origin: rest.origin, tls }, lane.ended);
    member.messages.add({ kind: 'series', id, ...rest });
    return { ended: lane.ended, stop: () => member.messages.add({ kind: 'abort', id }) };
  }

  async close(): Promise<void> {
    await Promise.all(this.members.splice(0).map(({ worker }) => worker.terminate()));
  }

  /** A sink stays with its thread, which remembers what its beginning hashes to. */
  private placeOf(sink: FileSink): { readonly id: number; readonly member: Member } | undefined {
    const known = this.places.get(sink);
    if (known !== undefined && this.members.includes(known.member)) return known;
    const member = this.leastBusy();
    if (member === undefined) return undefined;
    const place = { id: this.nextId++, member };
    this.places.set(sink, place);
    return place;
  }

  private leastBusy(): Member | undefined {
    const [least] = this.members.toSorted((a, b) => loadOf(a) - loadOf(b));
    return least === undefined || (least.lanes.size > 0 && this.members.length < this.most) ? this.start() ?? least : least;
  }

  private start(): Member | undefined {
    const worker = spare.shift() ?? startWorker();
    if (worker === undefined) return undefined;
    const member: Member = { worker, messages: new MessageBatch((all) => worker.postMessage(all)), lanes: new Map(), origins: new Set() };
    worker.on('message', (reports: readonly FetchReport[]) => { for (const report of reports) member.lanes.get(report.id)?.take(report); });
    worker.on('error', (cause) => this.lose(member, cause));
    worker.on('exit', () => this.lose(member, new Error('a thread that fetches ended')));
    this.members.push(member);
    return member;
  }

  private lose(member: Member, cause: Error): void {
    if (this.members.includes(member)) {
      this.members.splice(this.members.indexOf(member), 1);
      this.isBroken = true;
    }
    for (const lane of [...member.lanes.values()]) lane.lost(cause);
  }
}

/** Until `ended`, the thread keeps the process alive. */
function begin({ worker, messages, lanes, origins }: Member, { id, lane, origin, tls }: { readonly id: number; readonly lane: UnderWay; readonly origin: string; readonly tls: (() => object) | undefined }, ended: Promise<unknown>): void {
  lanes.set(id, lane);
  worker.ref();
  void ended.then(() => {
    lanes.delete(id);
    if (lanes.size === 0) worker.unref();
  });
  if (tls === undefined || origins.has(origin)) return;
  origins.add(origin);
  messages.add({ kind: 'tls', origin, options: tls() });
}

function loadOf({ lanes }: Member): number {
  return lanes.values().reduce((sum, lane) => sum + lane.leftBytes, 0);
}

/** One body on its way into a file. */
class Lane implements Answering, UnderWay {
  readonly head: Promise<Head>;
  readonly settled: Promise<void>;
  /** What is still to come, at most. */
  leftBytes: number;
  private readonly answered = Promise.withResolvers<Head>();
  private readonly settling = Promise.withResolvers<void>();
  private readonly sink: FileSink;
  private readonly stop: () => void;
  /** Everything was written, and the thread remembers nothing of it. What the reader gave up is not vouched for, even so. */
  hex: string | undefined;
  private tailHex: string | undefined;
  private isContent = false;
  private bytes = 0;
  private state: 'running' | 'ended' | Error = 'running';
  private wake: (() => void) | undefined;

  constructor(sink: FileSink, stop: () => void) {
    this.sink = sink;
    this.stop = stop;
    this.leftBytes = sink.sizeBytes;
    this.head = this.answered.promise;
    this.settled = this.settling.promise;
    this.head.catch(() => undefined);
  }

  take(report: FetchReport): void {
    if (report.kind === 'files') return;
    if (report.kind === 'head') {
      this.isContent = report.head.status === 200 || report.head.status === 206;
      return this.answered.resolve(report.head);
    }
    this.bytes += report.bytes;
    this.leftBytes -= report.bytes;
    if (report.kind === 'end') {
      this.hex = report.hex;
      this.tailHex = report.tailHex;
      this.settle('ended');
    } else if (report.kind === 'failed') this.settle(errorOf(report.error));
    this.wakeReader();
  }

  lost(cause: Error): void {
    this.settle(cause);
  }

  async *body(): Bytes {
    try {
      for (;;) {
        const bytes = Math.min(this.bytes, receiptBytes);
        this.bytes -= bytes;
        if (bytes > 0) yield this.sink.written(bytes);
        else if (this.state === 'ended') return this.vouch();
        else if (this.state !== 'running') throw this.state;
        else await new Promise<void>((resolve) => { this.wake = resolve; });
      }
    } finally {
      this.abort(new Error('the rest of the body is not wanted'));
      // Whoever goes on in another way writes to the same place.
      await this.settled;
    }
  }

  private vouch(): void {
    if (this.hex !== undefined) this.sink.digested(this.hex, this.tailHex);
  }

  /** Resolves when nothing is written any more, of a body that was given up. */
  async quiet(): Promise<void> {
    if (this.isContent) await this.settled;
  }

  discard(): void {
    // What is no content is the thread's to end.
    if (this.isContent) this.abort(new Error('the rest of the body is not wanted'));
  }

  abort(reason: Error): void {
    if (this.state !== 'running') return;
    this.answered.reject(reason);
    this.stop();
  }

  private settle(state: 'ended' | Error): void {
    if (this.state === 'running') {
      this.state = state;
      if (state !== 'ended') this.answered.reject(state);
    }
    this.settling.resolve();
    this.wakeReader();
  }

  private wakeReader(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }
}

function errorOf({ message, code, notDirect, ofSink }: FetchFailure): Error {
  if (notDirect !== undefined) return new NotDirect(message, notDirect === 'always');
  const error = ofSink === true ? new SinkFailure(message) : new Error(message);
  return Object.assign(error, code === undefined ? {} : { code }, ofSink === true ? { syscall: 'write' } : {});
}
