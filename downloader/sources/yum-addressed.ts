// .rpm files by address or path: dnf(8), "Specifying packages" ("a local or remote file"). Each is wanted in exactly its version.
import { hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import type { LockedPackage } from '../../bom/lock.ts';
import type { PackageSetRequirement } from '../../bom/requirement.ts';
import { formatEvr } from '../../formats/rpm/evr.ts';
import { RpmKeyring } from '../../formats/rpm/keyring.ts';
import { type PackageEntry, packageEntry } from '../../formats/rpm/package-entry.ts';
import { readRpmHead, type RpmHead } from '../../formats/rpm/package-head.ts';
import { primaryXml } from '../../formats/rpm/package-xml.ts';
import { checkRpmDigests } from '../../formats/rpm/signature.ts';
import { type AddressedPackage, fetchAddressed, noRepository } from './addressed.ts';
import type { ChosenRpm } from '../solver/solv-reasons.ts';
import type { YumContext } from './yum-access.ts';
import { checkRpmIdentity, rpmPath } from './yum-locked.ts';
import type { YumOffer } from './yum-offer.ts';
import { checkedPackage, rangeOf } from './yum-package.ts';

export interface AddressedRpm {
  readonly entry: PackageEntry;
  readonly content: AddressedPackage;
  /** The key of one of the set's repositories that signed it. */
  readonly signedBy?: string;
  readonly warning?: string;
}

async function* after(bytes: Bytes, offset: number): Bytes {
  let left = offset;
  for await (const chunk of bytes) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

/** A signature that no key of the repositories made is told, not refused: the document names this very file. Damage is refused. */
async function signing(context: YumContext, offer: YumOffer, content: AddressedPackage, head: RpmHead): Promise<Pick<AddressedRpm, 'signedBy' | 'warning'>> {
  const { subject } = content;
  await checkRpmDigests(head, after(content.open(), head.headerRange.end), subject);
  const keyring = new RpmKeyring(offer.repositories.flatMap(({ checked }) => checked.keys), context.now());
  let signer = '';
  try {
    for await (const _ of checkedPackage(content.open(), { keyring, subject, now: context.now(), onSigner: (fingerprint) => { signer = fingerprint; } })) { /* checked at its end */ }
    return { signedBy: signer };
  } catch (error) {
    if (!(error instanceof BundleError) || error.code !== 'INTEGRITY_SIGNATURE') throw error;
    return { warning: `${content.name} has no signature by a key of the set's repositories (${error.facts.actual}): dnf inside installs it only where gpgcheck is off or its key was imported` };
  }
}

/** Fetches and reads them. Throws `RESOLVE_NOT_FOUND` for another architecture, `RESOLVE_CONFLICT` for a version twice, `INTEGRITY_METADATA`, `INTEGRITY_DIGEST`. */
export async function addressedRpms(context: YumContext, set: PackageSetRequirement, options: { readonly offer: YumOffer; readonly scoreOf: (arch: string) => number; readonly signal: AbortSignal }): Promise<AddressedRpm[]> {
  const rpms = new Map<string, AddressedRpm>();
  for (const content of await fetchAddressed(context, set, options.signal)) {
    const { subject, blob } = content;
    const head = await readRpmHead((start, end) => rangeOf(context, blob, { start, end }), { subject, sizeBytes: blob.size });
    const entry = packageEntry(head);
    checkRpmIdentity(entry, subject);
    if (options.scoreOf(entry.arch) === 0) {
      throw new BundleError('RESOLVE_NOT_FOUND', { subject, expected: `a package for target ${set.target.id}`, actual: `one for ${entry.arch}`, next: 'Name a file for this architecture, or the architecture in `arches` of the set.' });
    }
    const key = `${entry.name} ${formatEvr(entry.evr)} ${entry.arch}`;
    const before = rpms.get(key);
    if (before !== undefined && before.content.blob.digest !== blob.digest) {
      throw new BundleError('RESOLVE_CONFLICT', { subject, expected: `one content of ${key}`, actual: `${before.content.name} has another`, next: 'Leave one of them out: a mirror can carry one of a version.' });
    }
    rpms.set(key, { entry, content, ...await signing(context, options.offer, content, head) });
  }
  return [...rpms.values()];
}

/** Puts them into the universe, behind the repositories, and gives their numbers. */
export function offerRpms({ universe }: YumOffer, rpms: readonly AddressedRpm[]): ReadonlyMap<number, AddressedRpm> {
  if (rpms.length === 0) return new Map();
  // Before every repository: of two packages of one name and version, this very file is meant.
  const insert = universe.open({ id: '@files', hotfixes: true, priority: 0 });
  return new Map(rpms.map((rpm) => {
    const { name, evr, arch, files, sourceRpm, relations } = rpm.entry;
    return [insert({ ...relations, name, evr, arch, files, sourceRpm }), rpm];
  }));
}

/** The lock's entry: like that of any other package, with a stanza of ours. */
export function lockedAddressedRpm(set: PackageSetRequirement, { entry, content, signedBy }: AddressedRpm, chosen: ChosenRpm & { readonly requiredByName?: string }): LockedPackage {
  const { digest, size } = content.blob;
  return {
    target: set.target.id, manager: 'rpm', name: entry.name, version: formatEvr(entry.evr), arch: entry.arch, digest, size,
    repo: noRepository, urls: [...content.urls], path: rpmPath(entry), stanza: primaryXml(entry, { checksum: { type: 'sha256', value: hexOf(digest) }, size }), role: set.role,
    reason: chosen.reason, ...(chosen.requiredByName === undefined ? {} : { requiredBy: chosen.requiredByName }),
    sets: [set.id], ...(signedBy === undefined ? {} : { signedBy }), trust: content.trust, usedBy: [...set.usedBy],
  };
}
