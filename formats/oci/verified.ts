// The one hasher. OCI image specification 1.1, descriptor.md ("Verification"): size first, then digest.
import { createHash, type Hash } from 'node:crypto';
import type { Descriptor } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';

export interface VerifiedOptions {
  /** Whose content it is, for messages; the digest when left out. */
  readonly subject?: string;
  /** What was hashed before `bytes` began: sha256 state and count of bytes. The state is used up. */
  readonly before?: { readonly hash: Hash; readonly bytes: number };
}

/**
 * `bytes`, passed on unchanged and checked against `blob` on the way. Throws `INTEGRITY_SIZE` as soon as there is one byte too many, and
 * `INTEGRITY_SIZE` or `INTEGRITY_DIGEST` in place of the end when what came is not the blob: a consumer must not act on the bytes before
 * the iteration ended. Holds no more than one chunk. Ending the iteration early ends `bytes`.
 */
export async function* verified(bytes: Bytes, blob: Descriptor, options: VerifiedOptions = {}): Bytes {
  const hash = options.before?.hash ?? createHash('sha256');
  let length = options.before?.bytes ?? 0;
  const subject = options.subject ?? blob.digest;
  for await (const chunk of bytes) {
    length += chunk.length;
    if (length > blob.size) throw sizeError(subject, blob, `${length} bytes or more`);
    hash.update(chunk);
    yield chunk;
  }
  if (length !== blob.size) throw sizeError(subject, blob, `${length} bytes`);
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== blob.digest) {
    throw new BundleError('INTEGRITY_DIGEST', { subject, expected: blob.digest, actual, details: { digest: blob.digest } });
  }
}

function sizeError(subject: string, blob: Descriptor, actual: string): BundleError {
  return new BundleError('INTEGRITY_SIZE', { subject, expected: `${blob.size} bytes (${blob.digest})`, actual, details: { digest: blob.digest } });
}
