import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { type FileHandle, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BundleError } from '../bom/errors.ts';

/** File systems that cannot sync a directory are taken as they are. */
const unable: readonly string[] = ['EINVAL', 'ENOTSUP'];

/** Makes the entries of a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (cause) {
    if (!unable.includes((cause as NodeJS.ErrnoException).code ?? '')) throw storageError(path, cause);
  } finally {
    await handle.close();
  }
}

/** The same while everything else waits: for what is as good as done. */
export function syncDirectoryAtOnce(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } catch (cause) {
    if (!unable.includes((cause as NodeJS.ErrnoException).code ?? '')) throw storageError(path, cause);
  } finally {
    closeSync(fd);
  }
}

/** Syncs of one directory for many writers: who asks while one runs shares the next one. */
export class DirectorySync {
  private readonly path: string;
  private running: Promise<void> = Promise.resolve();
  private waiting: Promise<void> | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** What was renamed into the directory before this call is durable when it returns. */
  sync(): Promise<void> {
    this.waiting ??= this.running.catch(() => undefined).then(() => {
      this.waiting = undefined;
      this.running = syncDirectory(this.path);
      return this.running;
    });
    return this.waiting;
  }
}

async function makeFolder(path: string): Promise<string | undefined> {
  try {
    await mkdir(path);
    return path;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' || !await stat(path).then((found) => found.isDirectory(), () => false)) throw cause;
    return undefined;
  }
}

/**
 * Makes `path` and its missing parents; the topmost one that was made. Not Node's `recursive`, which never ends where a folder
 * that is there takes no new ones and says ENOENT: /proc, an automounter's folder.
 */
export async function makeFolders(path: string): Promise<string | undefined> {
  try {
    return await makeFolder(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw cause;
    const first = await makeFolders(dirname(path));
    const made = await makeFolder(path);
    return first ?? made;
  }
}

/** Makes `path` and its missing parents, each made durable in its parent. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    const full = resolve(path);
    const first = await makeFolders(full);
    for (let made = full; first !== undefined; made = dirname(made)) {
      await syncDirectory(dirname(made));
      if (made === first) break;
    }
  } catch (cause) {
    throw storageError(path, cause);
  }
}

/**
 * The one way a small file is written: temporary name in the same directory, content, fsync, rename, fsync of the directory. A reader sees the
 * old file or the new one, also after a power cut. Throws `STORAGE_SPACE` or `STORAGE_IO`; then the old file is as it was.
 */
export async function commitFile(path: string, content: Uint8Array | string, mode = 0o644): Promise<void> {
  await writeThen(path, { content, mode }, (temporary) => rename(temporary, path));
}

/** Like {@link commitFile}, for a name that must be free: false, and nothing written, when something has it already. */
export async function commitNewFile(path: string, content: Uint8Array | string, mode = 0o644): Promise<boolean> {
  let taken = false;
  await writeThen(path, { content, mode }, async (temporary) => {
    try {
      await link(temporary, path);
    } catch (cause) {
      const { code = '' } = cause as NodeJS.ErrnoException;
      if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code)) return rename(temporary, path); // No hard links here: as good as it gets.
      if (code !== 'EEXIST') throw cause;
      taken = true;
    }
    await rm(temporary);
  });
  return !taken;
}

async function writeThen(path: string, { content, mode }: { readonly content: Uint8Array | string; readonly mode: number }, name: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx', mode);
    await handle.writeFile(content);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await name(temporary);
  } catch (cause) {
    await handle?.close();
    await rm(temporary, { force: true });
    throw storageError(path, cause);
  }
  await syncDirectory(dirname(path));
}

/** Moves a finished, synced file to its name and makes the name durable. Both on one file system. */
export async function commitRename(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (cause) {
    throw storageError(to, cause);
  }
  await syncDirectory(dirname(to));
}

/** A failed file operation as a `BundleError`; what is one already stays. */
export function storageError(path: string, cause: unknown): BundleError {
  if (cause instanceof BundleError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new BundleError('STORAGE_SPACE', { subject: path, expected: 'room on the disk', actual: code === 'ENOSPC' ? 'the disk is full' : 'the quota is used up' }, { cause });
  }
  const next = code === 'EROFS' ? { next: 'The disk is mounted read-only: mount it so that it can be written, or name another --store. `longshore serve ARCHIVE` serves an archive and writes nothing.' } : {};
  return new BundleError('STORAGE_IO', { subject: path, expected: 'to read and write here', actual: message ?? String(cause), ...next }, { cause });
}
