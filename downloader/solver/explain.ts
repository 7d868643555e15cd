import { BundleError } from '../../bom/errors.ts';
import { exactSiblings } from './apt-follow.ts';
import { type AptState, hardFields } from './apt-state.ts';
import { textOf, versionsMeeting } from './match.ts';
import type { DependencyGroup } from './universe.ts';

interface DeadEnd { readonly text: string; readonly fix?: string }

/** Why no candidate meets the group at all; undefined when one does. */
function deadEndOf(state: AptState, version: number, group: DependencyGroup): DeadEnd | undefined {
  const { universe } = state;
  const from = state.archOf(version);
  const meeting = group.flatMap((dependency) => versionsMeeting(universe, dependency, from));
  if (meeting.some((item) => state.originalCandidateOf(universe.ownerOf(item)) === item)) return undefined;
  const [other] = meeting;
  if (other !== undefined) {
    const owner = universe.ownerOf(other);
    const taken = state.originalCandidateOf(owner);
    return {
      text: `which only ${universe.label(owner)} ${universe.versionText(other)} meets, while ${taken < 0 ? 'none' : universe.versionText(taken)} would be taken`,
      fix: `Name ${universe.label(owner)}=${universe.versionText(other)} in the set as well.`,
    };
  }
  const there = group.flatMap(({ name }) => (name < 0 ? [] : universe.versionsOf(universe.packageOf(name, from)))).map((item) => `${universe.label(universe.ownerOf(item))} ${universe.versionText(item)}`);
  return { text: there.length === 0 ? 'which nothing offers' : `while there is only ${there.slice(0, 3).join(', ')}` };
}

interface Step { readonly pkg: number; readonly path: readonly string[] }

/** The shortest chain of needs from `roots` to something that cannot be had, or to a conflict. */
function shortestChain(state: AptState, roots: readonly number[]): { readonly text: string; readonly fix?: string } | undefined {
  const { universe } = state;
  const queue: Step[] = roots.map((pkg) => ({ pkg, path: [] }));
  const seen = new Set(roots);
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
    const { pkg, path } = step;
    const version = state.originalCandidateOf(pkg);
    if (version < 0) continue;
    for (const group of hardFields.flatMap((field) => universe.relationsOf(version, field))) {
      const isMet = state.isMet(version, group);
      const need = `${universe.label(pkg)} needs ${group.map((dependency) => textOf(universe, dependency)).join(' | ')}`;
      const end = isMet ? undefined : deadEndOf(state, version, group);
      if (end !== undefined) return { text: [...path, `${need}, ${end.text}`].join('; '), ...(end.fix === undefined ? {} : { fix: end.fix }) };
      for (const item of group.flatMap((dependency) => versionsMeeting(universe, dependency, state.archOf(version)))) {
        const owner = universe.ownerOf(item);
        const isFine = isMet && (state.stateOf(owner) !== item || !state.isBroken(item));
        if (isFine || seen.has(owner)) continue;
        seen.add(owner);
        queue.push({ pkg: owner, path: [...path, need] });
      }
    }
    const clash = state.clashesOf(version)[0];
    if (clash !== undefined) return { text: [...path, `${universe.label(pkg)} conflicts with ${universe.label(universe.ownerOf(clash))}, which is wanted or needed too`].join('; ') };
  }
  return undefined;
}

/** `RESOLVE_UNSOLVABLE` with the shortest chain from what was asked for, and what would help where that is known. */
export function unsolvable(state: AptState, wanted: readonly number[], broken: number): BundleError {
  const chain = shortestChain(state, wanted) ?? shortestChain(state, [broken]);
  const siblings = new Map(wanted.flatMap((pkg) => [...exactSiblings(state, pkg)]));
  const specs = [...siblings].map(([pkg, version]) => `${state.universe.label(pkg)}=${state.universe.versionText(version)}`).sort();
  const fix = specs.length === 0 ? chain?.fix : `Name ${specs.join(', ')} in the set as well, or say followExact: true.`;
  return new BundleError('RESOLVE_UNSOLVABLE', {
    subject: `package ${state.universe.label(broken)}`, expected: 'packages that can be installed together',
    actual: chain?.text ?? `${state.universe.label(broken)} cannot be chosen beside the others`, ...(fix === undefined ? {} : { next: fix }),
  });
}
