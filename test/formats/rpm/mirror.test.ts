import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseComps } from '../../../formats/rpm/comps.ts';
import { readFilelists, readOther } from '../../../formats/rpm/filelists.ts';
import { rpmTag } from '../../../formats/rpm/header.ts';
import { renderYumMirror, type RpmDetails, type YumMirror } from '../../../formats/rpm/mirror.ts';
import { parseModules } from '../../../formats/rpm/modules.ts';
import { readPrimary } from '../../../formats/rpm/primary.ts';
import { parseRepomd } from '../../../formats/rpm/repomd.ts';
import { basicTags, makeRpm } from '../../support/rpm-file.ts';
import { lockedRpm } from '../../support/rpm-lock.ts';

const options = { target: 'alma-9', date: 1_700_000_000 };
const none = new Map<string, RpmDetails>();
const rpm = (name: string, version = '1'): ReturnType<typeof lockedRpm> =>
  lockedRpm(makeRpm(name, { tags: basicTags(name, [[rpmTag.version, { type: 'string', value: version }]]) }), 'alma-9');

function file(mirror: YumMirror, type: string): Buffer {
  const listed = parseRepomd(mirror.repomd, 'repomd').files.find((each) => each.type === type);
  const bytes = mirror.files.find(({ path }) => path === listed?.location)?.bytes;
  if (listed === undefined || bytes === undefined) throw new Error(`no ${type}`);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(listed.checksum.value);
  expect(bytes.length).toBe(listed.size);
  const open = listed.location.endsWith('.gz') ? gunzipSync(bytes) : Buffer.from(bytes);
  if (listed.openChecksum !== undefined) {
    expect(createHash('sha256').update(open).digest('hex')).toBe(listed.openChecksum.value);
    expect(open.length).toBe(listed.openSize);
  }
  return open;
}

describe('renderYumMirror', () => {
  it('lists packages by name, version and architecture, each with its location', async () => {
    const [a, b, c] = [rpm('b', '1.10'), rpm('b', '1.9'), rpm('a')];
    const details = new Map<string, RpmDetails>([[a.digest, { files: [{ path: '/x&y' }, { path: '/d', type: 'dir' }], changelogs: [{ author: 'me', date: 5, text: '- <did>' }] }]]);
    const mirror = await renderYumMirror([a, b, c, { ...c, target: 'other' }, { ...c }], details, options);
    const found: string[] = [];
    await readPrimary([file(mirror, 'primary')], { subject: 'primary' }, (item) => { found.push(`${item.name} ${item.evr.version} ${item.location} ${item.checksum.value}`); });
    expect(found).toEqual([c, b, a].map((item) => `${item.name} ${item.version.replace('-2', '')} ${item.path} ${item.digest.slice(7)}`));
    const files: unknown[] = [];
    await readFilelists([file(mirror, 'filelists')], { subject: 'filelists' }, (owner, list) => { files.push([owner.pkgid, list]); });
    expect(files).toEqual([[c.digest.slice(7), []], [b.digest.slice(7), []], [a.digest.slice(7), [{ path: '/x&y' }, { path: '/d', type: 'dir' }]]]);
    const logs: unknown[] = [];
    await readOther([file(mirror, 'other')], { subject: 'other' }, (owner, list) => { logs.push([owner.name, list]); });
    expect(logs.at(-1)).toEqual(['b', [{ author: 'me', date: 5, text: '- <did>' }]]);
    expect(mirror.files.at(-1)?.path).toBe('repodata/repomd.xml');
  });

  it('gives the same bytes for the same packages in any order', async () => {
    const packages = [rpm('b', '1.10'), rpm('b', '1.9'), rpm('a')];
    expect(await renderYumMirror([...packages].reverse(), none, options)).toEqual(await renderYumMirror(packages, none, options));
    const plain = await renderYumMirror(packages, none, { ...options, plain: true });
    expect(plain.files.map(({ path }) => path.replace(/[0-9a-f]{64}/, 'X'))).toEqual(['repodata/X-primary.xml', 'repodata/X-filelists.xml', 'repodata/X-other.xml', 'repodata/repomd.xml']);
    expect(file(plain, 'primary').equals(file(await renderYumMirror(packages, none, options), 'primary'))).toBe(true);
  });

  it('lists the paths of primary where the header is not at hand', async () => {
    const item = rpm('a');
    const stanza = item.stanza.replace('  </format>', '    <file>/usr/bin/a</file>\n  </format>');
    expect(file(await renderYumMirror([{ ...item, stanza }], none, options), 'filelists').toString()).toContain('<file>/usr/bin/a</file>');
  });

  it('puts SHA-256 in place of weaker checksums', async () => {
    const item = rpm('a');
    const stanza = item.stanza.replace(/<checksum.*<\/checksum>/, `<checksum type="sha" pkgid="YES">${'a'.repeat(40)}</checksum>`);
    const mirror = await renderYumMirror([{ ...item, stanza }], none, options);
    expect(file(mirror, 'primary').toString()).toContain(`<checksum type="sha256" pkgid="YES">${item.digest.slice(7)}</checksum>`);
    expect(file(mirror, 'filelists').toString()).toContain(`pkgid="${item.digest.slice(7)}"`);
    const strong = item.stanza.replace(/<checksum.*<\/checksum>/, `<checksum type="sha512" pkgid="YES">${'a'.repeat(128)}</checksum>`);
    expect(file(await renderYumMirror([{ ...item, stanza: strong }], none, options), 'other').toString()).toContain(`pkgid="${'a'.repeat(128)}"`);
  });

  it.each([
    ['of another package', (stanza: string) => stanza.replace('<name>a<', '<name>b<')],
    ['of another version', (stanza: string) => stanza.replace('ver="1"', 'ver="2"')],
    ['of two packages', (stanza: string) => stanza + stanza],
    ['without its place', (stanza: string) => stanza.replace('<location href=""/>', '<location href="b.rpm"/>')],
    ['that closes the index', (stanza: string) => `${stanza}</metadata>`],
    ['that is cut', (stanza: string) => stanza.slice(0, 200)],
    ['that is nothing', () => ''],
  ])('refuses a stanza %s', async (_, change) => {
    const item = rpm('a');
    await expect(renderYumMirror([{ ...item, stanza: change(item.stanza) }], none, options)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
  });

  const module = (name: string, stream: string, artifact: string, requires = 'platform: [el9]'): string =>
    `---\ndocument: modulemd\nversion: 2\ndata:\n  name: ${name}\n  stream: "${stream}"\n  version: 1\n  context: c\n  arch: x86_64\n  dependencies:\n  - requires: {${requires}}\n  artifacts:\n    rpms:\n    - ${artifact}\n...\n`;

  it('publishes the modules that its packages belong to, and what these require', async () => {
    const yaml = [
      module('a', '1', 'a-0:1-2.noarch', 'platform: [el9], runtime: [-7]'), module('a', '2', 'a-0:2-2.noarch'), module('runtime', '7', 'r-0:1-1.noarch'), module('runtime', '8', 'r-0:1-1.noarch'), module('z', '1', 'z-0:1-1.noarch'),
      '---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: a\n  stream: "2"\n...\n', '---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: z\n  stream: "1"\n...\n',
    ].join('');
    const documents = { modules: [Buffer.from(yaml), Buffer.from(yaml)], groups: [], updateinfo: [] };
    const mirror = await renderYumMirror([rpm('a')], none, { ...options, documents });
    const found = parseModules(file(mirror, 'modules'), 'modules').map((document) => (document.kind === 'stream' ? `${document.name}:${document.stream}` : `${document.kind} ${document.name ?? ''}`));
    expect(found).toEqual(['a:1', 'runtime:8', 'defaults a']);
    const without = await renderYumMirror([rpm('b')], none, { ...options, documents });
    expect(parseRepomd(without.repomd, 'repomd').files.map(({ type }) => type)).toEqual(['primary', 'filelists', 'other']);
  });

  it('joins groups, and keeps advisories of its packages', async () => {
    const group = (names: string[]): string => `<group><id>g</id><name>G</name><packagelist>${names.map((name) => `<packagereq type="default">${name}</packagereq>`).join('')}</packagelist></group>`;
    const update = (id: string, name: string): string => `<update type="security"><id>${id}</id><pkglist><collection><package name="${name}" version="1" release="2" epoch="0" arch="noarch"/></collection></pkglist></update>`;
    const documents = {
      modules: [], groups: [Buffer.from(`<comps>${group(['a', 'b'])}<environment><id>e</id></environment></comps>`), Buffer.from(`<comps>${group(['b', 'c'])}<environment><id>e</id></environment><langpacks/></comps>`)],
      updateinfo: [Buffer.from(`<updates>${update('1', 'a')}${update('2', 'other')}</updates>`), Buffer.from(`<updates>${update('1', 'a')}</updates>`)],
    };
    const mirror = await renderYumMirror([rpm('a')], none, { ...options, documents });
    const comps = parseComps(file(mirror, 'group'), 'comps');
    expect(comps.groups.map(({ id, packages }) => [id, packages.map(({ name }) => name)])).toEqual([['g', ['a', 'b', 'c']]]);
    expect(comps.environments).toHaveLength(1);
    expect(comps.others.map(({ element }) => element)).toEqual(['langpacks']);
    expect(file(mirror, 'group_gz').equals(file(mirror, 'group'))).toBe(true);
    expect(file(mirror, 'updateinfo').toString().match(/<id>/g)).toHaveLength(1);
  });

  it('keeps advisories of versions before its own, and what each repository says of one', async () => {
    const update = (id: string, ...packages: (readonly [name: string, version: string, arch?: string])[]): string => `<update type="security"><id>${id}</id><pkglist><collection>`
      + `${packages.map(([name, version, arch = 'noarch']) => `<package name="${name}" version="${version}" release="2" epoch="0" arch="${arch}"/>`).join('')}</collection></pkglist></update>`;
    const updateinfo = [
      Buffer.from(`<updates>${update('older', ['a', '0.9'])}${update('both', ['a', '1'])}${update('newer', ['a', '1.1'])}${update('foreign', ['a', '1', 'x86_64'])}</updates>`),
      Buffer.from(`<updates>${update('both', ['b', '1'])}${update('older', ['a', '0.9'])}</updates>`),
    ];
    const mirror = await renderYumMirror([rpm('a'), rpm('b')], none, { ...options, documents: { modules: [], groups: [], updateinfo } });
    expect([...file(mirror, 'updateinfo').toString().matchAll(/<id>(\w+)</g)].map(([, id]) => id)).toEqual(['older', 'both', 'both']);
  });

  it('refuses broken documents', async () => {
    for (const kind of ['modules', 'groups', 'updateinfo'] as const) {
      const documents = { modules: [], groups: [], updateinfo: [], [kind]: [Buffer.from('{broken')] };
      await expect(renderYumMirror([rpm('a')], none, { ...options, documents })).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
    }
  });
});
