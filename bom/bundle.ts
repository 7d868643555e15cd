// The bundle: one OCI index that reaches everything of one lock. OCI image specification 1.1: image-index.md, manifest.md
// ("Guidelines for Artifact Usage"), image-layout.md; ARCHITECTURE.md, "Content model".
import { canonicalBytes } from './canonical-json.ts';
import { type Descriptor, type Digest, digestOf, hexOf } from './digest.ts';
import {
  bomMediaType, chartMediaType, contentOf, gitBundleMediaType, type Lock, lockBytes, type LockedPackage, packageMediaType, runtimeMediaType,
} from './lock.ts';

export const indexMediaType = 'application/vnd.oci.image.index.v1+json';
export const manifestMediaType = 'application/vnd.oci.image.manifest.v1+json';
export const emptyMediaType = 'application/vnd.oci.empty.v1+json';
export const lockMediaType = 'application/vnd.longshore.lock.v1+json';
export const titleAnnotation = 'org.opencontainers.image.title';
export const refNameAnnotation = 'org.opencontainers.image.ref.name';
/** The name that containerd takes first. */
const containerdNameAnnotation = 'io.containerd.image.name';
const dockerPrefix = 'application/vnd.docker.distribution.manifest.';
/** Octal mode that a file wants, as text. */
export const modeAnnotation = 'dev.longshore.file.mode';
export const projectAnnotation = 'dev.longshore.project';
export const sequenceAnnotation = 'dev.longshore.sequence';
export const targetAnnotation = 'dev.longshore.target';

export const artifactTypes = {
  bundle: 'application/vnd.longshore.bundle.v1+json',
  metadata: 'application/vnd.longshore.metadata.v1',
  files: 'application/vnd.longshore.files.v1',
  chart: 'application/vnd.longshore.chart.v1',
  git: 'application/vnd.longshore.git.v1',
  debs: 'application/vnd.longshore.packages.deb.v1',
  rpms: 'application/vnd.longshore.packages.rpm.v1',
  runtime: 'application/vnd.longshore.runtime.v1',
} as const;

/** A blob that follows from the lock alone. */
export interface GeneratedBlob extends Descriptor {
  readonly bytes: Uint8Array;
}

interface ListedDescriptor extends Descriptor {
  readonly artifactType?: string;
  readonly platform?: unknown;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Bundle {
  /** The index itself; its digest is the bundle's identity. */
  readonly index: GeneratedBlob;
  readonly lock: GeneratedBlob;
  /** Everything that is derived: the index, the lock, artifact manifests and configs. Each digest once. */
  readonly generated: readonly GeneratedBlob[];
  /** Everything that was fetched: what the store must hold. Each digest once. */
  readonly content: readonly (Descriptor & { readonly what: string })[];
  /** `index.json` of an OCI layout that holds the bundle and every named image. */
  readonly layoutIndex: Uint8Array;
}

const known = new WeakMap<Lock, Bundle>();

/** The bundle of a lock. Pure: the same lock gives the same bytes. Every generated manifest stays under 4 MiB (distribution specification, "Pushing Manifests"). */
export function bundleOf(lock: Lock): Bundle {
  const made = known.get(lock) ?? makeBundle(lock);
  known.set(lock, made);
  return made;
}

function makeBundle(lock: Lock): Bundle {
  const generated = new Map<Digest, GeneratedBlob>();
  const make = (mediaType: string, bytes: Uint8Array): GeneratedBlob => {
    const blob = { mediaType, digest: digestOf(bytes), size: bytes.length, bytes };
    generated.set(blob.digest, blob);
    return blob;
  };
  const lockBlob = make(lockMediaType, lockBytes(lock));
  const manifests = [metadataManifest(lock, lockBlob, make), ...images(lock), ...artifacts(lock, make)];
  const index = make(indexMediaType, canonicalBytes({
    schemaVersion: 2,
    mediaType: indexMediaType,
    artifactType: artifactTypes.bundle,
    manifests,
    annotations: { [projectAnnotation]: lock.metadata.name, [sequenceAnnotation]: String(lock.metadata.sequence) },
  }));
  const layoutIndex = canonicalBytes({
    schemaVersion: 2,
    mediaType: indexMediaType,
    manifests: [{ ...plain(index), artifactType: artifactTypes.bundle, annotations: { [refNameAnnotation]: lock.metadata.name } }, ...named(lock, make)],
  });
  const content = [...contentOf(lock).values()].filter((blob) => !generated.has(blob.digest));
  return { index, lock: lockBlob, generated: [...generated.values()], content, layoutIndex };
}

type Make = (mediaType: string, bytes: Uint8Array) => GeneratedBlob;

const plain = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType, digest, size });

/** The name that a layout and the registry inside know an image by: host/path:tag, or host/path@digest when it has no tag. */
export function layoutName(ref: string): string {
  const at = ref.indexOf('@');
  if (at < 0) return ref;
  const name = ref.slice(0, at);
  return /:[^/]+$/.test(name) ? name : ref;
}

function images(lock: Lock): ListedDescriptor[] {
  return lock.spec.images.flatMap((image) => [
    { mediaType: image.mediaType, digest: image.digest, size: image.size, annotations: { [refNameAnnotation]: layoutName(image.ref) } },
    ...(image.referrers ?? []).map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  ]);
}

/**
 * What a layout lists under the images' names. Tools of containers/image look for OCI's media types only (skopeo 1.9: "no descriptor found for
 * reference"): what Docker's types name gets an index of OCI's around it, which leads to the same manifests; containerd finds the image itself.
 */
function named(lock: Lock, make: Make): ListedDescriptor[] {
  return lock.spec.images.flatMap((image): ListedDescriptor[] => {
    const name = layoutName(image.ref);
    const itself = { mediaType: image.mediaType, digest: image.digest, size: image.size };
    const sizes = new Map<Digest, Descriptor>([itself, ...image.manifests].map((manifest) => [manifest.digest, manifest]));
    const manifests = Object.keys(image.platforms).sort().flatMap((key) => {
      const manifest = sizes.get(image.platforms[key] ?? image.digest);
      const [os, architecture, variant] = key.split('/');
      return manifest === undefined ? [] : [{ ...plain(manifest), platform: { os, architecture, variant } }];
    });
    if (!image.mediaType.startsWith(dockerPrefix) || manifests.length === 0) return [{ ...itself, annotations: { [refNameAnnotation]: name } }];
    const around = make(indexMediaType, canonicalBytes({ schemaVersion: 2, mediaType: indexMediaType, manifests }));
    // containerd takes the later one of a name: there the image keeps its own digest.
    return [{ ...plain(around), annotations: { [refNameAnnotation]: name } }, { ...itself, annotations: { [containerdNameAnnotation]: name } }];
  });
}

function artifactManifest(make: Make, options: {
  readonly artifactType: string; readonly config?: Descriptor; readonly layers: readonly ListedDescriptor[]; readonly annotations?: Readonly<Record<string, string>>;
}): ListedDescriptor {
  const empty = (): Descriptor => plain(make(emptyMediaType, new TextEncoder().encode('{}')));
  const config = options.config ?? empty();
  const layers = options.layers.length > 0 ? options.layers : [empty()];
  const manifest = make(manifestMediaType, canonicalBytes({
    schemaVersion: 2, mediaType: manifestMediaType, artifactType: options.artifactType, config: plain(config), layers, annotations: options.annotations,
  }));
  return { ...plain(manifest), artifactType: options.artifactType, ...(options.annotations === undefined ? {} : { annotations: options.annotations }) };
}

function metadataManifest(lock: Lock, lockBlob: GeneratedBlob, make: Make): ListedDescriptor {
  const boms = lock.spec.boms.map((bom) => ({
    mediaType: bomMediaType, digest: bom.digest, size: bom.size, annotations: { [titleAnnotation]: `boms/${bom.name}.json` },
  }));
  const keys = new Map<string, ListedDescriptor>();
  for (const key of lock.spec.repositories.flatMap((repository) => repository.keys)) {
    keys.set(key.digest, { ...plain(key), annotations: { [titleAnnotation]: `keys/${hexOf(key.digest).slice(0, 16)}.asc` } });
  }
  return artifactManifest(make, { artifactType: artifactTypes.metadata, config: lockBlob, layers: [...boms, ...keys.values()] });
}

/** Entries per manifest: at some 600 bytes each, a manifest stays well under 4 MiB even when the hash spreads unevenly. */
const shardSize = 1024;

/** `items` in shards by a hash of their name, so that one change touches one shard; one shard while they are few. Order within a shard is kept. */
function shards<T>(items: readonly T[], nameOf: (item: T) => string): T[][] {
  let count = 1;
  while (items.length > count * shardSize) count *= 4;
  const result: T[][] = Array.from({ length: count }, () => []);
  for (const item of items) result[Number.parseInt(hexOf(digestOf(nameOf(item))).slice(0, 8), 16) % count]?.push(item);
  return result.filter((shard) => shard.length > 0);
}

function artifacts(lock: Lock, make: Make): ListedDescriptor[] {
  const { files, charts, git, runtimes } = lock.spec;
  const titled = (blob: Descriptor, title: string, more: Readonly<Record<string, string>> = {}): ListedDescriptor =>
    ({ ...plain(blob), annotations: { [titleAnnotation]: title, ...more } });
  return [
    ...shards(files, (file) => file.name).map((shard) => artifactManifest(make, {
      artifactType: artifactTypes.files,
      layers: shard.map((file) => titled(file, file.name, { [modeAnnotation]: file.mode })),
    })),
    ...packageManifests(lock, make),
    ...charts.map((chart) => artifactManifest(make, {
      artifactType: artifactTypes.chart,
      layers: [
        titled({ mediaType: chartMediaType, digest: chart.digest, size: chart.size }, chart.path),
        ...(chart.provenance === undefined ? [] : [titled(chart.provenance, `${chart.path}.prov`)]),
      ],
    })),
    ...(git.length === 0 ? [] : [artifactManifest(make, {
      artifactType: artifactTypes.git,
      layers: git.map((item) => titled({ mediaType: gitBundleMediaType, digest: item.digest, size: item.size }, `${item.name}.bundle`)),
    })]),
    ...[...new Set(runtimes.map((runtime) => runtime.platform))].sort().map((platform) => artifactManifest(make, {
      artifactType: artifactTypes.runtime,
      layers: runtimes.filter((runtime) => runtime.platform === platform).map((runtime) =>
        titled({ mediaType: runtimeMediaType, digest: runtime.digest, size: runtime.size }, `${platform}/${runtime.path}`, { [modeAnnotation]: runtime.mode })),
    })),
  ];
}

function packageManifests(lock: Lock, make: Make): ListedDescriptor[] {
  const keyOf = (item: LockedPackage): string => `${item.manager}\n${item.target}`;
  const groups = Map.groupBy(lock.spec.packages, keyOf);
  return [...groups.keys()].sort().flatMap((key) => {
    const group = groups.get(key) ?? [];
    return shards(group, (item) => item.name).map((shard) => {
      const { manager, target } = shard[0] as LockedPackage;
      const artifactType = manager === 'deb' ? artifactTypes.debs : artifactTypes.rpms;
      const stanzas = shard.map(({ path, digest, size, stanza }) => ({ path, digest, size, stanza }));
      return artifactManifest(make, {
        artifactType,
        config: make(`${artifactType}+json`, canonicalBytes({ target, packages: stanzas })),
        layers: shard.map((item) => ({
          mediaType: packageMediaType[manager], digest: item.digest, size: item.size, annotations: { [titleAnnotation]: item.path },
        })),
        annotations: { [targetAnnotation]: target },
      });
    });
  });
}
