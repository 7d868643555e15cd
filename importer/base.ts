// What a delta builds on: formats/archive/FORMAT.md, section 8 ("Delta").
import { bundleOf } from '../bom/bundle.ts';
import { BundleError } from '../bom/errors.ts';
import type { Lock } from '../bom/lock.ts';
import type { BlobReader } from '../bom/ports.ts';
import type { Archive } from './archive-file.ts';
import { readLock, type RequiredBlob, requiredBlobs } from './archive-lock.ts';

/** Blobs that the archive leaves to its base and `held` does not have. What follows from the lock is made here and never missing. */
export async function missingForDelta(archive: Archive, held: Pick<BlobReader, 'has'>, known?: Lock): Promise<readonly RequiredBlob[]> {
  const bundle = bundleOf(known ?? (await readLock(archive)));
  const generated = new Set(bundle.generated.map((blob) => blob.digest));
  const missing: RequiredBlob[] = [];
  for (const { mediaType, digest, size, what } of requiredBlobs(archive, bundle)) {
    if (!generated.has(digest) && !(await held.has(digest))) missing.push({ mediaType, digest, size, what });
  }
  return missing;
}

/** So many missing blobs are named in the text; the details have more. */
const maxNamed = 20;

/**
 * Passes when everything that the archive does not carry is held. Throws `TARGET_BASE` listing what is not. `repairable`: something of the project is
 * here already, without which a repair is refused.
 */
export async function checkBase(archive: Archive, held: Pick<BlobReader, 'has'>, { repairable, lock }: { readonly repairable: boolean; readonly lock?: Lock }): Promise<void> {
  const missing = await missingForDelta(archive, held, lock);
  if (missing.length === 0) return;
  const bytes = missing.reduce((sum, blob) => sum + blob.size, 0);
  const bases = (archive.manifest.base ?? []).map((base) => `${base.project} sequence ${base.sequence}`).join(' or ');
  const named = missing.slice(0, maxNamed).map((blob) => `\n    ${blob.digest} ${blob.what}, ${blob.size} bytes`).join('');
  const rest = missing.length - maxNamed;
  throw new BundleError('TARGET_BASE', {
    subject: [...archive.volumes.values()][0]?.path ?? archive.manifest.project,
    expected: `what this archive builds on (${bases || 'an earlier archive'})`,
    actual: `${missing.length} blobs of ${bytes} bytes are not here${repairable ? ' (what a repair archive would carry)' : ''}:${named}${rest > 0 ? `\n    and ${rest} more` : ''}`,
    next: repairable
      ? 'Carry the --json output of this import out as FILE, export with `longshore export --repair FILE`, import that, then this archive again.'
      : `Nothing of ${archive.manifest.project} is here, so that a repair cannot help: carry and import a full archive.`,
    details: { missing, missingBytes: bytes },
  });
}
