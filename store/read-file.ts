import { type FileHandle, open } from 'node:fs/promises';
import type { Bytes } from '../bom/ports.ts';
import { storageError } from './durable-file.ts';

/** Large enough to keep system calls few, small enough to stay in the processor's cache while it is hashed. */
const chunkBytes = 128 * 1024;

/** Bytes `start` to `end` of a file; ends early where the file does. Every chunk is a buffer of its own. Closes the file in every case. */
export async function* readFileRange(path: string, start: number, end: number): Bytes {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    for (let position = start; position < end;) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, end - position));
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
