// Owners of paths that primary does not list: what a caller does with `missingPaths` of a decision.
import { type Evr, formatEvr } from '../../formats/rpm/evr.ts';
import type { RpmUniverse } from './solv-universe.ts';

export interface PathOwner { readonly name: string; readonly evr: Evr; readonly arch: string }

/**
 * Tells the universe who owns `paths`: by repository (its number, in order of opening) what its filelists say. To be called once for a path, for
 * all repositories together. Offers made before do not see it: prepare a new one.
 */
export function addOwners(universe: RpmUniverse, paths: readonly string[], owners: ReadonlyMap<number, ReadonlyMap<string, readonly PathOwner[]>>): void {
  const wanted = new Map<string, number[]>();
  const keyOf = (repository: number, { name, evr, arch }: PathOwner): string => `${repository} ${name} ${formatEvr(evr)} ${arch}`;
  for (const [repository, byPath] of owners) for (const list of byPath.values()) for (const owner of list) wanted.set(keyOf(repository, owner), []);
  for (let id = 1; id < universe.count; id += 1) {
    wanted.get(keyOf(universe.repositoryIndex(id), { name: universe.nameText(id), evr: universe.evr(universe.evrOf(id)), arch: universe.archOf(id) }))?.push(id);
  }
  for (const path of paths) {
    universe.addFileOwners(path, [...owners].flatMap(([repository, byPath]) => (byPath.get(path) ?? []).flatMap((owner) => wanted.get(keyOf(repository, owner)) ?? [])));
  }
}
