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
  if (state.struck.has(pkg)) state.outOfSight.add(pkg);
  if (forProtected) state.frozen.add(pkg);
}

/** Whether a version that could come instead of what is installed would be borne, were it not struck out. */
function wouldBeBorne(state: AptState, other: number, denied: ReadonlySet<number>): boolean {
  const candidate = state.originalCandidateOf(other);
  return candidate >= 0 && candidate !== state.installed.get(other) && !denied.has(candidate);
}

const nothing: Clearing = { upgrades: [], delayed: [] };

/**
 * Unmarks what the package's candidate conflicts with, and says what of the machine is in its way. Undefined when something is that has to stay: what is protected, is open (its
 * own needs are being looked at), or is Essential; what one relation speaks of is looked at before any of it goes. Candidates in the way of a protected package are struck out.
 */
export function clearConflicts(state: AptState, pkg: number, isOpen: (pkg: number) => boolean): Clearing | undefined {
  const denials = state.denialsOf(state.candidateOf(pkg));
  if (denials.length === 0) return nothing;
  const clearing = new Clear(state, pkg, { isOpen, denied: new Set(denials.flatMap(({ versions }) => versions)) });
  for (const { versions } of denials) {
    if (!versions.every((item) => clearing.mayGo(item))) return undefined;
    for (const item of versions) clearing.clear(item);
  }
  return { upgrades: [...clearing.upgrades], delayed: [...clearing.delayed] };
}

class Clear {
  readonly upgrades = new Set<number>();
  readonly delayed = new Set<number>();
  private readonly state: AptState;
  private readonly isProtected: boolean;
  private readonly isOpen: (pkg: number) => boolean;
  private readonly denied: ReadonlySet<number>;
  /** What is struck out here is not looked at again: repairing deals with the installed version. */
  private readonly struckNow = new Set<number>();

  constructor(state: AptState, pkg: number, { isOpen, denied }: { readonly isOpen: (pkg: number) => boolean; readonly denied: ReadonlySet<number> }) {
    this.state = state;
    this.isProtected = state.protectedPackages.has(pkg);
    this.isOpen = isOpen;
    this.denied = denied;
  }

  /** Whether it is installed, and nothing that could come instead is known to be as bad. */
  private isInTheWay(other: number, item: number): boolean { return this.state.isKept(other) && this.state.installed.get(other) === item && !this.struckNow.has(other); }

  mayGo(item: number): boolean {
    const { state } = this;
    const other = state.universe.ownerOf(item);
    const stays = state.protectedPackages.has(other) || this.isOpen(other);
    if (state.marks.get(other)?.version === item && stays) return false;
    if (!this.isInTheWay(other, item) || wouldBeBorne(state, other, this.denied)) return true;
    return !stays && (this.isProtected || state.mayRemove(other));
  }

  /** To be asked for what {@link Clear.mayGo}. */
  clear(item: number): void {
    const { state } = this;
    const other = state.universe.ownerOf(item);
    if (state.marks.get(other)?.version === item) state.marks.delete(other);
    if (this.isInTheWay(other, item)) {
      if (wouldBeBorne(state, other, this.denied)) { if (!state.struck.has(other)) this.upgrades.add(other); }
      else if (state.mayRemove(other)) { if (this.isProtected) takeAway(state, other, true); else this.delayed.add(other); }
    }
    if (this.isProtected && state.candidateOf(other) === item && item !== state.installed.get(other)) {
      state.struck.add(other);
      this.struckNow.add(other);
    }
  }
}
