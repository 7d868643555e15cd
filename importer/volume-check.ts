// The members of one volume against its manifest: formats/archive/FORMAT.md, section 10, "Checks". Content of blobs is not read here.
import { createHash } from 'node:crypto';
import { type Digest, digestFromHex, digestOf } from '../bom/digest.ts';
import { endBytes, sumsPath } from '../formats/archive/layout.ts';
import { type Manifest, piecesOf } from '../formats/archive/manifest.ts';
import { piecePath } from '../formats/archive/place.ts';
import { sumText } from '../formats/archive/sums.ts';
import { isSafePath, paddedSize, type TarEntry } from '../formats/archive/tar-header.ts';
import { blobPath } from '../formats/archive/tree.ts';
import { type ArchiveVolume, checkZeros, damaged, TarWindow } from './archive-file.ts';

/** A member whose bytes are a blob or a piece of one. */
export interface BlobMember {
  readonly path: string;
  readonly digest: Digest;
  /** The piece's number from 1; 0 for a whole blob. */
  readonly piece: number;
  readonly at: number;
  readonly size: number;
}

/** A small member of the tail: where its bytes are. */
export interface SmallMember {
  readonly digest: Digest;
  readonly at: number;
  readonly size: number;
}

export interface VolumeMembers {
  readonly blobs: readonly BlobMember[];
  /** path -> path that it links to. */
  readonly links: ReadonlyMap<string, string>;
  /** Small members of the tail by path, SHA256SUMS not among them. */
  readonly files: ReadonlyMap<string, SmallMember>;
  /** Signature files of the tail by path. */
  readonly signatures: ReadonlyMap<string, Uint8Array>;
  readonly sums: { readonly path: string; readonly bytes: Uint8Array };
}

/** Of whoever signed: for comparison, never trusted from here. */
export const publicKeyPath = 'keys/longshore.asc';
const maxSmallBytes = 512 << 20;
const maxSignatureBytes = 64 << 20;

/**
 * Walks all headers of a volume. Throws `INTEGRITY_ARCHIVE` unless they are exactly what the manifest says: blobs at their offsets with their
 * sizes and names, nothing between them, links to them only, small members with their digests, SHA256SUMS last, zeros where zeros belong,
 * nothing after the end. Reads headers and small members, not the blobs.
 */
export async function walkVolume(volume: ArchiveVolume): Promise<VolumeMembers> {
  const tar = await TarWindow.open(volume.path);
  try {
    checkHead(volume);
    tar.readAheadBytes = 4096;
    const content = await walkContent(tar, volume);
    tar.readAheadBytes = 64 * 1024;
    return await walkTail(tar, volume, content);
  } finally {
    await tar.close();
  }
}

/** The small members before the content are the manifest's. */
function checkHead({ path, manifest, head }: ArchiveVolume): void {
  const listed = new Map(manifest.files.map((file) => [file.path, file]));
  for (const name of ['README.txt', 'oci-layout', 'index.json']) {
    const expected = listed.get(name);
    const actual = head.get(name);
    if (expected === undefined || actual !== expected.digest) throw damaged(`${path}: ${name}`, expected?.digest ?? 'the manifest to list it', actual ?? 'no such member');
  }
}

interface Content { readonly blobs: readonly BlobMember[]; readonly links: Map<string, string>; readonly names: Map<string, Digest> }

async function walkContent(tar: TarWindow, { path, number, contentStart, manifest }: ArchiveVolume): Promise<Content> {
  const expected = expectedPieces(manifest, number);
  const blobs: BlobMember[] = [];
  const links = new Map<string, string>();
  const names = new Map<string, Digest>();
  const end = contentStart + (manifest.volumes[number - 1]?.size ?? 0);
  let at = contentStart;
  while (at < end) {
    const header = await tar.header(at, manifest.time);
    if (header.kind !== 'entry') throw damaged(`${path} at byte ${at}`, 'a member with content', header.kind === 'end' ? 'the end' : 'padding');
    const { entry } = header;
    at += header.headerBytes;
    if (names.has(entry.path)) throw damaged(path, 'each member once', `${entry.path} twice`);
    if (entry.type === 'Link') {
      names.set(entry.path, contentLink(entry, { manifest, names, path }));
      links.set(entry.path, entry.linkpath ?? '');
      continue;
    }
    const piece = expected.get(at - contentStart);
    if (piece === undefined || piece.size !== entry.size || !piece.paths.includes(entry.path)) {
      throw damaged(`${path} at byte ${at - header.headerBytes}`, piece === undefined ? 'no member, by the manifest' : `${piece.paths[0]} of ${piece.size} bytes, by the manifest`, `${entry.path} of ${entry.size} bytes`);
    }
    expected.delete(at - contentStart);
    names.set(entry.path, piece.digest);
    blobs.push({ path: entry.path, digest: piece.digest, piece: piece.number, at, size: entry.size });
    if (at + entry.size > tar.size) throw damaged(`${path}: ${entry.path}`, `${entry.size} bytes from byte ${at}`, `a file of ${tar.size} bytes: it was cut`);
    await checkZeros(tar, at + entry.size, at + paddedSize(entry.size));
    at += paddedSize(entry.size);
  }
  const [lost] = expected.values();
  if (at !== end || lost !== undefined) throw damaged(path, lost === undefined ? `content that ends at byte ${end}` : `${lost.paths[0]}, by the manifest`, lost === undefined ? `byte ${at}` : 'no such member');
  return { blobs, links, names };
}

interface Expected { readonly digest: Digest; readonly size: number; readonly number: number; readonly paths: readonly string[] }

/** What has to start at which offset of the content of volume `number`. */
function expectedPieces(manifest: Manifest, number: number): Map<number, Expected> {
  const runtimes = Map.groupBy(manifest.runtimes ?? [], (runtime) => runtime.digest);
  const expected = new Map<number, Expected>();
  for (const blob of manifest.blobs) {
    const own = runtimes.get(blob.digest)?.map((runtime) => runtime.path) ?? [blobPath(blob.digest)];
    piecesOf(blob).forEach((piece, index) => {
      if (piece.volume !== number) return;
      const paths = blob.pieces === undefined ? own : own.map((each) => piecePath(each, index + 1));
      expected.set(piece.offset, { digest: blob.digest, size: piece.size, number: blob.pieces === undefined ? 0 : index + 1, paths });
    });
  }
  return expected;
}

/** A link among the content: the blob of a runtime's file, or a second name of one. */
function contentLink(entry: TarEntry, { manifest, names, path }: { readonly manifest: Manifest; readonly names: ReadonlyMap<string, Digest>; readonly path: string }): Digest {
  const digest = names.get(entry.linkpath ?? '');
  const runtime = manifest.runtimes?.find((each) => each.path === entry.path);
  if (digest !== undefined && (runtime === undefined ? entry.path === blobPath(digest) : runtime.digest === digest)) return digest;
  throw damaged(path, 'links from and to files of longshore/bin only', `a link ${JSON.stringify(entry.path)} to ${JSON.stringify(entry.linkpath)}`);
}

async function walkTail(tar: TarWindow, volume: ArchiveVolume, content: Content): Promise<VolumeMembers> {
  const { path, manifest, number } = volume;
  const listed = new Map(manifest.files.map((file) => [file.path, file]));
  const whole = new Set(content.blobs.filter((blob) => blob.piece === 0).map((blob) => blob.digest));
  const lastPath = sumsPath(manifest.volumes.length, number);
  const { names, links } = content;
  const files = new Map<string, SmallMember>();
  const signatures = new Map<string, Uint8Array>();
  const tree: { path: string; digest: Digest }[] = [];
  let at = volume.contentStart + (manifest.volumes[number - 1]?.size ?? 0);
  for (;;) {
    const header = await tar.header(at, manifest.time);
    if (header.kind !== 'entry') throw damaged(path, `${lastPath} before the end`, header.kind === 'end' ? 'the end' : 'padding');
    const { entry } = header;
    at += header.headerBytes;
    if (!isSafePath(entry.path)) throw damaged(path, 'names that stay in their folder', JSON.stringify(entry.path.slice(0, 200)));
    if (names.has(entry.path) || volume.head.has(entry.path)) throw damaged(path, 'each member once', `${entry.path} twice`);
    if (entry.type === 'Link') {
      const digest = names.get(entry.linkpath ?? '');
      if (digest === undefined || !whole.has(digest)) throw damaged(`${path}: ${entry.path}`, 'a link to a blob of this volume', JSON.stringify(entry.linkpath));
      names.set(entry.path, digest);
      links.set(entry.path, entry.linkpath ?? '');
      tree.push({ path: entry.path, digest });
      continue;
    }
    if (entry.path === lastPath) return { blobs: content.blobs, links, files, signatures, sums: await lastMember(tar, { entry, at, volume, tree }) };
    const small = listed.get(entry.path);
    if (small === undefined && !isSignatureFile(entry.path, listed, volume)) throw damaged(path, 'members that the manifest lists', JSON.stringify(entry.path));
    const limit = small === undefined ? maxSignatureBytes : maxSmallBytes;
    if (entry.size > limit || (small !== undefined && small.size !== entry.size)) throw damaged(`${path}: ${entry.path}`, `${small?.size ?? `at most ${limit}`} bytes`, `${entry.size} bytes`);
    const digest = small === undefined ? await keep(tar, { entry, at, signatures }) : await hashMember(tar, entry, at);
    if (small !== undefined && digest !== small.digest) throw damaged(`${path}: ${entry.path} at byte ${at}`, small.digest, digest);
    names.set(entry.path, digest);
    files.set(entry.path, { digest, at, size: entry.size });
    await checkZeros(tar, at + entry.size, at + paddedSize(entry.size));
    at += paddedSize(entry.size);
  }
}

/** InRelease and Release.gpg beside a Release, `.asc` beside anything, and the key: only in a signed archive. */
function isSignatureFile(path: string, listed: ReadonlyMap<string, unknown>, volume: ArchiveVolume): boolean {
  if (volume.signature === undefined) return false;
  const beside = (suffix: string): boolean => path.endsWith(suffix) && listed.has(path.slice(0, -suffix.length));
  return path === publicKeyPath || beside('.asc') || beside('.gpg') || (path.endsWith('/InRelease') && listed.has(`${path.slice(0, -'InRelease'.length)}Release`));
}

async function keep(tar: TarWindow, { entry, at, signatures }: { readonly entry: TarEntry; readonly at: number; readonly signatures: Map<string, Uint8Array> }): Promise<Digest> {
  const bytes = Buffer.from(await tar.read(at, entry.size));
  if (bytes.length < entry.size) throw damaged(`${tar.path}: ${entry.path}`, `${entry.size} bytes`, `${bytes.length}: the file was cut`);
  signatures.set(entry.path, bytes);
  return digestOf(bytes);
}

async function hashMember(tar: TarWindow, entry: TarEntry, at: number): Promise<Digest> {
  const hash = createHash('sha256');
  for (let done = 0; done < entry.size;) {
    const chunk = await tar.read(at + done, Math.min(64 * 1024, entry.size - done));
    if (chunk.length === 0) throw damaged(`${tar.path}: ${entry.path}`, `${entry.size} bytes`, `${done}: the file was cut`);
    hash.update(chunk);
    done += chunk.length;
  }
  return digestFromHex(hash.digest('hex'));
}

async function lastMember(tar: TarWindow, { entry, at, volume, tree }: {
  readonly entry: TarEntry; readonly at: number; readonly volume: ArchiveVolume; readonly tree: readonly { readonly path: string; readonly digest: Digest }[];
}): Promise<VolumeMembers['sums']> {
  const expected = volume.manifest.volumes[volume.number - 1]?.links;
  if (expected?.count !== tree.length || expected.digest !== digestOf(sumText(tree))) {
    throw damaged(tar.path, `the ${expected?.count ?? 0} links that the manifest counts`, `${tree.length} links, or others`);
  }
  if (entry.size > maxSmallBytes) throw damaged(`${tar.path}: ${entry.path}`, `at most ${maxSmallBytes} bytes`, `${entry.size} bytes`);
  const bytes = Buffer.from(await tar.read(at, entry.size));
  const end = at + paddedSize(entry.size) + endBytes;
  if (tar.size < end) throw damaged(tar.path, `${end} bytes`, `${tar.size} bytes: it was cut`);
  await checkZeros(tar, at + entry.size, end);
  if (tar.size > end) throw damaged(tar.path, `${end} bytes`, `${tar.size} bytes: something was appended`);
  return { path: entry.path, bytes };
}

/** SHA256SUMS as it has to be, once pieces of cut blobs are hashed. */
export function expectedSums(volume: ArchiveVolume, members: VolumeMembers, pieces: ReadonlyMap<string, Digest>): string {
  const byPath = new Map<string, Digest>(volume.head);
  for (const blob of members.blobs) byPath.set(blob.path, blob.piece === 0 ? blob.digest : pieces.get(blob.path) ?? blob.digest);
  for (const [path, { digest }] of members.files) byPath.set(path, digest);
  for (const [path, target] of members.links) {
    const digest = byPath.get(target);
    if (digest === undefined) throw new Error(`${path} links to ${target}, which has no digest`);
    byPath.set(path, digest);
  }
  return sumText([...byPath].map(([path, digest]) => ({ path, digest })));
}
