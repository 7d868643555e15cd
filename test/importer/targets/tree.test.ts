// What web servers tell of published trees.
import { readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { publishTree } from '../../../importer/targets/tree.ts';
import { MemoryBlobs } from '../../support/memory-blobs.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = await temporaryFolder('tree');
const blobs = Object.assign(new MemoryBlobs(), { locate: async () => undefined });

it('are never of one second, so that a client that asks for changes since then gets them', async () => {
  const seconds: number[] = [];
  for (const text of ['one', 'two', 'one', 'two']) {
    await publishTree({ folder: join(folder, 'www'), files: [{ path: 'InRelease', bytes: Buffer.from(text) }], blobs, keep: 1, outlives: () => false, signal: new AbortController().signal });
    seconds.push(Math.floor((await stat(join(folder, 'www/current/InRelease'))).mtimeMs / 1000));
  }
  expect(new Set(seconds).size).toBe(4);
  expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
  expect(await readlink(join(folder, 'www/current'))).toBe('.trees/4');
});
