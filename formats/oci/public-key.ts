// Public keys in PEM: RFC 7468; SubjectPublicKeyInfo, RFC 5280 section 4.1.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { BundleError } from '../../bom/errors.ts';

/** A PEM public key (ECDSA, RSA or Ed25519), as `cosign generate-key-pair` writes it. Throws `INPUT_KEY`. */
export function parsePublicKey(pem: string, subject: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw new BundleError('INPUT_KEY', { subject, expected: 'a PEM public key', actual: 'something else', next: 'Give the public key that `cosign generate-key-pair` or `cosign public-key` wrote.' }, { cause });
  }
}
