// The lock inside an archive, and whether the rest of the archive is what it says.
import { type Bundle, bundleOf } from '../bom/bundle.ts';
import { type Descriptor, type Digest, digestOf } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import { type Lock, parseLock } from '../bom/lock.ts';
import type { BlobReader } from '../bom/ports.ts';
import { digestOfList, piecesOf } from '../formats/archive/manifest.ts';
import { sumText } from '../formats/archive/sums.ts';
import { treeOf } from '../formats/archive/tree.ts';
import { ArchiveBlobs } from './archive-blobs.ts';
import { type Archive, damaged } from './archive-file.ts';

const maxLockBytes = 512 << 20;

/** A blob that a delta leaves to its base. */
export interface RequiredBlob extends Descriptor {
  readonly what: string;
}

function subjectOf(archive: Archive): string {
  return `${[...archive.volumes.values()][0]?.path ?? archive.manifest.project}: lock`;
}

/** Numbers of the volumes that hold the lock: one, or several when it is cut. */
export function lockVolumes({ manifest }: Archive): readonly number[] {
  const blob = manifest.blobs.find((each) => each.digest === manifest.lock.digest);
  return blob === undefined ? [] : [...new Set(piecesOf(blob).map((piece) => piece.volume))];
}

/** Passes when every one of `wanted` is among the volumes given. Throws `INTEGRITY_ARCHIVE` naming those that are not, and `what` is in them. */
export function checkVolumes(archive: Archive, wanted: readonly number[], what: string): void {
  const missing = [...new Set(wanted)].filter((number) => !archive.volumes.has(number)).sort((a, b) => a - b);
  if (missing.length === 0) return;
  const list = (numbers: readonly number[]): string => `volume${numbers.length === 1 ? '' : 's'} ${numbers.join(', ')}`;
  throw new BundleError('INTEGRITY_ARCHIVE', {
    subject: [...archive.volumes.values()][0]?.path ?? archive.manifest.project,
    expected: `${list(missing)} of ${archive.manifest.volumes.length}: ${what}`, actual: list([...archive.volumes.keys()].sort((a, b) => a - b)),
    next: `Name ${list(missing)} too; the order does not matter.`, details: { missingVolumes: missing },
  });
}

/** The lock inside. Throws `INTEGRITY_ARCHIVE` when it is damaged, no lock, or one of another project or sequence, and naming its volume when that is not there. */
export async function readLock(archive: Archive, blobs: BlobReader = new ArchiveBlobs(archive)): Promise<Lock> {
  const { lock: blob, project, sequence } = archive.manifest;
  const subject = subjectOf(archive);
  if (blobs instanceof ArchiveBlobs) checkVolumes(archive, lockVolumes(archive), 'the lock is there');
  if (blob.size > maxLockBytes) throw damaged(subject, `at most ${maxLockBytes} bytes`, `${blob.size}`);
  const chunks: Uint8Array[] = [];
  let lock: Lock;
  try {
    for await (const chunk of blobs.open(blob)) chunks.push(chunk);
    lock = parseLock(Buffer.concat(chunks).toString('utf8'), subject);
  } catch (cause) {
    if (!(cause instanceof BundleError) || cause.code === 'INTEGRITY_MISSING' || (cause.family !== 'integrity' && cause.family !== 'input')) throw cause;
    throw new BundleError('INTEGRITY_ARCHIVE', { subject, expected: cause.facts.expected, actual: cause.facts.actual }, { cause });
  }
  const { name, sequence: own } = lock.metadata;
  if (name !== project || own !== sequence) throw damaged(subject, `${project}, sequence ${sequence}, by the manifest`, `${name}, sequence ${own}`);
  return lock;
}

/** Blobs of the lock's bundle that the archive does not carry. Throws `INTEGRITY_ARCHIVE` when its manifest says something else of the bundle or of them. */
export function requiredBlobs(archive: Archive, bundle: Bundle): readonly RequiredBlob[] {
  const { manifest } = archive;
  if (bundle.index.digest !== manifest.bundle.digest) throw damaged(subjectOf(archive), `bundle ${manifest.bundle.digest}, by the manifest`, bundle.index.digest);
  const carried = new Set<Digest>(manifest.blobs.map((blob) => blob.digest));
  const all: readonly RequiredBlob[] = [...bundle.generated.map((blob) => ({ ...blob, what: 'bundle' })), ...bundle.content];
  const required = all.filter((blob) => !carried.has(blob.digest));
  const expected = manifest.required;
  const digest = digestOfList(required.map((blob) => blob.digest));
  const bytes = required.reduce((sum, blob) => sum + blob.size, 0);
  if (required.length !== (expected?.count ?? 0) || (expected !== undefined && (expected.digest !== digest || expected.bytes !== bytes))) {
    throw damaged(subjectOf(archive), expected === undefined ? 'all blobs carried' : `${expected.count} blobs of ${expected.bytes} bytes left to the base`, `${required.length} of ${bytes} bytes not carried`);
  }
  if (carried.size + required.length !== all.length) throw damaged(subjectOf(archive), `${all.length - required.length} blobs carried`, `${carried.size}`);
  return required;
}

/** The archive holds what its lock says, under the names that it says. Throws `INTEGRITY_ARCHIVE`. */
export async function checkLock(archive: Archive): Promise<void> {
  const lock = await readLock(archive);
  requiredBlobs(archive, bundleOf(lock));
  const whole = new Map(archive.manifest.blobs.filter((blob) => blob.pieces === undefined).map((blob) => [blob.digest, blob.volume]));
  const tree = Map.groupBy([...treeOf(lock)], ([, digest]) => whole.get(digest));
  for (const { number, links } of archive.manifest.volumes) {
    const own = (tree.get(number) ?? []).map(([path, digest]) => ({ path, digest }));
    if (own.length !== links.count || digestOf(sumText(own)) !== links.digest) throw damaged(subjectOf(archive), `the ${links.count} names of volume ${number}`, `${own.length} names, or others`);
  }
}
