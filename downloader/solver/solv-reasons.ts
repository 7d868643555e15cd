// Why each package of a closure is there, and what was passed over for it.
import { compareEvr } from '../../formats/rpm/evr.ts';
import { relationText } from '../../formats/rpm/relation.ts';
import type { Wanted } from './solv-requests.ts';
import type { Rejection } from './solve.ts';
import { always, type SolvView } from './solv-view.ts';

/** A package that is taken. */
export interface ChosenRpm {
  readonly solvable: number;
  readonly reason: 'requested' | 'requires' | 'recommends' | 'supplements';
  /** The package whose relation it was. */
  readonly requiredBy?: number;
}

function providersOf(view: SolvView, relation: number): readonly number[] {
  const rich = view.universe.isRich(relation) ? view.universe.richOf(relation) : undefined;
  const providers = rich === undefined ? view.providers(relation) : view.richProviders(rich);
  return providers === always ? [] : [...providers];
}

/** The nearest reason of each: over Requires first, then Recommends, then Supplements. Packages that were installed before are left out. */
export function reasonsOf(view: SolvView, wanted: readonly Wanted[], taken: readonly number[]): ChosenRpm[] {
  const { universe } = view;
  const present = new Set(taken);
  const reasons = new Map<number, ChosenRpm>();
  const asked = new Set(wanted.flatMap(({ requests }) => requests.flat()));
  const queue: number[] = [];
  const put = (item: ChosenRpm): void => {
    if (!present.has(item.solvable) || reasons.has(item.solvable)) return;
    reasons.set(item.solvable, item);
    queue.push(item.solvable);
  };
  for (const id of taken) if (asked.has(id)) put({ solvable: id, reason: 'requested' });
  const spread = (kind: 'requires' | 'recommends', from: Iterable<number>): void => {
    for (const id of from) for (const relation of universe.dependenciesOf(id, kind)) for (const other of providersOf(view, relation)) put({ solvable: other, reason: kind, requiredBy: id });
  };
  const settle = (): void => { for (let id = queue.shift(); id !== undefined; id = queue.shift()) spread('requires', [id]); };
  settle();
  for (let before = -1; before !== reasons.size;) {
    before = reasons.size;
    spread('recommends', [...reasons.keys()]);
    settle();
  }
  for (const id of taken) {
    if (reasons.has(id)) continue;
    const requiredBy = [...universe.dependenciesOf(id, 'supplements')].flatMap((relation) => providersOf(view, relation)).find((other) => present.has(other));
    put({ solvable: id, reason: 'supplements', ...(requiredBy === undefined ? {} : { requiredBy }) });
    settle();
  }
  return taken.flatMap((id) => (universe.repositoryOf(id).installed === true ? [] : reasons.get(id) ?? []));
}

function because(view: SolvView, option: number, chosen: number): string {
  const { universe, arch } = view;
  const priority = (id: number): number => universe.repositoryOf(id).priority ?? 99;
  if (priority(option) !== priority(chosen)) return 'its repository has a lower priority';
  if (arch.scoreOf(universe.archOf(option)) > arch.scoreOf(universe.archOf(chosen))) return 'of another architecture';
  if (universe.nameOf(option) === universe.nameOf(chosen)) {
    return compareEvr(universe.evr(universe.evrOf(option)), universe.evr(universe.evrOf(chosen))) < 0 ? 'an older version' : 'cannot be beside the others';
  }
  return 'another comes first: recommended, of a higher version, or by name';
}

/** For each requirement that several packages would have met, those that are not there; at most five for each. */
export function rejectionsOf(view: SolvView, chosen: readonly ChosenRpm[]): Rejection[] {
  const { universe } = view;
  const present = new Set(chosen.map(({ solvable }) => solvable));
  const seen = new Set<number>();
  const rejected: Rejection[] = [];
  for (const { solvable } of chosen) {
    for (const relation of universe.dependenciesOf(solvable, 'requires')) {
      const providers = providersOf(view, relation);
      const taken = providers.find((id) => present.has(id));
      if (providers.length < 2 || taken === undefined || seen.has(relation)) continue;
      seen.add(relation);
      for (const option of view.offered(providers).filter((id) => !present.has(id)).slice(0, 5)) {
        rejected.push({ for: universe.nameText(solvable), relation: relationText(universe.relation(relation)), chosen: universe.nevra(taken), option: universe.nevra(option), because: because(view, option, taken) });
      }
    }
  }
  return rejected;
}
