// Archives that come as a stream: stdin, or a body of HTTP.
import { type FileHandle, open, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { checkNotAborted } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import type { Bytes } from '../bom/ports.ts';
import { makeDirectory, storageError } from '../store/durable-file.ts';

export interface ReceivedArchive {
  /** In the store's file system, so that import links it and no byte is written twice. */
  readonly path: string;
  /** Takes the received name away; what was linked from it stays. */
  remove(): Promise<void>;
}

/** Writes a stream to a file that can be imported. Nothing of it is believed yet. When it throws, nothing is left. Throws `STORAGE_*`, `INTERRUPTED`, and what `bytes` throws. */
export async function receiveArchive(bytes: Bytes, { root, notify, signal }: { readonly root: string; readonly notify: Notify; readonly signal: AbortSignal }): Promise<ReceivedArchive> {
  const folder = join(root, 'packs');
  await makeDirectory(folder);
  const path = join(folder, `received.${process.pid}.tmp`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'w', 0o644).catch((cause: unknown) => { throw storageError(path, cause); });
    for await (const chunk of bytes) {
      checkNotAborted(signal, path);
      await write(handle, chunk, path);
      notify({ kind: 'bytes', phase: 'import', bytes: chunk.length });
    }
    await handle.sync().catch((cause: unknown) => { throw storageError(path, cause); });
  } catch (cause) {
    await handle?.close();
    handle = undefined;
    await rm(path, { force: true });
    throw cause;
  } finally {
    await handle?.close();
  }
  return { path, remove: async () => unlink(path) };
}

async function write(handle: FileHandle, chunk: Uint8Array, path: string): Promise<void> {
  try {
    for (let done = 0; done < chunk.length;) done += (await handle.write(chunk, done, chunk.length - done)).bytesWritten;
  } catch (cause) {
    throw storageError(path, cause);
  }
}
