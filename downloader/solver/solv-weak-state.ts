// What the packages taken so far recommend, suggest, or are supplemented and enhanced by.
import { type Clauses, clausesOf, isConditional, isMetBy } from './solv-rich.ts';
import type { Assignment } from './solv-assignment.ts';
import { always, type SolvView } from './solv-view.ts';

export class WeakState {
  private readonly view: SolvView;
  private readonly assignment: Assignment;
  private recommended = new Set<number>();
  private suggested = new Set<number>();
  /** How much of the trail has been read. */
  private read = 0;

  constructor(view: SolvView, assignment: Assignment) {
    this.view = view;
    this.assignment = assignment;
  }

  /** To be called after decisions were undone. */
  reverted(): void {
    if (this.read <= this.assignment.trail.length) return;
    this.recommended = new Set();
    this.suggested = new Set();
    this.read = 0;
  }

  private update(): void {
    const { universe } = this.view;
    for (; this.read < this.assignment.trail.length; this.read += 1) {
      const solvable = this.assignment.trail.at(this.read);
      if (solvable < 0) continue;
      for (const relation of universe.dependenciesOf(solvable, 'recommends')) for (const id of this.wanted(relation)) this.recommended.add(id);
      for (const relation of universe.dependenciesOf(solvable, 'suggests')) for (const id of this.wanted(relation)) this.suggested.add(id);
    }
  }

  /** Packages that would meet the relation, met already or not. */
  private wanted(relation: number): Iterable<number> {
    const { universe } = this.view;
    const rich = universe.isRich(relation) ? universe.richOf(relation) : undefined;
    if (rich === undefined || !isConditional(rich)) return this.view.providers(relation);
    return this.clausesInForce(relation).flat().filter((literal) => literal > 0);
  }

  /** Clauses of a conditional relation that the absence of a package does not settle. */
  private clausesInForce(relation: number): Clauses {
    const rich = this.view.universe.richOf(relation);
    const clauses = rich === undefined ? [] : clausesOf(this.view, rich);
    if (clauses.some((clause) => clause.length === 0)) return [];
    return clauses.filter((clause) => clause.every((literal) => literal > 0 || (this.assignment.levels[-literal] as number) > 0));
  }

  /** For a conditional relation, of each clause that is not met yet the packages that would meet it. */
  openClauses(relation: number): number[][] {
    const { levels } = this.assignment;
    return this.clausesInForce(relation).filter((clause) => !clause.some((literal) => literal > 0 && (levels[literal] as number) > 0))
      .map((clause) => clause.filter((literal) => literal > 0 && levels[literal] === 0));
  }

  isRecommended(solvable: number): boolean {
    this.update();
    return this.recommended.has(solvable);
  }

  isSuggested(solvable: number): boolean {
    this.update();
    return this.suggested.has(solvable) || this.holds(solvable, 'enhances');
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

  private holds(solvable: number, kind: 'supplements' | 'enhances', vacuous = true, holds = (id: number): boolean => (this.assignment.levels[id] as number) > 0): boolean {
    const { universe } = this.view;
    return universe.dependenciesOf(solvable, kind).some((relation) => {
      const rich = universe.isRich(relation) ? universe.richOf(relation) : undefined;
      if (rich !== undefined) return isMetBy(this.view, rich, { holds, vacuous });
      const providers = this.view.providers(relation);
      return providers === always || providers.some(holds);
    });
  }
}
