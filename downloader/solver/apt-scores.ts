// How much apt's repair step thinks each package is worth: measured with its Debug::pkgProblemResolver::ShowScores, see README.md in this folder.
import { type AptState, hardFields, negativeFields } from './apt-state.ts';
import { meetsByName, meetsByProvides, packageNamed, twinsOf, versionsMeeting } from './match.ts';
import type { Dependency, RelationField, Universe } from './universe.ts';

/** required … extra, unknown. */
const priorityScores = [3, 2, 1, -1, -2, 0];
const importantScore = 100;
const wantedFields = [...hardFields, 'Recommends'] as const;

/** What a requested package has besides, and an Essential or Important one. */
export const requestedScore = 10_000;
export const essentialScore = 5000;

/** Whether a repository has it, and not only the machine. */
export const isOffered = ({ universe }: AptState, version: number): boolean => version >= 0 && universe.indexesOf(version).some((index) => universe.inputAt(index).release?.suite !== 'now');

/** Whether a Provides of the package's own name counts: of `Multi-Arch: foreign` or another version than its own. */
function givesItself(universe: Universe, dependency: Dependency, from: number, version: number): boolean {
  return universe.providersOf(dependency.name).some((provider) => provider.version === version
    && (universe.multiArchOf(version) === 'foreign' || (provider.provided !== undefined && provider.provided !== universe.versionText(version)))
    && meetsByProvides(universe, dependency, from, version, provider.provided));
}

/** The same name in other architectures, there or not; what is `Multi-Arch: same` speaks only of what is there in another version. */
function twinsOfPackage(state: AptState, version: number): Set<number> {
  const { universe } = state;
  const twins = twinsOf(universe, version).map((twin) => ({ twin, owner: universe.ownerOf(twin) }));
  return new Set((universe.multiArchOf(version) === 'same' ? twins.filter(({ twin, owner }) => state.stateOf(owner) === twin) : twins).map(({ owner }) => owner));
}

/**
 * By package: its own priority; one for what the machine has and a repository offers; one for each relation that wants it by its name or by what it provides, minus one for each of another package that does not bear it, once for each architecture of which it is spoken; and
 * what those are worth that want it, by its name or by that of another package that is there and whose name it provides.
 */
export function scoresOf(state: AptState): Map<number, number> {
  const { universe } = state;
  const selection = state.selection();
  const scores = new Map<number, number>();
  const add = (pkg: number, value: number): void => { scores.set(pkg, (scores.get(pkg) ?? 0) + value); };
  const relationsOf = (version: number, fields: readonly RelationField[]): Dependency[] =>
    fields.flatMap((field) => universe.relationsOf(version, field).flat()).filter(({ name }) => name >= 0);
  /** What is there under another name (or for another architecture) and gives this one; the target itself when it says so as well. */
  const givers = (dependency: Dependency, from: number, target: number): number[] => versionsMeeting(universe, dependency, from)
    .map((version) => ({ version, owner: universe.ownerOf(version) }))
    .filter(({ version, owner }) => selection.get(owner) === version && (owner !== target || givesItself(universe, dependency, from, version))).map(({ owner }) => owner);
  for (const [pkg, version] of selection) {
    add(pkg, priorityScores[universe.priorityOf(version)] ?? 0);
    if (universe.isEssential(pkg) || universe.isImportant(pkg)) add(pkg, importantScore);
    if (state.installed.has(pkg) && isOffered(state, state.candidateOf(pkg))) add(pkg, 1);
    const from = universe.archOf(pkg);
    const countOne = (dependency: Dependency, arch: number, value: number): void => {
      const target = packageNamed(universe, dependency, arch);
      const there = selection.get(target);
      if (dependency.operator !== undefined && (there === undefined || !meetsByName(universe, dependency, arch, there))) return;
      if (target >= 0) add(target, value);
      for (const giver of givers(dependency, arch, target)) if (value > 0 || giver !== pkg) add(giver, value);
    };
    const count = (fields: readonly RelationField[], value: number): void => {
      for (const dependency of relationsOf(version, fields)) {
        if (value > 0) countOne(dependency, from, value);
        else if (dependency.name !== universe.nameOf(pkg)) for (const arch of dependency.arch === undefined ? universe.architectures.keys() : [from]) countOne(dependency, arch, value);
      }
    };
    count(wantedFields, 1);
    count(negativeFields, -1);
    for (const twin of twinsOfPackage(state, version)) add(twin, -1);
  }
  const own = new Map(scores);
  for (const [pkg, version] of selection) {
    const worth = Math.max(own.get(pkg) ?? 0, 0);
    const from = universe.archOf(pkg);
    for (const dependency of relationsOf(version, wantedFields)) {
      const target = packageNamed(universe, dependency, from);
      if (!selection.has(target)) continue;
      add(target, worth);
      for (const giver of givers({ name: dependency.name }, from, target)) add(giver, worth);
    }
  }
  return scores;
}
