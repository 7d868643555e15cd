// What an earlier lock settled stays settled: images, files and package files without a digest of their own keep the one that was locked.
import type { Aggregated } from '../bom/aggregate.ts';
import type { Lock, Trust } from '../bom/lock.ts';
import { gitAddress } from './git-address.ts';
import { type Update, withoutTag } from './lock-update.ts';
import { parseConstraint } from '../formats/helm/version-constraint.ts';
import type { ChartRequirement, FileRequirement, GitRequirement, ImageRequirement, PackageSetRequirement } from '../bom/requirement.ts';

export interface Pinned {
  readonly aggregated: Aggregated;
  /** Trust of what was pinned here, by image reference or file name: as it was when it was first locked. */
  readonly trust: ReadonlyMap<string, Trust>;
}

/** `aggregated` with the digests of `previous` where it has none, except what `update` names. A file keeps its digest only while it keeps an address. */
export function pinToPrevious(aggregated: Aggregated, previous: Lock | undefined, update: Update): Pinned {
  const trust = new Map<string, Trust>();
  if (previous === undefined) return { aggregated, trust };
  if (update === 'all') {
    // What says `mutable: pin` only moves when its own name is given.
    const pinned = aggregated.images.filter(({ mutable }) => mutable === 'pin');
    if (pinned.length === 0) return { aggregated, trust };
    const kept = pinToPrevious({ ...aggregated, images: pinned, files: [], charts: [], git: [], packageSets: [] }, previous, []);
    const byRef = new Map(kept.aggregated.images.map((image) => [image.ref, image]));
    return { aggregated: { ...aggregated, images: aggregated.images.map((image) => byRef.get(image.ref) ?? image) }, trust: kept.trust };
  }
  const isUpdated = (names: readonly string[], usedBy: readonly string[]): boolean => [...names, ...usedBy].some((name) => update.includes(name));
  const image = (wanted: ImageRequirement): ImageRequirement => {
    const locked = previous.spec.images.find(({ ref }) => ref === wanted.ref);
    if (wanted.digest !== undefined || wanted.archive !== undefined || locked === undefined || isUpdated([wanted.ref, withoutTag(wanted.ref)], wanted.usedBy)) return wanted;
    trust.set(wanted.ref, locked.trust);
    return { ...wanted, digest: locked.digest };
  };
  const file = (wanted: FileRequirement): FileRequirement => {
    const locked = previous.spec.files.find(({ name }) => name === wanted.name);
    const isSame = locked?.urls.some((url) => wanted.urls.includes(url)) ?? false;
    if (wanted.digest !== undefined || locked === undefined || !isSame || isUpdated([wanted.name], wanted.usedBy)) return wanted;
    if (wanted.size !== undefined && wanted.size !== locked.size) return wanted;
    if (wanted.signature === undefined) trust.set(wanted.name, locked.trust);
    // With its size: what the server has by now may be something else.
    return { ...wanted, digest: locked.digest, size: locked.size };
  };
  const git = (wanted: GitRequirement): GitRequirement => {
    const locked = previous.spec.git.find(({ name, url }) => name === wanted.name && url === wanted.url);
    if (wanted.commit !== '' || wanted.mirrorAll || locked === undefined || isUpdated([wanted.name], wanted.usedBy) || !isSameRef(wanted.ref, locked.ref)) return wanted;
    trust.set(`git ${wanted.name}`, locked.trust);
    return { ...wanted, commit: locked.commit, ...(locked.ref === undefined ? {} : { ref: locked.ref }) };
  };
  const packageSet = (wanted: PackageSetRequirement): PackageSetRequirement => ({ ...wanted, urls: wanted.urls.map((item) => {
    const locked = previous.spec.packages.find(({ repo, urls }) => repo === '' && item.url !== undefined && urls.includes(item.url));
    if (item.digest !== undefined || locked === undefined || isUpdated([item.url ?? '', locked.name, wanted.id], wanted.usedBy)) return item;
    return { ...item, digest: locked.digest, trust: locked.trust === 'declared' ? 'declared' : 'first-use' };
  }) });
  /** A chart packed from a branch or tag stays at the commit that was locked. */
  const chartOfRevision = (wanted: ChartRequirement): ChartRequirement => {
    const { git: place } = wanted;
    const start = place === undefined ? '' : `git+${gitAddress(place.url, `chart ${wanted.name}`)}@`;
    const locked = previous.spec.charts.find(({ source, urls }) => urls.length === 0 && source?.startsWith(start) === true && (source.split('#')[1] ?? '') === (place?.path ?? '').replace(/^\.?\/+|\/+$/g, ''));
    const commit = locked?.source?.slice(start.length).split('#')[0];
    if (place === undefined || locked === undefined || commit === undefined || isUpdated([wanted.name, locked.name], wanted.usedBy)) return wanted;
    return { ...wanted, git: { ...place, ref: commit } };
  };
  const chart = (wanted: ChartRequirement): ChartRequirement => {
    const locked = previous.spec.charts.find(({ name, source }) => name === wanted.name && source !== undefined && (source === wanted.repo || source === wanted.oci || source === wanted.url));
    if (wanted.git !== undefined) return chartOfRevision(wanted);
    if (wanted.digest !== undefined || locked === undefined || isUpdated([wanted.name], wanted.usedBy)) return wanted;
    const isRange = wanted.repo !== undefined || (wanted.oci !== undefined && wanted.version !== undefined);
    if (isRange && locked.version !== wanted.version && !parseConstraint(wanted.version ?? '', `chart ${wanted.name}`)(locked.version)) return wanted;
    trust.set(`chart ${wanted.name}`, locked.trust);
    return { ...wanted, digest: locked.digest, ...(isRange ? { version: locked.version } : {}) };
  };
  const { images, files, charts, git: repositories, packageSets } = aggregated;
  return { aggregated: { ...aggregated, images: images.map(image), files: files.map(file), packageSets: packageSets.map(packageSet), charts: charts.map(chart), git: repositories.map(git) }, trust };
}

/** Whether what a document calls a revision may be what was locked under a full name. */
function isSameRef(wanted: string | undefined, locked: string | undefined): boolean {
  if (wanted === undefined || wanted === 'HEAD') return locked === undefined || locked.startsWith('refs/heads/');
  return locked === wanted || locked === `refs/heads/${wanted}` || locked === `refs/tags/${wanted}`;
}
