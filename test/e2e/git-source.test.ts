// Git repositories as bundles, with the real git, over file: and with a server's answers over http.
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import { silent } from '../../bom/events.ts';
import type { LockedGit } from '../../bom/lock.ts';
import type { Source } from '../../bom/ports.ts';
import type { GitRequirement } from '../../bom/requirement.ts';
import { createGitSource } from '../../downloader/sources/git.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startFaultServer } from '../support/fault-server.ts';

const folder = await temporaryFolder('git');
const signal = new AbortController().signal;
const identity = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org', GIT_AUTHOR_DATE: '2024-01-02T03:04:05Z', GIT_COMMITTER_DATE: '2024-01-02T03:04:05Z', GIT_CONFIG_GLOBAL: '/dev/null' };
const git = (cwd: string, ...args: string[]): string => execFileSync('git', ['-c', 'protocol.file.allow=always', '-c', 'init.defaultBranch=main', ...args], { cwd, env: { ...process.env, ...identity }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

let first = '';
let second = '';
let innerCommit = '';

beforeAll(async () => {
  for (const name of ['inner', 'outer']) { await mkdir(join(folder, name)); git(join(folder, name), 'init', '-q'); }
  await writeFile(join(folder, 'inner/lib.txt'), 'library\n');
  git(join(folder, 'inner'), 'add', '.');
  git(join(folder, 'inner'), 'commit', '-qm', 'library');
  innerCommit = git(join(folder, 'inner'), 'rev-parse', 'HEAD');
  const outer = join(folder, 'outer');
  await writeFile(join(outer, 'a.txt'), 'one\n');
  git(outer, 'add', '.');
  git(outer, 'commit', '-qm', 'one');
  first = git(outer, 'rev-parse', 'HEAD');
  git(outer, 'tag', '-a', 'v1', '-m', 'v1');
  git(outer, 'submodule', 'add', '-q', '../inner', 'vendor/lib');
  git(outer, 'commit', '-qm', 'submodule');
  second = git(outer, 'rev-parse', 'HEAD');
  git(outer, 'branch', 'other', first);
});

function source(previous: readonly LockedGit[] = [], blobs = new MemoryBlobs()): { source: Source<'git'>; blobs: MemoryBlobs } {
  return { blobs, source: createGitSource({ blobs, notify: silent, spoolDir: folder, previous, headersFor: async (name) => ({ authorization: `Bearer ${name}-secret` }) }) };
}

function wanted(more: Partial<GitRequirement>): GitRequirement {
  return { kind: 'git', name: 'outer', url: `file://${folder}/outer`, commit: '', submodules: false, mirrorAll: false, headersFrom: [], usedBy: ['m'], at: [], ...more };
}

async function failure(work: Promise<unknown>): Promise<BundleError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof BundleError) return error;
  throw new Error(`expected a coded error, got ${String(error)}`);
}

async function clone(blobs: MemoryBlobs, item: LockedGit, to: string): Promise<string> {
  const path = join(folder, `${to}.bundle`);
  await writeFile(path, blobs.blobs.get(item.digest) ?? '');
  git(folder, 'clone', '-q', path, to);
  return join(folder, to);
}

describe('a git repository', () => {
  it('is locked by commit, and its bundle can be cloned', async () => {
    const { source: from, blobs } = source();
    const { artifacts: [item] } = await from.resolve([wanted({ ref: 'main' })], signal);
    expect(item).toMatchObject({ commit: second, ref: 'refs/heads/main', trust: 'first-use', url: `file://${folder}/outer` });
    const clones = await clone(blobs, item as LockedGit, 'cloned');
    expect(git(clones, 'rev-parse', 'HEAD')).toBe(second);
    expect(git(clones, 'branch', '-a').split('\n').map((line) => line.trim())).not.toContain('remotes/origin/other');
  });

  it('gives the same bytes again, and fetches them anew where the store has nothing', async () => {
    const one = (await source().source.resolve([wanted({ commit: first })], signal)).artifacts[0] as LockedGit;
    const two = (await source().source.resolve([wanted({ commit: first })], signal)).artifacts[0] as LockedGit;
    expect(two).toEqual(one);
    expect(one).toMatchObject({ trust: 'declared', commit: first });
    let bytes = 0;
    for await (const chunk of source().source.fetch(one, { mediaType: '', digest: one.digest, size: one.size }, { signal })) bytes += chunk.length;
    expect(bytes).toBe(one.size);
  });

  it('takes an annotated tag by its commit, and keeps the tag', async () => {
    const { source: from, blobs } = source();
    const item = (await from.resolve([wanted({ ref: 'v1' })], signal)).artifacts[0] as LockedGit;
    expect(item).toMatchObject({ commit: first, ref: 'refs/tags/v1' });
    expect(git(await clone(blobs, item, 'tagged'), 'tag')).toBe('v1');
  });

  it('brings submodules as bundles of their own, recorded', async () => {
    const { source: from, blobs } = source();
    const { artifacts } = await from.resolve([wanted({ ref: 'main', submodules: true })], signal);
    expect(artifacts.map(({ name, commit }) => [name, commit])).toEqual([['outer', second], ['outer/vendor/lib', innerCommit]]);
    expect(artifacts[0]?.submodules).toEqual([{ path: 'vendor/lib', url: `file://${folder}/inner`, commit: innerCommit, name: 'outer/vendor/lib' }]);
    expect(git(await clone(blobs, artifacts[1] as LockedGit, 'library'), 'rev-parse', 'HEAD')).toBe(innerCommit);
  });

  it('mirrors every branch and tag when asked', async () => {
    const { source: from, blobs } = source();
    const item = (await from.resolve([wanted({ mirrorAll: true })], signal)).artifacts[0] as LockedGit;
    const clones = await clone(blobs, item, 'mirrored');
    expect(git(clones, 'for-each-ref', '--format=%(refname)').split('\n')).toEqual(expect.arrayContaining(['refs/remotes/origin/main', 'refs/remotes/origin/other', 'refs/tags/v1']));
  });

  it('keeps the bundle of the last lock while the store has it', async () => {
    const blobs = new MemoryBlobs();
    const kept = blobs.add('application/x-git-bundle', 'what an older git made');
    const before: LockedGit = { name: 'outer', url: `file://${folder}/outer`, commit: first, digest: kept.digest, size: kept.size, trust: 'declared', usedBy: ['m'] };
    const { artifacts: [item] } = await source([before], blobs).source.resolve([wanted({ commit: first })], signal);
    expect(item?.digest).toBe(kept.digest);
  });

  it('says what it cannot find', async () => {
    const { source: from } = source();
    expect(await failure(from.resolve([wanted({ ref: 'nowhere' })], signal))).toMatchObject({ code: 'RESOLVE_NOT_FOUND', facts: { expected: 'the revision nowhere' } });
    expect(await failure(from.resolve([wanted({ commit: '1'.repeat(40) })], signal))).toMatchObject({ code: 'RESOLVE_NOT_FOUND' });
    expect(await failure(from.resolve([wanted({ url: `file://${folder}/absent` })], signal))).toMatchObject({ code: 'RESOLVE_NOT_FOUND' });
    const tree = git(join(folder, 'outer'), 'rev-parse', 'HEAD^{tree}');
    expect(await failure(from.resolve([wanted({ commit: tree })], signal))).toMatchObject({ code: 'RESOLVE_NOT_FOUND' });
  });

  it('says that git is missing where it is', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = folder;
    try {
      expect(await failure(source().source.resolve([wanted({ ref: 'main' })], signal))).toMatchObject({ code: 'RESOLVE_UNSUPPORTED', facts: { expected: 'git on this machine' } });
    } finally {
      process.env['PATH'] = path;
    }
  });

  it('leaves nothing behind in the spool', async () => {
    expect((await readdir(folder)).filter((name) => name.startsWith('longshore-git-'))).toEqual([]);
  });

  it('sends a credential to its host only, and never says it', async () => {
    const server = await startFaultServer((_, response) => { response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end('no'); });
    try {
      const error = await failure(source().source.resolve([wanted({ url: `${server.origin}/team/repo.git`, ref: 'main', headersFrom: ['forge'] })], signal));
      expect(error.code).toBe('TRANSFER_AUTH');
      expect(server.seen[0]?.headers.authorization).toBe('Bearer forge-secret');
      expect(JSON.stringify(error.facts)).not.toContain('forge-secret');
    } finally {
      await server.close();
    }
  });

  it('follows no redirect with a credential', async () => {
    const other = await startFaultServer((_, response) => { response.writeHead(404).end(); });
    const server = await startFaultServer((request, response) => { response.writeHead(301, { location: `${other.origin}${request.url}` }).end(); });
    try {
      expect((await failure(source().source.resolve([wanted({ url: `${server.origin}/repo.git`, ref: 'main', headersFrom: ['forge'] })], signal))).family).toBe('transfer');
      expect(other.seen).toEqual([]);
    } finally {
      await server.close();
      await other.close();
    }
  });
});

describe('a hostile submodule', () => {
  it('cannot name a path of this machine from another one, nor a program', async () => {
    const repository = join(folder, 'hostile');
    await mkdir(repository);
    git(repository, 'init', '-q');
    await writeFile(join(repository, '.gitmodules'), `[submodule "x"]\n\tpath = sub\n\turl = ext::sh -c touch% ${folder}/was-run\n`);
    git(repository, 'update-index', '--add', '--cacheinfo', `160000,${innerCommit},sub`);
    git(repository, 'add', '.gitmodules');
    git(repository, 'commit', '-qm', 'x');
    expect(await failure(source().source.resolve([wanted({ name: 'hostile', url: `file://${repository}`, ref: 'main', submodules: true })], signal))).toMatchObject({ code: 'INPUT_URL' });
    expect(await readdir(folder)).not.toContain('was-run');
  });
});
