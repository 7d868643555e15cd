import { describe, expect, it } from 'vitest';
import { formatReleaseDate, isPlainPath, parseRelease, parseReleaseDate } from '../../../formats/deb/release.ts';

const a = 'a'.repeat(64);
const b = 'b'.repeat(128);
const head = 'Origin: Example\nSuite: stable\nCodename: bookworm\nDate: Sat, 11 Jul 2026 10:16:37 UTC\nValid-Until: Sat, 18 Jul 2026 10:16:37 UTC\nAcquire-By-Hash: yes\nArchitectures: all amd64\nComponents: main contrib\n';

describe('parseRelease', () => {
  it('reads fields and files with both hashes', () => {
    const release = parseRelease(`${head}MD5Sum:\n 0 1 weak/only\nSHA256:\n ${a}   12 main/binary-amd64/Packages\n ${a.toUpperCase()} 0 ./x\nSHA512:\n ${b} 12 main/binary-amd64/Packages\n`, 'Release');
    expect(release).toMatchObject({ origin: 'Example', suite: 'stable', codename: 'bookworm', date: 1783764997, validUntil: 1784369797, acquireByHash: true, architectures: ['all', 'amd64'], components: ['main', 'contrib'], allInArchIndexes: false });
    expect([...release.files.values()]).toEqual([
      { path: 'main/binary-amd64/Packages', size: 12, sha256: a, sha512: b }, { path: 'x', size: 0, sha256: a },
    ]);
  });

  it('knows where arch:all packages are', () => {
    expect(parseRelease(`${head}No-Support-for-Architecture-all: Packages\n`, 'R').allInArchIndexes).toBe(true);
    expect(parseRelease('Architectures: amd64 arm64\n', 'R').allInArchIndexes).toBe(true);
    expect(parseRelease('Origin: x\n', 'R').allInArchIndexes).toBe(false);
  });

  it.each([
    ['', 'one stanza'], ['A: 1\n\nB: 2\n', 'one stanza'], [`SHA256:\n ${a} x p\n`, 'lines'], [`SHA256:\n ${a.slice(1)} 1 p\n`, 'lines'], [`SHA256:\n ${a} 1 ../p\n`, 'paths below'],
    [`SHA256:\n ${a} 1 /etc/p\n`, 'paths below'], [`SHA256:\n ${a} 1 a//b\n`, 'paths below'], [`SHA256:\n ${a} 1 a b\n`, 'lines'],
    [`SHA256:\n ${a} 1 p\nSHA512:\n ${b} 2 p\n`, '1 bytes in every list'], ['Date: yesterday\n', 'date as'], ['Valid-Until: Sat, 31 Feb 2026 10:16:37 UTC\n', 'valid-until as'],
  ])('refuses %j', (text, expected) => {
    expect(() => parseRelease(text, 'Release')).toThrow(expect.objectContaining({ code: 'INTEGRITY_METADATA', message: expect.stringContaining(expected) as string }) as Error);
  });
});

describe('dates', () => {
  it.each(['Sat, 11 Jul 2026 10:16:37 UTC', 'Thu, 01 Jan 1970 00:00:00 UTC', 'Tue, 29 Feb 2028 23:59:59 UTC'])('gives back %s', (text) => {
    expect(formatReleaseDate(parseReleaseDate(text) ?? -1)).toBe(text);
  });
  it.each(['Sat, 11 Jul 2026 10:16:37 +0000', '11 Jul 2026 10:16:37 GMT'])('reads %s', (text) => { expect(parseReleaseDate(text)).toBe(1783764997); });
  it.each(['', '2026-07-11', 'Sat, 11 Jul 2026 10:16:37 CEST', 'Sat, 32 Jul 2026 10:16:37 UTC', 'Sat, 11 Foo 2026 10:16:37 UTC', 'Sat, 11 Jul 2026 25:00:00 UTC'])('refuses %j', (text) => {
    expect(parseReleaseDate(text)).toBeUndefined();
  });
});

describe('isPlainPath', () => {
  it.each(['a', 'a/b.deb', 'pool/main/a/a_1%3a2.deb'])('accepts %s', (path) => { expect(isPlainPath(path)).toBe(true); });
  it.each(['', '/a', '../a', 'a/../b', 'a/./b', 'a//b', 'a/', 'a\\b', 'a\0', 'a\nb'])('refuses %j', (path) => { expect(isPlainPath(path)).toBe(false); });
});
