// Writes a layout into a folder: every file under a temporary name, verified, synced, renamed. What is there and right is left alone.
import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, open, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Descriptor, Digest } from '../../../bom/digest.ts';
import { BundleError, checkNotAborted } from '../../../bom/errors.ts';
import type { Notify } from '../../../bom/events.ts';
import type { BlobReader, Bytes } from '../../../bom/ports.ts';
import { commitFile, commitRename, makeDirectory, storageError } from '../../../store/durable-file.ts';
import type { FilePiece } from '../../../store/read-file.ts';
import { checkedFiles, type Layout, type LayoutFile } from './layout.ts';

export interface TreeOptions {
  readonly folder: string;
  readonly blobs: BlobReader & { locate?(digest: Digest): Promise<FilePiece | undefined> };
  /** Files that are whole blobs become hard links into the store where it is on the same file system: nobody may change them in place. */
  readonly hardLinks?: boolean;
  readonly notify: Notify;
  readonly signal: AbortSignal;
}

export interface TreeResult {
  readonly written: readonly string[];
  readonly present: readonly string[];
  readonly bytes: number;
}

/** Ends with `.<process id>` of its writer. */
const partPattern = /^\..+\.(\d+)\.longshore-part$/;

/**
 * Writes what is missing or different; a second run after an interruption goes on where the first one stopped. Files that the layout does not
 * name are left alone. Throws `RESOLVE_CONFLICT` before anything is written, integrity errors of the reader, and storage errors.
 */
export async function writeTree(layout: Layout, options: TreeOptions): Promise<TreeResult> {
  const files = checkedFiles(layout);
  const written: string[] = [];
  const present: string[] = [];
  const total = files.reduce((sum, file) => sum + sizeOf(file), 0);
  options.notify({ kind: 'plan', phase: 'publish', items: files.length, bytes: total, presentItems: 0, presentBytes: 0 });
  const folders = new Set(files.map(({ path }) => dirname(join(options.folder, path))));
  for (const folder of folders) await clearAbandoned(folder);
  for (const file of files) {
    checkNotAborted(options.signal, file.path);
    if (await isThere(file, options)) present.push(file.path);
    else {
      await writeFile(file, options);
      written.push(file.path);
    }
    options.notify({ kind: 'done', phase: 'publish', item: file.path, bytes: sizeOf(file) });
  }
  return { written, present, bytes: total };
}

function isBlob(content: LayoutFile['content']): content is Descriptor {
  return !(content instanceof Uint8Array) && 'digest' in content;
}

export function sizeOf({ content }: LayoutFile): number {
  if (content instanceof Uint8Array) return content.length;
  if (isBlob(content)) return content.size;
  return content.reduce((sum, part) => sum + (part instanceof Uint8Array ? part.length : part.size), 0);
}

/** All bytes of a file; blobs in it are verified before their end. */
async function* contentOf({ content }: LayoutFile, blobs: BlobReader): Bytes {
  if (content instanceof Uint8Array) yield content;
  else if (isBlob(content)) yield* blobs.open(content);
  else for (const part of content) { if (part instanceof Uint8Array) yield part; else yield* blobs.open(part); }
}

/** Whether the file is there with these very bytes: it is read and compared. A symbolic link is not it. */
async function isThere(file: LayoutFile, { folder, blobs, notify }: TreeOptions): Promise<boolean> {
  const path = join(folder, file.path);
  let handle: FileHandle;
  try {
    // Without waiting for somebody who writes into a pipe.
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(code)) return false;
    throw storageError(path, cause);
  }
  try {
    const info = await handle.stat();
    if (!info.isFile() || info.size !== sizeOf(file) || (info.mode & 0o777) !== modeOf(file)) return false;
    for await (const chunk of contentOf(file, blobs)) {
      const mine = Buffer.alloc(chunk.length);
      for (let done = 0; done < mine.length;) {
        const { bytesRead } = await handle.read(mine, done, mine.length - done);
        if (bytesRead === 0) return false;
        done += bytesRead;
      }
      if (!mine.equals(chunk)) return false;
      notify({ kind: 'bytes', phase: 'publish', bytes: chunk.length });
    }
    return true;
  } finally {
    await handle.close();
  }
}

function modeOf({ mode = '0644' }: LayoutFile): number {
  return Number.parseInt(mode, 8) & 0o777;
}

async function writeFile(file: LayoutFile, options: TreeOptions): Promise<void> {
  const path = join(options.folder, file.path);
  await makeDirectory(dirname(path));
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.longshore-part`);
  try {
    await rm(temporary, { force: true });
    if (!(await cloned(file, temporary, options))) await copied(file, temporary, options);
    await commitRename(temporary, path);
  } catch (cause) {
    throw storageError(path, cause);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** A hard link or a reflink of a loose blob, read once more to be sure; false where there is neither. */
async function cloned(file: LayoutFile, temporary: string, { blobs, hardLinks = false, notify, signal }: TreeOptions): Promise<boolean> {
  if (!isBlob(file.content) || blobs.locate === undefined) return false;
  const place = await blobs.locate(file.content.digest);
  if (place === undefined || place.offset !== 0 || (await stat(place.path)).size !== file.content.size) return false;
  const linked = hardLinks && modeOf(file) === 0o644;
  try {
    if (linked) await link(place.path, temporary);
    else await copyFile(place.path, temporary, constants.COPYFILE_FICLONE_FORCE);
  } catch (cause) {
    if (['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'ENOTTY'].includes((cause as NodeJS.ErrnoException).code ?? '')) return false;
    throw cause;
  }
  for await (const chunk of blobs.open(file.content)) { checkNotAborted(signal, file.path); notify({ kind: 'bytes', phase: 'publish', bytes: chunk.length }); }
  const handle = await open(temporary, 'r');
  try {
    if (!linked) await handle.chmod(modeOf(file));
    await handle.sync();
  } finally {
    await handle.close();
  }
  return true;
}

async function copied(file: LayoutFile, temporary: string, { blobs, notify, signal }: TreeOptions): Promise<void> {
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    for await (const chunk of contentOf(file, blobs)) {
      checkNotAborted(signal, file.path);
      for (let done = 0; done < chunk.length;) done += (await handle.write(chunk, done, chunk.length - done)).bytesWritten;
      notify({ kind: 'bytes', phase: 'publish', bytes: chunk.length });
    }
    await handle.chmod(modeOf(file));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Unfinished files of processes that are gone. */
async function clearAbandoned(folder: string): Promise<void> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException): string[] => {
    if (cause.code === 'ENOENT') return [];
    throw storageError(folder, cause);
  });
  for (const name of names) {
    const pid = partPattern.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A small file of one's own that goes with a tree, last. */
export async function writeRecord(path: string, value: unknown): Promise<void> {
  await makeDirectory(dirname(path));
  await commitFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Removes a file that was published, when it still is what was written; true: it is gone. */
export async function removePublished(folder: string, file: { readonly path: string; readonly size: number }): Promise<boolean> {
  const path = join(folder, file.path);
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw storageError(path, cause);
  });
  if (info === undefined) return false;
  if (!info.isFile() || info.size !== file.size) throw new BundleError('STORAGE_IO', { subject: path, expected: `the file that was staged (${file.size} bytes)`, actual: 'another one', next: 'Look at it, and move it away yourself.' });
  await rm(path);
  return true;
}
