// What the machine has, by what of it changes along: rule 11 of README.md in this folder.
import { type AptState, hardFields } from './apt-state.ts';
import { isOffered } from './apt-scores.ts';
import { meetsByName, packageNamed, versionsMeeting } from './match.ts';
import type { DependencyGroup } from './universe.ts';

export interface Outgrown { readonly owner: number; readonly isHard: boolean }

export class Machine {
  private readonly state: AptState;
  /** By name the installed packages that need or recommend it. */
  private dependents: Map<number, number[]> | undefined;
  private siblings: Map<string, number[]> | undefined;

  constructor(state: AptState) { this.state = state; }

  /** Whether what the machine had met the group. */
  met(version: number, group: DependencyGroup): boolean {
    const { state } = this;
    return group.some((dependency) => versionsMeeting(state.universe, dependency, state.archOf(version)).some((item) => state.installed.get(state.universe.ownerOf(item)) === item));
  }

  /** Installed packages of which the same source has a newer version beside `version`; what was read last first. */
  siblingsOf(version: number): readonly number[] {
    const { state } = this;
    const { universe } = state;
    this.siblings ??= Map.groupBy([...state.installed.keys()].filter((pkg) => ![-1, state.installed.get(pkg)].includes(state.candidateOf(pkg)))
      .sort((a, b) => state.candidateOf(b) - state.candidateOf(a)), (pkg) => universe.sourceVersionOf(state.candidateOf(pkg)));
    return this.siblings.size === 0 ? [] : this.siblings.get(universe.sourceVersionOf(version)) ?? [];
  }

  /** What stays as it is installed and names the package (of its own architecture) in a relation that its installed version meets and `version` does not. */
  outgrownBy(pkg: number, version: number, recommends: boolean): readonly Outgrown[] {
    const { state } = this;
    const { universe } = state;
    const old = state.installed.get(pkg);
    if (old === undefined || old === version) return [];
    this.dependents ??= this.findDependents();
    return (this.dependents.get(universe.nameOf(pkg)) ?? []).flatMap((owner): readonly Outgrown[] => {
      const own = state.installed.get(owner) ?? -1;
      if (owner === pkg || own < 0 || !state.isKept(owner)) return [];
      const from = universe.archOf(owner);
      const outgrown = (groups: readonly DependencyGroup[]): boolean => groups.some((group) => group.some((dependency) => packageNamed(universe, dependency, from) === pkg
        && meetsByName(universe, dependency, from, old) && !meetsByName(universe, dependency, from, version)));
      if (hardFields.some((field) => outgrown(universe.relationsOf(own, field)))) return [{ owner, isHard: true }];
      return recommends && outgrown(universe.relationsOf(own, 'Recommends')) ? [{ owner, isHard: false }] : [];
    });
  }

  /** Whether the machine has the same name in another architecture, both are `Multi-Arch: same`, and what may come or stay there is another version, unless no repository has that. */
  isOutOfSync(pkg: number, version: number): boolean {
    const { state } = this;
    const { universe } = state;
    if (universe.architectures.length === 1 || universe.multiArchOf(version) !== 'same') return false;
    return universe.architectures.some((_, arch) => {
      const sibling = universe.packageOf(universe.nameOf(pkg), arch);
      const there = state.installed.get(sibling);
      if (sibling === pkg || there === undefined || state.stateOf(sibling) < 0) return false;
      const other = state.candidateOf(sibling) < 0 ? there : state.candidateOf(sibling);
      return universe.multiArchOf(other) === 'same' && universe.versionText(other) !== universe.versionText(version) && isOffered(state, other);
    });
  }

  private findDependents(): Map<number, number[]> {
    const { universe, installed } = this.state;
    const found = new Map<number, number[]>();
    for (const [pkg, version] of [...installed].sort(([a], [b]) => a - b)) {
      const names = new Set([...hardFields, 'Recommends' as const].flatMap((field) => universe.relationsOf(version, field)).flat().map(({ name }) => name));
      for (const name of names) found.set(name, [...(found.get(name) ?? []), pkg]);
    }
    return found;
  }
}
