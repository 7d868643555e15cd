import { closeSync, fdatasync, fsync, ftruncateSync, openSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { openUnbuffered } from './unbuffered.ts';

/** A file that is made durable by who holds it. `FileHandle` is one. */
export interface SyncedFile {
  readonly fd: number;
  sync(): Promise<void>;
  close(): Promise<void>;
}

const fsyncOf = promisify(fsync);
const fdatasyncOf = promisify(fdatasync);
const writeTo = promisify(write);

/** A file that another thread opened and wrote. */
export class HandedFile implements SyncedFile {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  sync(): Promise<void> {
    return fsyncOf(this.fd);
  }

  async close(): Promise<void> {
    closeSync(this.fd);
  }
}

/** What is left to be synced at the end of a large file is about this much; smaller ones are synced together. */
const flushEveryBytes = 64 << 20;

/**
 * A file that is written as content comes. Opening and closing are quicker done at once than handed to another thread and back, which for many
 * small files is most of what they take; writing and syncing, which wait for the disk, are not done at once.
 */
export class ReceivedFile implements SyncedFile {
  readonly fd: number;
  private readonly path: string;
  private unbuffered: number | 'none' | undefined;
  private readonly flush: (fd: number) => Promise<void>;
  private flushing: Promise<void> | undefined;
  private flushedTo = 0;
  private failure: { readonly cause: unknown } | undefined;

  /** Throws what the system says. */
  constructor(path: string, flags: number, flush = fdatasyncOf) {
    this.fd = openSync(path, flags, 0o644);
    this.path = path;
    this.flush = flush;
  }

  /** The file again, for writes past the page cache; undefined where its file system has none. Throws what the system says. */
  unbufferedFd(): number | undefined {
    // Opened a second time: Linux keeps the flag with what was opened, and writes of single bytes go another way.
    this.unbuffered ??= openUnbuffered(this.path, 'write') ?? 'none';
    return this.unbuffered === 'none' ? undefined : this.unbuffered;
  }

  /**
   * `length` bytes are in the file or on their way there: from time to time they are brought to the disk while more is received, so that the disk does not
   * begin when the network is done. The system tells of a failed write once: what is told here is thrown by {@link sync}.
   */
  grew(length: number): void {
    if (this.flushing !== undefined || length - this.flushedTo < flushEveryBytes) return;
    this.flushedTo = length;
    this.flushing = this.flush(this.fd).catch((cause: unknown) => { this.failure ??= { cause }; }).finally(() => { this.flushing = undefined; });
  }

  truncate(length: number): void {
    ftruncateSync(this.fd, length);
  }

  async write(chunk: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < chunk.length;) done += (await writeTo(this.fd, chunk, done, chunk.length - done, position + done)).bytesWritten;
  }

  async sync(): Promise<void> {
    await this.flushing;
    if (this.failure !== undefined) throw this.failure.cause;
    await fsyncOf(this.fd);
  }

  /** Once. */
  async close(): Promise<void> {
    await this.flushing;
    closeSync(this.fd);
    if (typeof this.unbuffered === 'number') closeSync(this.unbuffered);
  }
}
