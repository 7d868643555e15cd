// Candidates that change because a version that is wanted needs exactly them: our own followExact.
import { type AptState, hardFields } from './apt-state.ts';
import { versionsMeeting } from './match.ts';
import type { DependencyGroup } from './universe.ts';

/** Whether what is installed or would be chosen meets the group. */
const wouldBeMet = (state: AptState, version: number, group: DependencyGroup): boolean => state.isMet(version, group) || state.couldBeMet(version, group);

/** Versions that stand in for a candidate because what is wanted needs exactly them: by package. Nothing in `state` changes. */
export function exactSiblings(state: AptState, root: number): Map<number, number> {
  const { universe } = state;
  const found = new Map<number, number>();
  const queue = [state.originalCandidateOf(root)];
  for (let version = queue.pop(); version !== undefined; version = queue.pop()) {
    if (version < 0) continue;
    for (const group of hardFields.flatMap((field) => universe.relationsOf(version, field))) {
      if (wouldBeMet(state, version, group)) continue;
      const exact = group.filter(({ operator }) => operator === '=').flatMap((dependency) => versionsMeeting(universe, dependency, state.archOf(version)));
      const [sibling] = exact;
      if (sibling === undefined || exact.some((item) => found.get(universe.ownerOf(item)) === item)) continue;
      const owner = universe.ownerOf(sibling);
      if (found.has(owner) || state.pinnedVersion(owner) !== undefined) continue;
      found.set(owner, sibling);
      queue.push(sibling);
    }
  }
  return found;
}

/** Pins what {@link exactSiblings} names. */
export function followExact(state: AptState, root: number): void {
  for (const [pkg, version] of exactSiblings(state, root)) state.pin(pkg, version);
}
