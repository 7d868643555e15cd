// One job in, one set of packages out, or the rules that clash.
import { RuleBuilder } from './solv-build.ts';
import { Choices } from './solv-choices.ts';
import { Policy } from './solv-policy.ts';
import { Search } from './solv-search.ts';
import type { SolvView } from './solv-view.ts';

export interface SolvJob {
  /** For each request the packages of which one has to be there, by ascending number. */
  readonly install: readonly (readonly number[])[];
  /** The requests stand for capabilities, not (as dnf's do) for the packages themselves: a 32-bit one then never comes alone. */
  readonly isLoose?: boolean;
  /** Further clauses that have to hold. */
  readonly conditions?: readonly (readonly number[])[];
  /** Take recommended and supplementing packages too. */
  readonly weak: boolean;
  /** Never taken for being recommended or supplementing. */
  readonly notWeak?: ReadonlySet<number>;
  /** The best version of each request, or none. */
  readonly best: boolean;
  /** Whether several versions of the package may be there. */
  readonly isMultiversion?: (solvable: number) => boolean;
  /** 32-bit and 64-bit packages of one name may stand beside each other. */
  readonly twins: boolean;
  /** What is installed may give way to an older version; it may unless said. */
  readonly downgrades?: boolean;
}

export interface SolvOutcome {
  readonly isSolved: boolean;
  readonly search: Search;
  /** Packages in order of decision. */
  readonly taken: readonly number[];
}

function addJobRules(builder: RuleBuilder, { install, conditions = [] }: SolvJob): readonly [number, number] {
  const { rules } = builder;
  const from = rules.count;
  for (const candidates of install) {
    const [first, ...rest] = candidates;
    if (first === undefined) throw new Error('a request without candidates');
    rules.addList(first, rules.keepList(rest), { kind: 'requested' });
  }
  for (const [first = 0, ...rest] of conditions) rules.addList(first, rules.keepList(rest), { kind: 'requested' });
  return [from, rules.count];
}

function addBestRules(view: SolvView, search: Search, { install }: SolvJob): void {
  const policy = new Policy(view, search.weak);
  for (const candidates of install) {
    const best = policy.best(candidates);
    const [first, ...rest] = best;
    if (first !== undefined && best.length < candidates.length) search.rules.addList(first, search.rules.keepList(rest), { kind: 'best' });
  }
}

/** Packages that a request names, whatever their architecture. */
function meantIn({ install, isLoose = false }: SolvJob): Set<number> {
  return new Set(isLoose ? [] : install.flat());
}

function installedIn(view: SolvView): number[] {
  const found: number[] = [];
  if (!view.universe.repositories.some(({ installed }) => installed === true)) return found;
  for (let id = 1; id < view.universe.count; id += 1) if (view.isUsable(id) && view.universe.repositoryOf(id).installed === true) found.push(id);
  return found;
}

interface Plan { readonly job: SolvJob; readonly requested: readonly [number, number]; readonly installed: readonly number[]; readonly choices: Choices }

/** Searches anew for as long as what is preferred stands in the way. */
function searchFor(view: SolvView, { rules, reached }: RuleBuilder, { job, requested, installed, choices }: Plan): { readonly search: Search; readonly isSolved: boolean } {
  const options = { weak: job.weak, notWeak: job.notWeak ?? new Set<number>(), requested, installed, reached };
  for (const count = rules.count; ;) {
    const search = new Search(view, rules, options);
    if (job.best) addBestRules(view, search, job);
    const isSolved = search.run();
    const isChanged = isSolved ? choices.dropUnneeded((id) => search.assignment.isTrue(id)) : choices.giveWay(search.assignment.clash);
    if (!isChanged) return { search, isSolved };
    rules.rewind(count);
  }
}

/** Pure: the same view and job give the same outcome. */
export function solveJob(view: SolvView, job: SolvJob): SolvOutcome {
  const meant = meantIn(job);
  const demanded = new Set(job.isLoose === true ? [] : job.install.flatMap((each) => (each.length === 1 ? each : [])));
  const builder = new RuleBuilder(view, {
    isMeant: (id) => meant.has(id), isDemanded: (id) => demanded.has(id),
    isMultiversion: job.isMultiversion ?? (() => false), twins: job.twins, downgrades: job.downgrades ?? true, isInstalled: (id) => view.universe.repositoryOf(id).installed === true,
  });
  const installed = installedIn(view);
  builder.reach(installed);
  builder.reach([...job.install.flat(), ...(job.conditions ?? []).flat().filter((literal) => literal > 0)]);
  builder.reachSupplements();
  builder.rules.sort();
  const end = builder.rules.count;
  builder.keepInstalled(installed);
  const requested = addJobRules(builder, job);
  builder.addInferiorArchitectures();
  builder.addHeirs();
  const choices = new Choices(view, builder.rules, { installed, updates: builder.updates, end });
  const { search, isSolved } = searchFor(view, builder, { job, requested, installed, choices });
  const { trail } = search.assignment;
  const taken: number[] = [];
  for (let index = 0; index < trail.length; index += 1) if (trail.at(index) > 0) taken.push(trail.at(index));
  return { isSolved, search, taken };
}
