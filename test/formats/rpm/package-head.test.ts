import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BundleError } from '../../../bom/errors.ts';
import { rpmTag } from '../../../formats/rpm/header.ts';
import { packageEntry } from '../../../formats/rpm/package-entry.ts';
import { parseRpmHead, readRpmHead, rpmHeadBytes } from '../../../formats/rpm/package-head.ts';
import { filelistsXml, otherXml, primaryXml } from '../../../formats/rpm/package-xml.ts';
import { PrimaryReader } from '../../../formats/rpm/primary.ts';
import { basicTags, makeRpm, type TagValue } from '../../support/rpm-file.ts';
import { runs } from '../../support/runs.ts';

const refused = expect.objectContaining({ code: 'INTEGRITY_METADATA' }) as Error;
const strings = (...value: string[]): TagValue => ({ type: 'strings', value });
const int32 = (...value: number[]): TagValue => ({ type: 'int32', value });

const full = basicTags('tool', [
  [rpmTag.epoch, int32(3)], [rpmTag.vendor, { type: 'string', value: 'A & B' }], [rpmTag.url, { type: 'string', value: 'http://example.org/?a&b' }],
  [rpmTag.provideName, strings('tool', 'virtual')], [rpmTag.provideVersion, strings('3:1-2', '')], [rpmTag.provideFlags, int32(8, 0)],
  [rpmTag.requireName, strings('rpmlib(X)', '/usr/bin/tool', '/usr/share/tool', 'virtual', 'libc.so.6(GLIBC_2.4)(64bit)', 'libc.so.6(GLIBC_2.34)(64bit)', 'libc.so.6()(64bit)', '(a if b)', 'x', 'x', 'x')],
  [rpmTag.requireVersion, strings('1', '', '', '', '', '', '', '', '1.0', '1.0', '1.0')], [rpmTag.requireFlags, int32(8, 0, 0, 0, 0, 0, 0, 0, 12, 12, 12 | (1 << 9))],
  [rpmTag.baseNames, strings('tool', 'tool', 'ghost', 'tool.conf')], [rpmTag.dirNames, strings('/usr/bin/', '/usr/share/', '/var/', '/etc/')], [rpmTag.dirIndexes, int32(0, 1, 2, 3)],
  [rpmTag.fileModes, { type: 'int16', value: [0o100755, 0o040755, 0o100644, 0o100644] }], [rpmTag.fileFlags, int32(0, 64, 64, 1)],
  [rpmTag.changelogTime, int32(300, 200, 200, 200, 100)], [rpmTag.changelogName, strings('a <a@example.org>  ', 'b', 'c', 'd', 'e')], [rpmTag.changelogText, strings('- 5', '- 4', '- 3', '- 2', '- 1')],
]);

describe('packageEntry', () => {
  it('reads what metadata needs', () => {
    const file = makeRpm('tool', { tags: full });
    const head = parseRpmHead(file, 'tool.rpm');
    const entry = packageEntry(head);
    expect(entry).toMatchObject({
      name: 'tool', evr: { epoch: 3, version: '1', release: '2' }, arch: 'noarch', summary: 'The tool', vendor: 'A & B', sourceRpm: 'tool-1-2.src.rpm', buildTime: 1_700_000_000, installedSize: 10,
      files: [{ path: '/usr/bin/tool' }, { path: '/usr/share/tool', type: 'dir' }, { path: '/var/ghost', type: 'ghost' }, { path: '/etc/tool.conf' }],
      changelogs: [{ date: 100, text: '- 1' }, { date: 200, text: '- 2' }, { date: 201, text: '- 3' }, { date: 202, text: '- 4' }, { date: 300, author: 'a <a@example.org>', text: '- 5' }],
    });
    expect(entry.relations).toMatchObject({
      provides: [{ name: 'tool', op: '=', evr: { epoch: 3, version: '1', release: '2' } }, { name: 'virtual' }],
      requires: [{ name: '/usr/share/tool' }, { name: '(a if b)' }, { name: 'x', op: '>=', evr: { epoch: 0, version: '1.0', release: '' } }, { name: 'x', op: '>=', pre: true }, { name: 'libc.so.6(GLIBC_2.34)(64bit)' }],
    });
    expect(file.subarray(head.headerRange.start, head.headerRange.start + 4)).toEqual(Buffer.from([0x8e, 0xad, 0xe8, 0x01]));
    expect(file.subarray(head.headerRange.end).toString()).toBe('payload of tool');
  });

  it('renders a stanza that reads back as the same', () => {
    const entry = packageEntry(parseRpmHead(makeRpm('tool', { tags: full }), 'tool.rpm'));
    const stanza = primaryXml(entry, { checksum: { type: 'sha256', value: 'ab'.repeat(32) }, size: 100_000 });
    let found = 0;
    const reader = new PrimaryReader({ subject: 'primary' }, (item) => {
      found += 1;
      expect(item).toMatchObject({ name: entry.name, evr: entry.evr, arch: entry.arch, vendor: entry.vendor, size: 100_000, ...entry.relations, files: [{ path: '/usr/bin/tool' }, { path: '/etc/tool.conf' }] });
      expect(item.slice()).toBe(stanza.replace('href=""', 'href=""'));
    });
    reader.push(Buffer.from(`<metadata>${stanza.replace('href=""', 'href="Packages/t/tool.rpm"')}</metadata>`));
    reader.end();
    expect(found).toBe(1);
    const owner = { pkgid: 'x', name: 'a<b', arch: 'noarch', evr: entry.evr };
    expect(filelistsXml(owner, [{ path: '/a&b' }])).toBe('<package pkgid="x" name="a&lt;b" arch="noarch">\n  <version epoch="3" ver="1" rel="2"/>\n  <file>/a&amp;b</file>\n</package>\n');
    expect(otherXml(owner, [{ author: 'A <a@b>', date: 5, text: 'x\n<y>' }])).toContain('  <changelog author="A &lt;a@b&gt;" date="5">x\n&lt;y&gt;</changelog>\n');
  });

  it('takes ISO 8859-1 for what is not UTF-8, and leaves control characters out', () => {
    const tags = basicTags('old', [[rpmTag.packager, { type: 'binary', value: new Uint8Array() }]]);
    tags.delete(rpmTag.packager);
    const file = makeRpm('old', { tags: new Map([...tags, [rpmTag.vendor, { type: 'string', value: 'J\u0001VVrgen' }]]), changeHeader: (bytes) => { bytes.set([0xfc, 0x67], bytes.indexOf('VVrgen')); } });
    expect(packageEntry(parseRpmHead(file, 'old.rpm')).vendor).toBe('Jügrgen');
  });

  it('knows source packages', () => {
    const tags = basicTags('s');
    tags.delete(rpmTag.sourceRpm);
    expect(packageEntry(parseRpmHead(makeRpm('s', { tags }), 's')).arch).toBe('src');
    expect(packageEntry(parseRpmHead(makeRpm('s', { tags: new Map([...tags, [rpmTag.noSource, int32(0)]]) }), 's')).arch).toBe('nosrc');
  });

  it.each([
    ['no name', (tags: Map<number, TagValue>) => tags.delete(rpmTag.name)],
    ['no architecture', (tags: Map<number, TagValue>) => tags.delete(rpmTag.arch)],
    ['a name with a slash', (tags: Map<number, TagValue>) => tags.set(rpmTag.name, { type: 'string', value: '../x' })],
    ['a number as name', (tags: Map<number, TagValue>) => tags.set(rpmTag.name, int32(1))],
    ['text as epoch', (tags: Map<number, TagValue>) => tags.set(rpmTag.epoch, { type: 'string', value: '1' })],
    ['a folder beyond the table', (tags: Map<number, TagValue>) => tags.set(rpmTag.dirIndexes, int32(0, 1, 2, 4))],
    ['a negative folder', (tags: Map<number, TagValue>) => tags.set(rpmTag.dirIndexes, int32(0, 1, 2, 0xffff_ffff))],
    ['fewer folders than files', (tags: Map<number, TagValue>) => tags.set(rpmTag.dirIndexes, int32(0))],
    ['a size that no double holds', (tags: Map<number, TagValue>) => tags.set(rpmTag.longSize, { type: 'int64', value: [2 ** 60] })],
  ])('refuses %s', (_, change) => {
    const tags = new Map(full);
    change(tags);
    expect(() => packageEntry(parseRpmHead(makeRpm('tool', { tags }), 'tool.rpm'))).toThrow(refused);
  });
});

const word = (at: number, value: number) => (bytes: Buffer): void => { bytes.writeInt32BE(value, at); };
/** Of the index entry with this tag, its field 0 (tag) to 3 (count). */
const field = (tag: number, number: number, value: number) => (bytes: Buffer): void => {
  const count = bytes.readUInt32BE(8);
  const at = Array.from({ length: count }, (_, index) => 16 + 16 * index).find((each) => bytes.readUInt32BE(each) === tag);
  if (at === undefined) throw new Error('no such tag');
  bytes.writeInt32BE(value, at + 4 * number);
};

describe('parseRpmHead', () => {
  const file = makeRpm('tool', { tags: full });

  it('asks for as many bytes as it needs', async () => {
    const total = parseRpmHead(file, 'tool').headerRange.end;
    const reads: [number, number][] = [];
    const read = (start: number, end: number): Promise<Uint8Array> => {
      reads.push([start, end]);
      return Promise.resolve(file.subarray(start, end));
    };
    await readRpmHead(read, { subject: 'tool', sizeBytes: file.length, guessBytes: 1 });
    expect(reads[0]).toEqual([0, 1]);
    expect(reads.slice(1).every(([start, end], index) => start === reads[index]?.[1] && end > start)).toBe(true);
    expect(reads.at(-1)?.[1]).toBe(total);
    for (let length = 0; length <= total; length += 1) {
      const needed = rpmHeadBytes(file.subarray(0, length), 'tool');
      expect(needed > length).toBe(length < total);
      expect(needed).toBeLessThanOrEqual(total);
    }
  });

  it('refuses a head that goes beyond its file, or a reader that gives less', async () => {
    const cut = file.subarray(0, 400);
    await expect(readRpmHead((start, end) => Promise.resolve(cut.subarray(start, end)), { subject: 'tool', sizeBytes: cut.length })).rejects.toThrow(refused);
    await expect(readRpmHead((start, end) => Promise.resolve(cut.subarray(start, end)), { subject: 'tool', sizeBytes: file.length })).rejects.toThrow(refused);
    expect(() => parseRpmHead(cut, 'tool')).toThrow(refused);
  });

  it.each([
    ['a wrong magic', word(0, 0)], ['another header version', word(0, 0x8eade802 | 0)],
    ['no entries', word(8, 0)], ['a negative count of entries', word(8, -1)], ['a huge count of entries', word(8, 0x10000)],
    ['no data', word(12, 0)], ['a negative size', word(12, -1)], ['a huge size', word(12, 0x7fff_ffff)],
    ['a negative offset', field(rpmTag.name, 2, -4)], ['an offset beyond the data', field(rpmTag.name, 2, 1 << 20)],
    ['a count of zero', field(rpmTag.epoch, 3, 0)], ['a negative count', field(rpmTag.epoch, 3, -1)], ['a huge count', field(rpmTag.epoch, 3, 0x4000_0000)],
    ['two strings where one belongs', field(rpmTag.name, 3, 2)], ['an unknown type', field(rpmTag.name, 1, 10)], ['type null', field(rpmTag.name, 1, 0)],
    ['a tag twice', field(rpmTag.version, 0, rpmTag.name)], ['an entry over another', field(rpmTag.version, 2, 0)],
    ['a number that is not aligned', (bytes: Buffer) => { field(rpmTag.epoch, 2, bytes.readInt32BE(12) - 18)(bytes); }],
    ['more strings than there are', field(rpmTag.baseNames, 3, 5000)],
    ['no region', field(rpmTag.headerImmutable, 0, 99)], ['a region of another type', field(rpmTag.headerImmutable, 1, 6)], ['a longer region', field(rpmTag.headerImmutable, 3, 32)],
    ['a region that says another tag', (bytes: Buffer) => { bytes.writeInt32BE(62, bytes.length - 16); }],
    ['a region over fewer entries', (bytes: Buffer) => { bytes.writeInt32BE(-32, bytes.length - 8); }],
    ['a string without an end', (bytes: Buffer) => { bytes.fill(0x61, 16 + 16 * bytes.readUInt32BE(8)); }],
  ])('refuses %s', (_, changeHeader) => {
    expect(() => parseRpmHead(makeRpm('tool', { tags: full, changeHeader, signature: () => new Map([[rpmTag.sigSize, int32(1)]]) }), 'tool.rpm')).toThrow(refused);
  });

  it.each([
    ['other bytes', 0, 0], ['format 2', 4, 2], ['a signature of another type', 79, 1],
  ])('refuses a lead with %s', (_, at, value) => {
    const bytes = Buffer.from(file);
    bytes[at] = value;
    expect(() => parseRpmHead(bytes, 'tool.rpm')).toThrow(refused);
  });

  it('refuses tags outside of the region', () => {
    const bytes = makeRpm('tool', {
      changeHeader: (header) => {
        // The region says that it ends before the last entry.
        header.writeInt32BE(-(header.readUInt32BE(8) - 1) * 16, header.length - 8);
      },
    });
    expect(() => parseRpmHead(bytes, 'tool.rpm')).toThrow(refused);
  });

  it('refuses or reads whatever bytes are changed, and nothing else happens', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
      const bytes = Buffer.from(file);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        const head = parseRpmHead(bytes, 'tool.rpm');
        const entry = packageEntry(head);
        filelistsXml({ ...entry, pkgid: 'x' }, entry.files);
        otherXml({ ...entry, pkgid: 'x' }, entry.changelogs);
      } catch (error) {
        expect(error).toBeInstanceOf(BundleError);
        expect(error).toMatchObject({ code: 'INTEGRITY_METADATA' });
      }
    }), { numRuns: runs(2000) });
  });
});
