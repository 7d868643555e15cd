// Candidates that change because another package's version was named: `name/suite` of apt-get(8), and our own followExact.
import type { ReleaseFacts } from '../../formats/deb/preferences.ts';
import { type AptState, hardFields } from './apt-state.ts';
import { meetsByName, versionsMeeting } from './match.ts';
import type { DependencyGroup } from './universe.ts';

/** Whether what is installed or would be chosen meets the group. */
const wouldBeMet = (state: AptState, version: number, group: DependencyGroup): boolean => state.isMet(version, group) || state.couldBeMet(version, group);

/**
 * After `name/suite`: what the version needs, and no candidate meets, is taken from the same release, and so on. Where that does not help either, the
 * candidates stay as they were, and solving will tell.
 */
export function followRelease(state: AptState, version: number, isRelease: (facts: ReleaseFacts) => boolean): boolean {
  const { universe } = state;
  const changed: number[] = [];
  const follow = (from: number, depth: number): boolean => hardFields.flatMap((field) => universe.relationsOf(from, field)).every((group) => {
    if (wouldBeMet(state, from, group)) return true;
    return depth < 100 && group.some((dependency) => {
      const found = dependency.name < 0 ? undefined : universe.versionsOf(universe.packageOf(dependency.name, state.archOf(from)))
        .find((item) => universe.indexesOf(item).some((index) => isRelease(universe.inputAt(index).release ?? {})));
      if (found === undefined || !meetsByName(universe, dependency, state.archOf(from), found) || state.pinnedVersion(universe.ownerOf(found)) !== undefined) return false;
      state.pin(universe.ownerOf(found), found);
      changed.push(universe.ownerOf(found));
      return follow(found, depth + 1);
    });
  });
  const done = follow(version, 0);
  if (!done) for (const pkg of changed) state.unpin(pkg);
  return done;
}

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
