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

const isThere = ({ view: { universe } }: SolvOffer) => (id: number): boolean => universe.repositoryOf(id).installed === true;

/** The best package of each request unless the machine has it; all of them with `versions: all`. */
export function plainChoice(offer: SolvOffer, wanted: readonly Wanted[]): ChosenRpm[] {
  const policy = policyOf(offer);
  const ids = wanted.flatMap(({ requests, versions, every }) => (versions === 'all' ? every : requests.flatMap((each) => policy.choose(each, true).slice(0, 1))));
  return [...new Set(ids)].filter((id) => !isThere(offer)(id)).map((solvable) => ({ solvable, reason: 'requested' }));
}

/** And for each requirement of those that the machine does not meet the package that dnf would take first. Throws `RESOLVE_UNSOLVABLE` for one that nothing meets. */
export function directChoice(offer: SolvOffer, wanted: readonly Wanted[]): ChosenRpm[] {
  const { view } = offer;
  const policy = policyOf(offer);
  const present = (id: number): boolean => chosen.has(id) || isThere(offer)(id);
  const chosen = new Map(plainChoice(offer, wanted).map((item) => [item.solvable, item]));
  for (const { solvable: requiredBy } of [...chosen.values()]) {
    for (const relation of view.universe.dependenciesOf(requiredBy, 'requires')) {
      const rich = view.universe.isRich(relation) ? view.universe.richOf(relation) : undefined;
      const providers = view.providers(relation);
      if (providers === always) continue;
      for (const clause of rich === undefined ? [[...providers]] : clausesOf(view, rich)) {
        if (clause.some((literal) => (literal < 0 ? !present(-literal) : present(literal)))) continue;
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
