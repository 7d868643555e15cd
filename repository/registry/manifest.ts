// What a pushed manifest says. OCI image specification 1.1: manifest.md, image-index.md; Docker image manifest version 2, schema 2.
import { digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { type Address, isAddress, isAnyDigest } from './grammar.ts';
import type { PushedManifest } from './pushed.ts';

/** Every registry has to take 4 MiB ("Pushing Manifests"); this one takes no more. */
export const manifestLimitBytes = 4 * 1024 * 1024;

export const ociIndex = 'application/vnd.oci.image.index.v1+json';
const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
const kinds: Readonly<Record<string, 'image' | 'index'>> = {
  [ociManifest]: 'image',
  'application/vnd.docker.distribution.manifest.v2+json': 'image',
  [ociIndex]: 'index',
  'application/vnd.docker.distribution.manifest.list.v2+json': 'index',
};

export interface ParsedManifest {
  readonly manifest: PushedManifest;
  /** Configs and layers that must be in the repository. Layers that may not be distributed and have URLs are not among them. */
  readonly blobs: readonly Address[];
}

interface NamedBlob {
  readonly mediaType: string;
  readonly digest: Address;
  readonly urls: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * The manifest in `bytes`, sent as `contentType`. Throws `INPUT_FIELD` for what is no image manifest or index: its message is for the client. An index may
 * name manifests that are not here (sparse), and a subject may come later.
 */
export function parseManifest(bytes: Uint8Array, contentType: string | undefined): ParsedManifest {
  const fields = parseObject(bytes);
  const sent = contentType?.split(';', 1)[0]?.trim();
  const declared = optionalText(fields, 'mediaType');
  if (sent !== undefined && sent !== '' && declared !== undefined && sent !== declared) throw invalid('mediaType', `the Content-Type, ${sent}`, declared);
  const mediaType = declared ?? (sent === undefined || sent === '' ? undefined : sent) ?? (Array.isArray(fields['manifests']) ? ociIndex : ociManifest);
  const kind = kinds[mediaType];
  if (kind === undefined) throw invalid('mediaType', 'an OCI or Docker (schema 2) image manifest or index', mediaType);
  if (fields['schemaVersion'] !== 2) throw invalid('schemaVersion', '2', shown(fields['schemaVersion']));
  if (kind === 'index') descriptors(fields, 'manifests');
  const layers = kind === 'image' ? descriptors(fields, 'layers') : [];
  const config = kind === 'image' ? descriptorOf(fields['config'], 'config') : undefined;
  const subject = fields['subject'] === undefined ? undefined : subjectOf(fields['subject']);
  const artifactType = optionalText(fields, 'artifactType') ?? config?.mediaType;
  const annotations = annotationsOf(fields);
  const blobs = [...(config === undefined ? [] : [config]), ...layers].filter((blob) => !isForeign(blob)).map(({ digest }) => digest);
  return {
    blobs: [...new Set(blobs)],
    manifest: {
      mediaType, digest: digestOf(bytes), size: bytes.length,
      ...(subject === undefined ? {} : { subject }),
      ...(artifactType === undefined || artifactType === '' ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}

function parseObject(bytes: Uint8Array): Fields {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid('manifest', 'JSON', (cause as Error).message);
  }
  return objectOf(value, 'manifest');
}

function objectOf(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalid(where, 'an object', shown(value));
}

function descriptors(fields: Fields, key: string): NamedBlob[] {
  const list = fields[key] ?? [];
  if (!Array.isArray(list)) throw invalid(key, 'a list of descriptors', shown(list));
  return list.map((item, position) => descriptorOf(item, `${key}[${position}]`));
}

function descriptorOf(value: unknown, where: string): NamedBlob {
  const fields = objectOf(value, where);
  const { mediaType, digest, size, urls } = fields;
  if (typeof mediaType !== 'string' || mediaType === '') throw invalid(`${where}.mediaType`, 'a media type', shown(mediaType));
  if (typeof digest !== 'string' || !isAddress(digest)) throw invalid(`${where}.digest`, 'a sha256 or sha512 digest', shown(digest));
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw invalid(`${where}.size`, 'a count of bytes', shown(size));
  return { mediaType, digest, urls: Array.isArray(urls) && urls.length > 0 };
}

function subjectOf(value: unknown): string {
  const { digest } = objectOf(value, 'subject');
  if (typeof digest === 'string' && isAnyDigest(digest)) return digest;
  throw invalid('subject.digest', 'a digest', shown(digest));
}

function annotationsOf(fields: Fields): Readonly<Record<string, string>> | undefined {
  if (fields['annotations'] === undefined || fields['annotations'] === null) return undefined;
  const annotations = objectOf(fields['annotations'], 'annotations');
  if (Object.values(annotations).every((item) => typeof item === 'string')) return annotations as Readonly<Record<string, string>>;
  throw invalid('annotations', 'text values', 'something else');
}

function optionalText(fields: Fields, key: string): string | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw invalid(key, 'text', shown(value));
}

/** Image specification 1.0, layer.md "Non-Distributable Layers". */
function isForeign(blob: NamedBlob): boolean {
  return blob.urls && /\.(?:foreign|nondistributable)\./.test(blob.mediaType);
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function invalid(where: string, expected: string, actual: string): BundleError {
  return new BundleError('INPUT_FIELD', { subject: `manifest: ${where}`, expected, actual: actual.slice(0, 200) });
}
