import type { Digest } from '../bom/digest.ts';
import type { BundleError } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import { piecesOf, type ManifestBlob } from '../formats/archive/manifest.ts';
import { piecePath } from '../formats/archive/place.ts';
import { sumLine } from '../formats/archive/sums.ts';
import { blobPath } from '../formats/archive/tree.ts';
import { verifyClearsigned, verifyDetached } from '../formats/pgp/signature.ts';
import { CopyPool, type FileRange } from '../store/copy-pool.ts';
import { readFileRange } from '../store/read-file.ts';
import { ArchiveBlobs } from './archive-blobs.ts';
import { type Archive, checkComplete, damaged, openArchive } from './archive-file.ts';
import { checkLock, lockVolumes } from './archive-lock.ts';
import { checkSignature, type SignatureState, type TrustOptions } from './signature.ts';
import { expectedSums, publicKeyPath, type SmallMember, type VolumeMembers, walkVolume } from './volume-check.ts';

export interface VerifyOptions extends TrustOptions {
  readonly concurrency: number;
  readonly notify: Notify;
  readonly signal: AbortSignal;
  /** Signature, headers, sizes and small members only; blobs are not read. */
  readonly quick?: boolean;
  /** Checks the volumes given as far as they go, when others are missing; the result says which. */
  readonly partial?: boolean;
}

export interface VerifyResult {
  readonly archive: Archive;
  readonly signature: SignatureState;
  readonly blobs: number;
  /** Bytes of blobs. */
  readonly bytes: number;
}

/** One damaged blob: which, and where its bytes are. */
export interface DamagedBlob {
  readonly digest: Digest;
  readonly actual: string;
  readonly size: number;
  readonly places: readonly { readonly volume: number; readonly path: string; readonly member: string; readonly offset: number; readonly size: number }[];
}

/**
 * Reads an archive from its first byte to its last, on all processors, and compares it with its manifest and its signature. Writes nothing and
 * needs no store. Throws `INPUT_UNSIGNED` and `INTEGRITY_SIGNATURE` before anything is read; `INTEGRITY_ARCHIVE` names the member, volume and
 * offset, and lists every damaged blob in its details.
 */
export async function verifyArchive(paths: readonly string[], options: VerifyOptions): Promise<VerifyResult> {
  const archive = await openArchive(paths);
  const signature = await checkSignature(archive, options);
  if (options.partial !== true) checkComplete(archive);
  const members = new Map<number, VolumeMembers>();
  for (const [number, volume] of archive.volumes) members.set(number, await walkVolume(volume));
  if (signature.state === 'signed') await checkTreeSignatures(archive, members, options);
  const pieces = options.quick === true ? undefined : await hashBlobs(archive, { ...options, members });
  for (const [number, volume] of archive.volumes) checkSums(archive, { number, path: volume.path, members, pieces });
  if (lockVolumes(archive).every((number) => archive.volumes.has(number))) await checkLock(archive);
  const blobs = new ArchiveBlobs(archive);
  const here = archive.manifest.blobs.filter((blob) => blobs.rangesOf(blob.digest) !== undefined);
  return { archive, signature, blobs: here.length, bytes: here.reduce((sum, blob) => sum + blob.size, 0) };
}

function checkSums(archive: Archive, { number, path, members, pieces }: {
  readonly number: number; readonly path: string; readonly members: ReadonlyMap<number, VolumeMembers>; readonly pieces: ReadonlyMap<string, Digest> | undefined;
}): void {
  const volume = archive.volumes.get(number);
  const own = members.get(number);
  // Without reading blobs, the digests of pieces of cut ones are not known.
  if (volume === undefined || own === undefined || (pieces === undefined && own.blobs.some((blob) => blob.piece > 0))) return;
  const expected = expectedSums(volume, own, pieces ?? new Map());
  const actual = Buffer.from(own.sums.bytes).toString('utf8');
  if (actual === expected) return;
  const lines = new Set(actual.split('\n'));
  const [first] = expected.split('\n').filter((line) => !lines.has(line));
  throw damaged(`${path}: ${own.sums.path}`, 'the digests of all members', first === undefined ? 'other text' : `another one than that of ${first.slice(hexLength + 2)}: one of the two is damaged`);
}

const hexLength = 64;

interface HashJob { readonly blob: ManifestBlob; readonly ranges: readonly FileRange[]; readonly piece?: number }

/** Blobs as far as their volumes are there, in the order of the files; of a cut one with a missing volume the pieces alone. */
function hashJobs(archive: Archive): HashJob[] {
  const blobs = new ArchiveBlobs(archive);
  const inOrder = [...archive.manifest.blobs].sort((a, b) => a.volume - b.volume || a.offset - b.offset);
  return inOrder.flatMap((blob): HashJob[] => {
    const ranges = blobs.rangesOf(blob.digest);
    if (ranges !== undefined) return [{ blob, ranges }];
    return piecesOf(blob).flatMap(({ volume: number, offset, size }, index) => {
      const volume = archive.volumes.get(number);
      return volume === undefined ? [] : [{ blob, piece: index + 1, ranges: [{ path: volume.path, offset: volume.contentStart + offset, size }] }];
    });
  });
}

/** Every blob through the pool; digests of pieces by member path. */
async function hashBlobs(archive: Archive, { concurrency, notify, signal, members }: VerifyOptions & { readonly members: ReadonlyMap<number, VolumeMembers> }): Promise<ReadonlyMap<string, Digest>> {
  const pieces = new Map<string, Digest>();
  const bad: DamagedBlob[] = [];
  const jobs = hashJobs(archive);
  const sizeOf = (job: HashJob): number => job.ranges.reduce((sum, range) => sum + range.size, 0);
  notify({ kind: 'plan', phase: 'verify', items: jobs.length, bytes: jobs.reduce((sum, job) => sum + sizeOf(job), 0), presentItems: 0, presentBytes: 0 });
  const pool = new CopyPool({ concurrency, signal, onBytes: (bytes) => notify({ kind: 'bytes', phase: 'verify', bytes }) });
  try {
    await pool.each(jobs, async (job) => {
      const { blob, ranges, piece } = job;
      const result = await pool.hash(...ranges);
      const member = nameOf(archive, blob);
      if (piece !== undefined) pieces.set(piecePath(member, piece), result.digest);
      else result.pieces.forEach((digest, index) => pieces.set(piecePath(member, index + 1), digest));
      if (piece === undefined && result.digest !== blob.digest) bad.push(describe(archive, { blob, actual: result.digest, pieces: result.pieces, members }));
      notify({ kind: 'done', phase: 'verify', item: blob.digest, bytes: sizeOf(job) });
    });
  } finally {
    await pool.close();
  }
  if (bad.length > 0) throw damagedBlobs(bad);
  return pieces;
}

/** The member that holds a blob's bytes. */
function nameOf(archive: Archive, blob: ManifestBlob): string {
  return archive.manifest.runtimes?.find((each) => each.digest === blob.digest)?.path ?? blobPath(blob.digest);
}

/** Of a cut blob only the pieces that SHA256SUMS of their volumes tell apart, so that one volume has to be copied again and not all; when they tell none, all. */
function describe(archive: Archive, { blob, actual, pieces, members }: {
  readonly blob: ManifestBlob; readonly actual: Digest; readonly pieces: readonly Digest[]; readonly members: ReadonlyMap<number, VolumeMembers>;
}): DamagedBlob {
  const name = nameOf(archive, blob);
  const all = piecesOf(blob).map(({ volume: number, offset, size }, index) => {
    const volume = archive.volumes.get(number);
    return { volume: number, path: volume?.path ?? '', member: blob.pieces === undefined ? name : piecePath(name, index + 1), offset: (volume?.contentStart ?? 0) + offset, size };
  });
  const differ = blob.pieces === undefined ? [] : all.filter(({ volume, member }, index) => {
    const digest = pieces[index];
    return digest !== undefined && !Buffer.from(members.get(volume)?.sums.bytes ?? []).includes(sumLine({ path: member, digest }));
  });
  return { digest: blob.digest, actual, size: blob.size, places: differ.length > 0 ? differ : all };
}

function damagedBlobs(bad: readonly DamagedBlob[]): BundleError {
  const [first] = bad;
  const where = first?.places.map(({ volume, path, member, offset, size }) => `${member} (volume ${volume}, ${path}, bytes ${offset} to ${offset + size})`).join(' and ') ?? '';
  return damaged(where, first?.digest ?? '', `${first?.actual}${bad.length > 1 ? `; ${bad.length - 1} more blobs are damaged` : ''}`, { damaged: bad.slice(0, 1000) });
}

/** Signed indexes are by the same keys, over the Release that the manifest lists. */
async function checkTreeSignatures(archive: Archive, members: ReadonlyMap<number, VolumeMembers>, { keys, now }: VerifyOptions): Promise<void> {
  for (const [number, { signatures, files }] of members) {
    const volume = archive.volumes.get(number);
    if (volume === undefined) continue;
    for (const [path, bytes] of signatures) {
      if (path === publicKeyPath) continue;
      const subject = `${volume.path}: ${path}`;
      const isInline = path.endsWith('/InRelease');
      const covered = files.get(isInline ? `${path.slice(0, -'InRelease'.length)}Release` : path.replace(/\.(asc|gpg)$/, ''));
      if (covered === undefined || covered.size > maxSignedBytes) throw damaged(subject, 'a small file beside it that it signs', 'none');
      const content = await readWhole(volume.path, covered);
      if (!isInline) await verifyDetached(content, bytes, keys, { subject, now });
      else if (textOf((await verifyClearsigned(bytes, keys, { subject, now })).text) !== textOf(content)) throw damaged(subject, 'the text of the Release beside it', 'another text');
    }
  }
}

const maxSignedBytes = 64 << 20;

/** The cleartext framework covers neither line ends nor the last one. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replaceAll('\r\n', '\n').trimEnd();
}

async function readWhole(path: string, { at, size }: SmallMember): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readFileRange(path, at, at + size)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
