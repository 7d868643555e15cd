import { constants } from 'node:fs';
import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, hexOf, isDigest } from '../bom/digest.ts';
import { storageError } from './durable-file.ts';

/**
 * Names of unfinished blobs: `<hex>.<pid>.part`. A process continues what a dead one left by renaming it to its own name: the rename
 * succeeds for one of several that try. What a living process writes is never touched.
 */
export class Partials {
  private readonly folder: string;
  /** What lay in the folder lately, by digest. */
  private seen: { readonly atMs: number; readonly names: ReadonlyMap<string, readonly string[]> } | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  pathOf(digest: Digest): string {
    return join(this.folder, `${hexOf(digest)}.${process.pid}.part`);
  }

  /** The path to continue or start at; what a dead process left of this blob is there when this returns. */
  async claim(digest: Digest): Promise<string> {
    const own = this.pathOf(digest);
    for (const name of await this.namesOf(hexOf(digest))) {
      const pid = Number(name.split('.')[1]);
      if (pid === process.pid || isAlive(pid)) continue;
      await rename(join(this.folder, name), own).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== 'ENOENT') throw storageError(own, cause);
      });
    }
    return own;
  }

  /** Whether anybody began this blob, as far as is known. */
  async hasAny(digest: Digest): Promise<boolean> {
    return (await this.namesOf(hexOf(digest))).length > 0;
  }

  /** Removes what dead processes left, but parts of blobs that are still to be resumed. Returns the bytes. */
  async removeDead(resumable: (digest: Digest) => boolean): Promise<number> {
    let bytes = 0;
    for (const name of await readdir(this.folder)) {
      const [hex = '', pid = ''] = name.split('.');
      const digest = `sha256:${hex}`;
      if (isAlive(Number(pid)) || (isDigest(digest) && resumable(digest))) continue;
      bytes += await removeFile(join(this.folder, name));
    }
    return bytes;
  }

  private async namesOf(hex: string): Promise<readonly string[]> {
    if (this.seen === undefined || performance.now() - this.seen.atMs > freshMs) {
      const names = await readdir(this.folder);
      this.seen = { atMs: performance.now(), names: Map.groupBy(names, (name) => name.slice(0, name.indexOf('.'))) };
    }
    return this.seen.names.get(hex) ?? [];
  }
}

/** Reading the folder for every one of many small blobs costs more than the blobs; what another process leaves meanwhile is found by the next run. */
const freshMs = 1000;

/** Create or continue, never through a symbolic link. */
export const partialFlags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

/** Removes a file, or a folder with all that is in it; its bytes, 0 when there is none. */
export async function removeFile(path: string): Promise<number> {
  try {
    const own = await lstat(path);
    let { size } = own;
    if (own.isDirectory()) {
      for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) if (entry.isFile()) size += (await lstat(join(entry.parentPath, entry.name))).size;
    }
    await rm(path, { recursive: true, force: true });
    return size;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw storageError(path, cause);
  }
}

/** Whether a process of that id runs; someone else's counts. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
