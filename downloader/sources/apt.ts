import type { Descriptor } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Notify } from '../../bom/events.ts';
import type { LockedPackage, LockedPackageSet, LockedRepository } from '../../bom/lock.ts';
import type { BlobReader, BlobWriter, Bytes, Resolution, Source } from '../../bom/ports.ts';
import type { PackageSetRequirement, Target } from '../../bom/requirement.ts';
import { parseStanzas, type Stanza } from '../../formats/deb/deb822.ts';
import { compareVersions } from '../../formats/deb/version.ts';
import type { HttpClient } from '../../transport/http-client.ts';
import { solveAptClassic } from '../solver/apt-classic.ts';
import { findPackage } from '../solver/apt-specs.ts';
import { checkClosure } from '../solver/checker.ts';
import type { Chosen, Decision } from '../solver/solve.ts';
import type { AddressedOptions } from './addressed.ts';
import { type AddressedDeb, addressedDebs, lockedAddressed, offerDebs, specOf } from './apt-addressed.ts';
import { streamFrom } from './apt-fetch.ts';
import { lockedFrom, PackageList } from './apt-locked.ts';
import { loadOffer, type Offer } from './apt-offer.ts';

export interface AptSourceOptions extends Pick<AddressedOptions, 'spoolDir' | 'concurrency'> {
  readonly http: HttpClient;
  /** Metadata that is read is kept here by digest, and found here again by hash. */
  readonly blobs: BlobReader & BlobWriter;
  readonly now: () => Date;
  readonly notify: Notify;
  /** Reads a keyring or a status file that a requirement names; from the disk unless told. */
  readonly readFile?: (path: string) => Promise<Uint8Array>;
  /** Repositories of the last lock: a Release that is older than theirs is refused as a replay. */
  readonly previous?: readonly LockedRepository[];
}

/** Releases whose apt is known to choose as the engine does: from apt 2.2 on, and before the solver of 3.1.10. */
const knownReleases: Readonly<Record<string, { readonly from: string; readonly before: string }>> = {
  debian: { from: '11', before: '14' }, ubuntu: { from: '22.04', before: '26.04' },
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

/** Throws `RESOLVE_UNSOLVABLE` when the independent checker finds that the closure cannot be installed as a whole. */
function demandInstallable(set: PackageSetRequirement, { universe, installed, installedStanzas }: Offer, chosen: readonly Chosen[]): void {
  const stanzaOf = (version: number): Stanza[] => parseStanzas(universe.stanzaOf(version), { subject: set.id });
  const assumed = [...installed].filter(([, version]) => version === undefined).map(([label]) => label);
  const assumedStanzas = assumed.flatMap((label) => {
    const version = universe.versionsOf(findPackage(universe, label) ?? -1)[0];
    return version === undefined ? [] : stanzaOf(version);
  });
  const problems = checkClosure(chosen.flatMap(({ version }) => stanzaOf(version)), {
    nativeArch: set.target.arch, installed: [...installedStanzas, ...assumedStanzas], assumed: new Set(assumed),
  });
  if (problems.length === 0) return;
  throw new BundleError('RESOLVE_UNSOLVABLE', { subject: 'the whole', expected: 'packages that can be installed together', actual: problems.slice(0, 5).join('; ') });
}

/** Solves and checks. Errors name the set and, when one spec is to blame, the place that asked for it. */
function decide(set: PackageSetRequirement, offer: Offer, wanted: readonly string[]): Decision {
  try {
    const decision = solveAptClassic(offer.universe, { wanted, recommends: set.weakDependencies, mode: set.dependencies, installed: offer.installed });
    if (set.dependencies === 'closure') demandInstallable(set, offer, decision.chosen);
    return decision;
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    const at = set.include.find(({ spec }) => error.facts.subject === `package ${spec}`)?.at ?? set.at[0];
    const place = at === undefined ? '' : ` (${at.file}:${at.line}:${at.column})`;
    throw new BundleError(error.code, { ...error.facts, subject: `package set ${set.id}${place}: ${error.facts.subject}` }, { cause: error });
  }
}

/** The specs of the other versions of what is wanted in all its versions. Each is solved by itself: they cannot be installed together. */
function otherVersions(set: PackageSetRequirement, { universe }: Offer, decision: Decision): string[] {
  const taken = new Set(decision.chosen.map(({ version }) => version));
  return set.include.filter((item) => item.versions === 'all').flatMap((item) => {
    const label = item.spec.replace(/[=/].*$/, '');
    const chosen = decision.chosen.find(({ version }) => universe.label(universe.ownerOf(version)) === label);
    if (chosen === undefined) return [];
    return universe.versionsOf(universe.ownerOf(chosen.version)).filter((version) => !taken.has(version)).map((version) => `${label}=${universe.versionText(version)}`);
  });
}

/** The target, with the architectures that the set names beside it. */
function withArches({ target, arches }: PackageSetRequirement): Target {
  const foreign = new Set([...(target.foreignArches ?? []), ...arches.filter((arch) => arch !== 'all' && arch !== target.arch)]);
  return { ...target, foreignArches: [...foreign] };
}

function solveSet(set: PackageSetRequirement, { offer, debs, packages }: { readonly offer: Offer; readonly debs: readonly AddressedDeb[]; readonly packages: PackageList }): LockedPackageSet {
  const wanted = [...set.include.map((item) => item.spec), ...debs.map((deb) => specOf(deb, set))];
  const addressed = lockedAddressed(set, offer, debs);
  const decision = decide(set, offer, wanted);
  const notes = [...decision.notes];
  const otherApt = otherAptNote(set.target);
  if (otherApt !== undefined) notes.push(otherApt);
  for (const chosen of decision.chosen) packages.add(addressed(chosen) ?? lockedFrom(set, offer, chosen));
  for (const spec of otherVersions(set, offer, decision)) {
    for (const chosen of decide(set, offer, [spec]).chosen) packages.add(addressed(chosen) ?? lockedFrom(set, offer, chosen));
  }
  return {
    id: set.id, target: set.target.id, engine: 'apt-classic', mode: set.dependencies, requested: wanted, exact: decision.exact && otherApt === undefined, notes,
    ...(decision.rejected.length === 0 ? {} : { rejected: [...decision.rejected] }),
  };
}

/**
 * Debian packages from apt repositories. Every Release is verified with the keys of its requirement and judged against `now`, every index
 * and stanza is checked, each set is solved as a whole. Errors name the set or the repository.
 */
export function createAptSource(options: AptSourceOptions): Source<'deb'> {
  return {
    async resolve(wanted: readonly PackageSetRequirement[], signal: AbortSignal): Promise<Resolution<'deb'>> {
      const offers = new Map<string, Promise<Offer>>();
      const packages = new PackageList();
      const packageSets: LockedPackageSet[] = [];
      const repositories = new Map<string, LockedRepository>();
      const warnings = new Set<string>();
      for (const set of wanted) {
        const target = withArches(set);
        const debs = set.urls.length === 0 ? [] : await addressedDebs(options, { ...set, target }, signal);
        const key = JSON.stringify([target, set.repositories, set.assumeInstalled?.path, debs.map(({ content }) => content.blob.digest)]);
        const known = offers.get(key);
        const offer = await (known ?? loadOffer(options, { ...set, target }, signal));
        if (known === undefined) offerDebs(offer, debs);
        offers.set(key, Promise.resolve(offer));
        for (const repository of offer.repositories) repositories.set(`${repository.target}\n${repository.id}`, repository);
        for (const warning of offer.warnings) warnings.add(warning);
        packageSets.push(solveSet(set, { offer, debs, packages }));
      }
      for (const warning of packages.warnings) warnings.add(warning);
      const inOrder = [...repositories.keys()].sort().flatMap((key) => repositories.get(key) ?? []);
      return { artifacts: packages.sorted(), repositories: inOrder, packageSets, warnings: [...warnings] };
    },
    fetch(artifact: LockedPackage, blob: Descriptor, { offset = 0, signal }): Bytes {
      return streamFrom(options, artifact.urls, blob, { offset, signal });
    },
  };
}
