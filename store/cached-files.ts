// What was worked out from blobs and can be worked out again: large, few, and checked by whoever reads it. ARCHITECTURE.md, "Decisions".
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders, storageError } from './durable-file.ts';

/** A file that is open for reading; the one who opened it closes it. */
export interface CachedFile {
  readonly size: number;
  /** Throws `STORAGE_IO` when the file ends before `end`. */
  read(start: number, end: number): Buffer;
  close(): void;
}

/**
 * Files by name in one folder. A file appears whole or not at all, but it is not synced: after a power cut it may hold anything, so a reader *must*
 * check what it reads and do without. Only the `keep` files used last stay.
 */
export class CachedFiles {
  private readonly folder: string;
  private readonly keep: number;

  constructor(folder: string, keep: number) {
    this.folder = folder;
    this.keep = keep;
  }

  /** The file of that name; undefined when there is none. */
  async open(name: string): Promise<CachedFile | undefined> {
    const path = join(this.folder, name);
    const info = await stat(path).catch(absent);
    if (info === undefined) return undefined;
    const now = new Date();
    await utimes(path, now, now).catch(absent);
    return openFile(path, info.size);
  }

  /** Writes a file part by part and opens it. When `write` throws, or the disk is full, nothing stays. */
  async write(name: string, write: (add: (part: Uint8Array) => Promise<void>) => Promise<void>): Promise<CachedFile> {
    await makeFolders(this.folder);
    const path = join(this.folder, name);
    const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
    let handle: FileHandle | undefined;
    try {
      handle = await open(temporary, 'wx');
      const file = handle;
      await write(async (part) => { await file.writeFile(part); });
      const { size } = await handle.stat();
      await handle.close();
      handle = undefined;
      await rename(temporary, path);
      await this.trim();
      return openFile(path, size);
    } catch (cause) {
      await handle?.close();
      await rm(temporary, { force: true });
      throw storageError(path, cause);
    }
  }

  /** Removes a file that turned out to be damaged. */
  forget(name: string): void { rmSync(join(this.folder, name), { force: true }); }

  /** Removes what was used longest ago, and what writers that died left. */
  private async trim(): Promise<void> {
    const names = await readdir(this.folder);
    const files = await Promise.all(names.map(async (name) => ({ name, time: (await stat(join(this.folder, name)).catch(absent))?.mtimeMs ?? 0 })));
    const dayAgo = Date.now() - 86_400_000;
    const stale = files.filter(({ name, time }) => name.endsWith('.tmp') && time < dayAgo);
    const old = files.filter(({ name }) => !name.endsWith('.tmp')).sort((a, b) => b.time - a.time).slice(this.keep);
    for (const { name } of [...stale, ...old]) await rm(join(this.folder, name), { force: true });
  }
}

/** Another process removed it meanwhile: the same as never having been there. */
function absent(cause: NodeJS.ErrnoException): undefined {
  if (cause.code === 'ENOENT') return undefined;
  throw storageError(cause.path ?? 'cache', cause);
}

function openFile(path: string, size: number): CachedFile {
  const descriptor = openSync(path, 'r');
  return {
    size,
    read: (start, end) => {
      const bytes = Buffer.from(new ArrayBuffer(end - start));
      for (let at = 0; at < bytes.length;) {
        const count = readSync(descriptor, bytes, at, bytes.length - at, start + at);
        if (count === 0) throw storageError(path, new Error(`it ends at byte ${start + at}`));
        at += count;
      }
      return bytes;
    },
    close: () => { closeSync(descriptor); },
  };
}
