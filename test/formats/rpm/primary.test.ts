import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutStanzas, emptyLocation, PrimaryReader, readPrimary } from '../../../formats/rpm/primary.ts';
import type { RpmPackage } from '../../../formats/rpm/package.ts';
import { runs } from '../../support/runs.ts';

const hex = 'ab'.repeat(32);
const entry = (name: string, more = ''): string => `      <rpm:entry name="${name}"${more}/>\n`;

const bash = `<package type="rpm">
  <name>bash</name>
  <arch>x86_64</arch>
  <version epoch="1" ver="5.2~rc1" rel="3.el9"/>
  <checksum type="sha256" pkgid="YES">${hex}</checksum>
  <summary>The shell &amp; more – é</summary>
  <description>Text with &lt;location href=""/&gt; in it</description>
  <packager/>
  <url>http://example.org/?a=1&amp;b=2</url>
  <time file="2" build="1700000000"/>
  <size package="1000" installed="2000" archive="2100"/>
  <location xml:base="http://example.org/base/" href="Packages/b/bash.rpm"/>
  <format>
    <rpm:license>GPLv3+</rpm:license>
    <rpm:vendor>Example</rpm:vendor>
    <rpm:group>Shells</rpm:group>
    <rpm:buildhost>example.org</rpm:buildhost>
    <rpm:sourcerpm>bash-5.2.src.rpm</rpm:sourcerpm>
    <rpm:header-range start="100" end="900"/>
    <rpm:provides>
${entry('bash', ' flags="EQ" epoch="1" ver="5.2~rc1" rel="3.el9"')}${entry('config(bash)')}    </rpm:provides>
    <rpm:requires>
${entry('libc.so.6(GLIBC_2.34)(64bit)')}${entry('filesystem', ' flags="GE" epoch="0" ver="3"  pre="1"')}${entry('(a &gt;= 1 if b)')}${entry('libc.so.6(GLIBC_2.34)(64bit)')}    </rpm:requires>
    <rpm:recommends></rpm:recommends>
    <rpm:supplements/>
    <file>/usr/bin/bash</file>
    <file type="dir">/etc/bash</file>
    <file type="ghost">/etc/bash.state</file>
  </format>
</package>`;
const zsh = bash.replace('<name>bash', '<name>zsh').replace(' xml:base="http://example.org/base/"', '').replace('href="Packages/b/bash.rpm"', "href='./z.rpm' ");
const head = '<?xml version="1.0" encoding="UTF-8"?>\n<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="2">\n';
const index = `${head}${bash}\n${zsh}\n</metadata>\n`;

type Read = Omit<RpmPackage, 'slice'> & { readonly stanza: string };

function read(text: string | Uint8Array, cut: readonly number[] = []): readonly Read[] {
  const found: Read[] = [];
  const reader = new PrimaryReader({ subject: 'primary' }, ({ slice, ...item }) => { found.push({ ...item, stanza: slice() }); });
  const bytes = Buffer.from(text);
  const places = [0, ...cut.filter((at) => at < bytes.length), bytes.length].sort((a, b) => a - b);
  // A buffer that is written over again, as a download gives it.
  const chunk = Buffer.alloc(bytes.length);
  for (const [position, to] of places.slice(1).entries()) {
    const from = places[position] ?? 0;
    bytes.copy(chunk, 0, from, to);
    reader.push(chunk.subarray(0, to - from));
    chunk.fill(0);
  }
  reader.end();
  return found;
}

const refused = expect.objectContaining({ code: 'INTEGRITY_METADATA' }) as Error;

describe('PrimaryReader', () => {
  it('reads every field', () => {
    const [first, second] = read(index);
    expect(first).toMatchObject({
      name: 'bash', arch: 'x86_64', evr: { epoch: 1, version: '5.2~rc1', release: '3.el9' }, checksum: { type: 'sha256', value: hex },
      size: 1000, installedSize: 2000, location: 'Packages/b/bash.rpm', base: 'http://example.org/base/', summary: 'The shell & more – é', buildTime: 1_700_000_000,
      sourceRpm: 'bash-5.2.src.rpm', vendor: 'Example', licence: 'GPLv3+', headerRange: { start: 100, end: 900 },
      provides: [{ name: 'bash', op: '=', evr: { epoch: 1, version: '5.2~rc1', release: '3.el9' } }, { name: 'config(bash)' }],
      requires: [
        { name: 'libc.so.6(GLIBC_2.34)(64bit)' },
        { name: 'filesystem', op: '>=', evr: { epoch: 0, version: '3', release: '' }, pre: true },
        { name: '(a >= 1 if b)' },
        { name: 'libc.so.6(GLIBC_2.34)(64bit)' },
      ],
      recommends: [], supplements: [], conflicts: [],
      files: [{ path: '/usr/bin/bash' }, { path: '/etc/bash', type: 'dir' }, { path: '/etc/bash.state', type: 'ghost' }],
    });
    expect(second).toMatchObject({ name: 'zsh', location: './z.rpm' });
    expect(second?.base).toBeUndefined();
  });

  it('gives the stanza verbatim, but for its location', () => {
    const [first, second] = read(index);
    expect(first?.stanza).toBe(bash.replace(/<location .*\/>/, emptyLocation));
    expect(second?.stanza).toBe(zsh.replace(/<location .*\/>/, emptyLocation));
  });

  it('gives equal relations of an index as one object', () => {
    const [first, second] = read(index);
    expect(first?.requires[0]).toBe(first?.requires[3]);
    expect(second?.requires[2]).toBe(first?.requires[2]);
  });

  it('reads the same wherever the chunks are cut', () => {
    const whole = read(index);
    fc.assert(fc.property(fc.array(fc.nat(Buffer.byteLength(index)), { maxLength: 20 }), (cut) => { expect(read(index, cut)).toEqual(whole); }), { numRuns: runs(200) });
  });

  it('reads records that hold what looks like their end', () => {
    const text = index.replace('<description>', '<description><![CDATA[</package>]]><!-- </package> -->');
    const cut = [text.indexOf('CDATA[</package') + 20, text.indexOf('<!-- </package') + 16];
    expect(read(text, cut).map(({ name }) => name)).toEqual(['bash', 'zsh']);
  });

  it('says how many the index claims', async () => {
    expect(await readPrimary([Buffer.from(index)], { subject: 'primary' }, () => undefined)).toEqual({ count: 2, declared: 2 });
    expect(await readPrimary([Buffer.from(`\ufeff${head}</metadata>`)], { subject: 'primary' }, () => undefined)).toEqual({ count: 0, declared: 2 });
    expect(await readPrimary([Buffer.from('<metadata/>\n \n')], { subject: 'primary' }, () => undefined)).toEqual({ count: 0, declared: undefined });
  });

  it('keeps reading when relations collide in its table', () => {
    // Pairs that a polynomial hash cannot tell apart.
    const names = Array.from({ length: 1 << 10 }, (_, number) => Array.from({ length: 10 }, (__, bit) => ((number >> bit) & 1) === 1 ? 'Aa' : 'BB').join(''));
    const text = index.replace(entry('config(bash)'), names.map((name) => entry(name)).join('').repeat(2));
    expect(read(text)[0]?.provides.slice(1).map(({ name }) => name)).toEqual([...names, ...names]);
  });

  it('is not led astray by entries outside of their list', () => {
    expect(() => read(index.replace('<rpm:supplements/>', `<rpm:supplements/>${entry('libc.so.6(GLIBC_2.34)(64bit)')}`))).not.toThrow();
    expect(read(index.replace('<rpm:supplements/>', `<rpm:supplements/>${entry('libc.so.6(GLIBC_2.34)(64bit)').trim()}`))[0]?.supplements).toEqual([]);
  });

  it.each([
    ['an end inside of a package', index.slice(0, index.indexOf('<rpm:requires>'))],
    ['an end after a package', index.slice(0, index.indexOf('</package>') + 10)],
    ['nothing', ''],
    ['white space only', ' \n'],
    ['another root', '<filelists/>'],
    ['another record', index.replaceAll('<package', '<pkg').replaceAll('</package', '</pkg')],
    ['text between the packages', index.replace('</package>\n', '</package>\nx')],
    ['text after the root', `${index}x`],
    ['an element after the root', `${index}<metadata/>`],
    ['a document type', index.replace('<metadata', '<!DOCTYPE metadata><metadata')],
    ['an entity bomb', index.replace('<metadata', '<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><metadata').replace('The shell', '&b;')],
    ['a name twice', index.replace('<arch>', '<name>other</name><arch>')],
    ['a checksum twice', index.replace('<summary>', `<checksum type="sha256" pkgid="YES">${hex}</checksum><summary>`)],
    ['a location twice', index.replace('<format>', '<location href="other.rpm"/><format>')],
    ['a relation list twice', index.replace('<rpm:supplements/>', '<rpm:supplements/><rpm:supplements/>')],
    ['no name', index.replace('<name>bash</name>', '')],
    ['no checksum', index.replace(/<checksum.*<\/checksum>/, '')],
    ['a checksum of the wrong length', index.replace(hex, 'ab')],
    ['a checksum of an unknown type', index.replace('"sha256"', '"crc32"')],
    ['no location', index.replace(/<location.*\/>/, '')],
    ['a location above the repository', index.replace('Packages/b/bash.rpm', '../b/bash.rpm')],
    ['a location above it further on', index.replace('Packages/b/bash.rpm', 'Packages/b/../../../bash.rpm')],
    ['an encoded location above it', index.replace('Packages/b/bash.rpm', 'Packages/%2E%2e/%2e./%2e%2e/bash.rpm')],
    ['an absolute location', index.replace('Packages/b/bash.rpm', '/etc/passwd')],
    ['an address as location', index.replace('Packages/b/bash.rpm', 'file:///etc/passwd')],
    ['a location with a backslash', index.replace('Packages/b/bash.rpm', 'Packages\\..\\bash.rpm')],
    ['an empty location', index.replace('Packages/b/bash.rpm', '')],
    ['a folder as location', index.replace('Packages/b/bash.rpm', 'Packages/')],
    ['a negative size', index.replace('package="1000"', 'package="-1"')],
    ['a size that no double holds', index.replace('package="1000"', 'package="99999999999999999"')],
    ['a header beyond the file', index.replace('end="900"', 'end="1001"')],
    ['a header that ends before it starts', index.replace('end="900"', 'end="99"')],
    ['an epoch that is no number', index.replace('epoch="1"', 'epoch="x"')],
    ['an epoch that is too high', index.replace('epoch="1"', 'epoch="4294967296"')],
    ['unknown flags', index.replace('flags="GE"', 'flags="NE"')],
    ['a relation without a name', index.replace('name="config(bash)"', 'name=""')],
    ['something else among relations', index.replace(entry('config(bash)'), '<rpm:other/>')],
    ['a package of another type', index.replace('type="rpm"', 'type="deb"')],
    ['elements in a name', index.replace('<name>bash', '<name><b/>bash')],
    ['a location in a comment that looks like ours', index.replace('<packager/>', `<!-- ${emptyLocation} -->`)],
  ])('refuses %s', (_, text) => {
    expect(() => read(text)).toThrow(refused);
    expect(() => read(text, [100, 700, 1500])).toThrow(refused);
  });

  it('refuses bytes that are not UTF-8', () => {
    const bytes = Buffer.from(index);
    bytes[index.indexOf('The shell')] = 0xff;
    expect(() => read(bytes)).toThrow(refused);
    expect(() => read(Buffer.from(index, 'utf16le'))).toThrow(refused);
  });

  it('refuses records and documents beyond its bounds', () => {
    const small = new PrimaryReader({ subject: 'primary', maxRecordBytes: 1 << 20 }, () => undefined);
    small.push(Buffer.from(`${head}<package type="rpm"><description>`));
    expect(() => { for (;;) small.push(Buffer.alloc(1 << 20, 'x')); }).toThrow(refused);
    const short = new PrimaryReader({ subject: 'primary', maxBytes: 1000 }, () => undefined);
    expect(() => { short.push(Buffer.from(index)); }).toThrow(refused);
  });
});

describe('cutStanzas', () => {
  const chunked = (bytes: Buffer, size: number): Buffer[] => Array.from({ length: Math.ceil(bytes.length / size) }, (_, index_) => bytes.subarray(index_ * size, (index_ + 1) * size));

  it.each([7, 100, 5000])('cuts stanzas out of chunks of %i bytes', async (size) => {
    const [first, second] = read(index);
    if (first === undefined || second === undefined) throw new Error('two packages expected');
    const places = [second.place, first.place, second.place];
    expect(await cutStanzas(chunked(Buffer.from(index), size), places, { subject: 'primary' })).toEqual([second.stanza, first.stanza, second.stanza]);
    expect(await cutStanzas([], [], { subject: 'primary' })).toEqual([]);
  });

  it.each([[{ offset: 5, length: 10 }], [{ offset: 0, length: 20 }], [{ offset: 100_000, length: 10 }]])('refuses %j, where no package is', async (place) => {
    await expect(cutStanzas([Buffer.from(index)], [place], { subject: 'primary' })).rejects.toThrow(refused);
  });
});
