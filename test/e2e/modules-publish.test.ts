// Where modules publish: as artifact, label, file in an image, referrer; in git and on the web. A real registry, real git, an image built by buildah.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { longshore, must, type Outcome, run } from '../support/command.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { pushArtifact, pushSmallImage } from '../support/small-image.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('modules');
const env = { XDG_CACHE_HOME: join(folder, 'cache'), HOME: folder, FORGE_TOKEN: 'forge-token-4711', TMPDIR: join(folder, 'tmp') };
const cli = (args: readonly string[]): Promise<Outcome> => longshore(args, { cwd: folder, env });
const ok = async (args: readonly string[]): Promise<string> => {
  const outcome = await cli(args);
  if (outcome.status !== 0) throw new Error(`longshore ${args.join(' ')}: ${outcome.status}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome.stdout;
};
const bom = (name: string, more = '', version = '1.0'): string => `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: ${name}, version: "${version}", labels: {kind: ${name}}}\nspec:\n  files: [{urls: ["${origin}/small.txt"], saveAs: "${name}/small.txt"}]\n${more}`;

let registry: DockerRegistry;
let web: Server;
let origin = '';
interface Lock { readonly spec: { readonly boms: readonly { readonly name: string; readonly origin?: { readonly url: string; readonly digest?: string; readonly commit?: string; readonly found?: string } }[]; readonly files: readonly { readonly name: string }[] } }

async function lock(names: readonly string[], more: readonly string[] = []): Promise<Lock> {
  await rm(join(folder, 'longshore.lock.json'), { force: true });
  await ok(['lock', ...names.flatMap((name) => ['-f', name]), '--insecure-registry', registry.host, ...more]);
  return JSON.parse(await readFile(join(folder, 'longshore.lock.json'), 'utf8')) as Lock;
}

beforeAll(async () => {
  await mkdir(join(folder, 'www'));
  await mkdir(join(folder, 'tmp'));
  web = createServer((request, response) => {
    if (request.url?.startsWith('/private/') === true && request.headers.authorization !== `Bearer ${env.FORGE_TOKEN}`) { response.writeHead(401).end(); return; }
    readFile(join(folder, 'www', (request.url ?? '').replace('/private', ''))).then((bytes) => response.writeHead(200, { 'content-length': bytes.length }).end(bytes), () => response.writeHead(404).end());
  });
  await new Promise<void>((done) => { web.listen(0, '127.0.0.1', done); });
  origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  await writeFile(join(folder, 'www/small.txt'), 'small\n');
  await writeFile(join(folder, 'www/web.yaml'), bom('web'));
  registry = await startDockerRegistry(join(folder, 'registry'));
  await pushSmallImage(folder, `${registry.host}/modules/label:1`, { labels: { 'dev.longshore.bom': bom('label') } });
});

afterAll(async () => { web.closeAllConnections(); web.close(); await registry.stop(); });

/** An image whose topmost layer is what a shell script leaves in a folder with longshore/ in it. */
async function layered(script: string, below: readonly Readonly<Record<string, string>>[] = []): Promise<unknown> {
  const root = await mkdtemp(join(folder, 'layer-'));
  const pack = async (): Promise<Buffer> => { await must('tar', ['--sort=name', '-C', join(root, 'top'), '-czf', join(root, 'layer.tgz'), '.']); return readFile(join(root, 'layer.tgz')); };
  const layers: Buffer[] = [];
  for (const files of below) {
    await must('sh', ['-ec', 'rm -rf top; mkdir -p top/longshore'], { cwd: root });
    for (const [path, content] of Object.entries(files)) await writeFile(join(root, 'top', path), content);
    layers.push(await pack());
  }
  await must('sh', ['-ec', `rm -rf top; mkdir -p top/longshore; cd top; ${script}`], { cwd: root });
  layers.push(await pack());
  return pushArtifact(registry.host, 'bad/x', '1', { config: { mediaType: 'application/vnd.oci.image.config.v1+json', bytes: Buffer.from('{"config":{}}') }, layers: layers.map((bytes) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', bytes })) });
}

describe('a module image', () => {
  it('carries its BOM as a label, as a file, or as a referrer', async () => {
    await pushSmallImage(folder, `${registry.host}/modules/file:1`, { layers: [{ 'longshore/bom.yaml': bom('older') }, { 'longshore/bom.yaml': bom('file') }, { 'app': 'x' }] });
    await pushSmallImage(folder, `${registry.host}/modules/zstd:1`, { layers: [{ 'longshore/bom.yaml': bom('zstd') }], compression: 'zstd' });
    const digest = await pushSmallImage(folder, `${registry.host}/modules/referrer:1`);
    await writeFile(join(folder, 'referrer.yaml'), bom('referrer'));
    const pushed = await ok(['bom', 'push', 'referrer.yaml', '--subject', `oci://${registry.host}/modules/referrer:1`, '--insecure-registry', registry.host]);
    expect(pushed).toContain(digest);
    const { spec } = await lock(['label', 'file', 'zstd', 'referrer'].map((name) => `oci://${registry.host}/modules/${name}:1`));
    expect(spec.boms.map(({ name, origin: from }) => [name, from?.found])).toEqual([['file', 'file'], ['label', 'label'], ['referrer', 'referrer'], ['zstd', 'file']]);
    expect(spec.boms[2]?.origin).toEqual({ url: `oci://${registry.host}/modules/referrer:1`, digest, found: 'referrer' });
    expect(spec.files).toHaveLength(4);
    expect(await ok(['bom', 'show', '-f', `oci://${registry.host}/modules/file@${spec.boms[0]?.origin?.digest}`, '--insecure-registry', registry.host])).toContain('file/small.txt');
  });

  it('built by buildah works the same, and is never run', async () => {
    await writeFile(join(folder, 'bom.yaml'), bom('built'));
    const storage = ['--root', join(folder, 'containers'), '--runroot', join(folder, 'containers-run'), '--storage-driver', 'vfs'];
    const container = (await must('buildah', [...storage, 'from', 'scratch'], { cwd: folder })).trim();
    await must('buildah', [...storage, 'copy', '-q', container, 'bom.yaml', '/longshore/bom.yaml'], { cwd: folder });
    await must('buildah', [...storage, 'config', '--entrypoint', '["/bin/false"]', container]);
    await must('buildah', [...storage, 'commit', '-q', '--format', 'docker', container, 'built'], { cwd: folder });
    await must('buildah', [...storage, 'push', '-q', '--tls-verify=false', 'built', `docker://${registry.host}/modules/built:1`], { cwd: folder });
    const { spec } = await lock([`oci://${registry.host}/modules/built:1`]);
    expect(spec.boms[0]).toMatchObject({ name: 'built', origin: { found: 'file' } });
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['removed by a whiteout', () => pushSmallImage(folder, `${registry.host}/bad/x:1`, { layers: [{ 'longshore/bom.yaml': bom('x') }, { 'longshore/.wh.bom.yaml': '' }] }), 'RESOLVE_NOT_FOUND'],
    ['below an opaque folder', () => pushSmallImage(folder, `${registry.host}/bad/x:1`, { layers: [{ 'longshore/bom.yaml': bom('x') }, { 'longshore/.wh..wh..opq': '' }] }), 'RESOLVE_NOT_FOUND'],
    ['with its folder removed', () => pushSmallImage(folder, `${registry.host}/bad/x:1`, { layers: [{ 'longshore/bom.yaml': bom('x') }, { '.wh.longshore': '' }] }), 'RESOLVE_NOT_FOUND'],
    ['nowhere', () => pushSmallImage(folder, `${registry.host}/bad/x:1`), 'RESOLVE_NOT_FOUND'],
    ['that is no BOM', () => pushSmallImage(folder, `${registry.host}/bad/x:1`, { labels: { 'dev.longshore.bom': 'kind: Pod' } }), 'INPUT_FIELD'],
    ['that names files of this machine', () => pushSmallImage(folder, `${registry.host}/bad/x:1`, { labels: { 'dev.longshore.bom': 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: x}\nspec: {files: [{path: /etc/passwd}]}\n' } }), 'INPUT_FIELD'],
    ['in a layer that is no tar', () => pushArtifact(registry.host, 'bad/x', '1', { config: { mediaType: 'application/vnd.oci.image.config.v1+json', bytes: Buffer.from('{"config":{}}') }, layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', bytes: Buffer.from('not gzip') }] }), 'INTEGRITY_METADATA'],
    ['in a layer of an unknown kind', () => pushArtifact(registry.host, 'bad/x', '1', { config: { mediaType: 'application/vnd.oci.image.config.v1+json', bytes: Buffer.from('{"config":{}}') }, layers: [{ mediaType: 'application/x-7z', bytes: Buffer.from('x') }] }), 'RESOLVE_UNSUPPORTED'],
    ['a symbolic link', () => layered('ln -s /etc/passwd longshore/bom.yaml'), 'RESOLVE_UNSUPPORTED'],
    ['a hard link to another file', () => layered('echo x > longshore/a.yaml; ln longshore/a.yaml longshore/bom.yaml'), 'RESOLVE_UNSUPPORTED'],
    ['behind a link in place of its folder', () => layered('rmdir longshore; ln -s etc longshore', [{ 'longshore/bom.yaml': 'x' }]), 'RESOLVE_NOT_FOUND'],
    ['larger than a BOM may be', () => layered('head -c 9000000 /dev/zero > longshore/bom.yaml'), 'INTEGRITY_METADATA'],
  ])('whose BOM is %s is refused', async (_, push, code) => {
    await push();
    const outcome = await cli(['lock', '-f', `oci://${registry.host}/bad/x:1`, '--insecure-registry', registry.host, '--lock', 'bad.lock.json']);
    expect(outcome.stderr).toContain(code);
    expect(outcome.status).not.toBe(0);
  });
});

describe('a BOM as an artifact', () => {
  const push = async (): Promise<{ readonly address: string; readonly digest: string }> => JSON.parse(await ok(['bom', 'push', 'artifact.yaml', `oci://${registry.host}/boms/artifact:1.0`, '--insecure-registry', registry.host, '--json'])) as { address: string; digest: string };
  let first: { readonly address: string; readonly digest: string };
  beforeAll(async () => {
    await writeFile(join(folder, 'artifact.yaml'), bom('artifact'));
    first = await push();
  });

  it('is pushed, the same document to the same digest, and read back', async () => {
    expect((await push()).digest).toBe(first.digest);
    const { spec } = await lock([first.address], []);
    expect(spec.boms[0]).toMatchObject({ name: 'artifact', origin: { url: first.address, digest: first.digest, found: 'artifact' } });
    const inspected = JSON.parse(await must('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${registry.host}/boms/artifact:1.0`])) as { readonly artifactType: string };
    expect(inspected.artifactType).toBe('application/vnd.longshore.bom.v1+json');
  });

  it('under a tag is refused by --strict, by digest only for what it holds', async () => {
    const tagged = await cli(['lock', '-f', `oci://${registry.host}/boms/artifact:1.0`, '--insecure-registry', registry.host, '--strict', '--lock', 'strict.lock.json']);
    expect([tagged.status, tagged.stderr]).toEqual([3, expect.stringContaining('an address that says what is there')]);
  });

  it.each([[['bom', 'push', 'artifact.yaml'], 2], [['bom', 'push', 'gone.yaml', 'oci://localhost:1/x:1'], 2], [['bom', 'push', 'artifact.yaml', `oci://localhost:1/x@sha256:${'1'.repeat(64)}`], 2]])('%j exits %d', async (args, status) => {
    expect((await cli(args)).status).toBe(status);
  });

  it('beside an image that is not there is refused', async () => {
    const outcome = await cli(['bom', 'push', 'artifact.yaml', '--subject', `oci://${registry.host}/modules/gone:1`, '--insecure-registry', registry.host]);
    expect([outcome.status, outcome.stderr]).toEqual([3, expect.stringContaining('RESOLVE_NOT_FOUND')]);
  });
});

describe('a BOM on the web and in git', () => {
  it('is read by address, and checked against the digest in it', async () => {
    const digest = `sha256:${createHash('sha256').update(bom('web')).digest('hex')}`;
    const { spec } = await lock([`${origin}/web.yaml#${digest}`]);
    expect(spec.boms[0]).toMatchObject({ name: 'web', origin: { url: `${origin}/web.yaml`, digest } });
    const changed = await cli(['lock', '-f', `${origin}/web.yaml#sha256:${'1'.repeat(64)}`, '--lock', 'bad.lock.json']);
    expect([changed.status, changed.stderr]).toEqual([5, expect.stringContaining('INTEGRITY_DIGEST')]);
    expect((await cli(['lock', '-f', `${origin}/gone.yaml`, '--lock', 'bad.lock.json'])).status).toBe(3);
  });

  it('that is no UTF-8 is refused as a file here is, wherever it was published', async () => {
    const latin = Buffer.concat([Buffer.from(bom('latin').replace('version: "1.0"', 'version: "1.0", title: "caf')), Buffer.from([0xe9]), Buffer.from('"}\n')]);
    await writeFile(join(folder, 'www/latin.yaml'), latin);
    await writeFile(join(folder, 'latin.yaml'), latin);
    const repository = join(folder, 'latin-repository');
    await mkdir(repository);
    await writeFile(join(repository, 'latin.yaml'), latin);
    await must('git', ['-C', repository, '-c', 'init.defaultBranch=main', 'init', '-q']);
    await must('git', ['-C', repository, 'add', '.']);
    await must('git', ['-C', repository, '-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '-qm', 'latin']);
    await pushArtifact(registry.host, 'latin/artifact', '1', { config: { mediaType: 'application/vnd.longshore.bom.v1+json', bytes: Buffer.from('{}') }, layers: [{ mediaType: 'application/vnd.longshore.bom.v1+json', bytes: latin }] });
    await pushArtifact(registry.host, 'latin/label', '1', { config: { mediaType: 'application/vnd.oci.image.config.v1+json', bytes: Buffer.concat([Buffer.from('{"config":{"Labels":{"dev.longshore.bom":"caf'), Buffer.from([0xe9]), Buffer.from('"}}}')]) }, layers: [] });
    for (const place of ['latin.yaml', `${origin}/latin.yaml`, `git+file://${repository}@main#latin.yaml`, `oci://${registry.host}/latin/artifact:1`, `oci://${registry.host}/latin/label:1`]) {
      const outcome = await cli(['lock', '-f', place, '--insecure-registry', registry.host, '--lock', 'bad.lock.json']);
      expect([outcome.status, outcome.stderr], place).toEqual([2, expect.stringContaining('bytes that are none')]);
    }
  });

  it('for an adapter is read as a file here is: what is no UTF-8 is told', async () => {
    const latin = Buffer.concat([Buffer.from('# caf'), Buffer.from([0xe9]), Buffer.from(`\n${registry.host}/modules/label:1\n`)]);
    await writeFile(join(folder, 'www/latin.txt'), latin);
    await writeFile(join(folder, 'latin.txt'), latin);
    for (const place of ['latin.txt', `${origin}/latin.txt`]) {
      await writeFile(join(folder, 'latin-project.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: site}\nspec: {modules: [{adapter: images-txt, from: "${place}"}]}\n`);
      const outcome = await cli(['lock', '-f', 'latin-project.yaml', '--insecure-registry', registry.host, '--lock', 'latin.lock.json']);
      expect([outcome.status, outcome.stderr], place).toEqual([0, expect.stringContaining('bytes that are not were read as U+FFFD')]);
    }
  });

  it.each([
    '  git: [{id: x, url: "file:///srv/private.git", ref: main}]', '  charts: [{source: {git: "file:///srv/private.git", ref: main}}]',
    '  packageRepositories: [{id: r, manager: deb, targets: [t], line: "deb [trusted=yes] file:/srv/apt stable main"}]\n  targets: [{id: t, family: debian, os: debian, release: "12", arch: amd64}]\n  packages: [{id: p, manager: deb, target: t, include: [{name: tool}]}]',
  ])('may not name what lies on the disk of who reads it: %s', async (spec) => {
    await writeFile(join(folder, 'www/hostile.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: hostile, version: "1"}\nspec:\n${spec}\n`);
    const outcome = await cli(['lock', '-f', `${origin}/hostile.yaml`, '--lock', 'bad.lock.json']);
    expect([outcome.status, outcome.stderr]).toEqual([2, expect.stringContaining('does not come from a folder of this machine')]);
  });

  it('comes with the files beside it, and reaches no others', async () => {
    const repository = join(folder, 'repository');
    await mkdir(join(repository, 'modules/kafka'), { recursive: true });
    await writeFile(join(repository, 'modules/kafka/bom.yaml'), bom('kafka').replace('  files: [', '  files: [{path: run.sh}, '));
    await writeFile(join(repository, 'modules/kafka/run.sh'), 'exit 0\n');
    const git = async (...args: string[]): Promise<string> => (await must('git', ['-C', repository, '-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'init.defaultBranch=main', ...args])).trim();
    await git('init', '-q');
    await git('add', '.');
    await git('commit', '-qm', 'kafka');
    const commit = await git('rev-parse', 'HEAD');
    for (const rev of [commit, commit.slice(0, 9), 'main']) {
      const { spec } = await lock([`git+file://${repository}@${rev}#modules/kafka`]);
      expect(spec.files.map(({ name }) => name)).toEqual(['kafka/small.txt', 'run.sh']);
      expect(spec.boms[0]?.origin).toEqual({ url: `git+file://${repository}@${rev}#modules/kafka`, commit });
    }
    expect((await lock([`git+file://${repository}@${commit}#modules/kafka/bom.yaml`])).spec.boms[0]?.name).toBe('kafka');
    await writeFile(join(repository, 'modules/kafka/bom.yaml'), bom('kafka').replace('  files: [', '  files: [{path: ../../../../etc/passwd}, '));
    await git('commit', '-qam', 'hostile');
    const hostile = await cli(['lock', '-f', `git+file://${repository}@main#modules/kafka`, '--lock', 'bad.lock.json']);
    expect([hostile.status, hostile.stderr]).toEqual([2, expect.stringContaining('a path beside this document')]);
    expect((await cli(['lock', '-f', `git+file://${repository}@nowhere#modules`, '--lock', 'bad.lock.json'])).status).toBe(3);
    expect((await cli(['lock', '-f', 'git+ext://sh -c x', '--lock', 'bad.lock.json'])).status).toBe(2);
  });

  it('is named by a project, with adapters and credentials', async () => {
    await writeFile(join(folder, 'www/images.txt'), '# registry\n');
    await writeFile(join(folder, 'repository/images.txt'), `${registry.host}/modules/label:1\n`);
    await must('git', ['-C', join(folder, 'repository'), 'add', '.']);
    await must('git', ['-C', join(folder, 'repository'), '-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '-qm', 'images']);
    await writeFile(join(folder, 'project.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: Project
metadata: {name: site}
spec:
  modules:
    - {bom: "oci://${registry.host}/modules/label:1"}
    - {bom: "${origin}/private/web.yaml", headersFrom: [forge]}
    - {adapter: images-txt, from: "git+file://${folder}/repository@main#images.txt"}
  credentials: {forge: {env: FORGE_TOKEN}}
`);
    const { spec } = await lock(['project.yaml']);
    expect(spec.boms.map(({ name }) => name)).toEqual(expect.arrayContaining(['label', 'web']));
    expect(spec.boms).toHaveLength(3);
    expect(JSON.stringify(spec)).not.toContain(env.FORGE_TOKEN);
    expect((await readdir(join(folder, 'tmp'))).filter((name) => name.startsWith('longshore-run-'))).toEqual([]);
    expect((await run('git', ['-C', join(folder, 'repository'), 'status', '--porcelain'])).stdout).toBe('');
  });
});
