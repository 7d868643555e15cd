import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findOwners, readFilelists, readOther } from '../../../formats/rpm/filelists.ts';
import { runs } from '../../support/runs.ts';

const options = { subject: 'filelists' };
const record = (name: string, items: string): string => `<package pkgid="${name}-id" name="${name}" arch="noarch">\n  <version epoch="0" ver="1" rel="2"/>\n${items}</package>\n`;
const document = (records: string, root = 'filelists'): Buffer => Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://linux.duke.edu/metadata/${root}" packages="2">\n${records}</${root}>\n`);
const index = document(record('a', '  <file type="dir">/usr</file>\n  <file>/usr/bin/a</file>\n  <file type="ghost">/var/a&amp;b</file>\n  <file>/usr/bin/shared</file>\n') + record('b', '  <file>/usr/bin/é</file>\n  <file>/usr/bin/shared</file>\n  <file>/usr/bin/shared</file>\n'));
const refused = { code: 'INTEGRITY_METADATA' };

describe('filelists', () => {
  it('gives every path of every package', async () => {
    const found: unknown[] = [];
    await readFilelists([index], options, (owner, files) => { found.push([owner, files]); });
    expect(found).toEqual([
      [{ pkgid: 'a-id', name: 'a', arch: 'noarch', evr: { epoch: 0, version: '1', release: '2' } }, [{ path: '/usr', type: 'dir' }, { path: '/usr/bin/a' }, { path: '/var/a&b', type: 'ghost' }, { path: '/usr/bin/shared' }]],
      [{ pkgid: 'b-id', name: 'b', arch: 'noarch', evr: { epoch: 0, version: '1', release: '2' } }, [{ path: '/usr/bin/é' }, { path: '/usr/bin/shared' }, { path: '/usr/bin/shared' }]],
    ]);
  });

  it('finds who owns a path', async () => {
    const owners = await findOwners([index], ['/usr', '/usr/bin/shared', '/var/a&b', '/usr/bin/é', '/nowhere'], options);
    expect([...owners].map(([path, packages]) => [path, packages.map(({ name }) => name)])).toEqual([['/usr', ['a']], ['/var/a&b', ['a']], ['/usr/bin/shared', ['a', 'b']], ['/usr/bin/é', ['b']]]);
  });

  it('finds the same as reading everything, wherever the chunks are cut', async () => {
    const paths = fc.constantFrom('/a', '/b', '/a/b', '/a&b', '/c<', '/é', '/ ]]');
    const packages = fc.array(fc.array(fc.tuple(paths, fc.constantFrom('', ' type="dir"', ' type="ghost"', " type='dir'", ' ')), { maxLength: 6 }), { maxLength: 5 });
    await fc.assert(fc.asyncProperty(packages, fc.array(paths, { maxLength: 4 }), fc.integer({ min: 1, max: 400 }), async (lists, wanted, size) => {
      const escape = (path: string): string => path.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
      const bytes = document(lists.map((files, number) => record(`p${number}`, files.map(([path, attribute]) => `<file${attribute}>${escape(path)}</file>`).join('\n'))).join(''));
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
      const owners = await findOwners(chunks, wanted, options);
      const expected = new Map(wanted.flatMap((path) => {
        const names = lists.flatMap((files, number) => (files.some(([each]) => each === path) ? [`p${number}`] : []));
        return names.length === 0 ? [] : [[path, names] as const];
      }));
      expect(new Map([...owners].map(([path, found]) => [path, found.map(({ name }) => name)]))).toEqual(expected);
    }), { numRuns: runs(300) });
  });

  it.each([
    ['a package without pkgid', document('<package name="a" arch="noarch"><version ver="1"/></package>')],
    ['a package without version', document('<package pkgid="x" name="a" arch="noarch"></package>')],
    ['two versions', document(record('a', '<version ver="2"/>'))],
    ['a cut', index.subarray(0, -30)],
    ['a control character in a path', document(record('a', '<file>/a\u0001</file>'))],
    ['another root', document('', 'metadata')],
  ])('refuses %s', async (_, bytes) => {
    await expect(readFilelists([bytes], options, () => undefined)).rejects.toMatchObject(refused);
    await expect(findOwners([bytes], ['/x'], options)).rejects.toMatchObject(refused);
  });
});

describe('other', () => {
  it('gives the changelogs', async () => {
    const found: unknown[] = [];
    const bytes = document(record('a', '  <changelog author="Someone &lt;a@example.org&gt; - 1-1" date="1700000000">- Did &amp; undid\n- more</changelog>\n'), 'otherdata');
    await readOther([bytes], options, ({ name }, changelogs) => { found.push([name, changelogs]); });
    expect(found).toEqual([['a', [{ author: 'Someone <a@example.org> - 1-1', date: 1_700_000_000, text: '- Did & undid\n- more' }]]]);
  });

  it('refuses a changelog without a date', async () => {
    await expect(readOther([document(record('a', '<changelog author="x" date="yesterday"/>'), 'otherdata')], options, () => undefined)).rejects.toMatchObject(refused);
  });
});
