// What is here, as plain data: the page and /api/v1 show the same.
import type { Digest } from '../../bom/digest.ts';
import { layoutName } from '../../bom/bundle.ts';
import { contentOf, type Lock } from '../../bom/lock.ts';
import type { Served } from '../content.ts';
import { namesOf } from '../registry/library.ts';

export interface InventoryItem {
  readonly kind: 'image' | 'file' | 'chart' | 'deb' | 'rpm' | 'git';
  /** As people know it: reference, path, or package with version and architecture. */
  readonly name: string;
  readonly digest: Digest;
  /** Of everything that belongs to it. */
  readonly sizeBytes: number;
  readonly usedBy: readonly string[];
  readonly trust: string;
  readonly project: string;
  /** Names in the registry here, path below /files/ or /charts/, or target and pool path. */
  readonly places: readonly string[];
  readonly platforms?: readonly string[];
  readonly target?: string;
  /** As the documents name it. */
  readonly licence?: string;
}

export interface ProjectSummary {
  readonly name: string;
  readonly sequence: number;
  readonly generation?: number;
  readonly date: string;
  readonly modules: readonly { readonly name: string; readonly version: string; readonly labels: Readonly<Record<string, string>> }[];
  readonly targets: readonly { readonly id: string; readonly family: string; readonly arch: string; readonly packages: number }[];
  readonly counts: Readonly<Record<InventoryItem['kind'], number>>;
  /** Distinct bytes by kind; a blob that two kinds share counts once in `totalBytes`. */
  readonly bytes: Readonly<Record<InventoryItem['kind'], number>>;
  readonly totalBytes: number;
}

const known = new WeakMap<Served, readonly InventoryItem[]>();
const summaries = new WeakMap<Served, ProjectSummary>();

/** Every artifact of a lock, in the lock's order by kind. Made once for each content. */
export function itemsOf(served: Served): readonly InventoryItem[] {
  const items = known.get(served) ?? listItems(served);
  known.set(served, items);
  return items;
}

function licenceOf({ licence }: { readonly licence?: string | undefined }): { readonly licence?: string } {
  return licence === undefined ? {} : { licence };
}

function listItems({ lock }: Served): InventoryItem[] {
  const project = lock.metadata.name;
  const { images, files, packages, charts, git } = lock.spec;
  return [
    ...images.map((image): InventoryItem => ({
      kind: 'image', name: layoutName(image.ref), digest: image.digest, usedBy: image.usedBy, trust: image.trust, project,
      sizeBytes: [...image.manifests, ...image.blobs].reduce((sum, { size }) => sum + size, 0),
      places: namesOf(image).map(({ name, tag }) => (tag === undefined ? `${name}@${image.digest}` : `${name}:${tag}`)),
      platforms: Object.keys(image.platforms).sort(), ...licenceOf(image),
    })),
    ...files.map((file): InventoryItem => ({ kind: 'file', name: file.name, digest: file.digest, sizeBytes: file.size, usedBy: file.usedBy, trust: file.trust, project, places: [file.name], ...licenceOf(file) })),
    ...charts.map((chart): InventoryItem => ({
      kind: 'chart', name: `${chart.name} ${chart.version}`, digest: chart.digest, sizeBytes: chart.size, usedBy: chart.usedBy, trust: chart.trust, project, places: [chart.path], ...licenceOf(chart),
    })),
    ...packages.map((item): InventoryItem => ({
      kind: item.manager, name: `${item.name} ${item.version} ${item.arch}`, digest: item.digest, sizeBytes: item.size, usedBy: item.usedBy, trust: item.trust, project,
      places: [item.path], target: item.target,
    })),
    ...git.map((item): InventoryItem => ({ kind: 'git', name: item.name, digest: item.digest, sizeBytes: item.size, usedBy: item.usedBy, trust: item.trust, project, places: [`${item.name}.bundle`], ...licenceOf(item) })),
  ];
}

export function summaryOf(served: Served): ProjectSummary {
  const summary = summaries.get(served) ?? summarize(served);
  summaries.set(served, summary);
  return summary;
}

function summarize(served: Served): ProjectSummary {
  const { lock, generation, date } = served;
  const counts = { image: 0, file: 0, chart: 0, deb: 0, rpm: 0, git: 0 };
  for (const item of itemsOf(served)) counts[item.kind] += 1;
  const bytes = { image: 0, file: 0, chart: 0, deb: 0, rpm: 0, git: 0 };
  for (const [kind, blobs] of Object.entries(blobsByKind(lock))) bytes[kind as InventoryItem['kind']] = [...blobs.values()].reduce((sum, size) => sum + size, 0);
  return {
    name: lock.metadata.name,
    sequence: lock.metadata.sequence,
    ...(generation === undefined ? {} : { generation }),
    date: new Date(date * 1000).toISOString(),
    modules: lock.spec.boms.map(({ name, version, labels }) => ({ name, version, labels })),
    targets: lock.spec.targets.map(({ id, family, arch }) => ({ id, family, arch, packages: packagesOf(lock, id) })),
    counts,
    bytes,
    totalBytes: [...contentOf(lock).values()].reduce((sum, { size }) => sum + size, 0),
  };
}

function blobsByKind(lock: Lock): Record<InventoryItem['kind'], Map<Digest, number>> {
  const none = (): Map<Digest, number> => new Map();
  const kinds = { image: none(), file: none(), chart: none(), deb: none(), rpm: none(), git: none() };
  const { images, files, charts, packages, git } = lock.spec;
  for (const blob of images.flatMap((image) => [...image.manifests, ...image.blobs])) kinds.image.set(blob.digest, blob.size);
  for (const { digest, size } of files) kinds.file.set(digest, size);
  for (const { digest, size } of charts) kinds.chart.set(digest, size);
  for (const { manager, digest, size } of packages) kinds[manager].set(digest, size);
  for (const { digest, size } of git) kinds.git.set(digest, size);
  return kinds;
}

function packagesOf(lock: Lock, target: string): number {
  return lock.spec.packages.filter((item) => item.target === target).length;
}
