// The choice of dnf (libsolv) for a list of specs: behaviour found by experiment, see README.md in this folder.
import { BundleError } from '../../bom/errors.ts';
import { type SolvOutcome, solveJob } from './solv-engine.ts';
import { unsolvableJob } from './solv-explain.ts';
import { type SolvOffer, withoutInstalled } from './solv-offer.ts';
import { directChoice, plainChoice } from './solv-plain.ts';
import { type ChosenRpm, reasonsOf, rejectionsOf } from './solv-reasons.ts';
import { resolveApart, resolveSpec, type SolvSpec, type Wanted } from './solv-requests.ts';
import type { Rejection } from './solve.ts';

/** dnf.conf(5), `installonlypkgs`: what may be there in several versions. */
export const installonlyProvides: readonly string[] = ['kernel', 'kernel-PAE', 'installonlypkg(kernel)', 'installonlypkg(kernel-module)', 'installonlypkg(vm)', 'multiversion(kernel)'];

export interface SolvRequest {
  readonly wanted: readonly SolvSpec[];
  readonly weak: boolean;
  /** Only the best version of what was asked for will do. */
  readonly best: boolean;
  /** `none`: only what was named; `direct`: and what it requires itself; `closure`: everything; `alldeps`: each solved alone, what is installed left aside. */
  readonly mode: 'none' | 'direct' | 'closure' | 'alldeps';
  /** Solve each spec alone and join the results, as `dnf download --resolve` does. */
  readonly isUnion?: boolean;
  readonly installonly?: readonly string[];
}

export interface SolvDecision {
  /** In the order of choice; nothing that was installed before. */
  readonly chosen: readonly ChosenRpm[];
  readonly rejected: readonly Rejection[];
  /** Whether the target's own solver gives the same, with the reason in `notes` when it may not. */
  readonly exact: boolean;
  readonly notes: readonly string[];
  /**
   * Paths that were needed and of which only filelists can name every owner. When there are any, nothing else of the decision holds: tell the
   * universe their owners (`addOwners`), prepare a new offer and solve again.
   */
  readonly missingPaths: readonly string[];
}

/** dnf.conf(5), "exclude_from_weak_autodetect": what the machine does without although something there recommends it, or it supplements something there. */
function notWeakOn({ view }: SolvOffer): Set<number> {
  const { universe } = view;
  const found = new Set<number>();
  const isThere = (id: number): boolean => universe.repositoryOf(id).installed === true;
  if (!universe.repositories.some(({ installed }) => installed === true)) return found;
  for (let id = 1; id < universe.count; id += 1) {
    for (const relation of isThere(id) ? universe.dependenciesOf(id, 'recommends') : []) {
      const providers = view.offered(view.providers(relation));
      if (!providers.some(isThere)) for (const provider of providers) found.add(provider);
    }
  }
  for (const id of view.weakParts) {
    const isMet = universe.dependenciesOf(id, 'supplements').some((relation) => !universe.isRich(relation) && view.providers(relation).some(isThere));
    if (isMet && !view.named(universe.nameOf(id)).some(isThere)) found.add(id);
  }
  return found;
}

function solveWanted(offer: SolvOffer, wanted: readonly Wanted[], request: SolvRequest): SolvOutcome {
  const { view, settings } = offer;
  const names = new Set((request.installonly ?? installonlyProvides).flatMap((name) => view.universe.findName(name) ?? []));
  const outcome = solveJob(view, {
    install: wanted.flatMap((item) => item.requests), conditions: wanted.flatMap((item) => item.conditions), weak: request.weak, notWeak: request.weak ? notWeakOn(offer) : new Set(), best: request.best, twins: settings.twins ?? true, downgrades: settings.downgrades ?? true,
    isMultiversion: (id) => view.universe.dependenciesOf(id, 'provides').some((relation) => names.has(view.universe.relationName(relation))),
  });
  if (!outcome.isSolved) throw unsolvableJob(offer, wanted, outcome);
  return outcome;
}

const isApart = ({ isUnion, mode }: SolvRequest): boolean => isUnion === true || mode === 'alldeps';

/** One of each name, version and architecture, where solves apart took it from several repositories: the better priority, then the lower cost. */
function oneOfEach({ view: { universe } }: SolvOffer, chosen: readonly ChosenRpm[]): ChosenRpm[] {
  const rank = ({ solvable }: ChosenRpm): readonly [number, number] => { const { priority = 99, cost = 1000 } = universe.repositoryOf(solvable); return [priority, cost]; };
  const found = new Map<string, ChosenRpm>();
  for (const item of chosen) {
    const key = universe.nevra(item.solvable);
    const before = found.get(key);
    const [a, b] = [rank(item), before === undefined ? undefined : rank(before)];
    if (b === undefined || a[0] < b[0] || (a[0] === b[0] && a[1] < b[1])) found.set(key, item);
  }
  return [...found.values()];
}

/** One list of requests for each solve: joint, one by one, or one for each version. */
function listsOf(wanted: readonly Wanted[], request: SolvRequest): { readonly main: readonly (readonly Wanted[])[]; readonly versions: readonly (readonly Wanted[])[] } {
  const main = isApart(request)
    ? wanted.flatMap((item) => item.requests.map((each) => [{ ...item, requests: [each] }])) : [wanted];
  const versions = wanted.flatMap((item) => item.every.map((solvable) => [{ ...item, requests: [[solvable]] }]));
  return { main, versions };
}

/**
 * Pure: the same offer and request give the same decision. Throws `RESOLVE_NOT_FOUND` for a spec that names nothing and `RESOLVE_UNSOLVABLE` with
 * the shortest chain that leads to what cannot be met, unless owners of paths that are not known yet may change that: see `missingPaths`. With
 * `versions: all` older versions that cannot be installed are left out, with a note.
 */
export function solveSolvLike(offer: SolvOffer, request: SolvRequest): SolvDecision {
  const incomplete = (): SolvDecision => ({ chosen: [], rejected: [], exact: false, notes: [], missingPaths: [...offer.view.unknownPaths].sort() });
  try {
    const decision = decide(offer, request);
    return offer.view.unknownPaths.size === 0 ? decision : incomplete();
  } catch (error) {
    if (offer.view.unknownPaths.size === 0 || !(error instanceof BundleError) || error.family !== 'resolve') throw error;
    return incomplete();
  }
}

function decide(given: SolvOffer, request: SolvRequest): SolvDecision {
  const offer = request.mode === 'alldeps' ? withoutInstalled(given) : given;
  const { view } = offer;
  const wanted = request.wanted.map((each) => (isApart(request) ? resolveApart : resolveSpec)(offer, each));
  const notes: string[] = [];
  const found: ChosenRpm[][] = [];
  const { main, versions } = listsOf(wanted, request);
  if (request.mode === 'none' || request.mode === 'direct') {
    found.push(request.mode === 'none' ? plainChoice(offer, wanted) : directChoice(offer, wanted));
  } else {
    for (const list of main) found.push(reasonsOf(view, list, solveWanted(offer, list, request).taken));
    for (const list of versions) {
      try {
        found.push(reasonsOf(view, list, solveWanted(offer, list, { ...request, best: false }).taken));
      } catch (error) {
        if (!(error instanceof BundleError) || error.family !== 'resolve') throw error;
        notes.push(`${view.universe.nevra(list[0]?.requests[0]?.[0] ?? 0)} is left out: ${error.facts.actual}`);
      }
    }
  }
  const chosen = oneOfEach(offer, found.flat());
  return { chosen, rejected: rejectionsOf(view, chosen), exact: notes.length === 0, notes, missingPaths: [] };
}
