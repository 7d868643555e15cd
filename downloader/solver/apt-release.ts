// `name/suite` of apt-get(8): which other candidates change with it. Behaviour of apt 2.6, found by experiment.
import { type AptState, type FromRelease, hardFields } from './apt-state.ts';
import { meetsByName } from './match.ts';
import type { Dependency, DependencyGroup } from './universe.ts';

interface Following extends FromRelease {
  readonly state: AptState;
  readonly recommends: boolean;
  /** Versions that were taken because of their release. */
  readonly taken: Set<number>;
}

const maxDepth = 100;

/**
 * Takes what the versions need from their release too: a relation is looked at when no candidate for it could be installed as things stand (with what was asked
 * for and is installed, and nothing else), and is helped only where it names a version. The first required relation that cannot be helped ends it; what
 * changed before stays changed, as in apt. To be called when all that was asked for is marked, and nothing else.
 */
export function followReleases(state: AptState, asked: readonly FromRelease[], { recommends }: { readonly recommends: boolean }): void {
  for (const each of asked) follow({ ...each, state, recommends, taken: new Set([each.version]) }, each.version, 0);
}

function follow(following: Following, version: number, depth: number): boolean {
  const { state, recommends } = following;
  const groups = (field: 'Pre-Depends' | 'Depends' | 'Recommends'): readonly DependencyGroup[] => state.universe.relationsOf(version, field);
  const isHelped = (group: DependencyGroup): boolean => group.some((dependency) => isReady(state, version, dependency)) || help(following, { version, group, depth });
  for (const group of hardFields.flatMap(groups)) if (!isHelped(group)) return false;
  if (recommends) for (const group of groups('Recommends')) isHelped(group);
  return true;
}

/** Whether a candidate meets it that needs nothing more. Where anything provides the name, only what provides it counts for a relation without a version. */
function isReady(state: AptState, version: number, dependency: Dependency): boolean {
  const { universe } = state;
  if (dependency.name < 0) return false;
  const candidate = state.originalCandidateOf(universe.packageOf(dependency.name, state.archOf(version)));
  const isWhole = (item: number): boolean => item >= 0 && !state.isBroken(item);
  if (dependency.operator !== undefined) return candidate >= 0 && meetsByName(universe, dependency, state.archOf(version), candidate) && isWhole(candidate);
  const providers = universe.providersOf(dependency.name).map((provider) => provider.version);
  if (providers.length === 0) return isWhole(candidate);
  return providers.some((provider) => state.originalCandidateOf(universe.ownerOf(provider)) === provider && isWhole(provider));
}

function help(following: Following, { version, group, depth }: { readonly version: number; readonly group: DependencyGroup; readonly depth: number }): boolean {
  const { state, taken } = following;
  for (const [index, dependency] of group.entries()) {
    const found = dependency.operator === undefined || dependency.name < 0 ? undefined : fromRelease(following, state.universe.packageOf(dependency.name, state.archOf(version)));
    if (found === undefined || !meetsByName(state.universe, dependency, state.archOf(version), found)) continue;
    const pkg = state.universe.ownerOf(found);
    const before = state.originalCandidateOf(pkg);
    if (found === before && taken.has(found)) return true;
    if (!state.allows(pkg, found) || depth >= maxDepth) continue;
    state.pin(pkg, found);
    taken.add(found);
    if (follow(following, found, depth + 1)) return true;
    if (index === group.length - 1) return false;
    state.pin(pkg, before);
    taken.delete(found);
  }
  return false;
}

function fromRelease({ state: { universe }, isRelease }: Following, pkg: number): number | undefined {
  return universe.versionsOf(pkg).find((item) => universe.indexesOf(item).some((index) => isRelease(universe.inputAt(index).release ?? {})));
}
