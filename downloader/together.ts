import type { Descriptor } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import type { FetchFiles, FileOrder, FileResult, FileTaker, PlainFetch } from '../bom/ports.ts';

/** What of a job matters here. */
export interface SmallJob {
  readonly blob: Descriptor & { readonly what: string };
  readonly origin: string;
  /** How it is asked for by whoever fetches many at once; undefined where only `fetch` gives it. */
  readonly plain?: () => Promise<PlainFetch | undefined>;
}

/** A job that did not come in this way, and what was received in vain, or lies in its file. */
export interface LeftJob<J> { readonly job: J; readonly receivedBytes: number }

export interface TogetherOptions {
  readonly fetchFiles: FetchFiles;
  readonly files: FileTaker;
}

interface Running { readonly notify: Notify; readonly signal: AbortSignal; readonly concurrency: number; readonly onFailed: (error: unknown) => void }
interface Ready<J> { readonly job: J; readonly plain: PlainFetch }
interface Received<J> { readonly job: J; readonly blob: Descriptor; readonly fd: number }

/** Larger ones come with more care: they show progress, and are continued. */
const smallBytes = 1 << 20;
/** Fewer are here before threads are. */
const worthSeries = 32;
const leastOfSeries = 4;
const seriesBytes = 8 << 20;
/** Files that are open at once, of all series: some hundred more wait to be made durable. */
const mostUnderWay = 256;
/** So many, or for so long, wait to be made durable together: each time, nobody can make a file for a moment. */
const worthTaking = 192;
const takeMs = 1000;

/** Small contents in series: what each takes by itself is done by the thread that receives them, and told of together. */
export class Together<J extends SmallJob> {
  fetched = 0;
  fetchedBytes = 0;
  private readonly options: TogetherOptions & Running;
  private readonly queues: Ready<J>[][];
  private readonly mostOfSeries: number;
  private received: Received<J>[] = [];
  private sinceMs = 0;
  private taking: Promise<void> | undefined;

  private constructor(queues: Ready<J>[][], options: TogetherOptions & Running) {
    this.queues = queues;
    this.options = options;
    this.mostOfSeries = Math.max(1, Math.min(32, Math.floor(mostUnderWay / options.concurrency)));
  }

  /** Those of `jobs` that can come so, and the others as they stand. */
  static async of<J extends SmallJob>(jobs: readonly J[], options: Running & { readonly together?: TogetherOptions }): Promise<{ readonly together?: Together<J>; readonly others: readonly J[] }> {
    if (options.together === undefined) return { others: jobs };
    const small = jobs.filter(({ blob, plain }) => plain !== undefined && blob.size > 0 && blob.size <= smallBytes);
    const ready = new Map<J, Ready<J>>();
    if (small.length >= worthSeries) {
      for (const job of small) {
        const plain = await job.plain?.();
        if (plain !== undefined) ready.set(job, { job, plain });
      }
    }
    if (ready.size < worthSeries) return { others: jobs };
    const queues = [...Map.groupBy(ready.values(), ({ job }) => job.origin).values()];
    return { together: new Together(queues, { ...options, ...options.together }), others: jobs.filter((job) => !ready.has(job)) };
  }

  get isEmpty(): boolean { return this.queues.length === 0; }

  /** Fetches some more, of one origin after another. Returns those that did not come, once none is on its way. */
  async next(): Promise<LeftJob<J>[]> {
    try {
      return await this.fetchSome();
    } catch (error) {
      this.options.onFailed(error);
      return [];
    }
  }

  private async fetchSome(): Promise<LeftJob<J>[]> {
    while (this.taking !== undefined && this.received.length >= worthTaking) await this.taking;
    const series = this.series();
    const left: LeftJob<J>[] = [];
    const untried: Ready<J>[] = [];
    const orders = new Map<FileOrder, Ready<J>>();
    for (const item of series) {
      const { blob } = item.job;
      const path = await this.options.files.reserve(blob);
      if (path === undefined) left.push({ job: item.job, receivedBytes: 0 });
      else orders.set({ ...item.plain, path, blob }, item);
    }
    const checks: Promise<void>[] = [];
    const { signal } = this.options;
    const onResults = (results: readonly FileResult[]): void => {
      for (const result of results) {
        const item = orders.get(result.order);
        if (item === undefined) continue;
        const done = result.kind === 'untried'
          ? this.options.files.leave(item.job.blob).then(() => { untried.push(item); })
          : this.resultOf(item, result).then((gone) => { if (gone !== undefined) left.push(gone); });
        checks.push(done.catch(this.options.onFailed));
      }
    };
    if (orders.size > 0) await this.options.fetchFiles([...orders.keys()], { signal, onResults });
    await Promise.all(checks);
    if (untried.length > 0) this.queues.push(untried);
    return left;
  }

  /** Returns when all that came is durable, or has failed. */
  async ended(): Promise<void> {
    while (this.received.length > 0 || this.taking !== undefined) await this.take();
  }

  /** Fewer at the end, so that all lanes end together. */
  private series(): Ready<J>[] {
    const queue = this.queues.shift() ?? [];
    const most = Math.max(leastOfSeries, Math.min(this.mostOfSeries, Math.ceil(queue.length / (2 * this.options.concurrency))));
    const series: Ready<J>[] = [];
    for (let bytes = 0; series.length < most && bytes < seriesBytes;) {
      const item = queue.shift();
      if (item === undefined) break;
      series.push(item);
      bytes += item.job.blob.size;
    }
    if (queue.length > 0) this.queues.push(queue);
    return series;
  }

  /** What came is checked and waits to become durable; the job where that is not so. */
  private async resultOf({ job, plain }: Ready<J>, result: Exclude<FileResult, { readonly kind: 'untried' }>): Promise<LeftJob<J> | undefined> {
    const { files, notify } = this.options;
    const { blob } = job;
    if (result.kind === 'left') {
      await files.leave(blob);
      return { job, receivedBytes: result.bytes };
    }
    const { fd, tailHex } = result;
    const tail = plain.tailFrom === undefined ? undefined : { from: plain.tailFrom, ...(tailHex === undefined ? {} : { hex: tailHex }) };
    try {
      await plain.check?.({ fd, sizeBytes: blob.size, tail });
    } catch (error) {
      await files.leave(blob, fd);
      // As a wrong digest: who fetches it by itself says what is wrong, if it still is.
      if (!(error instanceof BundleError) || error.family !== 'integrity') throw error;
      return { job, receivedBytes: blob.size };
    }
    notify({ kind: 'bytes', phase: 'download', bytes: blob.size });
    if (this.received.length === 0) this.sinceMs = performance.now();
    this.received.push({ job, blob, fd });
    if (this.received.length >= worthTaking || performance.now() - this.sinceMs > takeMs) void this.take();
    return undefined;
  }

  /** What waits becomes durable, or what went before it does. */
  private take(): Promise<void> {
    this.taking ??= this.takeNow(this.received.splice(0)).finally(() => {
      this.taking = undefined;
      if (this.received.length >= worthTaking) void this.take();
    });
    return this.taking;
  }

  private async takeNow(received: readonly Received<J>[]): Promise<void> {
    const failures = await this.options.files.take(received);
    for (const { job } of received) {
      const { blob } = job;
      if (failures.has(blob.digest)) this.options.onFailed(failures.get(blob.digest));
      else {
        this.fetched += 1;
        this.fetchedBytes += blob.size;
        this.options.notify({ kind: 'done', phase: 'download', item: blob.what, bytes: blob.size });
      }
    }
  }
}
