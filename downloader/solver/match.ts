// Which version meets which relation: Debian Policy 4.7, sections 7.1, 7.4 and 7.5; Multi-Arch specification (Debian wiki, "Multiarch/Specification").
import { versionMatches } from '../../formats/deb/version.ts';
import type { Dependency, Universe } from './universe.ts';

/** Whether architecture `arch` of a package with this Multi-Arch kind is what a package of architecture `from` means by the relation. */
function archFits(universe: Universe, dependency: Dependency, from: number, version: number): boolean {
  const arch = universe.archOf(universe.ownerOf(version));
  const kind = universe.multiArchOf(version);
  if (dependency.arch === undefined) return arch === from || kind === 'foreign';
  if (dependency.arch === 'any') return kind === 'allowed';
  if (dependency.arch === 'native') return arch === 0;
  return universe.architectures[arch] === dependency.arch;
}

/** The package that a relation of architecture `from` names. With an architecture written it names none (-1): to apt that is a name of its own, which packages provide. */
export function packageNamed(universe: Universe, { name, arch }: Dependency, from: number): number {
  return arch !== undefined || name < 0 ? -1 : universe.packageOf(name, from);
}

/** Whether `version` is the named package in a version that the relation accepts. */
export function meetsByName(universe: Universe, dependency: Dependency, from: number, version: number): boolean {
  if (universe.nameOf(universe.ownerOf(version)) !== dependency.name || !archFits(universe, dependency, from, version)) return false;
  return dependency.operator === undefined || versionMatches(universe.versionText(version), dependency.operator, dependency.version ?? '');
}

/** Whether a Provides of `version` meets the relation: unversioned relations by any, versioned ones only by a versioned Provides. */
export function meetsByProvides(universe: Universe, dependency: Dependency, from: number, version: number, provided: string | undefined): boolean {
  if (!archFits(universe, dependency, from, version)) return false;
  if (dependency.operator === undefined) return true;
  return provided !== undefined && versionMatches(provided, dependency.operator, dependency.version ?? '');
}

/** Every version that meets the relation, by name first (newest first), then by Provides, what was read last first. */
export function versionsMeeting(universe: Universe, dependency: Dependency, from: number): number[] {
  if (dependency.name < 0) return [];
  const found: number[] = [];
  for (let arch = 0; arch < universe.architectures.length; arch += 1) {
    for (const version of universe.versionsOf(universe.packageOf(dependency.name, arch))) if (meetsByName(universe, dependency, from, version)) found.push(version);
  }
  for (const { version, provided } of universe.providersOf(dependency.name).toReversed()) {
    if (!found.includes(version) && meetsByProvides(universe, dependency, from, version, provided)) found.push(version);
  }
  return found;
}

/** Every version that a Conflicts or Breaks speaks of: without a qualifier those of every architecture. Those of the same name as `version` are not among them; those that provide the name come first. */
export function versionsDenied(universe: Universe, dependency: Dependency, version: number): number[] {
  const name = universe.nameOf(universe.ownerOf(version));
  const denied = universe.architectures.flatMap((arch) => versionsMeeting(universe, dependency.arch === undefined ? { ...dependency, arch } : dependency, universe.archOf(universe.ownerOf(version))));
  const nameOf = (item: number): number => universe.nameOf(universe.ownerOf(item));
  const others = [...new Set(denied)].filter((item) => nameOf(item) !== name);
  return [...others.filter((item) => nameOf(item) !== dependency.name), ...others.filter((item) => nameOf(item) === dependency.name)];
}

/** What one relation denies of one architecture: versions, and the package that it names there; later when that was first mentioned after the relation was read. */
export interface Denial { readonly named: number; readonly versions: readonly number[]; readonly isLater?: true }

/** What {@link versionsDenied} gives, architecture by architecture in the order in which their packages of that name were first mentioned. What every architecture may use is denied in each. */
export function denialsOf(universe: Universe, dependency: Dependency, version: number): Denial[] {
  const denied = versionsDenied(universe, dependency, version);
  const named = (arch: number): number => (dependency.name < 0 ? -1 : universe.packageOf(dependency.name, arch));
  if (universe.architectures.length === 1 || dependency.arch !== undefined) return denied.length === 0 ? [] : [{ named: dependency.arch === undefined ? named(0) : -1, versions: denied }];
  return [...universe.architectures.keys()].filter((arch) => universe.idOf(named(arch)) >= 0).sort((a, b) => universe.idOf(named(a)) - universe.idOf(named(b)))
    .map((arch) => ({ named: named(arch), ...(universe.isLater(named(arch), version) ? { isLater: true as const } : {}), versions: denied.filter((item) => universe.archOf(universe.ownerOf(item)) === arch || universe.multiArchOf(item) === 'foreign') }))
    .filter(({ versions }) => versions.length > 0);
}

/**
 * Versions that `version` cannot bear by the Multi-Arch rules: every one of its name in another architecture, or, when it is `Multi-Arch: same`, those
 * of another number. What the other side cannot bear is told by itself.
 */
export function twinsOf(universe: Universe, version: number): number[] {
  if (universe.architectures.length === 1) return [];
  const owner = universe.ownerOf(version);
  const isSame = universe.multiArchOf(version) === 'same';
  return universe.architectures.flatMap((_, arch) => {
    const twin = universe.packageOf(universe.nameOf(owner), arch);
    if (twin === owner) return [];
    return universe.versionsOf(twin).filter((item) => !isSame || universe.versionText(item) !== universe.versionText(version));
  });
}

/** The relation as text, for messages. */
export function textOf(universe: Universe, dependency: Dependency): string {
  const name = dependency.name < 0 ? '?' : universe.names.nameOf(dependency.name);
  const arch = dependency.arch === undefined || name.includes(':') ? '' : `:${dependency.arch}`;
  return `${name}${arch}${dependency.version === undefined ? '' : ` (${dependency.operator} ${dependency.version})`}`;
}
