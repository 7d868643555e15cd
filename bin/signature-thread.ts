import { readFileSync, statSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ApartVerifier, VerifiedText } from '../downloader/sources/apt-release.ts';
import type { SignatureAnswer, SignatureTask } from './signature-worker.ts';

/** A thread that was started before anybody asks. */
let spare: Worker | undefined;

const mostLookedAt = 1 << 20;

/**
 * Starts the thread as early as can be, where a look at what -f names in `args` tells of Debian packages: they are read, understood and put together while it loads.
 * A guess, which costs nothing but the thread where it is wrong; who has one processor waits for the thread either way, and does without.
 */
export function warmSignatureThread(args: readonly string[], processors = availableParallelism()): void {
  if (processors < 2) return;
  const named = args.flatMap((arg, index) => (arg === '-f' || arg === '--file' ? args[index + 1] ?? [] : arg.startsWith('--file=') ? arg.slice('--file='.length) : []));
  if (named.some(namesDebs)) spare ??= startWorker();
}

function namesDebs(path: string): boolean {
  try {
    const facts = statSync(path, { throwIfNoEntry: false });
    return facts?.isFile() === true && facts.size <= mostLookedAt && /manager"?: *["']?deb\b/.test(readFileSync(path, 'latin1'));
  } catch {
    return false; // Whoever reads it for what it says tells what is wrong.
  }
}

/** undefined where a limit on processes leaves no thread. */
function startWorker(): Worker | undefined {
  const script = import.meta.url.endsWith('.ts') ? new URL('./signature-worker.ts', import.meta.url) : new URL('./signature-worker.js', import.meta.url);
  const cache = getCompileCacheDir();
  try {
    const worker = new Worker(script, { env: cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) }, execArgv: [], trackUnmanagedFds: false });
    worker.unref();
    worker.once('error', () => { if (spare === worker) spare = undefined; });
    return worker;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_WORKER_INIT_FAILED') return undefined;
    throw cause;
  }
}

/**
 * OpenPGP in a thread of its own, the one that was warmed: what checks and makes signatures takes longer to load than to run, and the rest goes on meanwhile. It only ever
 * says yes: where it has no answer, because there is no thread or something is not as it should be, the answer is undefined, and whoever asked does it itself, which says why.
 */
export class SignatureThread implements ApartVerifier {
  private worker: Worker | undefined;
  private nextId = 1;
  private readonly first = Promise.withResolvers<boolean>();
  private readonly waiting = new Map<number, (value: unknown) => void>();

  constructor() {
    const worker = spare;
    spare = undefined;
    if (worker === undefined) this.end();
    worker?.on('message', ({ id, value }: SignatureAnswer) => this.answer(id, value)).on('error', () => this.end()).on('exit', () => this.end());
    this.worker = worker;
  }

  /** True once it has answered, or nothing is to be expected of it; false when it was closed before. */
  get answered(): Promise<boolean> { return this.first.promise; }

  async verifyClearsigned(document: Uint8Array, { files, fingerprints, now }: Parameters<ApartVerifier['verifyClearsigned']>[1]): Promise<VerifiedText | undefined> {
    return await this.ask({ kind: 'verify', document, files, fingerprints, nowMs: now.getTime() }) as VerifiedText | undefined;
  }

  /** What signs with an armored secret key that has no passphrase, and the armored public key of it; undefined where the key is none. */
  async signerOf(secret: Uint8Array, now: () => Date): Promise<ThreadSigner | undefined> {
    const publicKey = await this.ask({ kind: 'public', secret });
    if (typeof publicKey !== 'string') return undefined;
    return {
      publicKey,
      clearsign: async (text) => await this.ask({ kind: 'clearsign', secret, text, nowMs: now().getTime() }) as string | undefined,
      detach: async (content) => await this.ask({ kind: 'detach', secret, content, nowMs: now().getTime() }) as string | undefined,
    };
  }

  /** Nothing is asked any more. It ends while the rest goes on. */
  close(): void {
    const { worker } = this;
    this.first.resolve(false);
    this.end();
    void worker?.terminate();
  }

  private ask(task: SignatureTask): Promise<unknown> {
    const { worker } = this;
    if (worker === undefined) return Promise.resolve(undefined);
    const id = this.nextId++;
    worker.ref();
    return new Promise((done) => {
      this.waiting.set(id, done);
      worker.postMessage({ id, task });
    });
  }

  private answer(id: number, value: unknown): void {
    this.waiting.get(id)?.(value);
    this.first.resolve(true);
    this.waiting.delete(id);
    if (this.waiting.size === 0) this.worker?.unref();
  }

  private end(): void {
    this.first.resolve(true);
    this.worker = undefined;
    for (const id of [...this.waiting.keys()]) this.answer(id, undefined);
  }
}

export interface ThreadSigner {
  readonly publicKey: string;
  readonly clearsign: (text: string) => Promise<string | undefined>;
  readonly detach: (content: Uint8Array) => Promise<string | undefined>;
}
