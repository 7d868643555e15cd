// Images that lie in a file: OCI image layout (image specification 1.1, image-layout.md) as folder or tar; `docker save` (moby image specification 1.2).
import { createHash } from 'node:crypto';
import { indexMediaType, manifestMediaType, refNameAnnotation } from '../../bom/bundle.ts';
import { canonicalBytes } from '../../bom/canonical-json.ts';
import { type Descriptor, type Digest, digestFromHex, digestOf, hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import { canonicalReference, parseReference } from '../../bom/reference.ts';
import type { ImageRequirement } from '../../bom/requirement.ts';
import { parseDiffIds, parseSavedImages, type SavedImage } from '../../formats/oci/docker-archive.ts';
import { type ContentDescriptor, parseManifest } from '../../formats/oci/manifest.ts';
import { verified } from '../../formats/oci/verified.ts';
import type { FetchedManifest } from '../../transport/registry.ts';
import { type ArchiveFiles, openArchiveFiles } from './image-archive-files.ts';
import { isBeside } from './layout-entry.ts';

/** One image of an archive, by digest. */
export interface ArchivedImage {
  readonly root: FetchedManifest;
  /** What the top level of a layout lists; nothing for `docker save`. */
  readonly entries: readonly ContentDescriptor[];
  /** Throws `RESOLVE_NOT_FOUND` when the archive lists a manifest that it does not hold. */
  manifest(descriptor: Descriptor): Promise<FetchedManifest>;
  /** A whole blob, verified. */
  open(blob: Descriptor): Bytes;
  close(): Promise<void>;
}

interface Place { readonly files: ArchiveFiles; readonly subject: string; readonly ref: string; readonly digest?: Digest }

const metadataBytes = 8 << 20;

/**
 * The image that `requirement.archive` holds under the requirement's name, its tag, its digest, or as the only one. What `docker save`
 * wrote without manifests gets one: an OCI manifest over the layers as they lie, the same for the same archive.
 */
export async function openArchivedImage(
  requirement: Pick<ImageRequirement, 'ref' | 'digest' | 'archive'>, options: { readonly spoolDir: string; readonly signal: AbortSignal },
): Promise<ArchivedImage> {
  const { archive, ref } = requirement;
  if (archive === undefined) throw new Error(`no archive for ${ref}`);
  const subject = `image ${ref} (${archive.written})`;
  const files = await openArchiveFiles(archive.path, { subject, ...options });
  try {
    const digest = requirement.digest ?? parseReference(ref).digest;
    const place: Place = { files, subject, ref, ...(digest === undefined ? {} : { digest }) };
    if (await files.sizeOf('index.json') !== undefined) return await layoutImage(place);
    if (await files.sizeOf('manifest.json') !== undefined) return await savedImage(place);
    throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'index.json (OCI layout) or manifest.json (docker save)', actual: 'neither' });
  } catch (error) {
    await files.close();
    throw error;
  }
}

async function readWhole({ files, subject }: Place, name: string): Promise<Uint8Array> {
  const size = await files.sizeOf(name);
  if (size === undefined) throw new BundleError('RESOLVE_NOT_FOUND', { subject, expected: `${name} inside the archive`, actual: 'nothing of that name' });
  if (size > metadataBytes) throw new BundleError('INTEGRITY_METADATA', { subject: `${subject}: ${name}`, expected: `at most ${metadataBytes} bytes`, actual: `${size} bytes` });
  const chunks: Uint8Array[] = [];
  for await (const chunk of files.open(name)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const blobName = (digest: Digest): string => `blobs/sha256/${hexOf(digest)}`;

async function layoutImage(place: Place): Promise<ArchivedImage> {
  const { files, subject } = place;
  const index = parseManifest(await readWhole(place, 'index.json'), indexMediaType, `${subject}: index.json`);
  const entries = index.kind === 'index' ? index.manifests : [];
  const entry = choose(place, entries.filter((item) => !isBeside(item)).map((item) => ({ item, digest: item.digest, names: [item.annotations?.['io.containerd.image.name'], item.annotations?.[refNameAnnotation]].filter((name) => name !== undefined) })));
  const manifest = async ({ mediaType, digest }: Descriptor): Promise<FetchedManifest> => {
    const bytes = await readWhole(place, blobName(digest));
    const actual = digestOf(bytes);
    if (actual !== digest) throw new BundleError('INTEGRITY_DIGEST', { subject: `${subject}: ${blobName(digest)}`, expected: digest, actual });
    return { mediaType, digest, size: bytes.length, bytes };
  };
  return {
    root: await manifest(entry),
    entries,
    manifest,
    open: (blob) => verified(files.open(blobName(blob.digest)), blob, { subject: `${subject}: ${blobName(blob.digest)}` }),
    close: () => files.close(),
  };
}

interface Named<T> { readonly item: T; readonly names: readonly string[]; readonly digest?: Digest }

/** By digest, by full name, by tag, or the only one there is. */
function choose<T>({ subject, ref, digest }: Place, images: readonly Named<T>[]): T {
  const { tag } = parseReference(ref);
  const full = canonicalReference({ ...parseReference(ref), ...(tag === undefined ? {} : { tag }) }).replace(/@.*$/, '');
  const sameName = (name: string): boolean => name === full || isSame(name, full);
  const found = images.find((image) => digest !== undefined && image.digest === digest)
    ?? images.find(({ names }) => names.some(sameName))
    ?? images.find(({ names }) => tag !== undefined && names.includes(tag))
    ?? (images.length === 1 ? images[0] : undefined);
  if (found !== undefined) return found.item;
  throw new BundleError('RESOLVE_NOT_FOUND', {
    subject, expected: `${full} in the archive`, actual: images.length === 0 ? 'no image' : images.flatMap(({ names }) => names).slice(0, 20).join(', ') || `${images.length} images without names`,
  });
}

function isSame(name: string, full: string): boolean {
  try {
    return name.includes('/') || name.includes(':') ? canonicalReference(name) === full : false;
  } catch (error) {
    if (error instanceof BundleError) return false; // a name that is no reference names another image
    throw error;
  }
}

const savedConfigType = 'application/vnd.oci.image.config.v1+json';
const savedLayerType = 'application/vnd.oci.image.layer.v1.tar';

async function savedImage(place: Place): Promise<ArchivedImage> {
  const { files, subject } = place;
  const list = parseSavedImages(await readWhole(place, 'manifest.json'), subject);
  const saved = choose<SavedImage>(place, list.map((item) => ({ item, names: item.tags })));
  const config = await readWhole(place, saved.config);
  const diffIds = parseDiffIds(config, subject);
  if (diffIds.length !== saved.layers.length) {
    throw new BundleError('INTEGRITY_METADATA', { subject, expected: `${diffIds.length} layers, as its config says`, actual: `${saved.layers.length}` });
  }
  const configBlob: Descriptor = { mediaType: savedConfigType, digest: digestOf(config), size: config.length };
  const names = new Map<Digest, string>([[configBlob.digest, saved.config]]);
  const layers: Descriptor[] = [];
  for (const [at, name] of saved.layers.entries()) {
    const layer = await layerOf(place, name, diffIds[at] as Digest);
    names.set(layer.digest, name);
    layers.push(layer);
  }
  const bytes = canonicalBytes({ schemaVersion: 2, mediaType: manifestMediaType, config: configBlob, layers });
  const root = { mediaType: manifestMediaType, digest: digestOf(bytes), size: bytes.length, bytes };
  return {
    root,
    entries: [],
    manifest: async ({ digest }) => { throw new BundleError('RESOLVE_NOT_FOUND', { subject, expected: `manifest ${digest}`, actual: 'a docker save archive, which has one image each' }); },
    open: (blob) => verified(files.open(names.get(blob.digest) ?? blob.digest), blob, { subject: `${subject}: ${names.get(blob.digest) ?? blob.digest}` }),
    close: () => files.close(),
  };
}

/** A layer as it lies: most tools save it uncompressed, and then its digest is its diff id; gzip is hashed. */
async function layerOf({ files, subject }: Place, name: string, diffId: Digest): Promise<Descriptor> {
  const size = await files.sizeOf(name);
  if (size === undefined) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `the layer ${name}`, actual: 'nothing of that name' });
  const start: number[] = [];
  for await (const chunk of files.open(name, { start: 0, end: 2 })) start.push(...chunk);
  if (start[0] !== 0x1f || start[1] !== 0x8b) return { mediaType: savedLayerType, digest: diffId, size };
  const hash = createHash('sha256');
  for await (const chunk of files.open(name)) hash.update(chunk);
  return { mediaType: `${savedLayerType}+gzip`, digest: digestFromHex(hash.digest('hex')), size };
}

