import { mkdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { beforeEach, expect, it } from 'vitest';
import { builtFrom, builtProgram, type BuildRecord } from '../../bin/built-program.ts';
import { inSources } from '../../bin/source-positions.ts';
import { temporaryFolder } from '../support/temporary.ts';

const root = await temporaryFolder('built-program');
const source = join(root, 'bin/a.ts');

async function record(): Promise<void> {
  const from = ['bin/a.ts', 'package.json'].map((path) => builtFrom(root, path)).filter((each) => each !== undefined);
  await writeFile(join(root, 'dist/built.json'), JSON.stringify({ id: 'one', from } satisfies BuildRecord));
}

beforeEach(async () => {
  for (const folder of ['bin', 'dist/one']) await mkdir(join(root, folder), { recursive: true });
  for (const path of ['bin/a.ts', 'package.json', 'dist/one/main.js']) await writeFile(join(root, path), 'export {};\n');
  await record();
});

const found = (): string | undefined => builtProgram(join(root, 'bin'));

it('gives what was built while every source is as it was', () => {
  expect(found()).toBe(pathToFileURL(join(root, 'dist/one/main.js')).href);
});

const changes: readonly (readonly [string, () => Promise<void>])[] = [
  ['longer', () => writeFile(source, 'export const a = 1;\n')],
  ['written with the same bytes', () => writeFile(source, 'export {};\n')],
  ['another of the same size and date', async () => {
    const { atime, mtime } = await stat(source);
    await writeFile(source, 'import {};\n');
    await utimes(source, atime, mtime);
  }],
  ['replaced by a rename', async () => { await writeFile(`${source}.new`, 'export {};\n'); await rename(`${source}.new`, source); }],
  ['removed', () => rm(source)],
];

it.each(changes)('gives the sources once one of them is %s', async (_, change) => {
  // File systems date what changes by a clock that stands still for some milliseconds.
  await setTimeout(20);
  await change();
  expect(found()).toBeUndefined();
});

it('gives the sources where nothing was built, and where what was built is gone', async () => {
  await rm(join(root, 'dist/one'), { recursive: true });
  expect(found()).toBeUndefined();
  await rm(join(root, 'dist'), { recursive: true });
  expect(found()).toBeUndefined();
});

it('says stacks in positions of the sources', async () => {
  const built = join(root, 'dist/one/main.js');
  // Line 1 of main.js comes from line 3 of bin/a.ts.
  await writeFile(`${built}.map`, JSON.stringify({ version: 3, sources: ['../../bin/a.ts'], names: [], mappings: 'AAEA' }));
  const stack = `Error: x\n    at go (${pathToFileURL(built).href}:1:1)\n    at node:internal/x:2:3\n    at file:///elsewhere/b.js:4:5`;
  expect(inSources(stack, root)).toBe('Error: x\n    at go (bin/a.ts:3:1)\n    at node:internal/x:2:3\n    at file:///elsewhere/b.js:4:5');
});
