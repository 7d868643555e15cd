import { createHash, type Hash } from 'node:crypto';
import { BundleError } from '../../bom/errors.ts';

/** A hash other than sha256 that a document declares for a file: it is checked, it never names content. */
export interface Evidence {
  readonly algorithm: string;
  readonly hex: string;
}

const lengths: Readonly<Record<string, number>> = { md5: 32, sha1: 40, sha224: 56, sha256: 64, sha384: 96, sha512: 128 };

/** Evidence in `algorithm:hex`. Throws `INPUT_FIELD` for an algorithm that nobody here can check, or another length. */
export function parseEvidence(text: string, subject: string): Evidence {
  const [, algorithm = '', hex = ''] = /^([a-z0-9]+):([0-9a-fA-F]+)$/.exec(text) ?? [];
  if (lengths[algorithm] === hex.length) return { algorithm, hex: hex.toLowerCase() };
  throw new BundleError('INPUT_FIELD', { subject, expected: `one of ${Object.keys(lengths).join(', ')}, a colon and its hex digits`, actual: JSON.stringify(text.slice(0, 160)) });
}

/** Several hashes of the same bytes in one pass. */
export class EvidenceCheck {
  private readonly pending: readonly { readonly evidence: Evidence; readonly hash: Hash }[];

  constructor(all: readonly Evidence[]) {
    this.pending = all.map((evidence) => ({ evidence, hash: createHash(evidence.algorithm) }));
  }

  update(chunk: Uint8Array): void {
    for (const { hash } of this.pending) hash.update(chunk);
  }

  /** Throws `INTEGRITY_DIGEST` for the first hash that does not match. */
  verify(subject: string): void {
    for (const { evidence, hash } of this.pending) {
      const actual = hash.digest('hex');
      if (actual === evidence.hex) continue;
      throw new BundleError('INTEGRITY_DIGEST', { subject, expected: `${evidence.algorithm}:${evidence.hex}`, actual: `${evidence.algorithm}:${actual}` });
    }
  }
}
