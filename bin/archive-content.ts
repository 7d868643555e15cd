import type { Digest } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import { lockTime, parseLock } from '../bom/lock.ts';
import { type PgpKey, parseKeys } from '../formats/pgp/keys.ts';
import { ArchiveBlobs } from '../importer/archive-blobs.ts';
import { checkComplete, openArchive } from '../importer/archive-file.ts';
import { checkSignature } from '../importer/signature.ts';
import { readSmall, type Served, type ServedBlobs } from '../repository/content.ts';
import { readInputBytes } from './context.ts';

/** Public keys from the files that --key names. Throws `INPUT_MISSING_FILE` and `INPUT_KEY`. */
export async function readKeys(paths: readonly string[]): Promise<readonly PgpKey[]> {
  return (await Promise.all(paths.map((path) => parseKeys(readInputBytes(path), path)))).flat();
}

export interface ArchiveContent {
  readonly served: readonly Served[];
  readonly blobs: ServedBlobs;
}

/**
 * An archive as the service wants it, read where it lies. The signature covers every digest; content is checked against its digest by every
 * whole read, and by the clients. Throws as import does for signatures, and `INPUT_ARCHIVE_FORMAT` for a delta, which does not stand alone.
 */
export async function openArchiveContent(paths: readonly string[], options: { readonly keys: readonly string[]; readonly allowUnsigned: boolean; readonly now: Date }): Promise<ArchiveContent> {
  const archive = await openArchive(paths);
  await checkSignature(archive, { keys: await readKeys(options.keys), allowUnsigned: options.allowUnsigned, now: options.now });
  checkComplete(archive);
  const { manifest } = archive;
  if (manifest.required !== undefined) {
    throw new BundleError('INPUT_ARCHIVE_FORMAT', {
      subject: paths[0] ?? 'archive', expected: 'an archive that stands alone', actual: `a delta that needs ${manifest.required.count} blobs of its base`,
      next: 'Import it into the store that has its base, and serve that.',
    });
  }
  const blobs = new ArchiveBlobs(archive);
  const lock = parseLock((await readSmall(blobs, manifest.lock)).toString('utf8'), `lock of ${paths[0]}`);
  return {
    served: [{ lock, date: lockTime(lock) }],
    blobs: { has: (digest: Digest) => blobs.has(digest), open: (blob, range) => blobs.open(blob, range), locate: (digest) => blobs.locate(digest) },
  };
}
