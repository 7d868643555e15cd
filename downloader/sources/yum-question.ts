// One package set as a question to the engine, and its answer: dnf(8), "install".
import { BundleError } from '../../bom/errors.ts';
import type { LockedPackageSet } from '../../bom/lock.ts';
import type { PackageSetRequirement, Target } from '../../bom/requirement.ts';
import type { Comps } from '../../formats/rpm/comps.ts';
import type { ModuleDocument } from '../../formats/rpm/modules.ts';
import type { RpmUniverse } from '../solver/solv-universe.ts';
import { rpmArchOf } from './yum-entry.ts';
import type { YumOffer } from './yum-offer.ts';

export interface YumQuestion {
  readonly universe: RpmUniverse;
  /** Packages that nobody may choose. */
  readonly excluded: ReadonlySet<number>;
  readonly arch: string;
  /** Only these, and noarch; everything that the machine takes when empty. */
  readonly arches: readonly string[];
  readonly specs: readonly string[];
  /** Packages that are wanted by number, besides. */
  readonly wanted: readonly number[];
  readonly mode: PackageSetRequirement['dependencies'];
  readonly weak: boolean;
  readonly best: boolean;
  readonly modules: readonly ModuleDocument[];
  /** `name:stream` */
  readonly enabledModules: readonly string[];
  /** `platform:el9` */
  readonly platform: string | undefined;
  readonly groups: readonly Comps[];
  /** Filled with required paths whose owners only filelists can name, whether there is an answer or not. */
  readonly unknownPaths: Set<string>;
}

export interface YumChosen {
  readonly solvable: number;
  /** `requested`, or the kind of the relation that pulled it in. */
  readonly reason: string;
  readonly requiredBy?: number;
}

export interface YumDecision {
  readonly chosen: readonly YumChosen[];
  readonly rejected: NonNullable<LockedPackageSet['rejected']>;
  readonly notes: readonly string[];
  readonly exact: boolean;
}

/** Throws `RESOLVE_NOT_FOUND` and `RESOLVE_UNSOLVABLE`; the subject is `package SPEC` where one is to blame. */
export type YumEngine = (question: YumQuestion) => YumDecision;

/** dnf.conf of the distribution: the Red Hat family sets best, so does dnf5 (Fedora from 41 on); dnf4's own default and zypper do not. */
export function isBest({ best, target: { family, os, release = '' } }: PackageSetRequirement): boolean {
  if (best !== undefined) return best;
  if (os === 'fedora') return Number.parseInt(release, 10) >= 41;
  return family === 'rhel';
}

/** What modules call the release: os-release(5), PLATFORM_ID. */
export function platformOf({ os, family, release = '' }: Target): string | undefined {
  const [major = ''] = release.split('.');
  if (major === '' || family !== 'rhel') return undefined;
  return os === 'fedora' ? `platform:f${major}` : `platform:el${major}`;
}

/** More rounds mean that every answer needs further paths: something is wrong with the metadata. */
const maxRounds = 8;

export interface Asking {
  readonly set: PackageSetRequirement;
  readonly offer: YumOffer;
  readonly engine: YumEngine;
  readonly wanted: readonly number[];
  readonly signal: AbortSignal;
}

/** Whose error it is: the set, and the place of the spec that is to blame. */
function named(error: unknown, set: PackageSetRequirement): unknown {
  if (!(error instanceof BundleError)) return error;
  const at = set.include.find(({ spec }) => error.facts.subject === `package ${spec}`)?.at ?? set.at[0];
  const place = at === undefined ? '' : ` (${at.file}:${at.line}:${at.column})`;
  return new BundleError(error.code, { ...error.facts, subject: `package set ${set.id}${place}: ${error.facts.subject}` }, { cause: error });
}

/**
 * The answer for `specs`; filelists are fetched when a path is needed that only they know. Errors of the engine name the set and the place that
 * asked.
 */
export async function ask({ set, offer, engine, wanted, signal }: Asking, specs: readonly string[]): Promise<YumDecision> {
  const learnt = new Set<string>();
  for (let round = 1; ; round += 1) {
    const unknownPaths = new Set<string>();
    const outcome = attempt(() => engine({
      universe: offer.universe, excluded: offer.excluded, arch: rpmArchOf(set.target), arches: set.arches, specs, wanted, unknownPaths,
      mode: set.dependencies, weak: set.weakDependencies, best: isBest(set),
      modules: offer.repositories.flatMap(({ modulesRead }) => modulesRead), enabledModules: offer.enabledModules, platform: platformOf(set.target),
      groups: offer.repositories.flatMap(({ groupsRead }) => groupsRead ?? []),
    }));
    const fresh = [...unknownPaths].filter((path) => !learnt.has(path));
    if (fresh.length === 0 || round === maxRounds) {
      if ('error' in outcome) throw named(outcome.error, set);
      return outcome.decision;
    }
    await offer.learnOwners(fresh, signal);
    for (const path of fresh) learnt.add(path);
  }
}

function attempt(decide: () => YumDecision): { readonly decision: YumDecision } | { readonly error: unknown } {
  try {
    return { decision: decide() };
  } catch (error) {
    if (error instanceof BundleError) return { error };
    throw error;
  }
}
