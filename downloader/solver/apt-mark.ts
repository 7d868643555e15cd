// Marking a package and what it needs, as apt's classic resolver does: rules 3 to 7 of README.md in this folder.
import { type AptState, hardFields, type Option, type Reason } from './apt-state.ts';
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
  /** Installed packages that could be newer, by the source of that; made when it is first needed. */
  private siblings: Map<string, number[]> | undefined;

  constructor(state: AptState, request: SolveRequest) {
    this.state = state;
    this.request = request;
  }

  /** Marks a package and what it needs. False when that cannot be done; what was marked on the way stays. */
  install(pkg: number, reason: Reason, requiredBy: number | undefined, depth: number): boolean {
    const { state } = this;
    const version = state.candidateOf(pkg);
    if (version < 0) return false;
    if (state.installed.get(pkg) === version) return true;
    const mark = state.marks.get(pkg);
    const isProtected = state.protectedPackages.has(pkg);
    if (mark?.expanded === true && (!isProtected || this.protectedRuns.has(pkg))) return true;
    if (isProtected) this.protectedRuns.add(pkg);
    if (!this.hasOptions(version)) {
      this.strike(pkg);
      return false;
    }
    const before = this.groupsOf(pkg, version);
    if (!this.clearConflicts(pkg, version)) return false;
    const groups = mark?.expanded === true ? this.groupsOf(pkg, version) : before;
    if (mark === undefined) state.marks.set(pkg, { version, reason, ...(requiredBy === undefined ? {} : { requiredBy }), expanded: true });
    else mark.expanded = true;
    const outer = !this.open.has(pkg);
    this.open.add(pkg);
    const done = this.expand(pkg, version, groups, depth);
    if (outer) this.open.delete(pkg);
    if (done && this.request.mode === 'closure') this.upgradeSiblings(version);
    return done;
  }

  /** Marks what something installed misses. */
  mend(pkg: number, version: number): boolean {
    return this.state.unmetOf(version).every((group) => this.satisfy(pkg, version, 'Depends', group, 0)) && !this.state.isBroken(version);
  }

  /** What is installed and built from the same source comes along to the same version. */
  private upgradeSiblings(version: number): void {
    const { state } = this;
    if (state.installed.size === 0) return;
    this.siblings ??= Map.groupBy([...state.installed.keys()].filter((pkg) => ![-1, state.installed.get(pkg)].includes(state.candidateOf(pkg))), (pkg) => state.universe.sourceVersionOf(state.candidateOf(pkg)));
    for (const sibling of this.siblings.get(state.universe.sourceVersionOf(version)) ?? []) {
      if (!state.marks.has(sibling) && state.installed.has(sibling)) this.install(sibling, 'upgrade', undefined, 1);
    }
  }

  /** What the version needs, and recommends where that is wanted, with whether it is there now. */
  private groupsOf(pkg: number, version: number): NeededGroup[] {
    const { universe } = this.state;
    const groups = (field: RelationField, all: readonly DependencyGroup[]): NeededGroup[] => all.map((group) => ({ field, group, wasMet: this.state.isMet(version, group) }));
    return [
      ...hardFields.flatMap((field) => groups(field, universe.relationsOf(version, field))),
      ...(this.request.recommends ? groups('Recommends', this.freshRecommends(pkg, version)) : []),
    ];
  }

  /** Whether a protected package has no choice about the group. */
  private isBoundTo(pkg: number, version: number, group: DependencyGroup): boolean {
    return this.state.protectedPackages.has(pkg) && new Set(this.state.optionsOf(version, group).map(({ option }) => option)).size === 1;
  }

  /** What was there before conflicts were cleared is not looked for again, even if it had to go since. */
  private expand(pkg: number, version: number, groups: readonly NeededGroup[], depth: number): boolean {
    if (this.request.mode === 'direct' && depth > 0) return true;
    for (const { field, group, wasMet } of groups) {
      if (wasMet && !this.state.isMet(version, group) && !this.isBoundTo(pkg, version, group)) continue;
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
    if (old === undefined || old === version) return groups;
    const namesOf = (group: DependencyGroup): string => group.map(({ name }) => name).join();
    const before = new Set(universe.relationsOf(old, 'Recommends').map(namesOf));
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
    const options = state.optionsOf(version, group);
    const owner = options[0] === undefined ? -1 : state.universe.ownerOf(options[0].option);
    const single = field !== 'Recommends' && options.every((item) => item.option === options[0]?.option) && owner >= 0 && state.protectedPackages.has(pkg) && !state.protectedPackages.has(owner);
    if (single) state.protectedPackages.add(owner);
    // What is installed and will do is not upgraded.
    if ((!single || state.stateOf(owner) !== options[0]?.option) && state.isMet(version, group)) return true;
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

  /** Unmarks what the version conflicts with. False when that is protected; candidates in the way of a protected package are struck out. */
  private clearConflicts(pkg: number, version: number): boolean {
    const { state } = this;
    for (const item of state.conflictsOf(version)) {
      const other = state.universe.ownerOf(item);
      if (state.stateOf(other) === item) {
        if (state.protectedPackages.has(other) || this.open.has(other)) return false;
        state.marks.delete(other);
        state.installed.delete(other);
      }
      if (state.protectedPackages.has(pkg) && state.candidateOf(other) === item) state.struck.add(other);
    }
    return true;
  }
}
