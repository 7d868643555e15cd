// The store: an OCI image layout (image specification 1.1, image-layout.md) with an index beside it. ARCHITECTURE.md, "Store".
import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { GeneratedBlob } from '../bom/bundle.ts';
import { type ByteRange, type Descriptor, type Digest, hexOf, isDigest } from '../bom/digest.ts';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import type { BlobReader, BlobWriter, Bytes, ReadHow } from '../bom/ports.ts';
import { verified } from '../formats/oci/verified.ts';
import { BlobIndex, type FileStamp, type IndexRow } from './blob-index.ts';
import { commitFile, commitRename, DirectorySync, makeDirectory, storageError, syncDirectory } from './durable-file.ts';
import { isSameFile, type PackBlob, type PackRecord, Packs, type PackVolume, stampOf } from './packs.ts';
import { emptyLayoutIndex, mergeLayoutIndex } from './layout-index.ts';
import { partialFlags, Partials } from './partials.ts';
import { type FilePiece, readFileRange, readPieces } from './read-file.ts';
import { appendVerified } from './receive.ts';
import { type OpenFile, syncFiles } from './sync-files.ts';

const layoutMarker = '{"imageLayoutVersion":"1.0.0"}';

/** Where a blob lies in one piece. */
export type BlobLocation = FilePiece;

/** In the index, the offset of a blob that is cut over volumes: its pack's record has the pieces. */
const cutOffset = -1;

/**
 * Blobs by digest on a disk. Invariants: a file under `blobs/sha256/` *must* appear there complete, verified and synced (temporary name, fsync,
 * rename, fsync of the directory); an index row *must* be written after its blob; a row is believed only while the file looks as it did when
 * it was verified (device, inode, size, mtime), else the content is hashed again. Several processes may use one store.
 */
export class Store implements BlobReader, BlobWriter {
  readonly root: string;
  private readonly blobFolder: string;
  private readonly blobFolderSync: DirectorySync;
  private index: BlobIndex;
  private readonly partials: Partials;
  private readonly packs: Packs;
  private readonly receiving = new Map<Digest, Promise<'stored'>>();

  private constructor(root: string) {
    this.root = root;
    this.blobFolder = join(root, 'blobs', 'sha256');
    this.blobFolderSync = new DirectorySync(this.blobFolder);
    this.index = new BlobIndex(join(root, 'index.db'));
    this.partials = new Partials(join(root, 'partial'));
    this.packs = new Packs(root);
  }

  /**
   * Opens the store at `root`. With `create`, an empty or missing folder becomes one. Throws `STORAGE_FOREIGN` for a folder that holds
   * something else, or (without `create`) is missing.
   */
  static async open(root: string, options: { readonly create: boolean }): Promise<Store> {
    const absolute = resolve(root);
    const names = await readdir(absolute).catch((cause: NodeJS.ErrnoException): string[] => {
      if (cause.code === 'ENOENT') return [];
      throw storageError(absolute, cause);
    });
    if (!names.includes('oci-layout')) await Store.prepare(absolute, names, options.create);
    else if (!names.includes('partial')) await makeDirectory(join(absolute, 'partial'));
    const store = new Store(absolute);
    for (const record of await store.packs.load()) if (store.index.isNew) store.enterPack(record, true);
    return store;
  }

  private static async prepare(root: string, names: readonly string[], create: boolean): Promise<void> {
    // Parts of a store that was not finished, and what a machine keeps beside one before it has any content.
    const made = ['blobs', 'partial', 'index.json', 'keys', 'tls', 'registry'];
    const strange = names.filter((name) => !made.includes(name) && !name.endsWith('.tmp') && name !== 'lost+found');
    if (strange.length > 0 || !create) {
      throw new BundleError('STORAGE_FOREIGN', {
        subject: root,
        expected: 'a longshore store (a folder with oci-layout)',
        actual: strange.length > 0 ? `a folder that holds ${strange[0]}` : names.length > 0 ? 'an unfinished store' : 'nothing there',
        ...(create ? {} : { next: 'Name the store with --store, or fill one with `longshore download` or `longshore import`.' }),
      });
    }
    for (const folder of ['blobs/sha256', 'partial']) await makeDirectory(join(root, folder));
    await commitFile(join(root, 'index.json'), emptyLayoutIndex);
    await commitFile(join(root, 'oci-layout'), layoutMarker);
  }

  close(): void {
    this.index.close();
  }

  // ---- reading

  async has(digest: Digest): Promise<boolean> {
    return (await this.pieces(digest)) !== undefined;
  }

  /** Where the blob lies in one piece, when it is here and was verified as it lies there; `undefined` too for a blob that is cut over volumes. */
  async locate(digest: Digest): Promise<BlobLocation | undefined> {
    const pieces = await this.pieces(digest);
    return pieces?.length === 1 ? pieces[0] : undefined;
  }

  private async pieces(digest: Digest): Promise<readonly FilePiece[] | undefined> {
    const row = this.index.get(digest);
    if (row?.where === 'pack') {
      const pieces = (await this.inPack(digest, row)) ?? (await this.inOtherPack(digest, row.pack));
      if (pieces !== undefined) return pieces;
    }
    const loose = await this.locateLoose(digest, row?.where === 'loose' ? row.stamp : undefined);
    return loose === undefined ? undefined : [loose];
  }

  private async inPack(digest: Digest, row: IndexRow & { readonly where: 'pack' }): Promise<readonly FilePiece[] | undefined> {
    return row.offset === cutOffset ? this.packs.cutBlob(row.pack, digest) : this.packPiece(row);
  }

  /** For a row whose pack is gone: another one that holds the blob too. */
  private async inOtherPack(digest: Digest, gone: string): Promise<readonly FilePiece[] | undefined> {
    for (const record of this.packs.list()) {
      const blob = hexOf(record.archive) === gone ? undefined : record.blobs.find((each) => each.digest === digest);
      const row = blob === undefined ? undefined : rowOf(record, blob);
      const pieces = row === undefined ? undefined : await this.inPack(digest, row);
      if (pieces !== undefined) return pieces;
    }
    return undefined;
  }

  private async packPiece(row: IndexRow & { readonly where: 'pack' }): Promise<readonly FilePiece[] | undefined> {
    const path = await this.packs.volume(row.pack, row.volume);
    return path === undefined ? undefined : [{ path, offset: row.offset, size: row.size }];
  }

  private async locateLoose(digest: Digest, known: FileStamp | undefined): Promise<BlobLocation | undefined> {
    const path = this.pathOf(digest);
    const now = await stampOf(path);
    if (now === undefined) {
      if (known !== undefined) this.index.delete(digest);
      return undefined;
    }
    if (known === undefined || known.inode !== now.inode || known.size !== now.size || known.mtimeMs !== now.mtimeMs) {
      if (!(await this.recheck(digest, now))) return undefined;
    }
    return { path, offset: 0, size: now.size };
  }

  /** Hashes a loose blob that the index does not vouch for. A damaged one stays where it is, unseen, until it is fetched again. */
  private async recheck(digest: Digest, stamp: FileStamp): Promise<boolean> {
    if (!(await isGood(readFileRange(this.pathOf(digest), 0, stamp.size), digest))) {
      this.index.delete(digest);
      return false;
    }
    this.index.set(digest, { where: 'loose', size: stamp.size, stamp });
    return true;
  }

  async *open(blob: Descriptor, range?: ByteRange, how?: ReadHow): Bytes {
    const pieces = await this.pieces(blob.digest);
    if (pieces === undefined) throw this.missing(blob.digest);
    if (range === undefined) yield* verified(readPieces(pieces, undefined, how), blob);
    else yield* readPieces(pieces, range, how);
  }

  private missing(digest: Digest): BundleError {
    const row = this.index.get(digest);
    const archive = row?.where === 'pack' ? this.packs.pathOf(row.pack, row.volume) : undefined;
    if (archive === undefined) return new BundleError('INTEGRITY_MISSING', { subject: digest, expected: `the blob in the store ${this.root}`, actual: 'nothing, or a damaged file' });
    return new BundleError('INTEGRITY_MISSING', {
      subject: archive, expected: `the adopted archive that holds ${digest}`, actual: 'no such file, or another one than was imported',
      next: 'Plug its medium in again, or import the archive again; after a store was copied or restored, `longshore store reindex` checks it and takes it as it is now.',
    });
  }

  /** Bytes free for this process on the store's file system. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.root);
    return bavail * bsize;
  }

  // ---- writing

  async put(blob: Descriptor, bytes: Bytes, signal: AbortSignal): Promise<'stored' | 'present'> {
    if (await this.has(blob.digest)) return 'present';
    return this.once(blob, async () => {
      await rm(await this.partials.claim(blob.digest), { force: true });
      return this.receive(blob, () => bytes, signal);
    });
  }

  async fill(blob: Descriptor, from: (offset: number) => Bytes, signal: AbortSignal): Promise<'stored' | 'present'> {
    if (await this.has(blob.digest)) return 'present';
    return this.once(blob, () => this.receive(blob, from, signal));
  }

  /** Several callers of this process that bring the same blob: the first one's bytes are taken, the others wait for it. */
  private async once(blob: Descriptor, receive: () => Promise<'stored'>): Promise<'stored' | 'present'> {
    const running = this.receiving.get(blob.digest);
    if (running !== undefined) {
      await running;
      return 'present';
    }
    const receiving = receive();
    this.receiving.set(blob.digest, receiving);
    try {
      return await receiving;
    } finally {
      this.receiving.delete(blob.digest);
    }
  }

  /** A blob whose bytes follow from the lock. */
  async putBytes(blob: GeneratedBlob): Promise<'stored' | 'present'> {
    return this.put(blob, (async function* whole() { yield blob.bytes; })(), new AbortController().signal);
  }

  private async receive(blob: Descriptor, from: (offset: number) => Bytes, signal: AbortSignal): Promise<'stored'> {
    const temporary = await this.partials.claim(blob.digest);
    let handle: FileHandle | undefined;
    try {
      handle = await open(temporary, partialFlags, 0o644);
      await appendVerified(handle, { blob, temporary, from, signal });
      await handle.sync();
    } catch (cause) {
      const error = cause instanceof BundleError || !isFileError(cause) ? cause : storageError(temporary, cause);
      if (error instanceof BundleError && error.family === 'integrity') await rm(temporary, { force: true });
      throw error;
    } finally {
      await handle?.close();
    }
    await this.commitBlob(temporary, blob.digest);
    return 'stored';
  }

  /** Gives a verified, synced file of this file system the name of its digest and enters it in the index. */
  private async commitBlob(temporary: string, digest: Digest): Promise<void> {
    await commitRename(temporary, this.pathOf(digest), this.blobFolderSync);
    const stamp = await stampOf(this.pathOf(digest));
    if (stamp !== undefined) this.index.set(digest, { where: 'loose', size: stamp.size, stamp });
  }

  /** For what can be worked out again from blobs: may be emptied at any time. */
  get cacheFolder(): string { return join(this.root, 'cache'); }

  /** A folder in the store's file system for unfinished things. */
  get spoolFolder(): string {
    return join(this.root, 'partial');
  }

  /** Bytes that interrupted downloads left to be continued. */
  async partialBytes(): Promise<number> {
    let bytes = 0;
    for (const name of await readdir(this.spoolFolder)) bytes += (await stampOf(join(this.spoolFolder, name)))?.size ?? 0;
    return bytes;
  }

  /** Brings a blob that is cut over volumes into one piece, for whoever reads files and not blobs. */
  async joinPieces(blob: Descriptor, signal: AbortSignal): Promise<void> {
    if ((await this.pieces(blob.digest))?.length === 1) return;
    await this.once(blob, async () => {
      await rm(await this.partials.claim(blob.digest), { force: true });
      return this.receive(blob, () => this.open(blob), signal);
    });
  }

  /** A name in the store's file system for a blob whose digest is not known before its end; {@link commitSpooled} gives it its place. */
  spoolPath(name: string): string {
    return join(this.root, 'partial', `${name}.${process.pid}.spool`);
  }

  /** Takes over a spooled file that its writer hashed while writing. The file is synced here. */
  async commitSpooled(path: string, digest: Digest): Promise<void> {
    const handle = await open(path, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await this.commitBlob(path, digest);
  }

  /** The same for many files at once, whose writers are done: all are synced, then all are named, then all are entered. */
  async commitSpooledAll(files: readonly (OpenFile & { readonly digest: Digest })[]): Promise<void> {
    await syncFiles(files, this.root);
    for (const { path, digest } of files) await rename(path, this.pathOf(digest)).catch((cause: unknown) => { throw storageError(this.pathOf(digest), cause); });
    await syncDirectory(this.blobFolder);
    const rows: [Digest, IndexRow][] = [];
    for (const { digest } of files) {
      const stamp = await stampOf(this.pathOf(digest));
      if (stamp !== undefined) rows.push([digest, { where: 'loose', size: stamp.size, stamp }]);
    }
    this.index.setAll(rows, { keep: false });
  }

  /** Lists the manifests of `layoutIndex` that are here in the store's own index.json, so that foreign tools find them. */
  async listInLayout(layoutIndex: Uint8Array): Promise<void> {
    await mergeLayoutIndex(join(this.root, 'index.json'), layoutIndex, (digest) => this.has(digest));
  }

  // ---- packs, upkeep

  /** Makes the blobs of a verified archive readable where they lie. The record is durable when this returns. */
  async adoptPack(record: PackRecord): Promise<void> {
    await this.packs.save(record);
    this.enterPack(record, true);
  }

  packRecords(): readonly PackRecord[] {
    return this.packs.list();
  }

  /** Whether every volume of a pack is the store's own file; else some lie on other media. */
  isOwnPack({ volumes }: PackRecord): boolean {
    return volumes.every(({ path }) => this.packs.isOwn(path));
  }

  /** Forgets a pack: its blobs are no longer found through it. Volumes that are the store's own are removed, others stay where they are. */
  async forgetPack(archive: Digest): Promise<void> {
    const before = this.packs.list();
    await this.packs.forget(hexOf(archive));
    this.renewIndex();
    this.index.deletePack(hexOf(archive));
    // What several packs hold was found through one of them.
    for (const record of before) if (record.archive !== archive) this.enterPack(record, true);
  }

  /** Ends what was interrupted, and removes what dead processes left; but what they left of `resumable` blobs. Returns bytes. */
  async clearLeftovers(resumable: (digest: Digest) => boolean): Promise<number> {
    return (await this.packs.clearLeftovers()) + (await this.partials.removeDead(resumable));
  }

  /** Drops the entries of `index.json` whose manifest is not here. */
  async pruneLayout(): Promise<void> {
    await this.listInLayout(emptyLayoutIndex);
  }

  private enterPack(record: PackRecord, keep: boolean): void {
    this.index.setAll(record.blobs.map((blob) => [blob.digest, rowOf(record, blob)] as const), { keep });
  }

  /** Every blob the index knows. */
  listBlobs(): Generator<{ readonly digest: Digest; readonly size: number; readonly pack: string | null }> {
    return this.index.all();
  }

  /** Rebuilds the index from packs and loose blobs, hashing every loose one. Damaged blobs are returned and left unlisted. */
  async reindex(signal: AbortSignal): Promise<{ readonly blobs: number; readonly bytes: number; readonly damaged: readonly string[] }> {
    this.index.clear();
    const damaged: string[] = [];
    for (const record of await this.packs.load()) {
      const good = await this.recheckPack(record, signal);
      if (good === undefined) damaged.push(...record.volumes.map(({ path }) => path));
      else this.enterPack(good, true);
    }
    for (const name of await readdir(this.blobFolder)) {
      checkNotAborted(signal, this.root);
      const digest = `sha256:${name}`;
      const stamp = await stampOf(join(this.blobFolder, name));
      if (stamp === undefined || !isDigest(digest) || !(await this.recheck(digest, stamp))) damaged.push(name);
    }
    await this.partials.removeDead(() => false);
    let blobs = 0;
    let bytes = 0;
    for (const row of this.index.all()) { blobs += 1; bytes += row.size; }
    return { blobs, bytes, damaged };
  }

  /** A pack whose files look as they did, or whose every blob was read again and is good (a store that was copied or restored); else `undefined`. */
  private async recheckPack(record: PackRecord, signal: AbortSignal): Promise<PackRecord | undefined> {
    const volumes: PackVolume[] = [];
    for (const volume of record.volumes) {
      const stamp = await stampOf(volume.path);
      if (stamp === undefined) return undefined;
      volumes.push({ path: volume.path, ...stamp });
    }
    const isSame = volumes.every((now, number) => isSameFile(now, record.volumes[number]));
    if (isSame) return record;
    for (const blob of record.blobs) {
      checkNotAborted(signal, this.root);
      const pieces = (blob.pieces ?? [blob]).map(({ volume, offset, size }) => ({ path: volumes[volume]?.path ?? '', offset, size }));
      if (!(await isGood(readPieces(pieces), blob.digest))) return undefined;
    }
    const renewed = { ...record, volumes };
    await this.packs.save(renewed);
    return renewed;
  }

  /** Digest and bytes of every loose file that has a digest's name; nothing is read. */
  async looseBlobs(): Promise<{ readonly digest: Digest; readonly size: number }[]> {
    const found: { digest: Digest; size: number }[] = [];
    for (const name of await readdir(this.blobFolder)) {
      const digest = `sha256:${name}`;
      if (isDigest(digest)) found.push({ digest, size: (await stampOf(join(this.blobFolder, name)))?.size ?? 0 });
    }
    return found;
  }

  /** Whether the blob lies here loose and good, whatever packs hold it too. */
  async isLoose(digest: Digest): Promise<boolean> {
    const row = this.index.get(digest);
    return (await this.locateLoose(digest, row?.where === 'loose' ? row.stamp : undefined)) !== undefined;
  }

  /** Removes loose blobs. Nobody may need them: see store-lock.ts. Files first: on a full disk the index has no room to be told. */
  async removeLoose(digests: readonly Digest[]): Promise<void> {
    for (const digest of digests) await rm(this.pathOf(digest), { force: true });
    await syncDirectory(this.blobFolder);
    this.renewIndex();
    this.index.deleteLoose(digests);
  }

  /** Once there is room again, the index on the disk learns what is learnt from here on. */
  private renewIndex(): void {
    if (!this.index.isPassing) return;
    const next = new BlobIndex(join(this.root, 'index.db'));
    if (next.isPassing) next.close();
    else {
      this.index.close();
      this.index = next;
    }
  }

  /** Copies a blob out of the pack that holds it; nothing when it is loose already. */
  async takeOut(blob: Descriptor, signal: AbortSignal): Promise<void> {
    if (await this.isLoose(blob.digest)) return;
    await rm(await this.partials.claim(blob.digest), { force: true });
    await this.receive(blob, () => this.open(blob), signal);
  }

  /** Bytes of loose blobs on the disk. */
  async looseBytes(): Promise<number> {
    let bytes = 0;
    for (const name of await readdir(this.blobFolder)) bytes += (await stat(join(this.blobFolder, name))).size;
    return bytes;
  }

  private pathOf(digest: Digest): string {
    return join(this.blobFolder, hexOf(digest));
  }
}

function rowOf({ archive }: PackRecord, { size, volume, offset, pieces }: PackBlob): IndexRow & { readonly where: 'pack' } {
  return { where: 'pack', size, pack: hexOf(archive), volume, offset: pieces === undefined ? offset : cutOffset };
}

async function isGood(bytes: Bytes, digest: Digest): Promise<boolean> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return `sha256:${hash.digest('hex')}` === digest;
}

function isFileError(cause: unknown): boolean {
  return cause instanceof Error && typeof (cause as NodeJS.ErrnoException).syscall === 'string';
}
