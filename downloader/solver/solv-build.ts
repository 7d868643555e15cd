// The rules of everything that a job can lead to.
import { compareEvr } from '../../formats/rpm/evr.ts';
import { byBytes, withoutObsoleted } from './solv-policy.ts';
import { clausesOf, mayBeMet } from './solv-rich.ts';
import { type RuleOrigin, Rules } from './solv-rules.ts';
import { always, type SolvView } from './solv-view.ts';
import type { DependencyKind } from './solv-tables.ts';

export interface BuildOptions {
  /** Packages of which several versions may be there. */
  readonly isMultiversion: (solvable: number) => boolean;
  /** Names stay alone whatever the architecture, as in a libsolv built without support for twins. */
  readonly twins: boolean;
  /** Asked for by itself, without the other architectures of its name. */
  readonly isMeant: (solvable: number) => boolean;
  /** A request has it and no other: what it obsoletes goes, even where it could not come instead of that by itself. */
  readonly isDemanded: (solvable: number) => boolean;
  /** Already there, whatever it needs. */
  readonly isInstalled: (solvable: number) => boolean;
  /** What is installed may give way to an older version. */
  readonly downgrades: boolean;
}

export class RuleBuilder {
  readonly rules = new Rules();
  readonly reached: Uint8Array;
  private readonly view: SolvView;
  private readonly options: BuildOptions;
  private readonly queue: number[] = [];
  /** By package that is there: what may come instead of it, itself included. */
  readonly updates = new Map<number, readonly number[]>();
  private readonly lists = new Map<number, number>();
  /** For each installed package that several obsolete, these by name. */
  private readonly heirs: (readonly (readonly number[])[])[] = [];

  constructor(view: SolvView, options: BuildOptions) {
    this.view = view;
    this.options = options;
    this.reached = new Uint8Array(view.universe.count);
  }

  private list(relation: number, providers: Int32Array): number {
    let at = this.lists.get(relation);
    if (at === undefined) {
      at = this.rules.keepList(providers);
      this.lists.set(relation, at);
    }
    return at;
  }

  /** Adds the rules of these packages and of all they lead to. */
  reach(solvables: Iterable<number>): void {
    for (const solvable of solvables) this.visit(solvable);
    for (let solvable = this.queue.pop(); solvable !== undefined; solvable = this.queue.pop()) this.addRulesOf(solvable);
  }

  private visit(solvable: number): void {
    if (this.reached[solvable] === 1) return;
    this.reached[solvable] = 1;
    this.queue.push(solvable);
  }

  private addRulesOf(solvable: number): void {
    const { universe } = this.view;
    if (!this.view.isUsable(solvable)) this.rules.add(-solvable, 0, { kind: 'hidden', solvable });
    for (const relation of universe.dependenciesOf(solvable, 'requires')) this.addRequires(solvable, relation);
    for (const relation of universe.dependenciesOf(solvable, 'conflicts')) this.addConflicts(solvable, relation);
    this.addObsoletes(solvable);
    this.addSameName(solvable);
    if (!this.options.isMeant(solvable)) for (const twin of this.betterTwins(solvable)) this.visit(twin);
    for (const kind of ['recommends', 'suggests'] as const) {
      for (const relation of universe.dependenciesOf(solvable, kind)) if (this.view.isUsable(solvable) || !this.view.isUnknownPath(relation)) this.reachWeak(relation);
    }
  }

  private reachWeak(relation: number): void {
    const rich = this.view.universe.richOf(relation);
    if (rich === undefined || !this.view.universe.isRich(relation)) for (const id of this.view.providers(relation)) this.visit(id);
    else for (const clause of clausesOf(this.view, rich)) for (const literal of clause) if (literal > 0) this.visit(literal);
  }

  private addRequires(solvable: number, relation: number): void {
    const { universe } = this.view;
    // Filelists are not worth reading for what cannot be taken.
    if (!this.view.isUsable(solvable) && this.view.isUnknownPath(relation)) return;
    const origin: RuleOrigin = { kind: 'requires', solvable, relation };
    if (universe.isRich(relation)) {
      const rich = universe.richOf(relation);
      const clauses = rich === undefined ? [[]] : clausesOf(this.view, rich);
      const isBroken = (clause: readonly number[]): boolean => !clause.some((literal) => (literal > 0 ? this.options.isInstalled(literal) : !this.options.isInstalled(-literal)));
      for (const clause of clauses) if (!this.options.isInstalled(solvable) || !isBroken(clause)) this.addClause(solvable, clause, origin);
      return;
    }
    const providers = this.view.providers(relation);
    if (providers === always || (providers.length > 0 && providers.includes(solvable))) return;
    // What is broken on the machine already is not ours to mend.
    if (this.options.isInstalled(solvable) && !providers.some((id) => this.options.isInstalled(id))) return;
    if (providers.length === 0) {
      this.rules.add(-solvable, 0, { ...origin, kind: 'nothing-provides' });
      return;
    }
    for (const id of providers) this.visit(id);
    this.rules.addList(-solvable, this.list(relation, providers), origin);
  }

  private addClause(solvable: number, clause: readonly number[], origin: RuleOrigin): void {
    if (clause.includes(solvable)) return;
    const literals = [...new Set([-solvable, ...clause])].sort((a, b) => a - b);
    for (const literal of literals) if (literal > 0) this.visit(literal);
    const [first = 0, second = 0] = literals;
    if (literals.length <= 2) this.rules.add(first, second, origin);
    else this.rules.addList(first, this.rules.keepList(literals.slice(1)), origin);
  }

  private addConflicts(solvable: number, relation: number): void {
    const { universe } = this.view;
    const origin: RuleOrigin = { kind: 'conflicts', solvable, relation };
    const rich = universe.isRich(relation) ? universe.richOf(relation) : undefined;
    if (rich !== undefined) {
      for (const clause of clausesOf(this.view, rich, true)) if (clause.length !== 1 || clause[0] !== -solvable) this.addClause(solvable, clause, origin);
      return;
    }
    for (const other of this.view.providers(relation)) if (other !== solvable) this.rules.add(-solvable, -other, origin);
  }

  private addObsoletes(solvable: number): void {
    for (const relation of this.view.universe.dependenciesOf(solvable, 'obsoletes')) {
      for (const other of this.view.namedMeeting(relation)) if (other !== solvable) this.rules.add(-solvable, -other, { kind: 'obsoletes', solvable, relation });
    }
  }

  private addSameName(solvable: number): void {
    const { universe, arch } = this.view;
    const name = universe.nameOf(solvable);
    for (const other of this.view.named(name)) {
      if (other === solvable || (this.options.isInstalled(solvable) && !this.options.isInstalled(other))) continue;
      const isSame = universe.evrOf(other) === universe.evrOf(solvable) && universe.archOf(other) === universe.archOf(solvable);
      if (this.options.isMultiversion(solvable) && !isSame) continue;
      if (this.options.twins && !arch.collide(universe.archOf(solvable), universe.archOf(other))) continue;
      this.rules.add(-solvable, -other, { kind: 'same-name', solvable });
    }
  }

  /** A 32-bit package that nobody meant stands only beside the 64-bit one of its version, where there is one. */
  private betterTwins(solvable: number): number[] {
    const { universe, arch } = this.view;
    if (!this.options.twins || this.options.isInstalled(solvable)) return [];
    const own = universe.archOf(solvable);
    const score = arch.scoreOf(own);
    return this.view.named(universe.nameOf(solvable)).filter((other) => universe.evrOf(other) === universe.evrOf(solvable)
      && arch.scoreOf(universe.archOf(other)) < score && !arch.collide(own, universe.archOf(other)));
  }

  /** What is installed stays, or gives way to another version (dnf goes back where it is asked to) or to what obsoletes it, of its architecture or none. */
  keepInstalled(installed: readonly number[]): void {
    const { universe } = this.view;
    const hasArchOf = (a: number, b: number): boolean => [universe.archOf(a), 'noarch'].includes(universe.archOf(b)) || universe.archOf(a) === 'noarch';
    for (const id of installed) {
      const isOlder = (other: number): boolean => compareEvr(universe.evr(universe.evrOf(other)), universe.evr(universe.evrOf(id))) < 0;
      const versions = this.view.offered(this.view.named(universe.nameOf(id))).filter((other) => other !== id && hasArchOf(other, id) && (this.options.downgrades || !isOlder(other)));
      const every = this.view.obsoleting([id]);
      const obsoleting = every.filter((other) => hasArchOf(other, id));
      const others = [...new Set([...versions, ...obsoleting])].filter((other) => !this.options.isInstalled(other)).sort((a, b) => a - b);
      this.reach(others);
      this.updates.set(id, [id, ...others]);
      if (!every.some(this.options.isDemanded)) this.rules.addList(id, this.rules.keepList(others), { kind: 'installed', solvable: id });
      const heirs = Map.groupBy(withoutObsoleted(this.view, obsoleting), (other) => universe.nameText(other));
      if (heirs.size > 1) this.heirs.push([...heirs].sort(([a], [b]) => byBytes(a, b)).map(([, own]) => own));
    }
  }

  /** What was split is not halved: when one of several packages that obsolete something installed comes, so do the others. To be called after {@link RuleBuilder.keepInstalled}. */
  addHeirs(): void {
    for (const groups of this.heirs) {
      for (const own of groups) {
        for (const solvable of own) {
          if (this.options.isInstalled(solvable)) continue;
          for (const others of groups) if (others !== own) this.rules.addList(-solvable, this.rules.keepList(others), { kind: 'heir', solvable });
        }
      }
    }
  }

  /** Adds what supplements or enhances something that is reached, until nothing more does. */
  reachSupplements(): void {
    const { universe } = this.view;
    const waiting = this.view.weakParts.filter((id) => this.reached[id] === 0);
    const isReached = (providers: Int32Array): boolean => providers === always || providers.some((provider) => this.reached[provider] === 1);
    const mayHold = (id: number, kind: DependencyKind): boolean => universe.dependenciesOf(id, kind).some((relation) => {
      const rich = universe.isRich(relation) ? universe.richOf(relation) : undefined;
      return rich === undefined ? isReached(this.view.providers(relation)) : mayBeMet(rich, (plain) => isReached(this.view.richProviders(plain)));
    });
    for (let isChanged = true; isChanged;) {
      isChanged = false;
      for (const id of waiting) {
        if (this.reached[id] === 1 || !(mayHold(id, 'supplements') || mayHold(id, 'enhances'))) continue;
        this.reach([id]);
        isChanged = true;
      }
    }
  }

  /**
   * Of one name, only architectures of the best rank among what is reached may be there, and of others what has a twin of its version in the best or in none. What the machine
   * has in another architecture may come in it again; twins of the machine stay twins.
   */
  addInferiorArchitectures(): void {
    const { universe, arch } = this.view;
    const scoreOf = (id: number): number => arch.scoreOf(universe.archOf(id));
    for (const name of this.view.mixedNames) {
      const all = this.view.named(name);
      const installed = all.filter((id) => this.options.isInstalled(id));
      const reached = all.filter((id) => this.reached[id] === 1 && !(this.options.twins && this.options.isInstalled(id)));
      const best = Math.min(...reached.map(scoreOf).filter((score) => score > 1));
      if (best === Infinity) continue;
      const isFine = (id: number): boolean => scoreOf(id) <= 1 || scoreOf(id) === best;
      const twinsAmong = (id: number, others: readonly number[]): number[] => (this.options.twins ? others.filter((other) => isFine(other) && universe.evrOf(other) === universe.evrOf(id)) : []);
      const allowed = new Set<string>();
      for (const id of installed) {
        const twins = isFine(id) ? [] : twinsAmong(id, installed);
        if (twins.length === 0) allowed.add(universe.archOf(id));
        else this.rules.addList(-id, this.rules.keepList(twins), { kind: 'twin', solvable: id });
      }
      for (const id of reached) {
        if (isFine(id) || allowed.has(universe.archOf(id)) || this.options.isInstalled(id) || this.options.isMeant(id)) continue;
        const twins = twinsAmong(id, [...reached, ...installed]).sort((a, b) => a - b);
        if (twins.length === 0) this.rules.add(-id, 0, { kind: 'inferior-arch', solvable: id });
        else this.rules.addList(-id, this.rules.keepList(twins), { kind: 'twin', solvable: id });
      }
    }
  }
}
