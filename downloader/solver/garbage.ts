import { versionsMeeting } from './match.ts';
import type { Universe } from './universe.ts';

const fields = ['Pre-Depends', 'Depends', 'Recommends', 'Suggests'] as const;

/**
 * Packages of `selected` (package to version) that the roots, and what is Essential or Important among the selected, lead to over Pre-Depends, Depends,
 * Recommends and Suggests, through any alternative that is satisfied: what apt's autoremover would leave alone. The roots are among them.
 */
export function keepReachable(universe: Universe, selected: ReadonlyMap<number, number>, roots: Iterable<number>): Set<number> {
  const seen = new Set<number>([...roots, ...[...selected.keys()].filter((pkg) => universe.isEssential(pkg) || universe.isImportant(pkg))]);
  const queue = [...seen];
  for (let pkg = queue.pop(); pkg !== undefined; pkg = queue.pop()) {
    const version = selected.get(pkg);
    if (version === undefined) continue;
    for (const field of fields) {
      for (const dependency of universe.relationsOf(version, field).flat()) {
        for (const item of versionsMeeting(universe, dependency, universe.archOf(pkg))) {
          const owner = universe.ownerOf(item);
          if (selected.get(owner) !== item || seen.has(owner)) continue;
          seen.add(owner);
          queue.push(owner);
        }
      }
    }
  }
  return seen;
}
