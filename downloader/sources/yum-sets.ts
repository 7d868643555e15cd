// Sets of one target: each is one joint solve; versions: all and solve: union solve further; sets that differ are brought together where they can be.
import { BundleError } from '../../bom/errors.ts';
import type { PackageSetRequirement } from '../../bom/requirement.ts';
import type { Asking, YumChosen, YumDecision } from './yum-question.ts';

export interface DecidedSet {
  readonly set: PackageSetRequirement;
  readonly decision: YumDecision;
  /** Of the decision and of what was solved besides, each package once. */
  readonly chosen: readonly YumChosen[];
  readonly notes: readonly string[];
}

type Ask = (asking: Asking, specs: readonly string[]) => Promise<YumDecision>;
type Common = Omit<Asking, 'set'>;

const onceEach = (all: readonly YumChosen[]): YumChosen[] => [...new Map(all.toReversed().map((item) => [item.solvable, item])).values()].reverse();

/** dnf download's way: every spec by itself, and the union of the answers. */
async function union(asking: Asking, specs: readonly string[], ask: Ask): Promise<YumDecision> {
  const decisions: YumDecision[] = [];
  for (const spec of specs) decisions.push(await ask(asking, [spec]));
  if (asking.wanted.length > 0) decisions.push(await ask(asking, []));
  return {
    chosen: onceEach(decisions.flatMap(({ chosen }) => chosen)), rejected: decisions.flatMap(({ rejected }) => rejected),
    notes: [...new Set([...decisions.flatMap(({ notes }) => notes), 'each package was solved by itself: what only the set as a whole needs is missing'])],
    exact: decisions.every(({ exact }) => exact),
  };
}

/** The other versions of what is wanted in all of them, each with what it needs: they cannot be installed together. */
async function otherVersions(asking: Asking, decision: YumDecision, ask: Ask): Promise<YumChosen[]> {
  const { universe, excluded } = asking.offer;
  const found: YumChosen[] = [];
  for (const { spec } of asking.set.include.filter(({ versions }) => versions === 'all')) {
    const own = decision.chosen.filter(({ reason, solvable }) => reason === 'requested' && isMeant(spec, universe.nameText(solvable)));
    const names = new Set(own.map(({ solvable }) => `${universe.nameText(solvable)}.${universe.archOf(solvable)}`));
    const taken = new Set(decision.chosen.map(({ solvable }) => solvable));
    for (let id = 1; id < universe.count; id += 1) {
      const isOther = names.has(`${universe.nameText(id)}.${universe.archOf(id)}`) && !taken.has(id) && !excluded.has(id) && universe.repositoryOf(id).installed !== true;
      if (isOther) found.push(...(await ask({ ...asking, wanted: [id], set: { ...asking.set, best: false } }, [])).chosen);
    }
  }
  return found;
}

const isMeant = (spec: string, name: string): boolean => spec === name || spec.startsWith(`${name}.`) || spec.startsWith(`${name}-`) || spec.startsWith(`${name} `);

/** What two decisions take of one package in different versions. */
function differing(a: DecidedSet, b: DecidedSet, { universe }: Asking['offer']): string | undefined {
  const key = (solvable: number): string => `${universe.nameText(solvable)}.${universe.archOf(solvable)}`;
  const taken = new Map(a.decision.chosen.map(({ solvable }) => [key(solvable), solvable]));
  const other = b.decision.chosen.find(({ solvable }) => { const first = taken.get(key(solvable)); return first !== undefined && first !== solvable; });
  return other === undefined ? undefined : `${universe.nameText(other.solvable)} ${universe.versionText(taken.get(key(other.solvable)) ?? 0)} and ${universe.versionText(other.solvable)}`;
}

const mayMeet = ({ set }: DecidedSet): boolean => set.dependencies === 'closure' && set.solve !== 'union' && set.include.every(({ versions }) => versions !== 'all');

/**
 * Decides every set. Two that take different versions of a package are solved as one where that is possible, and then both name what the joint
 * answer has; where not, each keeps its own, both versions travel, and a warning says so.
 */
export async function decideSets(sets: readonly PackageSetRequirement[], common: Common, ask: Ask): Promise<{ readonly decided: readonly DecidedSet[]; readonly warnings: readonly string[] }> {
  const decided: DecidedSet[] = [];
  for (const set of sets) {
    const asking = { ...common, set };
    const specs = set.include.map(({ spec }) => spec);
    const decision = set.solve === 'union' ? await union(asking, specs, ask) : await ask(asking, specs);
    decided.push({ set, decision, notes: decision.notes, chosen: onceEach([...decision.chosen, ...await otherVersions(asking, decision, ask)]) });
  }
  const warnings: string[] = [];
  for (let a = 0; a < decided.length; a += 1) {
    for (let b = a + 1; b < decided.length; b += 1) {
      const [first, second] = [decided[a], decided[b]];
      if (first === undefined || second === undefined || !mayMeet(first) || !mayMeet(second)) continue;
      const what = differing(first, second, common.offer);
      if (what === undefined) continue;
      const joint = await together(first.set, second.set, common, ask);
      if (joint === undefined) {
        warnings.push(`package sets ${first.set.id} and ${second.set.id} want different versions (${what}) and cannot be on one machine; each was solved for itself, and all versions are carried`);
        continue;
      }
      for (const [index, one] of [[a, first], [b, second]] as const) {
        const other = one === first ? second : first;
        decided[index] = { ...one, decision: joint, chosen: joint.chosen, notes: [...joint.notes, `solved together with ${other.set.id}, so that both can be on one machine; what either needs is carried for both`] };
      }
    }
  }
  return { decided, warnings };
}

async function together(a: PackageSetRequirement, b: PackageSetRequirement, common: Common, ask: Ask): Promise<YumDecision | undefined> {
  const set = { ...a, weakDependencies: a.weakDependencies || b.weakDependencies, include: [...a.include, ...b.include] };
  try {
    return await ask({ ...common, set }, set.include.map(({ spec }) => spec));
  } catch (error) {
    if (error instanceof BundleError && error.family === 'resolve') return undefined;
    throw error;
  }
}
