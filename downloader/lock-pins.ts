// What an earlier lock settled stays settled: images and files without a digest of their own keep the one that was locked.
import type { Aggregated } from '../bom/aggregate.ts';
import type { Lock, Trust } from '../bom/lock.ts';
import type { FileRequirement, ImageRequirement } from '../bom/requirement.ts';

/** What is resolved anew: everything, or the images and files of these names or modules. */
export type Update = 'all' | readonly string[];

export interface Pinned {
  readonly aggregated: Aggregated;
  /** Trust of what was pinned here, by image reference or file name: as it was when it was first locked. */
  readonly trust: ReadonlyMap<string, Trust>;
}

/** `aggregated` with the digests of `previous` where it has none, except what `update` names. A file keeps its digest only while it keeps an address. */
export function pinToPrevious(aggregated: Aggregated, previous: Lock | undefined, update: Update): Pinned {
  const trust = new Map<string, Trust>();
  if (previous === undefined || update === 'all') return { aggregated, trust };
  const isUpdated = (names: readonly string[], usedBy: readonly string[]): boolean => [...names, ...usedBy].some((name) => update.includes(name));
  const image = (wanted: ImageRequirement): ImageRequirement => {
    const locked = previous.spec.images.find(({ ref }) => ref === wanted.ref);
    if (wanted.digest !== undefined || wanted.archive !== undefined || locked === undefined || isUpdated([wanted.ref, nameOf(wanted.ref)], wanted.usedBy)) return wanted;
    trust.set(wanted.ref, locked.trust);
    return { ...wanted, digest: locked.digest };
  };
  const file = (wanted: FileRequirement): FileRequirement => {
    const locked = previous.spec.files.find(({ name }) => name === wanted.name);
    const isSame = locked?.urls.some((url) => wanted.urls.includes(url)) ?? false;
    if (wanted.digest !== undefined || locked === undefined || !isSame || isUpdated([wanted.name], wanted.usedBy)) return wanted;
    trust.set(wanted.name, locked.trust);
    return { ...wanted, digest: locked.digest };
  };
  return { aggregated: { ...aggregated, images: aggregated.images.map(image), files: aggregated.files.map(file) }, trust };
}

/** host/path of a reference. */
function nameOf(ref: string): string {
  return ref.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
}
