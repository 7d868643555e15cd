// The store: an OCI image layout (image specification 1.1, image-layout.md) with an index beside it. ARCHITECTURE.md, "Store".
import { open, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { GeneratedBlob } from '../bom/bundle.ts';
import { type ByteRange, type Descriptor, type Digest, hexOf, isDigest } from '../bom/digest.ts';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import type { BlobReader, BlobWriter, Bytes, FileSink, ReadHow } from '../bom/ports.ts';
import { verified } from '../formats/oci/verified.ts';
import { BlobIndex, type IndexRow } from './blob-index.ts';
import { Commits } from './commits.ts';
import { emptyLayoutIndex, mergeLayoutIndex } from './layout-index.ts';
import { type LooseBlob, LooseBlobs } from './loose-blobs.ts';
import { cutOffset, rowOf } from './pack-row.ts';
import { type PackRecord, Packs, stampOf } from './packs.ts';
import { Partials } from './partials.ts';
import { type FilePiece, readPieces } from './read-file.ts';
import { Receiving } from './receiving.ts';
import { type RecheckedPacks, recheckPacks } from './recheck-pack.ts';
import { openStoreFolder } from './store-folder.ts';
import type { OpenFile } from './sync-files.ts';

/** Where a blob lies in one piece. */
export type BlobLocation = FilePiece;

/**
 * Blobs by digest on a disk. Invariants: a file under `blobs/sha256/` *must* appear there complete, verified and synced (temporary name, fsync,
 * rename, fsync of the directory); an index row *must* be written after its blob; a row is believed only while the file looks as it did when
 * it was verified (device, inode, size, mtime), else the content is hashed again. Several processes may use one store.
 */
export class Store implements BlobReader, BlobWriter {
  readonly root: string;
  private readonly loose: LooseBlobs;
  private index: BlobIndex;
  private readonly partials: Partials;
  private readonly packs: Packs;
  private readonly commits: Commits;
  /** Takes what comes in; for whoever brings files too. */
  readonly receiving: Receiving;

  private constructor(root: string) {
    this.root = root;
    this.loose = new LooseBlobs(root, () => this.index);
    this.index = new BlobIndex(join(root, 'index.db'));
    this.partials = new Partials(join(root, 'partial'));
    this.packs = new Packs(root);
    this.commits = new Commits(this.loose, root);
    this.receiving = new Receiving({ partials: this.partials, commits: this.commits, has: (digest) => this.has(digest) });
  }

  /** Opens the store at `root`, as {@link openStoreFolder} does. */
  static async open(root: string, options: { readonly create: boolean }): Promise<Store> {
    const store = new Store(await openStoreFolder(root, options));
    for (const record of await store.packs.load()) if (store.index.isNew) store.enterPack(record, true);
    return store;
  }

  close(): void { this.index.close(); }

  // ---- reading

  async has(digest: Digest): Promise<boolean> {
    return (await this.pieces(digest)) !== undefined;
  }

  /** Those of many that are not here. */
  async missingOf<B extends Descriptor>(blobs: readonly B[]): Promise<B[]> {
    const rows = this.index.getAll(blobs.map(({ digest }) => digest));
    const missing: B[] = [];
    for (const blob of blobs) if ((await this.piecesOf(blob.digest, rows.get(blob.digest))) === undefined) missing.push(blob);
    return missing;
  }

  /** Where the blob lies in one piece, when it is here and was verified as it lies there; `undefined` too for a blob that is cut over volumes. */
  async locate(digest: Digest): Promise<BlobLocation | undefined> {
    const pieces = await this.pieces(digest);
    return pieces?.length === 1 ? pieces[0] : undefined;
  }

  private pieces(digest: Digest): Promise<readonly FilePiece[] | undefined> {
    return this.piecesOf(digest, this.index.get(digest));
  }

  private async piecesOf(digest: Digest, row: IndexRow | undefined): Promise<readonly FilePiece[] | undefined> {
    if (row?.where === 'pack') {
      const pieces = (await this.inPack(digest, row)) ?? (await this.inOtherPack(digest, row.pack));
      if (pieces !== undefined) return pieces;
    }
    const loose = await this.loose.locate(digest, row);
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
      details: { archive },
    });
  }

  /** Bytes free for this process on the store's file system. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.root);
    return bavail * bsize;
  }

  // ---- writing

  put(blob: Descriptor, bytes: Bytes, signal: AbortSignal): Promise<'stored' | 'present'> {
    return this.receiving.put(blob, bytes, signal);
  }

  fill(blob: Descriptor, from: (offset: number, into?: FileSink) => Bytes, signal: AbortSignal): Promise<'stored' | 'present'> {
    return this.receiving.fill(blob, from, signal);
  }

  /** A blob whose bytes follow from the lock. */
  async putBytes(blob: GeneratedBlob): Promise<'stored' | 'present'> {
    return this.put(blob, (async function* whole() { yield blob.bytes; })(), new AbortController().signal);
  }

  /** For what can be worked out again from blobs: may be emptied at any time. */
  get cacheFolder(): string { return join(this.root, 'cache'); }

  /** A folder in the store's file system for unfinished things. */
  get spoolFolder(): string { return join(this.root, 'partial'); }

  /** Bytes that interrupted downloads left to be continued. */
  async partialBytes(): Promise<number> {
    let bytes = 0;
    for (const name of await readdir(this.spoolFolder)) bytes += (await stampOf(join(this.spoolFolder, name)))?.size ?? 0;
    return bytes;
  }

  /** Brings a blob that is cut over volumes into one piece, for whoever reads files and not blobs. */
  async joinPieces(blob: Descriptor, signal: AbortSignal): Promise<void> {
    if ((await this.pieces(blob.digest))?.length !== 1) await this.receiving.copy(blob, () => this.open(blob), signal);
  }

  /** A name in the store's file system for a blob whose digest is not known before its end; {@link commitSpooled} gives it its place. */
  spoolPath(name: string): string {
    return join(this.root, 'partial', `${name}.${process.pid}.spool`);
  }

  /** Takes over a spooled file that its writer hashed while writing. The file is synced here. */
  async commitSpooled(path: string, digest: Digest): Promise<void> {
    await this.commits.add({ path, handle: await open(path, 'r+'), digest });
  }

  /** The same for many files at once. */
  async commitSpooledAll(files: readonly (OpenFile & { readonly digest: Digest })[]): Promise<void> {
    for (const [, failure] of await this.loose.commitAll(files, this.root)) throw failure;
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

  /** See {@link recheckPacks}. */
  async recheckPacks(signal: AbortSignal): Promise<RecheckedPacks> {
    return recheckPacks(this.packs, { root: this.root, enter: (record) => this.enterPack(record, true), signal });
  }

  /** Rebuilds the index from packs and loose blobs, hashing every loose one. Damaged blobs are returned and left unlisted. */
  async reindex(signal: AbortSignal): Promise<RecheckedPacks & { readonly blobs: number; readonly bytes: number }> {
    this.index.clear();
    const packs = await this.recheckPacks(signal);
    const damaged = [...packs.damaged];
    for (const name of await this.loose.names()) {
      checkNotAborted(signal, this.root);
      const digest = `sha256:${name}`;
      const stamp = await stampOf(join(this.loose.folder, name));
      if (stamp === undefined || !isDigest(digest) || !(await this.loose.recheck(digest, stamp))) damaged.push(name);
    }
    await this.partials.removeDead(() => false);
    let blobs = 0;
    let bytes = 0;
    for (const row of this.index.all()) { blobs += 1; bytes += row.size; }
    return { blobs, bytes, damaged, away: packs.away };
  }

  /** Digest and bytes of every loose file that has a digest's name; nothing is read. */
  looseBlobs(): Promise<LooseBlob[]> { return this.loose.list(); }

  /** Whether the blob lies here loose and good, whatever packs hold it too. */
  async isLoose(digest: Digest): Promise<boolean> {
    return (await this.loose.locate(digest, this.index.get(digest))) !== undefined;
  }

  /** Removes loose blobs. Nobody may need them: see store-lock.ts. Files first: on a full disk the index has no room to be told. */
  async removeLoose(digests: readonly Digest[]): Promise<void> {
    await this.loose.remove(digests);
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
    if (!(await this.isLoose(blob.digest))) await this.receiving.copy(blob, () => this.open(blob), signal);
  }

  /** Bytes of loose blobs on the disk. */
  async looseBytes(): Promise<number> {
    return (await this.loose.list()).reduce((sum, { size }) => sum + size, 0);
  }
}
