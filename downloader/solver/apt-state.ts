import type { ReleaseFacts } from '../../formats/deb/preferences.ts';
import { type Denial, denialsOf, meetsByName, meetsByProvides, twinsOf, versionsDenied, versionsMeeting } from './match.ts';
import type { PinPolicy } from './pins.ts';
import type { Chosen } from './solve.ts';
import type { Dependency, DependencyGroup, Universe } from './universe.ts';

export type Reason = Chosen['reason'];
export interface Mark { readonly version: number; readonly reason: Reason; readonly requiredBy?: number; expanded: boolean }
export interface Option { readonly option: number; readonly dependency: Dependency }

export const hardFields = ['Pre-Depends', 'Depends'] as const;
export const negativeFields = ['Conflicts', 'Breaks'] as const;

interface Excuse { readonly version: number; readonly unmet: ReadonlySet<DependencyGroup>; readonly clashes: ReadonlySet<number> }

/** A version that was asked for by its release. */
export interface FromRelease {
  readonly version: number;
  readonly isRelease: (facts: ReleaseFacts) => boolean;
}

/** What is installed, marked, protected and still a candidate, in the middle of a solve. */
export class AptState {
  readonly universe: Universe;
  readonly marks = new Map<number, Mark>();
  /** Package to version of what the machine has before. */
  readonly installed = new Map<number, number>();
  /** What of that goes. */
  readonly removed = new Set<number>();
  readonly protectedPackages = new Set<number>();
  /** Packages that stay in the state in which they are, for the sake of something protected. */
  readonly frozen = new Set<number>();
  /** Packages whose candidate was struck out: it cannot be installed any more in this run. */
  readonly struck = new Set<number>();
  /** What of these was taken away after that: when others look ahead, only its installed version counts. */
  readonly outOfSight = new Set<number>();
  /** What was asked for by release, in the order of the command line. */
  readonly fromReleases: FromRelease[] = [];
  private readonly excused = new Map<number, Excuse>();
  private readonly pinned = new Map<number, number>();
  private readonly candidates = new Map<number, number>();
  private readonly conditions = new Map<number, readonly ((version: number) => boolean)[]>();

  private readonly pins: PinPolicy | undefined;

  constructor(universe: Universe, pins?: PinPolicy) {
    this.universe = universe;
    this.pins = pins;
  }

  /** Its pin. */
  priorityOf(version: number): number { return this.pins?.priorityOf(version) ?? this.universe.pinOf(version); }

  /** The version that a spec settled. */
  pinnedVersion(pkg: number): number | undefined { return this.pinned.get(pkg); }

  /** Whether every spec of the package takes the version. */
  allows(pkg: number, version: number): boolean { return (this.conditions.get(pkg) ?? []).every((fits) => fits(version)); }

  allow(pkg: number, fits: (version: number) => boolean): void { this.conditions.set(pkg, [...(this.conditions.get(pkg) ?? []), fits]); }

  unpin(pkg: number): void {
    this.pinned.delete(pkg);
    this.candidates.delete(pkg);
  }

  pin(pkg: number, version: number): void {
    this.pinned.set(pkg, version);
    this.candidates.delete(pkg);
  }

  forgetCandidate(pkg: number): void { this.candidates.delete(pkg); }

  /** Highest pin, then highest version, struck out or not; -1 when there is none. */
  originalCandidateOf(pkg: number): number {
    let known = this.candidates.get(pkg);
    if (known !== undefined) return known;
    known = this.pinned.get(pkg) ?? this.bestOf(pkg);
    this.candidates.set(pkg, known);
    return known;
  }

  /** Priorities of 0 and below never win; what is installed is downgraded by a priority of 1000 and above only (apt_preferences(5)). */
  private bestOf(pkg: number): number {
    const versions = this.universe.versionsOf(pkg);
    const there = versions.indexOf(this.installed.get(pkg) ?? -1);
    let best = -1;
    let most = 0;
    for (const [index, version] of versions.entries()) {
      const pin = this.priorityOf(version);
      if (pin <= most || (there >= 0 && index > there && pin < 1000)) continue;
      best = version;
      most = pin;
    }
    return best;
  }

  candidateOf(pkg: number): number { return this.struck.has(pkg) ? -1 : this.originalCandidateOf(pkg); }

  /** The version that will be there; -1 for none. */
  stateOf(pkg: number): number { return this.marks.get(pkg)?.version ?? (this.removed.has(pkg) ? -1 : this.installed.get(pkg) ?? -1); }

  /** Whether it stays as the machine has it. */
  isKept(pkg: number): boolean { return this.installed.has(pkg) && !this.removed.has(pkg) && !this.marks.has(pkg); }

  /** Whether apt takes it away from a machine when something else asks for that: nothing protected, and nothing Essential or Important. */
  mayRemove(pkg: number): boolean { return !this.protectedPackages.has(pkg) && !this.frozen.has(pkg) && !this.universe.isEssential(pkg) && !this.universe.isImportant(pkg); }

  archOf(version: number): number { return this.universe.archOf(this.universe.ownerOf(version)); }

  /** Everything that will be there: package to version. */
  selection(): Map<number, number> {
    const kept = this.removed.size === 0 ? this.installed : [...this.installed].filter(([pkg]) => !this.removed.has(pkg));
    return new Map([...kept, ...[...this.marks].map(([pkg, { version }]) => [pkg, version] as const)]);
  }

  /** Versions that will be there and meet the relation. */
  meeting(version: number, dependency: Dependency): number[] {
    return versionsMeeting(this.universe, dependency, this.archOf(version)).filter((item) => this.stateOf(this.universe.ownerOf(item)) === item);
  }

  isMet(version: number, group: DependencyGroup): boolean {
    return group.some((dependency) => this.someMeets(version, dependency, (pkg) => this.stateOf(pkg)));
  }

  /** Whether some candidate, struck out or not, meets the group. */
  couldBeMet(version: number, group: DependencyGroup): boolean {
    return group.some((dependency) => this.someMeets(version, dependency, (pkg) => (this.outOfSight.has(pkg) ? this.installed.get(pkg) ?? -1 : this.originalCandidateOf(pkg))));
  }

  private someMeets(version: number, dependency: Dependency, chosenOf: (pkg: number) => number): boolean {
    const { universe } = this;
    const from = this.archOf(version);
    if (dependency.name < 0) return false;
    for (let arch = 0; arch < universe.architectures.length; arch += 1) {
      const chosen = chosenOf(universe.packageOf(dependency.name, arch));
      if (chosen >= 0 && meetsByName(universe, dependency, from, chosen)) return true;
    }
    return universe.providersOf(dependency.name).some((provider) =>
      chosenOf(universe.ownerOf(provider.version)) === provider.version && meetsByProvides(universe, dependency, from, provider.version, provider.provided));
  }

  /** Candidates that meet the group, best first: alternatives left to right, each in apt's order. */
  optionsOf(version: number, group: DependencyGroup): Option[] {
    return group.flatMap((dependency) => versionsMeeting(this.universe, dependency, this.archOf(version))
      .filter((item) => this.candidateOf(this.universe.ownerOf(item)) === item)
      .sort((a, b) => this.compareOptions(dependency, a, b))
      .map((option) => ({ option, dependency })));
  }

  /** The only version that meets the group, if there is just one: of the candidates and what stays installed. */
  onlyOptionOf(version: number, group: DependencyGroup): number | undefined {
    const options = new Set(group.flatMap((dependency) => versionsMeeting(this.universe, dependency, this.archOf(version))).filter((item) => {
      const owner = this.universe.ownerOf(item);
      return this.candidateOf(owner) === item || (this.isKept(owner) && this.installed.get(owner) === item);
    }));
    const [only] = options;
    return options.size === 1 ? only : undefined;
  }

  /** Those that the machine has in another version come first, whichever alternative they are of. */
  optionsInOrder(version: number, group: DependencyGroup): Option[] {
    const options = this.optionsOf(version, group);
    if (this.installed.size === 0) return options;
    const isThere = ({ option }: Option): boolean => this.installed.has(this.universe.ownerOf(option));
    return [...options.filter(isThere), ...options.filter((item) => !isThere(item))];
  }

  /** Protected first, then the package of that name, Essential, Important, native, by Priority, and last what was mentioned later. */
  private compareOptions(dependency: Dependency, a: number, b: number): number {
    const { universe } = this;
    const order = (first: boolean, second: boolean): number => Number(second) - Number(first);
    const [x, y] = [universe.ownerOf(a), universe.ownerOf(b)];
    const isNamed = (pkg: number): boolean => dependency.arch === undefined && universe.nameOf(pkg) === dependency.name;
    return order(this.protectedPackages.has(x), this.protectedPackages.has(y))
      || order(isNamed(x), isNamed(y))
      || order(universe.isEssential(x), universe.isEssential(y))
      || order(universe.isImportant(x), universe.isImportant(y))
      || universe.archOf(x) - universe.archOf(y)
      || universe.priorityRankOf(a) - universe.priorityRankOf(b)
      || universe.idOf(y) - universe.idOf(x);
  }

  /** Versions of other packages that `version` conflicts with, breaks, or cannot share its name with. Whether they will be there or not. */
  conflictsOf(version: number): number[] {
    return [...negativeFields.flatMap((field) => this.deniedBy(version, field)), ...twinsOf(this.universe, version)];
  }

  /** The same, relation by relation, those of packages that came up later last; each twin by itself. */
  denialsOf(version: number): Denial[] {
    const { universe } = this;
    const denials = negativeFields.flatMap((field) => universe.relationsOf(version, field).flat().flatMap((dependency) => denialsOf(universe, dependency, version)));
    if (universe.architectures.length === 1) return denials;
    const later = denials.filter(({ isLater }) => isLater === true).sort((a, b) => universe.idOf(a.named) - universe.idOf(b.named));
    return [...denials.filter(({ isLater }) => isLater !== true), ...later, ...twinsOf(universe, version).map((item) => ({ named: universe.ownerOf(item), versions: [item] }))];
  }

  deniedBy(version: number, field: 'Conflicts' | 'Breaks'): number[] {
    return this.universe.relationsOf(version, field).flat().flatMap((dependency) => versionsDenied(this.universe, dependency, version));
  }

  /** What will be there although `version` conflicts with it or breaks it. */
  clashesOf(version: number): number[] {
    return this.conflictsOf(version).filter((item) => this.stateOf(this.universe.ownerOf(item)) === item);
  }

  /** What the machine misses or bears already before: nothing is repaired there. */
  excuse(): void {
    for (const [pkg, version] of this.installed) {
      const unmet = this.unmetOf(version);
      const clashes = this.clashesOf(version);
      if (unmet.length + clashes.length > 0) this.excused.set(pkg, { version, unmet: new Set(unmet), clashes: new Set(clashes) });
    }
  }

  private excuseOf(version: number): Excuse | undefined {
    if (this.excused.size === 0) return undefined;
    const excuse = this.excused.get(this.universe.ownerOf(version));
    return excuse?.version === version ? excuse : undefined;
  }

  /** What the version has to have, without what the machine did without before. */
  needsOf(version: number, fields: readonly (typeof hardFields)[number][] = hardFields): DependencyGroup[] {
    const groups = fields.flatMap((field) => this.universe.relationsOf(version, field));
    const excuse = this.excuseOf(version);
    return excuse === undefined ? groups : groups.filter((group) => !excuse.unmet.has(group));
  }

  unmetOf(version: number): DependencyGroup[] { return this.needsOf(version).filter((group) => !this.isMet(version, group)); }

  isBroken(version: number): boolean {
    const excuse = this.excuseOf(version);
    if (hardFields.some((field) => this.universe.relationsOf(version, field).some((group) => excuse?.unmet.has(group) !== true && !this.isMet(version, group)))) return true;
    return this.clashesOf(version).some((item) => excuse?.clashes.has(item) !== true);
  }
}
