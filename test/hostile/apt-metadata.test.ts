// What a hostile or broken apt repository may say: each is refused with its code, and the store is as it was but for metadata that was verified.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { silent } from '../../bom/events.ts';
import type { PackageSetRequirement } from '../../bom/requirement.ts';
import { createAptSource } from '../../downloader/sources/apt.ts';
import { gzip, xzCompress } from '../../formats/compression.ts';
import { Store } from '../../store/store.ts';
import { clientOver, makeRepository, makeTestKey, type RepositoryOptions, stanza, type TestKey } from '../support/apt-repository.ts';
import { temporaryFolder } from '../support/temporary.ts';

const at = { file: 'bom.yaml', line: 7, column: 3 };
const uri = 'http://apt.example.org/debian';
const release = `${uri}/dists/stable/InRelease`;
const index = `${uri}/dists/stable/main/binary-amd64/Packages.gz`;
let key: TestKey;
let other: TestKey;
beforeAll(async () => { [key, other] = await Promise.all([makeTestKey(), makeTestKey()]); });

const set: PackageSetRequirement = {
  kind: 'deb', id: 'm/set', usedBy: ['m'], at: [at], target: { id: 't', family: 'debian', os: 'debian', release: '12', arch: 'amd64' },
  repositories: [{ id: 'main', manager: 'deb', at, line: `deb ${uri} stable main`, keys: [{ path: '/key.asc' }], trusted: false }],
  role: 'normal', dependencies: 'closure', weakDependencies: false, arches: [], include: [{ spec: 'app', versions: 'newest', at }], urls: [],
};

const good = (more: RepositoryOptions = {}): Promise<Map<string, Uint8Array>> => makeRepository([stanza('app')], { key, ...more });
async function changed(url: string, change: (bytes: Buffer) => Uint8Array): Promise<Map<string, Uint8Array>> {
  const files = await good();
  return files.set(url, change(Buffer.from(files.get(url) ?? '')));
}

/** Everything below the store but its own index and markers. */
async function leftIn(root: string): Promise<string[]> {
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  return names.filter((entry) => entry.isFile() && !/^(index\.db.*|oci-layout|index\.json)$/.test(entry.name)).map(({ name }) => name);
}

interface Case { readonly what: string; readonly code: string; readonly files: () => Promise<ReadonlyMap<string, Uint8Array>>; readonly verified: readonly string[] }

const cases: readonly Case[] = [
  { what: 'a wrong signature', code: 'INTEGRITY_SIGNATURE', verified: [], files: () => changed(release, (text) => Buffer.from(text.toString().replace('Origin: Test', 'Origin: Best'))) },
  { what: 'no signature', code: 'INTEGRITY_SIGNATURE', verified: [], files: () => makeRepository([stanza('app')]) },
  { what: 'a signature by another key', code: 'INTEGRITY_SIGNATURE', verified: [], files: () => good({ key: other }) },
  { what: 'an expired Release', code: 'INTEGRITY_EXPIRED', verified: [release], files: () => good({ validUntil: new Date('2026-02-08T00:00:00Z') }) },
  { what: 'a replayed older Release', code: 'INTEGRITY_EXPIRED', verified: [release], files: () => good({ date: new Date('2026-01-15T00:00:00Z') }) },
  { what: 'an index that does not match its Release', code: 'INTEGRITY_DIGEST', verified: [release], files: () => changed(index, (bytes) => Uint8Array.from(bytes, (value, place) => (place === 20 ? value ^ 1 : value))) },
  { what: 'a truncated xz', code: 'INTEGRITY_METADATA', verified: [release, index.replace('.gz', '.xz')], files: () => good({ extension: '.xz', encode: (bytes) => xzCompress(bytes).subarray(0, 60) }) },
  { what: 'an xz bomb', code: 'INTEGRITY_METADATA', verified: [release, index.replace('.gz', '.xz')], files: () => good({ extension: '.xz', encode: () => { const part = xzCompress(Buffer.alloc(8 << 20)); return Buffer.concat(Array.from({ length: 140 }, () => part)); } }) },
  { what: 'a gzip bomb', code: 'INTEGRITY_METADATA', verified: [release, index], files: () => good({ encode: () => gzip(Buffer.alloc(64 << 20, 'x')) }) },
  { what: 'a stanza of 100 MB', code: 'INTEGRITY_METADATA', verified: [release, index], files: () => good({ encode: () => gzip(Buffer.concat([Buffer.from('Package: app\nVersion: 1\nArchitecture: amd64\nDescription: '), Buffer.alloc(100 << 20, 'x'), Buffer.from('\n')])) }) },
  { what: 'a Filename that leaves the pool', code: 'INTEGRITY_METADATA', verified: [release, index], files: () => makeRepository([stanza('app', { Filename: 'pool/../../app.deb' })], { key }) },
  { what: 'a Filename over two lines', code: 'INTEGRITY_METADATA', verified: [release, index], files: () => makeRepository([stanza('app', { Filename: 'pool/app.deb\n ../../x.deb' })], { key }) },
  { what: 'a name over two lines', code: 'RESOLVE_NOT_FOUND', verified: [release, index], files: () => good({ encode: () => gzip(Buffer.from('Package: app\n Filename: x\nVersion: 1\nArchitecture: amd64\n')) }) },
  { what: 'a Filename that stands twice', code: 'INTEGRITY_METADATA', verified: [release, index], files: () => makeRepository([`${stanza('app')}\nFilename: pool/other.deb`], { key }) },
  { what: 'a Version over two lines', code: 'INTEGRITY_METADATA', verified: [release, index], files: () => makeRepository([stanza('app', { Version: '1\n 2' })], { key }) },
  { what: 'an absolute Filename', code: 'INTEGRITY_METADATA', verified: [release, index], files: () => makeRepository([stanza('app', { Filename: '/etc/passwd' })], { key }) },
  { what: 'a Filename of another host', code: 'INTEGRITY_METADATA', verified: [release, index], files: () => makeRepository([stanza('app', { Filename: 'http://evil.example.org/app.deb' })], { key }) },
  { what: 'a negative Size', code: 'INTEGRITY_METADATA', verified: [release, index], files: () => makeRepository([stanza('app', { Size: '-1' })], { key }) },
  { what: 'a SHA256 that is none', code: 'INTEGRITY_METADATA', verified: [release, index], files: () => makeRepository([stanza('app', { SHA256: 'z'.repeat(64) })], { key }) },
  { what: 'a NUL in a version', code: 'INTEGRITY_METADATA', verified: [release, index], files: () => makeRepository([stanza('app', { Version: '1\0' })], { key }) },
  { what: 'a stanza without Package', code: 'RESOLVE_NOT_FOUND', verified: [release, index], files: () => good({ encode: () => gzip(Buffer.from('Version: 1\nArchitecture: amd64\n')) }) },
  { what: 'a stanza without Version', code: 'RESOLVE_NOT_FOUND', verified: [release, index], files: () => good({ encode: () => gzip(Buffer.from('Package: app\nArchitecture: amd64\n')) }) },
  { what: 'a line that is no field', code: 'INTEGRITY_METADATA', verified: [release, index], files: () => good({ encode: () => gzip(Buffer.from('Package: app\nVersion: 1\nthis is no field\n')) }) },
  { what: 'a zstd bomb', code: 'INTEGRITY_METADATA', verified: [release, index.replace('.gz', '.zst')], files: () => good({ extension: '.zst', encode: () => zstdCompressSync(Buffer.alloc(64 << 20, 'x')) }) },
  { what: 'a cycle of Provides that needs what nobody is', code: 'RESOLVE_UNSOLVABLE', verified: [release, index], files: () => makeRepository([stanza('app', { Depends: 'a (>= 2)' }), stanza('a', { Provides: 'b (= 2)', Depends: 'b (>= 3)' }), stanza('c', { Provides: 'a (= 2)', Depends: 'a (>= 2), b (>= 3)' })], { key }) },
];

describe('hostile apt metadata', () => {
  it.each(cases)('$what: $code', async ({ code, files: made, verified }) => {
    const root = join(await temporaryFolder('hostile-apt'), 'store');
    const store = await Store.open(root, { create: true });
    const files = await made();
    const http = clientOver(files);
    const previous = [{ id: 'main', target: 't', manager: 'deb' as const, uri, suite: 'stable', date: '2026-01-20T00:00:00Z', metadata: { mediaType: 'text/plain', digest: digestOf(new Uint8Array()), size: 0 }, indexes: [], keys: [], keyFingerprints: [], verified: true, waivers: [] }];
    const apt = createAptSource({
      http, blobs: store, notify: silent, now: () => new Date('2026-03-01T00:00:00Z'), readFile: async () => Buffer.from(key.publicKey), previous,
      cacheFolder: store.cacheFolder, spoolDir: store.spoolFolder, concurrency: 1,
    });
    await expect(apt.resolve([set], new AbortController().signal)).rejects.toMatchObject({ code });
    store.close();
    const allowed = [...verified.map((url) => digestOf(files.get(url) ?? new Uint8Array())), digestOf(Buffer.from(key.publicKey))].map((digest) => digest.slice(7));
    const left = (await leftIn(root)).filter((name) => !allowed.includes(name));
    expect(left.filter((name) => !name.endsWith('.universe')), 'nothing half-written').toEqual([]);
    expect(http.asked.every((url) => url.startsWith(`${uri}/`)), 'nothing but the source named was asked').toBe(true);
  }, 120_000);

  it('a Filename that is escaped dots is asked for as it stands, and is no path of the mirror', async () => {
    const root = join(await temporaryFolder('hostile-apt'), 'store');
    const store = await Store.open(root, { create: true });
    const files = await makeRepository([stanza('app', { Filename: 'pool/%2e%2e/%2e%2e/app.deb' }), stanza('app', { Filename: 'pool/second.deb' })], { key });
    const apt = createAptSource({ http: clientOver(files), blobs: store, notify: silent, now: () => new Date('2026-03-01T00:00:00Z'), readFile: async () => Buffer.from(key.publicKey), cacheFolder: store.cacheFolder, spoolDir: store.spoolFolder, concurrency: 1 });
    const { artifacts } = await apt.resolve([set], new AbortController().signal);
    expect(artifacts.map(({ urls, path }) => [urls, path])).toEqual([[[`${uri}/pool/%252e%252e/%252e%252e/app.deb`], 'pool/a/app/app_1_amd64.deb']]);
    store.close();
  });

  it('a package whose hash does not match is not kept', async () => {
    const root = join(await temporaryFolder('hostile-apt'), 'store');
    const store = await Store.open(root, { create: true });
    const files = await good();
    files.set(`${uri}/pool/app_1_amd64.deb`, Buffer.from('app 2 amd64'));
    const apt = createAptSource({ http: clientOver(files), blobs: store, notify: silent, now: () => new Date('2026-03-01T00:00:00Z'), readFile: async () => Buffer.from(key.publicKey), cacheFolder: store.cacheFolder, spoolDir: store.spoolFolder, concurrency: 1 });
    const { signal } = new AbortController();
    const [artifact] = (await apt.resolve([set], signal)).artifacts;
    if (artifact === undefined) throw new Error('nothing resolved');
    const blob = { mediaType: 'application/vnd.debian.binary-package', digest: artifact.digest, size: artifact.size };
    await expect(store.fill(blob, (offset) => apt.fetch(artifact, blob, { offset, signal }), signal)).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST' });
    expect(await store.has(artifact.digest)).toBe(false);
    expect(await readdir(store.spoolFolder)).toEqual([]);
    store.close();
  });

  it('a universe kept from before that was damaged is made again', async () => {
    const root = join(await temporaryFolder('hostile-apt'), 'store');
    const store = await Store.open(root, { create: true });
    const options = { http: clientOver(await good()), blobs: store, notify: silent, now: () => new Date('2026-03-01T00:00:00Z'), readFile: async () => Buffer.from(key.publicKey), cacheFolder: store.cacheFolder, spoolDir: store.spoolFolder, concurrency: 1 };
    const lock = async (): Promise<string[]> => (await createAptSource(options).resolve([set], new AbortController().signal)).artifacts.map(({ name, version, stanza: text }) => `${name} ${version} ${text.length}`);
    const first = await lock();
    const { open } = await import('node:fs/promises');
    for (const name of await readdir(store.cacheFolder)) {
      for (const place of [30, 200, 1500, 4000]) {
        const file = await open(join(store.cacheFolder, name), 'r+');
        const { size } = await file.stat();
        if (place < size) await file.write(Buffer.from([0xff, 0x17]), 0, 2, place);
        await file.close();
        // Damage in a stanza is found when it is read; the next run has forgotten it.
        const again = await lock().catch((error: { code?: string }) => error.code);
        if (again === 'INTEGRITY_METADATA') expect(await lock()).toEqual(first);
        else expect(again).toEqual(first);
      }
      const file = await open(join(store.cacheFolder, name), 'r+');
      await file.truncate(100);
      await file.close();
      expect(await lock()).toEqual(first);
    }
    store.close();
  });
});
