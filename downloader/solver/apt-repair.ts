// What apt's classic resolver does when something marked is broken: rule 9 of README.md in this folder.
import { inRepairOrder } from './apt-order.ts';
import { essentialScore, requestedScore, scoresOf } from './apt-scores.ts';
import type { Marker } from './apt-mark.ts';
import { Reinstating, targetsOf } from './apt-reinstate.ts';
import type { AptState, Mark } from './apt-state.ts';
import { packageNamed, versionsMeeting } from './match.ts';
import type { Dependency, DependencyGroup } from './universe.ts';

const maxRounds = 20;

interface Removal { readonly pkg: number; readonly isDenied: boolean; readonly wasMet: boolean }
/** What becomes of a package of which no alternative helps: it goes, or goes back to what the machine has. */
interface Outcome { ofGroup: 'remove' | 'keep'; isSettled: boolean }

class Repair {
  private readonly state: AptState;
  private readonly marker: Marker;
  /** They change on the way: what was held back for another's sake is worth no more than that. */
  private readonly scores: Map<number, number>;
  private readonly reinstating: Reinstating;
  /** What was to be upgraded when repairing began; each is upgraded once more where that breaks nothing. */
  private readonly upgraded: Map<number, Mark>;
  private changed = false;
  private round = 0;

  constructor(state: AptState, marker: Marker, requested: ReadonlySet<number>) {
    this.state = state;
    this.marker = marker;
    this.reinstating = new Reinstating(state);
    const { universe } = state;
    this.upgradeBroken();
    this.scores = scoresOf(state);
    this.upgraded = new Map([...state.marks].filter(([pkg]) => state.installed.has(pkg)));
    for (const pkg of this.packages()) {
      const more = (requested.has(pkg) ? requestedScore : 0) + (universe.isEssential(pkg) || universe.isImportant(pkg) ? essentialScore : 0);
      if (more > 0) this.scores.set(pkg, this.scoreOf(pkg) + more);
    }
  }

  /** What the machine has and is broken now is upgraded before anything else, whether that helps or not. */
  private upgradeBroken(): void {
    const { state } = this;
    for (let again = true; again;) {
      again = false;
      for (const [pkg, version] of state.installed) {
        const candidate = state.candidateOf(pkg);
        if (!state.isKept(pkg) || candidate < 0 || candidate === version || state.protectedPackages.has(pkg) || state.frozen.has(pkg) || !state.isBroken(version)) continue;
        state.marks.set(pkg, { version: candidate, reason: 'upgrade', expanded: true });
        again = true;
      }
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
        if (this.upgraded.size > 0) this.upgradeAgain(pkg);
        const version = this.state.stateOf(pkg);
        if (version >= 0 && this.state.isBroken(version)) this.fix(pkg, version);
      }
      if (!this.changed) return;
    }
  }

  private brokenCount(): number { return [...this.state.selection().values()].filter((version) => this.state.isBroken(version)).length; }

  /** What was kept back meanwhile. */
  private upgradeAgain(pkg: number): void {
    const { state } = this;
    const mark = this.upgraded.get(pkg);
    if (mark === undefined || !state.isKept(pkg) || state.candidateOf(pkg) !== mark.version || state.protectedPackages.has(pkg)) return;
    const before = this.brokenCount();
    state.marks.set(pkg, mark);
    if (this.brokenCount() > before) state.marks.delete(pkg);
    else this.upgraded.delete(pkg);
  }

  private fix(pkg: number, version: number): void {
    const { state } = this;
    const removals: Removal[] = [];
    for (const group of state.needsOf(version)) {
      if (state.isMet(version, group)) continue;
      if (state.protectedPackages.has(pkg)) this.meetForProtected(pkg, version, group, removals);
      else if (this.meet(pkg, version, group, removals)) return;
    }
    if (this.bear(pkg, version, removals)) return;
    if (state.stateOf(pkg) >= 0) for (const removal of removals) this.apply(pkg, removal);
  }

  /** Alternatives in turn. True when the package itself gave way to a relation without alternatives; else what else it needs is looked at, too. */
  private meet(pkg: number, version: number, group: DependencyGroup, removals: Removal[]): boolean {
    const { state } = this;
    const known = removals.length;
    const outcome: Outcome = { ofGroup: 'remove', isSettled: false };
    for (const dependency of group) {
      if (state.isMet(version, group)) return false;
      const targets = targetsOf(state, version, dependency);
      const isOr = group.length > 1;
      if (targets.length === 0) {
        if (isOr) continue;
        this.keep(pkg);
        return true;
      }
      const wasMet = this.wasMet(version, dependency);
      const [target = -1] = targets.filter((each) => this.scoreOf(pkg) <= this.scoreOf(each) || !wasMet || !state.protectedPackages.has(each));
      if (target < 0) continue;
      if (this.scoreOf(pkg) <= this.scoreOf(target) || !wasMet) this.giveWay({ pkg, target, dependency, isOr }, outcome);
      else removals.push({ pkg: target, isDenied: false, wasMet });
      if (outcome.isSettled && !isOr) return true;
    }
    if (!outcome.isSettled || removals.length > known) return false;
    if (outcome.ofGroup === 'remove') this.remove(pkg);
    else this.keep(pkg);
    return false;
  }

  /** Back to what the machine has, or away when that is broken too. Within alternatives, another one may still be tried. */
  private giveWay({ pkg, target, dependency, isOr }: { readonly pkg: number; readonly target: number; readonly dependency?: Dependency; readonly isOr: boolean }, outcome: Outcome): void {
    const { state } = this;
    const mark = state.marks.get(pkg);
    this.keep(pkg);
    const now = state.stateOf(pkg);
    if (now < 0 || !state.isBroken(now)) {
      if (outcome.ofGroup === 'remove') outcome.ofGroup = 'keep';
      if (isOr && mark !== undefined) state.marks.set(pkg, mark);
    } else if (this.reinstating.reinstate(pkg, now)) {
      // Its newer version can be had with what it needs.
    } else if (!isOr) {
      this.remove(pkg);
      if (this.round > 1 && this.scoreOf(target) > this.scoreOf(pkg)) this.scores.set(pkg, this.scoreOf(target));
    } else if (dependency !== undefined) this.tryInstead(packageNamed(state.universe, dependency, state.universe.archOf(pkg)));
    outcome.isSettled = true;
    this.changed = true;
  }

  private tryInstead(target: number): void {
    const { state } = this;
    if (target < 0 || state.stateOf(target) >= 0 || state.installed.has(target) || state.candidateOf(target) < 0) return;
    const before = this.brokenCount();
    this.marker.install(target, 'depends', undefined, 1);
    const version = state.stateOf(target);
    if (version >= 0 && (state.isBroken(version) || this.brokenCount() > before)) this.remove(target);
  }

  /** What of the conflicts has to go. True when the package itself gave way. */
  private bear(pkg: number, version: number, removals: Removal[]): boolean {
    const { state } = this;
    const seen = new Set<number>();
    const denied = new Set(state.conflictsOf(version));
    const conflicting = new Set(state.deniedBy(version, 'Conflicts'));
    for (const item of state.clashesOf(version)) {
      const other = state.universe.ownerOf(item);
      if (state.stateOf(other) !== item || seen.has(other)) continue;
      seen.add(other);
      if (this.scoreOf(pkg) > this.scoreOf(other)) {
        if (!conflicting.has(item) && state.isKept(other) && !denied.has(state.originalCandidateOf(other))) this.upgradeFor(other);
        else if (!state.protectedPackages.has(other)) removals.push({ pkg: other, isDenied: true, wasMet: state.installed.get(other) !== item && !this.clashed(version, other) });
      } else if (!state.protectedPackages.has(pkg)) {
        this.giveWay({ pkg, target: other, isOr: false }, { ofGroup: 'remove', isSettled: false });
        return true;
      }
    }
    return false;
  }

  /** What breaks an installed package would rather have it upgraded; it is left alone where that cannot be. */
  private upgradeFor(other: number): void {
    const { state } = this;
    const version = state.candidateOf(other);
    this.changed = true;
    if (version >= 0 && !state.protectedPackages.has(other)) state.marks.set(other, { version, reason: 'upgrade', expanded: true });
  }

  /** Whether what the machine has of the other package was in the way before. */
  private clashed(version: number, other: number): boolean {
    const old = this.state.installed.get(other);
    return old !== undefined && this.state.conflictsOf(version).includes(old);
  }

  private wasMet(version: number, dependency: Dependency): boolean {
    const { universe, installed } = this.state;
    return versionsMeeting(universe, dependency, this.state.archOf(version)).some((item) => installed.get(universe.ownerOf(item)) === item);
  }

  /** Of two, the less valuable one goes: away, or back to what the machine has where that was fine. */
  private apply(pkg: number, { pkg: other, isDenied, wasMet }: Removal): void {
    this.changed = true;
    const done = isDenied && !wasMet ? this.remove(other) : this.keep(other);
    if ((this.round > 1 || !done) && this.scoreOf(pkg) > this.scoreOf(other)) this.scores.set(other, this.scoreOf(pkg));
  }

  /** Back to what the machine has: nothing, or the installed version. False when it is held where it is. */
  private keep(pkg: number): boolean {
    const { state } = this;
    if (state.frozen.has(pkg)) return false;
    if (state.marks.delete(pkg)) this.changed = true;
    if (state.removed.delete(pkg)) this.changed = true;
    return true;
  }

  /** False when the machine has it and it has to stay. */
  private remove(pkg: number): boolean {
    const { state } = this;
    this.changed = true;
    if (state.installed.has(pkg) && !state.mayRemove(pkg)) return false;
    state.marks.delete(pkg);
    if (state.installed.has(pkg)) state.removed.add(pkg);
    return true;
  }

  /** For something protected: of each alternative the first package that can be marked once more, until the group is met. */
  private meetForProtected(pkg: number, version: number, group: DependencyGroup, removals: Removal[]): void {
    for (const dependency of group) {
      const wasMet = this.wasMet(version, dependency);
      for (const target of targetsOf(this.state, version, dependency)) {
        if (wasMet && this.scoreOf(pkg) > this.scoreOf(target)) {
          if (this.state.protectedPackages.has(target)) continue;
          removals.push({ pkg: target, isDenied: false, wasMet });
          break;
        }
        if (!this.reinstating.reinstate(target, version)) continue;
        this.scores.set(target, Math.min(this.scoreOf(target), this.scoreOf(pkg)));
        break;
      }
      if (this.state.isMet(version, group)) return;
    }
  }
}

/** Repairs what is broken by removing the less valuable side, in rounds. True when there was anything to do. */
export function repair(state: AptState, marker: Marker, requested: ReadonlySet<number>): boolean {
  if (![...state.selection().values()].some((version) => state.isBroken(version))) return false;
  new Repair(state, marker, requested).run();
  return true;
}
