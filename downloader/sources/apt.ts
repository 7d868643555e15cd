import type { LockedPackageSet, LockedRepository } from '../../bom/lock.ts';
import type { Resolution, Source } from '../../bom/ports.ts';
import type { PackageSetRequirement, Target } from '../../bom/requirement.ts';
import { compareVersions } from '../../formats/deb/version.ts';
import type { Chosen } from '../solver/solve.ts';
import type { AddressedOptions } from './addressed.ts';
import { type AddressedDeb, addressedDebs, lockedAddressed, offerDebs } from './apt-addressed.ts';
import { lockedFrom, PackageList } from './apt-locked.ts';
import { loadOffer, type OfferContext } from './apt-offer.ts';
import { LockedDebs, type LockedDebsOptions } from './apt-received.ts';
import { decide, otherVersions, prepareSet, type PreparedSet, siblingSpecs } from './apt-set.ts';
import { bringTogether, type Decided } from './apt-together.ts';

export interface AptSourceOptions extends OfferContext, Pick<AddressedOptions, 'spoolDir' | 'concurrency'>, Pick<LockedDebsOptions, 'accessOf'> {}

/** Releases whose apt is known to choose as the engine does: from apt 2.2 on, and before the solver of 3.1.10. */
const knownReleases: Readonly<Record<string, { readonly from: string; readonly before: string }>> = {
  debian: { from: '11', before: '14' }, ubuntu: { from: '22.04', before: '25.10' },
};

/** Why the target's own apt may choose otherwise, as far as the target says what it is. */
function otherAptNote({ os, release }: Target): string | undefined {
  const known = knownReleases[os ?? ''];
  if (known === undefined || release === undefined) return undefined;
  const isNumber = /^[0-9]/.test(release);
  const because = (what: string): string => `${os} ${release} has ${what}, which may choose otherwise; this closure was checked and can be installed`;
  if (isNumber ? compareVersions(release, known.before) >= 0 : ['forky', 'sid'].includes(release)) return because("apt's new solver");
  return isNumber && compareVersions(release, known.from) < 0 ? because('an older apt') : undefined;
}

/** The target, with the architectures that the set names beside it. */
function withArches({ target, arches }: PackageSetRequirement): Target {
  const foreign = new Set([...(target.foreignArches ?? []), ...arches.filter((arch) => arch !== 'all' && arch !== target.arch)]);
  return { ...target, foreignArches: [...foreign] };
}

/** Puts what a decided set takes into the list, and says how it was solved. */
function lockSet({ prepared, decision }: Decided, packages: PackageList): LockedPackageSet {
  const { set, offer, wanted, debs } = prepared;
  const notes = [...decision.notes];
  const otherApt = otherAptNote(set.target);
  if (otherApt !== undefined) notes.push(otherApt);
  const addressed = lockedAddressed(set, offer, debs);
  const add = (chosen: Chosen): void => { packages.add(addressed(chosen) ?? lockedFrom(set, offer, chosen)); };
  decision.chosen.forEach(add);
  for (const spec of otherVersions(prepared, decision)) decide(prepared, [spec]).chosen.forEach(add);
  for (const spec of siblingSpecs(prepared, decision)) decide(prepared, [...wanted, spec]).chosen.forEach(add);
  return {
    id: set.id, target: set.target.id, engine: 'apt-classic', mode: set.dependencies, requested: [...wanted], exact: decision.exact && otherApt === undefined, notes,
    ...(decision.rejected.length === 0 ? {} : { rejected: [...decision.rejected] }),
  };
}

interface Wanted { readonly set: PackageSetRequirement; readonly debs: readonly AddressedDeb[] }
interface Group { readonly target: Target; readonly wanted: Wanted[] }

/** Sets that are solved on the same offer. */
function groupsOf(all: readonly Wanted[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { set, debs } of all) {
    const { target, assumeInstalled } = set;
    const key = JSON.stringify([
      target, set.repositories.map(({ preferences: _, ...repository }) => repository), assumeInstalled !== undefined && 'path' in assumeInstalled ? assumeInstalled.path : undefined,
      debs.map(({ content }) => content.blob.digest),
    ]);
    const group = groups.get(key) ?? { target, wanted: [] };
    groups.set(key, group);
    group.wanted.push({ set, debs });
  }
  return [...groups.values()];
}

/** Sets of machines that could be the same: what they have, prefer and take besides is alike. */
function meetingsOf(prepared: readonly PreparedSet[]): PreparedSet[][] {
  const alike = ({ set }: PreparedSet): string => JSON.stringify([set.assumeInstalled, set.preferences, set.targetRelease, set.weakDependencies, set.followExact]);
  return [...Map.groupBy(prepared, alike).values()];
}

interface Solved { readonly packageSets: readonly LockedPackageSet[]; readonly warnings: readonly string[]; readonly repositories: readonly LockedRepository[] }

async function solveGroup(options: AptSourceOptions, { target, wanted }: Group, packages: PackageList, signal: AbortSignal): Promise<Solved> {
  const [first] = wanted;
  if (first === undefined) throw new Error('a group without sets');
  const offer = await loadOffer(options, { ...first.set, target }, signal);
  offerDebs(offer, first.debs);
  try {
    const prepared: PreparedSet[] = [];
    for (const { set, debs } of wanted) prepared.push(await prepareSet({ ...set, target }, offer, { debs, readFile: options.readFile }));
    const meetings = meetingsOf(prepared).map((some) => bringTogether(some.map((item) => ({ prepared: item, decision: decide(item) }))));
    const solved = {
      packageSets: meetings.flatMap(({ decided }) => decided.map((item) => lockSet(item, packages))),
      warnings: [...offer.warnings, ...meetings.flatMap(({ warnings }) => warnings)], repositories: offer.repositories,
    };
    await offer.kept();
    return solved;
  } finally {
    await offer.close();
  }
}

/**
 * Debian packages from apt repositories. Every Release is verified with the keys of its requirement and judged against `now`, every index
 * and stanza is checked, each set is solved as a whole. Errors name the set or the repository.
 */
export function createAptSource(options: AptSourceOptions): Source<'deb'> {
  const locked = new LockedDebs(options);
  return {
    async resolve(wanted: readonly PackageSetRequirement[], signal: AbortSignal): Promise<Resolution<'deb'>> {
      const packages = new PackageList();
      const solved: Solved[] = [];
      const all: Wanted[] = [];
      for (const item of wanted) {
        const set = { ...item, target: withArches(item) };
        all.push({ set, debs: set.urls.length === 0 ? [] : await addressedDebs(options, set, signal) });
      }
      for (const group of groupsOf(all)) solved.push(await solveGroup(options, group, packages, signal));
      const repositories = new Map(solved.flatMap((each) => each.repositories).map((repository) => [`${repository.target}\n${repository.id}`, repository]));
      const inOrder = [...repositories.keys()].sort().flatMap((key) => repositories.get(key) ?? []);
      const packageSets = wanted.flatMap(({ id }) => solved.flatMap((each) => each.packageSets).filter((set) => set.id === id));
      return { artifacts: packages.sorted(), repositories: inOrder, packageSets, warnings: [...new Set([...solved.flatMap((each) => each.warnings), ...packages.warnings])] };
    },
    fetch: (artifact, blob, request) => locked.fetch(artifact, blob, request),
  };
}
