import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../bom/digest.ts';
import type { LockedPackage } from '../../../bom/lock.ts';
import { decompress } from '../../../formats/compression.ts';
import { parseStanzas } from '../../../formats/deb/deb822.ts';
import { aptIndexes, aptMirrorOf, renderAptMirror } from '../../../formats/deb/mirror.ts';
import { parseRelease } from '../../../formats/deb/release.ts';
import { runs } from '../../support/runs.ts';

function locked(name: string, version: string, arch: string, more: Partial<LockedPackage> = {}): LockedPackage {
  const digest = digestOf(`${name} ${version} ${arch}`);
  return {
    target: 'deb12', manager: 'deb', name, version, arch, digest, size: 10, repo: 'main', urls: [], path: `pool/${name}_${version}_${arch}.deb`,
    stanza: `Package: ${name}\nVersion: ${version}\nArchitecture: ${arch}\nX-Vendor: kept\nSize: 10\nSHA256: ${digest.slice(7)}`,
    role: 'normal', reason: 'requested', sets: ['m/s'], trust: 'verified', usedBy: ['m'], ...more,
  };
}

const options = { target: 'deb12', label: 'site', date: 1_783_764_997, architectures: ['amd64', 'arm64'] };
const packages = [
  locked('b', '1.10', 'amd64'), locked('b', '1.9', 'amd64'), locked('a', '1', 'all'), locked('c', '1', 'arm64'), locked('a', '1', 'all'),
  locked('x', '1', 'amd64', { target: 'other' }), locked('r', '1', 'x86_64', { manager: 'rpm' }),
];
const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

describe('renderAptMirror', () => {
  const mirror = renderAptMirror(packages, options);
  const files = new Map(mirror.files.map(({ path, bytes }) => [path, bytes]));
  const index = (arch: string): string[] => parseStanzas(files.get(`dists/deb12/main/binary-${arch}/Packages`) ?? '', { subject: arch })
    .map((stanza) => `${stanza.get('package')} ${stanza.get('version')} ${stanza.get('filename')}`);

  it('is the same with indexes that were compressed in other threads', async () => {
    const indexes = await aptIndexes(packages, options);
    expect(aptMirrorOf(indexes, options)).toEqual(mirror);
    expect(aptMirrorOf(indexes, { ...options, date: options.date + 1 })).toEqual(renderAptMirror(packages, { ...options, date: options.date + 1 }));
  });

  it('lists each package once, in order, arch:all in every architecture', () => {
    expect(index('amd64')).toEqual(['a 1 pool/a_1_all.deb', 'b 1.9 pool/b_1.9_amd64.deb', 'b 1.10 pool/b_1.10_amd64.deb']);
    expect(index('arm64')).toEqual(['a 1 pool/a_1_all.deb', 'c 1 pool/c_1_arm64.deb']);
    expect(textOf(files.get('dists/deb12/main/binary-amd64/Packages'))).toContain('X-Vendor: kept\n');
  });

  it('says in Release what every index is, and holds each by hash', () => {
    const release = parseRelease(mirror.release, 'Release');
    expect(release).toMatchObject({ origin: 'longshore', label: 'site', suite: 'deb12', codename: 'deb12', date: options.date, acquireByHash: true, components: ['main'], architectures: ['all', 'amd64', 'arm64'], allInArchIndexes: true });
    expect([...release.files.keys()]).toEqual(['amd64', 'arm64'].flatMap((arch) => ['', '.gz', '.xz'].map((end) => `main/binary-${arch}/Packages${end}`)));
    for (const { path, size, sha256 = '', sha512 = '' } of release.files.values()) {
      const bytes = files.get(`dists/deb12/${path}`) ?? new Uint8Array();
      expect(bytes).toHaveLength(size);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
      const folder = `dists/deb12/${path.slice(0, path.lastIndexOf('/'))}`;
      expect(files.get(`${folder}/by-hash/SHA256/${sha256}`)).toEqual(bytes);
      expect(files.get(`${folder}/by-hash/SHA512/${sha512}`)).toEqual(bytes);
    }
    expect(textOf(mirror.release)).not.toMatch(/MD5|SHA1:/);
  });

  it('compresses the same text', async () => {
    const plain = files.get('dists/deb12/main/binary-amd64/Packages') ?? new Uint8Array();
    expect(textOf(gunzipSync(files.get('dists/deb12/main/binary-amd64/Packages.gz') ?? ''))).toBe(textOf(plain));
    expect(textOf(await decompress(files.get('dists/deb12/main/binary-amd64/Packages.xz') ?? new Uint8Array(), 'xz', { subject: 'x', maxBytes: 1 << 20 }))).toBe(textOf(plain));
  });

  it('does not depend on the order of its input', () => {
    fc.assert(fc.property(fc.shuffledSubarray(packages, { minLength: packages.length }), (shuffled) => {
      expect(renderAptMirror(shuffled, options)).toEqual(mirror);
    }), { numRuns: runs(20) });
  });

  it('has an index for an architecture without packages, and a Valid-Until when asked', () => {
    const empty = renderAptMirror([], { ...options, architectures: ['amd64'], validUntil: 1_783_851_397 });
    expect(empty.files.find(({ path }) => path.endsWith('binary-amd64/Packages'))?.bytes).toHaveLength(0);
    expect(parseRelease(empty.release, 'Release').validUntil).toBe(1_783_851_397);
  });

  it('adds size and SHA256 where upstream left them out', () => {
    const [file] = renderAptMirror([locked('a', '1', 'amd64', { stanza: 'Package: a\nVersion: 1\nArchitecture: amd64\n' })], options).files.filter(({ path }) => path.endsWith('binary-amd64/Packages'));
    expect(textOf(file?.bytes)).toBe(`Package: a\nVersion: 1\nArchitecture: amd64\nSize: 10\nSHA256: ${digestOf('a 1 amd64').slice(7)}\nFilename: pool/a_1_amd64.deb\n`);
  });
});
