import { beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { silent } from '../../bom/events.ts';
import type { Resolution } from '../../bom/ports.ts';
import type { AddressedPackageRequirement, PackageSetRequirement } from '../../bom/requirement.ts';
import { createAptSource } from '../../downloader/sources/apt.ts';
import { clientOver, makeRepository, makeTestKey, stanza, type TestKey } from '../support/apt-repository.ts';
import { debFile } from '../support/deb-file.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';

const at = { file: 'bom.yaml', line: 7, column: 3 };
const address = 'https://dl.example.org/app_2_amd64.deb';
const app = debFile({ Package: 'app', Version: '2', Architecture: 'amd64', Depends: 'lib (>= 2), tool' });
let key: TestKey;
let files: Map<string, Uint8Array>;
beforeAll(async () => {
  key = await makeTestKey();
  files = await makeRepository([stanza('app'), stanza('lib', { Version: '2' }), stanza('tool'), stanza('other', { Depends: 'app' })], { key });
  files.set(address, app);
});

function set(urls: readonly Partial<AddressedPackageRequirement>[], more: Partial<PackageSetRequirement> = {}): PackageSetRequirement {
  return {
    kind: 'deb', id: 'm/set', usedBy: ['m'], at: [at], target: { id: 'deb12', family: 'debian', os: 'debian', release: '12', arch: 'amd64' },
    repositories: [{ id: 'main', manager: 'deb', at, line: 'deb http://apt.example.org/debian stable main', keys: [{ path: '/key.asc' }], trusted: false }],
    role: 'normal', dependencies: 'closure', weakDependencies: false, arches: [], include: [], urls: urls.map((url) => ({ at, ...url })), ...more,
  };
}

interface Setting { readonly wanted: PackageSetRequirement; readonly content?: ReadonlyMap<string, Uint8Array>; readonly blobs?: MemoryBlobs }

async function resolve({ wanted, content = files, blobs = new MemoryBlobs() }: Setting): Promise<Resolution<'deb'> & { readonly asked: readonly string[] }> {
  const http = clientOver(content);
  const apt = createAptSource({ http, blobs, now: () => new Date('2026-03-01T00:00:00Z'), notify: silent, readFile: async () => Buffer.from(key.publicKey) });
  return { ...await apt.resolve([wanted], new AbortController().signal), asked: http.asked };
}

const named = (resolution: Resolution<'deb'>): string[] => resolution.artifacts.map(({ name, version }) => `${name} ${version}`);

describe('.deb files by address', () => {
  it('are wanted, in their version, with what they depend on', async () => {
    const blobs = new MemoryBlobs();
    const resolution = await resolve({ wanted: set([{ url: address }]), blobs });
    expect(named(resolution)).toEqual(['app 2', 'lib 2', 'tool 1']);
    expect(resolution.artifacts[0]).toMatchObject({
      digest: digestOf(app), size: app.length, urls: [address], repo: '', path: 'pool/a/app/app_2_amd64.deb', reason: 'requested', trust: 'first-use', sets: ['m/set'],
      stanza: `Package: app\nVersion: 2\nArchitecture: amd64\nDepends: lib (>= 2), tool\nSize: ${app.length}\nSHA256: ${digestOf(app).slice(7)}`,
    });
    expect(resolution.packageSets).toMatchObject([{ requested: ['app=2'] }]);
    expect(blobs.blobs.get(digestOf(app))).toEqual(app);
  });

  it('meet what others of the set need', async () => {
    const include = [{ spec: 'other', versions: 'newest' as const, at }];
    expect(named(await resolve({ wanted: set([{ url: address }], { include }) }))).toEqual(['app 2', 'lib 2', 'other 1', 'tool 1']);
  });

  it('are fetched once when their digest is declared, and need no repository of their own', async () => {
    const blobs = new MemoryBlobs();
    const wanted = set([{ url: address, digest: digestOf(app) }], { repositories: [], dependencies: 'none' });
    const first = await resolve({ wanted, blobs });
    expect(first.artifacts).toMatchObject([{ name: 'app', trust: 'declared' }]);
    expect((await resolve({ wanted, blobs })).asked).toEqual([]);
  });

  it('that a repository has too come from there', async () => {
    const twin = await makeRepository([stanza('app', { Version: '2', SHA256: digestOf(app).slice(7), Size: String(app.length) })], { key });
    const resolution = await resolve({ wanted: set([{ url: address }]), content: new Map([...twin, [address, app]]) });
    expect(resolution.artifacts).toMatchObject([{ name: 'app', repo: 'main', trust: 'verified' }]);
  });

  it.each<[string, () => Promise<ReadonlyMap<string, Uint8Array>>, string, Partial<AddressedPackageRequirement>]>([
    ['with other content than the repository has', async () => new Map([...await makeRepository([stanza('app', { Version: '2' })], { key }), [address, app]]), 'RESOLVE_CONFLICT', {}],
    ['for another architecture', async () => new Map([...files, [address, debFile({ Package: 'app', Version: '2', Architecture: 'arm64' })]]), 'RESOLVE_NOT_FOUND', {}],
    ['that are none', async () => new Map([...files, [address, Buffer.from('<html>')]]), 'INTEGRITY_METADATA', {}],
    ['with a name that no package has', async () => new Map([...files, [address, debFile({ Package: '../app', Version: '2', Architecture: 'all' })]]), 'INTEGRITY_METADATA', {}],
    ['with a malformed version', async () => new Map([...files, [address, debFile({ Package: 'app', Version: 'x y', Architecture: 'all' })]]), 'INTEGRITY_METADATA', {}],
    ['that need what nobody has', async () => new Map([...files, [address, debFile({ Package: 'app', Version: '2', Architecture: 'all', Depends: 'gone' })]]), 'RESOLVE_UNSOLVABLE', {}],
    ['that are not there', async () => new Map([...files].filter(([url]) => url !== address)), 'RESOLVE_NOT_FOUND', {}],
    ['that are not what was declared', async () => files, 'INTEGRITY_DIGEST', { digest: digestOf('other') }],
  ])('%s are refused', async (_, content, code, more) => {
    const blobs = new MemoryBlobs();
    await expect(resolve({ wanted: set([{ url: address, ...more }]), content: await content(), blobs })).rejects.toMatchObject({ code });
  });
});
