import { rm, writeFile } from 'node:fs/promises';
import { BundleError } from '../bom/errors.ts';
import { hexOf } from '../bom/digest.ts';
import type { Notify } from '../bom/events.ts';
import type { ManifestBlob } from '../formats/archive/manifest.ts';
import type { CopyPool } from '../store/copy-pool.ts';
import { storageError } from '../store/durable-file.ts';
import type { Store } from '../store/store.ts';
import type { ArchiveBlobs } from './archive-blobs.ts';

/**
 * Copies blobs of an archive into a store, checked against their digests on the way; what the store has already is left. When it throws, what was
 * finished stays. Throws `STORAGE_SPACE` before the first byte when they do not fit.
 */
export async function copyBlobs(source: ArchiveBlobs, { blobs, store, pool, notify }: {
  readonly blobs: readonly ManifestBlob[]; readonly store: Store; readonly pool: CopyPool; readonly notify: Notify;
}): Promise<void> {
  const wanted: ManifestBlob[] = [];
  for (const blob of blobs) if (!(await store.has(blob.digest))) wanted.push(blob);
  const sum = (list: readonly ManifestBlob[]): number => list.reduce((total, blob) => total + blob.size, 0);
  const bytes = sum(wanted);
  const free = await store.freeBytes();
  if (free < bytes) throw new BundleError('STORAGE_SPACE', { subject: store.root, expected: `${bytes} bytes free`, actual: `${free} bytes`, details: { neededBytes: bytes, freeBytes: free } });
  notify({ kind: 'plan', phase: 'import', items: blobs.length, bytes: sum(blobs), presentItems: blobs.length - wanted.length, presentBytes: sum(blobs) - bytes });
  await pool.each(wanted, async (blob) => {
    const temporary = store.spoolPath(hexOf(blob.digest));
    try {
      await writeFile(temporary, '');
      let at = 0;
      const pieces = (source.rangesOf(blob.digest) ?? []).map(({ path, offset, size }) => {
        const to = { path: temporary, offset: at };
        at += size;
        return { from: { path, offset }, to, size };
      });
      const result = await pool.run(pieces);
      if (result.digest !== blob.digest) throw new BundleError('INTEGRITY_DIGEST', { subject: pieces[0]?.from.path ?? blob.digest, expected: blob.digest, actual: result.digest });
      await store.commitSpooled(temporary, blob.digest);
    } catch (cause) {
      await rm(temporary, { force: true });
      throw storageError(temporary, cause);
    }
    notify({ kind: 'done', phase: 'import', item: blob.digest, bytes: blob.size });
  });
}
