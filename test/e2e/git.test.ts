// Git repositories from one side to the other: a project, an archive, a served bundle that the real git clones.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { longshore, must, type Outcome } from '../support/command.ts';
import { startServe } from '../support/site.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('git');
const token = 'forge-token-4711';
const gitEnv = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };
const git = async (cwd: string, ...args: string[]): Promise<string> => (await must('git', ['-c', 'protocol.file.allow=always', '-c', 'init.defaultBranch=main', ...args], { cwd, env: gitEnv })).trim();
const cli = (args: readonly string[]): Promise<Outcome> => longshore(args, { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache'), HOME: folder, FORGE_TOKEN: token } });
const ok = async (args: readonly string[]): Promise<string> => {
  const outcome = await cli(args);
  if (outcome.status !== 0) throw new Error(`longshore ${args.join(' ')}: ${outcome.status}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome.stdout;
};

let forge: GitServer;
let commit = '';

beforeAll(async () => {
  for (const name of ['lib', 'app']) { await mkdir(join(folder, 'work', name), { recursive: true }); await git(join(folder, 'work', name), 'init', '-q'); }
  await writeFile(join(folder, 'work/lib/lib.txt'), 'library\n');
  await git(join(folder, 'work/lib'), 'add', '.');
  await git(join(folder, 'work/lib'), 'commit', '-qm', 'library');
  const app = join(folder, 'work/app');
  await writeFile(join(app, 'main.txt'), 'application\n');
  await writeFile(join(app, '.gitmodules'), '[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../lib.git\n');
  await git(app, 'update-index', '--add', '--cacheinfo', `160000,${await git(join(folder, 'work/lib'), 'rev-parse', 'HEAD')},vendor/lib`);
  await git(app, 'add', 'main.txt', '.gitmodules');
  await git(app, 'commit', '-qm', 'application');
  commit = await git(app, 'rev-parse', 'HEAD');
  await mkdir(join(folder, 'forge'));
  for (const name of ['lib', 'app']) await git(folder, 'clone', '-q', '--bare', join(folder, 'work', name), join(folder, `forge/${name}.git`));
  forge = await startGitServer(join(folder, 'forge'), { token });
  await writeFile(join(folder, 'app.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: app, version: "1"}
spec:
  git:
    - {url: "${forge.origin}/app.git", ref: main, submodules: true, headersFrom: [forge]}
`);
  await writeFile(join(folder, 'project.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: Project
metadata: {name: site}
spec:
  modules: [{bom: app.yaml}]
  credentials: {forge: {env: FORGE_TOKEN}}
`);
});

afterAll(async () => { await forge.stop(); });

describe('a private git repository with a submodule', () => {
  it('is refused without the credential, which git is not asked for', async () => {
    const outcome = await longshore(['lock', '-f', 'project.yaml'], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache'), HOME: folder } });
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toContain('INPUT_CREDENTIAL');
  });

  it('is locked, downloaded and exported; the token is nowhere', async () => {
    await ok(['lock', '-f', 'project.yaml']);
    const text = await readFile(join(folder, 'longshore.lock.json'), 'utf8');
    const lock = JSON.parse(text) as { readonly spec: { readonly git: readonly { readonly name: string; readonly commit: string }[] } };
    expect(lock.spec.git.map(({ name }) => name)).toEqual(['app', 'app/vendor/lib']);
    expect(lock.spec.git[0]?.commit).toBe(commit);
    const outputs = [text, await ok(['download', '-f', 'project.yaml']), await ok(['plan']), await ok(['export', '-o', 'site.tar']), await ok(['inspect', 'site.tar']), await ok(['ls', 'site.tar', '--kind', 'git'])];
    expect(outputs.join('\n')).not.toContain(token);
    expect(outputs.at(-1)).toContain('app/vendor/lib');
    expect((await readFile(join(folder, 'site.tar'))).includes(token)).toBe(false);
  });

  it('keeps its lock while the branch moves, and follows with --update', async () => {
    const before = await readFile(join(folder, 'longshore.lock.json'), 'utf8');
    const app = join(folder, 'work/app');
    await writeFile(join(app, 'main.txt'), 'changed\n');
    await git(app, 'commit', '-qam', 'changed');
    await git(app, 'push', '-q', join(folder, 'forge/app.git'), 'main');
    await ok(['lock', '-f', 'project.yaml']);
    expect(await readFile(join(folder, 'longshore.lock.json'), 'utf8')).toBe(before);
    await ok(['lock', '-f', 'project.yaml', '--lock', 'moved.lock.json']);
    await writeFile(join(folder, 'moved.lock.json'), before);
    await ok(['lock', '-f', 'project.yaml', '--lock', 'moved.lock.json', '--update=app']);
    const moved = JSON.parse(await readFile(join(folder, 'moved.lock.json'), 'utf8')) as { readonly spec: { readonly git: readonly { readonly commit: string }[] } };
    expect(moved.spec.git[0]?.commit).toBe(await git(app, 'rev-parse', 'HEAD'));
  });

  it('comes again from its server where another store has nothing', async () => {
    await ok(['download', '-f', 'project.yaml', '--store', 'other-store']);
    const missing = await longshore(['download', '--store', 'third-store', '-f', 'project.yaml'], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'empty-cache'), HOME: folder, FORGE_TOKEN: token } });
    expect(missing.status, missing.stderr).toBe(0);
  });

  it('is refused by --strict, because a branch said which commit', async () => {
    const outcome = await cli(['lock', '-f', 'project.yaml', '--lock', 'strict.lock.json', '--strict']);
    expect(outcome.status).toBe(3);
    expect(outcome.stderr).toContain('RESOLVE_UNPINNED');
  });

  it('can be cloned on the other side, from the unpacked folder and from the machine that serves', async () => {
    await mkdir(join(folder, 'unpacked'), { recursive: true });
    await must('tar', ['xf', '../site.tar'], { cwd: join(folder, 'unpacked') });
    await git(folder, 'clone', '-q', 'unpacked/git/app.bundle', 'from-folder');
    expect(await git(join(folder, 'from-folder'), 'rev-parse', 'HEAD')).toBe(commit);
    const inside = await startServe(['site.tar', '--allow-unsigned'], folder);
    try {
      await must('curl', ['-fsSO', `${inside.url}/git/app.bundle`], { cwd: folder });
      await must('curl', ['-fsSo', 'lib.bundle', `${inside.url}/git/app/vendor/lib.bundle`], { cwd: folder });
      await git(folder, 'clone', '-q', 'app.bundle', 'cloned');
      await git(join(folder, 'cloned'), 'config', 'submodule.lib.url', join(folder, 'lib.bundle'));
      await git(join(folder, 'cloned'), 'submodule', 'update', '-q', '--init');
      expect(await readFile(join(folder, 'cloned/vendor/lib/lib.txt'), 'utf8')).toBe('library\n');
      expect(await (await fetch(`${inside.url}/git/`)).text()).toContain('app.bundle');
      expect(await (await fetch(`${inside.url}/git/SHA256SUMS`)).text()).toContain('app/vendor/lib.bundle');
    } finally {
      await inside.stop();
    }
  });

  it('stands in the software bill of materials', async () => {
    expect(await ok(['bom', 'sbom'])).toContain(commit);
  });
});
