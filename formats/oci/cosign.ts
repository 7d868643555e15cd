// Signatures with a key: sigstore/cosign specs/SIGNATURE_SPEC.md (simple signing); sigstore bundle 0.3 with DSSE (secure-systems-lab/dsse, protocol.md).
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import { type Digest, digestOf, hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';

export const cosignSignatureAnnotation = 'dev.cosignproject.cosign/signature';
export const simpleSigningMediaType = 'application/vnd.dev.cosign.simplesigning.v1+json';
const bundleMediaType = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.3)?\+json/;
const signPredicate = 'https://sigstore.dev/cosign/sign/v1';

export function isSigstoreBundle(mediaType: string): boolean {
  return bundleMediaType.test(mediaType);
}

/** A PEM public key (ECDSA, RSA or Ed25519), as `cosign generate-key-pair` writes it. Throws `INPUT_KEY`. */
export function parsePublicKey(pem: string, subject: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw new BundleError('INPUT_KEY', { subject, expected: 'a PEM public key', actual: 'something else', next: 'Give the public key that `cosign generate-key-pair` or `cosign public-key` wrote.' }, { cause });
  }
}

/** One thing that may be a signature of an image: a simple-signing payload with its annotation, or a sigstore bundle. */
export interface SignatureBlob {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** Base64, for simple signing. */
  readonly signature?: string;
}

/** Whether `blob` is a signature by `key` on exactly this manifest. What cannot be read is not one. No certificate, log or time is looked at. */
export function isSignatureOf(blob: SignatureBlob, manifest: { readonly digest: Digest; readonly bytes: Uint8Array }, key: KeyObject): boolean {
  if (isSigstoreBundle(blob.mediaType)) return isBundleOf(blob.bytes, manifest, key);
  if (blob.signature === undefined || !signed(key, blob.bytes, blob.signature)) return false;
  const payload = simpleSchema.safeParse(parseJson(blob.bytes));
  return payload.success && payload.data.critical.image['docker-manifest-digest'] === manifest.digest;
}

const simpleSchema = z.object({ critical: z.object({ type: z.literal('cosign container image signature'), image: z.object({ 'docker-manifest-digest': z.string() }) }) });
const bundleSchema = z.object({
  messageSignature: z.object({ messageDigest: z.object({ algorithm: z.literal('SHA2_256'), digest: z.string() }).optional(), signature: z.string() }).optional(),
  dsseEnvelope: z.object({ payload: z.string(), payloadType: z.string(), signatures: z.array(z.object({ sig: z.string() })).max(100) }).optional(),
});
const statementSchema = z.object({
  predicateType: z.literal(signPredicate), subject: z.array(z.object({ digest: z.object({ sha256: z.string().optional() }) })).max(1000),
});

function isBundleOf(bytes: Uint8Array, manifest: { readonly digest: Digest; readonly bytes: Uint8Array }, key: KeyObject): boolean {
  const bundle = bundleSchema.safeParse(parseJson(bytes));
  if (!bundle.success) return false;
  const { messageSignature, dsseEnvelope } = bundle.data;
  if (messageSignature !== undefined) return digestOf(manifest.bytes) === manifest.digest && signed(key, manifest.bytes, messageSignature.signature);
  if (dsseEnvelope === undefined) return false;
  const payload = Buffer.from(dsseEnvelope.payload, 'base64');
  const encoded = preAuthentication(dsseEnvelope.payloadType, payload);
  if (!dsseEnvelope.signatures.some(({ sig }) => signed(key, encoded, sig))) return false;
  const statement = statementSchema.safeParse(parseJson(payload));
  return statement.success && statement.data.subject.some(({ digest }) => digest.sha256 === hexOf(manifest.digest));
}

/** DSSE's PAE: what is signed names its type, so that one kind of document never passes for another. */
function preAuthentication(type: string, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
}

function signed(key: KeyObject, content: Uint8Array, signature: string): boolean {
  const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  try {
    return verify(algorithm, content, key, Buffer.from(signature, 'base64'));
  } catch {
    return false; // a signature of a form that this key cannot have made
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // safeParse then says that it is not one
  }
}
