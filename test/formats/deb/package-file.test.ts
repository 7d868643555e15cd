import { describe, expect, it } from 'vitest';
import { gzip } from '../../../formats/compression.ts';
import { readDebPackage } from '../../../formats/deb/package-file.ts';
import { arMember, compressors, debFile, type DebOptions, tarOf } from '../../support/deb-file.ts';

const fields = { Package: 'app', Version: '1:2-3', Architecture: 'amd64', Depends: 'lib (>= 2)', Description: 'an app\n of several\n lines' };

async function* inPieces(bytes: Uint8Array, length = 7): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
const read = (bytes: Uint8Array, piece?: number) => readDebPackage(inPieces(bytes, piece), 'app.deb');
const head = Buffer.concat([Buffer.from('!<arch>\n'), arMember('debian-binary', Buffer.from('2.0\n'))]);
const control = (text: string): Buffer => arMember('control.tar.gz', gzip(tarOf({ './control': text })));
const data = arMember('data.tar', Buffer.from('x'));

describe('readDebPackage', () => {
  it.each(Object.keys(compressors))('reads control.tar%s', async (extension) => {
    const deb = await read(debFile(fields, { extension }));
    expect(deb.fields.get('depends')).toBe('lib (>= 2)');
    expect(deb.control).toBe('Package: app\nVersion: 1:2-3\nArchitecture: amd64\nDepends: lib (>= 2)\nDescription: an app\n of several\n lines');
  });

  it('lists files, passes over members that begin with _, and takes any size of pieces', async () => {
    const more: DebOptions = { controlFiles: { './md5sums': `${'0'.repeat(32)}  usr/bin/app\n${'1'.repeat(32)}  usr/share/doc/a b\n`, './postinst': '#!/bin/sh\n' } };
    for (const piece of [1, 60, 1 << 20]) expect((await read(debFile(fields, more), piece)).files).toEqual(['usr/bin/app', 'usr/share/doc/a b']);
    const bytes = Buffer.concat([head, arMember('_gpgorigin', Buffer.from('sig')), control('Package: a\nVersion: 1\nArchitecture: all\n'), data, arMember('_later', Buffer.from('x'))]);
    expect((await read(bytes)).fields.get('package')).toBe('a');
  });

  it('drops what only an index may say', async () => {
    const deb = await read(debFile({}, { control: 'Package: a\nFilename: ../../etc/passwd\nSHA256: 00\nVersion: 1\nConffiles:\n /etc/a 00\nArchitecture: all\nSize: 5\n' }));
    expect(deb.control).toBe('Package: a\nVersion: 1\nArchitecture: all');
  });

  it.each<[string, Uint8Array, string]>([
    ['other bytes', Buffer.from('PK\u0003\u0004 something else'), 'other bytes at its start'],
    ['nothing', Buffer.alloc(0), 'other bytes at its start'],
    ['no debian-binary', Buffer.concat([Buffer.from('!<arch>\n'), control('x')]), 'no debian-binary in front'],
    ['another format', Buffer.concat([Buffer.from('!<arch>\n'), arMember('debian-binary', Buffer.from('3.0\n')), data]), 'the format'],
    ['content before control', Buffer.concat([head, data]), 'where control.tar should stand'],
    ['an unknown compression', Buffer.concat([head, arMember('control.tar.lz4', Buffer.from('x')), data]), 'where control.tar should stand'],
    ['no content', Buffer.concat([head, control('Package: a\nVersion: 1\nArchitecture: all\n')]), 'no data.tar'],
    ['another member in front of the content', Buffer.concat([head, control('Package: a\n'), arMember('more', Buffer.from('x')), data]), 'where data.tar should stand'],
    ['a length beyond the end', Buffer.concat([head, control('Package: a\n'), arMember('data.tar', Buffer.from('x'), 1000)]), 'an end in the middle'],
    ['a length that is no number', Buffer.concat([head, arMember('control.tar', Buffer.from('x'), -1)]), 'a damaged member header'],
    ['a control archive of 9 GB', Buffer.concat([head, arMember('control.tar', Buffer.from('x'), 9_000_000_000)]), 'a control archive of 9000000000 bytes'],
    ['an empty control archive', Buffer.concat([head, arMember('control.tar', Buffer.alloc(0)), data]), 'no control archive'],
    ['a control archive without control', Buffer.concat([head, arMember('control.tar', tarOf({ './md5sums': '' })), data]), 'without control'],
    ['a bomb', Buffer.concat([head, arMember('control.tar.gz', gzip(Buffer.alloc(65 << 20))), data]), 'more'],
    ['damaged gzip', Buffer.concat([head, arMember('control.tar.gz', Buffer.from('not gzip')), data]), 'incorrect header check'],
    ['a damaged tar', Buffer.concat([head, arMember('control.tar', Buffer.alloc(512, 'x')), data]), 'something else at byte 0'],
    ['a tar that ends in the middle', Buffer.concat([head, arMember('control.tar', tarOf({ control: 'Package: a'.padEnd(2000) }).subarray(0, 600)), data]), 'its end inside an entry'],
    ['two paragraphs', debFile({}, { control: 'Package: a\nVersion: 1\nArchitecture: all\n\nPackage: b\n' }), 'several paragraphs'],
    ['an empty control', debFile({}, { control: '\n' }), 'an empty control'],
    ['no version', debFile({}, { control: 'Package: a\nArchitecture: all\n' }), 'without version'],
    ['a field twice', debFile({}, { control: 'Package: a\nPackage: b\n' }), 'a second time'],
  ])('refuses %s', async (_, bytes, actual) => {
    await expect(read(bytes, 1000)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA', facts: { actual: expect.stringContaining(actual) as string } });
  });

  it('refuses a .deb cut anywhere', async () => {
    const whole = debFile(fields);
    for (let length = 0; length < whole.length - 1; length += 11) await expect(read(whole.subarray(0, length))).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
  });
});
