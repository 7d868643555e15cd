// Who provides what among the packages that may be chosen: the RPM reference manual, "Dependencies Basics", and how libsolv reads it.
import { compareEvr } from '../../formats/rpm/evr.ts';
import type { RichRelation } from '../../formats/rpm/relation.ts';
import type { ArchPolicy } from './solv-arch.ts';
import { type RpmUniverse, versionBits } from './solv-universe.ts';

/** Stands for "the system has it": `rpmlib(...)`, which the package manager itself provides. */
export const always = new Int32Array(0);
const nobody = new Int32Array(0);

/** Whether two version ranges have a version in common. A version without release stands for all its releases. */
export function rangesMeet(universe: RpmUniverse, provided: { readonly bits: number; readonly evr: number }, wanted: { readonly bits: number; readonly evr: number }): boolean {
  if ((provided.bits & wanted.bits & (versionBits.less | versionBits.greater)) !== 0) return true;
  if (provided.evr === wanted.evr) return (provided.bits & wanted.bits & versionBits.equal) !== 0;
  const a = universe.evr(provided.evr);
  const b = universe.evr(wanted.evr);
  const order = compareEvr(a, b);
  if (order < 0) return (wanted.bits & versionBits.less) !== 0 || (provided.bits & versionBits.greater) !== 0;
  if (order > 0) return (wanted.bits & versionBits.greater) !== 0 || (provided.bits & versionBits.less) !== 0;
  if (a.release === '' && b.release !== '') return (provided.bits & versionBits.equal) !== 0;
  if (b.release === '' && a.release !== '') return (wanted.bits & versionBits.equal) !== 0;
  return (provided.bits & wanted.bits & versionBits.equal) !== 0;
}

/**
 * Which packages may be chosen at all, and what meets which relation. Packages are listed by ascending number. What excludes and modules hide is listed too, as dnf has its solver do:
 * it can never be taken, but has a say in what other versions, architectures and alternatives there are; {@link SolvView.offered} leaves it out.
 */
export class SolvView {
  readonly universe: RpmUniverse;
  readonly arch: ArchPolicy;
  private readonly usable: Uint8Array;
  /** Of an architecture of the machine, hidden or not. */
  private readonly present: Uint8Array;
  private readonly offerStarts: Int32Array;
  /** Pairs (package, relation), by name; relation -1 for a file. */
  private readonly offers: Int32Array;
  private readonly cache = new Map<number, Int32Array>();
  private readonly byName = new Map<number, readonly number[]>();
  private obsoletes: ReadonlyMap<number, readonly number[]> | undefined;
  /** Packages that supplement or enhance something. */
  readonly weakParts: readonly number[];
  /** Names that are there in several architectures beside noarch. */
  readonly mixedNames: readonly number[];
  /** Required paths whose owners only filelists can name, asked for since this view was made. */
  readonly unknownPaths = new Set<string>();
  private readonly filelists: boolean;

  /**
   * `considered`: 0 for packages that are excluded; all are considered without it. One that is installed and excluded is not there at all. `filelists`: whether
   * there are any to ask.
   */
  constructor(universe: RpmUniverse, arch: ArchPolicy, { considered, filelists = true }: { readonly considered?: Uint8Array; readonly filelists?: boolean } = {}) {
    this.universe = universe;
    this.arch = arch;
    this.filelists = filelists;
    this.usable = new Uint8Array(universe.count);
    this.present = new Uint8Array(universe.count);
    const scores = new Map<string, number>();
    for (let id = 1; id < universe.count; id += 1) {
      const name = universe.archOf(id);
      const score = scores.get(name) ?? arch.scoreOf(name);
      scores.set(name, score);
      const isInstalled = universe.repositoryOf(id).installed === true;
      const isConsidered = considered === undefined || considered[id] !== 0;
      this.present[id] = Number(isInstalled ? isConsidered : score > 0);
      this.usable[id] = Number(this.present[id] === 1 && isConsidered);
    }
    [this.offerStarts, this.offers] = this.index();
    const weakParts: number[] = [];
    const mixed = new Set<number>();
    const firstScores = new Int8Array(universe.allNames().length);
    for (let id = 1; id < universe.count; id += 1) {
      if (this.present[id] === 0) continue;
      if (this.usable[id] === 1 && universe.dependenciesOf(id, 'supplements').length + universe.dependenciesOf(id, 'enhances').length > 0) weakParts.push(id);
      const name = universe.nameOf(id);
      const score = scores.get(universe.archOf(id)) ?? 0;
      if (score > 1 && firstScores[name] !== 0 && firstScores[name] !== score) mixed.add(name);
      else if (score > 1) firstScores[name] = score;
    }
    this.weakParts = weakParts;
    this.mixedNames = [...mixed];
  }

  private index(): [Int32Array, Int32Array] {
    const { universe } = this;
    const starts = new Int32Array(universe.allNames().length + 1);
    this.eachOffer((name) => { starts[name + 1] = (starts[name + 1] ?? 0) + 1; });
    for (let name = 1; name < starts.length; name += 1) starts[name] = (starts[name] ?? 0) + (starts[name - 1] ?? 0);
    const filled = starts.slice();
    const offers = new Int32Array((starts.at(-1) ?? 0) * 2);
    this.eachOffer((name, solvable, relation) => {
      const at = filled[name] ?? 0;
      offers[at * 2] = solvable;
      offers[at * 2 + 1] = relation;
      filled[name] = at + 1;
    });
    return [starts, offers];
  }

  private eachOffer(visit: (name: number, solvable: number, relation: number) => void): void {
    const { universe } = this;
    for (let id = 1; id < universe.count; id += 1) {
      if (this.present[id] === 0) continue;
      for (const relation of universe.dependenciesOf(id, 'provides')) visit(universe.relationName(relation), id, relation);
    }
    universe.eachFile((path, solvable) => { if (this.present[solvable] === 1) visit(path, solvable, -1); });
  }

  isUsable(solvable: number): boolean { return this.usable[solvable] === 1; }

  /** Without what excludes and modules hide. */
  offered(solvables: Iterable<number>): number[] { return [...solvables].filter((id) => this.isUsable(id)); }

  /** Whether the relation is a path of which only filelists, not read yet, name every owner. */
  isUnknownPath(relation: number): boolean {
    const name = this.universe.relationName(relation);
    return this.filelists && !this.universe.knowsPath(name) && this.universe.text(name).startsWith('/');
  }

  /** Packages that meet the relation; {@link always} when the package manager does. */
  providers(relation: number): Int32Array {
    let found = this.cache.get(relation);
    if (found === undefined) {
      const rich = this.universe.isRich(relation) ? this.universe.richOf(relation) : undefined;
      found = rich === undefined ? this.plainProviders(relation) : this.richProviders(rich);
      this.cache.set(relation, found);
    }
    return found;
  }

  private plainProviders(relation: number): Int32Array {
    const { universe } = this;
    const name = universe.relationName(relation);
    const text = universe.text(name);
    if (text.startsWith('rpmlib(')) return always;
    if (this.isUnknownPath(relation)) this.unknownPaths.add(text);
    const wanted = { bits: universe.relationBits(relation), evr: universe.relationEvr(relation) };
    const found: number[] = [];
    let isSorted = true;
    const end = name + 1 < this.offerStarts.length ? this.offerStarts[name + 1] ?? 0 : 0;
    for (let at = this.offerStarts[name] ?? 0; at < end; at += 1) {
      const solvable = this.offers[at * 2] ?? 0;
      const offer = this.offers[at * 2 + 1] ?? -1;
      const before = found.length === 0 ? 0 : found[found.length - 1] as number;
      if (before === solvable) continue;
      const bits = offer < 0 ? 0 : universe.relationBits(offer);
      if (wanted.bits === 0 || bits === 0 || rangesMeet(universe, { bits, evr: universe.relationEvr(offer) }, wanted)) {
        isSorted &&= solvable > before;
        found.push(solvable);
      }
    }
    if (found.length === 0) return nobody;
    return isSorted ? Int32Array.from(found) : Int32Array.from(new Set(found)).sort();
  }

  /** As one set: packages that take part in meeting it, as a spec that is a rich relation means them. Conditions are left aside; see solv-rich.ts for what they mean. */
  richProviders(rich: RichRelation): Int32Array {
    if (rich.kind === 'plain') return this.providers(this.universe.relationId(rich.relation));
    const either = (one: Int32Array, another: Int32Array): Int32Array => (one === always || another === always ? always : Int32Array.from(new Set([...one, ...another])).sort());
    if ('then' in rich) return rich.otherwise === undefined ? this.richProviders(rich.then) : either(this.richProviders(rich.then), this.richProviders(rich.otherwise));
    const left = this.richProviders(rich.left);
    const right = this.richProviders(rich.right);
    if (rich.kind === 'or' || rich.kind === 'and') return either(left, right);
    const other = new Set(right);
    if (rich.kind === 'without') return left.filter((id) => !other.has(id));
    return left === always ? right : right === always ? left : left.filter((id) => other.has(id));
  }

  /** Packages of that very name, in any version and architecture. */
  named(name: number): readonly number[] {
    let found = this.byName.get(name);
    if (found === undefined) {
      const own: number[] = [];
      for (const id of this.providers(this.universe.nameRelation(name))) if (this.universe.nameOf(id) === name) own.push(id);
      found = own;
      this.byName.set(name, found);
    }
    return found;
  }

  /** Packages whose own name and version the relation names, whatever they provide: what Obsoletes means. */
  namedMeeting(relation: number): number[] {
    const { universe } = this;
    const wanted = { bits: universe.relationBits(relation), evr: universe.relationEvr(relation) };
    return this.named(universe.relationName(relation)).filter((id) =>
      wanted.bits === 0 || rangesMeet(universe, { bits: versionBits.equal, evr: universe.evrOf(id) }, wanted));
  }

  private obsoletesByName(): ReadonlyMap<number, readonly number[]> {
    const { universe } = this;
    const found = new Map<number, number[]>();
    for (let id = 1; id < universe.count; id += 1) {
      if (!this.isUsable(id)) continue;
      for (const relation of universe.dependenciesOf(id, 'obsoletes')) {
        const name = universe.relationName(relation);
        const known = found.get(name);
        if (known === undefined) found.set(name, [id]);
        else if (known.at(-1) !== id) known.push(id);
      }
    }
    return found;
  }

  /** Packages that obsolete one of `solvables`, by ascending number. */
  obsoleting(solvables: readonly number[]): number[] {
    const { universe } = this;
    this.obsoletes ??= this.obsoletesByName();
    const wanted = new Set(solvables);
    const names = new Set(solvables.map((id) => universe.nameOf(id)));
    const isMeant = (relation: number): boolean => names.has(universe.relationName(relation)) && this.namedMeeting(relation).some((other) => wanted.has(other));
    const found = new Set([...names].flatMap((name) => this.obsoletes?.get(name) ?? []));
    return [...found].filter((id) => universe.dependenciesOf(id, 'obsoletes').some(isMeant)).sort((a, b) => a - b);
  }
}
