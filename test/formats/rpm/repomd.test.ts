import { describe, expect, it } from 'vitest';
import { parseRepomd, renderRepomd } from '../../../formats/rpm/repomd.ts';

const hex = 'cd'.repeat(32);
const data = (type: string, href = `repodata/${hex}-${type}.xml.gz`): string => `  <data type="${type}">
    <checksum type="sha256">${hex}</checksum>
    <open-checksum type="sha256">${hex}</open-checksum>
    <location href="${href}"/>
    <timestamp>1700000000</timestamp>
    <size>4404</size>
    <open-size>39939</open-size>
  </data>
`;
const document = (inside: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
  <revision>1700000000</revision>
${inside}</repomd>
`;
const parse = (text: string): ReturnType<typeof parseRepomd> => parseRepomd(Buffer.from(text), 'repomd.xml');

describe('repomd', () => {
  it('reads what clients need, and renders it again byte for byte', () => {
    const text = document(`  <tags>
    <content>binary-x86_64</content>
    <repo>BaseOS</repo>
    <distro cpeid="cpe:/o:example:os:9">Example &amp; OS</distro>
  </tags>
${data('primary')}${data('filelists')}`);
    const repomd = parse(text);
    expect(repomd).toMatchObject({
      revision: '1700000000',
      tags: { content: ['binary-x86_64'], repo: ['BaseOS'], distro: [{ cpeid: 'cpe:/o:example:os:9', text: 'Example & OS' }] },
      files: [{ type: 'primary', checksum: { type: 'sha256', value: hex }, location: `repodata/${hex}-primary.xml.gz`, timestamp: 1_700_000_000, size: 4404, openSize: 39_939 }, { type: 'filelists' }],
    });
    expect(new TextDecoder().decode(renderRepomd(repomd))).toBe(text);
  });

  it('reads old forms: sha for sha1, times with a fraction, no sizes', () => {
    const text = document('<data type="primary"><checksum type="sha">' + 'a'.repeat(40) + '</checksum><location xml:base="http://example.org/" href="repodata/primary.xml.gz"/><timestamp>1597.25</timestamp></data>');
    expect(parse(text).files).toEqual([{ type: 'primary', checksum: { type: 'sha1', value: 'a'.repeat(40) }, location: 'repodata/primary.xml.gz', base: 'http://example.org/', timestamp: 1597 }]);
  });

  it.each([
    ['an index twice', document(data('primary') + data('primary'))],
    ['an element twice', document(data('primary').replace('<size>', '<size>1</size><size>'))],
    ['no checksum', document(data('primary').replace(/ *<checksum.*\n/, ''))],
    ['a short checksum', document(data('primary').replace(hex, 'ab'))],
    ['an index without type', document(data(''))],
    ['a location above', document(data('primary', 'repodata/../../primary.xml.gz'))],
    ['an absolute location', document(data('primary', '/etc/passwd'))],
    ['an address', document(data('primary', 'http://example.org/primary.xml.gz'))],
    ['a negative size', document(data('primary').replace('4404', '-1'))],
    ['a document type', document('').replace('<repomd', '<!DOCTYPE repomd><repomd')],
    ['another root', '<html/>'],
    ['an end in the middle', document(data('primary')).slice(0, 300)],
    ['more after the root', `${document('')}<x/>`],
    ['nothing', ''],
    ['too much', document(' '.repeat(5 << 20))],
  ])('refuses %s', (_, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'INTEGRITY_METADATA' }) as Error);
  });
});
