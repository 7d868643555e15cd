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
  const verifier = new Verifier(blob, options);
  for await (const chunk of bytes) {
    verifier.count(chunk.length);
    verifier.hash(chunk);
    yield chunk;
  }
  verifier.end();
}

/** The check itself, for whoever does not hold all bytes in its hands. */
export class Verifier {
  private running: Hash | undefined;
  private readonly blob: Descriptor;
  private readonly subject: string;
  /** Bytes that came, and those of them that were hashed here. */
  length: number;
  hashed: number;

  constructor(blob: Descriptor, options: VerifiedOptions = {}) {
    this.blob = blob;
    this.subject = options.subject ?? blob.digest;
    this.running = options.before?.hash;
    this.length = options.before?.bytes ?? 0;
    this.hashed = this.length;
  }

  /** `bytes` more came. Throws `INTEGRITY_SIZE` as soon as there is one too many. */
  count(bytes: number): void {
    this.length += bytes;
    if (this.length > this.blob.size) throw sizeError(this.subject, this.blob, `${this.length} bytes or more`);
  }

  /** The next bytes in order, of those that came. */
  hash(chunk: Uint8Array): void {
    this.running ??= createHash('sha256');
    this.running.update(chunk);
    this.hashed += chunk.length;
  }

  /** `hex`: sha256 of all that came, where it was worked out elsewhere. Throws `INTEGRITY_SIZE` and `INTEGRITY_DIGEST`. */
  end(hex?: string): void {
    if (this.length !== this.blob.size) throw sizeError(this.subject, this.blob, `${this.length} bytes`);
    const actual = `sha256:${hex ?? (this.running ?? createHash('sha256')).digest('hex')}`;
    if (actual === this.blob.digest) return;
    throw new BundleError('INTEGRITY_DIGEST', { subject: this.subject, expected: this.blob.digest, actual, details: { digest: this.blob.digest } });
  }
}

function sizeError(subject: string, blob: Descriptor, actual: string): BundleError {
  return new BundleError('INTEGRITY_SIZE', { subject, expected: `${blob.size} bytes (${blob.digest})`, actual, details: { digest: blob.digest } });
}
