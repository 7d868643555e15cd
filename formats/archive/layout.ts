// Members of one volume with their places, signatures included: FORMAT.md, section 2.
import { type Digest, digestOf } from '../../bom/digest.ts';
import { manifestPath, signaturePath } from './manifest.ts';
import type { PlacedMember } from './place.ts';
import { type ArchiveContent, byPath, type SmallFile } from './plan.ts';
import { sumLine, sumText } from './sums.ts';
import { blockBytes, encodeEntry, encodePadding, entryBytes, paddedSize } from './tar-header.ts';

/** The content of every volume starts at a multiple of this. */
export const alignmentBytes = 4096;
/** Two blocks of zeros. */
export const endBytes = 2 * blockBytes;

export type MemberContent =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Bytes `from` to `to` of a blob of the store. */
  | { readonly kind: 'blob'; readonly digest: Digest; readonly from: number; readonly to: number }
  | { readonly kind: 'link'; readonly to: string }
  /** SHA256SUMS: its length is known; its text once the pieces of cut blobs are hashed. */
  | { readonly kind: 'sums' };

export interface Member {
  readonly path: string;
  readonly mode: number;
  /** Of the headers, and of the first byte of content, from the start of the volume's tar. */
  readonly headerAt: number;
  readonly contentAt: number;
  readonly size: number;
  readonly content: MemberContent;
}

export interface VolumeLayout {
  readonly number: number;
  /** Volumes in all. */
  readonly of: number;
  readonly members: readonly Member[];
  /** Where the content starts, and the padding before it. */
  readonly contentStart: number;
  readonly paddingBytes: number;
  /** Of the whole volume. */
  readonly size: number;
  readonly time: number;
  /** SHA256SUMS, once the digests of pieces of cut blobs are known by path. */
  sums(pieces: ReadonlyMap<string, Digest>): Uint8Array;
}

/** Files that depend on the key: the manifest's signature, and others beside what they sign (InRelease, Release.gpg, the public key). */
export interface SignatureFiles {
  readonly manifest: Uint8Array;
  readonly files: readonly SmallFile[];
}

export function sumsPath(volumes: number, number: number): string {
  return volumes === 1 ? 'SHA256SUMS' : `SHA256SUMS.${String(number).padStart(3, '0')}`;
}

/** Members of one volume as they follow each other. */
class Sequence {
  readonly members: Member[] = [];
  /** Paths in SHA256SUMS; the digest of a piece of a cut blob is not known yet. */
  readonly sums: { readonly path: string; readonly digest: Digest | undefined }[] = [];
  at = 0;

  add(path: string, body: MemberContent, { mode, size, digest }: { readonly mode: number; readonly size: number; readonly digest: Digest | undefined }): void {
    const headerBytes = entryBytes(body.kind === 'link' ? { path, type: 'Link', size: 0, linkpath: body.to, mode } : { path, type: 'File', size, mode });
    this.members.push({ path, mode, headerAt: this.at, contentAt: this.at + headerBytes, size, content: body });
    this.sums.push({ path, digest });
    this.at += headerBytes + paddedSize(size);
  }

  addFile({ path, bytes }: SmallFile): void {
    this.add(path, { kind: 'bytes', bytes }, { mode: 0o644, size: bytes.length, digest: digestOf(bytes) });
  }

  addPlaced({ member, path, from, to }: PlacedMember, generated: ReadonlyMap<Digest, Uint8Array>): void {
    const { mode } = member;
    const digest = path === member.path ? member.digest : undefined;
    if (member.linkTo !== undefined) return this.add(path, { kind: 'link', to: member.linkTo }, { mode, size: 0, digest });
    const bytes = generated.get(member.digest)?.subarray(from, to);
    return this.add(path, bytes === undefined ? { kind: 'blob', digest: member.digest, from, to } : { kind: 'bytes', bytes }, { mode, size: to - from, digest });
  }
}

/** Volume `number` (from 1). Pure; sizes and offsets follow from the content and the sizes of the signature files. */
export function layoutVolume(content: ArchiveContent, number: number, signatures?: SignatureFiles): VolumeLayout {
  const volume = content.volumes[number - 1];
  if (volume === undefined) throw new RangeError(`no volume ${number}`);
  const sequence = new Sequence();
  sequence.addFile({ path: manifestPath, bytes: content.manifestBytes });
  if (signatures !== undefined) sequence.addFile({ path: signaturePath, bytes: signatures.manifest });
  for (const file of content.head) sequence.addFile(file);
  const paddingBytes = paddingFor(sequence.at);
  sequence.at += paddingBytes;
  const contentStart = sequence.at;
  for (const placed of volume.placed) sequence.addPlaced(placed, content.generated);
  if (sequence.at !== contentStart + volume.size) throw new Error('planned and laid out content differ');
  const modes = new Map(volume.placed.map(({ path, member }) => [path, member.mode]));
  const small = number === 1 ? [...content.files, ...(signatures?.files ?? [])] : [];
  for (const item of [...volume.links, ...small].sort(byPath)) {
    if ('bytes' in item) sequence.addFile(item);
    else sequence.add(item.path, { kind: 'link', to: item.linkTo }, { mode: modes.get(item.linkTo) ?? 0o644, size: 0, digest: item.digest });
  }
  const sums = [...sequence.sums];
  const unknown = digestOf('');
  const render = (pieces: ReadonlyMap<string, Digest>): Uint8Array => new TextEncoder().encode(sumText(sums.map(({ path, digest }) => ({ path, digest: digest ?? pieces.get(path) ?? unknown }))));
  const sumsBytes = sums.reduce((total, { path }) => total + Buffer.byteLength(sumLine({ path, digest: unknown })), 0);
  sequence.add(sumsPath(content.volumes.length, number), { kind: 'sums' }, { mode: 0o644, size: sumsBytes, digest: undefined });
  return { number, of: content.volumes.length, members: sequence.members, contentStart, paddingBytes, size: sequence.at + endBytes, time: content.manifest.time, sums: render };
}

/** The smallest padding, two blocks or more, that ends at the alignment. */
function paddingFor(at: number): number {
  const least = at + 2 * blockBytes;
  return Math.ceil(least / alignmentBytes) * alignmentBytes - at;
}

/** A member's headers as they stand in the file. */
export function memberHeader(member: Member, time: number): Buffer {
  const { path, mode, size, content } = member;
  return encodeEntry(content.kind === 'link' ? { path, type: 'Link', size: 0, linkpath: content.to, mode } : { path, type: 'File', size, mode }, time);
}

export function paddingHeader(layout: VolumeLayout): Buffer {
  return encodePadding(layout.paddingBytes, layout.time, layout);
}
