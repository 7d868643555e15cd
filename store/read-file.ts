import { type FileHandle, open } from 'node:fs/promises';
import type { ByteRange } from '../bom/digest.ts';
import type { Bytes, ReadHow } from '../bom/ports.ts';
import { storageError } from './durable-file.ts';

/** Large enough to keep system calls few, small enough to stay in the processor's cache while it is hashed. */
const chunkBytes = 128 * 1024;

/** Buffers that are read into in turn, where chunks are borrowed: new memory for each chunk costs as much as reading it. Larger ones, since each read is a way to another thread and back. */
const ringBuffers = 5;
const ringChunkBytes = 512 * 1024;

/** Bytes `start` to `end` of a file; ends early where the file does. Every chunk is a buffer of its own unless they are borrowed. Closes the file in every case. */
export async function* readFileRange(path: string, start: number, end: number, { borrow = false }: ReadHow = {}): Bytes {
  let handle: FileHandle | undefined;
  const ring: Buffer[] = [];
  let turn = 0;
  try {
    handle = await open(path, 'r');
    for (let position = start; position < end;) {
      const length = Math.min(borrow ? ringChunkBytes : chunkBytes, end - position);
      const place = borrow ? turn++ % ringBuffers : 0;
      const buffer = borrow ? (ring[place] ??= Buffer.allocUnsafeSlow(length)).subarray(0, length) : Buffer.allocUnsafeSlow(length);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
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
