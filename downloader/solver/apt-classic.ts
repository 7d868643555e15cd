// The choice of apt's classic resolver (apt 1.8 to 3.1.9) for an install: behaviour found by experiment, see README.md in this folder.
import { BundleError } from '../../bom/errors.ts';
import { globToRegExp } from '../../formats/deb/version.ts';
import { textOf, versionsMeeting } from './match.ts';
import type { Chosen, Decision, Rejection, SolveRequest } from './solve.ts';
import type { Dependency, DependencyGroup, RelationField, Universe } from './universe.ts';

type Reason = Chosen['reason'];
interface Mark { readonly version: number; readonly reason: Reason; readonly requiredBy?: number; expanded: boolean }

const reasonOf = (field: RelationField): Reason => field.toLowerCase() as Reason;

/** Room for the rejections that `why` keeps. */
const maxRejections = 2000;

class Run {
  private readonly marks = new Map<number, Mark>();
  private readonly installed = new Map<number, number>();
  private readonly protectedPackages = new Set<number>();
  private readonly struck = new Set<number>();
  private readonly pinned = new Map<number, number>();
  private readonly candidates = new Map<number, number>();
  private readonly rejections: Rejection[] = [];
  private readonly universe: Universe;
  private readonly request: SolveRequest;

  constructor(universe: Universe, request: SolveRequest) {
    this.universe = universe;
    this.request = request;
    for (const [label, version] of request.installed ?? []) this.assume(label, version);
  }

  private assume(label: string, version: string | undefined): void {
    const pkg = this.find(label);
    if (pkg === undefined) return;
    const versions = this.universe.versionsOf(pkg);
    const known = version === undefined ? versions[0] : versions.find((item) => this.universe.versionText(item) === version) ?? versions[0];
    if (known !== undefined) this.installed.set(pkg, known);
  }

  private find(label: string): number | undefined {
    const [name = '', arch] = label.split(':');
    const id = this.universe.names.find(name);
    const archIndex = arch === undefined || arch === 'all' ? 0 : this.universe.architectures.indexOf(arch);
    return id < 0 || archIndex < 0 ? undefined : this.universe.packageOf(id, archIndex);
  }

  /** Highest pin, then highest version; -1 when there is none or it was struck out. */
  private candidateOf(pkg: number): number {
    if (this.struck.has(pkg)) return -1;
    let known = this.candidates.get(pkg);
    if (known !== undefined) return known;
    known = this.pinned.get(pkg) ?? -1;
    if (known < 0) {
      for (const version of this.universe.versionsOf(pkg)) {
        if (this.universe.pinOf(version) <= 0) continue;
        if (known < 0 || this.universe.pinOf(version) > this.universe.pinOf(known)) known = version;
      }
    }
    this.candidates.set(pkg, known);
    return known;
  }

  solve(): Decision {
    const wanted = this.request.wanted.map((spec) => this.resolve(spec));
    for (const pkg of wanted) {
      this.protectedPackages.add(pkg);
      if (!this.installed.has(pkg)) this.marks.set(pkg, { version: this.candidateOf(pkg), reason: 'requested', expanded: false });
    }
    if (this.request.mode !== 'none') for (const pkg of wanted) this.install(pkg, 'requested', undefined, 0);
    for (const pkg of wanted) this.demandMarked(pkg);
    if (this.request.mode === 'closure') this.demandWhole();
    const kept = this.request.mode === 'closure' ? this.reachable(wanted) : new Set(this.marks.keys());
    const chosen = [...this.marks].filter(([pkg]) => kept.has(pkg)).map(([, { version, reason, requiredBy }]) =>
      ({ version, reason, ...(requiredBy === undefined ? {} : { requiredBy }) }));
    return { chosen, rejected: this.rejections, exact: true, notes: [] };
  }

  /** The package that a spec names, with its candidate settled. */
  private resolve(spec: string): number {
    const [, label = '', , version, suite] = /^([^=/]+)(?:(=)(.+)|\/(.+))?$/.exec(spec) === null ? [] : this.splitSpec(spec);
    const pkg = this.findOrProvider(label, spec);
    if (version !== undefined || suite !== undefined) this.pin(pkg, spec, version, suite);
    if (this.candidateOf(pkg) < 0) throw this.notFound(spec, 'no version that may be installed');
    return pkg;
  }

  private splitSpec(spec: string): readonly (string | undefined)[] {
    const equals = spec.indexOf('=');
    const slash = spec.indexOf('/');
    if (equals > 0) return [spec, spec.slice(0, equals), undefined, spec.slice(equals + 1), undefined];
    if (slash > 0) return [spec, spec.slice(0, slash), undefined, undefined, spec.slice(slash + 1)];
    return [spec, spec];
  }

  private findOrProvider(label: string, spec: string): number {
    const pkg = this.find(label);
    if (pkg !== undefined && this.universe.versionsOf(pkg).length > 0) return pkg;
    const name = this.universe.names.find(label.split(':')[0] ?? '');
    const providers = name < 0 ? [] : [...new Set(this.universe.providersOf(name).map(({ version }) => this.universe.ownerOf(version)))]
      .filter((owner) => this.universe.providersOf(name).some(({ version }) => version === this.candidateOf(owner)));
    const [only] = providers;
    if (providers.length === 1 && only !== undefined) return only;
    if (providers.length === 0) throw this.notFound(spec, 'no package of that name');
    throw this.notFound(spec, `a virtual package, provided by ${providers.map((owner) => this.universe.label(owner)).sort().join(', ')}`);
  }

  private pin(pkg: number, spec: string, version: string | undefined, suite: string | undefined): void {
    const pattern = version === undefined ? undefined : globToRegExp(version);
    const found = this.universe.versionsOf(pkg).find((item) => (pattern === undefined
      ? this.universe.input(item).suites?.includes(suite ?? '') === true
      : pattern.test(this.universe.versionText(item))));
    if (found === undefined) {
      const there = this.universe.versionsOf(pkg).map((item) => this.universe.versionText(item)).join(', ');
      throw this.notFound(spec, `only ${there}`);
    }
    this.pinned.set(pkg, found);
    this.candidates.delete(pkg);
  }

  private notFound(spec: string, actual: string): BundleError {
    return new BundleError('RESOLVE_NOT_FOUND', { subject: `package ${spec}`, expected: 'a package of the target\'s repositories', actual });
  }

  /** Marks a package and what it needs. False when that cannot be done; what was marked on the way stays. */
  private install(pkg: number, reason: Reason, requiredBy: number | undefined, depth: number): boolean {
    if (this.installed.has(pkg)) return true;
    const version = this.candidateOf(pkg);
    if (version < 0) return false;
    let mark = this.marks.get(pkg);
    if (mark?.expanded === true) return true;
    if (!this.canBeMet(version) || !this.clearConflicts(pkg, version)) {
      this.strike(pkg);
      return false;
    }
    if (mark === undefined) {
      mark = { version, reason, ...(requiredBy === undefined ? {} : { requiredBy }), expanded: true };
      this.marks.set(pkg, mark);
    }
    mark.expanded = true;
    if (this.request.mode === 'direct' && depth > 0) return true;
    for (const field of ['Pre-Depends', 'Depends'] as const) {
      for (const group of this.universe.relationsOf(version, field)) {
        if (!this.satisfy(pkg, version, field, group, depth)) {
          this.strike(pkg);
          return false;
        }
      }
    }
    if (this.request.recommends) for (const group of this.universe.relationsOf(version, 'Recommends')) this.satisfy(pkg, version, 'Recommends', group, depth);
    return true;
  }

  private strike(pkg: number): void {
    this.struck.add(pkg);
    if (!this.protectedPackages.has(pkg)) this.marks.delete(pkg);
  }

  /** Whether each hard group has at least one option among today's candidates. */
  private canBeMet(version: number): boolean {
    return (['Pre-Depends', 'Depends'] as const).every((field) =>
      this.universe.relationsOf(version, field).every((group) => this.isMet(version, group) || this.optionsOf(version, group).length > 0));
  }

  private archOf(version: number): number { return this.universe.archOf(this.universe.ownerOf(version)); }

  private stateOf(pkg: number): number { return this.marks.get(pkg)?.version ?? this.installed.get(pkg) ?? -1; }

  private isMet(version: number, group: DependencyGroup): boolean {
    return group.some((dependency) => this.meeting(version, dependency).length > 0);
  }

  /** Packages marked or installed that meet the relation. */
  private meeting(version: number, dependency: Dependency): number[] {
    return versionsMeeting(this.universe, dependency, this.archOf(version)).filter((item) => this.stateOf(this.universe.ownerOf(item)) === item);
  }

  /** Candidates that meet the group, best first: alternatives left to right, each in apt's order. */
  private optionsOf(version: number, group: DependencyGroup): { readonly option: number; readonly dependency: Dependency }[] {
    return group.flatMap((dependency) => versionsMeeting(this.universe, dependency, this.archOf(version))
      .filter((item) => this.candidateOf(this.universe.ownerOf(item)) === item)
      .sort((a, b) => this.compareOptions(dependency, a, b))
      .map((option) => ({ option, dependency })));
  }

  private compareOptions(dependency: Dependency, a: number, b: number): number {
    const universe = this.universe;
    const order = (first: boolean, second: boolean): number => Number(second) - Number(first);
    const [x, y] = [universe.ownerOf(a), universe.ownerOf(b)];
    return order(this.protectedPackages.has(x), this.protectedPackages.has(y))
      || order(universe.nameOf(x) === dependency.name, universe.nameOf(y) === dependency.name)
      || order(universe.isEssential(a), universe.isEssential(b))
      || order(universe.isImportant(a), universe.isImportant(b))
      || universe.archOf(x) - universe.archOf(y)
      || universe.priorityOf(a) - universe.priorityOf(b)
      || y - x;
  }

  private satisfy(pkg: number, version: number, field: RelationField, group: DependencyGroup, depth: number): boolean {
    if (this.isMet(version, group)) return true;
    const options = this.optionsOf(version, group);
    const hard = field !== 'Recommends';
    const [only] = options;
    if (hard && options.length === 1 && only !== undefined && this.protectedPackages.has(pkg)) this.protectedPackages.add(this.universe.ownerOf(only.option));
    for (const { option, dependency } of options) {
      if (this.candidateOf(this.universe.ownerOf(option)) !== option) continue;
      if (this.install(this.universe.ownerOf(option), reasonOf(field), version, depth + 1)) return true;
      this.reject(version, dependency, option);
    }
    return false;
  }

  private reject(version: number, dependency: Dependency, option: number): void {
    if (this.rejections.length >= maxRejections) return;
    this.rejections.push({
      for: this.universe.label(this.universe.ownerOf(version)),
      relation: textOf(this.universe, dependency),
      option: `${this.universe.label(this.universe.ownerOf(option))} ${this.universe.versionText(option)}`,
      because: 'its own dependencies cannot be met, or it conflicts with what was chosen before',
    });
  }

  /** Marked packages that the version conflicts with or breaks. */
  private conflictsOf(pkg: number, version: number): number[] {
    const found: number[] = [];
    for (const field of ['Conflicts', 'Breaks'] as const) {
      for (const dependency of this.universe.relationsOf(version, field).flat()) {
        for (const item of versionsMeeting(this.universe, dependency, this.archOf(version))) {
          const owner = this.universe.ownerOf(item);
          if (owner !== pkg) found.push(item);
        }
      }
    }
    return found;
  }

  private clearConflicts(pkg: number, version: number): boolean {
    for (const item of this.conflictsOf(pkg, version)) {
      const other = this.universe.ownerOf(item);
      if (this.stateOf(other) === item) {
        if (this.protectedPackages.has(other)) return false;
        this.marks.delete(other);
        this.installed.delete(other);
      }
      if (this.protectedPackages.has(pkg) && this.candidateOf(other) === item) this.struck.add(other);
    }
    return true;
  }

  private demandMarked(pkg: number): void {
    if (this.stateOf(pkg) >= 0 && !this.struck.has(pkg)) return;
    throw this.unsolvable(pkg);
  }

  /** Everything marked has what it needs and nothing that it conflicts with. */
  private demandWhole(): void {
    for (const [pkg, { version }] of this.marks) {
      const unmet = (['Pre-Depends', 'Depends'] as const).flatMap((field) => this.universe.relationsOf(version, field)).find((group) => !this.isMet(version, group));
      if (unmet !== undefined) throw this.unsolvable(pkg);
      const clash = this.conflictsOf(pkg, version).find((item) => this.stateOf(this.universe.ownerOf(item)) === item);
      if (clash !== undefined) throw this.unsolvable(pkg);
    }
  }

  private unsolvable(pkg: number): BundleError {
    const chain = this.chainFrom(pkg, new Set());
    return new BundleError('RESOLVE_UNSOLVABLE', { subject: `package ${this.universe.label(pkg)}`, expected: 'relations that can be met together', actual: chain });
  }

  private chainFrom(pkg: number, seen: Set<number>): string {
    seen.add(pkg);
    const label = this.universe.label(pkg);
    const version = this.pinned.get(pkg) ?? this.universe.versionsOf(pkg)[0];
    if (version === undefined) return `${label}, which no repository has`;
    for (const field of ['Pre-Depends', 'Depends'] as const) {
      for (const group of this.universe.relationsOf(version, field)) {
        if (this.isMet(version, group)) continue;
        const all = group.flatMap((dependency) => versionsMeeting(this.universe, dependency, this.archOf(version)));
        const text = group.map((dependency) => textOf(this.universe, dependency)).join(' | ');
        const next = all.map((item) => this.universe.ownerOf(item)).find((owner) => !seen.has(owner));
        if (next === undefined) return `${label} needs ${text}, which nothing offers`;
        return `${label} needs ${text}; ${this.chainFrom(next, seen)}`;
      }
    }
    const clash = this.conflictsOf(pkg, version).find((item) => this.stateOf(this.universe.ownerOf(item)) === item);
    return clash === undefined ? `${label} cannot be chosen` : `${label} conflicts with ${this.universe.label(this.universe.ownerOf(clash))}`;
  }

  /** What the requested packages lead to over every kind of dependency, through any alternative that is satisfied. */
  private reachable(wanted: readonly number[]): Set<number> {
    const seen = new Set<number>(wanted);
    const queue = [...wanted];
    for (let pkg = queue.pop(); pkg !== undefined; pkg = queue.pop()) {
      const version = this.stateOf(pkg);
      if (version < 0) continue;
      for (const field of ['Pre-Depends', 'Depends', 'Recommends', 'Suggests'] as const) {
        for (const dependency of this.universe.relationsOf(version, field).flat()) {
          for (const item of this.meeting(version, dependency)) {
            const owner = this.universe.ownerOf(item);
            if (seen.has(owner)) continue;
            seen.add(owner);
            queue.push(owner);
          }
        }
      }
    }
    return seen;
  }
}

/** See {@link Solve}: what apt's classic resolver would install. */
export function solveAptClassic(universe: Universe, request: SolveRequest): Decision {
  return new Run(universe, request).solve();
}

