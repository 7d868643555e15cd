import { beforeAll, describe, expect, it } from 'vitest';
import { silent } from '../../bom/events.ts';
import type { Resolution } from '../../bom/ports.ts';
import type { PackageSetRequirement, RepositoryRequirement } from '../../bom/requirement.ts';
import { createAptSource } from '../../downloader/sources/apt.ts';
import { xzCompress } from '../../formats/compression.ts';
import { clientOver, makeRepository, makeTestKey, type RepositoryOptions, stanza, type TestKey } from '../support/apt-repository.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';

const at = { file: 'bom.yaml', line: 7, column: 3 };
const now = new Date('2026-03-01T00:00:00Z');
let key: TestKey;
let other: TestKey;
beforeAll(async () => { [key, other] = await Promise.all([makeTestKey(), makeTestKey()]); });

function repository(more: Partial<RepositoryRequirement> = {}): RepositoryRequirement {
  return { id: 'main', manager: 'deb', at, line: 'deb http://apt.example.org/debian stable main', keys: [{ path: '/key.asc' }], trusted: false, ...more };
}

function set(specs: readonly string[], more: Partial<PackageSetRequirement> = {}): PackageSetRequirement {
  return {
    kind: 'deb', id: 'm/set', usedBy: ['m'], at: [at], target: { id: 'deb12', family: 'debian', os: 'debian', release: '12', arch: 'amd64' }, repositories: [repository()],
    role: 'normal', dependencies: 'closure', weakDependencies: false, arches: [], include: specs.map((spec) => ({ spec, versions: 'newest' as const, at })), urls: [], ...more,
  };
}

interface Setting { readonly files: ReadonlyMap<string, Uint8Array>; readonly blobs?: MemoryBlobs; readonly texts?: Readonly<Record<string, string>> }

function source({ files, blobs = new MemoryBlobs(), texts = {} }: Setting) {
  const http = clientOver(files);
  const readFile = async (path: string): Promise<Uint8Array> => Buffer.from(texts[path] ?? key.publicKey);
  return { http, blobs, apt: createAptSource({ http, blobs, now: () => now, notify: silent, readFile }) };
}

async function resolve(setting: Setting, ...sets: readonly PackageSetRequirement[]): Promise<Resolution<'deb'>> {
  return source(setting).apt.resolve(sets, new AbortController().signal);
}

const named = (resolution: Resolution<'deb'>): string[] => resolution.artifacts.map(({ name, version, arch }) => `${name} ${version} ${arch}`);
const stanzas = [
  stanza('app', { Depends: 'lib (>= 2) | old, tool', Recommends: 'extra' }), stanza('lib', { Version: '1:2.0-1', Architecture: 'all', Description: 'a library' }),
  stanza('tool', { Version: '1' }), stanza('tool', { Version: '2' }), stanza('extra'), stanza('lonely'),
];
const signed = (more: RepositoryOptions = {}): Promise<Map<string, Uint8Array>> => makeRepository(stanzas, { key, ...more });

describe('resolve', () => {
  it('locks the closure with addresses, stanzas, reasons and a verified repository', async () => {
    const resolution = await resolve({ files: await signed() }, set(['app']));
    expect(named(resolution)).toEqual(['app 1 amd64', 'lib 1:2.0-1 all', 'tool 2 amd64']);
    expect(resolution.artifacts[1]).toMatchObject({
      target: 'deb12', manager: 'deb', name: 'lib', version: '1:2.0-1', arch: 'all', repo: 'main', urls: ['http://apt.example.org/debian/pool/lib_2.0-1_all.deb'],
      path: 'pool/lib/lib/lib_2.0-1_all.deb', role: 'normal', reason: 'depends', requiredBy: 'app', sets: ['m/set'], trust: 'verified', usedBy: ['m'],
    });
    expect(resolution.artifacts[1]?.stanza).toMatch(/^Package: lib\n[\s\S]*Description: a library$/);
    expect(resolution.artifacts[1]?.stanza).not.toContain('Filename');
    expect(resolution.repositories).toMatchObject([{
      id: 'main', target: 'deb12', uri: 'http://apt.example.org/debian', suite: 'stable', components: ['main'], architectures: ['amd64'], origin: 'Test', date: '2026-02-01T00:00:00Z',
      indexes: [{ path: 'dists/stable/main/binary-amd64/Packages.gz' }], keyFingerprints: [key.signing.fingerprint], verified: true, waivers: [],
    }]);
    expect(resolution.packageSets).toEqual([{ id: 'm/set', target: 'deb12', engine: 'apt-classic', mode: 'closure', requested: ['app'], exact: true, notes: [] }]);
  });

  it('takes Recommends, one level, or nothing more, as the set says', async () => {
    const files = await signed();
    expect(named(await resolve({ files }, set(['app'], { weakDependencies: true })))).toContain('extra 1 amd64');
    expect(named(await resolve({ files }, set(['app'], { dependencies: 'none' })))).toEqual(['app 1 amd64']);
    expect(named(await resolve({ files }, set(['app'], { dependencies: 'direct' })))).toEqual(['app 1 amd64', 'lib 1:2.0-1 all', 'tool 2 amd64']);
  });

  it('takes pinned versions, globs, suites and all versions', async () => {
    const files = await signed();
    expect(named(await resolve({ files }, set(['tool=1'])))).toEqual(['tool 1 amd64']);
    expect(named(await resolve({ files }, set(['lib=1:2.*'])))).toEqual(['lib 1:2.0-1 all']);
    expect(named(await resolve({ files }, set(['tool/stable'])))).toEqual(['tool 2 amd64']);
    const every = set([], { include: [{ spec: 'tool', versions: 'all', at }] });
    expect(named(await resolve({ files }, every))).toEqual(['tool 1 amd64', 'tool 2 amd64']);
  });

  it('joins sets: what two want stands once, and tells both', async () => {
    const files = await signed();
    const resolution = await resolve({ files }, set(['app']), set(['tool'], { id: 'n/set', usedBy: ['n'], role: 'bootstrap' }));
    expect(resolution.artifacts.find(({ name }) => name === 'tool')).toMatchObject({ sets: ['m/set', 'n/set'], usedBy: ['m', 'n'], reason: 'requested', role: 'bootstrap' });
    const apart = await resolve({ files }, set(['tool=1']), set(['tool=2'], { id: 'n/set' }));
    expect(named(apart)).toEqual(['tool 1 amd64', 'tool 2 amd64']);
  });

  it('takes packages of other architectures that the set names', async () => {
    const files = new Map([...await signed({ release: { Architectures: 'amd64 i386' } })]);
    const foreign = await makeRepository([stanza('wine', { Architecture: 'i386', Depends: 'lib' })], { key, suite: 'extra', architecture: 'i386' });
    const repositories = [repository(), repository({ id: 'extra', line: 'deb [arch=i386] http://apt.example.org/debian extra main' })];
    const lib = stanza('lib', { Version: '3', Architecture: 'amd64', 'Multi-Arch': 'foreign' });
    const native = await makeRepository([lib], { key, suite: 'stable' });
    expect(named(await resolve({ files: new Map([...files, ...foreign, ...native]) }, set(['wine:i386'], { repositories, arches: ['amd64', 'i386', 'all'] })))).toEqual(['lib 3 amd64', 'wine 1 i386']);
  });

  it('reads several stanzas of sources, each with its keys, and passes over what is off or for other architectures', async () => {
    const { line: _, ...rest } = repository({ keys: [] });
    const files = new Map([...await signed(), ...await makeRepository([stanza('more', { Depends: 'app' })], { key, suite: 'extra' }), ...await makeRepository([stanza('late', { Depends: 'more' })], { key: other, suite: 'late' })]);
    const stanzaOf = (suite: string, signer: TestKey | string, more = ''): string => {
      const signedBy = typeof signer === 'string' ? ` ${signer}` : `\n${signer.publicKey.trim().split('\n').map((each) => ` ${each === '' ? '.' : each}`).join('\n')}`;
      return `Types: deb\nURIs: http://apt.example.org/debian\nSuites: ${suite}\nComponents: main\n${more}Signed-By:${signedBy}\n`;
    };
    const sourcesOf = (...texts: readonly string[]): Partial<PackageSetRequirement> => ({ repositories: [{ ...rest, sources: { text: texts.join('\n'), at } }] });
    const resolution = await resolve({ files }, set(['late'], sourcesOf(stanzaOf('stable extra', '/key.asc'), stanzaOf('late', other), stanzaOf('gone', other, 'Enabled: no\n'), stanzaOf('ports', other, 'Architectures: arm64\n'))));
    expect(named(resolution)).toEqual(['app 1 amd64', 'late 1 amd64', 'lib 1:2.0-1 all', 'more 1 amd64', 'tool 2 amd64']);
    expect(resolution.repositories?.map(({ id, keyFingerprints }) => [id, ...keyFingerprints])).toEqual([['main/extra', key.signing.fingerprint], ['main/late', other.signing.fingerprint], ['main/stable', key.signing.fingerprint]]);
    await expect(resolve({ files }, set(['late'], sourcesOf(stanzaOf('stable', '/key.asc'), stanzaOf('extra', other))))).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
    await expect(resolve({ files }, set(['late'], sourcesOf(stanzaOf('stable', '/key.asc', 'Architectures: arm64\n'))))).rejects.toMatchObject({ code: 'INPUT_FIELD', facts: { subject: 'bom.yaml:7:3: repository main', actual: 'only arm64' } });
  });

  it('heeds By-Hash and Check-Valid-Until of sources', async () => {
    const { line: _, ...rest } = repository();
    const blobs = new MemoryBlobs();
    const { http, apt } = source({ files: await signed({ release: { 'Valid-Until': 'Sun, 15 Feb 2026 00:00:00 UTC' } }), blobs });
    const ask = (more: string): Promise<Resolution<'deb'>> =>
      apt.resolve([set(['tool'], { repositories: [{ ...rest, sources: { text: `Types: deb\nURIs: http://apt.example.org/debian\nSuites: stable\nComponents: main\n${more}`, at } }] })], new AbortController().signal);
    await expect(ask('')).rejects.toMatchObject({ code: 'INTEGRITY_EXPIRED' });
    expect((await ask('Check-Valid-Until: no\nBy-Hash: force\n')).repositories).toMatchObject([{ id: 'main', waivers: ['valid-until'] }]);
    expect(http.asked.slice(-2).map((url) => url.replace(/[0-9a-f]{64}$/, 'HASH'))).toEqual(['http://apt.example.org/debian/dists/stable/main/binary-amd64/by-hash/SHA256/HASH', 'http://apt.example.org/debian/dists/stable/main/binary-amd64/Packages.gz']);
  });

  it('stops at what is installed', async () => {
    const assumeInstalled = { path: '/status', written: 'status' };
    const files = await signed();
    expect(named(await resolve({ files, texts: { '/status': 'lib\ntool=2\n' } }, set(['app'], { assumeInstalled })))).toEqual(['app 1 amd64']);
    const status = 'Package: lib\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\nPackage: tool\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 9\n';
    expect(named(await resolve({ files, texts: { '/status': status } }, set(['app'], { assumeInstalled })))).toEqual(['app 1 amd64', 'lib 1:2.0-1 all', 'tool 2 amd64']);
  });

  it('reads a flat repository, a detached signature, and xz', async () => {
    const flat = await signed({ suite: './', detached: true, extension: '.xz', encode: xzCompress });
    const resolution = await resolve({ files: flat }, set(['tool'], { repositories: [repository({ line: 'deb http://apt.example.org/debian ./' })] }));
    expect(named(resolution)).toEqual(['tool 2 amd64']);
    expect(resolution.repositories?.[0]).toMatchObject({ verified: true, signature: { mediaType: 'application/pgp-signature' } });
  });

  it('does not fetch again what the store holds by hash', async () => {
    const files = await signed();
    const first = source({ files });
    await first.apt.resolve([set(['app'])], new AbortController().signal);
    const second = source({ files, blobs: first.blobs });
    await second.apt.resolve([set(['app'])], new AbortController().signal);
    expect(first.http.asked).toEqual(['http://apt.example.org/debian/dists/stable/InRelease', 'http://apt.example.org/debian/dists/stable/main/binary-amd64/Packages.gz']);
    expect(second.http.asked).toEqual(['http://apt.example.org/debian/dists/stable/InRelease']);
  });

  it('prefers what a priority prefers, and leaves NotAutomatic alone unless asked', async () => {
    const backports = await makeRepository([stanza('tool', { Version: '3', Depends: 'lib' })], { key, suite: 'backports', release: { NotAutomatic: 'yes', ButAutomaticUpgrades: 'yes' } });
    const files = new Map([...await signed(), ...backports]);
    const extra = repository({ id: 'backports', line: 'deb http://apt.example.org/debian backports main' });
    expect(named(await resolve({ files }, set(['tool'], { repositories: [repository(), extra] })))).toEqual(['tool 2 amd64']);
    expect(named(await resolve({ files }, set(['tool/backports'], { repositories: [repository(), extra] })))).toEqual(['lib 1:2.0-1 all', 'tool 3 amd64']);
    expect(named(await resolve({ files }, set(['tool'], { repositories: [repository(), { ...extra, priority: 600 }] })))).toEqual(['lib 1:2.0-1 all', 'tool 3 amd64']);
  });

  it('tells which options were passed over', async () => {
    const files = await makeRepository([stanza('a', { Depends: 'b | c' }), stanza('b', { Depends: 'gone' }), stanza('c')], { key });
    expect((await resolve({ files }, set(['a']))).packageSets?.[0]?.rejected).toEqual([
      { for: 'a', relation: 'b', chosen: 'c 1', option: 'b 1', because: 'what it needs cannot be had, or it conflicts with what was chosen before' },
    ]);
  });

  it.each([['ubuntu', '26.04', 'new solver'], ['debian', 'sid', 'new solver'], ['ubuntu', '20.04', 'an older apt'], ['debian', '13', undefined], ['ubuntu', '24.04', undefined]])('says whether the apt of %s %s may choose otherwise', async (os, release, note) => {
    const target = { id: 't', family: 'debian', os, release, arch: 'amd64' };
    const [solved] = (await resolve({ files: await signed() }, set(['app'], { target }))).packageSets ?? [];
    expect(solved).toMatchObject({ exact: note === undefined, notes: note === undefined ? [] : [expect.stringContaining(note)] });
  });
});

describe('fetch', () => {
  it('streams from an offset', async () => {
    const files = await signed();
    const deb = Buffer.from('tool 2 amd64');
    files.set('http://apt.example.org/debian/pool/tool_2_amd64.deb', deb);
    const { apt } = source({ files });
    const signal = new AbortController().signal;
    const [artifact] = (await apt.resolve([set(['tool'])], signal)).artifacts;
    if (artifact === undefined) throw new Error('nothing resolved');
    const parts: Uint8Array[] = [];
    for await (const part of apt.fetch(artifact, { mediaType: 'x', digest: artifact.digest, size: artifact.size }, { offset: 5, signal })) parts.push(part);
    expect(Buffer.concat(parts).toString()).toBe('2 amd64');
  });
});

describe('what cannot be solved', () => {
  it.each([
    [['nothing'], 'RESOLVE_NOT_FOUND', 'no package of that name'], [['tool=9*'], 'RESOLVE_NOT_FOUND', 'only 2, 1'], [['tool=1.'], 'RESOLVE_NOT_FOUND', 'only 2, 1'],
    [['tool:riscv64'], 'RESOLVE_NOT_FOUND', 'no index of riscv64 among those of amd64'], [['tool/sid'], 'RESOLVE_NOT_FOUND', 'only 2 of stable, 1 of stable'],
  ])('%j: %s', async (specs, code, actual) => {
    await expect(resolve({ files: await signed() }, set(specs))).rejects.toMatchObject({ code, facts: { actual, subject: expect.stringContaining('m/set (bom.yaml:7:3)') as string } });
  });

  it('is told by the chain that leads to it', async () => {
    const files = await makeRepository([stanza('a', { Depends: 'b' }), stanza('b', { Depends: 'c (>= 5)' }), stanza('c')], { key });
    await expect(resolve({ files }, set(['a']))).rejects.toMatchObject({ code: 'RESOLVE_UNSOLVABLE', facts: { actual: 'a needs b; b needs c (>= 5), while there is only c 1' } });
  });

  it('is told by the shortest chain, with what helps', async () => {
    const files = await makeRepository([
      stanza('a', { Depends: 'long, a-common (= 1)' }), stanza('long', { Depends: 'longer' }), stanza('longer', { Depends: 'gone' }),
      stanza('a-common'), stanza('a-common', { Version: '2' }), stanza('x', { Depends: 'y' }), stanza('y', { Conflicts: 'z' }), stanza('z'),
    ], { key });
    await expect(resolve({ files }, set(['a']))).rejects.toMatchObject({
      code: 'RESOLVE_UNSOLVABLE', facts: { actual: 'a needs a-common (= 1), which only a-common 1 meets, while 2 would be taken', next: 'Name a-common=1 in the set as well, or say followExact: true.' },
    });
    await expect(resolve({ files }, set(['x', 'z']))).rejects.toMatchObject({ facts: { actual: 'x needs y; y 1 conflicts with z, and z 1 is asked for too' } });
  });

  it('names the providers of a virtual package', async () => {
    const files = await makeRepository([stanza('x', { Provides: 'v' }), stanza('y', { Provides: 'v, w' })], { key });
    await expect(resolve({ files }, set(['v']))).rejects.toMatchObject({ code: 'RESOLVE_NOT_FOUND', facts: { actual: 'a virtual package, provided by x, y: name one of them' } });
    expect(named(await resolve({ files }, set(['w'])))).toEqual(['y 1 amd64']);
  });
});

describe('hostile and stale metadata', () => {
  const release = 'http://apt.example.org/debian/dists/stable/InRelease';
  const index = 'http://apt.example.org/debian/dists/stable/main/binary-amd64/Packages.gz';
  const tampered = async (url: string, change: (text: Buffer) => Uint8Array): Promise<Map<string, Uint8Array>> => {
    const files = await signed();
    return files.set(url, change(Buffer.from(files.get(url) ?? '')));
  };
  const hash = 'a'.repeat(64);

  it.each<[string, string, () => Promise<ReadonlyMap<string, Uint8Array>>, Partial<RepositoryRequirement>?]>([
    ['a changed InRelease', 'INTEGRITY_SIGNATURE', () => tampered(release, (text) => Buffer.from(text.toString().replace('Origin: Test', 'Origin: Best')))],
    ['text after the signature', 'INTEGRITY_SIGNATURE', () => tampered(release, (text) => Buffer.concat([text, Buffer.from('Suite: evil\n')]))],
    ['a signature by another key', 'INTEGRITY_SIGNATURE', () => signed({ key: other })],
    ['no signature', 'INTEGRITY_SIGNATURE', () => makeRepository(stanzas)],
    ['no key', 'INPUT_KEY', () => signed(), { keys: [] }],
    ['a fingerprint that no key has', 'INPUT_KEY', () => signed(), { keys: [{ path: '/key.asc', fingerprint: 'A'.repeat(40) }] }],
    ['a key with another digest', 'INTEGRITY_DIGEST', () => signed(), { keys: [{ path: '/key.asc', digest: `sha256:${hash}` as never }] }],
    ['an expired Release', 'INTEGRITY_EXPIRED', () => signed({ validUntil: new Date('2026-02-08T00:00:00Z') })],
    ['a Release of the future', 'INTEGRITY_EXPIRED', () => signed({ date: new Date('2026-03-02T00:00:00Z') })],
    ['an index that is not what Release says', 'INTEGRITY_DIGEST', () => tampered(index, (bytes) => Uint8Array.from(bytes, (value, at) => (at === 20 ? value ^ 1 : value)))],
    ['an index that is cut', 'INTEGRITY_SIZE', () => tampered(index, (bytes) => bytes.subarray(0, 30))],
    ['an index that is not there', 'RESOLVE_NOT_FOUND', async () => new Map([...await signed()].filter(([url]) => url !== index))],
    ['a Release with weak hashes only', 'INTEGRITY_METADATA', () => signed({ release: { SHA256: '', MD5Sum: `\n ${'0'.repeat(32)} 1 main/binary-amd64/Packages.gz` } })],
    ['a Release that names nothing of the architecture', 'RESOLVE_NOT_FOUND', () => signed({ architecture: 'riscv64' })],
    ['a Release whose paths leave it', 'INTEGRITY_METADATA', () => signed({ release: { SHA256: `\n ${hash} 1 ../../../etc/passwd` } })],
    ['an index of 4 GB', 'INTEGRITY_METADATA', () => signed({ release: { SHA256: `\n ${hash} 4294967296 main/binary-amd64/Packages.gz` } })],
    ['an index that is no gzip', 'INTEGRITY_METADATA', () => signed({ encode: (bytes) => bytes })],
    ['a truncated xz', 'INTEGRITY_METADATA', () => signed({ extension: '.xz', encode: (bytes) => xzCompress(bytes).subarray(0, 60) })],
    ['an index that is no stanzas', 'INTEGRITY_METADATA', () => makeRepository(['no colon here'], { key })],
    ['a stanza of 5 MB', 'INTEGRITY_METADATA', () => makeRepository([stanza('app', { Description: 'x'.repeat(5 << 20) })], { key })],
    ['a Filename that leaves the pool', 'INTEGRITY_METADATA', () => makeRepository([stanza('app', { Filename: '../../app.deb' })], { key })],
    ['an absolute Filename', 'INTEGRITY_METADATA', () => makeRepository([stanza('app', { Filename: '/etc/passwd' })], { key })],
    ['a version with a slash', 'INTEGRITY_METADATA', () => makeRepository([stanza('app', { Version: '1/../../x' })], { key })],
    ['a package without SHA256', 'INTEGRITY_METADATA', () => makeRepository([stanza('app', { SHA256: '', MD5sum: '0'.repeat(32) })], { key })],
    ['a package without Size', 'INTEGRITY_METADATA', () => makeRepository([stanza('app', { Size: 'many' })], { key })],
  ])('refuses %s with %s', async (_, code, files, more = {}) => {
    const { apt, blobs } = source({ files: await files() });
    await expect(apt.resolve([set(['app'], { repositories: [repository(more)] })], new AbortController().signal)).rejects.toMatchObject({ code });
    for (const [digest, bytes] of blobs.blobs) expect(bytes.length, digest).toBeLessThan(5 << 20);
  });

  it('does without what the project waives, and records it', async () => {
    const files = await signed({ validUntil: new Date('2026-02-08T00:00:00Z') });
    const expired = await resolve({ files }, set(['tool'], { repositories: [repository({ allowExpired: true })] }));
    expect(expired.repositories?.[0]).toMatchObject({ waivers: ['valid-until'], verified: true });
    const unsigned = await resolve({ files: await makeRepository(stanzas) }, set(['tool'], { repositories: [repository({ keys: [], trusted: true })] }));
    expect(unsigned.repositories?.[0]).toMatchObject({ waivers: ['unsigned'], verified: false, keyFingerprints: [] });
    expect(unsigned.artifacts[0]?.trust).toBe('first-use');
  });

  it('refuses a Release that is older than the last lock saw', async () => {
    const { repositories = [] } = await resolve({ files: await signed() }, set(['tool']));
    const files = await signed({ date: new Date('2026-01-31T00:00:00Z') });
    const again = async (date: Date, allowExpired = false): Promise<unknown> => createAptSource({
      http: clientOver(date.getTime() < Date.parse('2026-02-01') ? files : await signed({ date })), blobs: new MemoryBlobs(), now: () => now, notify: silent, readFile: async () => Buffer.from(key.publicKey), previous: repositories,
    }).resolve([set(['tool'], { repositories: [repository({ allowExpired })] })], new AbortController().signal);
    await expect(again(new Date('2026-01-31T00:00:00Z'))).rejects.toMatchObject({ code: 'INTEGRITY_EXPIRED', facts: { actual: 'one dated 2026-01-31T00:00:00Z' } });
    await expect(again(new Date('2026-01-31T00:00:00Z'), true)).resolves.toBeDefined();
    await expect(again(new Date('2026-02-01T00:00:00Z'))).resolves.toBeDefined();
    await expect(again(new Date('2026-02-02T00:00:00Z'))).resolves.toBeDefined();
  });

  it('ends on a cycle of Provides and Depends', async () => {
    const files = await makeRepository([stanza('a', { Provides: 'b', Depends: 'b, c' }), stanza('c', { Provides: 'a', Depends: 'a, b' })], { key });
    expect(named(await resolve({ files }, set(['a'])))).toEqual(['a 1 amd64', 'c 1 amd64']);
  });

  it('reads a repository again when its index and Release were of different updates', async () => {
    const files = await signed();
    const good = files.get(index);
    const { apt, http } = source({ files });
    files.set(index, Buffer.from('old'));
    const get = http.get.bind(http);
    let reads = 0;
    Object.assign(http, { get: async (url: string, options: Parameters<typeof get>[1]) => {
      if (url === index && (reads += 1) === 2) files.set(index, good ?? new Uint8Array());
      return get(url, options);
    } });
    expect(named(await apt.resolve([set(['tool'])], new AbortController().signal))).toEqual(['tool 2 amd64']);
  });

  it('take the key of a file where it is there and has it, else from its address, and no other than the one by its fingerprint', async () => {
    const keyUrl = 'http://keys.example.org/archive.asc';
    const files = new Map([...await signed(), [keyUrl, Buffer.from(key.publicKey)]]);
    const repositories = (path: string, fingerprint = key.signing.fingerprint): Partial<PackageSetRequirement> => ({ repositories: [repository({ keys: [{ path, url: keyUrl, fingerprint }] })] });
    const askedFor = async (path: string): Promise<boolean> => {
      const { http, apt } = source({ files, texts: { '/other.asc': other.publicKey } });
      expect(named(await apt.resolve([set(['tool'], repositories(path))], new AbortController().signal))).toEqual(['tool 2 amd64']);
      return http.asked.includes(keyUrl);
    };
    expect(await askedFor('/key.asc')).toBe(false);
    expect(await askedFor('/other.asc')).toBe(true);
    const fromDisk = createAptSource({ http: clientOver(files), blobs: new MemoryBlobs(), now: () => now, notify: silent });
    const { repositories: [locked] = [] } = await fromDisk.resolve([set(['tool'], repositories('/nowhere/archive.gpg'))], new AbortController().signal);
    expect(locked?.keyFingerprints).toEqual([key.signing.fingerprint]);
    await expect(fromDisk.resolve([set(['tool'], repositories('/nowhere/archive.gpg', other.signing.fingerprint))], new AbortController().signal)).rejects.toMatchObject({ code: 'INPUT_KEY' });
  });

  it('warns when a Release is of another suite', async () => {
    const files = await signed({ release: { Suite: 'oldstable', Codename: 'buster' } });
    expect((await resolve({ files }, set(['tool']))).warnings).toEqual([expect.stringContaining('oldstable, buster instead of stable')]);
  });
});
