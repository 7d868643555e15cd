// What the packages taken so far recommend, suggest, or are supplemented and enhanced by.
import { type Clauses, clausesOf, isConditional, isMetBy, mentioned } from './solv-rich.ts';
import type { Assignment } from './solv-assignment.ts';
import { always, type SolvView } from './solv-view.ts';

export class WeakState {
  private readonly view: SolvView;
  private readonly assignment: Assignment;
  private recommended = new Set<number>();
  private suggested = new Set<number>();
  /** Conditional relations of what is taken: what they ask for grows with what is there. */
  private conditional: { readonly kind: 'recommends' | 'suggests'; readonly relation: number }[] = [];
  /** How much of the trail has been read. */
  private read = 0;
  /** By package, which of those that are installed recommend or suggest it. */
  private readonly wantedHere = new Map<'recommends' | 'suggests', ReadonlyMap<number, readonly number[]>>();
  private readonly installed: readonly number[];

  /** `installed`: what is there before. For as long as nothing is decided about it, it counts as what stays. */
  constructor(view: SolvView, assignment: Assignment, installed: readonly number[] = []) {
    this.view = view;
    this.assignment = assignment;
    this.installed = installed;
  }

  private isThere(id: number): boolean {
    const level = this.assignment.levels[id] as number;
    return level > 0 || (level === 0 && this.view.universe.repositoryOf(id).installed === true);
  }

  private isWantedHere(solvable: number, kind: 'recommends' | 'suggests'): boolean {
    if (this.installed.length === 0) return false;
    let byTarget = this.wantedHere.get(kind);
    if (byTarget === undefined) {
      byTarget = this.targetsOf(kind);
      this.wantedHere.set(kind, byTarget);
    }
    const { universe } = this.view;
    const isWanted = (relation: number): boolean => { for (const id of this.wanted(relation)) if (id === solvable) return true; return false; };
    return (byTarget.get(solvable) ?? []).some((id) => this.assignment.levels[id] === 0 && universe.dependenciesOf(id, kind).some(isWanted));
  }

  private targetsOf(kind: 'recommends' | 'suggests'): Map<number, number[]> {
    const { universe } = this.view;
    const found = new Map<number, number[]>();
    for (const id of this.installed) {
      const targets = [...universe.dependenciesOf(id, kind)].flatMap((relation) => {
        const rich = universe.isRich(relation) ? universe.richOf(relation) : undefined;
        return rich === undefined ? [...this.view.providers(relation)] : [...mentioned(this.view, rich)];
      });
      for (const target of new Set(targets)) {
        const known = found.get(target);
        if (known === undefined) found.set(target, [id]);
        else known.push(id);
      }
    }
    return found;
  }

  /** To be called after decisions were undone. */
  reverted(): void {
    if (this.read <= this.assignment.trail.length) return;
    this.recommended = new Set();
    this.suggested = new Set();
    this.conditional = [];
    this.read = 0;
  }

  private update(): void {
    if (this.read === this.assignment.trail.length) return;
    const { universe } = this.view;
    const add = (kind: 'recommends' | 'suggests', relation: number): void => {
      const known = kind === 'recommends' ? this.recommended : this.suggested;
      for (const id of this.wanted(relation)) known.add(id);
    };
    for (; this.read < this.assignment.trail.length; this.read += 1) {
      const solvable = this.assignment.trail.at(this.read);
      if (solvable < 0) continue;
      for (const kind of ['recommends', 'suggests'] as const) {
        for (const relation of universe.dependenciesOf(solvable, kind)) {
          if (this.isConditional(relation)) this.conditional.push({ kind, relation });
          else add(kind, relation);
        }
      }
    }
    for (const { kind, relation } of this.conditional) add(kind, relation);
  }

  private isConditional(relation: number): boolean {
    const rich = this.view.universe.isRich(relation) ? this.view.universe.richOf(relation) : undefined;
    return rich !== undefined && isConditional(rich);
  }

  /** Packages that would meet the relation, met already or not. */
  private wanted(relation: number): Iterable<number> {
    if (!this.isConditional(relation)) return this.view.providers(relation);
    return this.clausesInForce(relation).flat().filter((literal) => literal > 0);
  }

  /** Clauses of a conditional relation that the absence of a package does not settle. */
  private clausesInForce(relation: number): Clauses {
    const rich = this.view.universe.richOf(relation);
    const clauses = rich === undefined ? [] : clausesOf(this.view, rich);
    if (clauses.some((clause) => clause.length === 0)) return [];
    return clauses.filter((clause) => clause.every((literal) => literal > 0 || this.isThere(-literal)));
  }

  /** For a conditional relation, of each clause that is not met yet the packages that would meet it. */
  openClauses(relation: number): number[][] {
    const { levels } = this.assignment;
    return this.clausesInForce(relation).filter((clause) => !clause.some((literal) => literal > 0 && (levels[literal] as number) > 0))
      .map((clause) => clause.filter((literal) => literal > 0 && levels[literal] === 0));
  }

  isRecommended(solvable: number): boolean {
    this.update();
    return this.recommended.has(solvable) || this.isWantedHere(solvable, 'recommends');
  }

  isSuggested(solvable: number): boolean {
    this.update();
    return this.suggested.has(solvable) || this.isWantedHere(solvable, 'suggests') || this.holds(solvable, 'enhances');
  }

  /** With `vacuous`, `a if b` counts when neither is there: so for preferring a package that is needed anyway, not for adding one. */
  isSupplementing(solvable: number, vacuous = true): boolean { return this.holds(solvable, 'supplements', vacuous); }

  /** Whether what was installed before was supplemented by it already, and nothing new is. */
  isSupplementingInstalled(solvable: number): boolean {
    const { universe } = this.view;
    if (!universe.repositories.some(({ installed }) => installed === true)) return false;
    const isOld = (id: number): boolean => universe.repositoryOf(id).installed === true;
    return this.holds(solvable, 'supplements', false, isOld) && !this.holds(solvable, 'supplements', false, (id) => (this.assignment.levels[id] as number) > 0 && !isOld(id));
  }

  private holds(solvable: number, kind: 'supplements' | 'enhances', vacuous = true, holds = (id: number): boolean => this.isThere(id)): boolean {
    const { universe } = this.view;
    return universe.dependenciesOf(solvable, kind).some((relation) => {
      const rich = universe.isRich(relation) ? universe.richOf(relation) : undefined;
      if (rich !== undefined) return isMetBy(this.view, rich, { holds, vacuous });
      const providers = this.view.providers(relation);
      return providers === always || providers.some(holds);
    });
  }
}
