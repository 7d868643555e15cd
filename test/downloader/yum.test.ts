import { zstdCompressSync } from 'node:zlib';
import type { PrivateKey } from 'openpgp';
import { beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { silent } from '../../bom/events.ts';
import type { LockedRepository } from '../../bom/lock.ts';
import type { RepositoryRequirement } from '../../bom/requirement.ts';
import { createYumSource } from '../../downloader/sources/yum.ts';
import { xzCompress } from '../../formats/compression.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
import { makeKey } from '../support/rpm-signing.ts';
import { makeYumRepository, type TestRpm, testRpm, type YumRepositoryOptions } from '../support/yum-repository.ts';
import { at, base, named, now, repository, resolve, set, source } from './yum-world.ts';

let key: PrivateKey;
let other: PrivateKey;
let rpms: TestRpm[];
beforeAll(async () => {
  [key, other] = await Promise.all([makeKey('vendor', { type: 'ecc' }), makeKey('somebody', { type: 'ecc' })]);
  rpms = await Promise.all([
    testRpm('app', { key, arch: 'x86_64', requires: ['lib', '/usr/bin/tool'] }), testRpm('lib', { key, provides: ['libx.so'] }), testRpm('tool', { key, version: '2', files: ['/usr/bin/tool'] }),
    testRpm('deep', { key, requires: ['/opt/deep/data'] }), testRpm('data', { key, files: ['/opt/deep/data'] }), testRpm('alien', { key, arch: 'aarch64' }),
  ]);
});

const files = (more: YumRepositoryOptions = {}): Promise<Map<string, Uint8Array>> => makeYumRepository(rpms, more);
const signal = (): AbortSignal => new AbortController().signal;

describe('resolve', () => {
  it('locks the closure with addresses, stanzas, reasons, and whose signature each package carries', async () => {
    const resolution = await resolve({ files: await files(), key }, set(['app']));
    expect(named(resolution)).toEqual(['app 1-2 x86_64', 'lib 1-2 noarch', 'tool 2-2 noarch']);
    expect(resolution.artifacts[1]).toMatchObject({
      target: 'el9', manager: 'rpm', repo: 'base', urls: [`${base}Packages/lib-1.rpm`], path: 'Packages/l/lib-1-2.noarch.rpm', role: 'normal', reason: 'requires', requiredBy: 'app',
      sets: ['m/set'], trust: 'verified', signedBy: key.getFingerprint().toUpperCase(), usedBy: ['m'], digest: digestOf(rpms[1]?.bytes ?? ''), size: rpms[1]?.bytes.length,
    });
    expect(resolution.artifacts[1]?.stanza).toMatch(/^<package type="rpm">[\s\S]*<location href=""\/>[\s\S]*<\/package>$/);
    expect(resolution.repositories).toMatchObject([{
      id: 'base', target: 'el9', manager: 'rpm', uri: base, version: '1770000000', date: '2026-02-02T02:40:00Z', architectures: ['x86_64'], verified: false, waivers: [], keyFingerprints: [],
      metadata: { mediaType: 'application/xml' }, indexes: [{ path: 'repodata/primary.xml.gz' }],
    }]);
    expect(resolution.repositories?.[0]?.keys).toHaveLength(1);
    expect(resolution.packageSets).toEqual([{ id: 'm/set', target: 'el9', engine: 'solv-like', mode: 'closure', requested: ['app'], exact: true, notes: [] }]);
  });

  it('asks for the headers of packages only, and for whole ones where a server has no ranges', async () => {
    const content = await files();
    const { http, blobs, yum } = source({ files: content, key });
    await yum.resolve([set(['lib'])], signal());
    expect(blobs.blobs.has(digestOf(rpms[1]?.bytes ?? ''))).toBe(false);
    expect(http.asked.filter((url) => url.endsWith('.rpm'))).toEqual([`${base}Packages/lib-1.rpm`]);
    const without = source({ files: content, key, ranges: false });
    expect(named(await without.yum.resolve([set(['lib'])], signal()))).toEqual(['lib 1-2 noarch']);
    expect(without.blobs.blobs.has(digestOf(rpms[1]?.bytes ?? ''))).toBe(true);
  });

  it('fetches filelists only when a path needs them', async () => {
    const content = await files();
    const plain = source({ files: content, key });
    await plain.yum.resolve([set(['app'])], signal());
    expect(plain.http.asked.some((url) => url.includes('filelists'))).toBe(false);
    const deep = source({ files: content, key });
    const resolution = await deep.yum.resolve([set(['deep'])], signal());
    expect(named(resolution)).toEqual(['data 1-2 noarch', 'deep 1-2 noarch']);
    expect(resolution.repositories?.[0]?.indexes.map(({ path }) => path)).toEqual(['repodata/primary.xml.gz', 'repodata/filelists.xml.gz']);
  });

  it.each<[string, YumRepositoryOptions]>([
    ['zstd', { extension: '.zst', encode: (bytes) => zstdCompressSync(bytes) }], ['xz', { extension: '.xz', encode: xzCompress }], ['plain', { extension: '', encode: (bytes) => bytes }], ['sha512', { checksum: 'sha512' }],
  ])('reads indexes in %s', async (_, more) => {
    expect(named(await resolve({ files: await files(more), key }, set(['tool'])))).toEqual(['tool 2-2 noarch']);
  });

  it('warns of indexes that only a sha1 covers', async () => {
    const resolution = await resolve({ files: await files({ checksum: 'sha1', more: { modules: '---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: m\n  stream: "1"\n...\n' } }), key }, set(['deep']));
    expect(resolution.weak).toEqual(['primary of repository base', 'modules of repository base', 'filelists of repository base']);
    expect(resolution.warnings).toEqual(['only a sha1, which can be forged, covers primary of repository base and 2 more']);
    expect((await resolve({ files: await files(), key }, set(['deep']))).weak).toBeUndefined();
  });

  it('warns of packages that their index lists by a sha1, and finds their sha256', async () => {
    const { createHash } = await import('node:crypto');
    const sha1 = createHash('sha1').update(rpms.find(({ name }) => name === 'tool')?.bytes ?? '').digest('hex');
    const primary = (text: string): string => text.replace(/(<name>tool<\/name>[^]*?)<checksum type="sha256" pkgid="YES">\w+/, `$1<checksum type="sha" pkgid="YES">${sha1}`);
    const resolution = await resolve({ files: await files({ primary }), key }, set(['tool']));
    expect(resolution.weak).toEqual(['package tool-2-2.noarch of repository base']);
    expect(resolution.artifacts[0]?.digest).toBe(digestOf(rpms.find(({ name }) => name === 'tool')?.bytes ?? ''));
  });

  it('fetches nothing again but repomd.xml when the store and the last lock know the rest', async () => {
    for (const checksum of ['sha256', 'sha512'] as const) {
      const content = await files({ checksum });
      const blobs = new MemoryBlobs();
      const first = await resolve({ files: content, key, blobs }, set(['app']));
      const warm = source({ files: content, key, blobs, previous: first.repositories ?? [], previousPackages: first.artifacts });
      expect(await warm.yum.resolve([set(['app'])], signal())).toEqual(first);
      expect(warm.http.asked).toEqual([`${base}repodata/repomd.xml`]);
    }
  });

  it('reads mirror lists and metalinks, and passes over a mirror that is behind', async () => {
    const content = await files();
    const old = await files({ base: 'http://old.example.org/', timestamp: 1_760_000_000 });
    const repomd = content.get(`${base}repodata/repomd.xml`) ?? new Uint8Array();
    const { createHash } = await import('node:crypto');
    const metalink = `<?xml version="1.0"?><metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://fedorahosted.org/mirrormanager"><files><file name="repomd.xml"><mm0:timestamp>1770000000</mm0:timestamp><size>${repomd.length}</size><verification><hash type="md5">${'0'.repeat(32)}</hash><hash type="sha256">${createHash('sha256').update(repomd).digest('hex')}</hash></verification><resources><url protocol="rsync" type="rsync" preference="100">rsync://x.example.org/os/repodata/repomd.xml</url><url protocol="http" type="http" preference="90">${base}repodata/repomd.xml</url><url protocol="http" type="http" preference="99">http://old.example.org/repodata/repomd.xml</url></resources></file></files></metalink>`;
    const all = new Map([...content, ...old, ['http://lists.example.org/9/x86_64', Buffer.from(metalink)], ['http://lists.example.org/list', Buffer.from(`# mirrors\nhttp://gone.example.org/os\n${base}\n`)]]);
    const byMetalink = await resolve({ files: all, key }, set(['tool'], { repositories: [repository({ baseurls: [], metalink: 'http://lists.example.org/$releasever/$basearch' })] }));
    expect(byMetalink.artifacts[0]?.urls).toEqual([`${base}Packages/tool-2.rpm`, 'http://old.example.org/Packages/tool-2.rpm']);
    expect(byMetalink.repositories?.[0]?.uri).toBe('http://lists.example.org/9/x86_64');
    const byList = await resolve({ files: all, key }, set(['tool'], { repositories: [repository({ baseurls: [], mirrorlist: 'http://lists.example.org/list' })] }));
    expect(byList.artifacts[0]?.urls[0]).toBe(`${base}Packages/tool-2.rpm`);
  });

  it('replaces variables, and takes .repo files', async () => {
    const content = await files({ base: 'http://rpm.example.org/9/x86_64/blue/' });
    const own = repository({ baseurls: ['http://rpm.example.org/$releasever/${basearch}/$colour'], variables: { colour: 'blue' } });
    expect(named(await resolve({ files: content, key }, set(['tool'], { repositories: [own] })))).toEqual(['tool 2-2 noarch']);
    const text = '[main]\ngpgcheck=1\n[blue]\nname=Blue\nbaseurl=http://gone.example.org/\n  http://rpm.example.org/$releasever/$basearch/blue/\ngpgkey=file:///key.asc\ngpgcheck=1\npriority=5\n[source]\nenabled=0\nbaseurl=http://rpm.example.org/source\n';
    const { baseurls: _, ...bare } = repository({ keys: [], repoFile: { path: '/blue.repo', written: 'blue.repo' } });
    const resolution = await resolve({ files: content, key, texts: { '/blue.repo': text } }, set(['tool'], { repositories: [bare] }));
    expect(resolution.repositories).toMatchObject([{ id: 'base', uri: 'http://gone.example.org/' }]);
    await expect(resolve({ files: content, key }, set(['tool'], { repositories: [repository({ baseurls: ['http://rpm.example.org/$colour'] })] }))).rejects.toMatchObject({ code: 'INPUT_FIELD', facts: { expected: 'a value of $colour' } });
    const secret = { ...bare, repoFile: undefined, repoText: '[a]\nbaseurl=http://rpm.example.org/\nusername=u\npassword=p\n' } as unknown as RepositoryRequirement;
    await expect(resolve({ files: content, key }, set(['tool'], { repositories: [secret] }))).rejects.toMatchObject({ code: 'INPUT_CREDENTIAL' });
  });

  it('leaves out what excludes and includepkgs say', async () => {
    const content = new Map([...await makeYumRepository([...rpms, await testRpm('tool', { key, version: '3', files: ['/usr/bin/tool'] })])]);
    const of = (more: Partial<RepositoryRequirement>): Promise<string[]> => resolve({ files: content, key }, set(['tool'], { repositories: [repository(more)] })).then(named);
    expect(await of({})).toEqual(['tool 3-2 noarch']);
    expect(await of({ excludes: ['tool-3*'] })).toEqual(['tool 2-2 noarch']);
    expect(await of({ excludes: ['tool-0:3-2.noarch', '*.src'] })).toEqual(['tool 2-2 noarch']);
    // What a package provides or owns is not its name.
    expect(await of({ excludes: ['/usr/bin/tool', 'libx.so'] })).toEqual(['tool 3-2 noarch']);
    await expect(of({ includepkgs: ['lib*'] })).rejects.toMatchObject({ code: 'RESOLVE_NOT_FOUND' });
  });

  it('keeps modules, groups and advisories for the mirror', async () => {
    const modules = '---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: m\n  stream: "1"\n...\n';
    const resolution = await resolve({ files: await files({ more: { modules, group: '<comps/>', updateinfo: '<updates/>' } }), key }, set(['tool']));
    expect(resolution.repositories?.[0]).toMatchObject({ modules: { mediaType: 'application/gzip' }, groups: { mediaType: 'application/gzip' }, updateinfo: { mediaType: 'application/gzip' } });
  });

  it('joins sets, and carries all versions when asked', async () => {
    const content = await makeYumRepository([...rpms, await testRpm('tool', { key, version: '3', files: ['/usr/bin/tool'] })]);
    const both = await resolve({ files: content, key }, set(['app']), set(['lib'], { id: 'n/set', usedBy: ['n'], role: 'bootstrap' }));
    expect(both.artifacts.find(({ name }) => name === 'lib')).toMatchObject({ sets: ['m/set', 'n/set'], usedBy: ['m', 'n'], reason: 'requested', role: 'bootstrap' });
    expect(named(await resolve({ files: content, key }, set([], { include: [{ spec: 'tool', versions: 'all', at }] })))).toEqual(['tool 2-2 noarch', 'tool 3-2 noarch']);
    expect(named(await resolve({ files: content, key }, set(['app', 'lib'], { solve: 'union' })))).toEqual(['app 1-2 x86_64', 'lib 1-2 noarch', 'tool 3-2 noarch']);
  });

  it('stops at what is installed: names, rpm -qa lines and purls', async () => {
    const content = await files();
    const assumeInstalled = { path: '/list', written: 'list' };
    for (const list of ['lib\ntool\n', 'lib-1-2.noarch\n# comment\ngpg-pubkey-1-2\ntool-2-2.noarch\n', 'pkg:rpm/acme/lib@1-2?arch=noarch\npkg:rpm/tool@1-1\n']) {
      expect(named(await resolve({ files: content, key, texts: { '/list': list } }, set(['app'], { assumeInstalled })))).toEqual(['app 1-2 x86_64']);
    }
    const newer = await makeYumRepository([...rpms, await testRpm('lib', { key, version: '9' }), await testRpm('picky', { key, requires: ['lib-nine'] }), await testRpm('lib', { key, version: '10', provides: ['lib-nine'] })]);
    expect(named(await resolve({ files: newer, key, texts: { '/list': 'lib-1-2.noarch\ntool-2-2.noarch\n' } }, set(['app'], { assumeInstalled })))).toEqual(['app 1-2 x86_64']);
    const upgraded = await resolve({ files: newer, key, texts: { '/list': 'lib-1-2.noarch\n' } }, set(['picky'], { assumeInstalled }));
    expect(named(upgraded)).toEqual(['lib 10-2 noarch', 'picky 1-2 noarch']);
    expect(upgraded.packageSets).toMatchObject([{ exact: true, notes: [] }]);
    for (const list of ['a b\n', 'provides lib\n', 'lib\nrequires a b\n', 'lib\nrequires a = \n']) {
      await expect(resolve({ files: content, key, texts: { '/list': list } }, set(['app'], { assumeInstalled }))).rejects.toMatchObject({ code: 'INPUT_FIELD' });
    }
  });

  it('believes what a long list says of the machine, rather than what repositories say of other versions', async () => {
    const content = await files();
    const long = 'lib-5-5.noarch\nprovides lib = 5-5\nprovides libx.so\ngpg-pubkey-1-2.(none)\nprovides gpg(Somebody <key@example.org>)\nkeeper-1:1-1.x86_64\nprovides keeper = 1:1-1\nprovides tool\nconflicts app < 2\nfile /usr/share/keeper/a #1\n';
    const ask = (list: string) => resolve({ files: content, key, texts: { '/list': list } }, set(['app'], { assumeInstalled: { path: '/list', written: 'list' } }));
    await expect(ask(long)).rejects.toMatchObject({ code: 'RESOLVE_UNSOLVABLE' });
    const harmless = await ask(long.replace('conflicts app < 2\n', 'conflicts (app and other)\n'));
    expect(named(harmless)).toEqual(['app 1-2 x86_64', 'tool 2-2 noarch']);
    expect(harmless.packageSets).toMatchObject([{ exact: true, notes: [] }]);
    expect((await ask('lib-5-5.noarch\n')).packageSets).toMatchObject([{ exact: false }]);
  });
});

describe('.rpm files by address', () => {
  const address = 'https://dl.example.org/own.rpm';

  it('are wanted with what they need, and get a stanza', async () => {
    const own = await testRpm('own', { key, arch: 'x86_64', requires: ['libx.so'], files: ['/usr/bin/own', '/usr/share/own'] });
    const content = new Map([...await files(), [address, own.bytes]]);
    const resolution = await resolve({ files: content, key }, set([], { urls: [{ url: address, at }] }));
    expect(named(resolution)).toEqual(['lib 1-2 noarch', 'own 1-2 x86_64']);
    expect(resolution.artifacts[1]).toMatchObject({ repo: '', urls: [address], trust: 'first-use', signedBy: key.getFingerprint().toUpperCase(), path: 'Packages/o/own-1-2.x86_64.rpm', reason: 'requested' });
    expect(resolution.artifacts[1]?.stanza).toContain('<file>/usr/bin/own</file>');
    expect(resolution.warnings).toEqual([]);
  });

  it.each<[string, () => Promise<Uint8Array>, string]>([
    ['for another architecture', async () => (await testRpm('own', { arch: 'aarch64' })).bytes, 'RESOLVE_NOT_FOUND'],
    ['that are none', async () => Buffer.from('<html>'), 'INTEGRITY_METADATA'],
    ['that are cut', async () => (await testRpm('own')).bytes.subarray(0, 300), 'INTEGRITY_METADATA'],
    ['whose payload is damaged', async () => { const { bytes } = await testRpm('own'); bytes[bytes.length - 1] = 0; return bytes; }, 'INTEGRITY_DIGEST'],
  ])('%s are refused', async (_, content, code) => {
    await expect(resolve({ files: new Map([...await files(), [address, await content()]]), key }, set([], { urls: [{ url: address, at }] }))).rejects.toMatchObject({ code });
  });

  it('without a known signature are told', async () => {
    const own = await testRpm('own');
    const resolution = await resolve({ files: new Map([...await files(), [address, own.bytes]]), key }, set([], { urls: [{ url: address, at, digest: digestOf(own.bytes) }] }));
    expect(resolution.artifacts[0]).toMatchObject({ name: 'own', trust: 'declared' });
    expect(resolution.warnings).toEqual([expect.stringContaining('no signature by a key')]);
  });
});

describe('hostile and stale metadata', () => {
  const primary = `${base}repodata/primary.xml.gz`;
  const tampered = async (url: string, change: (bytes: Buffer) => Uint8Array, more: YumRepositoryOptions = {}): Promise<Map<string, Uint8Array>> => {
    const content = await files(more);
    return content.set(url, change(Buffer.from(content.get(url) ?? '')));
  };
  const flip = (bytes: Buffer): Uint8Array => Uint8Array.from(bytes, (value, index) => (index === bytes.length >> 1 ? value ^ 1 : value));
  const checked = { repoGpgcheck: true };

  it.each<[string, string, () => Promise<ReadonlyMap<string, Uint8Array>>, Partial<RepositoryRequirement>?]>([
    ['no key', 'INPUT_KEY', () => files(), { keys: [] }],
    ['a fingerprint that no key has', 'INPUT_KEY', () => files(), { keys: [{ path: '/key.asc', fingerprint: 'A'.repeat(40) }] }],
    ['a repomd.xml without a signature', 'INTEGRITY_SIGNATURE', () => files(), checked],
    ['a repomd.xml signed by another key', 'INTEGRITY_SIGNATURE', () => files({ key: other }), checked],
    ['a repomd.xml changed after it was signed', 'INTEGRITY_SIGNATURE', () => tampered(`${base}repodata/repomd.xml`, (bytes) => Buffer.concat([bytes, Buffer.from('<!-- -->')]), { key }), checked],
    ['an empty signature', 'INTEGRITY_SIGNATURE', () => tampered(`${base}repodata/repomd.xml.asc`, () => new Uint8Array(), { key }), checked],
    ['metadata from the future', 'INTEGRITY_EXPIRED', () => files({ timestamp: now.getTime() / 1000 + 7200 })],
    ['an index that is not what repomd says', 'INTEGRITY_DIGEST', () => tampered(primary, flip)],
    ['an index that is cut', 'INTEGRITY_SIZE', () => tampered(primary, (bytes) => bytes.subarray(0, 100))],
    ['an index that is not there', 'RESOLVE_NOT_FOUND', async () => new Map([...await files()].filter(([url]) => url !== primary))],
    ['a repository without repomd.xml', 'RESOLVE_NOT_FOUND', async () => new Map()],
    ['a repomd.xml without primary', 'INTEGRITY_METADATA', () => files({ repomd: (repomd) => ({ ...repomd, files: [] }) })],
    ['a repomd.xml whose paths leave it', 'INTEGRITY_METADATA', () => files({ repomd: (repomd) => ({ ...repomd, files: repomd.files.map((file) => ({ ...file, location: '../../etc/passwd' })) }) })],
    ['a repomd.xml with entities', 'INTEGRITY_METADATA', () => tampered(`${base}repodata/repomd.xml`, (bytes) => Buffer.from(bytes.toString().replace('<repomd', '<!DOCTYPE r [<!ENTITY a "b">]><repomd')))],
    ['indexes with md5 only', 'INTEGRITY_METADATA', () => files({ checksum: 'md5' })],
    ['an index of 4 GB', 'INTEGRITY_METADATA', () => files({ repomd: (repomd) => ({ ...repomd, files: repomd.files.map((file) => ({ ...file, size: 2 ** 32 })) }) })],
    ['an index that decodes to more than repomd says', 'INTEGRITY_METADATA', () => files({ repomd: (repomd) => ({ ...repomd, files: repomd.files.map((file) => ({ ...file, openSize: 50 })) }) })],
    ['a bomb', 'INTEGRITY_METADATA', () => files({ primary: (text) => text.replace('<metadata', `<!--${' '.repeat(1 << 20)}--><metadata`), repomd: (repomd) => ({ ...repomd, files: repomd.files.map((file) => ({ ...file, openSize: 1 << 16 })) }) })],
    ['an index that is no gzip', 'INTEGRITY_METADATA', () => files({ encode: (bytes) => bytes })],
    ['a truncated xz', 'INTEGRITY_METADATA', () => files({ extension: '.xz', encode: (bytes) => xzCompress(bytes).subarray(0, 80) })],
    ['an unknown compression', 'INTEGRITY_METADATA', () => files({ extension: '.lzma' })],
    ['an index with a document type', 'INTEGRITY_METADATA', () => files({ primary: (text) => text.replace('<metadata', '<!DOCTYPE m [<!ENTITY a "b">]><metadata') })],
    ['an index that ends in the middle', 'INTEGRITY_METADATA', () => files({ primary: (text) => text.slice(0, -30) })],
    ['a location that leaves the repository', 'INTEGRITY_METADATA', () => files({ change: { tool: { location: '../tool.rpm' } } })],
    ['a location that leaves the repository in the middle', 'INTEGRITY_METADATA', () => files({ change: { tool: { location: 'Packages/%2e%2e/../../tool.rpm' } } })],
    ['a location that is an address', 'INTEGRITY_METADATA', () => files({ change: { tool: { location: 'http://evil.example.org/tool.rpm' } } })],
    ['a location on the disk of this machine', 'INTEGRITY_METADATA', () => files({ primary: (text) => text.replaceAll('<location href', '<location xml:base="file:///srv/" href') })],
    ['an absolute location', 'INTEGRITY_METADATA', () => files({ change: { tool: { location: '/etc/passwd' } } })],
    ['a package with a path for a name', 'INTEGRITY_METADATA', () => files({ primary: (text) => text.replaceAll('<name>tool</name>', '<name>tool</name>').replaceAll('ver="2"', 'ver="../2"') })],
    ['a package without a signature', 'INTEGRITY_SIGNATURE', async () => makeYumRepository([await testRpm('tool', { version: '2' })])],
    ['a package signed by another key', 'INTEGRITY_SIGNATURE', async () => makeYumRepository([await testRpm('tool', { version: '2', key: other })])],
    ['a package whose header was changed after it was signed', 'INTEGRITY_SIGNATURE', async () => makeYumRepository([{ name: 'tool', bytes: await forged() }])],
    ['a package that is not there', 'RESOLVE_NOT_FOUND', async () => new Map([...await files()].filter(([url]) => !url.endsWith('tool-2.rpm')))],
    ['a package that is no rpm', 'INTEGRITY_METADATA', () => tampered(`${base}Packages/tool-2.rpm`, (bytes) => Buffer.alloc(bytes.length, 'x'))],
  ])('refuses %s with %s', async (_, code, content, more = {}) => {
    const { yum, blobs } = source({ files: await content(), key });
    await expect(yum.resolve([set(['tool'], { repositories: [repository(more)] })], signal())).rejects.toMatchObject({ code });
    for (const [digest, bytes] of blobs.blobs) expect(bytes.length, digest).toBeLessThan(1 << 20);
  });

  async function forged(): Promise<Buffer> {
    const { bytes } = await testRpm('tool', { version: '2', key });
    const { rpmTag } = await import('../../formats/rpm/header.ts');
    const { parseRpmHead } = await import('../../formats/rpm/package-head.ts');
    const { basicTags, digestTags, makeRpm } = await import('../support/rpm-file.ts');
    const signature = parseRpmHead(bytes, 'tool').signature.binary(rpmTag.rsaHeader) ?? new Uint8Array();
    const tags = basicTags('tool', [[rpmTag.version, { type: 'string', value: '2' }], [rpmTag.vendor, { type: 'string', value: 'evil' }]]);
    return makeRpm('tool', { tags, signature: (header, payload) => new Map([...digestTags(header, payload), [rpmTag.rsaHeader, { type: 'binary' as const, value: signature }]]) });
  }

  it('takes a signed repomd.xml and names who signed it', async () => {
    const resolution = await resolve({ files: await files({ key }), key }, set(['tool'], { repositories: [repository(checked)] }));
    expect(resolution.repositories?.[0]).toMatchObject({ verified: true, keyFingerprints: [key.getFingerprint().toUpperCase()], signature: { mediaType: 'application/pgp-signature' } });
  });

  it('does without what the project waives, and records it', async () => {
    const content = await makeYumRepository([await testRpm('tool', { version: '2' })]);
    const trusted = await resolve({ files: content, key }, set(['tool'], { repositories: [repository({ keys: [], trusted: true })] }));
    expect(trusted.repositories?.[0]).toMatchObject({ waivers: ['unsigned'], verified: false });
    expect(trusted.artifacts[0]).toMatchObject({ trust: 'first-use' });
    expect(trusted.artifacts[0]?.signedBy).toBeUndefined();
    const waived = await resolve({ files: content, key }, set(['tool'], { allowUnsigned: ['tool'] }));
    expect(waived.packageSets?.[0]?.notes).toEqual(['tool is carried without a good signature, as allowUnsigned says: no signature']);
    expect(waived.artifacts[0]?.signedBy).toBeUndefined();
  });

  it('refuses metadata that is older than the last lock saw', async () => {
    const { repositories = [] } = await resolve({ files: await files(), key }, set(['tool']));
    const again = async (timestamp: number, allowExpired = false): Promise<unknown> => resolve({ files: await files({ timestamp }), key, previous: repositories }, set(['tool'], { repositories: [repository({ allowExpired })] }));
    await expect(again(1_769_999_999)).rejects.toMatchObject({ code: 'INTEGRITY_EXPIRED' });
    await expect(again(1_769_999_999, true)).resolves.toMatchObject({ repositories: [{ waivers: ['date'] }] });
    await expect(again(1_770_000_000)).resolves.toBeDefined();
  });

  it('reads a repository again when its indexes and repomd.xml were of different updates', async () => {
    const content = await files();
    const good = content.get(primary);
    content.set(primary, Buffer.from('old'));
    const { yum, http } = source({ files: content, key });
    const { get } = http;
    let reads = 0;
    Object.assign(http, { get: async (url: string, options: Parameters<typeof get>[1]) => {
      if (url.endsWith('repomd.xml') && (reads += 1) === 2) content.set(primary, good ?? new Uint8Array());
      return get(url, options);
    } });
    expect(named(await yum.resolve([set(['tool'])], signal()))).toEqual(['tool 2-2 noarch']);
  });
});

describe('credentials', () => {
  it('go to the addresses that the project names, and to no host that the metadata names', async () => {
    const evil = 'http://evil.example.org/';
    const content = await files({ primary: (text) => text.replace('<location href="Packages/tool-2.rpm"/>', `<location xml:base="${evil}" href="tool-2.rpm"/>`) });
    for (const [from, to] of [[`${base}Packages/tool-2.rpm`, `${evil}tool-2.rpm`]] as const) content.set(to, content.get(from) ?? new Uint8Array());
    const second = 'http://second.example.org/os/';
    const asked: [string, string | undefined][] = [];
    const open = (previous: readonly LockedRepository[] = []): ReturnType<typeof createYumSource> => {
      const http = source({ files: content, key }).http;
      const seen = (url: string, options: { readonly headers?: Readonly<Record<string, string>> } | undefined): void => { asked.push([new URL(url).host, options?.headers?.authorization]); };
      const watched = { ...http, get: ((url, options) => { seen(url, options); return http.get(url, options); }) as typeof http.get, stream: ((url, options) => { seen(url, options); return http.stream(url, options); }) as typeof http.stream };
      return createYumSource({ http: watched, blobs: new MemoryBlobs(), now: () => now, notify: silent, readFile: async () => Buffer.from(key.toPublic().armor()), headersFor: async () => ({ authorization: 'secret' }), previous });
    };
    const { artifacts, repositories = [] } = await open().resolve([set(['tool'], { repositories: [repository({ headersFrom: ['login'], baseurls: [base, second] })] })], signal());
    expect(repositories).toMatchObject([{ uri: base, alsoAt: [second], headersFrom: ['login'] }]);
    const [artifact] = artifacts;
    if (artifact === undefined) throw new Error('nothing resolved');
    expect(artifact.urls).toEqual([`${evil}tool-2.rpm`]);
    await expect((async () => { for await (const _ of open([{ ...repositories[0] as LockedRepository, keys: [] }]).fetch({ ...artifact, signedBy: undefined } as typeof artifact, { mediaType: 'application/x-rpm', digest: artifact.digest, size: artifact.size }, { signal: signal() })); })()).resolves.toBeUndefined();
    expect(asked.filter(([host]) => host === 'rpm.example.org').every(([, secret]) => secret === 'secret')).toBe(true);
    expect(asked.filter(([host]) => host === 'evil.example.org').length).toBeGreaterThan(1);
    expect(asked.filter(([host, secret]) => host === 'evil.example.org' && secret !== undefined)).toEqual([]);
  });
});
