// Bringing back, for something that stays, what was given up: rule 9 of README.md in this folder.
import type { AptState } from './apt-state.ts';
import { packageNamed, versionsMeeting } from './match.ts';
import type { Dependency, DependencyGroup } from './universe.ts';

/** Packages of which some version meets the relation, in apt's order: the one that it names, then what was read last first. What every architecture may use is named only in its own. */
export function targetsOf(state: AptState, version: number, dependency: Dependency): number[] {
  const { universe } = state;
  const named = packageNamed(universe, dependency, state.archOf(version));
  const meeting = versionsMeeting(universe, dependency, state.archOf(version));
  const isNamed = (item: number): boolean => universe.ownerOf(item) === named;
  const others = meeting.filter((item) => !isNamed(item)).sort((a, b) => b - a);
  return [...new Set([...meeting.filter(isNamed), ...others].map((item) => universe.ownerOf(item)))];
}

export class Reinstating {
  private readonly state: AptState;
  private readonly tried = new Set<number>();

  constructor(state: AptState) { this.state = state; }

  /** Marks a package again with what it needs; each once, nothing protected, and nothing that denies something protected. */
  reinstate(pkg: number, requiredBy: number): boolean {
    const { state } = this;
    if (this.tried.has(pkg) || state.protectedPackages.has(pkg)) return false;
    this.tried.add(pkg);
    const item = state.candidateOf(pkg);
    if (item < 0 || item === state.installed.get(pkg) || this.deniesProtected(item)) return false;
    const before = state.marks.get(pkg);
    state.marks.set(pkg, before ?? { version: item, reason: 'depends', requiredBy, expanded: true });
    for (const group of state.unmetOf(item)) {
      if (state.isMet(item, group) || this.reinstateOne(item, group)) continue;
      if (before === undefined) state.marks.delete(pkg);
      return false;
    }
    return true;
  }

  /** Whether something protected is in its way, as far as apt looks: at the package that a relation names, or at what provides the name and was read last. */
  private deniesProtected(version: number): boolean {
    const { universe, protectedPackages } = this.state;
    return this.state.denialsOf(version).some(({ named, versions }) => {
      if (!versions.some((item) => this.state.stateOf(universe.ownerOf(item)) === item)) return false;
      const target = named < 0 || universe.versionsOf(named).length === 0 ? universe.ownerOf(Math.max(...versions)) : named;
      return protectedPackages.has(target);
    });
  }

  /**
   * For something that is marked again: where a candidate would meet the group, the package of that name, in whatever version. Of a name that is only provided, what
   * provides it and was read last, whatever version it gives it.
   */
  private reinstateOne(item: number, group: DependencyGroup): boolean {
    const { state } = this;
    const { universe } = state;
    return group.some(({ name, arch, ...relation }) => {
      const isArch = arch === undefined ? {} : { arch };
      if (!state.couldBeMet(item, [{ name, ...isArch, ...relation }])) return false;
      const named = packageNamed(universe, { name, ...isArch }, state.archOf(item));
      const target = named >= 0 && universe.versionsOf(named).length > 0 ? named : targetsOf(state, item, { name, ...isArch })[0];
      return target !== undefined && !state.struck.has(target) && !state.frozen.has(target) && this.reinstate(target, item);
    });
  }
}
