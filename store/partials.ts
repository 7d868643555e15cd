import { constants } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, hexOf } from '../bom/digest.ts';
import { storageError } from './durable-file.ts';

/**
 * Names of unfinished blobs: `<hex>.<pid>.part`. A process continues what a dead one left by renaming it to its own name: the rename
 * succeeds for one of several that try. What a living process writes is never touched.
 */
export class Partials {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  pathOf(digest: Digest): string {
    return join(this.folder, `${hexOf(digest)}.${process.pid}.part`);
  }

  /** The path to continue or start at; what a dead process left of this blob is there when this returns. */
  async claim(digest: Digest): Promise<string> {
    const own = this.pathOf(digest);
    for (const name of await this.namesOf(digest)) {
      const pid = Number(name.split('.')[1]);
      if (pid === process.pid || isAlive(pid)) continue;
      await rename(join(this.folder, name), own).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== 'ENOENT') throw storageError(own, cause);
      });
    }
    return own;
  }

  /** Removes what dead processes left; to be called when nothing is to be resumed. */
  async removeDead(): Promise<void> {
    for (const name of await readdir(this.folder)) {
      if (!isAlive(Number(name.split('.')[1]))) await rm(join(this.folder, name), { force: true });
    }
  }

  private async namesOf(digest: Digest): Promise<string[]> {
    const prefix = `${hexOf(digest)}.`;
    return (await readdir(this.folder)).filter((name) => name.startsWith(prefix));
  }
}

/** Create or continue, never through a symbolic link. */
export const partialFlags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
