// What has to go or to be upgraded before a package can be marked: rules 4 and 11 of README.md in this folder.
import type { AptState } from './apt-state.ts';

export interface Clearing {
  /** Installed packages of which a newer version may stay. */
  readonly upgrades: readonly number[];
  /** Installed packages that go once what was marked has what it needs. */
  readonly delayed: readonly number[];
}

/** Takes something installed away. For the sake of something protected it stays away. */
export function takeAway(state: AptState, pkg: number, forProtected: boolean): void {
  state.marks.delete(pkg);
  state.removed.add(pkg);
  if (forProtected) state.frozen.add(pkg);
}

/** Whether a version that could come instead of what is installed would be borne, were it not struck out. */
function wouldBeBorne(state: AptState, other: number, denied: ReadonlySet<number>): boolean {
  const candidate = state.originalCandidateOf(other);
  return candidate >= 0 && candidate !== state.installed.get(other) && !denied.has(candidate);
}

/**
 * Unmarks what the package's candidate conflicts with, and says what of the machine is in its way. Undefined when something is that has to stay: what is protected, is open (its
 * own needs are being looked at), or is Essential. Candidates in the way of a protected package are struck out.
 */
export function clearConflicts(state: AptState, pkg: number, isOpen: (pkg: number) => boolean): Clearing | undefined {
  const { universe } = state;
  const isProtected = state.protectedPackages.has(pkg);
  const conflicts = state.conflictsOf(state.candidateOf(pkg));
  const denied = new Set(conflicts);
  const upgrades = new Set<number>();
  const delayed = new Set<number>();
  /** What is struck out here is not looked at again: repairing deals with the installed version. */
  const struckNow = new Set<number>();
  for (const item of conflicts) {
    const other = universe.ownerOf(item);
    if (state.marks.get(other)?.version === item) {
      if (state.protectedPackages.has(other) || isOpen(other)) return undefined;
      state.marks.delete(other);
    }
    if (state.isKept(other) && state.installed.get(other) === item && !struckNow.has(other)) {
      if (wouldBeBorne(state, other, denied)) { if (!state.struck.has(other)) upgrades.add(other); }
      else if (isOpen(other) || state.protectedPackages.has(other)) return undefined;
      else if (!state.mayRemove(other)) { if (!isProtected) return undefined; }
      else if (isProtected) takeAway(state, other, true);
      else delayed.add(other);
    }
    if (isProtected && state.candidateOf(other) === item && item !== state.installed.get(other)) {
      state.struck.add(other);
      struckNow.add(other);
    }
  }
  return { upgrades: [...upgrades], delayed: [...delayed] };
}
