import PQueue from 'p-queue';
import type { Descriptor, Digest } from '../../bom/digest.ts';
import { BundleError, checkNotAborted } from '../../bom/errors.ts';
import { type Notify, silent } from '../../bom/events.ts';
import type { LockedImage, LockedReferrer } from '../../bom/lock.ts';
import type { BlobReader, Target } from '../../bom/ports.ts';
import { isIndexType } from '../../formats/oci/manifest.ts';
import { statusOf } from '../../transport/http-errors.ts';
import type { RegistrySession } from '../../transport/registry.ts';
import { listReferrers } from '../../transport/registry-discovery.ts';
import { pushManifest, refusalCodes } from '../../transport/registry-push.ts';
import type { RetryPolicy } from '../../transport/retry.ts';
import { BlobSender } from './registry-blobs.ts';
import { type ManifestBytes, type RewrittenIndex, rewriteIndexes } from './registry-index.ts';
import type { TargetName } from './registry-names.ts';
import { type PendingTag, pushTags } from './registry-tags.ts';

export interface RegistryTargetOptions {
  readonly session: RegistrySession;
  /** By `ref`; see `targetNames`. */
  readonly names: ReadonlyMap<string, TargetName>;
  /** Blobs at the same time, over all images. */
  readonly concurrency: number;
  /** Where the registry refuses an index because not all of its platforms are there: push one that lists only those that are. */
  readonly rewriteIndexes?: boolean;
  readonly notify?: Notify;
}

/** An index that had to be replaced: pins on `from` do not find it in that registry. */
export interface Rewrite {
  readonly ref: string;
  readonly from: Digest;
  readonly to: Digest;
}

export interface RegistryTarget extends Target<'image'> {
  readonly rewrites: readonly Rewrite[];
}

/**
 * Images into any OCI distribution registry: blobs, then manifests, then indexes, each read back and compared; tags by `commit`, last.
 * `present` means that the registry has every manifest and blob of the image already. Several images may be published at once; a blob they share
 * is sent once and mounted elsewhere. Throws `TARGET_REFUSED`, transfer errors, and the reader's.
 */
export function createRegistryTarget(options: RegistryTargetOptions): RegistryTarget {
  const shared: Shared = { ...options, queue: new PQueue({ concurrency: Math.max(1, options.concurrency) }), places: new Map(), tags: [], rewrites: [], sender: new BlobSender(options.session) };
  return {
    rewrites: shared.rewrites,
    async publish(image, blobs, signal) {
      const push: Push = { ...shared, image, blobs, signal, name: nameOf(image, options), notify: options.notify ?? silent };
      const root = await presentAs(push);
      const present = root !== undefined;
      if (root === undefined) await publishImage(push);
      else addTags(push, root, await unlistedReferrers(push));
      const bytes = image.blobs.reduce((sum, { size }) => sum + size, 0);
      if (present) push.notify({ kind: 'bytes', phase: 'publish', bytes });
      push.notify({ kind: 'done', phase: 'publish', item: `image ${image.ref}`, bytes: present ? 0 : bytes });
      return present ? 'present' : 'published';
    },
    commit: (signal) => pushTags(options.session, shared.tags, { signal, notify: options.notify ?? silent }),
  };
}

interface Shared extends RegistryTargetOptions {
  readonly queue: PQueue;
  readonly sender: BlobSender;
  /** A repository that has the blob, or is getting it. */
  readonly places: Map<Digest, Promise<string>>;
  readonly tags: PendingTag[];
  readonly rewrites: Rewrite[];
}

interface Push extends Shared { readonly image: LockedImage; readonly blobs: BlobReader; readonly signal: AbortSignal; readonly name: TargetName; readonly notify: Notify }

function nameOf(image: LockedImage, { names }: RegistryTargetOptions): TargetName {
  const name = names.get(image.ref);
  if (name === undefined) throw new Error(`no name for ${image.ref}`);
  return name;
}

interface Present { readonly root: Digest; readonly rewrites: readonly Rewrite[] }

/** What the registry has the image as, when all of it is there: its own digest, or that of the index that replaced a sparse one. */
async function presentAs(push: Push): Promise<Digest | undefined> {
  const named = await namedAs(push);
  if (named === undefined || !await hasBlobs(push)) return undefined;
  push.rewrites.push(...named.rewrites);
  return named.root;
}

async function namedAs(push: Push): Promise<Present | undefined> {
  const { image } = push;
  // The root last: a registry that has it without what it leads to would be asked for nothing.
  for (const { digest, mediaType } of image.manifests.toReversed()) {
    if (await hasManifest(push, digest)) continue;
    return push.rewriteIndexes === true && isIndexType(mediaType) ? presentRewritten(push) : undefined;
  }
  return { root: image.digest, rewrites: [] };
}

/** Looked at, not asked for: a HEAD can say what it likes. */
async function hasManifest({ session, name, signal }: Push, digest: Digest): Promise<boolean> {
  try {
    await session.getManifest(name.path, digest, signal);
    return true;
  } catch (error) {
    if (statusOf(error) === 404 || (error instanceof BundleError && error.code === 'INTEGRITY_DIGEST')) return false;
    throw error;
  }
}

async function hasBlobs({ image, queue, sender, name, signal }: Push): Promise<boolean> {
  const given = await Promise.all(image.blobs.map((blob) => queue.add(() => sender.gives(blob, { path: name.path, signal }))));
  return given.every((each) => each === true);
}

/** Referrers that are there, and that the registry does not tell of: an earlier run may have ended before their list was written. */
async function unlistedReferrers({ session, image, name, signal }: Push): Promise<ReadonlySet<Digest>> {
  const unlisted = new Set<Digest>();
  const own = (image.referrers ?? []).filter((referrer) => !isCosignTag(referrer));
  for (const [subject, group] of Map.groupBy(own, (referrer) => referrer.subject)) {
    const { referrers } = await listReferrers(session, name.path, { digest: subject, signal });
    for (const { digest } of group) if (!referrers.some((listed) => listed.digest === digest)) unlisted.add(digest);
  }
  return unlisted;
}

function isCosignTag({ tag }: LockedReferrer): boolean {
  return tag?.includes('.') === true;
}

async function presentRewritten(push: Push): Promise<Present | undefined> {
  const { image } = push;
  const rewritten = await rewriteIndexes(image, (manifest) => readManifest(push, manifest));
  const replaced = new Map(rewritten.map(({ replaces, digest }) => [replaces, digest]));
  for (const { digest } of image.manifests.toReversed()) if (!(await hasManifest(push, replaced.get(digest) ?? digest))) return undefined;
  return { root: replaced.get(image.digest) ?? image.digest, rewrites: rewritten.map(({ replaces, digest }) => ({ ref: image.ref, from: replaces, to: digest })) };
}

async function publishImage(push: Push): Promise<void> {
  await sendBlobs(push, false);
  try {
    await sendManifests(push);
  } catch (error) {
    // A registry that said "have it" in a HEAD and misses it now did not tell the truth the first time.
    if (!isMissingBlob(error)) throw error;
    await sendBlobs(push, true);
    await sendManifests(push);
  }
}

async function sendBlobs(push: Push, force: boolean): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([push.signal, stop.signal]);
  const results = await Promise.allSettled(push.image.blobs.map((blob) => push.queue.add(() => sendBlob(blob, { ...push, signal }, force).catch((error: unknown) => {
    stop.abort();
    throw error;
  }))));
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const first = failures.find((error) => !(error instanceof BundleError) || error.code !== 'INTERRUPTED') ?? failures[0];
  if (first !== undefined) throw first;
}

/** The first image that has a blob sends it; the others wait for that and mount it. */
async function sendBlob(blob: Descriptor, push: Push, force: boolean): Promise<void> {
  checkNotAborted(push.signal, `image ${push.image.ref}`);
  const { name, blobs, signal, notify, places, sender } = push;
  const elsewhere = await places.get(blob.digest)?.catch(() => undefined);
  if (elsewhere === name.path && !force) {
    notify({ kind: 'bytes', phase: 'publish', bytes: blob.size });
    return;
  }
  const work = sender.send(blob, { path: name.path, blobs, force, signal, notify, ...(elsewhere === undefined || force ? {} : { mountFrom: elsewhere }) });
  if (elsewhere === undefined) {
    const place = work.then(() => name.path);
    place.catch(() => places.delete(blob.digest));
    places.set(blob.digest, place);
  }
  await work;
}

const missingBlobCodes = new Set(['MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN']);

function isMissingBlob(error: unknown): boolean {
  const index = error instanceof BundleError && error.facts.details?.['index'] === true;
  return !index && refusalCodes(error)?.some((code) => missingBlobCodes.has(code)) === true;
}

async function sendManifests(push: Push): Promise<void> {
  const { image } = push;
  const inner = image.manifests.filter(({ mediaType }) => !isIndexType(mediaType));
  const indexes = image.manifests.filter(({ mediaType }) => isIndexType(mediaType)).toReversed();
  const unknownSubjects = new Set<Digest>();
  for (const manifest of inner) {
    const { subjectKnown } = await sendManifest(push, { ...manifest, bytes: await readManifest(push, manifest) });
    if (!subjectKnown) unknownSubjects.add(manifest.digest);
  }
  const rewritten = indexes.length === 0 ? [] : await rewriteIndexes(image, (manifest) => readManifest(push, manifest));
  const sparse = new Set(rewritten.map(({ replaces }) => replaces));
  let root = image.digest;
  try {
    for (const index of indexes) {
      const { subjectKnown } = await sendManifest(push, { ...index, bytes: await readManifest(push, index) }, sparse.has(index.digest) ? { retries: sparseRetries } : {});
      if (!subjectKnown) unknownSubjects.add(index.digest);
    }
  } catch (error) {
    root = await rewriteSparse(push, { error, indexes, rewritten });
  }
  addTags(push, root, unknownSubjects);
}

/** Stores a manifest by its digest, reads it back and compares. */
async function sendManifest({ session, name, signal, notify }: Push, { digest, mediaType, bytes }: ManifestBytes, retry: Partial<RetryPolicy> = {}): Promise<{ readonly subjectKnown: boolean }> {
  const result = await pushManifest(session, { path: name.path, reference: digest, mediaType, bytes, signal, notify, retry });
  await session.getManifest(name.path, digest, signal);
  return result;
}

/** What registries answer to an index that names manifests they do not have: zot, which looks for them when it collects garbage, fails with 500. */
const sparseRefusals: ReadonlySet<number> = new Set([400, 404, 409, 422, 500]);
const sparseRetries = 1;

interface Refused { readonly error: unknown; readonly indexes: readonly Descriptor[]; readonly rewritten: readonly RewrittenIndex[] }

async function rewriteSparse(push: Push, { error, indexes, rewritten }: Refused): Promise<Digest> {
  const { image } = push;
  if (!(error instanceof BundleError) || !['TARGET_REFUSED', 'TRANSFER_STATUS'].includes(error.code) || !sparseRefusals.has(Number(error.facts.details?.['status']))) throw error;
  if (rewritten.length === 0) throw error;
  if (push.rewriteIndexes !== true) {
    throw new BundleError('TARGET_REFUSED', {
      ...error.facts,
      subject: `image ${image.ref}`,
      expected: 'a registry that takes an index of which only the wanted platforms are there',
      next: 'Pass --rewrite-indexes: the index then lists only what is there, under a new digest. Or carry all platforms.',
      details: { ...error.facts.details, index: true },
    }, { cause: error });
  }
  for (const index of indexes) await sendManifest(push, rewritten.find(({ replaces }) => replaces === index.digest) ?? { ...index, bytes: await readManifest(push, index) });
  const root = rewritten.find(({ replaces }) => replaces === image.digest);
  for (const { replaces, digest } of rewritten) push.rewrites.push({ ref: image.ref, from: replaces, to: digest });
  push.notify({ kind: 'warning', subject: `image ${image.ref}`, message: `the registry takes no sparse index: ${image.digest} became ${root?.digest ?? image.digest}` });
  return root?.digest ?? image.digest;
}

const manifestBytes = 8 << 20;

async function readManifest({ blobs }: Push, { mediaType, digest, size }: Descriptor): Promise<Uint8Array> {
  if (size > manifestBytes) throw new BundleError('INTEGRITY_METADATA', { subject: digest, expected: `a manifest of at most ${manifestBytes} bytes`, actual: `${size} bytes` });
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.open({ mediaType, digest, size })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function addTags({ tags, image, name }: Push, root: Digest, unknownSubjects: ReadonlySet<Digest> = new Set()): void {
  if (name.tag !== undefined) tags.push({ kind: 'tag', path: name.path, tag: name.tag, digest: root });
  for (const referrer of image.referrers ?? []) {
    if (isCosignTag(referrer) && referrer.tag !== undefined) tags.push({ kind: 'tag', path: name.path, tag: referrer.tag, digest: referrer.digest });
    else if (unknownSubjects.has(referrer.digest)) tags.push({ kind: 'referrer', path: name.path, referrer });
  }
}
