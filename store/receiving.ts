import { closeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Descriptor, Digest } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import type { BlobWriter, Bytes, FileSink, FileTaker } from '../bom/ports.ts';
import type { Commits } from './commits.ts';
import { storageError } from './durable-file.ts';
import { partialFlags, type Partials } from './partials.ts';
import { appendVerified } from './receive.ts';
import { HandedFile, ReceivedFile } from './received-file.ts';

type From = (offset: number, into: FileSink) => Bytes;

interface Parts {
  readonly partials: Partials;
  readonly commits: Commits;
  readonly has: (digest: Digest) => Promise<boolean>;
}

/** What comes into a store blob by blob: a partial file, verified while it is written, then made durable and named. */
export class Receiving implements BlobWriter, FileTaker {
  private readonly parts: Parts;
  private readonly running = new Map<Digest, Promise<'stored' | 'left'>>();
  private readonly reserved = new Map<Digest, PromiseWithResolvers<'stored' | 'left'>>();

  constructor(parts: Parts) {
    this.parts = parts;
  }

  async put(blob: Descriptor, bytes: Bytes, signal: AbortSignal): Promise<'stored' | 'present'> {
    return (await this.parts.has(blob.digest)) ? 'present' : this.copy(blob, () => bytes, signal);
  }

  async fill(blob: Descriptor, from: From, signal: AbortSignal): Promise<'stored' | 'present'> {
    return (await this.parts.has(blob.digest)) ? 'present' : this.once(blob, () => this.receive(blob, from, signal));
  }

  /** All of a blob, whatever an earlier try left of it, and whether or not it can be found elsewhere. */
  async copy(blob: Descriptor, bytes: () => Bytes, signal: AbortSignal): Promise<'stored' | 'present'> {
    return this.once(blob, async () => {
      await rm(await this.parts.partials.claim(blob.digest), { force: true });
      return this.receive(blob, bytes, signal);
    });
  }

  async reserve({ digest }: Descriptor): Promise<string | undefined> {
    if (await this.parts.partials.hasAny(digest) || this.running.has(digest)) return undefined;
    const reserved = Promise.withResolvers<'stored' | 'left'>();
    reserved.promise.catch(() => undefined);
    this.reserved.set(digest, reserved);
    this.running.set(digest, reserved.promise);
    return this.parts.partials.pathOf(digest);
  }

  async leave({ digest }: Descriptor, fd?: number): Promise<void> {
    if (fd !== undefined) {
      closeSync(fd);
      await rm(this.parts.partials.pathOf(digest), { force: true });
    }
    this.release(digest)?.resolve('left');
  }

  async take(files: readonly { readonly blob: Descriptor; readonly fd: number }[]): Promise<ReadonlyMap<Digest, unknown>> {
    const failures = new Map<Digest, unknown>();
    const added = this.parts.commits.addAll(files.map(({ blob: { digest }, fd }) => ({ path: this.parts.partials.pathOf(digest), handle: new HandedFile(fd), digest })));
    await Promise.all(added.map((adding, index) => {
      const { digest } = files[index]?.blob as Descriptor;
      return adding.then(() => this.release(digest)?.resolve('stored'), (error: unknown) => {
        failures.set(digest, error);
        this.release(digest)?.reject(error);
      });
    }));
    return failures;
  }

  private release(digest: Digest): PromiseWithResolvers<'stored' | 'left'> | undefined {
    const reserved = this.reserved.get(digest);
    if (this.reserved.delete(digest)) this.running.delete(digest);
    return reserved;
  }

  /** Several callers of this process that bring the same blob: the first one's bytes are taken, the others wait for it. */
  private async once(blob: Descriptor, receive: () => Promise<'stored'>): Promise<'stored' | 'present'> {
    for (let running = this.running.get(blob.digest); running !== undefined; running = this.running.get(blob.digest)) {
      if (await running === 'stored') return 'present';
    }
    const receiving = receive();
    this.running.set(blob.digest, receiving);
    try {
      return await receiving;
    } finally {
      this.running.delete(blob.digest);
    }
  }

  private async receive(blob: Descriptor, from: From, signal: AbortSignal): Promise<'stored'> {
    const path = await this.parts.partials.claim(blob.digest);
    let handle: ReceivedFile | undefined;
    try {
      handle = new ReceivedFile(path, partialFlags);
      await appendVerified(handle, { blob, temporary: path, from, signal });
    } catch (cause) {
      await handle?.close();
      const error = cause instanceof BundleError || !isFileError(cause) ? cause : storageError(path, cause);
      if (error instanceof BundleError && error.family === 'integrity') await rm(path, { force: true });
      throw error;
    }
    await this.parts.commits.add({ path, handle, digest: blob.digest });
    return 'stored';
  }
}

function isFileError(cause: unknown): boolean {
  return cause instanceof Error && typeof (cause as NodeJS.ErrnoException).syscall === 'string';
}
