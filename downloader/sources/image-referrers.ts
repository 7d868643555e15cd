// Signatures, attestations and SBOMs beside an image: cosign's tags (sigstore/cosign, specs/SIGNATURE_SPEC.md), OCI referrers (distribution specification 1.1).
import { readFile } from 'node:fs/promises';
import { type Descriptor, type Digest, hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { LockedReferrer } from '../../bom/lock.ts';
import type { Reference } from '../../bom/reference.ts';
import type { ImageRequirement } from '../../bom/requirement.ts';
import { cosignSignatureAnnotation, isSignatureOf, isSigstoreBundle, parsePublicKey, simpleSigningMediaType } from '../../formats/oci/cosign.ts';
import { type ContentDescriptor, parseManifest } from '../../formats/oci/manifest.ts';
import type { FetchedManifest, RegistryPool } from '../../transport/registry.ts';
import { findManifest, listReferrers } from '../../transport/registry-discovery.ts';
import type { WalkedManifest } from './image-walk.ts';

export interface FoundReferrer {
  readonly referrer: LockedReferrer;
  readonly manifest: WalkedManifest;
  readonly blobs: readonly ContentDescriptor[];
}

export interface ReferrerSearch {
  readonly requirement: Pick<ImageRequirement, 'ref' | 'extras' | 'cosignKey'>;
  readonly registry: RegistryPool;
  readonly sources: readonly Reference[];
  readonly signal: AbortSignal;
}

type ReferrerKind = 'signature' | 'attestation' | 'sbom' | 'referrer';
const cosignTags: readonly (readonly [string, ReferrerKind])[] = [['sig', 'signature'], ['att', 'attestation'], ['sbom', 'sbom']];
const maxReferrers = 2000;

/** The kinds that a requirement asks for. */
export function wantedKinds({ extras, cosignKey }: Pick<ImageRequirement, 'extras' | 'cosignKey'>): ReadonlySet<ReferrerKind> {
  const kinds = new Set<ReferrerKind>();
  if (extras.signatures || extras.referrers || cosignKey !== undefined) kinds.add('signature');
  if (extras.attestations || extras.referrers) kinds.add('attestation');
  if (extras.sboms || extras.referrers) kinds.add('sbom');
  if (extras.referrers) kinds.add('referrer');
  return kinds;
}

/** What of the wanted kinds refers to any of `subjects`; the first source that has something is taken. Nothing found is no error here. */
export async function findReferrers(subjects: readonly Digest[], search: ReferrerSearch): Promise<FoundReferrer[]> {
  const found = new Map<Digest, FoundReferrer>();
  for (const subject of subjects) {
    for (const source of search.sources) {
      const here = await referrersAt(subject, source, search);
      for (const item of here) found.set(item.referrer.digest, item);
      if (here.length > 0) break;
    }
    if (found.size > maxReferrers) {
      throw new BundleError('INTEGRITY_METADATA', { subject: `image ${search.requirement.ref}`, expected: `at most ${maxReferrers} referrers`, actual: 'more' });
    }
  }
  return [...found.values()];
}

async function referrersAt(subject: Digest, source: Reference, search: ReferrerSearch): Promise<FoundReferrer[]> {
  const kinds = wantedKinds(search.requirement);
  const session = search.registry.session(source.host);
  const { signal } = search;
  const found: FoundReferrer[] = [];
  const { referrers, tag } = await listReferrers(session, source.path, { digest: subject, signal });
  for (const entry of referrers) {
    const kind = kindOf(entry);
    if (!kinds.has(kind)) continue;
    const manifest = await session.getManifest(source.path, entry.digest, signal);
    found.push(referrerOf(manifest, { subject, kind, search, ...(tag === undefined ? {} : { tag }) }));
  }
  for (const [suffix, kind] of cosignTags) {
    if (!kinds.has(kind)) continue;
    const name = `sha256-${hexOf(subject)}.${suffix}`;
    const manifest = await findManifest(session, source.path, { reference: name, signal });
    if (manifest !== undefined) found.push(referrerOf(manifest, { subject, kind, search, tag: name }));
  }
  return found;
}

function referrerOf(
  fetched: FetchedManifest, about: { readonly subject: Digest; readonly kind: ReferrerKind; readonly search: ReferrerSearch; readonly tag?: string },
): FoundReferrer {
  const name = `image ${about.search.requirement.ref}, ${about.kind} ${fetched.digest}`;
  const parsed = parseManifest(fetched.bytes, fetched.mediaType, name);
  if (parsed.kind === 'index') throw new BundleError('RESOLVE_UNSUPPORTED', { subject: name, expected: 'a manifest', actual: 'an index' });
  const { digest, size, bytes } = fetched;
  const artifactType = parsed.artifactType ?? parsed.config.mediaType;
  return {
    referrer: { subject: about.subject, digest, mediaType: parsed.mediaType, artifactType, size, kind: about.kind, ...(about.tag === undefined ? {} : { tag: about.tag }) },
    manifest: { mediaType: parsed.mediaType, digest, size, bytes },
    blobs: [parsed.config, ...parsed.layers],
  };
}

function kindOf({ artifactType = '', annotations = {} }: ContentDescriptor): ReferrerKind {
  if (isSigstoreBundle(artifactType)) {
    const predicate = annotations['dev.sigstore.bundle.predicateType'] ?? '';
    const isSignature = annotations['dev.sigstore.bundle.content'] === 'message-signature' || predicate === '' || predicate.startsWith('https://sigstore.dev/cosign/sign/');
    return isSignature ? 'signature' : /spdx|cyclonedx/.test(predicate) ? 'sbom' : 'attestation';
  }
  if (artifactType.startsWith('application/vnd.dev.cosign.artifact.sig.') || artifactType === 'application/vnd.cncf.notary.signature') return 'signature';
  if (/in-toto|dsse|attestation/.test(artifactType)) return 'attestation';
  return /spdx|cyclonedx|syft|sbom/.test(artifactType) ? 'sbom' : 'referrer';
}

/** Throws `RESOLVE_NOT_FOUND` for a kind that was asked for and is not there at all. `carried`: kinds that the index itself brought. */
export function expectReferrers(found: readonly FoundReferrer[], { requirement, sources }: ReferrerSearch, carried: ReadonlySet<string>): void {
  const { extras, ref } = requirement;
  const asked = [[extras.signatures, 'signature'], [extras.attestations, 'attestation'], [extras.sboms, 'sbom']] as const;
  for (const [wanted, kind] of asked) {
    if (!wanted || carried.has(kind) || found.some(({ referrer }) => referrer.kind === kind)) continue;
    throw new BundleError('RESOLVE_NOT_FOUND', {
      subject: `image ${ref}`,
      expected: `${kind === 'attestation' ? 'an' : 'a'} ${kind} (cosign tag or referrer)`,
      actual: `none at ${sources.map(({ host, path }) => `${host}/${path}`).join(', ')}`,
      next: `Remove extras.${kind}s from the image, or ask its publisher for one.`,
    });
  }
}

/** Throws `INTEGRITY_SIGNATURE` unless one of `found` is a signature on `root` by the key of the requirement. `read` gives all of a small blob. */
export async function verifySignature(
  root: FetchedManifest, found: readonly FoundReferrer[], about: { readonly ref: string; readonly keyFile: string; readonly read: (blob: Descriptor) => Promise<Uint8Array> },
): Promise<void> {
  const pem = await readFile(about.keyFile, 'utf8').catch((cause: Error) => {
    throw new BundleError('INPUT_MISSING_FILE', { subject: about.keyFile, expected: `the cosign key of image ${about.ref}`, actual: cause.message }, { cause });
  });
  const key = parsePublicKey(pem, about.keyFile);
  const candidates = found.filter(({ referrer }) => referrer.kind === 'signature' && referrer.subject === root.digest).flatMap(({ blobs }) => blobs);
  for (const blob of candidates) {
    const signature = blob.annotations?.[cosignSignatureAnnotation];
    const relevant = isSigstoreBundle(blob.mediaType) || (blob.mediaType === simpleSigningMediaType && signature !== undefined);
    if (!relevant) continue;
    const content = { mediaType: blob.mediaType, bytes: await about.read(blob), ...(signature === undefined ? {} : { signature }) };
    if (isSignatureOf(content, root, key)) return;
  }
  throw new BundleError('INTEGRITY_SIGNATURE', {
    subject: `image ${about.ref}`, expected: `a signature on ${root.digest} by the key ${about.keyFile}`, actual: candidates.length === 0 ? 'no signature' : 'signatures, none of them by this key',
  });
}
