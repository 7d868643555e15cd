// Offsets of the content of an archive, in one volume or many: FORMAT.md, sections 5 and 8.
import { type Digest, hexOf } from '../../bom/digest.ts';
import type { Sum } from './sums.ts';
import { entryBytes, paddedSize } from './tar-header.ts';

/** A member with content, or a hard link to one that comes before it. */
export interface ContentMember {
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
  readonly mode: number;
  readonly linkTo?: string;
}

/** Bytes `from` to `to` of a member's content as one member of a volume. */
export interface PlacedMember {
  readonly member: ContentMember;
  /** The member's, or of one numbered piece of it. */
  readonly path: string;
  readonly headerBytes: number;
  /** Of the first byte of content, from the start of the volume's content. */
  readonly offset: number;
  readonly from: number;
  readonly to: number;
}

export interface VolumeContent {
  readonly placed: readonly PlacedMember[];
  /** Bytes of content with headers and padding. */
  readonly size: number;
  /** Hard links of the tree that belong to this volume, sorted by path, and the path that each links to. */
  readonly links: readonly (Sum & { readonly linkTo: string })[];
}

export interface PlaceLimits {
  /** Bytes for content, links and their lines in SHA256SUMS in a volume, and in the first one. */
  readonly room: number;
  readonly firstRoom: number;
}

const lineBytes = (path: string): number => 64 + 2 + Buffer.byteLength(path) + 1;
export const piecePath = (path: string, number: number): string => `${path}.${String(number).padStart(3, '0')}`;
/** A piece smaller than this is not worth a member of its own. */
const smallestPiece = 32 * 1024;

/** One volume while it is filled. */
class Filling {
  readonly placed: PlacedMember[] = [];
  readonly links: (Sum & { readonly linkTo: string })[] = [];
  size = 0;
  left: number;

  constructor(room: number) {
    this.left = room;
  }

  add(entry: { readonly member: ContentMember; readonly path: string; readonly headerBytes: number; readonly from: number; readonly to: number }): void {
    const bytes = entry.headerBytes + (entry.member.linkTo === undefined ? paddedSize(entry.to - entry.from) : 0);
    this.placed.push({ ...entry, offset: this.size + entry.headerBytes });
    this.size += bytes;
    this.left -= bytes + lineBytes(entry.path);
  }
}

/**
 * Members in the given order, each with its tree links in the first volume that has room for it. A member that is with them larger than an empty volume is cut into
 * numbered pieces, or stays whole where it fits without them; it has no links. Without limits there is one volume.
 */
export function place(options: { readonly members: readonly ContentMember[]; readonly tree: ReadonlyMap<string, Digest> }, limits?: PlaceLimits): VolumeContent[] {
  const { members } = options;
  const room = limits?.room ?? Number.MAX_SAFE_INTEGER;
  const names = namesByDigest(options.tree);
  const filled = [new Filling(limits?.firstRoom ?? room)];
  const current = (): Filling => filled.at(-1) as Filling;
  const headerOf = (member: ContentMember, path: string, size: number): number =>
    entryBytes({ path, size, mode: member.mode, ...(member.linkTo === undefined ? { type: 'File' } : { type: 'Link', linkpath: member.linkTo, size: 0 }) });
  const homes = new Map<string, { readonly volume: Filling; readonly cut: boolean }>();
  for (const member of members) {
    const headerBytes = headerOf(member, member.path, member.size);
    const target = member.linkTo ?? member.path;
    const links = member.path.startsWith('blobs/') ? (names.get(member.digest) ?? []).map((path) => ({ path, digest: member.digest, linkTo: target })) : [];
    const linkBytes = links.reduce((sum, link) => sum + linkCost(link, member), 0);
    const whole = headerBytes + (member.linkTo === undefined ? paddedSize(member.size) : 0) + lineBytes(member.path) + linkBytes;
    const home = member.linkTo === undefined ? undefined : homes.get(member.linkTo);
    if (home?.cut === true) continue;
    if (home === undefined && whole > room) {
      cut(member, { current, next: () => filled.push(new Filling(room)), headerOf });
      homes.set(member.path, { volume: current(), cut: true });
      continue;
    }
    const volume = home?.volume ?? firstWithRoom(filled, whole, room);
    volume.add({ member, path: member.path, headerBytes, from: 0, to: member.linkTo === undefined ? member.size : 0 });
    volume.links.push(...links);
    volume.left -= linkBytes;
    homes.set(member.path, { volume, cut: false });
  }
  return filled.map(({ placed, size, links }) => ({ placed, size, links: links.sort((a, b) => (a.path < b.path ? -1 : 1)) }));
}

/** Small blobs fill what large ones left: a volume that only the next blob may go on with wastes up to that blob's size. */
function firstWithRoom(filled: Filling[], bytes: number, room: number): Filling {
  const found = filled.find(({ left }) => bytes <= left);
  if (found !== undefined) return found;
  const fresh = new Filling(room);
  filled.push(fresh);
  return fresh;
}

function linkCost(link: { readonly path: string; readonly linkTo: string }, member: ContentMember): number {
  return entryBytes({ path: link.path, type: 'Link', size: 0, linkpath: link.linkTo, mode: member.mode }) + lineBytes(link.path);
}

function cut(member: ContentMember, { current, next, headerOf }: {
  readonly current: () => Filling; readonly next: () => void; readonly headerOf: (member: ContentMember, path: string, size: number) => number;
}): void {
  let from = 0;
  for (let number = 1; from < member.size; number += 1) {
    const path = piecePath(member.path, number);
    const overhead = headerOf(member, path, member.size) + lineBytes(path);
    const rest = member.size - from;
    // Whole blocks, except at the end: pieces then lie alike in every volume.
    const fits = Math.min(rest, Math.floor((current().left - overhead) / 512) * 512);
    if (fits < Math.min(rest, smallestPiece)) {
      next();
      number -= 1;
      continue;
    }
    // All of it is no piece: where its links alone were too much, it stands under its own name.
    const own = fits === member.size ? member.path : path;
    current().add({ member, path: own, headerBytes: headerOf(member, own, fits), from, to: from + fits });
    from += fits;
  }
}

function namesByDigest(tree: ReadonlyMap<string, Digest>): Map<Digest, string[]> {
  const names = new Map<Digest, string[]>();
  for (const [path, digest] of tree) {
    const list = names.get(digest);
    if (list === undefined) names.set(digest, [path]);
    else list.push(path);
  }
  return names;
}

/** For messages: a blob's path, as short as it stays unique. */
export function shortDigest(digest: Digest): string {
  return `sha256:${hexOf(digest).slice(0, 12)}`;
}
