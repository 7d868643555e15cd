// Why a list cannot be met: the shortest chain through the rules that clash.
import { BundleError } from '../../bom/errors.ts';
import { relationText } from '../../formats/rpm/relation.ts';
import type { SolvOutcome } from './solv-engine.ts';
import type { SolvOffer } from './solv-offer.ts';
import type { Wanted } from './solv-requests.ts';
import type { RuleOrigin } from './solv-rules.ts';

interface End { readonly text: string; readonly fix?: string }

/** What ends the chain at `rule`; undefined for rules that only lead on. */
function endOf({ view }: SolvOffer, origin: RuleOrigin, literals: readonly number[], from: number): End | undefined {
  const { universe } = view;
  const label = (id: number): string => universe.nevra(id);
  const other = literals.map(Math.abs).find((id) => id !== from);
  const relation = origin.relation === undefined ? '' : relationText(universe.relation(origin.relation));
  switch (origin.kind) {
    case 'nothing-provides': {
      const name = origin.relation === undefined ? undefined : universe.relationName(origin.relation);
      const named = name === undefined ? [] : view.named(name);
      const there = view.offered(named).slice(0, 3);
      const hidden = [...new Set([...literals, ...named].filter((id) => id > 0 && id !== from && !view.isUsable(id)))].slice(0, 3);
      const why = there.length > 0 ? `while there is only ${there.map(label).join(', ')}` : hidden.length > 0 ? `while excludes or modules hide ${hidden.map(label).join(', ')}` : 'which nothing offers';
      return { text: `${label(from)} requires ${relation}, ${why}`, fix: there.length + hidden.length > 0 ? `Offer a version that meets ${relation}, or name an older ${universe.nameText(from)} that does not need it.` : `Add a repository that has ${relation}.` };
    }
    case 'conflicts': return { text: `${label(origin.solvable ?? from)} conflicts with ${relation}${other === undefined ? '' : `, which ${label(origin.solvable === from ? other : from)} is`}`, fix: 'Take one of the two out of the list, or put them into lists of their own.' };
    case 'obsoletes': return { text: `${label(origin.solvable ?? from)} obsoletes ${relation}${other === undefined ? '' : `, which ${label(origin.solvable === from ? other : from)} is`}`, fix: 'Take one of the two out of the list, or put them into lists of their own.' };
    case 'same-name': return other === undefined ? undefined : { text: `${label(from)} cannot be beside ${label(other)}`, fix: 'Name one version of both that fits.' };
    case 'hidden': return { text: `excludes or modules hide ${label(from)}` };
    case 'inferior-arch': return { text: `${label(from)} gives way to the package of that name for ${view.universe.archOf(from) === 'noarch' ? 'a better architecture' : 'the architecture of the machine'}` };
    case 'best': return { text: `${literals.filter((id) => id > 0).map(label).join(' or ')} is the best version, and no other is allowed`, fix: 'Set `best: false`, or name the version that is meant.' };
    default: return undefined;
  }
}

/** From what was asked for over requirements to the end of it. */
function shortestChain(offer: SolvOffer, { search }: SolvOutcome): End | undefined {
  const { rules, assignment } = search;
  const { universe } = offer.view;
  const clash = assignment.clash.map((rule) => ({ origin: rules.originOf(rule), literals: rules.literalsOf(rule) }));
  const start = clash.filter(({ origin }) => origin.kind === 'requested').flatMap(({ literals }) => literals);
  const queue = start.filter((id) => id > 0).map((id) => ({ id, path: [] as readonly string[] }));
  const seen = new Set(queue.map(({ id }) => id));
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
    const { id, path } = step;
    for (const { origin, literals } of clash) {
      if (!literals.includes(-id)) continue;
      const isNobody = origin.kind === 'requires' && origin.solvable === id && literals.length > 1 && literals.every((literal) => literal === -id || (literal > 0 && !offer.view.isUsable(literal)));
      const end = endOf(offer, isNobody ? { ...origin, kind: 'nothing-provides' } : origin, literals, id);
      if (end !== undefined) return { ...end, text: [...path, end.text].join('; ') };
      if (!['requires', 'twin', 'heir'].includes(origin.kind) || origin.solvable !== id) continue;
      const need = origin.kind === 'heir' ? `${universe.nevra(id)} obsoletes something installed together with others` : origin.relation === undefined ? `${universe.nevra(id)} needs its twin` : `${universe.nevra(id)} requires ${relationText(universe.relation(origin.relation))}`;
      for (const next of literals) {
        if (next <= 0 || seen.has(next)) continue;
        seen.add(next);
        queue.push({ id: next, path: [...path, need] });
      }
    }
  }
  const best = clash.find(({ origin }) => origin.kind === 'best');
  return best === undefined ? undefined : endOf(offer, best.origin, best.literals, 0);
}

/** `RESOLVE_UNSOLVABLE` with the shortest chain from what was asked for, and what would help where that is known. */
export function unsolvableJob(offer: SolvOffer, wanted: readonly Wanted[], outcome: SolvOutcome): BundleError {
  const chain = shortestChain(offer, outcome);
  const isBest = outcome.search.assignment.clash.some((rule) => outcome.search.rules.isKind(rule, 'best'));
  const fix = isBest ? 'Set `best: false` to take an older version, or name the version that is meant.' : chain?.fix;
  return new BundleError('RESOLVE_UNSOLVABLE', {
    subject: `package ${wanted.map(({ spec }) => spec).join(', ')}`, expected: isBest ? 'the best versions, to be installed together' : 'packages that can be installed together',
    actual: chain?.text ?? 'they cannot be chosen beside each other', ...(fix === undefined ? {} : { next: fix }),
  });
}
