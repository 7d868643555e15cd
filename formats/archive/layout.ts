// Members of one volume with their places, signatures included: FORMAT.md, section 2.
import { type Digest, digestOf } from '../../bom/digest.ts';
import { manifestPath, signaturePath } from './manifest.ts';
import { type ArchiveContent, byPath, type SmallFile } from './plan.ts';
import { type Sum, sumLine, sumText } from './sums.ts';
import { blockBytes, encodeEntry, encodePadding, paddedSize } from './tar-header.ts';

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

/** Volume `number` (from 1). Pure; sizes and offsets follow from the content and the sizes of the signature files. */
export function layoutVolume(content: ArchiveContent, number: number, signatures?: SignatureFiles): VolumeLayout {
  const volume = content.volumes[number - 1];
  if (volume === undefined) throw new RangeError(`no volume ${number}`);
  const { time } = content.manifest;
  const members: Member[] = [];
  const sums: (Sum | { readonly path: string; readonly digest: undefined })[] = [];
  let at = 0;
  const add = (path: string, mode: number, size: number, body: MemberContent): void => {
    const headerBytes = encodeEntry(body.kind === 'link' ? { path, type: 'Link', size: 0, linkpath: body.to, mode } : { path, type: 'File', size, mode }, time).length;
    members.push({ path, mode, headerAt: at, contentAt: at + headerBytes, size, content: body });
    at += headerBytes + paddedSize(size);
  };
  const addFile = ({ path, bytes }: SmallFile): void => {
    add(path, 0o644, bytes.length, { kind: 'bytes', bytes });
    sums.push({ path, digest: digestOf(bytes) });
  };
  addFile({ path: manifestPath, bytes: content.manifestBytes });
  if (signatures !== undefined) addFile({ path: signaturePath, bytes: signatures.manifest });
  content.head.forEach(addFile);
  const paddingBytes = paddingFor(at);
  const contentStart = at + paddingBytes;
  at = contentStart;
  for (const { member, path, from, to } of volume.placed) {
    if (member.linkTo !== undefined) add(path, member.mode, 0, { kind: 'link', to: member.linkTo });
    else {
      const bytes = content.generated.get(member.digest);
      add(path, member.mode, to - from, bytes === undefined ? { kind: 'blob', digest: member.digest, from, to } : { kind: 'bytes', bytes: bytes.subarray(from, to) });
    }
    sums.push({ path, digest: path === member.path ? member.digest : undefined });
  }
  if (at !== contentStart + volume.size) throw new Error('planned and laid out content differ');
  const small = number === 1 ? [...content.files, ...(signatures?.files ?? [])] : [];
  const modes = new Map(volume.placed.map(({ path, member }) => [path, member.mode]));
  for (const item of [...volume.links, ...small].sort(byPath)) {
    if ('bytes' in item) addFile(item);
    else {
      add(item.path, modes.get(item.linkTo) ?? 0o644, 0, { kind: 'link', to: item.linkTo });
      sums.push({ path: item.path, digest: item.digest });
    }
  }
  const render = (pieces: ReadonlyMap<string, Digest>): Uint8Array => new TextEncoder().encode(sumText(sums.map(({ path, digest }) => ({ path, digest: digest ?? pieces.get(path) ?? digestOf('') }))));
  const placeholder = digestOf('');
  const sumsBytes = sums.reduce((total, { path }) => total + Buffer.byteLength(sumLine({ path, digest: placeholder })), 0);
  add(sumsPath(content.volumes.length, number), 0o644, sumsBytes, { kind: 'sums' });
  return { number, of: content.volumes.length, members, contentStart, paddingBytes, size: at + endBytes, time, sums: render };
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
