// The BOM that a module's image carries: as an artifact, in a label, as a file in its layers (read, never run), or as a referrer.
// OCI image specification 1.1: config.md ("Labels"), layer.md ("Whiteouts"); distribution specification 1.1 ("Content Discovery").
import { posix } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Parser } from 'tar';
import type { Descriptor, Digest } from '../../bom/digest.ts';
import { documentText } from '../../bom/documents/utf8.ts';
import { BundleError, checkNotAborted } from '../../bom/errors.ts';
import { bomMediaType } from '../../bom/lock.ts';
import { canonicalReference, type Reference } from '../../bom/reference.ts';
import { type ContentDescriptor, type Manifest, parseManifest } from '../../formats/oci/manifest.ts';
import { isImageConfig } from '../../formats/oci/platform.ts';
import { verified } from '../../formats/oci/verified.ts';
import { statusOf } from '../../transport/http-errors.ts';
import type { FetchedManifest, RegistryPool, RegistrySession } from '../../transport/registry.ts';
import { listReferrers } from '../../transport/registry-discovery.ts';
import { firstGood } from './in-order.ts';

/** Label of an image whose value is the BOM itself, as YAML or JSON. */
export const bomLabel = 'dev.longshore.bom';
/** Path of the BOM in an image. */
export const bomPath = 'longshore/bom.yaml';
/** Also the artifactType of a BOM that is an artifact. */
export const bomArtifactType = bomMediaType;

export interface ImageBom {
  readonly bytes: Uint8Array;
  /** Of the manifest or index that the reference names. */
  readonly digest: Digest;
  readonly found: 'artifact' | 'label' | 'file' | 'referrer';
}

/** Most of a BOM, of a config, and of what comes out of all layers of an image. */
export const moduleLimits = { bomBytes: 8 << 20, configBytes: 4 << 20, unpackedBytes: 16 * 2 ** 30, entries: 2_000_000 } as const;

interface Asking { readonly session: RegistrySession; readonly path: string; readonly subject: string; readonly signal: AbortSignal }

/**
 * The BOM behind a reference. Looked for in this order: the reference is a BOM artifact; a label of the image; a file in its layers; a referrer.
 * What the image's own digest covers comes first. Of an index, linux/amd64 is read, else its first image. Throws `RESOLVE_NOT_FOUND`, integrity
 * and transfer errors.
 */
export async function readImageBom(reference: Reference, { registry, signal }: { readonly registry: RegistryPool; readonly signal: AbortSignal }): Promise<ImageBom> {
  const subject = `module ${canonicalReference(reference)}`;
  const by = reference.digest === undefined ? 'tag' : 'digest';
  return firstGood({ subject, sources: registry.endpoints(reference, by), nameOf: ({ host, path }) => `${host}/${path}` }, async (place) => {
    const asking: Asking = { session: registry.session(place), path: place.path, subject, signal };
    const root = await manifestOf(asking, reference.digest ?? reference.tag ?? 'latest');
    const artifact = await artifactBom(root, asking);
    if (artifact !== undefined) return { bytes: artifact, digest: root.fetched.digest, found: 'artifact' };
    const image = await imageOf(root, asking);
    const found = image === undefined ? undefined : await labelBom(image, asking) ?? await fileBom(image, asking);
    if (found !== undefined) return { ...found, digest: root.fetched.digest };
    const referrer = await referrerBom([root, ...(image === undefined ? [] : [image])], asking);
    if (referrer !== undefined) return { bytes: referrer, digest: root.fetched.digest, found: 'referrer' };
    throw new BundleError('RESOLVE_NOT_FOUND', {
      subject, expected: `a BOM: a label ${bomLabel}, a file /${bomPath}, or a referrer of type ${bomArtifactType}`, actual: 'none of them',
      next: 'Ask the module\'s publisher for one, or publish it with `longshore bom push FILE --subject IMAGE`.',
    });
  });
}

interface Parsed { readonly fetched: FetchedManifest; readonly parsed: Manifest }

async function manifestOf({ session, path, subject, signal }: Asking, reference: string): Promise<Parsed> {
  const fetched = await session.getManifest(path, reference, signal).catch((cause: unknown) => {
    throw statusOf(cause) === 404 ? new BundleError('RESOLVE_NOT_FOUND', { subject, expected: 'an image or a BOM of that name', actual: `no ${session.host}/${path} ${reference}` }, { cause }) : cause;
  });
  return { fetched, parsed: parseManifest(fetched.bytes, fetched.mediaType, subject) };
}

async function artifactBom({ parsed }: Parsed, asking: Asking): Promise<Uint8Array | undefined> {
  if (parsed.kind !== 'manifest' || (parsed.artifactType !== bomArtifactType && parsed.config.mediaType !== bomArtifactType)) return undefined;
  const [layer] = parsed.layers;
  if (layer === undefined) throw damaged(asking.subject, 'an artifact with a BOM in it', 'an empty one');
  return small(layer, moduleLimits.bomBytes, asking);
}

async function small(blob: Descriptor, maxBytes: number, { session, path, subject, signal }: Asking): Promise<Buffer> {
  if (blob.size > maxBytes) throw damaged(subject, `at most ${maxBytes} bytes in ${blob.mediaType}`, `${blob.size} bytes`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of verified(session.streamBlob(path, blob, { signal }), blob, { subject })) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** The image that is looked into; undefined for other artifacts. */
async function imageOf(root: Parsed, asking: Asking, depth = 0): Promise<Parsed | undefined> {
  const { parsed } = root;
  if (parsed.kind === 'manifest') return isImageConfig(parsed.config.mediaType) ? root : undefined;
  if (depth > 4) throw damaged(asking.subject, 'indexes at most 4 deep', 'more');
  const images = parsed.manifests.filter(({ platform }) => platform?.os !== 'unknown');
  const chosen: ContentDescriptor | undefined = images.find(({ platform }) => platform?.os === 'linux' && platform.architecture === 'amd64') ?? images[0];
  return chosen === undefined ? undefined : imageOf(await manifestOf(asking, chosen.digest), asking, depth + 1);
}

async function labelBom({ parsed }: Parsed, asking: Asking): Promise<Pick<ImageBom, 'bytes' | 'found'> | undefined> {
  if (parsed.kind !== 'manifest') return undefined;
  const text = documentText(await small(parsed.config, moduleLimits.configBytes, asking), `${asking.subject}, configuration`);
  let labels: unknown;
  try {
    labels = (JSON.parse(text) as { readonly config?: { readonly Labels?: unknown } }).config?.Labels;
  } catch (cause) {
    throw new BundleError('INTEGRITY_METADATA', { subject: asking.subject, expected: 'the configuration of an image', actual: (cause as Error).message.slice(0, 200) }, { cause });
  }
  const value: unknown = typeof labels === 'object' && labels !== null && Object.hasOwn(labels, bomLabel) ? (labels as Readonly<Record<string, unknown>>)[bomLabel] : undefined;
  return typeof value === 'string' && value.trim() !== '' ? { bytes: new TextEncoder().encode(value), found: 'label' } : undefined;
}

/** From the topmost layer down: the first that has the file, or says that what lies below is gone. */
async function fileBom({ parsed }: Parsed, asking: Asking): Promise<Pick<ImageBom, 'bytes' | 'found'> | undefined> {
  if (parsed.kind !== 'manifest') return undefined;
  const budget = { bytes: moduleLimits.unpackedBytes, entries: moduleLimits.entries };
  for (const layer of parsed.layers.toReversed()) {
    const state = await scanLayer(layer, budget, asking);
    if (state.content !== undefined) return { bytes: state.content, found: 'file' };
    if (state.hidden) return undefined;
  }
  return undefined;
}

interface LayerState { content?: Buffer; hidden: boolean }

/** Reads a layer to its end, so that it is verified before anything of it is used. */
async function scanLayer(layer: Descriptor, budget: { bytes: number; entries: number }, { session, path, subject, signal }: Asking): Promise<LayerState> {
  const state: LayerState = { hidden: false };
  let failure: BundleError | undefined;
  const parser = new Parser({
    strict: true, maxMetaEntrySize: 1 << 20,
    onReadEntry: (entry) => {
      budget.entries -= 1;
      if (budget.entries < 0) failure ??= damaged(subject, `at most ${moduleLimits.entries} entries in all layers`, 'more');
      const name = posix.normalize(entry.path).replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '');
      if (name === bomPath) failure ??= wanted(entry.type, entry.size, subject);
      if (name === bomPath && failure === undefined) {
        const chunks: Buffer[] = [];
        entry.on('data', (chunk: Buffer) => chunks.push(Buffer.from(chunk)));
        entry.on('end', () => { state.content = Buffer.concat(chunks); });
        return;
      }
      if (hides(name, entry.type)) state.hidden = true;
      entry.resume();
    },
  });
  const counted = new Transform({
    transform: (chunk: Buffer, _, done) => {
      budget.bytes -= chunk.length;
      failure ??= budget.bytes < 0 ? damaged(subject, `at most ${moduleLimits.unpackedBytes} bytes in all layers`, 'more') : undefined;
      done(failure ?? null, chunk);
    },
  });
  const source = Readable.from(copies(verified(session.streamBlob(path, layer, { signal }), layer, { subject: `${subject}, layer ${layer.digest}` })));
  // The parser is a stream in all but its type.
  const stages: (NodeJS.ReadableStream | NodeJS.WritableStream)[] = [source, ...decoders(layer.mediaType, subject), counted, parser as unknown as NodeJS.WritableStream];
  try {
    await pipeline(stages as (NodeJS.ReadWriteStream)[], { signal });
  } catch (cause) {
    checkNotAborted(signal, subject);
    if (failure !== undefined) throw failure;
    if (cause instanceof BundleError) throw cause;
    throw new BundleError('INTEGRITY_METADATA', { subject: `${subject}, layer ${layer.digest}`, expected: `a layer of type ${layer.mediaType}`, actual: (cause as Error).message }, { cause });
  }
  if (failure !== undefined) throw failure;
  return state;
}

/** Bytes that stay as they are: those of a registry may be overwritten, and streams hold them longer. */
async function* copies(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) yield Buffer.from(chunk);
}

function decoders(mediaType: string, subject: string): NodeJS.ReadWriteStream[] {
  if (/(?:\+|\.)gzip$/.test(mediaType)) return [createGunzip()];
  if (mediaType.endsWith('+zstd')) return [createZstdDecompress()];
  if (/\.tar$/.test(mediaType)) return [];
  throw new BundleError('RESOLVE_UNSUPPORTED', { subject, expected: 'layers as tar, gzip or zstd', actual: mediaType.slice(0, 100) });
}

function wanted(type: string, size: number, subject: string): BundleError | undefined {
  if (type !== 'File' && type !== 'OldFile' && type !== 'ContiguousFile') return new BundleError('RESOLVE_UNSUPPORTED', { subject, expected: `a regular file /${bomPath}`, actual: `a ${type}`, next: 'Put the file itself there: links in layers are not followed.' });
  return size > moduleLimits.bomBytes ? damaged(subject, `a BOM of at most ${moduleLimits.bomBytes} bytes`, `${size} bytes`) : undefined;
}

/** Whether an entry makes what lower layers have at the path disappear: whiteouts, opaque folders, something else in place of the folder. */
function hides(name: string, type: string): boolean {
  const [folder = '', file = ''] = bomPath.split('/');
  if ([`${folder}/.wh.${file}`, `${folder}/.wh..wh..opq`, `.wh.${folder}`, '.wh..wh..opq'].includes(name)) return true;
  return name === folder && type !== 'Directory';
}

async function referrerBom(subjects: readonly Parsed[], asking: Asking): Promise<Uint8Array | undefined> {
  for (const { fetched } of subjects) {
    const { referrers } = await listReferrers(asking.session, asking.path, { digest: fetched.digest, signal: asking.signal });
    const own = referrers.filter(({ artifactType }) => artifactType === bomArtifactType);
    if (own.length > 1) throw new BundleError('RESOLVE_CONFLICT', { subject: asking.subject, expected: 'one BOM that refers to it', actual: own.map(({ digest }) => digest).join(', '), next: 'Name the one that is meant: oci://…@sha256:….' });
    const [first] = own;
    if (first !== undefined) return artifactBom(await manifestOf(asking, first.digest), asking);
  }
  return undefined;
}

function damaged(subject: string, expected: string, actual: string): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject, expected, actual });
}
