import type { Lock } from '../bom/lock.ts';
import type { Descriptor } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import { treeOf } from '../formats/archive/tree.ts';
import type { Archive } from './archive-file.ts';
import { lockVolumes, readLock } from './archive-lock.ts';

export interface KindFacts {
  /** image, file, package, chart, git, runtime, metadata. */
  readonly kind: string;
  readonly artifacts: number;
  /** Of carried blobs, each counted for the first kind that has it. */
  readonly bytes: number;
}

/** What a person wants to know about an archive; contents only when the volume with the lock was given. Says nothing about whether its bytes are good. */
export interface ArchiveFacts extends Partial<ArchiveContents> {
  readonly project: string;
  readonly sequence: number;
  readonly archive: string;
  readonly bundle: string;
  readonly formatVersion: string;
  /** ISO 8601: the newest upstream date among its contents. */
  readonly date: string;
  readonly signed: boolean;
  readonly delta: boolean;
  readonly required?: { readonly count: number; readonly bytes: number };
  /** `lock`: those that hold the lock. */
  readonly volumes: { readonly count: number; readonly missing: readonly number[]; readonly lock: readonly number[] };
  /** Of the volumes given. */
  readonly fileBytes: number;
  readonly blobs: number;
  readonly blobBytes: number;
}

/** What follows from the lock. */
export interface ArchiveContents {
  readonly targets: readonly string[];
  readonly kinds: readonly KindFacts[];
  /** Bytes that each module wanted; a blob of several counts for each. */
  readonly modules: readonly { readonly module: string; readonly version: string; readonly artifacts: number; readonly bytes: number }[];
  readonly images: readonly string[];
}

/** One name in an archive. */
export interface ArchiveEntry {
  readonly kind: string;
  readonly name: string;
  /** Below the unpacked folder; absent for images. */
  readonly path?: string;
  readonly digest: string;
  readonly size: number;
  readonly modules: readonly string[];
  /** Where operators install a tool. */
  readonly installAs?: string;
  /** False in a delta, for what its base holds. */
  readonly carried: boolean;
  /** Some of its blobs are in the archive, the others at the site: something new that shares content with what is there. */
  readonly partly: boolean;
}

interface Item { readonly kind: string; readonly name: string; readonly path?: string; readonly digest: string; readonly blobs: readonly Descriptor[]; readonly modules: readonly string[]; readonly installAs?: string }

function itemsOf(lock: Lock): Item[] {
  const plain = 'application/octet-stream';
  const one = ({ digest, size }: { digest: Descriptor['digest']; size: number }): Descriptor[] => [{ mediaType: plain, digest, size }];
  const { images, files, packages, charts, git, runtimes, boms } = lock.spec;
  return [
    ...images.map((image) => ({ kind: 'image', name: image.ref, digest: image.digest, blobs: [...image.manifests, ...image.blobs], modules: image.usedBy })),
    ...files.map((file) => ({ kind: 'file', name: file.name, path: `files/${file.name}`, digest: file.digest, blobs: one(file), modules: file.usedBy, ...(file.installAs === undefined ? {} : { installAs: file.installAs }) })),
    ...packages.map((item) => ({
      kind: item.manager, name: `${item.name} ${item.version} ${item.arch}`, path: `${item.manager === 'deb' ? 'apt' : 'yum'}/${item.target}/${item.path}`,
      digest: item.digest, blobs: one(item), modules: item.usedBy,
    })),
    ...charts.map((chart) => ({ kind: 'chart', name: `${chart.name} ${chart.version}`, path: `charts/${chart.path}`, digest: chart.digest, blobs: [...one(chart), ...(chart.provenance === undefined ? [] : [chart.provenance])], modules: chart.usedBy })),
    ...git.map((item) => ({ kind: 'git', name: item.name, path: `git/${item.name}.bundle`, digest: item.digest, blobs: one(item), modules: item.usedBy })),
    ...runtimes.map((item) => ({ kind: 'runtime', name: `${item.platform}/${item.path}`, path: `longshore/bin/${item.platform}/${item.path}`, digest: item.digest, blobs: one(item), modules: [] })),
    ...boms.map((bom) => ({ kind: 'bom', name: `${bom.name} ${bom.version}`, digest: bom.digest, blobs: one(bom), modules: [bom.name] })),
  ];
}

/** Names in an archive, in the lock's order. */
export async function listArchive(archive: Archive): Promise<readonly ArchiveEntry[]> {
  const lock = await readLock(archive);
  const carried = new Set<string>(archive.manifest.blobs.map((blob) => blob.digest));
  return itemsOf(lock).map(({ kind, name, path, digest, blobs, modules, installAs }) => ({
    kind, name, ...(path === undefined ? {} : { path }), digest, size: blobs.reduce((sum, blob) => sum + blob.size, 0), modules,
    ...(installAs === undefined ? {} : { installAs }), carried: blobs.every((blob) => carried.has(blob.digest)), partly: blobs.some((blob) => carried.has(blob.digest)) && !blobs.every((blob) => carried.has(blob.digest)),
  }));
}

/** Facts from the manifest and, when its volume was given, the lock inside; reads little more than the head. */
export async function inspectArchive(archive: Archive): Promise<ArchiveFacts> {
  const { manifest } = archive;
  const lock = lockVolumes(archive);
  const blobBytes = manifest.blobs.reduce((sum, blob) => sum + blob.size, 0);
  return {
    project: manifest.project, sequence: manifest.sequence, archive: archive.archive, bundle: manifest.bundle.digest, formatVersion: manifest.formatVersion,
    date: new Date(manifest.time * 1000).toISOString(), signed: archive.signature !== undefined, delta: manifest.required !== undefined,
    ...(manifest.required === undefined ? {} : { required: { count: manifest.required.count, bytes: manifest.required.bytes } }),
    volumes: { count: manifest.volumes.length, missing: archive.missing, lock },
    fileBytes: [...archive.volumes.values()].reduce((sum, volume) => sum + volume.size, 0),
    blobs: manifest.blobs.length, blobBytes,
    ...(lock.every((number) => archive.volumes.has(number)) ? contentsOf(archive, await readLock(archive), blobBytes) : {}),
  };
}

function contentsOf({ manifest }: Archive, lock: Lock, blobBytes: number): ArchiveContents {
  const items = itemsOf(lock);
  const sizes = new Map<string, number>(manifest.blobs.map((blob) => [blob.digest, blob.size]));
  const kinds = kindsOf(items, sizes);
  const known = kinds.reduce((sum, kind) => sum + kind.bytes, 0);
  return {
    targets: lock.spec.targets.map((target) => target.id),
    kinds: [...kinds, { kind: 'metadata', artifacts: 0, bytes: blobBytes - known }],
    modules: modulesOf(lock, items, sizes),
    images: lock.spec.images.map((image) => image.ref),
  };
}

function kindsOf(items: readonly Item[], sizes: ReadonlyMap<string, number>): KindFacts[] {
  const counted = new Set<string>();
  return [...Map.groupBy(items, (item) => item.kind)].map(([kind, group]) => {
    let bytes = 0;
    for (const blob of group.flatMap((item) => item.blobs)) {
      if (!counted.has(blob.digest)) bytes += sizes.get(blob.digest) ?? 0;
      counted.add(blob.digest);
    }
    return { kind, artifacts: group.length, bytes };
  });
}

function modulesOf(lock: Lock, items: readonly Item[], sizes: ReadonlyMap<string, number>): ArchiveContents['modules'] {
  return lock.spec.boms.map(({ name: module, version }) => {
    const own = items.filter((item) => item.modules.includes(module));
    const digests = new Set(own.flatMap((item) => item.blobs.map((blob) => blob.digest)));
    return { module, version, artifacts: own.length, bytes: [...digests].reduce((sum, digest) => sum + (sizes.get(digest) ?? 0), 0) };
  });
}

/** The blob behind a digest or a path of the unpacked folder. Throws `INPUT_FLAG` when the archive has neither. */
export async function findInArchive(archive: Archive, name: string): Promise<Descriptor> {
  const blob = archive.manifest.blobs.find((each) => each.digest === name || `blobs/sha256/${each.digest.slice('sha256:'.length)}` === name)
    ?? await byTreePath(archive, name);
  if (blob !== undefined) return { mediaType: 'application/octet-stream', digest: blob.digest, size: blob.size };
  throw new BundleError('INPUT_FLAG', { subject: name, expected: 'a digest or path of the archive', actual: 'neither', next: '`longshore ls ARCHIVE` lists what there is.' });
}

async function byTreePath(archive: Archive, path: string): Promise<Archive['manifest']['blobs'][number] | undefined> {
  const digest = treeOf(await readLock(archive)).get(path);
  return archive.manifest.blobs.find((each) => each.digest === digest);
}
