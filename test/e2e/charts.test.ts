// Helm charts from where they are published to a repository inside, with provenance by the real gpg, a real registry, real git, and helm where it is.
import { createHash } from 'node:crypto';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { longshore, must, type Outcome } from '../support/command.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { startServe } from '../support/site.ts';
import { pushArtifact, pushSmallImage } from '../support/small-image.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('charts');
const hasHelm = (process.env['PATH'] ?? '').split(delimiter).some((place) => existsSync(join(place, 'helm')));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const env = { XDG_CACHE_HOME: join(folder, 'cache'), XDG_CONFIG_HOME: join(folder, 'config'), HOME: folder, CHART_TOKEN: 'chart-token-4711' };
const cli = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Outcome> => longshore(args, { cwd: folder, env: { ...env, ...more } });
const ok = async (args: readonly string[]): Promise<string> => {
  const outcome = await cli(args);
  if (outcome.status !== 0) throw new Error(`longshore ${args.join(' ')}: ${outcome.status}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome.stdout;
};

interface LockedChart { readonly name: string; readonly version: string; readonly path: string; readonly trust: string; readonly urls: readonly string[]; readonly digest: string; readonly provenance?: object; readonly keyFingerprints?: readonly string[] }
interface Lock { readonly spec: { readonly charts: readonly LockedChart[]; readonly images: readonly { readonly ref: string; readonly usedBy: readonly string[] }[]; readonly warnings: readonly string[] } }

let registry: DockerRegistry;
let web: Server;
let origin = '';
const asked: { readonly url: string; readonly authorization: string }[] = [];

async function files(root: string, contents: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(contents)) { await mkdir(dirname(join(folder, root, path)), { recursive: true }); await writeFile(join(folder, root, path), content); }
}

/** As a publisher packs: with the machine's tar. */
async function pack(name: string, version: string, more: Readonly<Record<string, string>> = {}): Promise<Buffer> {
  const root = `source-${name}-${version}`;
  await files(root, { [`${name}/Chart.yaml`]: `apiVersion: v2\nname: ${name}\nversion: ${version}\nappVersion: "1.10"\n`, [`${name}/values.yaml`]: 'a: 1\n', ...Object.fromEntries(Object.entries(more).map(([path, content]) => [`${name}/${path}`, content])) });
  await must('tar', ['-C', join(folder, root), '-czf', join(folder, 'www', `${name}-${version}.tgz`), name]);
  return readFile(join(folder, 'www', `${name}-${version}.tgz`));
}

beforeAll(async () => {
  await mkdir(join(folder, 'www'));
  await mkdir(join(folder, 'gnupg'), { mode: 0o700 });
  registry = await startDockerRegistry(join(folder, 'registry'));
  await pushSmallImage(folder, `${registry.host}/team/web:1.0`);
  await pushSmallImage(folder, `${registry.host}/team/side:2.0`);
  const annotation = `annotations:\n  artifacthub.io/images: |\n    - name: web\n      image: ${registry.host}/team/web:1.0\n    - {name: side, image: "${registry.host}/team/side:2.0"}\n`;
  const template = `apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: c, image: "${registry.host}/team/{{ .Values.image }}"}]}\n`;
  const charts: Record<string, Buffer> = {
    'web 1.0.0': await pack('web', '1.0.0'),
    'web 1.10.0': await pack('web', '1.10.0', { 'Chart.yaml': `apiVersion: v2\nname: web\nversion: 1.10.0\n${annotation}`, 'templates/pod.yaml': template, 'values.yaml': 'image: side:2.0\n' }),
    'web 2.0.0-rc.1': await pack('web', '2.0.0-rc.1'),
    'db 0.3.1': await pack('db', '0.3.1'),
    'thin 1.0.0': await pack('thin', '1.0.0', { 'Chart.yaml': 'apiVersion: v2\nname: thin\nversion: 1.0.0\ndependencies:\n- {name: db, version: ^0.3, repository: REPO}\n' }),
  };
  web = createServer((request, response) => {
    const { authorization = '' } = request.headers;
    asked.push({ url: request.url ?? '', authorization });
    if (request.url?.startsWith('/private/') === true && authorization !== 'Bearer chart-token-4711') { response.writeHead(401).end(); return; }
    readFile(join(folder, 'www', (request.url ?? '').replace('/private', ''))).then((bytes) => response.writeHead(200, { 'content-length': bytes.length }).end(bytes), () => response.writeHead(404).end());
  });
  await new Promise<void>((done) => { web.listen(0, '127.0.0.1', done); });
  origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  charts['thin 1.0.0'] = await pack('thin', '1.0.0', { 'Chart.yaml': `apiVersion: v2\nname: thin\nversion: 1.0.0\ndependencies:\n- {name: db, version: ^0.3, repository: "${origin}"}\n` });
  const names = Map.groupBy(Object.keys(charts), (key) => key.split(' ')[0] ?? '');
  const lines = [...names].map(([name, keys]) => `  ${name}:\n${keys.map((key) => `  - version: ${key.split(' ')[1]}\n    name: ${name}\n    digest: ${sha256(charts[key] ?? Buffer.alloc(0))}\n    urls: [${name}-${key.split(' ')[1]}.tgz]\n`).join('')}`);
  await writeFile(join(folder, 'www/index.yaml'), `apiVersion: v1\nentries:\n${lines.join('')}generated: "2024-01-01T00:00:00Z"\n`);
  const gpg = (...args: string[]): Promise<string> => must('gpg', ['--homedir', join(folder, 'gnupg'), '--batch', '--yes', '--passphrase', '', '--pinentry-mode', 'loopback', ...args], { cwd: folder });
  await gpg('--quick-generate-key', 'publisher@example.org', 'rsa2048', 'sign', 'never');
  await gpg('--output', 'publisher.gpg', '--export', 'publisher@example.org');
  await writeFile(join(folder, 'statement'), `apiVersion: v2\nname: web\nversion: 1.10.0\n\n...\nfiles:\n  web-1.10.0.tgz: sha256:${sha256(charts['web 1.10.0'] ?? Buffer.alloc(0))}\n`);
  await gpg('--output', 'www/web-1.10.0.tgz.prov', '--clearsign', 'statement');
  await writeFile(join(folder, 'www/web-1.0.0.tgz.prov'), await readFile(join(folder, 'www/web-1.10.0.tgz.prov')));
  const layer = { mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', bytes: charts['web 1.10.0'] ?? Buffer.alloc(0) };
  const proof = { mediaType: 'application/vnd.cncf.helm.chart.provenance.v1.prov', bytes: await readFile(join(folder, 'www/web-1.10.0.tgz.prov')) };
  for (const tag of ['1.10.0', '1.10.0_build']) await pushArtifact(registry.host, 'charts/web', tag, { config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', bytes: Buffer.from('{"name":"web"}') }, layers: [layer, proof] });
});

afterAll(async () => { web.closeAllConnections(); web.close(); await registry.stop(); });

async function lock(charts: string, project = '', args: readonly string[] = []): Promise<Outcome & { read(): Promise<Lock> }> {
  await writeFile(join(folder, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: app, version: "1"}\nspec:\n  targets: [{id: any, family: any, arch: amd64}]\n  charts:\n${charts}\n`);
  await writeFile(join(folder, 'project.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: site}\nspec:\n  modules: [{bom: bom.yaml}]\n${project}`);
  await rm(join(folder, 'longshore.lock.json'), { force: true });
  const outcome = await cli(['lock', '-f', 'project.yaml', '--insecure-registry', registry.host, ...args]);
  return { ...outcome, read: async () => JSON.parse(await readFile(join(folder, 'longshore.lock.json'), 'utf8')) as Lock };
}

async function locked(charts: string, project = '', args: readonly string[] = []): Promise<Lock> {
  const outcome = await lock(charts, project, args);
  if (outcome.status !== 0) throw new Error(`${outcome.status}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome.read();
}

describe('a chart of a repository', () => {
  it('is the newest that the range lets in, with its provenance', async () => {
    const { spec: { charts: [chart] } } = await locked(`    - source: {repo: "${origin}", name: web, version: ^1}`);
    expect(chart).toMatchObject({ name: 'web', version: '1.10.0', path: 'web-1.10.0.tgz', trust: 'first-use', urls: [`${origin}/web-1.10.0.tgz`], provenance: { size: expect.any(Number) as number } });
  });

  it('is verified by the keyring, and passes --strict then', async () => {
    const { spec: { charts: [chart] } } = await locked(`    - {source: {repo: "${origin}", name: web}, keyring: publisher.gpg}`, '', ['--strict']);
    expect(chart).toMatchObject({ version: '1.10.0', trust: 'verified' });
    expect(chart?.keyFingerprints?.[0]).toMatch(/^[0-9A-F]{40}$/);
  });

  it.each([
    ['another content', () => `    - {source: {repo: "${origin}", name: web, version: 1.0.0}, keyring: publisher.gpg}`, 5, 'INTEGRITY_DIGEST'],
    ['no provenance', () => `    - {source: {repo: "${origin}", name: db}, keyring: publisher.gpg}`, 5, 'INTEGRITY_SIGNATURE'],
    ['no keyring file', () => `    - {source: {repo: "${origin}", name: web}, keyring: gone.gpg}`, 2, 'INPUT_MISSING_FILE'],
    ['no such version', () => `    - {source: {repo: "${origin}", name: web, version: ^7}}`, 3, 'RESOLVE_NOT_FOUND'],
    ['no such chart', () => `    - {source: {repo: "${origin}", name: gone}}`, 3, 'RESOLVE_NOT_FOUND'],
    ['no repository', () => `    - {source: {repo: "${origin}/gone", name: web}}`, 3, 'RESOLVE_NOT_FOUND'],
    ['a range that is none', () => `    - {source: {repo: "${origin}", name: web, version: "not a range"}}`, 2, 'INPUT_FIELD'],
    ['another digest', () => `    - {source: {repo: "${origin}", name: web}, digest: "sha256:${'1'.repeat(64)}"}`, 5, 'INTEGRITY_DIGEST'],
    ['a folder that is none', () => '    - {source: {path: gone}}', 2, 'INPUT_MISSING_FILE'],
    ['a file larger than any chart', () => { writeFileSync(join(folder, 'large.tgz'), ''); truncateSync(join(folder, 'large.tgz'), 2 ** 40); return '    - {source: {path: large.tgz}}'; }, 2, 'INPUT_MISSING_FILE'],
    ['no address', () => `    - {source: {url: "${origin}/gone.tgz"}}`, 3, 'RESOLVE_NOT_FOUND'],
    ['no tag', () => `    - {source: {oci: "oci://${registry.host}/charts/web", version: 9.9.9}}`, 3, 'RESOLVE_NOT_FOUND'],
    ['an image in its place', () => `    - {source: {oci: "oci://${registry.host}/team/web:1.0"}}`, 5, 'INTEGRITY_METADATA'],
    ['headers for a registry', () => `    - {source: {oci: "oci://${registry.host}/charts/web:1.10.0"}, headersFrom: [forge]}`, 2, 'INPUT_FIELD'],
  ])('with %s is refused', async (_, charts, status, code) => {
    const outcome = await lock(charts(), '  credentials: {forge: {env: CHART_TOKEN}}\n');
    expect([outcome.status, outcome.stderr]).toEqual([status, expect.stringContaining(code)]);
  });

  it('whose index says another digest is refused', async () => {
    const index = await readFile(join(folder, 'www/index.yaml'), 'utf8');
    await writeFile(join(folder, 'www/index.yaml'), index.replace(/(name: db\n    digest: )\w+/, `$1${'2'.repeat(64)}`));
    const outcome = await lock(`    - source: {repo: "${origin}", name: db}`);
    await writeFile(join(folder, 'www/index.yaml'), index);
    expect([outcome.status, outcome.stderr]).toEqual([5, expect.stringContaining("as the repository's index says")]);
  });

  it('of a private repository needs the credential, which shows nowhere', async () => {
    const entry = `    - {source: {repo: "${origin}/private", name: web}, headersFrom: [forge]}`;
    expect((await lock(entry.replace(', headersFrom: [forge]', ''))).status).toBe(4);
    expect((await lock(entry)).stderr).toContain('INPUT_CREDENTIAL');
    const outcome = await lock(entry, '  credentials: {forge: {env: CHART_TOKEN}}\n');
    expect(outcome.status, outcome.stderr).toBe(0);
    expect(JSON.stringify(await outcome.read()) + outcome.stdout + outcome.stderr).not.toContain('chart-token-4711');
    await ok(['download', '-f', 'project.yaml', '--store', 'private-store']);
  });

  it('that leaves out what it depends on gets it beside it, and says so', async () => {
    const { spec } = await locked(`    - source: {repo: "${origin}", name: thin}`);
    expect(spec.charts.map(({ path }) => path)).toEqual(['db-0.3.1.tgz', 'thin-1.0.0.tgz']);
    expect(spec.warnings.join('\n')).toContain('its dependency db is not inside it');
  });

  it('keeps its lock while the repository moves, until an update', async () => {
    await locked(`    - source: {repo: "${origin}", name: db}`);
    const before = await readFile(join(folder, 'longshore.lock.json'), 'utf8');
    const bytes = await pack('db', '0.4.0');
    const index = await readFile(join(folder, 'www/index.yaml'), 'utf8');
    await writeFile(join(folder, 'www/index.yaml'), index.replace('  db:\n', `  db:\n  - {version: 0.4.0, name: db, digest: ${sha256(bytes)}, urls: [db-0.4.0.tgz]}\n`));
    await ok(['lock', '-f', 'project.yaml']);
    expect(await readFile(join(folder, 'longshore.lock.json'), 'utf8')).toBe(before);
    await ok(['lock', '-f', 'project.yaml', '--update=db']);
    expect(await readFile(join(folder, 'longshore.lock.json'), 'utf8')).toContain('db-0.4.0.tgz');
    await writeFile(join(folder, 'www/index.yaml'), index);
  });
});

describe('a chart of a registry', () => {
  it('is taken by tag, by range, and by the digest of its manifest', async () => {
    const { spec: { charts: [chart] } } = await locked(`    - {source: {oci: "oci://${registry.host}/charts/web", version: ^1.9}, keyring: publisher.gpg}`);
    expect(chart).toMatchObject({ version: '1.10.0', trust: 'verified', urls: [expect.stringMatching(/^oci:\/\/.*\/charts\/web:1\.10\.0@sha256:/)] });
    const manifest = /@(sha256:.*)$/.exec(chart?.urls[0] ?? '')?.[1];
    const byDigest = await locked(`    - {source: {oci: "oci://${registry.host}/charts/web:1.10.0"}, digest: "${manifest}"}`);
    expect(byDigest.spec.charts[0]).toMatchObject({ trust: 'declared', digest: chart?.digest });
    await ok(['download', '-f', 'project.yaml', '--insecure-registry', registry.host]);
    const elsewhere = await cli(['download', '-f', 'project.yaml', '--store', 'other-store', '--insecure-registry', registry.host], { XDG_CACHE_HOME: join(folder, 'none') });
    expect(elsewhere.status, elsewhere.stderr).toBe(0);
  });
});

describe('a chart that is a folder', () => {
  const chart = (): string => `apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- {name: db, version: 0.x, repository: "@stable"}\n- {name: common, version: "*", repository: "file://../common"}\n`;

  beforeAll(async () => {
    await files('work', { 'app/Chart.yaml': chart(), 'app/values.yaml': 'a: 1\n', 'app/.helmignore': 'secret.txt\n', 'app/secret.txt': 'x', 'app/templates/cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n', 'common/Chart.yaml': 'apiVersion: v2\nname: common\nversion: 0.0.1\n', 'common/templates/_x.tpl': '' });
    await files('config/helm', { 'repositories.yaml': `apiVersion: ""\nrepositories:\n- name: stable\n  url: ${origin}\n` });
  });

  it('is packed with its dependencies, the same bytes each time', async () => {
    const first = await locked('    - source: {path: work/app}');
    await files('copy', { 'app/secret.txt': 'y' });
    await must('cp', ['-r', 'work/.', 'copy'], { cwd: folder });
    const second = await locked('    - source: {path: copy/app}');
    expect(second.spec.charts[0]?.digest).toBe(first.spec.charts[0]?.digest);
    await ok(['export', '-o', 'folder.tar']);
    await mkdir(join(folder, 'whole'), { recursive: true });
    await must('tar', ['-C', 'whole', '-xf', 'folder.tar'], { cwd: folder });
    const listed = await must('tar', ['tzf', join(folder, 'whole/charts/app-0.1.0.tgz')]);
    expect(listed.trim().split('\n')).toEqual(['app/Chart.yaml', 'app/.helmignore', 'app/charts/common-0.0.1.tgz', 'app/charts/db-0.3.1.tgz', 'app/templates/cm.yaml', 'app/values.yaml']);
    const index = JSON.parse(await readFile(join(folder, 'whole/charts/index.yaml'), 'utf8')) as { readonly entries: Readonly<Record<string, readonly { readonly digest: string }[]>> };
    expect(`sha256:${index.entries['app']?.[0]?.digest}`).toBe(first.spec.charts[0]?.digest);
    if (hasHelm) expect(await must('helm', ['template', 'r', join(folder, 'whole/charts/app-0.1.0.tgz')])).toContain('ConfigMap');
  });

  it('in a revision of a git repository too', async () => {
    const git = (...args: string[]): Promise<string> => must('git', ['-C', join(folder, 'work'), '-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'init.defaultBranch=main', ...args]);
    await git('init', '-q');
    await git('add', '.');
    await git('commit', '-qm', 'charts');
    const here = await locked('    - source: {path: work/app}');
    const there = await locked(`    - source: {git: "file://${folder}/work", ref: main, path: app}`);
    expect(there.spec.charts[0]?.digest).toBe(here.spec.charts[0]?.digest);
    await writeFile(join(folder, 'work/app/values.yaml'), 'a: 2\n');
    await git('commit', '-qam', 'moved');
    const before = await readFile(join(folder, 'longshore.lock.json'), 'utf8');
    await ok(['lock', '-f', 'project.yaml']);
    expect(await readFile(join(folder, 'longshore.lock.json'), 'utf8')).toBe(before);
    await ok(['lock', '-f', 'project.yaml', '--update=app']);
    expect(await readFile(join(folder, 'longshore.lock.json'), 'utf8')).not.toBe(before);
    expect((await lock(`    - source: {git: "file://${folder}/work", ref: main, path: ../work/app}`)).stderr).toContain('INPUT_FIELD');
  });
});

describe('images of a chart', () => {
  it('come along from its annotations', async () => {
    const { spec } = await locked(`    - {source: {repo: "${origin}", name: web}, withImages: annotations}`);
    expect(spec.images.map(({ ref, usedBy }) => [ref, usedBy])).toEqual([[`${registry.host}/team/side:2.0`, ['app']], [`${registry.host}/team/web:1.0`, ['app']]]);
  });

  it('need helm to be rendered, and say so', async () => {
    const place = join(folder, 'no-helm');
    await mkdir(place, { recursive: true });
    const outcome = await longshore(['lock', '-f', 'bom.yaml', '--lock', 'render.lock.json', '--insecure-registry', registry.host], { cwd: folder, env: { ...env, PATH: place } });
    expect(outcome.status).toBe(0);
    await locked(`    - {source: {repo: "${origin}", name: web}}`);
    await writeFile(join(folder, 'bom.yaml'), (await readFile(join(folder, 'bom.yaml'), 'utf8')).replace('name: web}}', 'name: web}, withImages: render}'));
    const without = await longshore(['lock', '-f', 'bom.yaml', '--lock', 'render.lock.json', '--insecure-registry', registry.host], { cwd: folder, env: { ...env, PATH: place } });
    expect([without.status, without.stderr]).toEqual([3, expect.stringContaining('helm on this machine')]);
  });

  it.runIf(hasHelm)('come along from what helm renders', async () => {
    const { spec } = await locked(`    - {source: {repo: "${origin}", name: web}, withImages: render}`);
    expect(spec.images.map(({ ref }) => ref)).toEqual([`${registry.host}/team/side:2.0`]);
    const broken = await lock(`    - {source: {repo: "${origin}", name: web}, withImages: render, valuesFiles: [gone.yaml]}`);
    expect([broken.status, broken.stderr]).toEqual([3, expect.stringContaining('helm template')]);
  });
});

describe('inside', () => {
  it('charts are a repository, with provenance', async () => {
    const { spec: { charts } } = await locked(`    - {source: {repo: "${origin}", name: web}, keyring: publisher.gpg}\n    - source: {repo: "${origin}", name: db}`);
    await ok(['export', '-o', 'site.tar']);
    expect(await ok(['ls', 'site.tar', '--kind', 'chart'])).toContain('web 1.10.0');
    expect(await ok(['inspect', 'site.tar'])).toContain('chart');
    expect(await ok(['bom', 'sbom'])).toContain('pkg:helm/web@1.10.0');
    const inside = await startServe(['site.tar', '--allow-unsigned'], folder);
    try {
      const index = await (await fetch(`${inside.url}/charts/index.yaml`)).json() as { readonly entries: Readonly<Record<string, readonly { readonly urls: readonly string[]; readonly digest: string; readonly appVersion: string }[]>> };
      expect(index.entries['db']?.[0]).toMatchObject({ urls: ['db-0.3.1.tgz'], appVersion: '1.10' });
      const got = Buffer.from(await (await fetch(`${inside.url}/charts/${charts[1]?.path}`)).arrayBuffer());
      expect(`sha256:${sha256(got)}`).toBe(charts[1]?.digest);
      expect((await fetch(`${inside.url}/charts/web-1.10.0.tgz.prov`)).status).toBe(200);
      if (hasHelm) {
        const helm = (...args: string[]): Promise<string> => must('helm', args, { cwd: folder, env: { ...env, HELM_CONFIG_HOME: join(folder, 'helm-inside'), HELM_CACHE_HOME: join(folder, 'helm-cache') } });
        await helm('repo', 'add', 'site', `${inside.url}/charts`);
        expect(await helm('search', 'repo', 'site/web')).toContain('1.10.0');
        await helm('pull', 'site/web', '--verify', '--keyring', join(folder, 'publisher.gpg'), '--destination', folder);
        expect(`sha256:${sha256(await readFile(join(folder, 'web-1.10.0.tgz')))}`).toBe(charts[1]?.digest);
      }
    } finally {
      await inside.stop();
    }
  });
});
