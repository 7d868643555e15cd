// Marking a package and what it needs, as apt's classic resolver does: rules 3 to 7 of README.md in this folder.
import { clearConflicts, takeAway } from './apt-conflicts.ts';
import { Machine } from './apt-machine.ts';
import { type AptState, hardFields, type Mark, type Option, type Reason } from './apt-state.ts';
import { textOf } from './match.ts';
import type { Rejection, SolveRequest } from './solve.ts';
import type { DependencyGroup, RelationField } from './universe.ts';

/** Room for the rejections that `why` keeps. */
const maxRejections = 500;

interface NeededGroup { readonly field: RelationField; readonly group: DependencyGroup; readonly wasMet: boolean }

export class Marker {
  readonly rejections: Rejection[] = [];
  private readonly state: AptState;
  private readonly request: SolveRequest;
  /** Packages whose dependencies are being looked at: nothing may remove them meanwhile. */
  private readonly open = new Set<number>();
  private readonly protectedRuns = new Set<number>();
  private readonly machine: Machine;

  constructor(state: AptState, request: SolveRequest) {
    this.state = state;
    this.request = request;
    this.machine = new Machine(state);
  }

  /** Marks a package and what it needs. False when that cannot be done; what was marked on the way stays. */
  install(pkg: number, reason: Reason, requiredBy: number | undefined, depth: number): boolean {
    const { state } = this;
    const version = state.candidateOf(pkg);
    if (version < 0) return false;
    if (state.frozen.has(pkg)) return state.stateOf(pkg) === version;
    const isThere = state.installed.get(pkg) === version;
    if (isThere && state.removed.delete(pkg)) return true;
    if (!isThere && reason !== 'requested' && this.machine.isOutOfSync(pkg, version)) return false;
    const mark = state.marks.get(pkg);
    const isProtected = state.protectedPackages.has(pkg);
    if (isThere ? state.isKept(pkg) && !isProtected && !this.lacks(pkg, version) : mark?.expanded === true && this.isDone(pkg, version)) return true;
    if (isThere && isProtected && this.protectedRuns.has(pkg)) return !state.isBroken(version);
    if (isProtected) this.protectedRuns.add(pkg);
    if (!isThere && !this.hasOptions(version)) {
      this.strike(pkg);
      return false;
    }
    const before = this.groupsOf(pkg, version);
    const plan = clearConflicts(state, pkg, (other) => this.open.has(other));
    if (plan === undefined) return false;
    const groups = mark?.expanded === true ? this.groupsOf(pkg, version) : before;
    if (!isThere && mark === undefined) this.put(pkg, { version, reason, ...(requiredBy === undefined ? {} : { requiredBy }), expanded: true });
    else if (mark !== undefined) mark.expanded = true;
    const outer = !this.open.has(pkg);
    this.open.add(pkg);
    const done = this.bringAlong(pkg, version, plan.upgrades, depth) && this.expand(pkg, version, groups, depth);
    if (outer) this.open.delete(pkg);
    if (done) for (const other of plan.delayed) if (state.mayRemove(other)) takeAway(state, other, false);
    return done;
  }

  /** What was marked before is not looked at again, unless it became protected since, or lost something that it needs. */
  private isDone(pkg: number, version: number): boolean {
    if (this.state.protectedPackages.has(pkg)) return this.protectedRuns.has(pkg);
    return this.open.has(pkg) || !this.lacks(pkg, version);
  }

  private put(pkg: number, mark: Mark): void {
    this.state.removed.delete(pkg);
    this.state.marks.set(pkg, mark);
  }

  /** Whether something installed is broken, or would miss what it recommends. */
  private lacks(pkg: number, version: number): boolean {
    return this.state.isBroken(version) || (this.request.recommends && this.freshRecommends(pkg, version).some((group) => !this.state.isMet(version, group)));
  }

  /** What is installed and has to be newer: what is built from the same source, what `version` does not bear, what needs the version that was there before. */
  private bringAlong(pkg: number, version: number, upgrades: readonly number[], depth: number): boolean {
    const { state } = this;
    if (state.installed.size === 0 || this.request.mode !== 'closure') return true;
    if (state.installed.get(pkg) !== version) this.upgradeSiblings(version, depth);
    for (const other of upgrades) if (!this.upgradeOrRemove(pkg, other, version, depth)) return false;
    for (const { owner, isHard } of this.machine.outgrownBy(pkg, version, this.request.recommends)) {
      if (!isHard) this.install(owner, 'upgrade', version, depth + 1);
      else if (!this.upgradeOrRemove(pkg, owner, version, depth)) return false;
    }
    return true;
  }

  private upgradeOrRemove(pkg: number, other: number, version: number, depth: number): boolean {
    const { state } = this;
    if (this.install(other, 'upgrade', version, depth + 1)) return true;
    if (!state.mayRemove(other) || this.open.has(other)) {
      this.strike(pkg);
      return false;
    }
    takeAway(state, other, state.protectedPackages.has(pkg));
    return true;
  }

  /** All of them first, and only then what they need. */
  private upgradeSiblings(version: number, depth: number): void {
    const { state } = this;
    const upgraded = this.machine.siblingsOf(version).filter((sibling) => {
      if (!state.isKept(sibling) || state.frozen.has(sibling)) return false;
      const candidate = state.candidateOf(sibling);
      if (candidate < 0 || candidate === state.installed.get(sibling)) return false;
      if (this.hasOptions(candidate)) this.put(sibling, { version: candidate, reason: 'upgrade', expanded: false });
      else this.strike(sibling);
      return state.marks.has(sibling);
    });
    for (const sibling of upgraded) {
      const mark = state.marks.get(sibling);
      if (mark !== undefined && this.lacks(sibling, mark.version)) this.install(sibling, 'upgrade', version, depth + 1);
    }
  }

  /** What the version needs, and recommends where that is wanted, with whether it is there now. */
  private groupsOf(pkg: number, version: number): NeededGroup[] {
    const groups = (field: RelationField, all: readonly DependencyGroup[]): NeededGroup[] => all.map((group) => ({ field, group, wasMet: this.state.isMet(version, group) }));
    return [
      ...hardFields.flatMap((field) => groups(field, this.state.needsOf(version, [field]))),
      ...(this.request.recommends ? groups('Recommends', this.freshRecommends(pkg, version)) : []),
    ];
  }

  /** What was there before conflicts were cleared is not looked for again, even if it had to go since, but for something protected. */
  private expand(pkg: number, version: number, groups: readonly NeededGroup[], depth: number): boolean {
    if (this.request.mode === 'direct' && depth > 0) return true;
    for (const { field, group, wasMet } of groups) {
      if (wasMet && !this.state.isMet(version, group) && !this.state.protectedPackages.has(pkg)) continue;
      if (this.satisfy(pkg, version, field, group, depth) || field === 'Recommends') continue;
      this.strike(pkg);
      return false;
    }
    return true;
  }

  /** What an installed package recommended before and did not get is not wanted with its upgrade either. */
  private freshRecommends(pkg: number, version: number): readonly DependencyGroup[] {
    const { universe, installed } = this.state;
    const groups = universe.relationsOf(version, 'Recommends');
    const old = installed.get(pkg);
    if (old === undefined) return groups;
    const namesOf = (group: DependencyGroup): string => group.map(({ name }) => name).join();
    const before = new Set(universe.relationsOf(old, 'Recommends').filter((group) => !this.machine.met(old, group)).map(namesOf));
    return groups.filter((group) => !before.has(namesOf(group)));
  }

  private strike(pkg: number): void {
    this.state.struck.add(pkg);
    if (!this.state.protectedPackages.has(pkg)) this.state.marks.delete(pkg);
  }

  /** Whether each hard group has an option at all. What was struck out before still counts here. */
  private hasOptions(version: number): boolean {
    return hardFields.every((field) => this.state.universe.relationsOf(version, field).every((group) =>
      this.state.couldBeMet(version, group) || this.state.isMet(version, group)));
  }

  private satisfy(pkg: number, version: number, field: RelationField, group: DependencyGroup, depth: number): boolean {
    const { state } = this;
    const options = state.optionsInOrder(version, group);
    const only = field !== 'Recommends' && state.protectedPackages.has(pkg) ? state.onlyOptionOf(version, group) : undefined;
    const owner = only === undefined ? -1 : state.universe.ownerOf(only);
    const single = only !== undefined && !state.protectedPackages.has(owner);
    if (single) state.protectedPackages.add(owner);
    if (single && state.candidateOf(owner) !== only) state.frozen.add(owner);
    // What is installed and will do is not upgraded.
    if ((!single || state.stateOf(owner) !== only || state.frozen.has(owner)) && state.isMet(version, group)) return true;
    const passedOver: Option[] = [];
    for (const option of options) {
      const owns = state.universe.ownerOf(option.option);
      if (state.candidateOf(owns) !== option.option) continue;
      const done = this.install(owns, field.toLowerCase() as Reason, version, depth + 1);
      if (done) this.reject(version, passedOver, option.option);
      if (done) return true;
      passedOver.push(option);
    }
    this.reject(version, passedOver, undefined);
    return false;
  }

  private reject(version: number, passedOver: readonly Option[], chosen: number | undefined): void {
    const { universe } = this.state;
    const nameOf = (item: number): string => `${universe.label(universe.ownerOf(item))} ${universe.versionText(item)}`;
    for (const { option, dependency } of passedOver) {
      if (this.rejections.length >= maxRejections) return;
      this.rejections.push({
        for: universe.label(universe.ownerOf(version)), relation: textOf(universe, dependency), ...(chosen === undefined ? {} : { chosen: nameOf(chosen) }),
        option: nameOf(option), because: 'what it needs cannot be had, or it conflicts with what was chosen before',
      });
    }
  }
}
