import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexMediaType, manifestMediaType } from '../../../bom/bundle.ts';
import { digestOf } from '../../../bom/digest.ts';
import { BundleError } from '../../../bom/errors.ts';
import { dockerListMediaType, dockerManifestMediaType, isForeign, parseManifest } from '../../../formats/oci/manifest.ts';
import { bestPlatform, parsePlatform, platformName, platformOfConfig } from '../../../formats/oci/platform.ts';

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const blob = (text: string, mediaType = 'x/y'): object => ({ mediaType, digest: digestOf(text), size: text.length });
const codeOf = (work: () => unknown): string => {
  try { work(); } catch (error) { if (error instanceof BundleError) return error.code; throw error; }
  return 'none';
};

describe('manifests', () => {
  it('reads manifests and indexes of both families', () => {
    const manifest = { schemaVersion: 2, config: blob('c'), layers: [blob('l')] };
    expect(parseManifest(bytes({ ...manifest, mediaType: manifestMediaType }), '', 's')).toMatchObject({ kind: 'manifest', mediaType: manifestMediaType, config: blob('c'), layers: [blob('l')] });
    expect(parseManifest(bytes(manifest), dockerManifestMediaType, 's')).toMatchObject({ kind: 'manifest', mediaType: dockerManifestMediaType });
    const listed = { manifests: [{ ...blob('m'), platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }], annotations: { a: 'b' }, subject: blob('s') };
    const index = { schemaVersion: 2, ...listed };
    expect(parseManifest(bytes(index), dockerListMediaType, 's')).toMatchObject({ kind: 'index', mediaType: dockerListMediaType, ...listed });
    expect(parseManifest(bytes(index), 'application/json', 's')).toMatchObject({ kind: 'index', mediaType: indexMediaType });
    expect(parseManifest(bytes({ schemaVersion: 2, mediaType: manifestMediaType, config: blob('c'), layers: null, annotations: null }), '', 's')).toMatchObject({ layers: [] });
  });

  const bad: [string, unknown, string, string][] = [
    ['no JSON', '{', '', 'INTEGRITY_METADATA'],
    ['no UTF-8', '\ud800', '', 'INTEGRITY_METADATA'],
    ['no object', [], '', 'INTEGRITY_METADATA'],
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, '', 'RESOLVE_UNSUPPORTED'],
    ['both kinds at once', { schemaVersion: 2, config: blob('c'), layers: [], manifests: [] }, manifestMediaType, 'INTEGRITY_METADATA'],
    ['another type inside than outside', { schemaVersion: 2, mediaType: indexMediaType, manifests: [] }, manifestMediaType, 'INTEGRITY_METADATA'],
    ['an unknown type', { schemaVersion: 2, mediaType: 'text/html' }, '', 'INTEGRITY_METADATA'],
    ['no config', { schemaVersion: 2, layers: [] }, manifestMediaType, 'INTEGRITY_METADATA'],
    ['a negative size', { schemaVersion: 2, config: { ...blob('c'), size: -1 }, layers: [] }, manifestMediaType, 'INTEGRITY_METADATA'],
    ['a fraction of a byte', { schemaVersion: 2, config: { ...blob('c'), size: 0.5 }, layers: [] }, manifestMediaType, 'INTEGRITY_METADATA'],
    ['a path for a digest', { schemaVersion: 2, config: { ...blob('c'), digest: 'sha256:../../etc/passwd' }, layers: [] }, manifestMediaType, 'INTEGRITY_METADATA'],
    ['a digest of another algorithm', { schemaVersion: 2, config: { ...blob('c'), digest: `sha512:${'a'.repeat(128)}` }, layers: [] }, manifestMediaType, 'RESOLVE_UNSUPPORTED'],
    ['too many layers', { schemaVersion: 2, config: blob('c'), layers: Array.from({ length: 20_001 }, () => blob('l')) }, manifestMediaType, 'INTEGRITY_METADATA'],
  ];
  it.each(bad)('refuses %s', (_, document, mediaType, code) => {
    expect(codeOf(() => parseManifest(bytes(document), mediaType, 's'))).toBe(code);
  });

  it('throws nothing but coded errors, whatever it is given', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.constantFrom('', manifestMediaType, indexMediaType), (value, type) => {
      try { parseManifest(bytes(JSON.stringify(value)), type, 's'); } catch (error) { expect(error).toBeInstanceOf(BundleError); }
    }));
  });

  it('knows layers that must not be passed on', () => {
    expect(isForeign({ ...(blob('x') as { digest: never; size: number }), mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip' })).toBe(true);
    expect(isForeign({ ...(blob('x') as { digest: never; size: number }), mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' })).toBe(false);
  });
});

describe('platforms', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'], ['linux/arm64/v8', 'linux/arm64'], ['linux/aarch64', 'linux/arm64'], ['linux/arm', 'linux/arm/v7'], ['linux/arm/6', 'linux/arm/v6'],
    ['Linux/x86_64', 'linux/amd64'], ['linux/amd64/v1', 'linux/amd64'], ['linux/amd64/v3', 'linux/amd64/v3'], ['linux/armhf', 'linux/arm/v7'], ['windows/amd64', 'windows/amd64'],
  ])('%s compares as %s', (text, name) => {
    expect(parsePlatform(text, 's')).toBe(name);
    expect(parsePlatform(name, 's')).toBe(name);
  });

  it.each(['', 'linux', 'linux/', '/amd64', 'a/b/c/d', 'linux/arm/'])('refuses %j', (text) => {
    expect(codeOf(() => parsePlatform(text, 's'))).toBe('INPUT_FIELD');
  });

  it('chooses what a machine can run', () => {
    const available = new Set(['linux/arm/v5', 'linux/arm/v6', 'linux/amd64', 'linux/amd64/v2', 'linux/arm64']);
    expect(['linux/arm/v7', 'linux/arm/v6', 'linux/amd64/v3', 'linux/amd64', 'linux/arm64', 'linux/s390x', 'windows/amd64'].map((name) => bestPlatform(name, available))).toEqual(
      ['linux/arm/v6', 'linux/arm/v6', 'linux/amd64/v2', 'linux/amd64', 'linux/arm64', undefined, undefined]);
  });

  it('reads the platform of a config, if it names one', () => {
    expect(platformOfConfig(bytes({ os: 'linux', architecture: 'arm64', variant: 'v8' }), 's')).toBe('linux/arm64');
    expect(platformOfConfig(bytes({}), 's')).toBeUndefined();
    expect(codeOf(() => platformOfConfig(bytes('x'), 's'))).toBe('INTEGRITY_METADATA');
    expect(platformName({ os: 'linux', architecture: 'riscv64' })).toBe('linux/riscv64');
  });
});
