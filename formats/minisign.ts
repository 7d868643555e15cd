// Minisign signatures: jedisct1.github.io/minisign, "Signature format" and "Public key format"; Ed25519 (RFC 8032), BLAKE2b-512 (RFC 7693).
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { BundleError } from '../bom/errors.ts';

export interface MinisignKey {
  /** 16 upper-case hex digits, as minisign prints it. */
  readonly id: string;
  readonly key: KeyObject;
}

export interface MinisignSignature {
  readonly keyId: string;
  /** What the signature covers: the content's BLAKE2b-512, or (the form of old versions) the content itself. */
  readonly covers: 'blake2b512' | 'content';
  readonly signature: Uint8Array;
  readonly trustedComment: string;
  readonly globalSignature: Uint8Array;
}

/** What the old form may cover: it has to be in memory at once. */
export const maxLegacyBytes = 64 << 20;

const keyBytes = 42;
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** The key of a `.pub` file, or its base64 line alone. Throws `INPUT_KEY`. */
export function parseMinisignKey(text: string, subject: string): MinisignKey {
  const line = text.split(/\r?\n/).map((each) => each.trim()).filter((each) => each !== '' && !each.startsWith('untrusted comment:'));
  const bytes = Buffer.from(line[0] ?? '', 'base64');
  if (line.length !== 1 || bytes.length !== keyBytes || bytes.toString('latin1', 0, 2) !== 'Ed') {
    throw new BundleError('INPUT_KEY', { subject, expected: 'a minisign public key', actual: 'something else', next: 'Give the file that `minisign -G` wrote as minisign.pub, or its second line.' });
  }
  return { id: idOf(bytes), key: createPublicKey({ key: Buffer.concat([spkiPrefix, bytes.subarray(10)]), format: 'der', type: 'spki' }) };
}

/** A `.minisig` file. Throws `INTEGRITY_SIGNATURE`. */
export function parseMinisignSignature(text: string, subject: string): MinisignSignature {
  const [untrusted = '', first = '', trusted = '', second = '', ...rest] = text.replace(/\r?\n$/, '').split(/\r?\n/);
  const [bytes, globalSignature] = [Buffer.from(first, 'base64'), Buffer.from(second, 'base64')];
  const algorithm = bytes.toString('latin1', 0, 2);
  const isWhole = untrusted.startsWith('untrusted comment: ') && trusted.startsWith('trusted comment: ') && bytes.length === 74 && globalSignature.length === 64 && rest.length === 0;
  if (!isWhole || (algorithm !== 'ED' && algorithm !== 'Ed')) throw refused(subject, 'a file that is none');
  return { keyId: idOf(bytes), covers: algorithm === 'ED' ? 'blake2b512' : 'content', signature: bytes.subarray(10), trustedComment: trusted.slice('trusted comment: '.length), globalSignature };
}

/** Throws `INTEGRITY_SIGNATURE` unless `signature` is by `key` over the content: its BLAKE2b-512, or the content, as `signature.covers` says. */
export function verifyMinisign(signature: MinisignSignature, covered: Uint8Array, { key, id }: MinisignKey, subject: string): void {
  if (signature.keyId !== id) throw refused(subject, `a signature by the key ${signature.keyId}`, id);
  if (!verify(null, covered, key, signature.signature)) throw refused(subject, 'a bad signature', id);
  const comment = Buffer.concat([signature.signature, Buffer.from(signature.trustedComment, 'utf8')]);
  if (!verify(null, comment, key, signature.globalSignature)) throw refused(subject, 'a trusted comment that was changed', id);
}

/** The hash that prehashed signatures cover, fed piece by piece. */
export function minisignHash(): { update(chunk: Uint8Array): unknown; digest(): Uint8Array } {
  return createHash('blake2b512');
}

/** Bytes 2 to 9, little-endian. */
function idOf(bytes: Buffer): string {
  return Buffer.from(bytes.subarray(2, 10)).reverse().toString('hex').toUpperCase();
}

function refused(subject: string, actual: string, id?: string): BundleError {
  return new BundleError('INTEGRITY_SIGNATURE', { subject, expected: id === undefined ? 'a minisign signature' : `a good minisign signature by the key ${id}`, actual });
}
