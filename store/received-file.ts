import { closeSync, fsync, ftruncateSync, openSync, write } from 'node:fs';
import { promisify } from 'node:util';

/** A file that is made durable by who holds it. `FileHandle` is one. */
export interface SyncedFile {
  readonly fd: number;
  sync(): Promise<void>;
  close(): Promise<void>;
}

const fsyncOf = promisify(fsync);
const writeTo = promisify(write);

/**
 * A file that is written as content comes. Opening and closing are quicker done at once than handed to another thread and back, which for many
 * small files is most of what they take; writing and syncing, which wait for the disk, are not done at once.
 */
export class ReceivedFile implements SyncedFile {
  readonly fd: number;

  /** Throws what the system says. */
  constructor(path: string, flags: number) {
    this.fd = openSync(path, flags, 0o644);
  }

  truncate(length: number): void {
    ftruncateSync(this.fd, length);
  }

  async write(chunk: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < chunk.length;) done += (await writeTo(this.fd, chunk, done, chunk.length - done, position + done)).bytesWritten;
  }

  async sync(): Promise<void> {
    await fsyncOf(this.fd);
  }

  /** Once. */
  async close(): Promise<void> {
    closeSync(this.fd);
  }
}
