// What an archive will hold and where, decided before the first byte is written: FORMAT.md, sections 2 to 7.
import type { Bundle } from '../../bom/bundle.ts';
import { type Descriptor, type Digest, digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { keyMediaType, type Lock, lockTime } from '../../bom/lock.ts';
import { digestOfList, formatVersion, type Manifest, manifestBytes, type ManifestBlob } from './manifest.ts';
import { type ContentMember, type PlaceLimits, place, type VolumeContent } from './place.ts';
import { renderReadme } from './readme.ts';
import { sumText } from './sums.ts';
import { entryBytes } from './tar-header.ts';
import { blobPath, checkFolders, runtimePath, treeOf } from './tree.ts';

export interface SmallFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Blobs that the reader is known to hold: they are named, not carried. */
export interface DeltaBase {
  readonly holds: (digest: Digest) => boolean;
  /** Carries what a site was found to lack, and is not served by itself. */
  readonly repair?: boolean;
  readonly base: readonly { readonly project: string; readonly sequence: number; readonly bundle: Digest }[];
}

export interface ContentOptions {
  readonly lock: Lock;
  readonly bundle: Bundle;
  /** Package indexes for the unpacked folder, without signatures. */
  readonly files: readonly SmallFile[];
  readonly delta?: DeltaBase;
  /** Most bytes that a volume may have, and bytes to keep free in each for signature files. One volume when left out. */
  readonly split?: { readonly volumeBytes: number; readonly signatureBytes: number };
}

/** Everything about an archive that no signature changes. */
export interface ArchiveContent {
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array;
  /** The archive's identity. */
  readonly archive: Digest;
  /** Member 2, the same in every volume. */
  readonly head: readonly SmallFile[];
  /** Package indexes: in volume 1. */
  readonly files: readonly SmallFile[];
  readonly volumes: readonly VolumeContent[];
  /** Blobs that follow from the lock. */
  readonly generated: ReadonlyMap<Digest, Uint8Array>;
  /** What the store has to give, with names for messages. */
  readonly fromStore: readonly (Descriptor & { readonly what: string })[];
}

/** Pure: the same lock, files, base and split give the same result. Throws `INPUT_FIELD` for names that cannot be unpacked, `INPUT_FLAG` for volumes that are too small. */
export function planContent(options: ContentOptions): ArchiveContent {
  const { lock, bundle, files, delta } = options;
  const everything: readonly (Descriptor & { readonly what?: string })[] = [...bundle.generated, ...bundle.content];
  const carried = everything.filter((blob) => blob.digest === bundle.lock.digest || delta?.holds(blob.digest) !== true);
  const carriedDigests = new Set(carried.map((blob) => blob.digest));
  const required = everything.filter((blob) => !carriedDigests.has(blob.digest));
  const tree = new Map([...treeOf(lock)].filter(([, digest]) => carriedDigests.has(digest)));
  checkFolders([...tree.keys(), ...files.map((file) => file.path)]);
  const head = headFiles(lock, bundle);
  const sorted = (list: readonly SmallFile[]): SmallFile[] => [...list].sort(byPath);
  const members = contentMembers(lock, carried);
  const runtimes = members.filter((member) => member.mode === 0o755 && !member.path.startsWith('blobs/')).map(({ path, digest }) => ({ path, digest }));
  const describe = (volumes: readonly VolumeContent[]): Manifest => ({
    kind: 'LongshoreArchive',
    formatVersion: `${formatVersion.major}.${formatVersion.minor}`,
    project: lock.metadata.name,
    sequence: lock.metadata.sequence,
    time: lockTime(lock),
    bundle: descriptorOf(bundle.index),
    lock: descriptorOf(bundle.lock),
    ...(delta === undefined ? {} : { base: [...delta.base], required: { count: required.length, bytes: total(required), digest: digestOfList(required.map((blob) => blob.digest)) } }),
    ...(delta?.repair === true ? { repair: true } : {}),
    volumes: volumes.map((volume, index) => ({ number: index + 1, size: volume.size, links: { count: volume.links.length, digest: digestOf(sumText(volume.links)) } })),
    blobs: blobsOf(volumes),
    ...(runtimes.length === 0 ? {} : { runtimes }),
    files: sorted([...head, ...files]).map(({ path, bytes }) => ({ path, digest: digestOf(bytes), size: bytes.length })),
  });
  const volumes = placeWithin({ members, tree }, options, { head, describe });
  const manifest = describe(volumes);
  const bytes = manifestBytes(manifest);
  const generated = new Map(bundle.generated.filter((blob) => carriedDigests.has(blob.digest)).map((blob) => [blob.digest, blob.bytes]));
  return {
    manifest, manifestBytes: bytes, archive: digestOf(bytes), head, files: sorted(files), volumes, generated,
    fromStore: bundle.content.filter((blob) => carriedDigests.has(blob.digest)),
  };
}

const descriptorOf = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType, digest, size });
const total = (blobs: readonly Descriptor[]): number => blobs.reduce((sum, blob) => sum + blob.size, 0);
export const byPath = (a: { readonly path: string }, b: { readonly path: string }): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

function headFiles(lock: Lock, bundle: Bundle): SmallFile[] {
  return [
    { path: 'README.txt', bytes: new TextEncoder().encode(renderReadme(lock)) },
    { path: 'oci-layout', bytes: new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}') },
    { path: 'index.json', bytes: bundle.layoutIndex },
  ];
}

/** Manifests, indexes, configurations, locks, BOMs and keys: what a reader needs before any content. */
function isMetadata(blob: Descriptor): boolean {
  return blob.mediaType.endsWith('+json') || blob.mediaType === keyMediaType;
}

/** Members with content, in order: the runtime's files, metadata blobs by digest, content blobs by digest. A runtime's blob is a link to its file. */
function contentMembers(lock: Lock, carried: readonly Descriptor[]): ContentMember[] {
  const sizes = new Map(carried.map((blob) => [blob.digest, blob.size]));
  const members: ContentMember[] = [];
  const placed = new Map<Digest, string>();
  for (const runtime of [...lock.spec.runtimes].sort((a, b) => (runtimePath(a) < runtimePath(b) ? -1 : 1))) {
    const path = runtimePath(runtime);
    const size = sizes.get(runtime.digest);
    if (size === undefined) continue;
    const linkTo = placed.get(runtime.digest);
    members.push({ path, digest: runtime.digest, size, mode: 0o755, ...(linkTo === undefined ? {} : { linkTo }) });
    if (linkTo === undefined) placed.set(runtime.digest, path);
  }
  const inOrder = [...carried].sort((a, b) => Number(isMetadata(b)) - Number(isMetadata(a)) || (a.digest < b.digest ? -1 : 1));
  for (const { digest, size } of inOrder) {
    const linkTo = placed.get(digest);
    members.push({ path: blobPath(digest), digest, size, mode: linkTo === undefined ? 0o644 : 0o755, ...(linkTo === undefined ? {} : { linkTo }) });
  }
  return members;
}

function blobsOf(volumes: readonly VolumeContent[]): ManifestBlob[] {
  const blobs = new Map<Digest, ManifestBlob>();
  volumes.forEach((volume, index) => {
    for (const { member, offset, from, to } of volume.placed) {
      if (member.linkTo !== undefined) continue;
      const piece = { volume: index + 1, offset, size: to - from };
      const before = blobs.get(member.digest);
      if (before === undefined) blobs.set(member.digest, { digest: member.digest, size: member.size, volume: piece.volume, offset });
      else {
        const first = { volume: before.volume, offset: before.offset, size: from };
        blobs.set(member.digest, { ...before, pieces: [...(before.pieces ?? [first]), piece] });
      }
    }
  });
  return [...blobs.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

interface Placing { readonly members: readonly ContentMember[]; readonly tree: ReadonlyMap<string, Digest> }

/** Places everything; with a split, again until what the manifest itself takes is accounted for. */
function placeWithin(placing: Placing, options: ContentOptions, { head, describe }: {
  readonly head: readonly SmallFile[]; readonly describe: (volumes: readonly VolumeContent[]) => Manifest;
}): readonly VolumeContent[] {
  const { split } = options;
  if (split === undefined) return place(placing);
  const costOf = (list: readonly SmallFile[]): number =>
    list.reduce((sum, { path, bytes }) => sum + entryBytes({ path, type: 'File', size: bytes.length, mode: 0o644 }) + bytes.length + 512 + path.length + 68, 0);
  const fixed = costOf(head) + frameBytes + split.signatureBytes;
  let manifestRoom = 0;
  for (let round = 0; round < 20; round += 1) {
    const limits: PlaceLimits = {
      room: split.volumeBytes - fixed - manifestRoom,
      firstRoom: split.volumeBytes - fixed - manifestRoom - costOf(options.files),
    };
    if (Math.min(limits.room, limits.firstRoom) < smallestRoom) break;
    const volumes = place(placing, limits);
    const needed = manifestBytes(describe(volumes)).length + 512;
    if (needed <= manifestRoom) return volumes;
    manifestRoom = needed + Math.ceil(needed / 64);
  }
  throw new BundleError('INPUT_FLAG', {
    subject: `volumes of ${split.volumeBytes} bytes`, expected: 'room for the manifest, the indexes and some content in each volume', actual: 'less than that', next: 'Choose larger volumes with --split.',
  });
}

/** Headers of the fixed members, alignment, their lines in SHA256SUMS, and the end. */
const frameBytes = 32 * 1024;
const smallestRoom = 64 * 1024;
