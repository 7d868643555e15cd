// Signatures of files that `cosign sign-blob` makes: sigstore/cosign specs/SIGNATURE_SPEC.md; sigstore bundle 0.3 (message signature).
import { createVerify, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import { digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';

const bundleSchema = z.object({ messageSignature: z.object({ signature: z.string() }) });

/** Checks a signature over a file piece by piece. */
export interface BlobVerifier {
  update(chunk: Uint8Array): void;
  /** Whether the signature is good for all that was given. */
  verify(): boolean;
}

/** What an Ed25519 signature may cover: it has to be in memory at once. */
export const maxWholeBlobBytes = 64 << 20;

/**
 * The check of a `cosign sign-blob` signature (base64, or a sigstore bundle with a message signature) by `key`. No certificate, log or time is
 * looked at. Throws `INTEGRITY_SIGNATURE` for what is no signature.
 */
export function blobVerifier(signature: Uint8Array, key: KeyObject, subject: string): BlobVerifier {
  const text = new TextDecoder().decode(signature).trim();
  const bundle = text.startsWith('{') ? bundleSchema.safeParse(parseJson(signature)) : undefined;
  const encoded = bundle === undefined ? text : bundle.data?.messageSignature.signature ?? '';
  if (!/^[A-Za-z0-9+/=\s]{16,}$/.test(encoded)) throw new BundleError('INTEGRITY_SIGNATURE', { subject, expected: 'a signature that cosign sign-blob wrote', actual: 'something else' });
  const raw = Buffer.from(encoded, 'base64');
  if (key.asymmetricKeyType !== 'ed25519') {
    const check = createVerify('sha256');
    return { update: (chunk) => { check.update(chunk); }, verify: () => check.verify(key, raw) };
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  return {
    update(chunk) {
      size += chunk.length;
      if (size > maxWholeBlobBytes) throw new BundleError('RESOLVE_UNSUPPORTED', { subject, expected: `at most ${maxWholeBlobBytes} bytes under an Ed25519 signature`, actual: 'more', next: 'Sign it with an ECDSA key, or with minisign.' });
      chunks.push(Buffer.from(chunk));
    },
    verify: () => verify(null, Buffer.concat(chunks), key, raw),
  };
}

/** sha256 of the key in its DER form, as `openssl pkey -pubin -outform DER | sha256sum` says it. */
export function publicKeyFingerprint(key: KeyObject): string {
  return digestOf(key.export({ format: 'der', type: 'spki' }));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // safeParse then says that it is not one
  }
}
