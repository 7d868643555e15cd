// The files of one tree: hard links where they can be, what is written synced in batches.
import { constants, futimesSync, linkSync, mkdirSync, statSync } from 'node:fs';
import { copyFile, link, rm, symlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { type Descriptor, type Digest, digestOf } from '../../bom/digest.ts';
import { BundleError, checkNotAborted } from '../../bom/errors.ts';
import type { BlobReader } from '../../bom/ports.ts';
import { CopyPool } from '../../store/copy-pool.ts';
import { makeFolders, storageError } from '../../store/durable-file.ts';
import { ReceivedFile } from '../../store/received-file.ts';
import { type OpenFile, syncDirectories, syncFiles } from '../../store/sync-files.ts';

/** One file of a tree; `path` is relative, with `/` between segments. */
export type TreeFile =
  /** `volatile`: other bytes each time, that say the same: signatures. */
  | { readonly path: string; readonly bytes: Uint8Array; readonly volatile?: true }
  | { readonly path: string; readonly blob: Descriptor }
  /** A symbolic link, relative to where it stands. */
  | { readonly path: string; readonly target: string };

export interface TreeBlobs extends BlobReader {
  /** The file that holds all of a blob in one piece, at `offset`. */
  locate(digest: Digest): Promise<{ readonly path: string; readonly offset: number; readonly size: number } | undefined>;
}

/** What a tree holds, beside it: path -> digest (of a link: its target). */
export type TreeRecord = Readonly<Record<string, string>>;

export interface BuildOptions {
  readonly files: readonly TreeFile[];
  readonly blobs: TreeBlobs;
  readonly signal: AbortSignal;
  /** The tree that is served: what it holds, and which of its files stay readable. */
  readonly previous?: { readonly folder: string; readonly record: TreeRecord; readonly outliving: readonly string[] };
  /** Of what is written. */
  readonly modified: Date;
}

export interface TreeCounts {
  /** Hard links to the store or to the tree before, copy-on-write copies, and files whose bytes were written. */
  readonly linked: number;
  readonly cloned: number;
  readonly written: number;
}

/** Files that stay open until they are synced together, of which two lots are, and how many are under way at once. */
const batchFiles = 256;
const atOnce = 8;
/** Less content than this is copied sooner than threads start. */
const worthThreadsBytes = 16 * 1024 * 1024;

export function keyOf(file: TreeFile): string {
  if ('bytes' in file) return file.volatile === true ? 'volatile' : digestOf(file.bytes);
  return 'blob' in file ? file.blob.digest : `-> ${file.target}`;
}

/** Makes the tree below `root`, on the disk when this returns. Throws `STORAGE_*`, and what `blobs` throws; then `root` holds a part. */
export async function buildTree(root: string, options: BuildOptions): Promise<TreeCounts> {
  const { files, previous, signal } = options;
  const counts = { linked: 0, cloned: 0, written: 0 };
  const folders = new Set([root, ...files.map(({ path }) => dirname(join(root, path)))]);
  for (const each of folders) if (!makeBelow(each)) await makeFolders(each).catch((cause: unknown) => { throw storageError(each, cause); });
  const copies = new CopyPool({ concurrency: availableParallelism(), signal });
  let syncing: Promise<unknown> | undefined;
  try {
    for (let at = 0; at < files.length; at += batchFiles) {
      // Links are made without a turn of the loop, in which a signal would be heard.
      await new Promise((resolve) => { setImmediate(resolve); });
      checkNotAborted(signal, root);
      const { placed, synced } = await placeBatch(root, files.slice(at, at + batchFiles), { ...options, copies, syncing });
      for (const how of placed) counts[how] += 1;
      syncing = synced;
    }
    await syncing;
  } finally {
    await Promise.allSettled([syncing, copies.close()]);
  }
  for (const path of previous?.outliving ?? []) {
    await makeFolders(dirname(join(root, path)));
    await link(join(previous?.folder ?? '', path), join(root, path)).catch((cause: unknown) => { throw storageError(path, cause); });
  }
  await syncDirectories([...folders], root);
  return counts;
}

/** Makes a folder in one that is there, without a turn over another thread: a pool has one for each source package. */
function makeBelow(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (cause) {
    if (['ENOENT', 'EEXIST'].includes((cause as NodeJS.ErrnoException).code ?? '')) return false;
    throw storageError(path, cause);
  }
}

interface BatchOptions extends BuildOptions {
  readonly copies: CopyPool;
  /** What is still made durable of the batch before. */
  readonly syncing: Promise<unknown> | undefined;
}

interface Batch { readonly placed: readonly (keyof TreeCounts)[]; readonly synced: Promise<void> }

/** Places all of a batch, and begins to sync what was written once the batch before is durable. The first failure stops it, once what runs has ended. */
async function placeBatch(root: string, batch: readonly TreeFile[], options: BatchOptions): Promise<Batch> {
  const written: OpenFile[] = [];
  const placed: (keyof TreeCounts)[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let file = batch[next++]; file !== undefined && failures.length === 0; file = batch[next++]) {
      try {
        placed.push(await place(file, join(root, file.path), { ...options, opened: (each) => { written.push(each); } }));
      } catch (cause) {
        failures.push(cause);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  await options.syncing?.catch((cause: unknown) => { failures.push(cause); });
  if (failures.length > 0) {
    for (const { handle } of written) await handle.close();
    throw failures[0];
  }
  const synced = syncAll(written, root);
  synced.catch(() => undefined);
  return { placed, synced };
}

async function syncAll(written: readonly OpenFile[], root: string): Promise<void> {
  try {
    const [failure] = (written.length === 0 ? new Map<OpenFile, unknown>() : await syncFiles(written, root)).values();
    if (failure !== undefined) throw failure;
  } finally {
    for (const { handle } of written) await handle.close();
  }
}

interface Placing extends BatchOptions { readonly opened: (file: OpenFile) => void }

/** The same bytes in the tree before, a hard link into the store, a copy-on-write copy, or a verified copy. */
async function place(file: TreeFile, to: string, options: Placing): Promise<keyof TreeCounts> {
  const { blobs, previous, signal } = options;
  if ('target' in file) {
    await symlink(file.target, to).catch((cause: unknown) => { throw storageError(to, cause); });
    return 'linked';
  }
  const isVolatile = 'bytes' in file && file.volatile === true;
  if (previous !== undefined && !isVolatile && previous.record[file.path] === keyOf(file) && tryLink(join(previous.folder, file.path), to)) return 'linked';
  if ('bytes' in file) {
    await write(to, (async function* whole() { yield file.bytes; })(), options);
    return 'written';
  }
  const at = await blobs.locate(file.blob.digest);
  if (at?.offset === 0 && at.size === file.blob.size && statSync(at.path).size === at.size) {
    if (tryLink(at.path, to)) return 'linked';
    if (await tryClone(at.path, to)) return 'cloned';
  }
  checkNotAborted(signal, to);
  if (at?.size === file.blob.size && isMuch(options)) await copyPiece(at, to, file.blob, options);
  else await write(to, blobs.open(file.blob), options);
  return 'written';
}

/** False where it cannot be: another file system, too many links, none allowed, or nothing there. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (cause) {
    if (['EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOENT'].includes((cause as NodeJS.ErrnoException).code ?? '')) return false;
    throw storageError(to, cause);
  }
}

async function tryClone(from: string, to: string): Promise<boolean> {
  return copyFile(from, to, constants.COPYFILE_FICLONE_FORCE).then(() => true, async (cause: NodeJS.ErrnoException) => {
    await rm(to, { force: true });
    if (cause.code === 'ENOSPC') throw storageError(to, cause);
    return false;
  });
}

const sizes = new WeakMap<readonly TreeFile[], number>();

/** Whether the blobs of the tree are worth threads that copy. */
function isMuch({ files }: BuildOptions): boolean {
  const known = sizes.get(files) ?? files.reduce((sum, file) => sum + ('blob' in file ? file.blob.size : 0), 0);
  sizes.set(files, known);
  return known >= worthThreadsBytes;
}

/** Out of a larger file, verified on the way. */
async function copyPiece({ path, offset }: { readonly path: string; readonly offset: number }, to: string, { digest, size }: Descriptor, placing: Placing): Promise<void> {
  const file = create(to, placing);
  const copied = await placing.copies.run([{ from: { path, offset }, to: { path: to, offset: 0 }, size }]);
  if (copied.digest !== digest) throw new BundleError('INTEGRITY_DIGEST', { subject: path, expected: digest, actual: copied.digest, details: { digest } });
  futimesSync(file.fd, placing.modified, placing.modified);
}

async function write(to: string, bytes: AsyncIterable<Uint8Array>, placing: Placing): Promise<void> {
  const file = create(to, placing);
  let position = 0;
  for await (const chunk of bytes) {
    await file.write(chunk, position).catch((cause: unknown) => { throw storageError(to, cause); });
    position += chunk.length;
  }
  futimesSync(file.fd, placing.modified, placing.modified);
}

/** Its sync, and its end, are those of its batch. */
function create(to: string, { opened }: Placing): ReceivedFile {
  try {
    const file = new ReceivedFile(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW);
    opened({ path: to, handle: file });
    return file;
  } catch (cause) {
    throw storageError(to, cause);
  }
}
