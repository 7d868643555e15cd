import fc from 'fast-check';
import { type Descriptor, type Digest, digestOf } from '../../../bom/digest.ts';
import { apiVersion, contentOf, type Lock, type LockSpec } from '../../../bom/lock.ts';
import { MemoryBlobs } from '../../support/memory-blobs.ts';

/** A lock with its content in memory. */
export interface Sample {
  readonly lock: Lock;
  readonly blobs: MemoryBlobs;
}

export interface SampleParts {
  readonly project?: string;
  readonly sequence?: number;
  /** name -> content */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** name -> content of the .deb */
  readonly debs?: Readonly<Record<string, string | Uint8Array>>;
  /** reference -> layers */
  readonly images?: Readonly<Record<string, readonly (string | Uint8Array)[]>>;
  readonly runtimes?: Readonly<Record<string, string>>;
  readonly date?: string;
}

export function sampleOf(parts: SampleParts): Sample {
  const blobs = new MemoryBlobs();
  const usedBy = ['app'];
  const bom = blobs.add('application/vnd.longshore.bom.v1+json', '{"kind":"ModuleBOM","name":"app"}');
  const spec: LockSpec = {
    targets: [{ id: 'debian-12-amd64', family: 'debian', os: 'debian', release: '12', arch: 'amd64' }],
    order: ['app'],
    boms: [{ name: 'app', version: '1.0.0', digest: bom.digest, size: bom.size, labels: {} }],
    images: Object.entries(parts.images ?? {}).map(([ref, layers]) => image(ref, layers, blobs)),
    files: Object.entries(parts.files ?? {}).map(([name, content]) => {
      const blob = blobs.add('application/octet-stream', content);
      return { name, urls: [`https://example.org/${encodeURIComponent(name)}`], ...blob, mode: '0644', purpose: 'file', trust: 'declared', usedBy };
    }),
    packages: Object.entries(parts.debs ?? {}).map(([name, content]) => {
      const blob = blobs.add('application/vnd.debian.binary-package', content);
      return {
        target: 'debian-12-amd64', manager: 'deb', name, version: '1.0', arch: 'amd64', digest: blob.digest, size: blob.size, repo: 'main',
        urls: [`https://example.org/pool/${name}.deb`], path: `pool/main/${name[0]}/${name}/${name}_1.0_amd64.deb`,
        stanza: `Package: ${name}\nVersion: 1.0\nArchitecture: amd64\nMaintainer: Nobody <nobody@example.org>\nDescription: ${name}\n`,
        role: 'normal', reason: 'requested', sets: ['app/base'], trust: 'verified', usedBy,
      };
    }),
    packageSets: [], repositories: parts.date === undefined ? [] : [repository(parts.date, blobs)], charts: [], git: [],
    runtimes: Object.entries(parts.runtimes ?? {}).map(([path, content]) => ({ platform: 'linux-x64', path, ...pick(blobs.add('x', content)), mode: '0755' })),
    dropped: [], unresolved: [], warnings: [], influences: [],
  };
  return { lock: { apiVersion, kind: 'Lock', metadata: { name: parts.project ?? 'site', project: digestOf('project'), sequence: parts.sequence ?? 1 }, spec }, blobs };
}

const pick = ({ digest, size }: Descriptor): { digest: Digest; size: number } => ({ digest, size });

function image(ref: string, layers: readonly (string | Uint8Array)[], blobs: MemoryBlobs): LockSpec['images'][number] {
  const config = blobs.add('application/vnd.oci.image.config.v1+json', JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] }, ref }));
  const layerBlobs = layers.map((layer) => blobs.add('application/vnd.oci.image.layer.v1.tar', layer));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = blobs.add(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, config, layers: layerBlobs }));
  const unique = [...new Map([config, ...layerBlobs].map((blob) => [blob.digest, blob])).values()];
  return {
    ref, digest: manifest.digest, mediaType, size: manifest.size, sources: [ref], platforms: { 'linux/amd64': manifest.digest },
    manifests: [{ ...manifest, platform: 'linux/amd64' }], blobs: unique, kind: 'image', role: 'runtime', trust: 'declared', usedBy: ['app'],
  };
}

function repository(date: string, blobs: MemoryBlobs): LockSpec['repositories'][number] {
  const metadata = blobs.add('text/plain', 'InRelease');
  const key = blobs.add('application/pgp-keys', 'a key');
  return {
    id: 'main', target: 'debian-12-amd64', manager: 'deb', uri: 'https://example.org/debian', date, metadata, indexes: [], keys: [key], keyFingerprints: [],
    verified: true, waivers: [],
  };
}

/** Every blob that a store of this sample has to hold. */
export function contentOfSample({ lock }: Sample): Descriptor[] {
  return [...contentOf(lock).values()];
}

const nameArbitrary = fc.array(fc.stringMatching(/^[a-z0-9äéß_-]([a-z0-9äéß ._+-]{0,40}[a-z0-9äéß+-])?$/u), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

/** Locks of a few files, packages and images with small contents, names long and short, ASCII and not. */
export const sampleArbitrary: fc.Arbitrary<Sample> = fc.record({
  sequence: fc.integer({ min: 1, max: 1000 }),
  files: fc.dictionary(nameArbitrary.map((name) => `f/${name}.bin`), fc.uint8Array({ maxLength: 3000 }), { maxKeys: 8 }),
  longName: fc.integer({ min: 80, max: 300 }),
  debs: fc.dictionary(fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,20}$/), fc.uint8Array({ maxLength: 2000 }), { maxKeys: 5 }),
  layers: fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 4 }),
  runtime: fc.boolean(),
}).map(({ sequence, files, longName, debs, layers, runtime }) => {
  const usable = Object.fromEntries(Object.entries(files).filter(([name]) => !Object.keys(files).some((other) => other.startsWith(`${name}/`))));
  return sampleOf({
    sequence, debs, date: '2026-01-02T03:04:05Z',
    files: { ...usable, [`long/${'x'.repeat(longName)}`]: 'long name' },
    images: layers.length === 0 ? {} : { 'docker.io/library/app:1': layers },
    runtimes: runtime ? { 'node': 'a runtime', 'node-again': 'a runtime' } : {},
  });
});
