// Lists that are not closed: what was named, and with `direct` what that requires itself.
import { BundleError } from '../../bom/errors.ts';
import { relationText } from '../../formats/rpm/relation.ts';
import { Assignment } from './solv-assignment.ts';
import type { SolvOffer } from './solv-offer.ts';
import { Policy } from './solv-policy.ts';
import type { ChosenRpm } from './solv-reasons.ts';
import type { Wanted } from './solv-requests.ts';
import { Rules } from './solv-rules.ts';
import { clausesOf } from './solv-rich.ts';
import { always } from './solv-view.ts';
import { WeakState } from './solv-weak-state.ts';

function policyOf({ view }: SolvOffer): Policy {
  return new Policy(view, new WeakState(view, new Assignment(new Rules(), view.universe.count)));
}

/** The best package of each request; all of them with `versions: all`. */
export function plainChoice(offer: SolvOffer, wanted: readonly Wanted[]): ChosenRpm[] {
  const policy = policyOf(offer);
  const ids = wanted.flatMap(({ requests, versions }) => requests.flatMap((each) => (versions === 'all' ? each : policy.choose(each, true).slice(0, 1))));
  return [...new Set(ids)].map((solvable) => ({ solvable, reason: 'requested' }));
}

/** And for each requirement of those the package that dnf would take first. Throws `RESOLVE_UNSOLVABLE` for one that nothing meets. */
export function directChoice(offer: SolvOffer, wanted: readonly Wanted[]): ChosenRpm[] {
  const { view } = offer;
  const policy = policyOf(offer);
  const chosen = new Map(plainChoice(offer, wanted).map((item) => [item.solvable, item]));
  for (const { solvable: requiredBy } of [...chosen.values()]) {
    for (const relation of view.universe.dependenciesOf(requiredBy, 'requires')) {
      const rich = view.universe.isRich(relation) ? view.universe.richOf(relation) : undefined;
      const providers = view.providers(relation);
      if (providers === always) continue;
      for (const clause of rich === undefined ? [[...providers]] : clausesOf(view, rich)) {
        if (clause.some((literal) => (literal < 0 ? !chosen.has(-literal) : chosen.has(literal)))) continue;
        const [first] = policy.choose(view.offered(clause.filter((literal) => literal > 0)), true);
        if (first === undefined) {
          throw new BundleError('RESOLVE_UNSOLVABLE', { subject: `package ${view.universe.nevra(requiredBy)}`, expected: 'packages for what it requires', actual: `nothing offers ${relationText(view.universe.relation(relation))}` });
        }
        chosen.set(first, { solvable: first, reason: 'requires', requiredBy });
      }
    }
  }
  return [...chosen.values()];
}
