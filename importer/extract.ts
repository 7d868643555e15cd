import { constants } from 'node:fs';
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import { dirname, join, matchesGlob } from 'node:path';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import type { Digest } from '../bom/digest.ts';
import type { Notify } from '../bom/events.ts';
import type { Bytes } from '../bom/ports.ts';
import { piecesOf } from '../formats/archive/manifest.ts';
import { isSafePath } from '../formats/archive/tar-header.ts';
import { blobPath, treeOf } from '../formats/archive/tree.ts';
import { makeDirectory, storageError } from '../store/durable-file.ts';
import { stampOf } from '../store/packs.ts';
import { ArchiveBlobs } from './archive-blobs.ts';
import type { Archive } from './archive-file.ts';
import { checkVolumes, readLock } from './archive-lock.ts';
import { findInArchive } from './inspect.ts';

export interface ExtractOptions {
  /** Paths of the unpacked folder, with * ? and ** as in a shell. */
  readonly patterns: readonly string[];
  readonly folder: string;
  readonly notify: Notify;
  readonly signal: AbortSignal;
}

/** The bytes behind a digest or a path of the unpacked folder, verified before their end. Throws `INPUT_FLAG` for a name that is not there, `INTEGRITY_ARCHIVE` for a volume that is not. */
export async function openInArchive(archive: Archive, name: string): Promise<Bytes> {
  const blob = await findInArchive(archive, name);
  checkHere(archive, [[name, blob.digest]]);
  return new ArchiveBlobs(archive).open(blob);
}

/** Throws `INTEGRITY_ARCHIVE` naming the volumes that hold the names wanted and were not given. */
function checkHere(archive: Archive, wanted: Iterable<readonly [name: string, digest: Digest]>): void {
  const blobs = new Map(archive.manifest.blobs.map((blob) => [blob.digest, blob]));
  for (const [name, digest] of wanted) {
    const blob = blobs.get(digest);
    if (blob !== undefined) checkVolumes(archive, piecesOf(blob).map((piece) => piece.volume), `${name} is there`);
  }
}

/**
 * Writes what the patterns match below `folder`, each file checked before it gets its name. Files that are there already are not replaced
 * (`STORAGE_IO`). Throws `INPUT_FLAG` when a pattern matches nothing, and `INTEGRITY_ARCHIVE` before anything is written when a volume is wanted that
 * was not given.
 */
export async function extractArchive(archive: Archive, { patterns, folder, notify, signal }: ExtractOptions): Promise<readonly string[]> {
  const blobs = new ArchiveBlobs(archive);
  const names = await namesIn(archive, patterns);
  const wanted = new Map<string, Digest>();
  for (const pattern of patterns) {
    const matched = [...names].filter(([path]) => path === pattern || matchesGlob(path, pattern));
    if (matched.length === 0) throw new BundleError('INPUT_FLAG', { subject: pattern, expected: 'a pattern that matches something', actual: 'nothing that it matches', next: '`longshore ls ARCHIVE` lists what there is.' });
    for (const [path, digest] of matched) wanted.set(path, digest);
  }
  checkHere(archive, wanted);
  const sizes = new Map(archive.manifest.blobs.map((blob) => [blob.digest, blob.size]));
  const written: string[] = [];
  for (const [path, digest] of [...wanted].sort(([a], [b]) => (a < b ? -1 : 1))) {
    checkNotAborted(signal, path);
    if (!isSafePath(path)) throw new Error(`an unsafe path passed the reader: ${path}`);
    const blob = { mediaType: 'application/octet-stream', digest, size: sizes.get(digest) ?? 0 };
    await writeNew(join(folder, path), blobs.open(blob), signal);
    written.push(path);
    notify({ kind: 'step', phase: 'import', message: path });
  }
  return written;
}

/** Names of carried blobs: of the tree, which needs the lock, and below `blobs/`, which does not. */
async function namesIn(archive: Archive, patterns: readonly string[]): Promise<ReadonlyMap<string, Digest>> {
  const carried = new Set(archive.manifest.blobs.map((blob) => blob.digest));
  const tree = patterns.every((pattern) => pattern.startsWith('blobs/')) ? [] : [...treeOf(await readLock(archive))].filter(([, digest]) => carried.has(digest));
  return new Map([...tree, ...[...carried].map((digest) => [blobPath(digest), digest] as const)]);
}

/** A new file, never through a symbolic link and never over another one; none when `bytes` are bad. */
async function writeNew(path: string, bytes: Bytes, signal: AbortSignal): Promise<void> {
  await makeDirectory(dirname(path));
  const temporary = `${path}.${process.pid}.tmp`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644);
    for await (const chunk of bytes) {
      checkNotAborted(signal, path);
      for (let done = 0; done < chunk.length;) done += (await handle.write(chunk, done, chunk.length - done)).bytesWritten;
    }
    await handle.sync();
    await handle.close();
    handle = undefined;
    await giveName(temporary, path);
  } catch (cause) {
    throw storageError(path, cause);
  } finally {
    await handle?.close();
    await rm(temporary, { force: true });
  }
}

/** Never over another file: a hard link decides, or a look before the rename where there are no hard links. */
async function giveName(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (cause) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes((cause as NodeJS.ErrnoException).code ?? '') || (await stampOf(path)) !== undefined) throw cause;
    await rename(temporary, path);
  }
}
