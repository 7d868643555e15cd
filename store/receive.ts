import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Descriptor } from '../bom/digest.ts';
import { checkNotAborted } from '../bom/errors.ts';
import type { Bytes } from '../bom/ports.ts';
import { verified } from '../formats/oci/verified.ts';
import { readFileRange } from './read-file.ts';

/** Continues the file behind `handle` to the whole blob: what is there is hashed, the rest comes from `from`. */
export async function appendVerified(handle: FileHandle, options: {
  readonly blob: Descriptor; readonly temporary: string; readonly from: (offset: number) => Bytes; readonly signal: AbortSignal;
}): Promise<void> {
  const { blob, temporary, from, signal } = options;
  const hash = createHash('sha256');
  let position = (await handle.stat()).size;
  if (position > blob.size) position = 0;
  for await (const chunk of readFileRange(temporary, 0, position)) hash.update(chunk);
  await handle.truncate(position);
  const before = { hash, bytes: position };
  const incoming = position === blob.size && position > 0 ? nothing() : from(position);
  // Each chunk is written while the next one is received and hashed.
  let writing: Promise<unknown> = Promise.resolve();
  try {
    for await (const chunk of verified(incoming, blob, { before })) {
      checkNotAborted(signal, blob.digest);
      await writing;
      writing = writeAll(handle, chunk, position);
      writing.catch(() => undefined);
      position += chunk.length;
    }
  } finally {
    await writing;
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length;) done += (await handle.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
}

async function* nothing(): Bytes {
  // An empty body: the whole blob was there already.
}
