// What a delta builds on: formats/archive/FORMAT.md, section 8 ("Delta").
import { bundleOf } from '../bom/bundle.ts';
import type { Descriptor, Digest } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import type { BlobReader } from '../bom/ports.ts';
import { digestOfList } from '../formats/archive/manifest.ts';
import type { Archive } from './archive-file.ts';
import { damaged } from './archive-file.ts';
import { readLock } from './inspect.ts';

/** What is missing for a delta. */
export interface MissingBlob extends Descriptor {
  readonly what: string;
}

/** Blobs of the bundle that the archive does not carry and `held` does not have. Throws `INTEGRITY_ARCHIVE` when the archive's own account of them is wrong. */
export async function missingForDelta(archive: Archive, held: Pick<BlobReader, 'has'>): Promise<readonly MissingBlob[]> {
  const { manifest } = archive;
  const bundle = bundleOf(await readLock(archive));
  const carried = new Set<Digest>(manifest.blobs.map((blob) => blob.digest));
  const all: readonly MissingBlob[] = [...bundle.generated.map((blob) => ({ ...blob, what: 'bundle' })), ...bundle.content];
  const required = all.filter((blob) => !carried.has(blob.digest));
  if ((manifest.required?.count ?? 0) !== required.length || (manifest.required !== undefined && manifest.required.digest !== digestOfList(required.map((blob) => blob.digest)))) {
    throw damaged(manifest.project, `the blobs of its lock, ${manifest.required === undefined ? 'all carried' : `all but ${manifest.required.count}`}`, `${required.length} not carried`);
  }
  // What follows from the lock is made here, whether the base has it or not.
  const generated = new Set(bundle.generated.map((blob) => blob.digest));
  const missing: MissingBlob[] = [];
  for (const { mediaType, digest, size, what } of required) if (!generated.has(digest) && !(await held.has(digest))) missing.push({ mediaType, digest, size, what });
  return missing;
}

/** Passes when everything that the archive does not carry is held. Throws `TARGET_BASE` listing what is not. */
export async function checkBase(archive: Archive, held: Pick<BlobReader, 'has'>): Promise<void> {
  const missing = await missingForDelta(archive, held);
  const [first] = missing;
  if (first === undefined) return;
  const bytes = missing.reduce((sum, blob) => sum + blob.size, 0);
  const bases = (archive.manifest.base ?? []).map((base) => `${base.project} sequence ${base.sequence}`).join(' or ');
  throw new BundleError('TARGET_BASE', {
    subject: [...archive.volumes.values()][0]?.path ?? archive.manifest.project,
    expected: `what this archive builds on (${bases || 'an earlier archive'})`,
    actual: `${missing.length} blobs of ${bytes} bytes are not here: ${first.what}${missing.length > 1 ? `, … (${missing.length - 1} more)` : ''}`,
    details: { missing: missing.slice(0, 10_000), missingBytes: bytes },
  });
}
