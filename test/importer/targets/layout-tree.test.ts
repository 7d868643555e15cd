// What stands where a layout writes: it may be anything.
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeTree } from '../../../importer/targets/layouts/tree.ts';
import { MemoryBlobs } from '../../support/memory-blobs.ts';
import { must } from '../../support/command.ts';
import { temporaryFolder } from '../../support/temporary.ts';

it('replaces pipes and links that have the name of a file, and waits for neither', async () => {
  const folder = await temporaryFolder('layout-tree');
  await mkdir(join(folder, 'a'));
  await must('mkfifo', [join(folder, 'a/pipe')]);
  await writeFile(join(folder, 'theirs'), 'theirs');
  await symlink('../theirs', join(folder, 'a/link'));
  const skipped: [] = [];
  const files = ['a/pipe', 'a/link', 'a/new'].map((path) => ({ path, content: Buffer.from(path) }));
  const options = { folder, blobs: new MemoryBlobs(), notify: () => undefined, signal: new AbortController().signal };
  expect((await writeTree({ files, skipped }, options)).written).toEqual(['a/link', 'a/new', 'a/pipe']);
  expect((await writeTree({ files, skipped }, options)).present).toHaveLength(3);
  for (const { path } of files) expect(await readFile(join(folder, path), 'utf8')).toBe(path);
  expect(await readFile(join(folder, 'theirs'), 'utf8')).toBe('theirs');
});
