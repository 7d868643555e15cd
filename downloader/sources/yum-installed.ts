// What machines have before, put into the universe of what the repositories offer.
import type { RpmRelation } from '../../formats/rpm/relation.ts';
import type { DependencyKind } from '../solver/solv-tables.ts';
import type { RpmUniverse, SolvPackage } from '../solver/solv-universe.ts';
import type { InstalledEntry } from './yum-installed-list.ts';

const none: readonly RpmRelation[] = [];

/** The package as the repositories describe it: of that version where they have it, else the newest of that name, whose provides it is taken to have too. */
function twinOf(universe: RpmUniverse, entry: InstalledEntry, candidates: readonly number[]): number | undefined {
  const ofArch = candidates.filter((id) => entry.arch === undefined || universe.archOf(id) === entry.arch);
  const same = ofArch.find((id) => {
    const own = universe.evr(universe.evrOf(id));
    return entry.evr !== undefined && own.version === entry.evr.version && own.release === entry.evr.release;
  });
  return same ?? ofArch.at(-1) ?? candidates.at(-1);
}

/** Whether the repositories have that very version. `rpm -qa` does not print epochs. */
function isTwin(universe: RpmUniverse, { evr, arch }: InstalledEntry, twin: number): boolean {
  const own = universe.evr(universe.evrOf(twin));
  return (evr === undefined || (evr.version === own.version && evr.release === own.release)) && (arch === undefined || arch === universe.archOf(twin));
}

/** An installed package for the universe: as the list describes it; else its twin where that is the same version; of another version only the provides, under its own version. */
function installedPackage(universe: RpmUniverse, entry: InstalledEntry, { twin, paths }: { readonly twin: number | undefined; readonly paths: readonly string[] }): SolvPackage {
  // A line without an epoch means the package of the repositories where that is the same otherwise.
  const isSame = twin !== undefined && isTwin(universe, entry, twin);
  const evr = isSame ? universe.evr(universe.evrOf(twin)) : entry.evr ?? { epoch: 0, version: '0', release: '0' };
  const provides = twin === undefined ? [] : [...universe.dependenciesOf(twin, 'provides')].map((relation) => universe.relation(relation)).map((relation) => {
    const own = universe.evr(universe.evrOf(twin));
    return relation.evr !== undefined && relation.evr.version === own.version && relation.evr.release === own.release ? { ...relation, evr } : relation;
  });
  const list = (kind: DependencyKind): readonly RpmRelation[] => (isSame ? [...universe.dependenciesOf(twin, kind)].map((relation) => universe.relation(relation)) : none);
  const { details } = entry;
  if (details !== undefined) {
    const told = (kind: DependencyKind): readonly RpmRelation[] => details.relations[kind] ?? none;
    return {
      name: entry.name, evr: entry.evr ?? evr, arch: entry.arch ?? 'noarch', files: details.files.map((path) => ({ path })), provides: told('provides'), requires: told('requires'), conflicts: told('conflicts'),
      obsoletes: told('obsoletes'), recommends: told('recommends'), suggests: told('suggests'), supplements: told('supplements'), enhances: told('enhances'),
    };
  }
  return {
    name: entry.name, evr, arch: entry.arch ?? (twin === undefined ? 'noarch' : universe.archOf(twin)), files: paths.map((path) => ({ path })), provides,
    requires: list('requires'), conflicts: list('conflicts'), obsoletes: list('obsoletes'),
    recommends: list('recommends'), suggests: list('suggests'), supplements: list('supplements'), enhances: list('enhances'),
  };
}

/** Puts what is installed into the universe, behind everything else. Gives notes about what no repository knows. */
export function addInstalled(universe: RpmUniverse, entries: readonly InstalledEntry[]): string[] {
  const byName = new Map<string, number[]>();
  for (let id = 1; id < universe.count; id += 1) {
    const name = universe.nameText(id);
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [id]);
    else known.push(id);
  }
  const found = entries.map((entry) => ({ entry, twin: twinOf(universe, entry, byName.get(entry.name) ?? []) }));
  const pathsOf = new Map<number, string[]>(found.flatMap(({ twin }) => (twin === undefined ? [] : [[twin, []]])));
  universe.eachFile((path, owner) => { pathsOf.get(owner)?.push(universe.text(path)); });
  const prepared = found.map(({ entry, twin }) => ({ entry, twin, item: installedPackage(universe, entry, { twin, paths: pathsOf.get(twin ?? 0) ?? [] }) }));
  const insert = universe.open({ id: '@System', installed: true, cost: 0 });
  for (const { item } of prepared) insert(item);
  const vague = prepared.filter(({ entry }) => entry.details === undefined);
  const unknown = vague.filter(({ twin }) => twin === undefined).map(({ entry }) => entry.name);
  const gone = vague.filter(({ entry, twin }) => twin !== undefined && !isTwin(universe, entry, twin)).map(({ entry }) => entry.name);
  const some = (names: readonly string[]): string => `${names.slice(0, 10).join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}`;
  return [
    ...(unknown.length === 0 ? [] : [`installed packages that no repository describes are only known by name: ${some(unknown)}`]),
    ...(gone.length === 0 ? [] : [`installed packages of versions that no repository has any more are taken to provide what other versions do, and to need nothing: ${some(gone)}`]),
  ];
}
