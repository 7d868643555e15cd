// OCI image specification 1.1: manifest.md, image-index.md, descriptor.md; Docker image manifest version 2, schema 2.
import { z } from 'zod';
import { indexMediaType, manifestMediaType } from '../../bom/bundle.ts';
import { type Descriptor, type Digest, isDigest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';

export const dockerManifestMediaType = 'application/vnd.docker.distribution.manifest.v2+json';
export const dockerListMediaType = 'application/vnd.docker.distribution.manifest.list.v2+json';
/** Every kind that {@link parseManifest} reads, in the order to ask for. */
export const manifestMediaTypes: readonly string[] = [indexMediaType, manifestMediaType, dockerListMediaType, dockerManifestMediaType];

export function isIndexType(mediaType: string): boolean {
  return mediaType === indexMediaType || mediaType === dockerListMediaType;
}

export function isManifestType(mediaType: string): boolean {
  return manifestMediaTypes.includes(mediaType);
}

export interface ListedPlatform { readonly os: string; readonly architecture: string; readonly variant?: string | undefined }

/** A descriptor inside a manifest or an index. */
export interface ContentDescriptor extends Descriptor {
  readonly platform?: ListedPlatform | undefined;
  readonly artifactType?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Foreign layers: where upstream wants them to be fetched. */
  readonly urls?: readonly string[] | undefined;
}

export type Manifest =
  | {
    readonly kind: 'manifest'; readonly mediaType: string; readonly config: ContentDescriptor; readonly layers: readonly ContentDescriptor[];
    readonly artifactType?: string | undefined; readonly subject?: ContentDescriptor | undefined; readonly annotations?: Readonly<Record<string, string>> | undefined;
  }
  | {
    readonly kind: 'index'; readonly mediaType: string; readonly manifests: readonly ContentDescriptor[];
    readonly artifactType?: string | undefined; readonly subject?: ContentDescriptor | undefined; readonly annotations?: Readonly<Record<string, string>> | undefined;
  };

const maxEntries = 20_000;
const digest = z.string().refine(isDigest, 'expected a sha256 digest') as unknown as z.ZodType<Digest>;
const annotations = z.record(z.string(), z.string()).nullish().transform((value) => value ?? undefined);
const platform = z.object({ os: z.string(), architecture: z.string(), variant: z.string().nullish().transform((value) => value || undefined) });
const descriptor = z.object({
  mediaType: z.string().min(1).max(255),
  digest,
  size: z.int().min(0),
  platform: platform.nullish().transform((value) => value ?? undefined),
  artifactType: z.string().nullish().transform((value) => value ?? undefined),
  annotations,
  urls: z.array(z.string()).nullish().transform((value) => value ?? undefined),
});
const common = { schemaVersion: z.literal(2), artifactType: z.string().optional(), subject: descriptor.nullish().transform((value) => value ?? undefined), annotations };
const manifestSchema = z.object({ ...common, config: descriptor, layers: z.array(descriptor).max(maxEntries).nullish().transform((value) => value ?? []) });
const indexSchema = z.object({ ...common, manifests: z.array(descriptor).max(maxEntries).nullish().transform((value) => value ?? []) });

/**
 * The manifest or index in `bytes`. `mediaType` is what its descriptor or server called it; a type inside the document must agree with it
 * (image specification, "mediaType"), and a document that could be read as both kinds is refused. Throws `INTEGRITY_METADATA`, and
 * `RESOLVE_UNSUPPORTED` for Docker's schema 1 and digests other than sha256; `subject` names the image.
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, subject: string): Manifest {
  const document = parseObject(bytes, subject);
  const type = typeOf(document, mediaType, subject);
  if ('manifests' in document && ('layers' in document || 'config' in document)) throw metadata(subject, 'a manifest or an index', 'a document that is both');
  const index = isIndexType(type);
  const result = index ? indexSchema.safeParse(document) : manifestSchema.safeParse(document);
  if (!result.success) throw unreadable(result.error, { document, subject, index });
  const { artifactType, subject: referred, annotations: notes } = result.data;
  const shared = { mediaType: type, artifactType, subject: referred, annotations: notes };
  return 'manifests' in result.data
    ? { kind: 'index', ...shared, manifests: result.data.manifests }
    : { kind: 'manifest', ...shared, config: result.data.config, layers: result.data.layers };
}

function parseObject(bytes: Uint8Array, subject: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'a JSON document', actual: (cause as Error).message.slice(0, 200) }, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw metadata(subject, 'a manifest', 'another JSON value');
  return value as Record<string, unknown>;
}

function typeOf(document: Readonly<Record<string, unknown>>, said: string, subject: string): string {
  const own = typeof document['mediaType'] === 'string' ? document['mediaType'] : undefined;
  if (document['schemaVersion'] === 1) {
    throw new BundleError('RESOLVE_UNSUPPORTED', {
      subject, expected: 'an OCI or Docker schema 2 manifest', actual: 'Docker schema 1', next: 'Push the image again with a current tool; schema 1 has no stable digests of its layers.',
    });
  }
  const known = manifestMediaTypes.includes(said);
  if (own !== undefined && known && own !== said) throw metadata(subject, `the media type ${said} inside too`, own);
  const type = own ?? (known ? said : 'manifests' in document ? indexMediaType : manifestMediaType);
  if (!manifestMediaTypes.includes(type)) throw metadata(subject, 'a manifest or an index', `media type ${JSON.stringify(type.slice(0, 100))}`);
  return type;
}

function unreadable(error: z.ZodError, { document, subject, index }: { readonly document: object; readonly subject: string; readonly index: boolean }): BundleError {
  const issue = error.issues[0];
  const where = issue?.path.join('.') ?? '';
  const value = issue?.path.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined), document);
  if (typeof value === 'string' && where.endsWith('digest') && /^(?!sha256)[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+$/.test(value)) {
    return new BundleError('RESOLVE_UNSUPPORTED', { subject: `${subject} ${where}`, expected: 'sha256 digests', actual: value.slice(0, 40) });
  }
  return metadata(`${subject} ${where}`.trim(), index ? 'an image index' : 'an image manifest', issue?.message ?? 'something else');
}

function metadata(subject: string, expected: string, actual: string): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject, expected, actual });
}

/** Whether upstream forbids to pass this layer on (image specification 1.0, layer.md "Non-Distributable Layers"; Docker's foreign layers). */
export function isForeign({ mediaType }: Descriptor): boolean {
  return mediaType.includes('.nondistributable.') || mediaType === 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
}
