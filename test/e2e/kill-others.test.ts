// kill -9 anywhere in what changes a machine or a published tree without an archive on its disk: one whole content before, one whole content after.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { sampleOf } from '../formats/archive/sample-lock.ts';
import { Workbench } from '../importer/workbench.ts';
import { noise } from '../support/bytes.ts';
import { longshore } from '../support/command.ts';
import { type FolderServer, serveFolder } from '../support/folder-server.ts';
import { seeded } from '../support/kill.ts';
import { startServe } from '../support/site.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('kill-others');
const bench = new Workbench();
const random = seeded(26);
const count = 60;
const contentOf = (sequence: number): Record<string, Uint8Array> => Object.fromEntries(Array.from({ length: count }, (_, number) => [`own/${number}`, noise(20_000, sequence * 1000 + number)]));
const archives: string[] = [];
let server: FolderServer;

beforeAll(async () => {
  for (const sequence of [1, 2]) {
    const sample = sampleOf({ sequence, files: contentOf(sequence) });
    archives.push(...(await bench.export(sample, await bench.store(`from-${sequence}`, sample), `${sequence}.tar`)).paths);
  }
  server = await serveFolder(join(archives[1] ?? '', '..'));
});
afterAll(async () => {
  await server?.stop();
  bench.close();
});

async function ok(...args: readonly string[]): Promise<void> {
  expect(await longshore(args, { cwd: folder })).toMatchObject({ status: 0 });
}

/** Ends the command after a part of `wholeMs`. It may have been done by then: that is a moment like any other. */
async function kill(wholeMs: number, ...args: readonly string[]): Promise<void> {
  const { status, signal, stderr } = await longshore(args, { cwd: folder, started: (child) => { setTimeout(() => child.kill('SIGKILL'), random() * wholeMs); } });
  expect([status === 0 || signal === 'SIGKILL', stderr]).toEqual([true, signal === 'SIGKILL' ? expect.any(String) : stderr]);
}

async function timed(run: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

/** Which content all of the files are; 0 for a mixture or something else. */
async function sequenceOf(read: (name: string) => Promise<Uint8Array>): Promise<number> {
  const found = new Set<number>();
  for (let number = 0; number < count; number += 1) {
    const digest = digestOf(await read(`own/${number}`));
    found.add([1, 2].find((sequence) => digestOf(contentOf(sequence)[`own/${number}`] ?? new Uint8Array()) === digest) ?? 0);
  }
  return found.size === 1 ? [...found][0] ?? 0 : 0;
}

async function served(store: string): Promise<number> {
  const serve = await startServe(['--store', store], folder);
  try {
    return await sequenceOf(async (name) => new Uint8Array(await (await fetch(`${serve.url}/files/${name}`)).arrayBuffer()));
  } finally {
    await serve.stop();
  }
}

async function writeProject(sequence: number): Promise<void> {
  const lines: string[] = [];
  for (const [name, bytes] of Object.entries(contentOf(sequence))) {
    const path = `content-${sequence}/${name.replace('/', '-')}`;
    await mkdir(join(folder, `content-${sequence}`), { recursive: true });
    await writeFile(join(folder, path), bytes);
    lines.push(`    - {path: ${path}, digest: "${digestOf(bytes)}", saveAs: ${name}}`);
  }
  await writeFile(join(folder, 'app.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: app, version: "${sequence}"}\nspec:\n  files:\n${lines.join('\n')}\n`);
  await writeFile(join(folder, 'project.yaml'), 'apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: site}\nspec:\n  modules: [{bom: app.yaml}]\n');
}

/** The first round measures; `KILL_ROUNDS=30 npx vitest run --project e2e test/e2e/kill-others.test.ts` tries more moments. */
const rounds = Number(process.env.KILL_ROUNDS ?? 2);

describe('kill -9 at a random moment', () => {
  it('of an import from an address: one generation is served, and the rerun ends it', async () => {
    const args = ['import', `${server.url}/2.tar`, '--allow-unsigned', '--quiet'];
    let wholeMs = 0;
    for (let round = 0; round <= rounds; round += 1) {
      const store = `url-${round}`;
      await ok('import', archives[0] ?? '', '--allow-unsigned', '--quiet', '--store', store);
      if (round === 0) wholeMs = await timed(() => ok(...args, '--store', store));
      else await kill(wholeMs, ...args, '--store', store);
      expect(await served(store)).toBeGreaterThan(0);
      await ok(...args, '--store', store);
      expect(await served(store)).toBe(2);
    }
  });

  it('of publish --tree: one tree is served, whole, and the rerun ends it', async () => {
    let wholeMs = 0;
    for (let round = 0; round <= rounds; round += 1) {
      const [store, www] = [`tree-${round}`, `www-${round}`];
      const args = ['publish', '--tree', www, '--store', store];
      await ok('import', archives[0] ?? '', '--allow-unsigned', '--quiet', '--store', store);
      await ok(...args);
      await ok('import', archives[1] ?? '', '--allow-unsigned', '--quiet', '--store', store);
      if (round === 0) wholeMs = await timed(() => ok(...args));
      else await kill(wholeMs, ...args);
      const read = (name: string): Promise<Uint8Array> => readFile(join(folder, www, 'current/files', name));
      expect(await sequenceOf(read)).toBeGreaterThan(0);
      await ok(...args);
      expect(await sequenceOf(read)).toBe(2);
      expect([...(await readdir(join(folder, www))), ...(await readdir(join(folder, www, '.trees')))].filter((name) => name.endsWith('.tmp'))).toEqual([]);
    }
  });

  it('of sync: one generation is served, and the rerun ends it', async () => {
    let wholeMs = 0;
    for (let round = 0; round <= rounds; round += 1) {
      const args = ['sync', '-f', 'project.yaml', '--store', `sync-${round}`, '--lock', `sync-${round}.lock.json`];
      await writeProject(1);
      await ok(...args);
      await writeProject(2);
      if (round === 0) wholeMs = await timed(() => ok(...args));
      else await kill(wholeMs, ...args);
      expect(await served(`sync-${round}`)).toBeGreaterThan(0);
      await ok(...args);
      expect(await served(`sync-${round}`)).toBe(2);
    }
  });
});
