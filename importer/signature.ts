// Who signed an archive: formats/archive/FORMAT.md, section 4 ("Signature").
import { BundleError } from '../bom/errors.ts';
import { signaturePath } from '../formats/archive/manifest.ts';
import type { PgpKey } from '../formats/pgp/keys.ts';
import { verifyDetached } from '../formats/pgp/signature.ts';
import type { Archive } from './archive-file.ts';

export interface TrustOptions {
  /** Keys that may have signed. */
  readonly keys: readonly PgpKey[];
  /** Passes for an archive without a signature, and for a signed one when no key is given. */
  readonly allowUnsigned: boolean;
  readonly now: Date;
}

/** `signed` by one of the keys given, `unchecked` when there was no key to check with. */
export type SignatureState =
  | { readonly state: 'signed'; readonly signers: readonly string[] }
  | { readonly state: 'unchecked' }
  | { readonly state: 'unsigned' };

/**
 * Throws `INPUT_UNSIGNED` for an archive without a signature, or without a key to check it, unless that is allowed, and `INTEGRITY_SIGNATURE`
 * when a key is given and the signature is not good by it, which nothing allows.
 */
export async function checkSignature(archive: Archive, { keys, allowUnsigned, now }: TrustOptions): Promise<SignatureState> {
  const subject = [...archive.volumes.values()][0]?.path ?? 'archive';
  if (archive.signature === undefined) {
    if (allowUnsigned) return { state: 'unsigned' };
    throw new BundleError('INPUT_UNSIGNED', { subject, expected: 'a signed archive', actual: `no ${signaturePath}`, next: 'Have it exported with --sign, or pass --allow-unsigned when the medium is trusted.' });
  }
  if (keys.length === 0) {
    if (allowUnsigned) return { state: 'unchecked' };
    throw new BundleError('INPUT_UNSIGNED', { subject, expected: 'a key to check the signature with', actual: 'none' });
  }
  const { signers } = await verifyDetached(archive.manifestBytes, archive.signature, keys, { subject: `${subject}: ${signaturePath}`, now });
  return { state: 'signed', signers };
}
