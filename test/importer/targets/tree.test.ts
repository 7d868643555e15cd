// What web servers tell of published trees, and what is copied into them.
import { readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Digest, digestOf } from '../../../bom/digest.ts';
import { publishTree } from '../../../importer/targets/tree.ts';
import { noise } from '../../support/bytes.ts';
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

it('copy what lies inside a larger file, verified, many at a time and over several batches', async () => {
  const parts = [...Array.from({ length: 600 }, (_, index) => noise(1000 + index, index + 1)), noise(17 << 20, 5)];
  const archive = join(folder, 'archive');
  await writeFile(archive, Buffer.concat([Buffer.alloc(512), ...parts]));
  let at = 512;
  const places = new Map(parts.map((part) => [digestOf(part), { path: archive, offset: (at += part.length) - part.length, size: part.length }]));
  const inArchive = Object.assign(new MemoryBlobs(), { locate: async (digest: Digest) => places.get(digest) });
  const files = parts.map((part, index) => ({ path: `pool/${index}`, blob: { mediaType: 'a/b', digest: digestOf(part), size: part.length } }));
  const publish = (name: string): Promise<unknown> => publishTree({ folder: join(folder, name), files, blobs: inArchive, keep: 1, outlives: () => false, signal: new AbortController().signal });
  expect(await publish('copied')).toMatchObject({ written: 601, linked: 0, changed: true });
  for (const [index, part] of parts.entries()) expect((await readFile(join(folder, `copied/current/pool/${index}`))).equals(part)).toBe(true);
  await writeFile(archive, Buffer.concat([Buffer.alloc(512), ...parts.slice(0, 600), noise(17 << 20, 6)]));
  await expect(publish('damaged')).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST' });
  expect(await readdir(join(folder, 'damaged'))).not.toContain('current');
});
