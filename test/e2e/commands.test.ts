// Commands around the main way, each as a user runs it: volumes, deltas, receipts, repairs, streams, looking inside, why, convert, publish.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtProgram } from '../../bin/built-program.ts';
import { makeSigningKey, parseSigningKey } from '../../formats/pgp/keys.ts';
import { clearsign } from '../../formats/pgp/signature.ts';
import { makeRepository } from '../../scripts/quickstart/deb-repository.ts';
import { makeImage } from '../../scripts/quickstart/image.ts';
import { makeAptRoot } from '../support/apt-root.ts';
import { noise } from '../support/bytes.ts';
import { longshore, longshorePath, must, type Outcome, projectRoot, run } from '../support/command.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { startServe } from '../support/site.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('commands');
const content = noise(3_000_000, 11);
let registry: DockerRegistry;

const cli = (args: readonly string[], input?: string): Promise<Outcome> => longshore(args, { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') }, ...(input === undefined ? {} : { input }) });

async function ok(args: readonly string[], input?: string): Promise<string> {
  const outcome = await cli(args, input);
  if (outcome.status !== 0) throw new Error(`longshore ${args.join(' ')}: ${outcome.status}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome.stdout;
}

const json = async <T = Record<string, unknown>>(args: readonly string[]): Promise<T> => JSON.parse(await ok([...args, '--json'])) as T;

async function writeBom(version: string, files: string, packages: readonly string[]): Promise<void> {
  await writeFile(join(folder, 'site.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: site, version: "${version}"}
spec:
  targets: [{id: t, family: debian, os: debian, release: "12", arch: amd64}]
  images: [{ref: "${registry.host}/team/tool:1", platforms: [linux/amd64]}]
  files: [${files}]
  packageRepositories: [{id: r, manager: deb, targets: [t], line: "deb file:${folder}/apt stable main", gpgKeys: [{path: archive.asc}]}]
  packages: [{id: p, manager: deb, target: t, dependencies: closure, include: [${packages.map((name) => `{name: ${name}}`).join(', ')}]}]
`);
}

async function pushImage(): Promise<void> {
  const image = await makeImage(join(folder, 'image-work'));
  const blobs = join(folder, 'image/blobs/sha256');
  await mkdir(blobs, { recursive: true });
  for (const blob of [image.index, ...image.manifests, ...image.blobs]) await writeFile(join(blobs, blob.digest.slice(7)), blob.bytes);
  await writeFile(join(folder, 'image/oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const { mediaType, digest, size } = image.index;
  await writeFile(join(folder, 'image/index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType, digest, size, annotations: { 'org.opencontainers.image.ref.name': 'tool' } }] }));
  await must('skopeo', ['copy', '-q', '--all', '--insecure-policy', '--dest-tls-verify=false', `oci:${folder}/image:tool`, `docker://${registry.host}/team/tool:1`]);
}

beforeAll(async () => {
  registry = await startDockerRegistry(join(folder, 'registry'));
  await pushImage();
  const key = await makeSigningKey({ name: 'archive', date: new Date() });
  const signer = await parseSigningKey(Buffer.from(key.privateKey), 'key');
  await writeFile(join(folder, 'archive.asc'), key.publicKey);
  await makeRepository(join(folder, 'apt'), [
    { name: 'tool', version: '1', depends: 'tool-data', description: 'a tool' }, { name: 'tool-data', version: '1', description: 'its data' }, { name: 'extra', version: '2', description: 'more' },
  ], (text) => clearsign(text, signer, new Date()));
  await writeFile(join(folder, 'one.bin'), content);
  await writeFile(join(folder, 'two.bin'), noise(500_000, 12));
  await writeBom('1', '{path: one.bin, saveAs: one.bin}', ['tool']);
  await ok(['prepare', '-f', 'site.yaml', '-o', 'v1.tar', '--insecure-registry', registry.host, '--quiet']);
  await writeFile(join(folder, 'v1.lock.json'), await readFile(join(folder, 'longshore.lock.json')));
  await ok(['import', 'v1.tar', '--allow-unsigned', '--store', 'machine']);
  await writeBom('2', '{path: one.bin, saveAs: one.bin}, {path: two.bin, saveAs: two.bin}', ['tool', 'extra']);
  await ok(['lock', '-f', 'site.yaml', '--insecure-registry', registry.host]);
  await ok(['download', '--insecure-registry', registry.host]);
});
afterAll(() => registry?.stop());

it('download takes what the documents name on this machine into a store that is not the one that locked', async () => {
  const elsewhere = (...more: string[]): Promise<Outcome> => longshore(['download', '--store', 'elsewhere', '--insecure-registry', registry.host, ...more], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'no-cache') } });
  const without = await elsewhere();
  expect(without).toMatchObject({ status: 5, stderr: expect.stringContaining('Name the documents that the lock was made from with -f') });
  expect(await elsewhere('-f', 'site.yaml')).toMatchObject({ status: 0 });
  await ok(['store', 'verify', '--store', 'elsewhere']);
});

describe('a delta', () => {
  it('by the site’s receipt carries what is new, and is refused where its base is not', async () => {
    await ok(['receipt', '--store', 'machine', '-o', 'receipt.asc']);
    expect((await cli(['export', '-o', 'delta.tar', '--base', 'receipt.asc'])).status).toBe(2);
    await ok(['export', '-o', 'delta.tar', '--base', 'receipt.asc', '--key', 'machine/keys/machine.asc']);
    expect((await stat(join(folder, 'delta.tar'))).size).toBeLessThan(500_000 + 100_000);
    const refused = await cli(['import', 'delta.tar', '--allow-unsigned', '--store', 'empty']);
    expect(refused.status).toBe(7);
    expect(refused.stderr).toContain('TARGET_BASE');
    await ok(['import', 'delta.tar', '--allow-unsigned', '--store', 'machine']);
    const { generations } = await json<{ generations: { id: number; current: boolean }[] }>(['history', '--store', 'machine']);
    expect(generations.map(({ id, current }) => [id, current])).toEqual([[1, false], [2, true]]);
  });

  it('a site that lost a part of the base is repaired by what it named', async () => {
    await ok(['import', 'v1.tar', '--allow-unsigned', '--copy', '--store', 'other']);
    await rm(join(folder, 'other/blobs/sha256', createHash('sha256').update(content).digest('hex')));
    const refused = await cli(['import', 'delta.tar', '--allow-unsigned', '--store', 'other', '--json']);
    expect(refused.status).toBe(7);
    await writeFile(join(folder, 'missing.json'), refused.stdout);
    await ok(['export', '-o', 'repair.tar', '--repair', 'missing.json']);
    await ok(['import', 'repair.tar', '--allow-unsigned', '--store', 'other']);
    await ok(['import', 'delta.tar', '--allow-unsigned', '--store', 'other']);
  });

  it('by a lock and by an archive is the same', async () => {
    await ok(['export', '-o', 'by-lock.tar', '--base', 'v1.lock.json']);
    await ok(['export', '-o', 'by-archive.tar', '--base', 'v1.tar']);
    await must('cmp', ['by-lock.tar', 'by-archive.tar'], { cwd: folder });
  });

  it('is told beforehand by diff', async () => {
    const difference = await json<{ added: { name: string }[]; removed: unknown[] }>(['diff', 'v1.lock.json', 'longshore.lock.json']);
    expect(difference.added.map((item) => item.name).sort()).toEqual(['t extra:all', 'two.bin']);
    expect(difference.removed).toEqual([]);
    expect(await ok(['diff', 'receipt.asc', 'longshore.lock.json', '--key', 'machine/keys/machine.asc'])).toContain('two.bin');
    expect(await json(['diff', 'v1.lock.json', 'receipt.asc', '--key', 'machine/keys/machine.asc'])).toEqual({ added: [], removed: [] });
    expect(await json(['diff', 'receipt.asc', 'receipt.asc', '--key', 'machine/keys/machine.asc'])).toEqual({ added: [], removed: [] });
  });

  it('goes back with rollback', async () => {
    expect(await ok(['rollback', '--store', 'machine'])).toContain('generation 1');
    expect(await ok(['status', '--store', 'machine'])).toContain('serving generation 1');
    await ok(['rollback', '2', '--store', 'machine']);
  });
});

describe('volumes', () => {
  it('are imported in any order, and a missing one is named', async () => {
    await ok(['export', '-o', 'vol.tar', '--split', '1MB']);
    const volumes = (await readdir(folder)).filter((name) => /^vol\.tar\.\d+$/.test(name)).sort();
    expect(volumes.length).toBeGreaterThan(3);
    const without = await cli(['import', ...volumes.slice(1), '--allow-unsigned', '--store', 'volumes']);
    expect(without.status).toBe(5);
    expect(without.stderr).toContain('missing: 1');
    expect((await cli(['verify', volumes[1] ?? '', '--allow-unsigned'])).status).toBe(5);
    expect(await ok(['verify', volumes[1] ?? '', '--allow-unsigned', '--partial'])).toContain('without volumes 1, 3');
    expect((await cli(['import', volumes[1] ?? '', '--copy', '--allow-unsigned', '--store', 'waiting'])).status).toBe(5);
    expect(await ok(['status', '--store', 'waiting'])).toMatch(/waiting: \S+, sequence \d+: volume 2 \(.*\) for volumes 1, 3/);
    await ok(['import', ...volumes.toReversed(), '--allow-unsigned', '--store', 'volumes']);
    for (const volume of volumes) await must('tar', ['tf', volume], { cwd: folder });
    const [first = '', second = '', ...others] = volumes;
    expect((await cli(['extract', second, 'files/two.bin', '-o', 'from-volumes'])).stderr).toMatch(/volume \d/);
    await ok(['extract', second, 'files/two.bin', '-o', 'from-volumes', ...[first, ...others].flatMap((volume) => ['--volume', volume])]);
    expect((await readFile(join(folder, 'from-volumes/files/two.bin'))).equals(noise(500_000, 12))).toBe(true);
  });

  it('are served where they lie, a file that is cut over several of them too', async () => {
    const { stored } = await json<{ stored: { looseBytes: number } }>(['status', '--store', 'volumes']);
    expect(stored.looseBytes).toBeLessThan(100_000);
    const service = await startServe(['--store', 'volumes'], folder);
    try {
      expect(Buffer.from(await (await fetch(`${service.url}/files/one.bin`)).arrayBuffer()).equals(content)).toBe(true);
      const part = await fetch(`${service.url}/files/one.bin`, { headers: { range: 'bytes=900000-2100000' } });
      expect(Buffer.from(await part.arrayBuffer()).equals(content.subarray(900_000, 2_100_001))).toBe(true);
    } finally {
      await service.stop();
    }
    await ok(['export', '-o', 'again.tar', '--store', 'volumes']);
    await ok(['export', '-o', 'first.tar']);
    await must('cmp', ['again.tar', 'first.tar'], { cwd: folder });
  });
});

describe('a stream', () => {
  it('that was cut is told as that', async () => {
    const cut = (await readFile(join(folder, 'v1.tar'))).subarray(0, 300_000);
    const outcome = await longshore(['import', '-', '--allow-unsigned', '--store', 'cut'], { cwd: folder, input: cut });
    expect([outcome.status, outcome.stderr]).toEqual([5, expect.stringContaining('standard input')]);
    expect(outcome.stderr).not.toMatch(/received|packs/);
  });

  it('goes from one process to another', async () => {
    const pipe = `"$0" "$1" export -o - --quiet | "$0" "$1" import - --allow-unsigned --store streamed`;
    await must('bash', ['-o', 'pipefail', '-c', pipe, process.execPath, longshorePath], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') } });
    expect(await ok(['status', '--store', 'streamed'])).toContain('serving generation 1');
  });
});

it('the same lock gives the same bytes from another store, under another umask, locale and time zone, downloaded in another order', async () => {
  await ok(['download', '--store', 'elsewhere/store', '--concurrency', '1', '--insecure-registry', registry.host]);
  await ok(['export', '-o', 'here.tar']);
  const command = '"$0" "$1" export --store elsewhere/store --concurrency 3 -o there.tar --quiet';
  await must('sh', ['-c', `umask 077; ${command}`, process.execPath, longshorePath], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'none'), TZ: 'Asia/Tokyo', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' } });
  await must('cmp', ['here.tar', 'there.tar'], { cwd: folder });
});

it('a stream cannot extract itself', async () => {
  const { status, stderr, stdout } = await cli(['export', '-o', '-', '--self-extracting']);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain('INPUT_FLAG');
});

it.each(['http://r.example.org:5000', 'r.example.org/team', ''])('plain http is for a host, not for %j', async (host) => {
  const { status, stderr } = await cli(['lock', '-f', 'bom.yaml', '--lock', 'never.json', '--insecure-registry', host]);
  expect(status).toBe(2);
  expect(stderr).toContain('expected HOST or HOST:PORT');
  await expect(stat(join(folder, 'never.json'))).rejects.toThrow('ENOENT');
});

describe('a machine in trouble', () => {
  it('serves the other projects when one’s medium is gone, says which is missing, and takes it up again', async () => {
    await writeFile(join(folder, 'second.yaml'), 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: second, version: "1"}\nspec: {files: [{path: two.bin, saveAs: second.bin}]}\n');
    await ok(['prepare', '-f', 'second.yaml', '--lock', 'second.lock.json', '-o', 'second.tar', '--quiet']);
    const medium = await mkdtemp('/dev/shm/longshore-medium-');
    try {
      await copyFile(join(folder, 'v1.tar'), join(medium, 'v1.tar'));
      await ok(['import', join(medium, 'v1.tar'), '--allow-unsigned', '--store', 'two-projects']);
      await ok(['import', 'second.tar', '--allow-unsigned', '--store', 'two-projects']);
      await rename(join(medium, 'v1.tar'), join(medium, 'away'));
      const service = await startServe(['--store', 'two-projects'], folder);
      try {
        expect((await fetch(`${service.url}/files/second.bin`)).status).toBe(200);
        expect((await fetch(`${service.url}/files/one.bin`)).status).toBe(404);
        const status = await ok(['status', '--store', 'two-projects']);
        expect(status).toContain(join(medium, 'v1.tar'));
        expect(status).toContain('Plug its medium in again');
        const verified = await cli(['store', 'verify', '--store', 'two-projects', '--json']);
        expect(JSON.parse(verified.stdout)).toMatchObject({ damaged: [], absent: [{ archive: join(medium, 'v1.tar') }], error: { code: 'INTEGRITY_MISSING', next: expect.stringContaining('Plug its medium in again') } });
        await rename(join(medium, 'away'), join(medium, 'v1.tar'));
        await expect.poll(async () => (await fetch(`${service.url}/files/one.bin`)).status, { timeout: 25_000 }).toBe(200);
      } finally {
        await service.stop();
      }
    } finally {
      await rm(medium, { recursive: true });
    }
  });

  it('downloads a lock that was made elsewhere, given the documents', async () => {
    await writeFile(join(folder, 'plain.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: plain, version: "1"}\nspec: {images: [{ref: "${registry.host}/team/tool:1", platforms: [linux/amd64]}]}\n`);
    await ok(['lock', '-f', 'plain.yaml', '--lock', 'plain.lock.json', '--store', 'here', '--insecure-registry', registry.host]);
    const args = ['download', '--lock', 'plain.lock.json', '--store', 'there', '--insecure-registry', registry.host];
    const elsewhere = { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'another-machine') } };
    const without = await longshore(args, elsewhere);
    expect([without.status, without.stderr]).toEqual([5, expect.stringContaining('-f')]);
    expect((await longshore([...args, '-f', 'plain.yaml'], elsewhere)).status).toBe(0);
  });
});

describe('looking inside', () => {
  it('ls, cat and extract', async () => {
    const { entries } = await json<{ entries: { name: string; kind: string }[] }>(['ls', 'v1.tar']);
    expect(entries.map((entry) => entry.name)).toEqual(expect.arrayContaining(['one.bin', `${registry.host}/team/tool:1`]));
    const { stdout } = await run('sh', ['-c', '"$0" "$1" cat v1.tar files/one.bin | cmp - one.bin && echo same', process.execPath, longshorePath], { cwd: folder });
    expect(stdout).toContain('same');
    await ok(['extract', 'v1.tar', 'files/*', 'apt/**/*.deb', '-o', 'extracted']);
    expect((await readFile(join(folder, 'extracted/files/one.bin'))).equals(content)).toBe(true);
    expect((await cli(['extract', 'v1.tar', 'files/*', '-o', 'extracted'])).status).toBe(6);
  });

  it('why', async () => {
    expect(await ok(['why', 'tool-data'])).toMatch(/tool-data 1: depends\n\s+tool 1: asked for/);
    expect((await cli(['why', 'nothing-of-that-name'])).status).toBe(3);
    const line = (await readFile(join(folder, 'site.yaml'), 'utf8')).split('\n').findIndex((each) => each.includes('images:')) + 1;
    expect(await ok(['why', 'team/tool', '-f', 'site.yaml'])).toBe(`image ${registry.host}/team/tool:1, for site\n  at site.yaml:${line}:18\n`);
    expect(await ok(['why', 'tool-data', '-f', 'site.yaml'])).toMatch(new RegExp(`at site\\.yaml:${line + 3}:\\d+\\n`));
  });

  it('the store by skopeo, in place', async () => {
    const listed = JSON.parse(await readFile(join(folder, 'cache/longshore/index.json'), 'utf8')) as { manifests: { annotations?: Record<string, string> }[] };
    expect(listed.manifests.flatMap((each) => Object.values(each.annotations ?? {}))).toContain(`${registry.host}/team/tool:1`);
    expect(await must('skopeo', ['inspect', '--raw', `oci:${folder}/cache/longshore:${registry.host}/team/tool:1`])).toContain('manifests');
  });

  it('store verify finds damage, and store reindex puts it out of use', async () => {
    expect(await ok(['store', 'verify', '--store', 'streamed'])).toContain('damaged: none');
    await must('cp', ['-a', join(folder, 'cache/longshore'), join(folder, 'damaged')]);
    // A copy whose times are new, with a pack: looked at again, and good from then on.
    await must('cp', ['-r', join(folder, 'streamed'), join(folder, 'copied')]);
    expect(await ok(['store', 'verify', '--store', 'copied'])).toContain('damaged: none');
    expect(await json(['status', '--store', 'copied'])).toMatchObject({ served: [{ kinds: expect.arrayContaining([expect.objectContaining({ kind: 'files', count: 2 })]) }] });
    const hex = createHash('sha256').update(content).digest('hex');
    // The same size and time, as a bad disk would have it.
    const path = join(folder, 'damaged/blobs/sha256', hex);
    const { atime, mtime } = await stat(path);
    await writeFile(path, Buffer.concat([Buffer.from([1, 2, 3]), content.subarray(3)]));
    await utimes(path, atime, mtime);
    const found = await cli(['store', 'verify', '--store', 'damaged', '--json']);
    expect(found.status).toBe(5);
    expect(found.stderr).toContain(hex);
    // One document, with the result and the error.
    expect(JSON.parse(found.stdout)).toMatchObject({ damaged: [hex], absent: [], error: { code: 'INTEGRITY_DIGEST', exitCode: 5 } });
    expect((await cli(['store', 'reindex', '--store', 'damaged'])).status).toBe(5);
    expect(await ok(['store', 'verify', '--store', 'damaged'])).toContain('damaged: none');
    expect((await cli(['export', '-o', 'never.tar', '--store', 'damaged'])).stderr).toContain('INTEGRITY_MISSING');
  });
});

// A machine whose IPv6 is turned off has no ::1.
describe.runIf(Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1')))('over IPv6', () => {
  it('apt and curl get what is served', async () => {
    const service = await startServe(['--store', 'machine', '--listen', '[::1]:0'], folder);
    try {
      expect(service.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
      const keyring = join(folder, 'ipv6.asc');
      await must('curl', ['-gfsS', `${service.url}/keys/longshore.asc`, '-o', keyring]);
      const { mustApt, folder: root } = await makeAptRoot(join(folder, 'ipv6'), { architecture: 'amd64', sources: `Types: deb\nURIs: ${service.url}/apt/site/t\nSuites: t\nComponents: main\nSigned-By: ${keyring}\n` });
      await mustApt(['update', '-qq', '--error-on=any']);
      await mustApt(['install', '-qq', '-y', '--download-only', 'tool']);
      expect((await readdir(join(root, 'cache/archives'))).filter((name) => name.endsWith('.deb')).map((name) => name.split('_')[0]).sort()).toEqual(['tool', 'tool-data']);
      expect((await must('curl', ['-gfsS', `${service.url}/client/setup.sh`])).match(/URIs: (\S+)/)?.[1]).toBe(`${service.url}/apt/site/t`);
      // Names of images with an IPv6 address are none for skopeo before 1.13: there the registry needs a host name.
      expect(await must('curl', ['-gfsS', `${service.url}/v2/team/tool/manifests/1`])).toContain('manifests');
    } finally {
      await service.stop();
    }
  });
});

describe('publish', () => {
  it('brings the images into another registry, index and digests unchanged', async () => {
    const other = await startDockerRegistry(join(folder, 'other-registry'));
    try {
      const args = ['publish', '--registry', other.host, '--store', 'machine', '--insecure-registry', other.host, '--name-template', '{path}'];
      const outcome = await cli(args);
      // This registry takes no index whose other platforms are absent: said so, and settled by the flag.
      if (outcome.status !== 0) {
        expect(outcome.status).toBe(7);
        expect(outcome.stderr).toContain('--rewrite-indexes');
        await ok([...args, '--rewrite-indexes', '--record', 'rewrites.json']);
        expect(await readFile(join(folder, 'rewrites.json'), 'utf8')).toContain('sha256:');
      }
      expect(await must('skopeo', ['inspect', '--tls-verify=false', `docker://${other.host}/team/tool:1`])).toContain('"Architecture": "amd64"');
      await ok([...args, '--rewrite-indexes']);
    } finally {
      await other.stop();
    }
  });
});

describe('documents', () => {
  it('template passes check, and a second one is not written over it', async () => {
    for (const flags of [[], ['--all']]) {
      await ok(['template', '-o', 'template.yaml', ...flags, '--force']);
      await ok(['bom', 'check', '-f', 'template.yaml']);
    }
    expect((await cli(['template', '-o', 'template.yaml'])).status).toBe(2);
  });

  it('bom show, from stdin too', async () => {
    expect(await ok(['bom', 'show', '-f', '-'], await readFile(join(folder, 'site.yaml'), 'utf8'))).toContain('team/tool:1');
  });

  it('bom convert reads another system’s descriptor, and a project can name it', async () => {
    await writeFile(join(folder, 'docker-compose.yml'), 'services:\n  web:\n    image: docker.io/library/nginx:1.25\n');
    await ok(['bom', 'convert', 'docker-compose.yml', '--from', 'compose', '--name', 'web', '--out', 'web.yaml']);
    expect(await ok(['bom', 'show', '-f', 'web.yaml'])).toContain('docker.io/library/nginx:1.25');
    await writeFile(join(folder, 'adapted.yaml'), 'apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: adapted}\nspec: {modules: [{adapter: compose, from: docker-compose.yml}]}\n');
    expect(await ok(['bom', 'show', '-f', 'adapted.yaml'])).toContain('docker.io/library/nginx:1.25');
  });

  it('bom diff, graph and sbom', async () => {
    const before = (await readFile(join(folder, 'site.yaml'), 'utf8')).replace('{name: extra}', '{name: tool}').replace('version: "2"', 'version: "1"');
    await writeFile(join(folder, 'before.yaml'), before);
    expect(await ok(['bom', 'diff', 'before.yaml', 'site.yaml'])).toContain('extra');
    expect(await ok(['bom', 'graph', '-f', 'site.yaml', '--reverse'])).toMatch(/file one\.bin\n\s+wanted by module site/);
    expect(JSON.parse(await ok(['bom', 'sbom', '--format', 'cyclonedx']))).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    expect(JSON.parse(await ok(['bom', 'sbom', '--format', 'spdx']))).toMatchObject({ spdxVersion: 'SPDX-2.3' });
  });

  it('a mirror that registries.conf names is asked for what it mirrors', async () => {
    await writeFile(join(folder, 'registries.conf'), `[[registry]]\nprefix = "registry.example.org"\n[[registry.mirror]]\nlocation = "${registry.host}"\ninsecure = true\n`);
    await writeFile(join(folder, 'mirrored.yaml'), 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: mirrored, version: "1"}\nspec: {images: [{ref: "registry.example.org/team/tool:1", platforms: [linux/amd64]}]}\n');
    const outcome = await longshore(['lock', '-f', 'mirrored.yaml', '--lock', 'mirrored.lock.json'], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache'), CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf') } });
    expect(outcome.stderr).not.toContain('code:');
    expect(await readFile(join(folder, 'mirrored.lock.json'), 'utf8')).toContain('registry.example.org/team/tool:1');
  });

  it('what npm run build makes says its defects in positions of the sources', async () => {
    await must(process.execPath, [join(projectRoot, 'scripts/build.ts')]);
    const built = builtProgram(join(projectRoot, 'bin'));
    expect(built).toMatch(/\/dist\/[0-9a-f]{16}\/main\.js$/);
    const broken = 'data:text/javascript,process.stdout.write=()=>{throw new RangeError("no such luck")}';
    const { status, stderr } = await run(process.execPath, ['--import', broken, fileURLToPath(built ?? ''), '--version']);
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringMatching(/defect[\s\S]*no such luck[\s\S]* \(node_modules\/commander\/lib\/command\.js:\d+:\d+[\s\S]* \(bin\/program\.ts:\d+:\d+/) });
  });

  it('--values gives flags that the command line does not', async () => {
    await writeFile(join(folder, 'values.yaml'), 'store: valued\nlock: {insecure-registry: [' + `"${registry.host}"` + '], file: [site.yaml]}\n');
    await ok(['lock', '--values', 'values.yaml', '--lock', 'valued.lock.json']);
    expect(await stat(join(folder, 'valued/oci-layout'))).toBeTruthy();
    await writeFile(join(folder, 'values.yaml'), 'stroe: valued\n');
    const wrong = await cli(['plan', '--values', 'values.yaml']);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toMatch(/values\.yaml:1:1[\s\S]*store/);
    await rm(join(folder, 'valued'), { recursive: true });
  });
});
