// What apt's classic resolver does when something marked is broken: rule 10 of README.md in this folder.
import { type AptState, hardFields, negativeFields } from './apt-state.ts';
import { meetsByName, versionsMeeting } from './match.ts';
import type { Dependency, DependencyGroup, RelationField } from './universe.ts';

const priorityScores = [3, 2, 1, -1, -2, 0];
const maxRounds = 10;
const wantedFields = [...hardFields, 'Recommends'] as const;

const positive = (value: number | undefined): number => Math.max(value ?? 0, 0);

/** How much each package is worth keeping: by its own priority, and by who needs it. */
export function scoresOf(state: AptState): Map<number, number> {
  const { universe } = state;
  const selection = state.selection();
  const scores = new Map<number, number>();
  const add = (pkg: number, value: number): void => { scores.set(pkg, (scores.get(pkg) ?? 0) + value); };
  const targetsOf = (pkg: number, version: number, fields: readonly RelationField[]): { readonly dependency: Dependency; readonly target: number }[] =>
    fields.flatMap((field) => universe.relationsOf(version, field).flat()).filter(({ name }) => name >= 0)
      .map((dependency) => ({ dependency, target: universe.packageOf(dependency.name, universe.archOf(pkg)) }));
  for (const [pkg, version] of selection) {
    add(pkg, priorityScores[universe.priorityOf(version)] ?? 0);
    if (universe.isEssential(pkg) || universe.isImportant(pkg)) add(pkg, 100);
    if (state.installed.get(pkg) === version) add(pkg, 1);
    const counts = (dependency: Dependency, target: number): boolean => {
      const there = selection.get(target);
      return dependency.operator === undefined || (there !== undefined && meetsByName(universe, dependency, universe.archOf(pkg), there));
    };
    for (const { dependency, target } of targetsOf(pkg, version, wantedFields)) if (counts(dependency, target)) add(target, 1);
    for (const { dependency, target } of targetsOf(pkg, version, negativeFields)) if (counts(dependency, target)) add(target, -1);
  }
  const plain = new Map(scores);
  const provided = [...selection].flatMap(([pkg, version]) => universe.providedBy(version).map((name) => ({ pkg, target: universe.packageOf(name, universe.archOf(pkg)) })));
  for (const { pkg, target } of provided) add(pkg, positive(plain.get(target)));
  const own = new Map(scores);
  for (const [pkg, version] of selection) {
    for (const { target } of targetsOf(pkg, version, wantedFields)) if (selection.has(target)) add(target, positive(own.get(pkg)));
  }
  return scores;
}

class Repair {
  private readonly state: AptState;
  private readonly scores: ReadonlyMap<number, number>;
  private readonly requested: ReadonlySet<number>;
  private readonly tried = new Set<number>();
  private changed = false;

  constructor(state: AptState, requested: ReadonlySet<number>) {
    this.state = state;
    this.requested = requested;
    this.scores = scoresOf(state);
  }

  private scoreOf(pkg: number): number {
    const { universe } = this.state;
    return (this.scores.get(pkg) ?? 0) + (this.requested.has(pkg) ? 10_000 : 0) + (universe.isEssential(pkg) || universe.isImportant(pkg) ? 5000 : 0);
  }

  run(): void {
    const order = [...this.state.selection().keys(), ...this.others()].sort((a, b) => this.scoreOf(b) - this.scoreOf(a) || b - a);
    for (let round = 0; round < maxRounds; round += 1) {
      this.changed = false;
      for (const pkg of order) {
        const version = this.state.stateOf(pkg);
        if (version >= 0 && this.state.isBroken(version)) this.fix(pkg, version);
      }
      if (!this.changed) return;
    }
  }

  /** Packages that may come in later: they are looked at too, in their place. */
  private others(): number[] {
    const selection = this.state.selection();
    const all = new Set<number>();
    for (let version = 0; version < this.state.universe.versionCount; version += 1) {
      const owner = this.state.universe.ownerOf(version);
      if (!selection.has(owner)) all.add(owner);
    }
    return [...all];
  }

  private fix(pkg: number, version: number): void {
    const { state } = this;
    const removals: number[] = [];
    for (const field of hardFields) {
      for (const group of state.universe.relationsOf(version, field)) {
        if (state.isMet(version, group)) continue;
        if (state.protectedPackages.has(pkg)) this.reinstateOne(version, group);
        else this.keep(pkg);
      }
    }
    if (state.stateOf(pkg) !== version) return;
    for (const item of state.conflictsOf(version)) {
      const other = state.universe.ownerOf(item);
      if (state.stateOf(other) !== item || removals.includes(other)) continue;
      if (this.scoreOf(pkg) > this.scoreOf(other)) {
        if (!state.protectedPackages.has(other)) removals.push(other);
      } else if (!state.protectedPackages.has(pkg)) {
        this.keep(pkg);
        return;
      }
    }
    for (const other of removals) this.keep(other);
  }

  /** Back to what the machine has: nothing, or the installed version. */
  private keep(pkg: number): void {
    if (this.state.marks.delete(pkg)) this.changed = true;
    else if (this.state.installed.delete(pkg)) this.changed = true;
  }

  private targetsOf(version: number, dependency: Dependency): number[] {
    return versionsMeeting(this.state.universe, dependency, this.state.archOf(version))
      .filter((item) => this.state.candidateOf(this.state.universe.ownerOf(item)) === item);
  }

  private reinstateOne(version: number, group: DependencyGroup): boolean {
    for (const dependency of group) {
      for (const item of this.targetsOf(version, dependency)) {
        if (this.reinstate(item, version)) return true;
      }
    }
    return false;
  }

  /** Marks a version again with what it needs; each package once. */
  private reinstate(item: number, requiredBy: number): boolean {
    const pkg = this.state.universe.ownerOf(item);
    if (this.tried.has(pkg)) return false;
    this.tried.add(pkg);
    const before = this.state.marks.get(pkg);
    this.state.marks.set(pkg, before ?? { version: item, reason: 'depends', requiredBy, expanded: true });
    for (const group of this.state.unmetOf(item)) {
      if (this.state.isMet(item, group) || this.reinstateOne(item, group)) continue;
      if (before === undefined) this.state.marks.delete(pkg);
      return false;
    }
    this.changed = true;
    return true;
  }
}

/** Repairs what is broken by removing the less valuable side, in rounds. True when there was anything to do. */
export function repair(state: AptState, requested: ReadonlySet<number>): boolean {
  if (![...state.marks.values()].some(({ version }) => state.isBroken(version))) return false;
  new Repair(state, requested).run();
  return true;
}
