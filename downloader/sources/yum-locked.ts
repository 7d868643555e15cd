// From a chosen package to what the lock says of it: rpm-md "primary"; file names as rpm gives them.
import { type Digest, digestFromHex } from '../../bom/digest.ts';
import { BundleError, redactUrl } from '../../bom/errors.ts';
import { type LockedPackage, packageMediaType } from '../../bom/lock.ts';
import type { PackageSetRequirement } from '../../bom/requirement.ts';
import { formatEvr, type Evr } from '../../formats/rpm/evr.ts';
import { localPath } from './apt-fetch.ts';
import { createFileSource } from './file.ts';
import { urlPath } from './yum-index.ts';
import type { OfferedFacts, YumOffer } from './yum-offer.ts';

/** So many addresses of a package stand in a lock. */
const maxUrls = 3;

export interface RpmIdentity { readonly name: string; readonly evr: Evr; readonly arch: string }

/** Throws `INTEGRITY_METADATA` for what no package is called: it would become a file name. */
export function checkRpmIdentity({ name, evr, arch }: RpmIdentity, subject: string): void {
  const bad = (expected: string, actual: string): BundleError => new BundleError('INTEGRITY_METADATA', { subject, expected, actual: JSON.stringify(actual.slice(0, 80)) });
  if (!/^[A-Za-z0-9_][A-Za-z0-9._+~^-]*$/.test(name)) throw bad('a package name', name);
  if (!/^[A-Za-z0-9._+~^]+$/.test(evr.version)) throw bad('a version', evr.version);
  if (!/^[A-Za-z0-9._+~^]+$/.test(evr.release)) throw bad('a release', evr.release);
  if (!/^[A-Za-z0-9_]+$/.test(arch)) throw bad('an architecture', arch);
}

/** `Packages/<first letter>/<name>-<version>-<release>.<arch>.rpm`; what differs only in its epoch gets another name from the list of packages. */
export function rpmPath({ name, evr, arch }: RpmIdentity): string {
  return `Packages/${name.slice(0, 1).toLowerCase()}/${name}-${evr.version}-${evr.release}.${arch}.rpm`;
}

/** Throws `INTEGRITY_METADATA` for metadata of a server that leads to files of this machine, or nowhere. */
function checkBase({ repository, base }: OfferedFacts, subject: string): void {
  if (base === undefined || (URL.canParse(base) && /^https?:$/.test(new URL(base).protocol))) return;
  if (repository.checked.bases.every((each) => localPath(each) !== undefined)) return;
  throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'an address with http or https for xml:base', actual: JSON.stringify(redactUrl(base).slice(0, 200)) });
}

/** Addresses of a package: those of the last lock while its repository still has them, so that another order of mirrors is no other lock. */
function urlsOf({ repository, location, base }: OfferedFacts, digest: Digest | undefined, known: ReadonlyMap<string, readonly string[]>): string[] {
  const bases = base === undefined ? repository.checked.bases : [base.endsWith('/') ? base : `${base}/`];
  const urls = bases.map((each) => redactUrl(each + urlPath(location)));
  const before = digest === undefined ? undefined : known.get(digest);
  return before !== undefined && before.length > 0 && before.every((url) => urls.includes(url)) ? [...before] : urls.slice(0, maxUrls);
}

export interface ChosenPackage {
  readonly solvable: number;
  readonly reason: string;
  /** Name of the package whose relation it was. */
  readonly requiredBy?: string;
}

/** A package that still lacks what its index does not say: its stanza, and a sha256 where there is none. */
export interface Draft {
  readonly facts: OfferedFacts;
  readonly identity: RpmIdentity;
  readonly subject: string;
  readonly urls: readonly string[];
  readonly digest: Digest | undefined;
  readonly size: number;
}

/** Throws `INTEGRITY_METADATA` for a package whose name or hash cannot be used. */
export function draftOf(offer: YumOffer, solvable: number, known: ReadonlyMap<string, readonly string[]>): Draft {
  const { universe } = offer;
  const facts = offer.factsOf(solvable);
  const identity = { name: universe.nameText(solvable), evr: universe.evr(universe.evrOf(solvable)), arch: universe.archOf(solvable) };
  const { type, value } = facts.checksum;
  const subject = `package ${universe.nevra(solvable)} of repository ${facts.repository.checked.repository.id}`;
  checkRpmIdentity(identity, subject);
  checkBase(facts, subject);
  if (type === 'md5' || type === 'sha224') throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'a sha256 or sha512', actual: `only a ${type}` });
  const digest = type === 'sha256' ? digestFromHex(value) : undefined;
  return { facts, identity, subject, urls: urlsOf(facts, digest, known), digest, size: facts.size };
}

/** The sha256 of a package whose index gives another hash: found by fetching the package whole, checked by that hash, and storing it. */
export async function digestOfDraft({ facts, subject, urls, digest, size }: Draft, signal: AbortSignal): Promise<Digest> {
  if (digest !== undefined) return digest;
  const { context } = facts.repository;
  const files = createFileSource({ ...context, headersFor: async () => ({}) });
  const { artifacts: [file] } = await files.resolve([{
    kind: 'file', name: subject, urls, size, evidence: [`${facts.checksum.type}:${facts.checksum.value}`], usedBy: [], at: [], mode: '0644', purpose: 'os-package', headersFrom: [],
  }], signal);
  if (file === undefined) throw new Error('a file source gave no answer');
  return file.digest;
}

/** The lock's entry for one set. */
export function lockedRpm(set: PackageSetRequirement, draft: Draft, parts: { readonly digest: Digest; readonly stanza: string; readonly chosen: ChosenPackage; readonly signedBy?: string }): LockedPackage {
  const { identity, facts, urls, size } = draft;
  const { locked } = facts.repository.checked;
  return {
    target: set.target.id, manager: 'rpm', name: identity.name, version: formatEvr(identity.evr), arch: identity.arch, digest: parts.digest, size,
    repo: locked.id, urls: [...urls], path: rpmPath(identity), stanza: parts.stanza, role: set.role,
    reason: parts.chosen.reason, ...(parts.chosen.requiredBy === undefined ? {} : { requiredBy: parts.chosen.requiredBy }),
    sets: [set.id], ...(parts.signedBy === undefined ? {} : { signedBy: parts.signedBy }),
    trust: locked.verified || parts.signedBy !== undefined ? 'verified' : 'first-use', usedBy: [...set.usedBy],
  };
}

export const rpmBlob = (digest: Digest, size: number): { readonly mediaType: string; readonly digest: Digest; readonly size: number } => ({ mediaType: packageMediaType.rpm, digest, size });
