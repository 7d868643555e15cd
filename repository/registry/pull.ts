// Reading and discovery. OCI distribution specification 1.1: "Pull", "Content Discovery".
import { canonicalBytes } from '../../bom/canonical-json.ts';
import { type Descriptor, isDigest } from '../../bom/digest.ts';
import { type Answer, blobAnswer, type Headers, isGone, jsonAnswer } from '../answer.ts';
import { readSmall, type ServedBlobs } from '../content.ts';
import { type Address, isAddress, isAnyDigest, isTag, lexically, pageOf, registryError } from './grammar.ts';
import { manifestLimitBytes, ociIndex, parseManifest } from './manifest.ts';
import type { PushedManifest } from './pushed.ts';
import { findBlob, findManifest, isUnknown, type Shelf } from './shelf.ts';

export async function getManifest(shelf: Shelf, reference: string, blobs: ServedBlobs): Promise<Answer> {
  if (!isAddress(reference) && !isTag(reference)) {
    return reference.includes(':')
      ? registryError('DIGEST_INVALID', 'manifests are found by tag, sha256 or sha512 digest', { detail: { reference } })
      : registryError('MANIFEST_INVALID', 'not a tag', { status: 400, detail: { reference } });
  }
  if (isUnknown(shelf)) return unknownName(shelf);
  const found = findManifest(shelf, reference);
  if (found === undefined || !(await blobs.has(found.blob.digest))) {
    return registryError('MANIFEST_UNKNOWN', 'no such manifest here', { detail: { name: shelf.name, reference } });
  }
  const headers = { ...digestHeader(found.address), 'content-type': found.blob.mediaType };
  return blobAnswer(found.blob, blobs, isAddress(reference) ? { ...headers, ...forever } : { ...headers, 'cache-control': 'no-cache' });
}

export async function getBlob(shelf: Shelf, digest: string, blobs: ServedBlobs): Promise<Answer> {
  if (!isAddress(digest)) return registryError('DIGEST_INVALID', 'blobs are found by sha256 or sha512 digest', { detail: { digest } });
  if (isUnknown(shelf)) return unknownName(shelf);
  const blob = findBlob(shelf, digest);
  if (blob === undefined || !(await blobs.has(blob.digest))) return registryError('BLOB_UNKNOWN', 'no such blob here', { detail: { name: shelf.name, digest } });
  return blobAnswer(blob, blobs, { ...digestHeader(digest), ...forever, 'content-type': 'application/octet-stream' });
}

const forever = { 'cache-control': 'public, max-age=31536000, immutable' };

function digestHeader(address: Address): Headers {
  return { 'docker-content-digest': address };
}

export function unknownName(shelf: Shelf): Answer {
  if (shelf.ambiguous.length === 0) return registryError('NAME_UNKNOWN', 'no such repository here', { detail: { name: shelf.name } });
  return registryError('NAME_UNKNOWN', `the name stands for several repositories; write the upstream host in front: ${shelf.ambiguous.join(', ')}`, { detail: { name: shelf.name, names: shelf.ambiguous } });
}

export function listTags(shelf: Shelf, query: URLSearchParams, path: string): Answer {
  if (isUnknown(shelf)) return unknownName(shelf);
  const tags = [...new Set([...(shelf.served?.tags.keys() ?? []), ...(shelf.pushed?.tags.keys() ?? [])])].sort(lexically);
  return pagedAnswer(tags, { query, path, wrap: (items) => ({ name: shelf.name, tags: items }) });
}

/** A page of names as JSON, with a Link to the next one (RFC 8288). */
export function pagedAnswer(all: readonly string[], options: { readonly query: URLSearchParams; readonly path: string; readonly wrap: (items: readonly string[]) => unknown }): Answer {
  const page = pageOf(all, options.query);
  if (page === undefined) return registryError('UNSUPPORTED', 'n is a count', { status: 400, detail: { n: options.query.get('n') } });
  if (page.next === undefined) return jsonAnswer(200, options.wrap(page.items));
  const next = new URLSearchParams({ n: options.query.get('n') ?? '', last: page.next });
  const ns = options.query.get('ns');
  if (ns !== null) next.set('ns', ns);
  return jsonAnswer(200, options.wrap(page.items), { link: `<${options.path}?${next}>; rel="next"` });
}

type ListedReferrer = Omit<Descriptor, 'digest'> & Pick<PushedManifest, 'artifactType' | 'annotations'> & { readonly digest: Address };

/** Never 404, whatever the repository: clients take that for a registry without the referrers API. */
export async function listReferrers(shelf: Shelf, subject: string, query: URLSearchParams, blobs: ServedBlobs): Promise<Answer> {
  if (!isAnyDigest(subject) || (/^sha(?:256|512):/.test(subject) && !isAddress(subject))) {
    return registryError('DIGEST_INVALID', 'referrers are asked for by digest', { detail: { digest: subject } });
  }
  const wanted = query.get('artifactType');
  const found = await referrersOf(shelf, subject, blobs);
  const manifests = found.filter((item) => wanted === null || item.artifactType === wanted)
    .map(({ mediaType, digest, size, artifactType, annotations }) => ({ mediaType, digest, size, artifactType, annotations }));
  const body = canonicalBytes({ schemaVersion: 2, mediaType: ociIndex, manifests });
  const headers = { 'content-type': ociIndex, 'cache-control': 'no-cache', ...(wanted === null ? {} : { 'oci-filters-applied': 'artifactType' }) };
  return { status: 200, headers, body: { kind: 'bytes', bytes: body } };
}

async function referrersOf(shelf: Shelf, subject: string, blobs: ServedBlobs): Promise<ListedReferrer[]> {
  const found = new Map<string, ListedReferrer>();
  for (const referrer of isDigest(subject) ? shelf.served?.referrers.get(subject) ?? [] : []) {
    // A lock does not carry annotations; the manifest has them. It is small, and bounded here.
    if (referrer.size > manifestLimitBytes || !(await blobs.has(referrer.digest))) continue;
    const bytes = await readSmall(blobs, referrer).catch((cause: unknown) => {
      if (isGone(cause)) return undefined;
      throw cause;
    });
    if (bytes === undefined) continue;
    const { manifest } = parseManifest(bytes, referrer.mediaType);
    if (manifest.subject === subject) found.set(manifest.digest, { ...manifest, digest: manifest.digest as Address });
  }
  for (const [address, manifest] of shelf.pushed?.manifests ?? []) if (manifest.subject === subject) found.set(address, { ...manifest, digest: address });
  return [...found.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
}
