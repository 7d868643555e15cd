import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type Digest, digestFromHex } from '../bom/digest.ts';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import type { CopyAnswer, CopyPiece, CopyTask, CopyWorkerData } from './copy-worker.ts';
import { storageError } from './durable-file.ts';

export type { CopyPiece } from './copy-worker.ts';

export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

export interface CopyResult {
  readonly digest: Digest;
  /** Of each piece, when there were several. */
  readonly pieces: readonly Digest[];
}

export interface CopyPoolOptions {
  /** Most threads; never more than the machine has processors (or two). */
  readonly concurrency: number;
  /** Everything stops soon after it is aborted; what was asked for then fails with its reason. */
  readonly signal: AbortSignal;
  /** Bytes that were read (and written) since the last call. */
  readonly onBytes?: (bytes: number) => void;
}

interface Waiting { readonly task: CopyTask; readonly resolve: (result: CopyResult) => void; readonly reject: (cause: unknown) => void }
interface Member { readonly worker: Worker; job: Waiting | undefined }

/**
 * Threads that hash files, and copy while hashing. Threads start with the first work and end with {@link close}. Whoever asks compares the
 * digest: the pool promises only that it is that of the bytes read, which are the bytes written. Throws `INTEGRITY_SIZE` when a file is shorter
 * than asked for, `STORAGE_SPACE`, `STORAGE_IO` and `INTERRUPTED`. Does not sync what it writes. Targets must exist.
 */
export class CopyPool {
  private readonly threads: number;
  private readonly options: CopyPoolOptions;
  private readonly stop = new SharedArrayBuffer(4);
  private readonly members: Member[] = [];
  private readonly queue: Waiting[] = [];
  private readonly onAbort = (): void => this.abort();
  private nextId = 1;
  private closed = false;

  constructor(options: CopyPoolOptions) {
    this.options = options;
    this.threads = Math.max(1, Math.min(options.concurrency, Math.max(2, availableParallelism())));
    options.signal.addEventListener('abort', this.onAbort, { once: true });
  }

  /** sha256 of the ranges joined in order. */
  async hash(...ranges: readonly FileRange[]): Promise<CopyResult> {
    return this.run(ranges.map(({ path, offset, size }) => ({ from: { path, offset }, size })));
  }

  /** sha256 of the pieces joined in order, each written to its `to` on the way. */
  async run(pieces: readonly CopyPiece[]): Promise<CopyResult> {
    checkNotAborted(this.options.signal, pieces[0]?.from.path ?? 'copy');
    if (this.closed) throw new Error('the pool is closed');
    return new Promise((resolve, reject) => {
      this.queue.push({ task: { id: this.nextId, pieces }, resolve, reject });
      this.nextId += 1;
      this.dispatch();
    });
  }

  /** `work` over all items, a few more at once than there are threads. The first failure stops it, once what runs has ended. */
  async each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    const iterator = items[Symbol.iterator]();
    const failures: unknown[] = [];
    const lane = async (): Promise<void> => {
      for (let next = iterator.next(); next.done !== true && failures.length === 0; next = iterator.next()) {
        await work(next.value).catch((cause: unknown) => { failures.push(cause); });
      }
    };
    await Promise.all(Array.from({ length: this.threads * 2 }, lane));
    if (failures.length > 0) throw failures[0];
  }

  /** Ends the threads. Work that is still asked for fails. */
  async close(): Promise<void> {
    this.closed = true;
    this.options.signal.removeEventListener('abort', this.onAbort);
    Atomics.store(new Int32Array(this.stop), 0, 1);
    for (const waiting of this.queue.splice(0)) waiting.reject(new Error('the pool was closed'));
    await Promise.all(this.members.splice(0).map(({ worker }) => worker.terminate()));
  }

  private dispatch(): void {
    while (this.queue.length > 0) {
      const free = this.members.find((member) => member.job === undefined) ?? this.start();
      if (free === undefined) return;
      free.job = this.queue.shift();
      // A thread keeps the process alive while it works, not while it waits.
      free.worker.ref();
      if (free.job !== undefined) free.worker.postMessage(free.job.task);
    }
    for (const member of this.members) {
      if (member.job !== undefined) continue;
      member.worker.unref();
      member.worker.postMessage('idle');
    }
  }

  private start(): Member | undefined {
    if (this.members.length >= this.threads) return undefined;
    const script = import.meta.url.endsWith('.ts') ? new URL('./copy-worker.ts', import.meta.url) : new URL('./copy-worker.js', import.meta.url);
    // The loop makes next to no garbage: a small heap keeps a thread at a few megabytes.
    const resourceLimits = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64 };
    const worker = new Worker(script, { workerData: { stop: this.stop } satisfies CopyWorkerData, resourceLimits });
    const member: Member = { worker, job: undefined };
    worker.on('message', (answer: CopyAnswer) => this.take(member, answer));
    worker.on('error', (cause) => this.lose(member, cause));
    worker.unref();
    this.members.push(member);
    return member;
  }

  private take(member: Member, answer: CopyAnswer): void {
    const { job } = member;
    if (job === undefined || job.task.id !== answer.id) return;
    if (answer.kind === 'progress') {
      this.options.onBytes?.(answer.bytes);
      return;
    }
    member.job = undefined;
    if (answer.kind === 'done') {
      this.options.onBytes?.(answer.bytes);
      job.resolve({ digest: digestFromHex(answer.hex), pieces: answer.pieceHexes.map((hex) => digestFromHex(hex)) });
    } else job.reject(answer.kind === 'aborted' ? this.interrupted(job) : failureOf(answer));
    this.dispatch();
  }

  private lose(member: Member, cause: unknown): void {
    this.members.splice(this.members.indexOf(member), 1);
    member.job?.reject(cause);
    this.dispatch();
  }

  private abort(): void {
    Atomics.store(new Int32Array(this.stop), 0, 1);
    for (const waiting of this.queue.splice(0)) waiting.reject(this.interrupted(waiting));
  }

  private interrupted(job: Waiting): unknown {
    try {
      checkNotAborted(this.options.signal, job.task.pieces[0]?.from.path ?? 'copy');
    } catch (cause) {
      return cause;
    }
    return new Error('the pool was closed');
  }
}

function failureOf(answer: CopyAnswer & { readonly kind: 'failed' }): BundleError {
  const cause = Object.assign(new Error(answer.message), answer.code === undefined ? {} : { code: answer.code });
  if (answer.missingBytes === undefined) return storageError(answer.path, cause);
  return new BundleError('INTEGRITY_SIZE', { subject: answer.path, expected: `${answer.missingBytes} bytes more`, actual: 'the end of the file' }, { cause });
}
