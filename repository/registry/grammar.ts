// Names, references, digests and errors of the OCI distribution specification 1.1: "Pulling manifests" (grammar), "Error Codes".
import { createHash } from 'node:crypto';
import { type Answer, type Headers, jsonAnswer } from '../answer.ts';

const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const algorithmPattern = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;

export function isRepositoryName(text: string): boolean {
  return text.length <= 255 && namePattern.test(text);
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/**
 * What clients address content by: a digest of an algorithm that the image specification registers (descriptor.md, "Registered algorithms"). Inside,
 * content is known by sha256; a sha512 one is a second name for it.
 */
export type Address = `sha256:${string}` | `sha512:${string}`;

export function isAddress(text: string): text is Address {
  return /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text);
}

/** The address of `bytes` with the algorithm of `like`. */
export function addressLike(like: Address, bytes: Uint8Array): Address {
  const algorithm = like.startsWith('sha512:') ? 'sha512' : 'sha256';
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** A digest of any algorithm: what a manifest may name as its subject. */
export function isAnyDigest(text: string): boolean {
  return text.length <= 255 && algorithmPattern.test(text);
}

const statusOf = {
  BLOB_UNKNOWN: 404, BLOB_UPLOAD_INVALID: 400, BLOB_UPLOAD_UNKNOWN: 404, DIGEST_INVALID: 400, MANIFEST_BLOB_UNKNOWN: 400, MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404, NAME_INVALID: 400, NAME_UNKNOWN: 404, SIZE_INVALID: 400, UNAUTHORIZED: 401, DENIED: 403, UNSUPPORTED: 405, TOOMANYREQUESTS: 429,
} as const;

export type RegistryCode = keyof typeof statusOf;

/** An error answer of the registry API. `detail` is any JSON value; it never holds a secret. */
export function registryError(code: RegistryCode, message: string, options: { readonly status?: number; readonly detail?: unknown; readonly headers?: Headers } = {}): Answer {
  const error = { code, message, ...(options.detail === undefined ? {} : { detail: options.detail }) };
  return jsonAnswer(options.status ?? statusOf[code], { errors: [error] }, options.headers);

}

/** Order of tags and names in listings: case-insensitive, then by code unit so that it is total ("Listing Tags"). */
export function lexically(a: string, b: string): number {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  return x < y ? -1 : x > y ? 1 : a < b ? -1 : a > b ? 1 : 0;
}

export interface Page {
  readonly items: readonly string[];
  /** Value of `last` that gives the next page; undefined at the end. */
  readonly next: string | undefined;
}

/** The page of sorted `all` that `n` and `last` ask for, or undefined when `n` is no count. */
export function pageOf(all: readonly string[], query: URLSearchParams): Page | undefined {
  const last = query.get('last');
  const rest = last === null ? all : all.filter((item) => lexically(item, last) > 0);
  const count = query.get('n');
  if (count === null) return { items: rest, next: undefined };
  if (!/^\d{1,9}$/.test(count)) return undefined;
  const items = rest.slice(0, Number(count));
  return { items, next: items.length > 0 && items.length < rest.length ? items.at(-1) : undefined };
}
