// What is installed and would break: upgraded or given what it misses where that helps, else taken away, as apt does. Rule 11 of README.md in this folder.
import type { Marker } from './apt-mark.ts';
import { AptState } from './apt-state.ts';

const maxRounds = 10;

/** Labels of packages that the machine loses. `before` is what it had. */
export function settleInstalled(state: AptState, marker: Marker, before: ReadonlyMap<number, number>): string[] {
  if (before.size === 0) return [];
  const then = new AptState(state.universe);
  for (const [pkg, version] of before) then.installed.set(pkg, version);
  for (let round = 0; round < maxRounds; round += 1) {
    const broken = [...state.installed].filter(([pkg, version]) => !state.marks.has(pkg) && state.isBroken(version) && !then.isBroken(version));
    if (broken.length === 0) break;
    for (const [pkg, version] of broken) {
      if (state.marks.has(pkg) || state.installed.get(pkg) !== version || !state.isBroken(version)) continue;
      const upgraded = state.candidateOf(pkg) !== version && marker.install(pkg, 'upgrade', undefined, 0);
      if (!upgraded && !state.marks.has(pkg) && !marker.mend(pkg, version)) state.installed.delete(pkg);
    }
  }
  return [...before.keys()].filter((pkg) => state.stateOf(pkg) < 0).map((pkg) => state.universe.label(pkg)).sort();
}
