// Repositories as distributions shape them: which indexes they list, in which forms, and how their .repo files, metalinks and mirror lists are written.
import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import type { PrivateKey } from 'openpgp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Resolution } from '../../bom/ports.ts';
import type { RepositoryRequirement } from '../../bom/requirement.ts';
import { gzip, xzCompress } from '../../formats/compression.ts';
import { parseRepomd, renderRepomd } from '../../formats/rpm/repomd.ts';
import { bzip2 } from '../support/bzip2.ts';
import { makeYumRepository, type TestRpm, testRpm, type YumRepositoryOptions } from '../support/yum-repository.ts';
import { base, named, repository, resolve, set, source, toolAndUser } from './yum-world.ts';

let key: PrivateKey;
let rpms: TestRpm[];
beforeAll(async () => {
  ({ key, rpms } = await toolAndUser());
});

type Content = Map<string, Uint8Array>;
const files = (more: YumRepositoryOptions = {}): Promise<Content> => makeYumRepository(rpms, more);
const repomdUrl = `${base}repodata/repomd.xml`;
const hash = (type: string, bytes: Uint8Array | string): string => createHash(type).update(bytes).digest('hex');

/** `content` with these indexes too; one without bytes is listed and not there. */
function listing(content: Content, indexes: Readonly<Record<string, { readonly name: string; readonly bytes?: Uint8Array; readonly checksum?: string }>>): Content {
  const repomd = parseRepomd(content.get(repomdUrl) ?? new Uint8Array(), 'repomd');
  const added = Object.entries(indexes).map(([type, { name, bytes, checksum = 'sha256' }]) => {
    const location = `repodata/${name}`;
    if (bytes !== undefined) content.set(`${base}${location}`, bytes);
    return { type, location, checksum: { type: checksum, value: hash(checksum, bytes ?? type) }, timestamp: 1_770_000_000, size: bytes?.length ?? 1 };
  });
  const kept = repomd.files.filter(({ type }) => !Object.hasOwn(indexes, type));
  return content.set(repomdUrl, renderRepomd({ ...repomd, files: [...kept, ...added] }));
}

const comps = '<?xml version="1.0"?><comps><group><id>tools</id><name>Tools</name><packagelist><packagereq type="mandatory">tool</packagereq></packagelist></group></comps>';
const advisory = '<?xml version="1.0"?><updates><update from="x" status="final" type="security" version="1"><id>EX-1</id><title>t</title><pkglist><collection short="c"><name>c</name><package name="tool" version="2" release="2" epoch="0" arch="noarch"><filename>tool-2-2.noarch.rpm</filename></package></collection></pkglist></update></updates>';
const lock = (content: Content, more: Partial<RepositoryRequirement> = {}, specs = ['tool']): Promise<Resolution<'rpm'>> => resolve({ files: content, key }, set(specs, { repositories: [repository(more)] }));

describe('repositories', () => {
  it('as Fedora makes them: zchunk beside each index, zstd, groups as they are, delta rpms', async () => {
    const content = listing(await files({ extension: '.zst', encode: (bytes) => zstdCompressSync(bytes) }), {
      primary_zck: { name: 'primary.xml.zck' }, filelists_zck: { name: 'filelists.xml.zck' }, other_zck: { name: 'other.xml.zck' }, group_zck: { name: 'comps.xml.zck' }, updateinfo_zck: { name: 'updateinfo.xml.zck' },
      primary_db: { name: 'primary.sqlite.xz' }, prestodelta: { name: 'prestodelta.xml.xz' },
      group: { name: 'comps-Everything.x86_64.xml', bytes: Buffer.from(comps) }, updateinfo: { name: 'updateinfo.xml.xz', bytes: xzCompress(Buffer.from(advisory)) },
    });
    const text = Buffer.from(content.get(repomdUrl) ?? '').toString().replaceAll(/(<data type="\w+_zck">)/g, `$1<header-checksum type="sha256">${'ab'.repeat(32)}</header-checksum><header-size>132</header-size>`);
    content.set(repomdUrl, Buffer.from(text));
    const resolution = await lock(content, {}, ['user', '@tools']);
    expect(named(resolution)).toEqual(['tool 2-2 noarch', 'user 1-2 noarch']);
    expect(resolution.repositories?.[0]).toMatchObject({ groups: { mediaType: 'application/xml' }, updateinfo: { mediaType: 'application/x-xz' }, indexes: [{ path: 'repodata/primary.xml.zst' }, { path: 'repodata/filelists.xml.zst' }] });
  });

  it('as EPEL makes them: advisories in bzip2, groups in xz', async () => {
    const content = listing(await files(), { updateinfo: { name: 'updateinfo.xml.bz2', bytes: bzip2(Buffer.from(advisory)) }, group_xz: { name: 'comps.xml.xz', bytes: xzCompress(Buffer.from(comps)) }, group: { name: 'comps.xml', bytes: Buffer.from(comps) } });
    const resolution = await lock(content, {}, ['@tools']);
    expect(named(resolution)).toEqual(['tool 2-2 noarch']);
    expect(resolution.repositories?.[0]).toMatchObject({ updateinfo: { mediaType: 'application/x-bzip2' }, groups: { mediaType: 'application/x-xz' } });
    expect(named(await lock(await files({ extension: '.bz2', encode: bzip2 }), {}, ['user']))).toEqual(['tool 2-2 noarch', 'user 1-2 noarch']);
  });

  it('as Enterprise Linux 8 and 9 make them: modules with defaults, obsoletes, translations and what a later version adds', async () => {
    const stream = (name: string, artifact: string): string => `---\ndocument: modulemd\nversion: 2\ndata:\n  name: kit\n  stream: "${name}"\n  version: 8060020230101\n  context: 9edba152\n  arch: x86_64\n  summary: kit\n  description: >-\n    text\n  license:\n    module: [MIT]\n  dependencies:\n  - requires:\n      platform: [el9]\n  profiles:\n    common:\n      rpms: [tool]\n  artifacts:\n    rpms:\n    - ${artifact}\n...\n`;
    const modules = [
      stream('1', 'tool-0:1-2.noarch'), stream('2', 'tool-0:2-2.noarch'),
      '---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: kit\n  stream: "2"\n  profiles:\n    "2": [common]\n...\n',
      '---\ndocument: modulemd-obsoletes\nversion: 1\ndata:\n  modified: 2024-01-24T08:54Z\n  module: kit\n  stream: "1"\n  message: It ended.\n...\n',
      '---\ndocument: modulemd-translations\nversion: 1\ndata:\n  module: kit\n  stream: "2"\n  modified: 201805231425\n  translations:\n    de_DE:\n      summary: Werkzeug\n...\n',
      '---\ndocument: modulemd-packager\nversion: 3\ndata:\n  name: kit\n...\n',
    ].join('');
    const both = [...rpms, await testRpm('tool', { key, version: '1' })];
    for (const [name, bytes] of [['modules.yaml.gz', gzip(Buffer.from(modules))], ['modules.yaml.xz', xzCompress(Buffer.from(modules))], ['modules.yaml', Buffer.from(modules)]] as const) {
      const content = listing(await makeYumRepository(both), { modules: { name, bytes } });
      expect(named(await lock(content))).toEqual(['tool 2-2 noarch']);
      expect(named(await lock(content, { modules: ['kit:1'] }))).toEqual(['tool 1-2 noarch']);
    }
  });

  it('as SUSE makes them: many more kinds of index, products and patterns, keywords, sha512', async () => {
    const content = listing(await files({ checksum: 'sha512' }), Object.fromEntries(['susedata', 'susedata.de', 'susedata.pt_BR', 'suseinfo', 'patterns', 'product', 'products', 'appdata', 'app-icons', 'license-SLES', 'deltainfo'].map((type) => [type, { name: `${type}.xml.gz`, checksum: 'sha512' }])));
    const text = Buffer.from(content.get(repomdUrl) ?? '').toString().replace('</revision>', '</revision><tags><content>pool</content><repo>obsrepository://build.example.org/SUSE</repo><distro cpeid="cpe:/o:suse:sles:15:sp6">SLES</distro></tags><keywords><k>x</k></keywords>');
    content.set(repomdUrl, Buffer.from(text));
    const resolution = await lock(content, {}, ['user']);
    expect(named(resolution)).toEqual(['tool 2-2 noarch', 'user 1-2 noarch']);
    expect(resolution.weak).toBeUndefined();
  });

  it('of old generators: sha for sha1, told as weak', async () => {
    const content = await files({ checksum: 'sha1' });
    content.set(repomdUrl, Buffer.from(Buffer.from(content.get(repomdUrl) ?? '').toString().replaceAll('type="sha1"', 'type="sha"')));
    expect((await lock(content)).weak).toEqual(['primary of repository base']);
  });
});

describe('metalinks', () => {
  const entry = (bytes: Uint8Array, hashes: readonly string[]): string => `<mm0:timestamp>1770000000</mm0:timestamp><size>${bytes.length}</size><verification>${hashes.map((type) => `<hash type="${type}">${hash(type.replace('-', ''), bytes)}</hash>`).join('')}</verification>`;
  const document = (inside: string): Uint8Array => Buffer.from(`<?xml version="1.0" encoding="utf-8"?>\n<metalink version="3.0" xmlns="http://www.metalinker.org/" type="dynamic" pubdate="Mon, 02 Feb 2026 02:40:00 GMT" generator="mirrormanager" xmlns:mm0="http://fedorahosted.org/mirrormanager">\n <files>\n  <file name="repomd.xml">${inside}<resources maxconnections="1"><url protocol="https" type="https" location="DE" preference="100">ftp://gone.example.org/repodata/repomd.xml</url><url protocol="http" type="http" location="DE" preference="99">${repomdUrl}</url></resources></file>\n </files>\n</metalink>`);
  const all = ['md5', 'sha1', 'sha256', 'sha512'];
  const locked = async (inside: (repomd: Uint8Array) => string): Promise<string[]> => {
    const content = await files();
    content.set('http://lists.example.org/metalink?repo=x', document(inside(content.get(repomdUrl) ?? new Uint8Array())));
    return named(await lock(content, { baseurls: [], metalink: 'http://lists.example.org/metalink?repo=x' }));
  };
  const newer = Buffer.from('<repomd>newer</repomd>');

  it.each<[string, (repomd: Uint8Array) => string]>([
    ['several hashes', (repomd) => entry(repomd, all)],
    ['hashes with a dash', (repomd) => entry(repomd, ['sha-256', 'sha-512'])],
    ['an alternate that the mirrors still serve', (repomd) => `${entry(newer, all)}<mm0:alternates><mm0:alternate>${entry(Buffer.from('older'), all)}</mm0:alternate><mm0:alternate>${entry(repomd, all)}</mm0:alternate></mm0:alternates>`],
  ])('with %s are taken', async (_, inside) => { expect(await locked(inside)).toEqual(['tool 2-2 noarch']); });

  it.each<[string, string, (repomd: Uint8Array) => string]>([
    ['of another repomd.xml', 'INTEGRITY_DIGEST', () => entry(newer, all)],
    ['whose strongest hash is another, though the weaker ones are right', 'INTEGRITY_DIGEST', (repomd) => `<verification><hash type="md5">${hash('md5', repomd)}</hash><hash type="sha1">${hash('sha1', repomd)}</hash><hash type="sha512">${hash('sha512', newer)}</hash></verification>`],
    ['with an md5 alone', 'INTEGRITY_DIGEST', (repomd) => entry(repomd, ['md5'])],
    ['without a hash', 'INTEGRITY_DIGEST', () => ''],
    ['with alternates of which none is served', 'INTEGRITY_DIGEST', () => `${entry(newer, all)}<mm0:alternates><mm0:alternate>${entry(Buffer.from('older'), all)}</mm0:alternate></mm0:alternates>`],
    ['with entities', 'INTEGRITY_METADATA', () => '<!DOCTYPE a [<!ENTITY a "b">]>'],
  ])('%s are refused', async (_, code, inside) => { await expect(locked(inside)).rejects.toMatchObject({ code }); });
});

describe('mirror lists', () => {
  it('may have comments, blank lines, line ends of Windows and addresses of other protocols', async () => {
    const content = await files();
    content.set('http://lists.example.org/mirrorlist?arch=x86_64', Buffer.from(`# repo = x arch = x86_64 country = DE\r\n\r\n  rsync://a.example.org/os\r\nftp://b.example.org/os\r\n${base.slice(0, -1)}\r\n# end\r\n`));
    expect(named(await lock(content, { baseurls: [], mirrorlist: 'http://lists.example.org/mirrorlist?arch=$basearch' }))).toEqual(['tool 2-2 noarch']);
  });

  it.each([['an error page', '<html><body>Not here</body></html>'], ['comments alone', '# Bad arch - not in list'], ['nothing', '']])('with %s are refused', async (_, text) => {
    const content = (await files()).set('http://lists.example.org/list', Buffer.from(text));
    await expect(lock(content, { baseurls: [], mirrorlist: 'http://lists.example.org/list' })).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
  });
});

describe('.repo files', () => {
  const place = 'http://rpm.example.org/9/x86_64/blue/';
  const { baseurls: _, ...bare } = repository({ keys: [], repoFile: { path: '/site.repo', written: 'site.repo' } });
  async function taken(text: string, more: Partial<RepositoryRequirement> = {}, release = '9'): Promise<{ readonly names: readonly string[]; readonly ids: readonly string[]; readonly asked: readonly string[]; readonly read: readonly string[] }> {
    const { yum, http } = source({ files: await files({ base: place }), key, texts: { '/site.repo': text, '/keys/RPM-GPG-KEY-9-x86_64': key.toPublic().armor() } });
    const wanted = set(['tool'], { repositories: [{ ...bare, ...more }] });
    const resolution = await yum.resolve([{ ...wanted, target: { ...wanted.target, release, releasever: release } }], new AbortController().signal);
    return { names: named(resolution), ids: (resolution.repositories ?? []).map(({ id }) => id), asked: http.asked, read: resolution.artifacts[0]?.urls ?? [] };
  }

  it.each<[string, string]>([
    ['a byte order mark and line ends of Windows', '\uFEFF[blue]\r\nname=Blue\r\nbaseurl=http://rpm.example.org/$releasever/$basearch/blue\r\ngpgkey=file:///k\r\n'],
    ['lists over several lines, with comments between', '[blue]\nbaseurl=\n  http://gone.example.org/os/,\n  # the second\n\thttp://rpm.example.org/9/x86_64/blue/\ngpgkey = file:///k\n  file:///k2\n'],
    ['values between blanks, keys in capitals, semicolons', '; site\n[blue]\nBaseURL = http://rpm.example.org/9/x86_64/blue/\nENABLED = yes\ngpgkey=file:///k, file:///k2\nexcludepkgs=other,\n  another  third\n'],
    ['a key whose path has variables, as in Fedora', '[blue]\nbaseurl=http://rpm.example.org/9/x86_64/blue/\ngpgkey=file:///keys/RPM-GPG-KEY-$releasever-$basearch\n'],
    ['a key by its path alone', '[blue]\nbaseurl=http://rpm.example.org/9/x86_64/blue/\ngpgkey=/keys/RPM-GPG-KEY-9-x86_64\n'],
    ['words for variables without a value', '[blue]\nbaseurl=http://rpm.example.org/${releasever:-8}/${basearch}/${colour:-blue}${colour:+red}/\ngpgkey=file:///k\n'],
    ['what zypper writes', '[blue]\nname=Blue\nenabled=1\nautorefresh=1\ntype=rpm-md\nkeeppackages=0\npath=/\npkg_gpgcheck=1\nrepo_gpgcheck=0\nbaseurl=http://rpm.example.org/9/x86_64/blue/\ngpgkey=file:///k\n'],
    ['what subscription-manager writes for what is not enabled', '[red]\nenabled = 0\nbaseurl = https://cdn.example.org/$unknown/\nsslclientcert = /etc/pki/entitlement/1.pem\n[blue]\nbaseurl=http://rpm.example.org/9/x86_64/blue/\nui_repoid_vars = releasever basearch\ngpgkey=file:///k\n'],
  ])('with %s', async (__, text) => {
    const { names, ids } = await taken(text);
    expect([names, ids]).toEqual([['tool 2-2 noarch'], ['base']]);
  });

  it('give a variable the empty value where the document does, as Rocky and Oracle do', async () => {
    const text = '[blue]\nbaseurl=http://rpm$ociregion.example.org/$releasever_major/$basearch/blue$rltype\ngpgkey=file:///k\n';
    expect((await taken(text, { variables: { ociregion: '', rltype: '' } }, '9.4')).names).toEqual(['tool 2-2 noarch']);
    await expect(taken(text, { variables: { ociregion: '' } })).rejects.toMatchObject({ code: 'INPUT_FIELD', facts: { expected: 'a value of $rltype' } });
  });

  it('name the minor release', async () => {
    expect((await taken('[blue]\nbaseurl=http://rpm.example.org/$releasever_minor/$basearch/blue\ngpgkey=file:///k\n', {}, '15.9')).names).toEqual(['tool 2-2 noarch']);
    await expect(taken('[blue]\nbaseurl=http://rpm.example.org/$releasever_minor/\ngpgkey=file:///k\n', {}, '9')).rejects.toMatchObject({ facts: { expected: 'a value of $releasever_minor' } });
  });

  it('are several repositories when they have several sections', async () => {
    const section = (name: string): string => `[${name}]\nbaseurl=${place}\ngpgkey=file:///k\n`;
    expect((await taken(section('one') + section('two'))).ids).toEqual(['base/one', 'base/two']);
  });

  it('with a token behind the address are refused, and the token is not told', async () => {
    const refused = await taken('[blue]\nbaseurl=https://updates.example.org/SUSE/update/?s3cretT0ken\ngpgkey=file:///k\n').catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ code: 'INPUT_FIELD', facts: { expected: 'a baseurl without ?…' } });
    expect(JSON.stringify(refused) + String(refused)).not.toContain('s3cretT0ken');
  });
});
