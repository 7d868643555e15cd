// Signatures and digests of .rpm files: the RPM reference manual, "Signatures and digests"; RFC 4880, section 5.2.4.
import { createHash, type Hash, publicDecrypt, constants, verify } from 'node:crypto';
import { BundleError } from '../../bom/errors.ts';
import { rpmTag } from './header.ts';
import type { RpmKeyring, RpmSigner } from './keyring.ts';
import type { RpmHead } from './package-head.ts';
import { readSignatures, type SignaturePacket } from './pgp-packet.ts';

export interface RpmVerification {
  /** Fingerprint of the primary key whose signature over the header is good. */
  readonly signer: string;
  /** Signatures that do not count, each with the reason. */
  readonly ignored: readonly string[];
  /** Whether signature or signed digest cover the payload too. Packages of before rpm 4.14 without SIGPGP cover their header only. */
  readonly coversPayload: boolean;
}

const hashNames: Readonly<Record<number, string>> = { 8: 'sha256', 9: 'sha384', 10: 'sha512', 11: 'sha224' };
/** DigestInfo of RFC 8017, section 9.2, note 1, before the hash. */
const digestInfos: Readonly<Record<string, string>> = {
  sha224: '302d300d06096086480165030402040500041c', sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430', sha512: '3051300d060960864801650304020305000440',
};
const algorithmNames: Readonly<Record<number, string>> = { 1: 'MD5', 2: 'SHA-1', 3: 'RIPEMD-160' };
const dayMs = 86_400_000;

function refused(subject: string, actual: string): BundleError {
  return new BundleError('INTEGRITY_SIGNATURE', { subject, expected: 'a good signature by a trusted key', actual });
}

/** Whether `digest` is what the packet signs. Never throws: nonsense is not good. */
function isGood(packet: SignaturePacket, signer: RpmSigner, digest: Buffer): boolean {
  const padded = packet.mpis.map((mpi, _, { length }) => Buffer.concat([Buffer.alloc(Math.max(0, signer.signatureBytes / length - mpi.length)), mpi]));
  if (digest.readUInt16BE(0) !== packet.left16 || Buffer.concat(padded).length !== signer.signatureBytes) return false;
  try {
    if (signer.algorithm === 'ed25519') return padded.length === 2 && verify(null, digest, signer.key, Buffer.concat(padded));
    const info = Buffer.from(digestInfos[hashNames[packet.hash] ?? ''] ?? '', 'hex');
    return padded.length === 1 && info.length > 0 && publicDecrypt({ key: signer.key, padding: constants.RSA_PKCS1_PADDING }, padded[0] ?? Buffer.alloc(0)).equals(Buffer.concat([info, digest]));
  } catch {
    return false; // The padding inside is wrong: another content, another key.
  }
}

interface Candidate { readonly packet: SignaturePacket; readonly signers: readonly RpmSigner[]; readonly hash: Hash; readonly covers: 'header' | 'package' }

/** Tags of the signature header that hold OpenPGP signatures. */
const signatureTags: readonly { readonly tag: number; readonly covers: 'header' | 'package' }[] = [
  { tag: rpmTag.rsaHeader, covers: 'header' }, { tag: rpmTag.dsaHeader, covers: 'header' }, { tag: rpmTag.openPgp, covers: 'header' },
  { tag: rpmTag.sigPgp, covers: 'package' }, { tag: rpmTag.sigGpg, covers: 'package' },
];

function blobsOf({ signature }: RpmHead, tag: number): readonly Uint8Array[] {
  if (!signature.has(tag)) return [];
  if (tag === rpmTag.openPgp) return signature.texts(tag).map((text) => Buffer.from(text, 'base64'));
  const blob = signature.binary(tag);
  return blob === undefined ? [] : [blob];
}

/**
 * Checks one package: digests of header and payload, and signatures over them. Made with the head, fed the payload, then asked. Not to be used again.
 */
export class RpmVerifier {
  private readonly head: RpmHead;
  private readonly subject: string;
  private readonly ignored: string[];
  private readonly candidates: readonly Candidate[];
  private readonly payload: Hash | undefined;
  private payloadSha256: string | undefined;
  private readonly found = new Map<Candidate, string>();

  private constructor(parts: { readonly head: RpmHead; readonly subject: string; readonly ignored: string[]; readonly candidates: readonly Candidate[] }) {
    this.head = parts.head;
    this.subject = parts.subject;
    this.ignored = parts.ignored;
    this.candidates = parts.candidates;
    const algorithm = hashNames[this.head.header.number(rpmTag.payloadDigestAlgorithm) ?? 0];
    this.payload = algorithm === undefined || !this.head.header.has(rpmTag.payloadDigest) ? undefined : createHash(algorithm);
  }

  /**
   * Checks the header's digest and finds the signatures that may count. Throws `INTEGRITY_DIGEST` for another header than its digest says and
   * `INTEGRITY_SIGNATURE` when no signature can count: none at all, or only unknown keys, keys that may not sign, weak ones (each named).
   */
  static async start(head: RpmHead, keyring: RpmKeyring, options: { readonly subject: string; readonly now: Date }): Promise<RpmVerifier> {
    const { subject, now } = options;
    checkHeaderDigest(head, subject);
    const ignored: string[] = [];
    const candidates: Candidate[] = [];
    for (const { tag, covers } of signatureTags) {
      for (const packet of blobsOf(head, tag).flatMap(readSignatures)) {
        const reason = 'unreadable' in packet ? packet.unreadable : weakness(packet, now);
        if (reason !== undefined || 'unreadable' in packet) {
          ignored.push(reason ?? '');
          continue;
        }
        const answers = await keyring.signers(packet.keyId, packet.created);
        if (answers.length === 0) ignored.push(`a signature by the unknown key ${packet.keyId}`);
        ignored.push(...answers.flatMap((answer) => ('unfit' in answer ? [`a signature by ${answer.unfit}`] : [])));
        const signers = answers.flatMap((answer) => ('unfit' in answer ? [] : [answer]));
        const name = hashNames[packet.hash];
        if (signers.length > 0 && name !== undefined) candidates.push({ packet, signers, covers, hash: createHash(name).update(head.header.bytes) });
      }
    }
    if (candidates.length === 0) throw refused(subject, ignored.length === 0 ? 'no signature' : [...new Set(ignored)].join('; '));
    return new RpmVerifier({ head, subject, ignored, candidates });
  }

  /**
   * Before the payload: fingerprint of the primary key that signed the header by itself; undefined where only signatures over the whole package can
   * count. Throws `INTEGRITY_SIGNATURE` for a bad one.
   */
  headerSigner(): string | undefined {
    const signers = this.candidates.filter(({ covers }) => covers === 'header').map((candidate) => this.signerOf(candidate));
    return signers[0];
  }

  /** Once everything that the signature covers was hashed: what is found then stays. */
  private signerOf(candidate: Candidate): string {
    const known = this.found.get(candidate);
    if (known !== undefined) return known;
    const { packet, signers, hash } = candidate;
    const digest = hash.update(packet.trailer).digest();
    const good = signers.find((each) => isGood(packet, each, digest));
    if (good === undefined) throw refused(this.subject, `a bad signature by ${signers[0]?.fingerprint ?? packet.keyId}`);
    this.found.set(candidate, good.fingerprint);
    return good.fingerprint;
  }

  /** The next bytes of what follows the head. */
  update(chunk: Uint8Array): void {
    this.payload?.update(chunk);
    for (const { covers, hash } of this.candidates) if (covers === 'package') hash.update(chunk);
  }

  /** In place of every {@link update}: the sha256 of what follows the head. False where that does not suffice, and the bytes are to be fed. */
  skip(sha256: string): boolean {
    if (this.candidates.some(({ covers }) => covers === 'package')) return false;
    if (this.payload !== undefined && hashNames[this.head.header.number(rpmTag.payloadDigestAlgorithm) ?? 0] !== 'sha256') return false;
    this.payloadSha256 = sha256;
    return true;
  }

  /**
   * The payload is over. Throws `INTEGRITY_DIGEST` when it is not what the signed header says, and `INTEGRITY_SIGNATURE` when a signature by a known
   * key is bad, one good one beside it or not.
   */
  finish(): RpmVerification {
    this.checkPayload();
    let signer: string | undefined;
    let coversPayload = this.payload !== undefined;
    for (const candidate of this.candidates) {
      const found = this.signerOf(candidate);
      signer ??= found;
      coversPayload ||= candidate.covers === 'package';
    }
    if (signer === undefined) throw refused(this.subject, 'no signature');
    return { signer, ignored: [...new Set(this.ignored)], coversPayload };
  }

  private checkPayload(): void {
    const expected = this.head.header.texts(rpmTag.payloadDigest)[0];
    const actual = this.payload === undefined ? undefined : this.payloadSha256 ?? this.payload.digest('hex');
    if (actual !== undefined && actual !== expected) throw new BundleError('INTEGRITY_DIGEST', { subject: `${this.subject}, payload`, expected: `${expected ?? 'a digest'}, as its header says`, actual });
  }
}

function weakness(packet: SignaturePacket, now: Date): string | undefined {
  const who = packet.keyId === '' ? 'a key that it does not name' : packet.keyId;
  if (packet.type !== 0) return `a signature of type ${packet.type} by ${who}`;
  if (packet.algorithm === 17) return `a DSA signature by ${who}, which counts as weak`;
  if (hashNames[packet.hash] === undefined) return `a signature by ${who} with ${algorithmNames[packet.hash] ?? `hash ${packet.hash}`}, which counts as weak`;
  if (packet.keyId === '') return `a signature by ${who}`;
  if (packet.created * 1000 > now.getTime() + dayMs) return `a signature by ${who} from the future`;
  if (packet.expiresAfter > 0 && (packet.created + packet.expiresAfter) * 1000 <= now.getTime()) return `a signature by ${who} that expired`;
  return undefined;
}

/** SHA-256 where the package has it; packages of before rpm 4.14 have SHA-1. Either only catches damage: trust comes from signatures and indexes. */
function checkHeaderDigest({ signature, header }: RpmHead, subject: string): void {
  for (const [tag, algorithm] of [[rpmTag.sha256Header, 'sha256'], [rpmTag.sha1Header, 'sha1']] as const) {
    const expected = signature.text(tag);
    if (expected === undefined) continue;
    const actual = createHash(algorithm).update(header.bytes).digest('hex');
    if (actual !== expected.toLowerCase()) throw new BundleError('INTEGRITY_DIGEST', { subject: `${subject}, header`, expected: `${algorithm} ${expected}`, actual });
  }
}

/** Checks the digests that an unsigned package has over itself; `payload` follows its head. Throws `INTEGRITY_DIGEST`. */
export async function checkRpmDigests(head: RpmHead, payload: AsyncIterable<Uint8Array>, subject: string): Promise<void> {
  checkHeaderDigest(head, subject);
  const algorithm = hashNames[head.header.number(rpmTag.payloadDigestAlgorithm) ?? 0];
  const expected = head.header.texts(rpmTag.payloadDigest)[0];
  if (algorithm === undefined || expected === undefined) return;
  const hash = createHash(algorithm);
  for await (const chunk of payload) hash.update(chunk);
  const actual = hash.digest('hex');
  if (actual !== expected) throw new BundleError('INTEGRITY_DIGEST', { subject: `${subject}, payload`, expected: `${expected}, as its header says`, actual });
}
