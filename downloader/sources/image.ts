import { tmpdir } from 'node:os';
import PQueue from 'p-queue';
import { craneEvidence, isCheckableEvidence } from '../../bom/aggregate-promises.ts';
import type { Descriptor } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Notify } from '../../bom/events.ts';
import type { LockedImage } from '../../bom/lock.ts';
import type { BlobReader, BlobWriter, Bytes, FileSink, Source } from '../../bom/ports.ts';
import { canonicalReference, parseReference, type Reference } from '../../bom/reference.ts';
import type { ImageRequirement } from '../../bom/requirement.ts';
import { manifestMediaTypes } from '../../formats/oci/manifest.ts';
import { statusOf } from '../../transport/http-errors.ts';
import type { FetchedManifest, RegistryPlace, RegistryPool } from '../../transport/registry.ts';
import { settled } from '../failures.ts';
import { openArchivedImage } from './image-archive.ts';
import { expectReferrers, findReferrers, type FoundReferrer, type ReferrerPlace, wantedKinds } from './image-referrers.ts';
import { expectTrustRoot, verifySignatures } from './image-signature.ts';
import { checkEvidence } from './image-evidence.ts';
import { type ImageContent, walkImage } from './image-walk.ts';
import { archivePlace, registryPlace } from './referrer-places.ts';
import { type Choice, firstGood, streamInOrder, Turns } from './in-order.ts';

export interface ImageSourceOptions {
  readonly registry: RegistryPool;
  readonly blobs: BlobReader & BlobWriter;
  readonly notify: Notify;
  /** Where a compressed image archive is unpacked while it is read; the system's temporary folder when left out. */
  readonly spoolDir?: string;
  /** Vouches for keyless signers where a requirement names no trust root: a sigstore trusted_root.json. */
  readonly trustRoot?: string;
  /** Requests for manifests at the same time. */
  readonly concurrency?: number;
}

/**
 * Images from OCI and Docker registries, and from image archives, whose content is stored while resolving. `resolve` asks the sources in order, checks every manifest against its digest and stores it; an
 * image that names a digest is `declared`, a tag is `first-use`. Throws `RESOLVE_NOT_FOUND`, `RESOLVE_PLATFORM`, integrity and transfer errors;
 * every image that fails is named.
 */
export function createImageSource(options: ImageSourceOptions): Source<'image'> {
  const queue = new PQueue({ concurrency: options.concurrency ?? 12 });
  const turns = new Turns();
  return {
    async resolve(wanted, signal) {
      for (const requirement of wanted) expectTrustRoot(requirement, options.trustRoot);
      const results = await settled(wanted.map((requirement) => resolveImage(requirement, { ...options, queue, signal })));
      return { artifacts: results.map(({ image }) => image), dropped: results.flatMap(({ dropped }) => dropped) };
    },
    fetch(image, blob, { offset = 0, into, signal }) {
      const places = sourcesOf(image.sources).flatMap((source) => options.registry.endpoints(source, 'digest'));
      const choice = { subject: `image ${image.ref}`, sources: places, nameOf: nameOfSource };
      return turns.take(blob.digest, (first) =>
        streamInOrder(choice, { offset, first }, (source, at) => openContent(options.registry, source, { blob, offset: at, into, signal })));
    },
  };
}

interface Resolving extends ImageSourceOptions { readonly queue: PQueue; readonly signal: AbortSignal }
interface Resolved { readonly image: LockedImage; readonly dropped: readonly { readonly what: string; readonly because: string }[] }

async function resolveImage(requirement: ImageRequirement, context: Resolving): Promise<Resolved> {
  const { queue, signal, registry, blobs, notify } = context;
  const subject = `image ${requirement.ref}`;
  if (requirement.archive !== undefined) return resolveArchived(requirement, context);
  const sources = sourcesOf(requirement.sources.length > 0 ? requirement.sources : [requirement.ref]);
  const digest = requirement.digest ?? parseReference(requirement.ref).digest;
  const choiceBy = (by: 'digest' | 'tag'): Choice<RegistryPlace> => ({ subject, sources: sources.flatMap((source) => registry.endpoints(source, by)), nameOf: nameOfSource });
  const choice = choiceBy('digest');
  const get = (from: Choice<RegistryPlace>, reference: (source: RegistryPlace) => string): Promise<FetchedManifest> =>
    queue.add(() => firstGood(from, (source) => getManifest(registry, source, { reference: reference(source), subject, signal })), { signal });
  const root = digest === undefined ? await get(choiceBy('tag'), (source) => source.digest ?? source.tag ?? 'latest') : await get(choice, () => digest);
  const read = (descriptor: Descriptor): Promise<Uint8Array> => queue.add(() => smallBlob(descriptor, { sources: choice, context }), { signal });
  const walked = await walkImage(root, { requirement, manifest: async (descriptor) => checkSize(await get(choice, () => descriptor.digest), descriptor, subject), blob: read });
  checkEvidence(requirement, walked, notify);
  const places = choice.sources.map((source) => registryPlace(registry, source, signal));
  const referrers = await referrersOf(walked, { root, requirement, places, read, trustRoot: context.trustRoot });
  const content = withReferrers(walked, referrers);
  for (const manifest of content.manifests) await blobs.put(manifest, once(manifest.bytes), signal);
  notify({ kind: 'done', phase: 'lock', item: subject, bytes: content.manifests.reduce((sum, { size }) => sum + size, 0) });
  return { image: lockedImage(requirement, sources, { content, referrers, declared: digest !== undefined }), dropped: droppedOf(subject, content) };
}

/** All of an archived image goes into the store now: nobody can fetch it later. */
async function resolveArchived(requirement: ImageRequirement, context: Resolving): Promise<Resolved> {
  const { blobs, signal, notify } = context;
  const subject = `image ${requirement.ref}`;
  const declared = requirement.digest ?? parseReference(requirement.ref).digest;
  const image = await openArchivedImage(requirement, { spoolDir: context.spoolDir ?? tmpdir(), signal });
  try {
    if (declared !== undefined && image.root.digest !== declared) throw new BundleError('INTEGRITY_DIGEST', { subject, expected: declared, actual: image.root.digest });
    const read = (descriptor: Descriptor): Promise<Uint8Array> => whole(image.open(smallEnough(descriptor, subject)));
    const walked = await walkImage(image.root, {
      requirement,
      manifest: async (descriptor) => checkSize(await image.manifest(descriptor), descriptor, subject),
      blob: read,
    });
    const places = [archivePlace(image, requirement.archive?.written ?? '')];
    const referrers = await referrersOf(walked, { root: image.root, requirement, places, read, trustRoot: context.trustRoot });
    const content = withReferrers(walked, referrers);
    for (const blob of content.blobs) await blobs.put(blob, image.open(blob), signal);
    for (const manifest of content.manifests) await blobs.put(manifest, once(manifest.bytes), signal);
    notify({ kind: 'done', phase: 'lock', item: subject, bytes: content.blobs.reduce((sum, { size }) => sum + size, 0) });
    return { image: lockedImage(requirement, [], { content, referrers, declared: declared !== undefined }), dropped: droppedOf(subject, content) };
  } finally {
    await image.close();
  }
}

function lockedImage(
  requirement: ImageRequirement, sources: readonly Reference[], found: { readonly content: ImageContent; readonly referrers: readonly FoundReferrer[]; readonly declared: boolean },
): LockedImage {
  const { content, referrers, declared } = found;
  const [root] = content.manifests;
  if (root === undefined) throw new Error(`no manifest of ${requirement.ref}`);
  const { ref, as, artifactKind, role, usedBy } = requirement;
  return {
    ref,
    digest: root.digest,
    mediaType: root.mediaType,
    size: root.size,
    sources: sources.map((source) => canonicalReference(source)),
    platforms: content.platforms,
    manifests: content.manifests.map(({ mediaType, digest, size, platform }) => ({ mediaType, digest, size, ...(platform === undefined ? {} : { platform }) })),
    blobs: [...content.blobs],
    ...(referrers.length === 0 ? {} : { referrers: referrers.map(({ referrer }) => referrer) }),
    ...evidenceOf(requirement),
    ...(content.foreign.length === 0 ? {} : { foreign: [...content.foreign] }),
    ...(as === undefined ? {} : { as }),
    kind: artifactKind,
    role,
    trust: requirement.cosign !== undefined ? 'verified' : declared ? 'declared' : 'first-use',
    usedBy: [...usedBy],
  };
}

/** What only the content can answer, for when it is here. */
function evidenceOf({ evidence = [] }: ImageRequirement): Pick<LockedImage, 'evidence'> {
  const late = evidence.filter((each) => each.kind === craneEvidence && isCheckableEvidence(each)).map(({ kind, value, reference = '', format, allowMismatch }) =>
    ({ kind, value: value.toLowerCase(), reference, ...(format === undefined ? {} : { format }), ...(allowMismatch ? { allowMismatch } : {}) }));
  return late.length === 0 ? {} : { evidence: late };
}

interface Referring {
  readonly root: FetchedManifest; readonly requirement: ImageRequirement; readonly places: readonly ReferrerPlace[]; readonly read: (blob: Descriptor) => Promise<Uint8Array>;
  readonly trustRoot: string | undefined;
}

async function referrersOf(content: ImageContent, { root, requirement, places, read, trustRoot }: Referring): Promise<readonly FoundReferrer[]> {
  if (wantedKinds(requirement).size === 0) return [];
  const search = { requirement, places };
  const found = await findReferrers(content.manifests.map(({ digest }) => digest), search);
  expectReferrers(found, search, new Set(content.attestations ? ['attestation'] : []));
  await verifySignatures({ requirement, root, found, read, trustRoot });
  return found;
}

/** The image with what refers to it: their manifests and blobs travel like its own. */
function withReferrers(content: ImageContent, referrers: readonly FoundReferrer[]): ImageContent {
  const manifests = new Map([...content.manifests, ...referrers.flatMap(({ manifests }) => manifests)].map((manifest) => [manifest.digest, manifest]));
  const added = referrers.flatMap((referrer) => referrer.blobs.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })));
  const blobs = new Map<string, Descriptor>();
  for (const blob of [...content.blobs, ...added]) if (!blobs.has(blob.digest)) blobs.set(blob.digest, blob);
  return { ...content, manifests: [...manifests.values()], blobs: [...blobs.values()] };
}

function droppedOf(subject: string, content: ImageContent): Resolved['dropped'] {
  return content.foreign.map(({ digest }) => ({ what: `layer ${digest} of ${subject}`, because: 'its publisher forbids to pass it on (foreign layer)' }));
}

function sourcesOf(texts: readonly string[]): Reference[] {
  return texts.map((text) => parseReference(text));
}

function nameOfSource(source: Reference): string {
  return `${source.host}/${source.path}`;
}

async function getManifest(
  registry: RegistryPool, source: RegistryPlace, ask: { readonly reference: string; readonly subject: string; readonly signal: AbortSignal },
): Promise<FetchedManifest> {
  try {
    return await registry.session(source).getManifest(source.path, ask.reference, ask.signal);
  } catch (cause) {
    if (statusOf(cause) !== 404) throw cause;
    const name = ask.reference.startsWith('sha256:') ? `${nameOfSource(source)}@${ask.reference}` : `${nameOfSource(source)}:${ask.reference}`;
    throw new BundleError('RESOLVE_NOT_FOUND', { subject: ask.subject, expected: 'an image of that name', actual: `no ${name} (status 404)` }, { cause });
  }
}

function checkSize(manifest: FetchedManifest, descriptor: Descriptor, subject: string): FetchedManifest {
  if (manifest.size === descriptor.size) return manifest;
  throw new BundleError('INTEGRITY_SIZE', { subject: `${subject}, manifest ${descriptor.digest}`, expected: `${descriptor.size} bytes`, actual: `${manifest.size} bytes` });
}

const smallBytes = 16 << 20;

/** A config, stored and read back: what is looked into while locking is content that travels. */
async function smallBlob(
  blob: Descriptor, { sources, context }: { readonly sources: Choice<RegistryPlace>; readonly context: Resolving },
): Promise<Uint8Array> {
  smallEnough(blob, sources.subject);
  const { blobs, registry, signal } = context;
  await firstGood(sources, (source) => blobs.fill(blob, (offset) => openContent(registry, source, { blob, offset, signal }), signal));
  return whole(blobs.open(blob));
}

function smallEnough(blob: Descriptor, subject: string): Descriptor {
  if (blob.size <= smallBytes) return blob;
  throw new BundleError('INTEGRITY_METADATA', { subject: `${subject}, config ${blob.digest}`, expected: `at most ${smallBytes} bytes`, actual: `${blob.size} bytes` });
}

async function whole(bytes: Bytes): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A manifest lives at another address than a blob. */
async function* openContent(
  registry: RegistryPool, source: RegistryPlace, { blob, offset, into, signal }: { readonly blob: Descriptor; readonly offset: number; readonly into?: FileSink | undefined; readonly signal: AbortSignal },
): Bytes {
  const session = registry.session(source);
  if (!manifestMediaTypes.includes(blob.mediaType)) return yield* session.streamBlob(source.path, blob, { offset, into, signal });
  yield (await session.getManifest(source.path, blob.digest, signal)).bytes.subarray(offset);
}

async function* once(bytes: Uint8Array): Bytes {
  yield bytes;
}
