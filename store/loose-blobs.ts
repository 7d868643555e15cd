// Blobs that are files of their own: blobs/sha256/<hex> of an OCI image layout (image specification 1.1, image-layout.md).
import { createHash } from 'node:crypto';
import { fstatSync, renameSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, hexOf, isDigest } from '../bom/digest.ts';
import type { Bytes } from '../bom/ports.ts';
import type { BlobIndex, FileStamp, IndexRow } from './blob-index.ts';
import { DirectorySync, storageError, syncDirectory } from './durable-file.ts';
import { stampOf } from './packs.ts';
import { type FilePiece, readFileRange } from './read-file.ts';
import { type OpenFile, syncFiles } from './sync-files.ts';

export interface LooseBlob {
  readonly digest: Digest;
  readonly size: number;
}

/** The files below `blobs/sha256/`, and what the index says of them. A row is believed only while its file looks as it did when it was verified. */
export class LooseBlobs {
  readonly folder: string;
  private readonly folderSync: DirectorySync;
  private readonly index: () => BlobIndex;

  constructor(root: string, index: () => BlobIndex) {
    this.folder = join(root, 'blobs', 'sha256');
    this.folderSync = new DirectorySync(this.folder);
    this.index = index;
  }

  pathOf(digest: Digest): string {
    return join(this.folder, hexOf(digest));
  }

  /** Where the blob lies, when it is here and good. `row` is what the index has of it. */
  async locate(digest: Digest, row: IndexRow | undefined): Promise<FilePiece | undefined> {
    const known = row?.where === 'loose' ? row.stamp : undefined;
    const path = this.pathOf(digest);
    const now = looseStamp(path);
    if (now === undefined) {
      if (known !== undefined) this.index().delete(digest);
      return undefined;
    }
    if (known === undefined || known.inode !== now.inode || known.size !== now.size || known.mtimeMs !== now.mtimeMs) {
      if (!(await this.recheck(digest, now))) return undefined;
    }
    return { path, offset: 0, size: now.size };
  }

  /** Hashes a blob that the index does not vouch for. A damaged one stays where it is, unseen, until it is fetched again. */
  async recheck(digest: Digest, stamp: FileStamp): Promise<boolean> {
    if (!(await isGood(readFileRange(this.pathOf(digest), 0, stamp.size), digest))) {
      this.index().delete(digest);
      return false;
    }
    this.index().set(digest, { where: 'loose', size: stamp.size, stamp });
    return true;
  }

  /**
   * Gives verified files, whose writers are done, the names of their digests: all are synced, then all are named, then all are entered. Returns which of them failed
   * by themselves, and why; throws what concerns all of them.
   */
  async commitAll<F extends OpenFile & { readonly digest: Digest }>(files: readonly F[], root: string): Promise<ReadonlyMap<F, unknown>> {
    const failures = (await syncFiles(files, root)) as Map<F, unknown>;
    // Pages that could not be written look clean from then on: nobody must continue such a file. What is reported is the failed sync.
    await Promise.all([...failures.keys()].map(({ path }) => rm(path, { force: true }).catch(() => undefined)));
    const rows: [Digest, IndexRow][] = [];
    for (const file of files) {
      if (failures.has(file)) continue;
      const { dev, ino, size, mtimeMs } = fstatSync(file.handle.fd);
      try {
        renameSync(file.path, this.pathOf(file.digest));
        rows.push([file.digest, { where: 'loose', size, stamp: { device: dev, inode: ino, size, mtimeMs } }]);
      } catch (cause) {
        failures.set(file, storageError(this.pathOf(file.digest), cause));
      }
    }
    await this.folderSync.sync();
    this.index().setAll(rows, { keep: false });
    return failures;
  }

  /** Names in the folder, blobs or not. */
  names(): Promise<string[]> {
    return readdir(this.folder);
  }

  /** Digest and bytes of every file that has a digest's name; nothing is read. */
  async list(): Promise<LooseBlob[]> {
    const found: LooseBlob[] = [];
    for (const name of await this.names()) {
      const digest = `sha256:${name}`;
      if (isDigest(digest)) found.push({ digest, size: (await stampOf(join(this.folder, name)))?.size ?? 0 });
    }
    return found;
  }

  /** Removes the files; their index rows are the caller's. */
  async remove(digests: readonly Digest[]): Promise<void> {
    for (const digest of digests) await rm(this.pathOf(digest), { force: true });
    await syncDirectory(this.folder);
  }
}

/** Without a turn over another thread: the index, which lies beside it, is read so too, and most blobs are asked for when they are not there. */
function looseStamp(path: string): FileStamp | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? undefined : { device: found.dev, inode: found.ino, size: found.size, mtimeMs: found.mtimeMs };
  } catch (cause) {
    throw storageError(path, cause);
  }
}

export async function isGood(bytes: Bytes, digest: Digest): Promise<boolean> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return `sha256:${hash.digest('hex')}` === digest;
}
