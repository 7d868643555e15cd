// Recommends and Supplements: taken after everything that is needed, best versions only, in rounds.
import { isConditional } from './solv-rich.ts';
import type { Assignment } from './solv-assignment.ts';
import type { Policy } from './solv-policy.ts';
import type { SolvView } from './solv-view.ts';
import type { WeakState } from './solv-weak-state.ts';

/** What a round needs of the search that runs it. */
interface Search {
  readonly view: SolvView;
  readonly assignment: Assignment;
  readonly policy: Policy;
  readonly weak: WeakState;
  readonly supplementers: readonly number[];
  take(level: number, candidates: readonly number[], rule: number): number;
}

export interface WeakOutcome {
  readonly level: number;
  /** Something was tried: what is needed has to be looked at again. */
  readonly again: boolean;
}

/** Packages that would meet a recommendation of `solvable`, for each that is not met; only those that `accepts`. */
function openRecommends(search: Search, solvable: number, accepts: (id: number) => boolean): number[][] {
  const { view, assignment } = search;
  const { universe } = view;
  return [...universe.dependenciesOf(solvable, 'recommends')].flatMap((relation) => {
    const rich = universe.isRich(relation) ? universe.richOf(relation) : undefined;
    if (rich !== undefined && isConditional(rich)) return search.weak.openClauses(relation).map((clause) => clause.filter(accepts));
    const providers = view.providers(relation);
    if (providers.some((id) => (assignment.levels[id] as number) > 0)) return [];
    return [[...providers].filter((id) => assignment.levels[id] === 0 && accepts(id))];
  }).filter((candidates) => candidates.length > 0);
}

/** One round. */
export function resolveWeak(search: Search, start: number): WeakOutcome {
  const { view, assignment, policy } = search;
  const there: number[] = [];
  for (let index = 0; index < assignment.trail.length; index += 1) if (assignment.trail.at(index) > 0) there.push(assignment.trail.at(index));
  const recommended = new Set(there.sort((a, b) => a - b).flatMap((id) => openRecommends(search, id, () => true).flat()));
  const supplementing = search.supplementers.filter((id) => assignment.levels[id] === 0 && search.weak.isSupplementing(id, false)
    && !view.named(view.universe.nameOf(id)).some((other) => (assignment.levels[other] as number) > 0));
  const all = [...new Set([...recommended, ...supplementing])];
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

function takeRecommended(search: Search, { level: start, decided, best }: { readonly level: number; readonly decided: number; readonly best: ReadonlySet<number> }): number {
  const { assignment, policy } = search;
  let level = start;
  for (let index = 0; index < decided; index += 1) {
    const solvable = assignment.trail.at(index);
    if (solvable < 0) continue;
    const count = search.view.universe.dependenciesOf(solvable, 'recommends').length;
    // What was taken for one recommendation may meet the next: they are looked at one by one.
    for (let turn = 0; turn <= count; turn += 1) {
      const [candidates] = openRecommends(search, solvable, (id) => best.has(id));
      if (candidates === undefined) break;
      const before = level;
      level = search.take(level, candidates.length > 1 ? policy.choose(candidates, true) : candidates, 0);
      if (level <= before || assignment.trail.length < decided) return level;
    }
  }
  return level;
}
