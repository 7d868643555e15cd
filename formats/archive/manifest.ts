// longshore/manifest.json: FORMAT.md, section 4.
import { z } from 'zod';
import { canonicalBytes } from '../../bom/canonical-json.ts';
import { type Digest, digestOf, isDigest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';

export const manifestPath = 'longshore/manifest.json';
export const signaturePath = 'longshore/manifest.json.asc';
export const formatVersion = { major: 1, minor: 0 } as const;

const digest = z.string().refine(isDigest, 'expected sha256: and 64 lower-case hex digits') as unknown as z.ZodType<Digest>;
/** Bytes; up to 2^53 - 1. */
const size = z.int().min(0);
const descriptor = z.object({ mediaType: z.string(), digest, size });

const piece = z.object({ volume: z.int().min(1), offset: size, size });
const blob = z.object({
  digest,
  size,
  /** From 1; with `offset`, counted from the start of that volume's content. */
  volume: z.int().min(1),
  offset: size,
  /** Only for a blob cut over volumes: all its pieces in order, the first one at `volume` and `offset`. */
  pieces: z.array(piece).min(2).optional(),
});

const volume = z.object({
  number: z.int().min(1),
  /** Bytes of content: from its aligned start to the end of the last blob's padding. */
  size,
  /** Hard links in the tree, and the digest of their sorted `<hex>  <path>\n` lines. */
  links: z.object({ count: z.int().min(0), digest }),
});

const manifestSchema = z.object({
  kind: z.literal('LongshoreArchive'),
  formatVersion: z.string(),
  project: z.string(),
  sequence: z.int().min(1),
  /** Seconds since 1970: the time of every member. */
  time: z.int().min(0),
  bundle: descriptor,
  lock: descriptor,
  /** Delta only: what it builds on. `digest` is a lock's or a receipt's bundle. */
  base: z.array(z.object({ project: z.string(), sequence: z.int().min(0), bundle: digest })).optional(),
  /** Delta only: the blobs of the bundle that are not carried. `digest` is that of their sorted digests, one a line. */
  required: z.object({ count: z.int().min(0), bytes: size, digest }).optional(),
  /** Only blobs that a site was found to lack: no generation comes from it. */
  repair: z.literal(true).optional(),
  volumes: z.array(volume).min(1),
  blobs: z.array(blob),
  /** Real members under longshore/bin and the blobs that they are. */
  runtimes: z.array(z.object({ path: z.string(), digest })).optional(),
  /** Small members that are neither signatures, the manifest nor SHA256SUMS. */
  files: z.array(z.object({ path: z.string(), digest, size })),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestBlob = z.infer<typeof blob>;
export type ManifestPiece = z.infer<typeof piece>;
export type ManifestVolume = z.infer<typeof volume>;

/** The one byte form: RFC 8785 and a final newline. Its digest is the archive's identity. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  return Buffer.concat([canonicalBytes(manifest), Buffer.from('\n')]);
}

/** Digest of digests: sorted, one a line. */
export function digestOfList(digests: Iterable<Digest>): Digest {
  return digestOf([...digests].sort().map((each) => `${each}\n`).join(''));
}

/** Where all pieces of a blob lie, in order. */
export function piecesOf(item: ManifestBlob): readonly ManifestPiece[] {
  return item.pieces ?? [{ volume: item.volume, offset: item.offset, size: item.size }];
}

/**
 * A manifest from its bytes. Throws `INPUT_ARCHIVE_FORMAT` for another major version and `INTEGRITY_ARCHIVE` for everything that is no
 * manifest or contradicts itself. Unknown properties, which a later minor version may add, are ignored. `subject` is the archive.
 */
export function parseManifest(bytes: Uint8Array, subject: string): Manifest {
  const fail = (actual: string, cause?: unknown): never => {
    throw new BundleError('INTEGRITY_ARCHIVE', { subject: `${subject}: ${manifestPath}`, expected: 'a manifest as FORMAT.md, section 4, describes it', actual }, { cause });
  };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    return fail((cause as Error).message, cause);
  }
  checkVersion(value, subject);
  const result = manifestSchema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    return fail(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'something else'}`);
  }
  const contradiction = contradictionIn(result.data);
  return contradiction === undefined ? result.data : fail(contradiction);
}

function checkVersion(value: unknown, subject: string): void {
  const version = typeof value === 'object' && value !== null && 'formatVersion' in value ? value.formatVersion : undefined;
  const major = typeof version === 'string' ? /^(\d{1,9})\.\d{1,9}$/.exec(version)?.[1] : undefined;
  if (major !== undefined && Number(major) === formatVersion.major) return;
  throw new BundleError('INPUT_ARCHIVE_FORMAT', {
    subject,
    expected: `format version ${formatVersion.major}.x`,
    actual: major === undefined ? 'no format version' : `format version ${String(version)}`,
    next: major !== undefined && Number(major) > formatVersion.major ? 'Read this archive with a newer longshore; the archive may carry one under longshore/bin.' : 'Name an archive that `longshore export` wrote.',
  });
}

/** Volumes numbered from 1; blobs each once, inside their volume, not overlapping; pieces that make up their blob; bundle and lock carried. */
function contradictionIn(manifest: Manifest): string | undefined {
  if (manifest.volumes.some((each, index) => each.number !== index + 1)) return 'volumes that are not numbered 1, 2, …';
  const used = manifest.volumes.map((): { from: number; to: number; digest: Digest }[] => []);
  const seen = new Map<Digest, number>();
  for (const item of manifest.blobs) {
    if (seen.has(item.digest)) return `blob ${item.digest} twice`;
    seen.set(item.digest, item.size);
    const pieces = piecesOf(item);
    if (pieces[0]?.volume !== item.volume || pieces[0].offset !== item.offset) return `blob ${item.digest} whose first piece is elsewhere`;
    if (pieces.reduce((sum, each) => sum + each.size, 0) !== item.size) return `blob ${item.digest} whose pieces do not make ${item.size} bytes`;
    for (const { volume: number, offset, size: length } of pieces) {
      const home = manifest.volumes[number - 1];
      if (home === undefined || offset + length > home.size) return `blob ${item.digest} outside of volume ${number}`;
      used[number - 1]?.push({ from: offset, to: offset + length, digest: item.digest });
    }
  }
  for (const ranges of used) {
    ranges.sort((a, b) => a.from - b.from || a.to - b.to);
    const clash = ranges.find((range, index) => range.from < (ranges[index - 1]?.to ?? 0));
    if (clash !== undefined) return `blob ${clash.digest} that overlaps another`;
  }
  if (seen.get(manifest.lock.digest) !== manifest.lock.size) return 'a lock that is not carried';
  if (manifest.required === undefined && seen.get(manifest.bundle.digest) !== manifest.bundle.size) return 'a bundle that is not carried';
  return undefined;
}
