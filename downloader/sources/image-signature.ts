// `verify.cosign` of an image: who has to have signed, and whether one of the signatures found is theirs.
import { readFile } from 'node:fs/promises';
import type { Descriptor, Digest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { CosignTrust, ImageRequirement } from '../../bom/requirement.ts';
import { cosignSignatureAnnotation, isSigstoreBundle, simpleSigningMediaType } from '../../formats/oci/cosign.ts';
import type { Expected, SignatureTrust } from '../../formats/oci/cosign-verify.ts';
import type { ContentDescriptor } from '../../formats/oci/manifest.ts';
import { parsePublicKey } from '../../formats/oci/public-key.ts';
import type { FoundReferrer } from './image-referrers.ts';

export interface Verification {
  readonly requirement: Pick<ImageRequirement, 'ref' | 'cosign'>;
  readonly root: { readonly digest: Digest; readonly bytes: Uint8Array };
  readonly found: readonly FoundReferrer[];
  /** All of a small blob. */
  readonly read: (blob: Descriptor) => Promise<Uint8Array>;
  /** Vouches for identities where the requirement names no trust root. */
  readonly trustRoot?: string | undefined;
}

/** Before anything is fetched: throws `INPUT_FIELD` for an identity that nothing here can vouch for. */
export function expectTrustRoot(requirement: Pick<ImageRequirement, 'ref' | 'cosign'>, trustRoot: string | undefined): void {
  for (const each of requirement.cosign ?? []) {
    if (each.kind === 'key' || (each.trustRoot ?? trustRoot) !== undefined) continue;
    throw new BundleError('INPUT_FIELD', {
      subject: `image ${requirement.ref}, verify.cosign`, expected: 'the sigstore trust root that vouches for the identity', actual: 'none',
      next: 'Give the trusted_root.json of the sigstore instance as verify.cosign.trustRoot or with --trust-root; nothing is asked for it over the network.',
    });
  }
}

/**
 * Throws `INTEGRITY_SIGNATURE` unless each that the requirement names has signed `root`, `INPUT_MISSING_FILE` and `INPUT_KEY` for keys and
 * trust roots that cannot be used.
 */
export async function verifySignatures({ requirement, root, found, read, trustRoot }: Verification): Promise<void> {
  const wanted = requirement.cosign ?? [];
  if (wanted.length === 0) return;
  const { whyNoSignature } = await import('../../formats/oci/cosign-verify.ts');
  const signatures = found.filter(({ referrer }) => referrer.kind === 'signature' && referrer.subject === root.digest).flatMap(({ blobs }) => blobs).filter(isSignature);
  for (const each of wanted) {
    const trust = await trustOf(each, requirement.ref, trustRoot);
    const reasons = new Set<string>();
    let good = false;
    for (const { mediaType, annotations, digest, size } of signatures) {
      const reason = whyNoSignature({ mediaType, annotations, bytes: await read({ mediaType, digest, size }) }, root, trust);
      if (reason === undefined) { good = true; break; }
      reasons.add(reason);
    }
    if (good) continue;
    throw new BundleError('INTEGRITY_SIGNATURE', {
      subject: `image ${requirement.ref}`, expected: `a signature on ${root.digest} by ${describe(each)}`,
      actual: signatures.length === 0 ? 'no signature' : `${signatures.length} signature${signatures.length === 1 ? '' : 's'}, none of them that: ${[...reasons].slice(0, 3).join('; ')}`,
    });
  }
}

function isSignature({ mediaType, annotations }: ContentDescriptor): boolean {
  return isSigstoreBundle(mediaType) || (mediaType === simpleSigningMediaType && annotations?.[cosignSignatureAnnotation] !== undefined);
}

async function trustOf(trust: CosignTrust, ref: string, general: string | undefined): Promise<SignatureTrust> {
  const { parseTrustRoot } = await import('../../formats/oci/cosign-verify.ts');
  const text = (path: string, what: string): Promise<string> => readFile(path, 'utf8').catch((cause: Error) => {
    throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: `the ${what} of image ${ref}`, actual: cause.message }, { cause });
  });
  if (trust.kind === 'key') return { kind: 'key', key: parsePublicKey(await text(trust.key, 'cosign key'), trust.key) };
  const { identity, issuer, trustRoot = general } = trust;
  if (trustRoot === undefined) throw new Error(`no trust root for ${ref}`);
  return { kind: 'identity', material: parseTrustRoot(await text(trustRoot, 'sigstore trust root'), trustRoot), identity: expectedOf(identity), issuer: expectedOf(issuer) };
}

function expectedOf({ text, regexp }: { readonly text: string; readonly regexp: boolean }): Expected {
  return regexp ? new RegExp(text) : text;
}

function describe(trust: CosignTrust): string {
  return trust.kind === 'key' ? `the key ${trust.key}` : `${trust.identity.text}, as ${trust.issuer.text} calls them`;
}
