// One package set as a question to the solver, and its answer, proved: dnf(8), "install".
import { BundleError } from '../../bom/errors.ts';
import type { PackageSetRequirement, Target } from '../../bom/requirement.ts';
import { checkRpmClosure } from '../solver/rpm-checker.ts';
import { installonlyProvides, type SolvDecision, solveSolvLike } from '../solver/solv-like.ts';
import { prepareOffer, type SolvOffer, type SolvSettings, streamsOf } from '../solver/solv-offer.ts';
import type { SolvSpec } from '../solver/solv-requests.ts';
import { type SolvPackage, type RpmUniverse } from '../solver/solv-universe.ts';
import { rpmArchOf } from './yum-entry.ts';
import type { YumOffer } from './yum-offer.ts';

/** dnf.conf of the distribution: the Red Hat family sets best, so does dnf5 (Fedora from 41 on); dnf4's own default does not. zypper takes the best package of what is asked for or asks back. */
export function isBest({ best, target: { family, os, release = '' } }: PackageSetRequirement): boolean {
  if (best !== undefined) return best;
  if (os === 'fedora') return Number.parseInt(release, 10) >= 41;
  return family === 'rhel' || family === 'suse';
}

/** The stream of the module `platform`: os-release(5), PLATFORM_ID. */
export function platformOf({ os, family, release = '' }: Target): string | undefined {
  const [major = ''] = release.split('.');
  if (major === '' || family !== 'rhel') return undefined;
  return os === 'fedora' ? `f${major}` : `el${major}`;
}

/** More rounds mean that every answer needs further paths: something is wrong with the metadata. */
const maxRounds = 8;

export interface Asking {
  readonly set: PackageSetRequirement;
  readonly offer: YumOffer;
  /** Specs of package files, which are wanted besides. */
  readonly files: readonly string[];
  readonly signal: AbortSignal;
}

/** Whose error it is: the set, and the place of the spec that is to blame. */
function named(error: unknown, set: PackageSetRequirement): unknown {
  if (!(error instanceof BundleError)) return error;
  const at = set.include.find(({ spec }) => error.facts.subject === `package ${spec}` || error.facts.subject === spec)?.at ?? set.at[0];
  const place = at === undefined ? '' : ` (${at.file}:${at.line}:${at.column})`;
  return new BundleError(error.code, { ...error.facts, subject: `package set ${set.id}${place}: ${error.facts.subject}` }, { cause: error });
}

/** zypper reads no filelists, a name means the packages of that name alone, and on SUSE a 32-bit library has a name of its own (`glibc-32bit`): one architecture of each. Nothing goes back to an older version. */
export const asZypper: Pick<SolvSettings, 'twins' | 'filelists' | 'obsoleters' | 'downgrades'> = { twins: false, filelists: false, obsoleters: false, downgrades: false };

function settingsOf(set: PackageSetRequirement, offer: YumOffer, specs: readonly string[]): SolvSettings {
  const platform = platformOf(set.target);
  const choice = { documents: offer.modules, enabled: offer.enabledModules, ...(platform === undefined ? {} : { platform }) };
  return {
    arch: rpmArchOf(set.target), ...(set.target.family === 'suse' ? asZypper : {}), ...(set.arches.length === 0 ? {} : { only: set.arches }), groups: offer.repositories.flatMap(({ groupsRead }) => groupsRead ?? []),
    modules: { ...choice, enabled: [...choice.enabled, ...streamsOf(specs, choice)] },
  };
}

type Outcome = { readonly decision: SolvDecision } | { readonly error: BundleError };

function solve(offer: SolvOffer, set: PackageSetRequirement, wanted: readonly SolvSpec[]): Outcome {
  try {
    return { decision: solveSolvLike(offer, { wanted, weak: set.weakDependencies, best: isBest(set), mode: set.dependencies, isUnion: set.solve === 'union' }) };
  } catch (error) {
    if (error instanceof BundleError) return { error };
    throw error;
  }
}

/**
 * The answer for everything that the set wants; filelists are fetched when a path is needed that only they know. A closure is proved installable by
 * code of its own. Throws `RESOLVE_NOT_FOUND` and `RESOLVE_UNSOLVABLE`, with the set and the place that asked.
 */
export async function ask(asking: Asking): Promise<SolvDecision> {
  return answer(asking, []);
}

function pathsWithoutEnd(paths: readonly string[]): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject: 'the repositories', expected: `an answer after reading filelists ${maxRounds} times`, actual: `further paths each time: ${paths.slice(0, 3).join(', ')}` });
}

async function answer({ set, offer, files, signal }: Asking, excludes: readonly string[]): Promise<SolvDecision> {
  const wanted: SolvSpec[] = [...set.include.map(({ spec, versions }) => ({ spec, versions })), ...files.map((spec) => ({ spec }))];
  const settings = { ...settingsOf(set, offer, wanted.map(({ spec }) => spec)), ...(excludes.length === 0 ? {} : { excludes }) };
  const learnt = new Set<string>();
  for (let round = 1; ; round += 1) {
    const prepared = preparedOf(offer, set, settings);
    const outcome = solve(prepared, set, wanted);
    const fresh = [...prepared.view.unknownPaths].filter((path) => !learnt.has(path));
    if (fresh.length === 0 || round === maxRounds) {
      if ('error' in outcome) throw named(outcome.error, set);
      if (outcome.decision.missingPaths.length > 0) throw named(pathsWithoutEnd(outcome.decision.missingPaths), set);
      demandInstallable(set, offer.universe, outcome.decision);
      return outcome.decision;
    }
    // What one answer needs is often all there is to ask; where it leads to more, everything is asked at once, since reading the lists is what takes time.
    const paths = round === 1 ? fresh : [...new Set([...fresh, ...offer.unknownPaths()])];
    await offer.learnOwners(paths, signal);
    for (const path of paths) learnt.add(path);
  }
}

function preparedOf(offer: YumOffer, set: PackageSetRequirement, settings: SolvSettings): SolvOffer {
  try {
    return offer.prepared(settings, () => prepareOffer(offer.universe, settings));
  } catch (error) {
    throw named(error, set);
  }
}

/** What the checker needs of packages, as the metadata says it. */
function packagesOf(universe: RpmUniverse, solvables: readonly number[]): SolvPackage[] {
  const paths = new Map<number, { readonly path: string }[]>(solvables.map((id) => [id, []]));
  universe.eachFile((path, owner) => { paths.get(owner)?.push({ path: universe.text(path) }); });
  return solvables.map((id) => {
    const list = (kind: Parameters<RpmUniverse['dependenciesOf']>[1]): SolvPackage['provides'] => [...universe.dependenciesOf(id, kind)].map((relation) => universe.relation(relation));
    return {
      name: universe.nameText(id), evr: universe.evr(universe.evrOf(id)), arch: universe.archOf(id), files: paths.get(id) ?? [],
      provides: list('provides'), requires: list('requires'), conflicts: list('conflicts'), obsoletes: list('obsoletes'),
      recommends: [], suggests: [], supplements: [], enhances: [],
    };
  });
}

/** Throws `RESOLVE_UNSOLVABLE` when the independent checker finds that a joint closure cannot be installed as a whole. */
function demandInstallable(set: PackageSetRequirement, universe: RpmUniverse, { chosen }: SolvDecision): void {
  if (set.dependencies !== 'closure' || set.solve === 'union' || set.include.some(({ versions }) => versions === 'all')) return;
  const installed: number[] = [];
  for (let id = 1; id < universe.count; id += 1) if (universe.repositoryOf(id).installed === true) installed.push(id);
  const problems = checkRpmClosure(packagesOf(universe, chosen.map(({ solvable }) => solvable)), {
    installed: packagesOf(universe, installed), assumed: new Set(), isMultiversion: ({ provides }) => provides.some(({ name }) => installonlyProvides.includes(name)),
  });
  if (problems.length === 0) return;
  throw named(new BundleError('RESOLVE_UNSOLVABLE', { subject: 'the whole', expected: 'packages that can be installed together', actual: problems.slice(0, 5).join('; ') }), set);
}
