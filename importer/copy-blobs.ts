import { type FileHandle, open, rm, writeFile } from 'node:fs/promises';
import { BundleError } from '../bom/errors.ts';
import { hexOf } from '../bom/digest.ts';
import type { Notify } from '../bom/events.ts';
import type { ManifestBlob } from '../formats/archive/manifest.ts';
import type { CopyPool } from '../store/copy-pool.ts';
import { storageError } from '../store/durable-file.ts';
import type { Store } from '../store/store.ts';
import type { ArchiveBlobs } from './archive-blobs.ts';

export interface Copying {
  readonly blobs: readonly ManifestBlob[]; readonly store: Store; readonly pool: CopyPool; readonly notify: Notify;
}

/** A sync costs more than copying so little: such blobs are synced in batches, of so many open files at most. */
const smallBytes = 1 << 20;
const batchFiles = 512;

/**
 * Copies blobs of an archive into a store, checked against their digests on the way; what the store has already is left. When it throws, what was
 * finished stays. Throws `STORAGE_SPACE` before the first byte when they do not fit.
 */
export async function copyBlobs(source: ArchiveBlobs, copying: Copying): Promise<void> {
  const { blobs, store, pool, notify } = copying;
  const wanted: ManifestBlob[] = [];
  for (const blob of blobs) if (!(await store.has(blob.digest))) wanted.push(blob);
  const sum = (list: readonly ManifestBlob[]): number => list.reduce((total, blob) => total + blob.size, 0);
  const bytes = sum(wanted);
  const free = await store.freeBytes();
  if (free < bytes) throw new BundleError('STORAGE_SPACE', { subject: store.root, expected: `${bytes} bytes free`, actual: `${free} bytes`, details: { neededBytes: bytes, freeBytes: free } });
  notify({ kind: 'plan', phase: 'import', items: blobs.length, bytes: sum(blobs), presentItems: blobs.length - wanted.length, presentBytes: sum(blobs) - bytes });
  const small = wanted.filter((blob) => blob.size < smallBytes);
  for (let at = 0; at < small.length; at += batchFiles) await copyBatch(source, small.slice(at, at + batchFiles), copying);
  await pool.each(wanted.filter((blob) => blob.size >= smallBytes), async (blob) => {
    const temporary = store.spoolPath(hexOf(blob.digest));
    try {
      await writeFile(temporary, '');
      await copyTo(temporary, blob, { source, pool });
      await store.commitSpooled(temporary, blob.digest);
    } catch (cause) {
      await rm(temporary, { force: true });
      throw storageError(temporary, cause);
    }
    notify({ kind: 'done', phase: 'import', item: blob.digest, bytes: blob.size });
  });
}

/** All of a batch is written, then synced, then named. */
async function copyBatch(source: ArchiveBlobs, batch: readonly ManifestBlob[], { store, pool, notify }: Copying): Promise<void> {
  const files: { path: string; handle: FileHandle; digest: ManifestBlob['digest'] }[] = [];
  try {
    await pool.each(batch, async (blob) => {
      const path = store.spoolPath(hexOf(blob.digest));
      files.push({ path, handle: await open(path, 'w').catch((cause: unknown) => { throw storageError(path, cause); }), digest: blob.digest });
      await copyTo(path, blob, { source, pool });
    });
    await store.commitSpooledAll(files);
  } catch (cause) {
    for (const { path } of files) await rm(path, { force: true });
    throw cause;
  } finally {
    for (const { handle } of files) await handle.close();
  }
  for (const blob of batch) notify({ kind: 'done', phase: 'import', item: blob.digest, bytes: blob.size });
}

async function copyTo(path: string, blob: ManifestBlob, { source, pool }: { readonly source: ArchiveBlobs; readonly pool: CopyPool }): Promise<void> {
  let at = 0;
  const pieces = (source.rangesOf(blob.digest) ?? []).map(({ path: from, offset, size }) => {
    const to = { path, offset: at };
    at += size;
    return { from: { path: from, offset }, to, size };
  });
  const result = await pool.run(pieces);
  if (result.digest !== blob.digest) throw new BundleError('INTEGRITY_DIGEST', { subject: pieces[0]?.from.path ?? blob.digest, expected: blob.digest, actual: result.digest });
}
