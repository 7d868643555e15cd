// From a chosen version to what the lock says of it: Debian wiki, DebianRepository/Format ("Packages" indices).
import { digestFromHex } from '../../bom/digest.ts';
import { BundleError, redactUrl } from '../../bom/errors.ts';
import type { LockedPackage } from '../../bom/lock.ts';
import type { PackageSetRequirement } from '../../bom/requirement.ts';
import { parseStanzas, type Stanza } from '../../formats/deb/deb822.ts';
import { isPlainPath } from '../../formats/deb/release.ts';
import { isVersion } from '../../formats/deb/version.ts';
import type { Chosen } from '../solver/solve.ts';
import { urlOf } from './apt-entry.ts';
import type { Offer } from './apt-offer.ts';

/** `pool/<letter>/<name>/<name>_<version>_<arch>.deb`, without the epoch, as archives name files. */
export function poolPath(name: string, version: string, arch: string): string {
  const letter = name.startsWith('lib') ? name.slice(0, 4) : name.slice(0, 1);
  return `pool/${letter}/${name}/${name}_${version.replace(/^\d+:/, '')}_${arch}.deb`;
}

/** Name, version and architecture of a stanza. Throws `INTEGRITY_METADATA` when one of them is malformed. */
export function checkIdentity(stanza: Stanza, subject: string): { readonly name: string; readonly version: string; readonly arch: string } {
  const bad = (expected: string, actual: string): BundleError => new BundleError('INTEGRITY_METADATA', { subject, expected, actual: JSON.stringify(actual.slice(0, 80)) });
  const [name = '', version = '', arch = ''] = ['package', 'version', 'architecture'].map((field) => (stanza.get(field) ?? '').trim());
  if (!/^[A-Za-z0-9][A-Za-z0-9+._-]*$/.test(name)) throw bad('a package name', name);
  if (!isVersion(version)) throw bad('a version', version);
  if (!/^[a-z0-9-]+$/.test(arch)) throw bad('an architecture', arch);
  return { name, version, arch };
}

/** Throws `INTEGRITY_METADATA` for a stanza whose fields are malformed, whose only hashes are weak, or whose Filename leaves the repository. */
export function lockedFrom(set: PackageSetRequirement, offer: Offer, { version, reason, requiredBy }: Chosen): LockedPackage {
  const { universe } = offer;
  const origin = offer.origins[universe.indexOf(version)];
  const text = universe.stanzaOf(version);
  const subject = `${universe.input(version).subject}, ${universe.label(universe.ownerOf(version))}`;
  const bad = (expected: string, actual: string): BundleError => new BundleError('INTEGRITY_METADATA', { subject, expected, actual });
  const stanza = parseStanzas(text, { subject })[0];
  if (stanza === undefined || origin === undefined) throw bad('a stanza', 'none');
  const field = (name: string): string => (stanza.get(name) ?? '').trim();
  const { name, version: ownVersion, arch } = checkIdentity(stanza, subject);
  if (!/^\d{1,15}$/.test(field('size'))) throw bad('a Size in bytes', JSON.stringify(field('size')));
  if (!/^[0-9a-fA-F]{64}$/.test(field('sha256'))) throw bad('a SHA256', field('sha256') === '' ? 'only weaker hashes, or none' : JSON.stringify(field('sha256')));
  const file = field('filename').replace(/^\.\//, '');
  if (!isPlainPath(file)) throw bad('a Filename below the repository', JSON.stringify(file.slice(0, 200)));
  return {
    target: set.target.id, manager: 'deb', name, version: ownVersion, arch,
    digest: digestFromHex(field('sha256')), size: Number(field('size')),
    repo: origin.checked.suite.id, urls: [redactUrl(urlOf(origin.uri, file))],
    path: poolPath(name, ownVersion, arch),
    stanza: text.split('\n').filter((line) => !/^filename:/i.test(line)).join('\n').replace(/\n+$/, ''),
    role: set.role, reason, ...(requiredBy === undefined ? {} : { requiredBy: universe.names.nameOf(universe.nameOf(universe.ownerOf(requiredBy))) }),
    sets: [set.id], trust: origin.checked.locked.verified ? 'verified' : 'first-use', usedBy: [...set.usedBy],
  };
}

const sortedUnion = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])].sort();

/** Packages by what they are, joined over sets; the first that names one decides where it comes from. */
export class PackageList {
  readonly warnings: string[] = [];
  private readonly byKey = new Map<string, LockedPackage>();
  private readonly paths = new Map<string, string>();

  add(item: LockedPackage): void {
    const key = `${item.target}\n${item.name}\n${item.version}\n${item.arch}`;
    const known = this.byKey.get(key);
    if (known === undefined) {
      this.byKey.set(key, { ...item, path: this.freePath(item, key) });
      return;
    }
    if (known.digest !== item.digest) this.warnings.push(`${item.name} ${item.version} ${item.arch} has different content in ${known.repo} and ${item.repo}: the one of ${known.repo} is carried`);
    const requested = item.reason === 'requested' && known.reason !== 'requested';
    const { reason, requiredBy, ...rest } = known;
    this.byKey.set(key, {
      ...rest,
      reason: requested ? 'requested' : reason,
      ...(requested || requiredBy === undefined ? {} : { requiredBy }),
      role: known.role === 'bootstrap' || item.role === 'bootstrap' ? 'bootstrap' : 'normal',
      sets: sortedUnion(known.sets, item.sets),
      usedBy: sortedUnion(known.usedBy, item.usedBy),
    });
  }

  /** Unique also where file names differ by case only. */
  private freePath(item: LockedPackage, key: string): string {
    const slot = `${item.target}\n${item.path.toLowerCase()}`;
    const taken = this.paths.get(slot) ?? key;
    this.paths.set(slot, taken);
    return taken === key ? item.path : item.path.replace(/\.(deb|rpm)$/, `.${item.digest.slice(7, 19)}.$1`);
  }

  sorted(): LockedPackage[] {
    const keyOf = (item: LockedPackage): string => [item.target, item.name, item.version, item.arch].join('\n');
    return [...this.byKey.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }
}
