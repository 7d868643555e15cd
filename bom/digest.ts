// Digests and descriptors: OCI image specification 1.1, descriptor.md ("Digests", "Properties").
import { createHash } from 'node:crypto';
import { BundleError } from './errors.ts';

declare const brand: unique symbol;

/** A content address, always `sha256:` and 64 lower-case hex digits. Only {@link parseDigest} and {@link digestOf} make one. */
export type Digest = string & { readonly [brand]: 'Digest' };

/** What names a blob: media type, digest and size in bytes (0 or more). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** Bytes `start` (inclusive) to `end` (exclusive) of a blob; both count from 0. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const pattern = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

/** The digest in `text`. Throws `INPUT_DIGEST` when it is not a lower-case sha256 digest; `subject` says whose it is. */
export function parseDigest(text: string, subject = 'digest'): Digest {
  if (isDigest(text)) return text;
  throw new BundleError('INPUT_DIGEST', { subject, expected: 'sha256: and 64 lower-case hex digits', actual: JSON.stringify(text) });
}

/** The sha256 digest of `content` (UTF-8 when it is text). */
export function digestOf(content: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}` as Digest;
}

/** The digest that 64 hex digits of a sha256 give. */
export function digestFromHex(hex: string, subject = 'sha256'): Digest {
  return parseDigest(`sha256:${hex.toLowerCase()}`, subject);
}

/** The 64 hex digits of a digest: its file name under `blobs/sha256/`. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
