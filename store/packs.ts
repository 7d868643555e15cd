// Packs: archives adopted where they lie. ARCHITECTURE.md, "Store".
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { canonicalJson } from '../bom/canonical-json.ts';
import { type Digest, digestFromHex, hexOf, isDigest } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import { commitFile, commitRename, makeDirectory, storageError, syncDirectory } from './durable-file.ts';
import type { FileStamp } from './blob-index.ts';
import { isAlive, removeFile } from './partials.ts';
import type { FilePiece } from './read-file.ts';

export interface PackVolume extends FileStamp {
  /** Absolute. */
  readonly path: string;
}

/** An adopted archive: verified in full when it was adopted; read again in full when a volume's stamp changed. */
export interface PackRecord {
  /** Digest of the archive's manifest: its identity. */
  readonly archive: Digest;
  readonly volumes: readonly PackVolume[];
  readonly blobs: readonly PackBlob[];
}

/** Bytes `offset` to `offset + size` of volume number `volume` (from 0). A blob cut over volumes has all its pieces in order, the first one also above. */
export interface PackBlob extends PackPiece {
  readonly digest: Digest;
  readonly pieces?: readonly PackPiece[];
}

export interface PackPiece {
  readonly volume: number;
  readonly offset: number;
  readonly size: number;
}

type CompactPiece = readonly [volume: number, offset: number, size: number];
type Compact = readonly [hex: string, size: number, volume: number, offset: number, pieces?: readonly CompactPiece[]];

/** Pack records as small durable files below `<root>/packs/`. */
export class Packs {
  private readonly root: string;
  private readonly folder: string;
  private readonly known = new Map<string, PackRecord>();

  constructor(root: string) {
    this.root = root;
    this.folder = join(root, 'packs');
  }

  async load(): Promise<readonly PackRecord[]> {
    for (const name of (await this.names()).filter((each) => each.endsWith('.json'))) {
      const record = parseRecord(await readFile(join(this.folder, name), 'utf8'), { path: join(this.folder, name), root: this.root });
      this.known.set(hexOf(record.archive), record);
    }
    return [...this.known.values()];
  }

  async save(record: PackRecord): Promise<void> {
    await makeDirectory(this.folder);
    // What lies in the store is named from the store: a store may be moved.
    const volumes = record.volumes.map((volume) => ({ ...volume, path: volume.path.startsWith(`${this.root}${sep}`) ? relative(this.root, volume.path) : volume.path }));
    const blobs = record.blobs.map(compact);
    await commitFile(join(this.folder, `${hexOf(record.archive)}.json`), `${canonicalJson({ archive: record.archive, volumes, blobs })}\n`);
    this.known.set(hexOf(record.archive), record);
  }

  /**
   * The record's name goes first: from then on nothing is read through the pack. Then its own volumes, then the record. What is interrupted between
   * is ended by {@link clearLeftovers}.
   */
  async forget(pack: string): Promise<void> {
    const record = join(this.folder, `${pack}.json`);
    const given = join(this.folder, `${pack}.gone`);
    if (!this.known.has(pack)) return;
    await commitRename(record, given);
    this.known.delete(pack);
    await this.removeGiven(given);
  }

  private async removeGiven(given: string): Promise<number> {
    let bytes = 0;
    const { archive, volumes } = parseRecord(await readFile(given, 'utf8'), { path: given, root: this.root });
    // Imported again meanwhile: the volumes are in use.
    const isBack = (await stampOf(join(this.folder, `${hexOf(archive)}.json`))) !== undefined;
    for (const { path } of volumes) if (!isBack && this.isOwn(path)) bytes += await removeFile(path);
    await rm(given, { force: true });
    await syncDirectory(this.folder);
    return bytes;
  }

  /** Whether a volume is the store's own file: a hard link or a copy below it. */
  isOwn(path: string): boolean {
    return path.startsWith(`${this.folder}${sep}`);
  }

  /** Ends what was interrupted, and removes what dead processes were writing. Returns bytes. Volumes that wait for others of their archive stay. */
  async clearLeftovers(): Promise<number> {
    let bytes = 0;
    for (const name of await this.names()) {
      const path = join(this.folder, name);
      if (name.endsWith('.gone')) bytes += await this.removeGiven(path);
      const writer = /\.(\d+)\.(?:[0-9a-f]{8}\.)?tmp$/.exec(name)?.[1];
      if (writer !== undefined && !isAlive(Number(writer))) bytes += await removeFile(path);
    }
    return bytes;
  }

  private async names(): Promise<string[]> {
    return readdir(this.folder).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return [];
      throw storageError(this.folder, cause);
    });
  }

  list(): readonly PackRecord[] {
    return [...this.known.values()];
  }

  /** Where a cut blob's pieces lie, while every volume is the one that was verified; else `undefined`. */
  async cutBlob(pack: string, digest: Digest): Promise<FilePiece[] | undefined> {
    if (!this.known.has(pack)) await this.load();
    const pieces = this.known.get(pack)?.blobs.find((blob) => blob.digest === digest)?.pieces ?? [];
    const found: FilePiece[] = [];
    for (const { volume, offset, size } of pieces) {
      const path = await this.volume(pack, volume);
      if (path === undefined) return undefined;
      found.push({ path, offset, size });
    }
    return found.length === 0 ? undefined : found;
  }

  /** The volume's path, while the file is the one that was verified; else `undefined`. */
  async volume(pack: string, number: number): Promise<string | undefined> {
    if (!this.known.has(pack)) await this.load();
    const volume = this.known.get(pack)?.volumes[number];
    if (volume === undefined) return undefined;
    return isSameFile(await stampOf(volume.path), volume) ? volume.path : undefined;
  }

  /** Where a volume lay when it was adopted. */
  pathOf(pack: string, number: number): string | undefined {
    return this.known.get(pack)?.volumes[number]?.path;
  }
}

/** A mount made again may have another device number: inode, size and mtime say that it is the same file. */
export function isSameFile(now: FileStamp | undefined, before: FileStamp | undefined): boolean {
  return now !== undefined && before !== undefined && now.size === before.size && now.inode === before.inode && now.mtimeMs === before.mtimeMs;
}

/** What identifies the content of a file short of reading it; `undefined` when there is none. */
export async function stampOf(path: string): Promise<FileStamp | undefined> {
  try {
    const { dev, ino, size, mtimeMs } = await stat(path);
    return { device: dev, inode: ino, size, mtimeMs };
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw storageError(path, cause);
  }
}

function compact({ digest, size, volume, offset, pieces }: PackBlob): Compact {
  const head = [hexOf(digest), size, volume, offset] as const;
  return pieces === undefined ? head : [...head, pieces.map((piece): CompactPiece => [piece.volume, piece.offset, piece.size])];
}

function parseRecord(text: string, { path, root }: { readonly path: string; readonly root: string }): PackRecord {
  try {
    const raw = JSON.parse(text) as { archive: string; volumes: PackVolume[]; blobs: Compact[] };
    if (!isDigest(raw.archive)) throw new TypeError('no archive digest');
    return {
      archive: raw.archive,
      volumes: raw.volumes.map((volume) => ({ ...volume, path: resolve(root, volume.path) })),
      blobs: raw.blobs.map(([hex, size, volume, offset, pieces]) => ({
        digest: digestFromHex(hex), size, volume, offset, ...(pieces === undefined ? {} : { pieces: pieces.map(([number, at, length]) => ({ volume: number, offset: at, size: length })) }),
      })),
    };
  } catch (cause) {
    throw new BundleError('STORAGE_IO', {
      subject: path, expected: 'a pack record', actual: (cause as Error).message,
      next: 'Move the file away and import its archive again; nothing else is affected.',
    }, { cause });
  }
}
