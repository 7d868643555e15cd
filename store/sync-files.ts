import { execFile } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { storageError } from './durable-file.ts';

export interface OpenFile {
  readonly path: string;
  /** Opened before the file was written, so that the file's own sync tells of every write that failed since. */
  readonly handle: FileHandle;
}

/** Below this, one by one is as fast. */
const worthFlushing = 8;
const atOnce = 8;

/**
 * Makes many small files durable: the whole file system is flushed once, which leaves next to nothing to do for the sync of each file. Only
 * that sync counts: where there is no `sync -f` (coreutils) it does the work. Returns what failed, as `STORAGE_*`.
 */
export async function syncFiles(files: readonly OpenFile[], folder: string): Promise<Map<OpenFile, unknown>> {
  const failures = new Map<OpenFile, unknown>();
  if (files.length >= worthFlushing) await flushFileSystem(folder);
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let file = files[next++]; file !== undefined; file = files[next++]) {
      const one = file;
      await one.handle.sync().catch((cause: unknown) => { failures.set(one, storageError(one.path, cause)); });
    }
  }));
  return failures;
}

function flushFileSystem(folder: string): Promise<void> {
  return new Promise((resolve) => { execFile('sync', ['-f', folder], () => resolve()); });
}
