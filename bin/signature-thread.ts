import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ApartVerifier, VerifiedText } from '../downloader/sources/apt-release.ts';
import type { SignatureAnswer, SignatureTask } from './signature-worker.ts';

/**
 * OpenPGP in a thread of its own: what checks and makes signatures takes longer to load than to run, and the rest goes on meanwhile. It only ever says yes: where it
 * has no answer, because there is no thread to be had or something is not as it should be, the answer is undefined, and whoever asked does it itself, which says why.
 */
export class SignatureThread implements ApartVerifier {
  private worker: Worker | undefined;
  private hasEnded = false;
  private nextId = 1;
  private readonly waiting = new Map<number, (value: unknown) => void>();

  /** Starts it before it is asked. */
  start(): void {
    if (this.worker !== undefined || this.hasEnded) return;
    const script = import.meta.url.endsWith('.ts') ? new URL('./signature-worker.ts', import.meta.url) : new URL('./signature-worker.js', import.meta.url);
    const cache = getCompileCacheDir();
    try {
      const worker = new Worker(script, { env: cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) }, execArgv: [], trackUnmanagedFds: false });
      worker.unref();
      worker.on('message', ({ id, value }: SignatureAnswer) => this.answer(id, value));
      worker.on('error', () => this.end());
      worker.on('exit', () => this.end());
      this.worker = worker;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ERR_WORKER_INIT_FAILED') throw cause;
      this.end();
    }
  }

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

  /** Nothing is asked any more. */
  async close(): Promise<void> {
    const { worker } = this;
    this.end();
    await worker?.terminate();
  }

  private ask(task: SignatureTask): Promise<unknown> {
    this.start();
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
    this.waiting.delete(id);
    if (this.waiting.size === 0) this.worker?.unref();
  }

  private end(): void {
    this.hasEnded = true;
    this.worker = undefined;
    for (const id of [...this.waiting.keys()]) this.answer(id, undefined);
  }
}

export interface ThreadSigner {
  readonly publicKey: string;
  readonly clearsign: (text: string) => Promise<string | undefined>;
  readonly detach: (content: Uint8Array) => Promise<string | undefined>;
}
