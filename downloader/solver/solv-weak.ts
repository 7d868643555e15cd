// Recommends and Supplements: taken after everything that is needed, best versions only, in rounds.
import { isConditional } from './solv-rich.ts';
import type { Assignment } from './solv-assignment.ts';
import type { Policy } from './solv-policy.ts';
import type { SolvView } from './solv-view.ts';
import type { WeakState } from './solv-weak-state.ts';

/** The search that a round belongs to. */
export interface WeakSearch {
  readonly view: SolvView;
  readonly assignment: Assignment;
  readonly policy: Policy;
  readonly weak: WeakState;
  readonly notWeak: ReadonlySet<number>;
  /** Packages with rules that supplement something. */
  readonly supplementers: readonly number[];
  take(level: number, candidates: readonly number[], rule: number): number;
}

export interface Outcome {
  readonly level: number;
  /** Something was tried: what is needed has to be looked at again. */
  readonly again: boolean;
}

/** Packages that would meet the recommendation, for each part of it that is not met; only those that `accepts`. */
function openParts(search: WeakSearch, relation: number, accepts: (id: number) => boolean): readonly number[][] {
  const { view, assignment } = search;
  const { levels } = assignment;
  const rich = view.universe.isRich(relation) ? view.universe.richOf(relation) : undefined;
  if (rich !== undefined && isConditional(rich)) return search.weak.openClauses(relation).map((clause) => clause.filter(accepts)).filter((clause) => clause.length > 0);
  const found: number[] = [];
  for (const id of view.providers(relation)) {
    const level = levels[id] as number;
    if (level > 0) return [];
    if (level === 0 && accepts(id)) found.push(id);
  }
  return found.length === 0 ? [] : [found];
}

/** One round. */
export function resolveWeak(search: WeakSearch, start: number): Outcome {
  const { view, assignment, policy } = search;
  const there: number[] = [];
  for (let index = 0; index < assignment.trail.length; index += 1) {
    const id = assignment.trail.at(index);
    if (id > 0 && view.universe.repositoryOf(id).installed !== true) there.push(id);
  }
  const recommended = new Set<number>();
  for (const id of there.sort((a, b) => a - b)) {
    for (const relation of view.universe.dependenciesOf(id, 'recommends')) for (const part of openParts(search, relation, () => true)) for (const other of part) recommended.add(other);
  }
  const supplementing = search.supplementers.filter((id) => assignment.levels[id] === 0 && search.weak.isSupplementing(id, false) && !search.weak.isSupplementingInstalled(id)
    && !view.named(view.universe.nameOf(id)).some((other) => (assignment.levels[other] as number) > 0));
  const all = [...new Set([...recommended, ...supplementing])].filter((id) => !search.notWeak.has(id));
  const [only] = all;
  if (only === undefined) return { level: start, again: false };
  if (all.length === 1) return { level: assignment.take(start, only, 0), again: true };
  const best = new Set(policy.best(all));
  const kept = supplementing.filter((id) => best.has(id));
  const decided = assignment.trail.length;
  let level = start;
  for (const id of kept.length > 1 ? policy.order(kept) : kept) {
    if (assignment.levels[id] !== 0) continue;
    const before = level;
    level = assignment.take(level, id, 0);
    if (level <= before) return { level, again: true };
  }
  if (assignment.trail.length < decided) return { level, again: true };
  return { level: takeRecommended(search, { level, decided, best }), again: true };
}

function takeRecommended(search: WeakSearch, { level: start, decided, best }: { readonly level: number; readonly decided: number; readonly best: ReadonlySet<number> }): number {
  const { assignment, policy } = search;
  let level = start;
  for (let index = 0; index < decided; index += 1) {
    const solvable = assignment.trail.at(index);
    if (solvable < 0 || search.view.universe.repositoryOf(solvable).installed === true) continue;
    for (const relation of search.view.universe.dependenciesOf(solvable, 'recommends')) {
      const candidates = [...new Set(openParts(search, relation, (id) => best.has(id)).flat())].sort((a, b) => a - b);
      if (candidates.length === 0) continue;
      const before = level;
      level = search.take(level, candidates.length > 1 ? policy.choose(candidates, true) : candidates, 0);
      if (level <= before || assignment.trail.length < decided) return level;
    }
  }
  return level;
}
