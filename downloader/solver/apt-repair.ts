// What apt's classic resolver does when something marked is broken: rule 9 of README.md in this folder.
import { inRepairOrder } from './apt-order.ts';
import { essentialScore, requestedScore, scoresOf } from './apt-scores.ts';
import { type AptState, hardFields } from './apt-state.ts';
import { versionsMeeting } from './match.ts';
import type { Dependency, DependencyGroup } from './universe.ts';

const maxRounds = 10;

class Repair {
  private readonly state: AptState;
  /** They change on the way: what was held back for another's sake is worth no more than that. */
  private readonly scores: Map<number, number>;
  private readonly tried = new Set<number>();
  private changed = false;
  private round = 0;

  constructor(state: AptState, requested: ReadonlySet<number>) {
    this.state = state;
    const { universe } = state;
    this.scores = scoresOf(state);
    for (const pkg of this.packages()) {
      const more = (requested.has(pkg) ? requestedScore : 0) + (universe.isEssential(pkg) || universe.isImportant(pkg) ? essentialScore : 0);
      if (more > 0) this.scores.set(pkg, this.scoreOf(pkg) + more);
    }
  }

  private scoreOf(pkg: number): number { return this.scores.get(pkg) ?? 0; }

  private packages(): Set<number> {
    const { universe } = this.state;
    const all = new Set(this.state.selection().keys());
    for (let version = 0; version < universe.versionCount; version += 1) all.add(universe.ownerOf(version));
    return all;
  }

  run(): void {
    const order = inRepairOrder(this.state.universe, (pkg) => this.scoreOf(pkg));
    for (this.round = 0; this.round < maxRounds; this.round += 1) {
      this.changed = false;
      for (const pkg of order) {
        const version = this.state.stateOf(pkg);
        if (version >= 0 && this.state.isBroken(version)) this.fix(pkg, version);
      }
      if (!this.changed) return;
    }
  }

  private fix(pkg: number, version: number): void {
    const { state } = this;
    for (const field of hardFields) {
      for (const group of state.universe.relationsOf(version, field)) {
        if (state.isMet(version, group)) continue;
        if (state.protectedPackages.has(pkg)) this.reinstateFor(pkg, version, group);
        else this.keep(pkg);
        if (state.stateOf(pkg) !== version) return;
      }
    }
    const removals: number[] = [];
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
    for (const other of removals) {
      this.keep(other);
      if (this.round > 1 && this.scoreOf(pkg) > this.scoreOf(other)) this.scores.set(other, this.scoreOf(pkg));
    }
  }

  /** Back to what the machine has: nothing, or the installed version. */
  private keep(pkg: number): void {
    if (this.state.marks.delete(pkg)) this.changed = true;
    else if (this.state.installed.delete(pkg)) this.changed = true;
  }

  /** Packages of which some version meets the relation, in apt's order. */
  private targetsOf(version: number, dependency: Dependency, isTarget: (version: number) => boolean = () => true): number[] {
    const { universe } = this.state;
    return [...new Set(versionsMeeting(universe, dependency, this.state.archOf(version)).filter(isTarget).map((item) => universe.ownerOf(item)))];
  }

  /** For something protected: of each alternative the first package that can be marked once more, until the group is met. */
  private reinstateFor(pkg: number, version: number, group: DependencyGroup): void {
    for (const dependency of group) {
      const found = this.targetsOf(version, dependency).find((target) => this.reinstate(target, version));
      if (found === undefined) continue;
      this.scores.set(found, Math.min(this.scoreOf(found), this.scoreOf(pkg)));
      if (this.state.isMet(version, group)) return;
    }
  }

  /** Marks a package again with what it needs; each once, and none that does not bear something protected. */
  private reinstate(pkg: number, requiredBy: number): boolean {
    if (this.tried.has(pkg)) return false;
    this.tried.add(pkg);
    const item = this.state.candidateOf(pkg);
    if (item < 0 || this.state.clashesOf(item).some((other) => this.state.protectedPackages.has(this.state.universe.ownerOf(other)))) return false;
    const before = this.state.marks.get(pkg);
    this.state.marks.set(pkg, before ?? { version: item, reason: 'depends', requiredBy, expanded: true });
    for (const group of this.state.unmetOf(item)) {
      if (this.state.isMet(item, group) || this.reinstateOne(item, group)) continue;
      if (before === undefined) this.state.marks.delete(pkg);
      return false;
    }
    return true;
  }

  /** For something that is marked again: only what would meet the group in its candidate, and of an alternative nothing behind what was struck out. */
  private reinstateOne(item: number, group: DependencyGroup): boolean {
    const { universe, struck } = this.state;
    return group.some((dependency) => {
      const targets = this.targetsOf(item, dependency, (version) => this.state.originalCandidateOf(universe.ownerOf(version)) === version);
      const end = targets.findIndex((target) => struck.has(target));
      return targets.slice(0, end < 0 ? targets.length : end).some((target) => this.reinstate(target, item));
    });
  }
}

/** Repairs what is broken by removing the less valuable side, in rounds. True when there was anything to do. */
export function repair(state: AptState, requested: ReadonlySet<number>): boolean {
  if (![...state.marks.values()].some(({ version }) => state.isBroken(version))) return false;
  new Repair(state, requested).run();
  return true;
}
