// .deb files by address or path: apt-get(8), "install" ("a relative or absolute path"). Each is wanted in exactly its version.
import { hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { LockedPackage } from '../../bom/lock.ts';
import type { PackageSetRequirement } from '../../bom/requirement.ts';
import type { Chosen } from '../solver/solve.ts';
import { type AddressedOptions, type AddressedPackage, fetchAddressed, noRepository } from './addressed.ts';
import { checkIdentity, poolPath } from './apt-locked.ts';
import { architecturesOf, type Offer } from './apt-offer.ts';

export interface AddressedDeb {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  /** The control paragraph with Size and SHA256: what an index would say of it. */
  readonly stanza: string;
  readonly content: AddressedPackage;
}

const keyOf = ({ name, version, arch }: Pick<AddressedDeb, 'name' | 'version' | 'arch'>): string => `${name}\n${version}\n${arch}`;

/** Fetches and reads them. Throws `RESOLVE_NOT_FOUND` for another architecture, `RESOLVE_CONFLICT` for two contents of one version. */
export async function addressedDebs(options: AddressedOptions, set: PackageSetRequirement, signal: AbortSignal): Promise<AddressedDeb[]> {
  const debs = new Map<string, AddressedDeb>();
  const architectures = architecturesOf(set.target);
  // Few sets name any: what reads archives is not loaded for the others.
  const { readDebPackage } = await import('../../formats/deb/package-file.ts');
  for (const content of await fetchAddressed(options, set, signal)) {
    const { subject, blob } = content;
    const { control, fields } = await readDebPackage(content.open(), subject);
    const identity = checkIdentity(fields, subject);
    if (identity.arch !== 'all' && !architectures.includes(identity.arch)) {
      throw new BundleError('RESOLVE_NOT_FOUND', { subject, expected: `a package for ${architectures.join(', ')} or all`, actual: `one for ${identity.arch}`, next: 'Name the architecture in `arches` of the set, or another file.' });
    }
    const deb = { ...identity, stanza: `${control}\nSize: ${blob.size}\nSHA256: ${hexOf(blob.digest)}`, content };
    const before = debs.get(keyOf(deb));
    if (before !== undefined && before.content.blob.digest !== blob.digest) throw differing(deb, before.content.name);
    debs.set(keyOf(deb), deb);
  }
  return [...debs.values()];
}

function differing({ name, version, arch, content }: AddressedDeb, other: string): BundleError {
  return new BundleError('RESOLVE_CONFLICT', {
    subject: content.subject, expected: `one content of ${name} ${version} ${arch}`, actual: `${other} has another`, next: 'Leave one of them out: a mirror can carry one of a version.',
  });
}

/** Puts them into the universe, behind everything that was read before. */
export function offerDebs({ universe }: Offer, debs: readonly AddressedDeb[]): void {
  if (debs.length > 0) universe.add({ bytes: Buffer.from(`${debs.map(({ stanza }) => stanza).join('\n\n')}\n`), subject: 'package files', priority: 500, namesOnly: true });
}

/** What apt would be told: the name, with its architecture where it is not the native one, and the version. */
export function specOf({ name, version, arch }: AddressedDeb, set: PackageSetRequirement): string {
  return `${name}${arch === 'all' || arch === set.target.arch ? '' : `:${arch}`}=${version}`;
}

/**
 * The lock's entry when what was chosen is one of `debs`; undefined when a repository offers it, byte for byte the same. Throws
 * `RESOLVE_CONFLICT` when a repository has other content under this version.
 */
export function lockedAddressed(set: PackageSetRequirement, { universe, origins }: Offer, debs: readonly AddressedDeb[]): (chosen: Chosen) => LockedPackage | undefined {
  const byKey = new Map(debs.map((deb) => [keyOf(deb), deb]));
  return ({ version, reason, requiredBy }) => {
    const owner = universe.ownerOf(version);
    const name = universe.names.nameOf(universe.nameOf(owner));
    const deb = byKey.get(keyOf({ name, version: universe.versionText(version), arch: universe.archText(version) }));
    if (deb === undefined) return undefined;
    const origin = origins[universe.indexOf(version)];
    if (origin !== undefined) {
      const [, sha256 = ''] = /^sha256:\s*([0-9a-f]{64})\s*$/im.exec(universe.stanzaOf(version)) ?? [];
      if (sha256.toLowerCase() !== hexOf(deb.content.blob.digest)) throw differing(deb, `repository ${origin.checked.suite.id}`);
      return undefined;
    }
    const { arch, content, stanza } = deb;
    return {
      target: set.target.id, manager: 'deb', name, version: deb.version, arch, digest: content.blob.digest, size: content.blob.size,
      repo: noRepository, urls: [...content.urls], path: poolPath(name, deb.version, arch), stanza,
      role: set.role, reason, ...(requiredBy === undefined ? {} : { requiredBy: universe.names.nameOf(universe.nameOf(universe.ownerOf(requiredBy))) }),
      sets: [set.id], trust: content.trust, usedBy: [...set.usedBy],
    };
  };
}
