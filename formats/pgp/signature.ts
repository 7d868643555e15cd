// OpenPGP signatures over documents: RFC 4880, sections 5.2.4 (detached) and 7 ("Cleartext Signature Framework").
import { createHash } from 'node:crypto';
import {
  type CleartextMessage, config, type Config, createCleartextMessage, createMessage, enums, type Key, readCleartextMessage, readSignature, sign, type Signature,
  type SignaturePacket, type Subkey, verify,
} from 'openpgp';
import { BundleError } from '../../bom/errors.ts';
import type { PgpKey, SigningKey } from './keys.ts';

export interface VerifyOptions {
  /** Whose signature it is, for messages. */
  readonly subject: string;
  /** The time at which keys and signatures have to be valid. */
  readonly now: Date;
}

export interface Verification {
  /** Primary fingerprints of the keys whose signature is good; never empty. */
  readonly signers: readonly string[];
  /** Signatures that do not count, each with the reason: unknown, expired, revoked or weak key, weak hash. */
  readonly ignored: readonly string[];
}

const weakHashes: ReadonlySet<number> = new Set([enums.hash.md5, enums.hash.sha1, enums.hash.ripemd]);
/** Which keys are too weak is judged here and not by the library, so that a good signature beside theirs counts. */
const accepted: Config = { ...config, rejectPublicKeyAlgorithms: new Set([enums.publicKey.elgamal]), minRSABits: 0 };
const minRsaBits = 2048;

/** DSA and short RSA vouch for nothing any more: Ubuntu's archive was signed with a DSA key of 1024 bits beside its RSA key until 2018. */
function weakness(key: Key | Subkey): string | undefined {
  const { algorithm, bits = 0 } = key.getAlgorithmInfo();
  if (algorithm === 'dsa') return 'a DSA key';
  return algorithm.startsWith('rsa') && bits < minRsaBits ? `an RSA key of ${bits} bits` : undefined;
}

function refused(subject: string, actual: string, cause?: unknown): BundleError {
  return new BundleError('INTEGRITY_SIGNATURE', { subject, expected: 'a good signature by a trusted key', actual }, { cause });
}

interface Checked { readonly keyID: { toHex(): string }; readonly verified: Promise<true>; readonly signature: Promise<Signature> }

/** Why the key may not vouch for anything at `now`, or undefined. */
async function unfit(key: Key, signing: Key | Subkey, now: Date): Promise<string | undefined> {
  const name = key.getFingerprint().toUpperCase();
  if (await key.isRevoked(undefined, undefined, now, accepted)) return `${name}, which was revoked`;
  const expires = await key.getExpirationTime(undefined, accepted);
  if (expires === null) return `${name}, which has no valid self-signature`;
  if (expires instanceof Date && expires <= now) return `${name}, which expired on ${expires.toISOString().slice(0, 10)}`;
  if (signing === key || !('mainKey' in signing)) return undefined;
  const subkey = signing.getFingerprint().toUpperCase();
  for (const revocation of signing.revocationSignatures) {
    if (revocation.created === null || revocation.created <= now) return `${subkey} (subkey of ${name}), which was revoked`;
  }
  const until = await signing.getExpirationTime(now, accepted);
  if (until === null) return `${subkey} (subkey of ${name}), which is not bound to it`;
  if (until instanceof Date && until <= now) return `${subkey} (subkey of ${name}), which expired on ${until.toISOString().slice(0, 10)}`;
  return undefined;
}

interface Verdict { readonly signer?: string; readonly ignored?: string; readonly bad?: { readonly what: string; readonly cause: unknown } }

async function judge(result: Checked, keys: readonly PgpKey[], now: Date): Promise<Verdict> {
  const id = result.keyID.toHex().toUpperCase();
  const packet: SignaturePacket | undefined = (await result.signature).packets[0];
  const owner = keys.find(({ key }) => key.getKeys().some((item) => item.getKeyID().toHex() === result.keyID.toHex()));
  if (owner === undefined) return { ignored: `a signature by the unknown key ${id}` };
  if (packet === undefined || packet.hashAlgorithm === null || weakHashes.has(packet.hashAlgorithm)) return { ignored: `a signature by ${owner.fingerprint} with a weak hash` };
  const signing = owner.key.getKeys().find((item) => item.getKeyID().toHex() === result.keyID.toHex()) ?? owner.key;
  const weak = weakness(owner.key) ?? weakness(signing);
  if (weak !== undefined) return { ignored: `a signature by ${owner.fingerprint}, ${weak}, which is too weak` };
  const reason = await unfit(owner.key, signing, now);
  if (reason !== undefined) return { ignored: `a signature by ${reason}` };
  try {
    await result.verified;
    return { signer: owner.fingerprint };
  } catch (cause) {
    return { bad: { what: `a bad signature by ${owner.fingerprint} (${(cause as Error).message})`, cause } };
  }
}

/** A list without any signature is a failure, as is one bad signature among good ones. */
async function conclude(results: readonly Checked[], keys: readonly PgpKey[], options: VerifyOptions): Promise<Verification> {
  const verdicts = await Promise.all(results.map((result) => judge(result, keys, options.now)));
  const bad = verdicts.find((verdict) => verdict.bad !== undefined)?.bad;
  if (bad !== undefined) throw refused(options.subject, bad.what, bad.cause);
  const signers = [...new Set(verdicts.flatMap((verdict) => verdict.signer ?? []))];
  const ignored = verdicts.flatMap((verdict) => verdict.ignored ?? []);
  if (signers.length === 0) throw refused(options.subject, ignored.length === 0 ? 'no signature that can be read' : ignored.join('; '));
  return { signers, ignored };
}

const begin = '-----BEGIN PGP SIGNED MESSAGE-----';
const end = '-----END PGP SIGNATURE-----';

/** True when the document is one cleartext-signed message and nothing else: text outside the frame is not covered by its signature. */
function isWholeFrame(document: string): boolean {
  const frames = document.split('\n').filter((line) => line.trimEnd() === begin || line.trimEnd() === end);
  return document.startsWith(begin) && frames.length === 2 && document.trimEnd().endsWith(end);
}

/**
 * The text of a cleartext-signed document, with who signed it. Only what the signature covers is returned. Throws `INTEGRITY_SIGNATURE`: not
 * one signed message, text outside it, no signature, a bad one, only unknown, expired, revoked or weak ones (each named).
 */
export async function verifyClearsigned(bytes: Uint8Array, keys: readonly PgpKey[], options: VerifyOptions): Promise<Verification & { readonly text: Uint8Array }> {
  const document = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (!isWholeFrame(document)) throw refused(options.subject, 'something else than one cleartext-signed message');
  let message: CleartextMessage;
  try {
    message = await readCleartextMessage({ cleartextMessage: document });
  } catch (cause) {
    throw refused(options.subject, (cause as Error).message, cause);
  }
  const result = await verify({ message, verificationKeys: keys.map(({ key }) => key), date: options.now, config: accepted });
  const verification = await conclude(result.signatures, keys, options);
  return { ...verification, text: new TextEncoder().encode(message.getText()) };
}

async function readAnySignature(bytes: Uint8Array): Promise<Signature> {
  if (((bytes[0] ?? 0) & 0x80) !== 0) return readSignature({ binarySignature: bytes });
  return readSignature({ armoredSignature: Buffer.from(bytes).toString('latin1') });
}

/** Who signed `content` with the detached `signature` (armored or binary, any number of signatures in it). Throws `INTEGRITY_SIGNATURE` as {@link verifyClearsigned}. */
export async function verifyDetached(content: Uint8Array, signature: Uint8Array, keys: readonly PgpKey[], options: VerifyOptions): Promise<Verification> {
  let parsed: Signature;
  try {
    parsed = await readAnySignature(signature);
  } catch (cause) {
    throw refused(options.subject, (cause as Error).message, cause);
  }
  const message = await createMessage({ binary: content });
  const result = await verify({ message, signature: parsed, verificationKeys: keys.map(({ key }) => key), date: options.now, format: 'binary', config: accepted });
  return conclude(result.signatures, keys, options);
}

const hashNames: Readonly<Record<number, string>> = { [enums.hash.sha256]: 'sha256', [enums.hash.sha384]: 'sha384', [enums.hash.sha512]: 'sha512', [enums.hash.sha224]: 'sha224', [enums.hash.sha3_256]: 'sha3-256', [enums.hash.sha3_512]: 'sha3-512' };

/**
 * As {@link verifyDetached}, for content of any size: it is read once, and hashed here, since the library would hold it in memory. Only
 * signatures over binary content count (RFC 9580, section 5.2.1.1), which is what detached signatures of files are.
 */
export async function verifyDetachedStream(content: AsyncIterable<Uint8Array>, signature: Uint8Array, keys: readonly PgpKey[], options: VerifyOptions): Promise<Verification> {
  let parsed: Signature;
  try {
    parsed = await readAnySignature(signature);
  } catch (cause) {
    throw refused(options.subject, (cause as Error).message, cause);
  }
  const running = [...parsed.packets].map((packet) => {
    return { packet, hash: createHash(hashNames[packet.hashAlgorithm ?? 0] ?? 'sha256') };
  });
  for await (const chunk of content) for (const { hash } of running) hash.update(chunk);
  for (const { packet, hash } of running) {
    const { signatureData, version, signatureType } = packet;
    if (signatureData === null || version !== 4 || signatureType !== enums.signature.binary) throw refused(options.subject, 'a signature that is not of version 4 over binary content');
    const trailer = Buffer.from([version, 0xff, 0, 0, 0, 0]);
    trailer.writeUInt32BE(signatureData.length, 2);
    Object.assign(packet, { hashed: hash.update(signatureData).update(trailer).digest() });
  }
  const result = await verify({ message: await createMessage({ binary: new Uint8Array(0) }), signature: parsed, verificationKeys: keys.map(({ key }) => key), date: options.now, format: 'binary', config: accepted });
  return conclude(result.signatures, keys, options);
}

/** SHA-512, and no random notation: the same content, key and date give the same signature (RSA). */
const signing = { preferredHashAlgorithm: enums.hash.sha512, nonDeterministicSignaturesViaNotation: false, showVersion: false, showComment: false } as const;

/** An armored detached signature over `content`, made at `date`. */
export async function signDetached(content: Uint8Array, signer: SigningKey, date: Date): Promise<string> {
  const message = await createMessage({ binary: content });
  return sign({ message, signingKeys: signer.key, detached: true, date, format: 'armored', config: signing });
}

/** `text` cleartext-signed at `date`. Lines must not end in spaces or tabs, which the framework does not cover. */
export async function clearsign(text: string, signer: SigningKey, date: Date): Promise<string> {
  const message = await createCleartextMessage({ text });
  return sign({ message, signingKeys: signer.key, date, format: 'armored', config: signing });
}

/** Key ids (16 upper-case hex digits) that an armored or binary signature says it is by; nothing is checked. Empty for what is no signature. */
export async function claimedSigners(signature: Uint8Array): Promise<readonly string[]> {
  try {
    return [...new Set((await readAnySignature(signature)).getSigningKeyIDs().map((id) => id.toHex().toUpperCase()))];
  } catch {
    return []; // Whoever wants to know more verifies it, and is told.
  }
}
