// Whether a signature is good: @sigstore/verify over sigstore bundles 0.1 to 0.3; sigstore/cosign specs/SIGNATURE_SPEC.md (simple signing, its annotations).
import { type KeyObject, verify } from 'node:crypto';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { type SignedEntity, toSignedEntity, toTrustMaterial, type TrustMaterial, Verifier } from '@sigstore/verify';
import { z } from 'zod';
import { type Digest, digestOf, hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { cosignSignatureAnnotation, isSigstoreBundle, signPredicate } from './cosign.ts';

/** Who has to have signed. */
export type SignatureTrust =
  /** The holder of a key. No certificate, log or time is looked at. */
  | { readonly kind: 'key'; readonly key: KeyObject }
  /** Whoever an issuer calls so, by a certificate, a transparency log and a time that `material` vouches for. */
  | { readonly kind: 'identity'; readonly material: TrustMaterial; readonly identity: Expected; readonly issuer: Expected };

/** The whole text, or a pattern found in it. */
export type Expected = string | RegExp;

/** One thing that may be a signature of an image: a simple-signing payload with its annotations, or a sigstore bundle. */
export interface SignatureBlob {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** The certificates and log keys of a sigstore `trusted_root.json`. Throws `INPUT_KEY`. */
export function parseTrustRoot(text: string, subject: string): TrustMaterial {
  try {
    const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(text)));
    if (material.certificateAuthorities.length > 0) return material;
  } catch (cause) {
    throw new BundleError('INPUT_KEY', { subject, expected: 'a sigstore trust root (trusted_root.json)', actual: (cause as Error).message }, { cause });
  }
  throw new BundleError('INPUT_KEY', { subject, expected: 'a sigstore trust root (trusted_root.json)', actual: 'a document without certificate authorities' });
}

/**
 * Undefined when `blob` is a signature, by whom `trust` names, on exactly this manifest; else why it is none. What cannot be read is none.
 */
export function whyNoSignature(blob: SignatureBlob, manifest: { readonly digest: Digest; readonly bytes: Uint8Array }, trust: SignatureTrust): string | undefined {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(blob.bytes));
    const isBundle = isSigstoreBundle(blob.mediaType);
    const bundle = bundleFromJSON(isBundle ? json : bundleOfSimple(blob));
    const artifact = Buffer.from(isBundle ? manifest.bytes : blob.bytes);
    const { content } = bundle;
    checkSigner(toSignedEntity(bundle, artifact), trust, content.$case === 'messageSignature' ? { artifact, signature: content.messageSignature.signature } : undefined);
    if (!isBundle) return simpleSchema.parse(json).critical.image['docker-manifest-digest'] === manifest.digest ? undefined : 'it is about another image';
    if (content.$case === 'messageSignature') return digestOf(manifest.bytes) === manifest.digest ? undefined : 'it is about another image';
    const statement = statementSchema.parse(JSON.parse(content.dsseEnvelope.payload.toString('utf8')));
    return statement.subject.some(({ digest }) => digest.sha256 === hexOf(manifest.digest)) ? undefined : 'it is about another image';
  } catch (cause) {
    return cause instanceof z.ZodError ? 'it states something else than a signature' : (cause as Error).message.slice(0, 200);
  }
}

const simpleSchema = z.object({ critical: z.object({ type: z.literal('cosign container image signature'), image: z.object({ 'docker-manifest-digest': z.string() }) }) });
const statementSchema = z.object({
  predicateType: z.literal(signPredicate), subject: z.array(z.object({ digest: z.object({ sha256: z.string().optional() }) })).max(1000),
});

interface Message { readonly artifact: Buffer; readonly signature: Buffer }

/** Throws the library's error, or one that says who signed instead. */
function checkSigner(entity: SignedEntity, trust: SignatureTrust, message: Message | undefined): void {
  if (trust.kind === 'key') {
    const { key } = trust;
    const material: TrustMaterial = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [], publicKey: () => ({ publicKey: key, validFor: () => true }) };
    const signature = key.asymmetricKeyType === 'ed25519' && message !== undefined ? pureSignature(message) : entity.signature;
    new Verifier(material, { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 }).verify({ signature, key: { $case: 'public-key', hint: '' }, timestamps: [], tlogEntries: [] });
    return;
  }
  if (entity.key.$case !== 'certificate') throw new Error('it carries no certificate');
  const { identity } = new Verifier(trust.material).verify(entity);
  expectText('signer', trust.identity, identity?.subjectAlternativeName);
  expectText('issuer', trust.issuer, identity?.extensions?.issuer);
}

function expectText(what: string, expected: Expected, actual: string | undefined): void {
  if (actual !== undefined && (typeof expected === 'string' ? actual === expected : expected.test(actual))) return;
  throw new Error(`its ${what} is ${JSON.stringify(actual ?? '')}`);
}

/** Ed25519 signs the message itself; the library's own way is to hash first. */
function pureSignature({ artifact, signature }: Message): SignedEntity['signature'] {
  return { signature, compareSignature: () => false, compareDigest: () => false, compareSignedDigest: () => false, verifySignature: (key) => verify(null, artifact, key, signature) };
}

const rekorSchema = z.object({
  SignedEntryTimestamp: z.string(), Payload: z.object({ body: z.string(), integratedTime: z.int(), logIndex: z.int(), logID: z.string().regex(/^[0-9a-f]{64}$/) }),
});
const entrySchema = z.object({ kind: z.string(), apiVersion: z.string() });
const stampSchema = z.object({ SignedRFC3161Timestamp: z.string() });

/** The annotations of a simple-signing layer, said as a bundle. */
function bundleOfSimple({ bytes, annotations = {} }: SignatureBlob): object {
  const certificate = annotations['dev.sigstore.cosign/certificate'];
  const stamp = annotations['dev.sigstore.cosign/rfc3161timestamp'];
  const hash = Buffer.from(hexOf(digestOf(bytes)), 'hex').toString('base64');
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      ...(certificate === undefined || certificate === '' ? { publicKey: { hint: '' } } : { x509CertificateChain: { certificates: [{ rawBytes: certificate.replace(/-----[^-]+-----|\s/g, '') }] } }),
      tlogEntries: logEntries(annotations['dev.sigstore.cosign/bundle']),
      ...(stamp === undefined ? {} : { timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: stampSchema.parse(JSON.parse(stamp)).SignedRFC3161Timestamp }] } }),
    },
    messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: hash }, signature: annotations[cosignSignatureAnnotation] ?? '' },
  };
}

function logEntries(annotation: string | undefined): object[] {
  if (annotation === undefined || annotation === '') return [];
  const { SignedEntryTimestamp, Payload } = rekorSchema.parse(JSON.parse(annotation));
  const { kind, apiVersion } = entrySchema.parse(JSON.parse(Buffer.from(Payload.body, 'base64').toString('utf8')));
  return [{
    logIndex: String(Payload.logIndex), logId: { keyId: Buffer.from(Payload.logID, 'hex').toString('base64') }, kindVersion: { kind, version: apiVersion },
    integratedTime: String(Payload.integratedTime), inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp }, canonicalizedBody: Payload.body,
  }];
}
