// Sets of one target: each is one joint solve; sets that take different versions of a package are brought together where they can be.
import { BundleError } from '../../bom/errors.ts';
import type { PackageSetRequirement } from '../../bom/requirement.ts';
import type { SolvDecision } from '../solver/solv-like.ts';
import { ask, type Asking } from './yum-question.ts';

export interface DecidedSet {
  readonly set: PackageSetRequirement;
  readonly decision: SolvDecision;
  readonly notes: readonly string[];
}

type Common = Omit<Asking, 'set'>;

/** What two decisions take of one package in different versions. */
function differing(a: DecidedSet, b: DecidedSet, { universe }: Asking['offer']): string | undefined {
  const key = (solvable: number): string => `${universe.nameText(solvable)}.${universe.archOf(solvable)}`;
  const taken = new Map(a.decision.chosen.map(({ solvable }) => [key(solvable), solvable]));
  const other = b.decision.chosen.find(({ solvable }) => { const first = taken.get(key(solvable)); return first !== undefined && first !== solvable; });
  return other === undefined ? undefined : `${universe.nameText(other.solvable)} ${universe.versionText(taken.get(key(other.solvable)) ?? 0)} and ${universe.versionText(other.solvable)}`;
}

const mayMeet = ({ set }: DecidedSet): boolean => set.dependencies === 'closure' && set.solve !== 'union' && set.include.every(({ versions }) => versions !== 'all');

async function together(a: PackageSetRequirement, b: PackageSetRequirement, common: Common): Promise<SolvDecision | undefined> {
  try {
    return await ask({ ...common, set: { ...a, weakDependencies: a.weakDependencies || b.weakDependencies, include: [...a.include, ...b.include] } });
  } catch (error) {
    if (error instanceof BundleError && error.family === 'resolve') return undefined;
    throw error;
  }
}

/**
 * Decides every set. Two that take different versions of a package are solved as one where that is possible, and both carry the joint answer; where
 * not, each keeps its own, both versions travel, and a warning says so.
 */
export async function decideSets(sets: readonly PackageSetRequirement[], common: Common): Promise<{ readonly decided: readonly DecidedSet[]; readonly warnings: readonly string[] }> {
  const decided: DecidedSet[] = [];
  for (const set of sets) {
    const decision = await ask({ ...common, set });
    decided.push({ set, decision, notes: [...decision.notes, ...(set.solve === 'union' ? ['each package was solved by itself: what only the set as a whole needs is missing'] : [])] });
  }
  const warnings: string[] = [];
  for (let a = 0; a < decided.length; a += 1) {
    for (let b = a + 1; b < decided.length; b += 1) {
      const [first, second] = [decided[a], decided[b]];
      if (first === undefined || second === undefined || !mayMeet(first) || !mayMeet(second)) continue;
      const what = differing(first, second, common.offer);
      if (what === undefined) continue;
      const joint = await together(first.set, second.set, common);
      if (joint === undefined) {
        warnings.push(`package sets ${first.set.id} and ${second.set.id} want different versions (${what}) and cannot be on one machine; each was solved for itself, and all versions are carried`);
        continue;
      }
      for (const [index, one, other] of [[a, first, second], [b, second, first]] as const) {
        decided[index] = { ...one, decision: joint, notes: [...joint.notes, `solved together with ${other.set.id}, so that both can be on one machine; what either needs is carried for both`] };
      }
    }
  }
  return { decided, warnings };
}
