// longshore as a LambdaStack module: its image is built from the recipe, and its five methods work on a shared folder without any network.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { longshore, must, projectRoot, run, type Outcome } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('module');
const shared = join(folder, 'shared');
const list = join(projectRoot, 'module/v1.yaml');

const bom = (content: string): string => `apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: site}\n---\napiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: web, version: "1"}\nspec:\n  files: [{path: ${content}, saveAs: web/content.txt}]\n`;

describe('the methods', () => {
  const module = (...args: readonly string[]): Promise<Outcome> => longshore(['module', ...args, '--shared', shared], { cwd: folder });

  it('say what the module list says', async () => {
    await writeFile(join(folder, 'metadata.yml'), (await longshore(['module', 'metadata'])).stdout);
    expect(await longshore(['bom', 'check', '-f', list, '--metadata', 'metadata.yml'], { cwd: folder })).toMatchObject({ status: 0 });
    await writeFile(join(folder, 'other.yml'), (await readFile(join(folder, 'metadata.yml'), 'utf8')).replace('kind: repository', 'kind: storage'));
    expect(await longshore(['bom', 'check', '-f', list, '--metadata', 'other.yml'], { cwd: folder })).toMatchObject({ status: 2, stdout: expect.stringContaining('label kind: the BOM says repository, other.yml says storage') });
    await writeFile(join(folder, 'stranger.yml'), 'labels: {name: stranger, version: 1}\nrequires: {}\n');
    await writeFile(join(folder, 'two.yaml'), (await readFile(list, 'utf8')).replace('components:', 'components:\n  - name: second\n    versions: [{version: "1", image: "registry.example.org/second:1"}]'));
    expect(await longshore(['bom', 'check', '-f', 'two.yaml', '--metadata', 'stranger.yml'], { cwd: folder })).toMatchObject({ status: 2, stderr: expect.stringContaining('labels (name or short, version) of none of them') });
    expect(await longshore(['bom', 'check', '-f', 'two.yaml', '--methods'], { cwd: folder })).toMatchObject({ status: 2, stdout: expect.stringContaining('module second 1: without metadata, init, plan, apply, audit') });
  });

  it('go from init to audit, keep other modules’ state, and refuse what was not planned', async () => {
    await mkdir(shared);
    await writeFile(join(shared, 'state.yml'), '# of the site\nkind: state\nazbi:\n  status: applied\n');
    expect(await module('plan')).toMatchObject({ status: 2, stderr: expect.stringContaining('Run init first') });
    expect(await module('init')).toMatchObject({ status: 0 });
    await writeFile(join(shared, 'longshore/content.txt'), 'content');
    await writeFile(join(shared, 'longshore/longshore-config.yml'), bom('content.txt'));
    expect(await module('init')).toMatchObject({ status: 0, stdout: expect.stringContaining('stays as it is') });
    expect(await module('audit')).toMatchObject({ status: 2, stderr: expect.stringContaining('Run apply first') });
    expect(await module('plan')).toMatchObject({ status: 0, stdout: expect.stringContaining('to download') });
    expect(await module('apply')).toMatchObject({ status: 0, stdout: expect.stringContaining('site.tar') });
    expect(await module('audit')).toMatchObject({ status: 0, stdout: expect.stringContaining('as applied') });
    expect(await readFile(join(shared, 'state.yml'), 'utf8')).toMatch(/^# of the site\nkind: state\nazbi:\n {2}status: applied\nlongshore:\n {2}status: applied\n {2}config: longshore\/longshore-config.yml\n {2}sequence: 1\n {2}lock: sha256:[0-9a-f]{64}\n {2}archive: longshore\/site.tar\n {2}digest: sha256:[0-9a-f]{64}\n$/);
    await writeFile(join(shared, 'longshore/longshore-config.yml'), bom('content.txt').replace('"1"', '"2"'));
    expect(await module('audit')).toMatchObject({ status: 2, stderr: expect.stringContaining('Run plan and apply') });
    expect(await module('apply')).toMatchObject({ status: 2, stderr: expect.stringContaining('Run plan again') });
  });

  it('find damage, and leave a state that is none alone', async () => {
    await writeFile(join(shared, 'longshore/longshore-config.yml'), bom('content.txt'));
    await rm(join(shared, 'longshore/site.tar'));
    expect((await module('audit')).status).toBe(2);
    await writeFile(join(shared, 'longshore/site.tar'), 'damaged');
    expect((await module('audit')).status).toBe(2);
    await writeFile(join(shared, 'state.yml'), '- a list\n');
    expect(await module('init')).toMatchObject({ status: 2, stderr: expect.stringContaining('it is not replaced') });
    expect(await readFile(join(shared, 'state.yml'), 'utf8')).toBe('- a list\n');
  });
});

describe('the image', () => {
  let storage: readonly string[];
  beforeAll(async () => {
    // In mounts of their own, since the storage mounts its folder onto itself. podman takes no run root longer than 50 characters.
    const base = await temporaryFolder('b');
    storage = ['--root', join(base, 'l'), '--runroot', join(base, 'r'), '--storage-driver', 'overlay'];
    const codename = (await must('sh', ['-c', '. /etc/os-release && echo "$VERSION_CODENAME"'])).trim();
    await must('unshare', ['--mount', 'mmdebstrap', '--quiet', '--variant=extract', '--include=base-files,coreutils,dash,libstdc++6,tar', codename, join(folder, 'base.tar')]);
    await must(process.execPath, [join(projectRoot, 'bin/longshore.ts'), 'module', 'container', join(folder, 'context')]);
    const container = (await must('unshare', ['--mount', 'buildah', ...storage, 'from', 'scratch'])).trim();
    await must('unshare', ['--mount', 'buildah', ...storage, 'add', '-q', container, join(folder, 'base.tar'), '/']);
    await must('unshare', ['--mount', 'buildah', ...storage, 'commit', '-q', container, 'localhost/base']);
    await must('unshare', ['--mount', 'buildah', ...storage, 'rm', container]);
    await must('unshare', ['--mount', 'buildah', ...storage, 'build', '-q', '--isolation', 'chroot', '--pull-never', '--build-arg', 'BASE=localhost/base', '--tag', 'localhost/longshore-module', join(folder, 'context')]);
  });

  it('runs its methods over /shared, with no network', async () => {
    const work = join(folder, 'mounted');
    await mkdir(join(work, 'longshore'), { recursive: true });
    const container = (await must('unshare', ['--mount', 'buildah', ...storage, 'from', '--pull-never', 'localhost/longshore-module'])).trim();
    const config = JSON.parse(await must('unshare', ['--mount', 'buildah', ...storage, 'inspect', container])) as { OCIv1: { config: { Entrypoint: string[]; WorkingDir: string; Volumes: object } } };
    expect(config.OCIv1.config).toMatchObject({ Entrypoint: ['/opt/longshore/longshore', 'module'], WorkingDir: '/shared', Volumes: { '/shared': {} } });
    // What a runtime does, without one: its root file system, the folder bound to /shared, a network that leads nowhere, its entry point.
    const start = 'root=$(buildah $STORAGE mount "$0") && mount --bind "$WORK" "$root/shared" && cd / && exec chroot "$root" "$@"';
    const inside = (...command: readonly string[]): Promise<Outcome> => run('unshare', ['--net', '--mount', 'sh', '-c', start, container, ...command], { env: { STORAGE: storage.join(' '), WORK: work } });
    const method = (...args: readonly string[]): Promise<Outcome> => inside(...config.OCIv1.config.Entrypoint, ...args);
    expect(await method('metadata')).toMatchObject({ status: 0, stdout: expect.stringContaining('kind: repository') });
    expect(await method('init')).toMatchObject({ status: 0 });
    await writeFile(join(work, 'longshore/content.txt'), 'content');
    await writeFile(join(work, 'longshore/longshore-config.yml'), bom('content.txt'));
    for (const name of ['plan', 'apply', 'audit']) expect(await method(name), name).toMatchObject({ status: 0, stderr: expect.any(String) });
    expect((await inside('cat', '/longshore/bom.yaml')).stdout).toContain('kind: ModuleBOM');
    expect(await must('tar', ['tf', join(work, 'longshore/site.tar')])).toContain('files/web/content.txt');
  });
});
