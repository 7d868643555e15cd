// Versions that are newer than what was taken, and why they were not: what `apt-cache policy` shows of them.
import type { AptState } from './apt-state.ts';
import type { Rejection } from './solve.ts';

/** Room for them in a lock. */
const maxNewer = 500;

/** Of each package the versions newer than the one taken, with the priorities that decided (apt_preferences(5)). */
export function newerVersions(state: AptState, chosen: readonly number[]): Rejection[] {
  const { universe } = state;
  const nameOf = (version: number): string => `${universe.label(universe.ownerOf(version))} ${universe.versionText(version)}`;
  const placeOf = (version: number): string => {
    const { release, subject } = universe.input(version);
    return release?.suite ?? release?.codename ?? subject;
  };
  const worth = (version: number): string => {
    const priority = state.priorityOf(version);
    return priority < 0 ? `${priority <= -32_768 ? 'never' : String(priority)}, so that it is never installed` : priority === 0 ? '0, so that it is not installed' : String(priority);
  };
  const found: Rejection[] = [];
  for (const version of chosen) {
    const owner = universe.ownerOf(version);
    for (const other of universe.versionsOf(owner)) {
      if (other === version || found.length >= maxNewer) break;
      const because = state.pinnedVersion(owner) === version ? 'the set asks for another version'
        : `its priority in ${placeOf(other)} is ${worth(other)}, and that of what was taken is ${state.priorityOf(version)}`;
      found.push({ for: universe.label(owner), relation: universe.label(owner), chosen: nameOf(version), option: nameOf(other), because });
    }
  }
  return found;
}
