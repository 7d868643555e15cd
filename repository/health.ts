import { statfs } from 'node:fs/promises';
import { type Answer, jsonAnswer } from './answer.ts';
import type { ServedBlobs } from './content.ts';
import type { View } from './view.ts';

/** Below this much free disk, pushes and imports are about to fail. */
export const lowDiskBytes = 1024 * 1024 * 1024;

/** Free bytes for this process where `folder` lies; undefined when there is nothing to write to, or no answer. */
export async function freeBytes(folder: string | undefined): Promise<number | undefined> {
  if (folder === undefined) return undefined;
  return statfs(folder).then(({ bavail, bsize }) => bavail * bsize, () => undefined);
}

/**
 * 200 while what the locks name can be read (one blob of each project is looked for), 503 when it cannot: the disk is gone, or the archive was
 * pulled out. Low disk space is told and stays 200: reading goes on.
 */
export async function healthAnswer(view: View, blobs: ServedBlobs, free: number | undefined): Promise<Answer> {
  const missing: string[] = [];
  for (const { lock } of view.served) {
    const { images, packages, files } = lock.spec;
    for (const item of [images[0], packages[0], files[0]]) {
      if (item !== undefined && !(await blobs.has(item.digest))) missing.push(`${lock.metadata.name}: ${item.digest}`);
    }
  }
  const low = free !== undefined && free < lowDiskBytes;
  const status = missing.length > 0 ? 'failing' : low ? 'low disk space' : 'ok';
  return jsonAnswer(missing.length > 0 ? 503 : 200, { status, ...(free === undefined ? {} : { freeBytes: free }), projects: view.served.length, missing }, { 'cache-control': 'no-store' });
}
