import { createHash } from 'node:crypto';
import { Agent, get } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { digestOf } from '../../bom/digest.ts';
import type { Lock, LockedChart, LockedPackage } from '../../bom/lock.ts';
import type { Served } from '../../repository/content.ts';
import { rpmTag } from '../../formats/rpm/header.ts';
import { parseRepomd } from '../../formats/rpm/repomd.ts';
import { basicTags, makeRpm } from '../support/rpm-file.ts';
import { lockedRpm } from '../support/rpm-lock.ts';
import { type Bed, makeBed, makeDeb, makeFile, makeImage, makeLock, servedOf } from './support.ts';

const target = { id: 'debian-12-amd64', family: 'debian', arch: 'amd64' };
const signer = { clearsign: async (text: string): Promise<string> => text, detach: async (content: Uint8Array): Promise<string> => digestOf(content), publicKeyArmored: 'key' };
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const yumTarget = { id: 'alma-9', family: 'rhel', os: 'almalinux', release: '9', arch: 'amd64' };

async function makeLockedRpm(bed: Bed, version: string): Promise<LockedPackage> {
  const bytes = makeRpm('app', { tags: basicTags('app', [[rpmTag.version, { type: 'string', value: version }]]) });
  await bed.add('application/x-rpm', bytes);
  return lockedRpm(bytes, yumTarget.id);
}

async function makeChart(bed: Bed, version: string): Promise<LockedChart> {
  const { digest, size } = await bed.add('application/vnd.cncf.helm.chart.content.v1.tar+gzip', `chart ${version}`);
  return { name: 'app', version, path: `app-${version}.tgz`, urls: [], digest, size, metadata: { apiVersion: 'v2', description: 'app' }, trust: 'declared', usedBy: [] };
}

/** One generation: everything in it carries its number. */
async function generation(bed: Bed, number: number): Promise<Served> {
  const lock = makeLock('site', {
    targets: [target, yumTarget],
    images: [await makeImage(bed, 'docker.io/library/app:1', { layer: `layer ${number}` })],
    packages: [await makeDeb(bed, 'app', `${number}`, target.id), await makeDeb(bed, `only-in-${number}`, '1', target.id), await makeLockedRpm(bed, `${number}`)],
    charts: [await makeChart(bed, `${number}.0.0`)],
    files: [await makeFile(bed, 'version', `${number}`)],
  }, number);
  return servedOf(lock, 1_700_000_000 + number);
}

async function bytesOf(bed: Bed, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Buffer> {
  const response = await bed.ask(path, { headers });
  if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

/** What apt does: InRelease, the index it names by hash, every package that names. */
async function readApt(bed: Bed): Promise<string> {
  const root = '/apt/site/debian-12-amd64';
  const release = (await bytesOf(bed, `${root}/dists/debian-12-amd64/InRelease`)).toString();
  const hash = /([0-9a-f]{64}) +\d+ main\/binary-amd64\/Packages\n/.exec(release)?.[1] ?? '';
  const packages = await bytesOf(bed, `${root}/dists/debian-12-amd64/main/binary-amd64/by-hash/SHA256/${hash}`);
  expect(sha256(packages)).toBe(hash);
  for (const stanza of packages.toString().trim().split('\n\n')) {
    const deb = await bytesOf(bed, `${root}/${/^Filename: (.*)$/m.exec(stanza)?.[1]}`);
    expect(sha256(deb)).toBe(/^SHA256: (.*)$/m.exec(stanza)?.[1]);
  }
  return /^Package: app\nVersion: (\d+)$/m.exec(packages.toString())?.[1] ?? '';
}

/** What a registry client does: tag, manifest by digest, every blob it names. */
async function readImage(bed: Bed): Promise<void> {
  const head = await bed.ask('/v2/library/app/manifests/1', { method: 'HEAD' });
  const digest = head.headers.get('docker-content-digest') ?? '';
  const manifest = await bytesOf(bed, `/v2/library/app/manifests/${digest}`);
  expect(digestOf(manifest)).toBe(digest);
  const { config, layers } = JSON.parse(manifest.toString()) as { config: { digest: string }; layers: { digest: string }[] };
  for (const blob of [config, ...layers]) expect(digestOf(await bytesOf(bed, `/v2/library/app/blobs/${blob.digest}`))).toBe(blob.digest);
}

/** What zypper has: one connection of its own. */
const zypper = new Agent({ keepAlive: true, maxSockets: 1 });

function askAsZypper(bed: Bed, path: string): Promise<Buffer> {
  return new Promise((done, fail) => {
    get(`${bed.origin}${path}`, { agent: zypper, headers: { 'user-agent': 'ZYpp 17.31.8 (curl 8.0.1)' } }, (answer) => { buffer(answer).then(done, fail); }).once('error', fail);
  });
}

/** What dnf does (repomd.xml, its signature, every index that it names, every package that these name), and zypper, which begins with the signature: all behind one address. */
async function readYum(bed: Bed, client: 'dnf' | 'zypper'): Promise<void> {
  const root = '/yum/site/alma-9';
  const ask = (name: string): Promise<Buffer> => (client === 'zypper' ? askAsZypper(bed, `${root}/repodata/${name}`) : bytesOf(bed, `${root}/repodata/${name}`));
  const early = client === 'zypper' ? await ask('repomd.xml.asc') : undefined;
  const repomd = await ask('repomd.xml');
  expect((early ?? (await ask('repomd.xml.asc'))).toString()).toBe(digestOf(repomd));
  for (const { type, location, checksum } of parseRepomd(repomd, 'repomd').files) {
    const index = await bytesOf(bed, `${root}/${location}`);
    expect([type, sha256(index)]).toEqual([type, checksum.value]);
    if (type !== 'primary') continue;
    for (const [, digest, path] of gunzipSync(index).toString().matchAll(/<checksum type="sha256" pkgid="YES">([0-9a-f]{64})<\/checksum>[\s\S]*?<location href="([^"]+)"/g)) expect(sha256(await bytesOf(bed, `${root}/${path}`))).toBe(digest);
  }
}

/** What debmirror does, and apt of old: Release, and its signature from a file of its own. */
async function readRelease(bed: Bed): Promise<void> {
  const release = await bytesOf(bed, '/apt/site/debian-12-amd64/dists/debian-12-amd64/Release');
  expect((await bytesOf(bed, '/apt/site/debian-12-amd64/dists/debian-12-amd64/Release.gpg')).toString()).toBe(digestOf(release));
}

/** What helm does: the index, and the charts with the digests that it gives. */
async function readCharts(bed: Bed): Promise<void> {
  const { entries } = parse((await bytesOf(bed, '/charts/index.yaml')).toString()) as { entries: Record<string, { digest: string; urls: string[] }[]> };
  expect(entries['app']).toHaveLength(1);
  for (const { digest, urls } of entries['app'] ?? []) expect(sha256(await bytesOf(bed, `/charts/${urls[0]?.split('/').at(-1)}`))).toBe(digest.replace('sha256:', ''));
}

/** Each answer of the API and of a page is of one generation. */
async function readApi(bed: Bed): Promise<void> {
  const lock = JSON.parse((await bytesOf(bed, '/api/v1/projects/site/lock')).toString()) as Lock;
  const number = String(lock.metadata.sequence);
  expect([lock.spec.packages.find(({ name }) => name === 'app')?.version, lock.spec.charts[0]?.version]).toEqual([number, `${number}.0.0`]);
  const { artifacts } = JSON.parse((await bytesOf(bed, '/api/v1/artifacts')).toString()) as { artifacts: { kind: string; name: string; digest: string }[] };
  const versions = new Set([...artifacts.filter(({ kind }) => kind === 'chart').map(({ name }) => name.slice(4, 5)), ...artifacts.filter(({ name }) => name.startsWith('only-in-')).map(({ name }) => name.slice(8, 9))]);
  expect(versions.size).toBe(1);
  for (const path of ['/api/v1/projects', '/api/v1/projects/site/sbom.cdx.json', '/api/v1/projects/site/sbom.spdx.json']) JSON.parse((await bytesOf(bed, path)).toString());
  const page = (await bytesOf(bed, '/')).toString();
  expect(new Set([...page.matchAll(/only-in-(\d)|app (\d)\.0\.0/g)].map(([, deb, chart]) => deb ?? chart)).size).toBe(1);
}

/** Names in the registry: what is listed can be asked for. */
async function readNames(bed: Bed): Promise<void> {
  const { repositories } = JSON.parse((await bytesOf(bed, '/v2/_catalog')).toString()) as { repositories: string[] };
  expect(repositories).toContain('docker.io/library/app');
  const { tags } = JSON.parse((await bytesOf(bed, '/v2/docker.io/library/app/tags/list')).toString()) as { tags: string[] };
  expect(tags).toEqual(['1']);
}

describe('a switch of generations', () => {
  it('is made ready when it is told of: the first request after it gets what is new', async () => {
    let tell = (): void => {};
    const bed = await makeBed({ watch: (listener) => { tell = listener; } });
    bed.served.push({ lock: makeLock('site', { files: [await makeFile(bed, 'new', 'new')] }), generation: 1, date: 1_700_000_000 });
    tell();
    await setImmediate();
    expect((await bed.ask('/files/new')).status).toBe(200);
    await bed.close();
  });

  it('is never seen half done: clients that read all the time during 200 switches and rollbacks get whole, consistent answers', async () => {
    const bed = await makeBed({ signer });
    const generations = await Promise.all([1, 2, 3].map((number) => generation(bed, number)));
    let date = 1_700_000_000;
    bed.served.push(generations[0] as Served);
    await bed.service.settled();
    let over = false;
    let reads = 0;
    let yum = 0;
    const seen = new Set<string>();
    const hammer = async (read: () => Promise<unknown>): Promise<void> => {
      while (!over) { await read(); reads += 1; }
    };
    const clients = [
      hammer(async () => { seen.add(await readApt(bed)); }), hammer(() => readApt(bed)), hammer(() => readImage(bed)),
      hammer(async () => {
        const sums = (await bytesOf(bed, '/files/SHA256SUMS')).toString();
        expect(['1', '2', '3'].map((text) => `${sha256(Buffer.from(text))}  version\n`)).toContain(sums);
      }),
      hammer(async () => { await readYum(bed, 'dnf'); yum += 1; }), hammer(() => readYum(bed, 'dnf')), hammer(async () => { await readYum(bed, 'zypper'); yum += 1; }), hammer(() => readRelease(bed)),
      hammer(() => readCharts(bed)), hammer(() => readApi(bed)), hammer(() => readNames(bed)),
    ];
    const failed = Promise.all(clients);
    for (let i = 0; i < 200; i += 1) {
      date += 1;
      bed.served[0] = { ...(generations[[1, 2, 0, 2, 1, 0][i % 6] ?? 0] as Served), date };
      await Promise.race([bed.service.settled(), failed]);
      await new Promise((done) => { setTimeout(done, 5); });
    }
    over = true;
    await failed;
    expect(reads).toBeGreaterThan(100);
    expect(yum).toBeGreaterThan(20);
    expect([...seen].sort()).toEqual(['1', '2', '3']);
    expect(await readApt(bed)).toBe(generations[[1, 2, 0, 2, 1, 0][199 % 6] ?? 0]?.lock.metadata.sequence.toString());
    zypper.destroy();
    await bed.close();
  });

  it('leaves what a client of the last generation still has to fetch: digests, by-hash indexes, packages; not names', async () => {
    const bed = await makeBed({ signer });
    const [first, second] = [await generation(bed, 1), await generation(bed, 2)];
    bed.served.push(first);
    await bed.service.settled();
    const image = first.lock.spec.images[0];
    const deb = '/apt/site/debian-12-amd64/pool/main/only-in-1_1_amd64.deb';
    bed.served[0] = second;
    await bed.service.settled();
    expect((await bed.ask(`/v2/library/app/manifests/${image?.digest}`)).status).toBe(200);
    expect((await bed.ask(`/v2/docker.io/library/app/blobs/${image?.blobs[1]?.digest}?`)).status).toBe(200);
    expect((await bed.ask(`/v2/library/app/blobs/${image?.blobs[1]?.digest}?ns=docker.io`)).status).toBe(200);
    expect((await bed.ask(deb)).status).toBe(200);
    expect((await bed.ask('/v2/library/app/manifests/1', { method: 'HEAD' })).headers.get('docker-content-digest')).toBe(second.lock.spec.images[0]?.digest);
    expect((await (await bed.ask('/api/v1/artifacts?q=only-in-1')).json() as { artifacts: unknown[] }).artifacts).toEqual([]);
    await bed.close();
  });

  it('leaves them over a restart too, when the content says what was before', async () => {
    const bed = await makeBed({ signer });
    const [first, second] = [await generation(bed, 1), await generation(bed, 2)];
    const restarted = await makeBed({ folder: bed.folder, signer });
    restarted.served.push({ ...second, older: [first.lock] });
    await restarted.service.settled();
    expect((await restarted.ask(`/v2/library/app/manifests/${first.lock.spec.images[0]?.digest}`)).status).toBe(200);
    expect((await restarted.ask('/apt/debian-12-amd64/pool/main/only-in-1_1_amd64.deb')).status).toBe(200);
    await restarted.close();
    await bed.close();
  });

  it('that cannot be made leaves the last one served, and is tried again', async () => {
    let broken = false;
    const failures: string[] = [];
    const bed = await makeBed({
      signer: { ...signer, clearsign: async (text) => { if (broken) throw new Error('the key is gone'); return text; } },
      log: (record) => { if (record.failure !== undefined) failures.push(record.failure); },
    });
    const [first, second] = [await generation(bed, 1), await generation(bed, 2)];
    bed.served.push(first);
    await bed.service.settled();
    broken = true;
    bed.served[0] = second;
    await bed.service.settled();
    expect([await readApt(bed), failures[0]]).toEqual(['1', 'Error: the key is gone']);
    broken = false;
    await bed.service.settled();
    expect(await readApt(bed)).toBe('2');
    await bed.close();
  });
});
