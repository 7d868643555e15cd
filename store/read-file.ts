import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { ByteRange } from '../bom/digest.ts';
import type { Bytes, ReadHow } from '../bom/ports.ts';
import { storageError } from './durable-file.ts';

/** Large enough to keep system calls few, small enough to stay in the processor's cache while it is hashed. */
const chunkBytes = 128 * 1024;

/** Buffers that are read into in turn, where chunks are borrowed: new memory for each chunk costs as much as reading it. */
const ringBuffers = 5;
const ringChunkBytes = 256 * 1024;

/** What lies in the page cache comes sooner than another thread is told to read it; a disk takes longer. */
const usualCachedMs = 1;
/** So many reads are left to another thread before the page cache is tried again. */
const readsElsewhere = 64;

/** Reads from one file, here for as long as that is quick, else in another thread so that nothing else waits. */
class CachedReads {
  private elsewhere = 0;
  private readonly cachedMs: number;

  constructor(cachedMs: number) {
    this.cachedMs = cachedMs;
  }

  async read(handle: FileHandle, buffer: Uint8Array, position: number): Promise<number> {
    if (this.elsewhere > 0) {
      this.elsewhere -= 1;
      return (await handle.read(buffer, 0, buffer.length, position)).bytesRead;
    }
    const before = performance.now();
    const bytes = readSync(handle.fd, buffer, 0, buffer.length, position);
    if (performance.now() - before > this.cachedMs) this.elsewhere = readsElsewhere;
    return bytes;
  }
}

/** Bytes `start` to `end` of a file; ends early where the file does. Every chunk is a buffer of its own unless they are borrowed. Closes the file in every case. */
export async function* readFileRange(path: string, start: number, end: number, { borrow = false, cachedMs = usualCachedMs }: ReadHow & { readonly cachedMs?: number } = {}): Bytes {
  let handle: FileHandle | undefined;
  const ring: Buffer[] = [];
  const cached = new CachedReads(cachedMs);
  let turn = 0;
  try {
    handle = await open(path, 'r');
    for (let position = start; position < end;) {
      const length = Math.min(borrow ? ringChunkBytes : chunkBytes, end - position);
      const place = borrow ? turn++ % ringBuffers : 0;
      const buffer = borrow ? (ring[place] ??= Buffer.allocUnsafeSlow(length)).subarray(0, length) : Buffer.allocUnsafeSlow(length);
      const bytesRead = borrow ? await cached.read(handle, buffer, position) : (await handle.read(buffer, 0, buffer.length, position)).bytesRead;
      if (bytesRead === 0) return;
      position += bytesRead;
      yield bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead);
    }
  } catch (cause) {
    throw storageError(path, cause);
  } finally {
    await handle?.close();
  }
}

/** Bytes `offset` to `offset + size` of a file. */
export interface FilePiece {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

/** Pieces, taken as one content: all of it, or the bytes of `range` (cut at its end). */
export async function* readPieces(pieces: readonly FilePiece[], range?: ByteRange, how?: ReadHow): Bytes {
  let before = 0;
  for (const { path, offset, size } of pieces) {
    const from = Math.max((range?.start ?? 0) - before, 0);
    const to = Math.min((range?.end ?? Number.MAX_SAFE_INTEGER) - before, size);
    before += size;
    if (from < to) yield* readFileRange(path, offset + from, offset + to, how);
  }
}
