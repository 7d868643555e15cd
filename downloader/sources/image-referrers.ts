// Signatures, attestations and SBOMs beside an image: cosign's tags (sigstore/cosign, specs/SIGNATURE_SPEC.md), OCI referrers (distribution specification 1.1).
import type { Descriptor, Digest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { LockedReferrer } from '../../bom/lock.ts';
import type { ImageRequirement } from '../../bom/requirement.ts';
import { kindOfReferrer, type ReferrerKind } from '../../formats/oci/cosign.ts';
import { type ContentDescriptor, isForeign, type Manifest, parseManifest } from '../../formats/oci/manifest.ts';
import type { FetchedManifest } from '../../transport/registry.ts';
import { settled } from '../failures.ts';
import type { WalkedManifest } from './image-walk.ts';

/** A referrer with all that it leads to: the manifest itself first, and more where it is an index. */
export interface FoundReferrer {
  readonly referrer: LockedReferrer;
  readonly manifests: readonly WalkedManifest[];
  readonly blobs: readonly ContentDescriptor[];
}

/** Something that says of itself, or of which a tag says, that it refers to another manifest. */
export interface ListedReferrer {
  readonly manifest: FetchedManifest;
  /** The tag that it was found by. */
  readonly tag?: string;
  /** What that tag says it is. */
  readonly kind?: ReferrerKind;
}

/** Where referrers may be: a repository of a registry, or an image archive. */
export interface ReferrerPlace {
  readonly name: string;
  list(subject: Digest): Promise<readonly ListedReferrer[]>;
  manifest(descriptor: Descriptor): Promise<FetchedManifest>;
}

export interface ReferrerSearch {
  readonly requirement: Pick<ImageRequirement, 'ref' | 'extras' | 'cosign'>;
  /** In order; the first that has something is taken. */
  readonly places: readonly ReferrerPlace[];
}

const maxReferrers = 2000;
const maxDepth = 8;

/** The kinds that a requirement asks for. */
export function wantedKinds({ extras, cosign }: Pick<ImageRequirement, 'extras' | 'cosign'>): ReadonlySet<ReferrerKind> {
  const kinds = new Set<ReferrerKind>();
  if (extras.signatures || extras.referrers || cosign !== undefined) kinds.add('signature');
  if (extras.attestations || extras.referrers) kinds.add('attestation');
  if (extras.sboms || extras.referrers) kinds.add('sbom');
  if (extras.referrers) kinds.add('referrer');
  return kinds;
}

/**
 * What of the wanted kinds refers to any of `subjects`; where all referrers are wanted, what refers to those too. Nothing found is no error
 * here. Throws `INTEGRITY_METADATA` for more referrers, or deeper ones, than anybody has.
 */
export async function findReferrers(subjects: readonly Digest[], search: ReferrerSearch): Promise<FoundReferrer[]> {
  const found = new Map<string, FoundReferrer>();
  const asked = new Set<Digest>();
  let wave: readonly Digest[] = subjects;
  for (let depth = 0; wave.length > 0; depth += 1) {
    const fresh = [...new Set(wave)].filter((subject) => !asked.has(subject));
    for (const subject of fresh) asked.add(subject);
    const here = (await settled(fresh.map((subject) => referrersOf(subject, search)))).flat();
    for (const item of here) found.set(`${item.referrer.subject} ${item.referrer.digest}`, item);
    if (found.size > maxReferrers || depth > maxDepth) throw tooMany(search);
    wave = search.requirement.extras.referrers ? here.map(({ referrer }) => referrer.digest) : [];
  }
  return [...found.values()];
}

function tooMany({ requirement }: ReferrerSearch): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject: `image ${requirement.ref}`, expected: `at most ${maxReferrers} referrers, ${maxDepth} deep`, actual: 'more' });
}

async function referrersOf(subject: Digest, search: ReferrerSearch): Promise<readonly FoundReferrer[]> {
  const kinds = wantedKinds(search.requirement);
  for (const place of search.places) {
    const found: FoundReferrer[] = [];
    for (const listed of await place.list(subject)) {
      const name = `image ${search.requirement.ref}, referrer ${listed.manifest.digest}`;
      const parsed = parseManifest(listed.manifest.bytes, listed.manifest.mediaType, name);
      const kind = listed.kind ?? kindOfReferrer(parsed);
      if (kinds.has(kind)) found.push(await whole({ listed, parsed, kind, subject, name, place }));
    }
    if (found.length > 0) return found;
  }
  return [];
}

interface Referring {
  readonly listed: ListedReferrer; readonly parsed: Manifest; readonly kind: ReferrerKind; readonly subject: Digest; readonly name: string; readonly place: ReferrerPlace;
}

async function whole({ listed, parsed, kind, subject, name, place }: Referring): Promise<FoundReferrer> {
  const { tag, manifest: { digest, size } } = listed;
  const artifactType = parsed.artifactType ?? (parsed.kind === 'manifest' ? parsed.config.mediaType : undefined);
  const manifests: WalkedManifest[] = [];
  const blobs: ContentDescriptor[] = [];
  const take = async (fetched: FetchedManifest, document: Manifest, depth: number): Promise<void> => {
    if (depth > maxDepth || manifests.length > maxReferrers) throw new BundleError('INTEGRITY_METADATA', { subject: name, expected: `indexes at most ${maxDepth} deep`, actual: 'more' });
    manifests.push({ mediaType: document.mediaType, digest: fetched.digest, size: fetched.size, bytes: fetched.bytes });
    if (document.kind === 'manifest') { blobs.push(...[document.config, ...document.layers].filter((blob) => !isForeign(blob))); return; }
    for (const entry of document.manifests) {
      const child = await place.manifest(entry);
      await take(child, parseManifest(child.bytes, entry.mediaType, `${name}, manifest ${entry.digest}`), depth + 1);
    }
  };
  await take(listed.manifest, parsed, 0);
  return {
    referrer: { subject, digest, mediaType: parsed.mediaType, ...(artifactType === undefined ? {} : { artifactType }), size, kind, ...(tag === undefined ? {} : { tag }) },
    manifests, blobs,
  };
}

/** Throws `RESOLVE_NOT_FOUND` for a kind that was asked for and is not there at all. `carried`: kinds that the index itself brought. */
export function expectReferrers(found: readonly FoundReferrer[], { requirement, places }: ReferrerSearch, carried: ReadonlySet<string>): void {
  const { extras, ref } = requirement;
  const asked = [[extras.signatures, 'signature'], [extras.attestations, 'attestation'], [extras.sboms, 'sbom']] as const;
  for (const [wanted, kind] of asked) {
    if (!wanted || carried.has(kind) || found.some(({ referrer }) => referrer.kind === kind)) continue;
    throw new BundleError('RESOLVE_NOT_FOUND', {
      subject: `image ${ref}`,
      expected: `${kind === 'attestation' ? 'an' : 'a'} ${kind} (cosign tag or referrer)`,
      actual: `none at ${places.map(({ name }) => name).join(', ')}`,
      next: `Remove extras.${kind}s from the image, or ask its publisher for one.`,
    });
  }
}
