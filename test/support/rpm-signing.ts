// Keys, and signatures over rpm headers, made in code: of version 4 by openpgp, of version 3 by hand, since nobody makes them any more.
import { createHash, createPrivateKey, type KeyObject, sign as rawSign } from 'node:crypto';
import { createMessage, enums, generateKey, type PrivateKey, sign } from 'openpgp';
import { type PgpKey, parseKeys } from '../../formats/pgp/keys.ts';
import { rpmTag } from '../../formats/rpm/header.ts';
import { digestTags, makeRpm, type RpmParts, type TagValue } from './rpm-file.ts';

export const born = new Date('2024-01-01T00:00:00Z');
export const signed = new Date('2024-06-01T00:00:00Z');
export const now = new Date('2026-01-01T00:00:00Z');

export interface KeyOptions {
  readonly type?: 'rsa' | 'ecc';
  readonly rsaBits?: number;
  readonly expiresAfterSeconds?: number;
  readonly subkeys?: readonly { readonly sign?: boolean }[];
}

export async function makeKey(name: string, { type = 'rsa', rsaBits = 2048, expiresAfterSeconds = 0, subkeys = [] }: KeyOptions = {}): Promise<PrivateKey> {
  const { privateKey } = await generateKey({
    ...(type === 'rsa' ? { type, rsaBits } : { type, curve: 'ed25519Legacy' as const }),
    userIDs: [{ name }], date: born, keyExpirationTime: expiresAfterSeconds, subkeys: [...subkeys], format: 'object', config: { minRSABits: 1024 },
  });
  return privateKey;
}

export async function publicKeys(...keys: readonly PrivateKey[]): Promise<readonly PgpKey[]> {
  return (await Promise.all(keys.map((key) => parseKeys(key.toPublic().write(), 'keys')))).flat();
}

export async function signature4(key: PrivateKey, content: Uint8Array, options: { readonly date?: Date; readonly hash?: enums.hash; readonly subkey?: boolean } = {}): Promise<Uint8Array> {
  const keyID = options.subkey === true ? key.subkeys[0]?.getKeyID() : key.getKeyID();
  return sign({
    message: await createMessage({ binary: content }), signingKeys: key, detached: true, format: 'binary', date: options.date ?? signed, ...(keyID === undefined ? {} : { signingKeyIDs: keyID }),
    config: { preferredHashAlgorithm: options.hash ?? enums.hash.sha512, minRSABits: 1024, rejectHashAlgorithms: new Set(), nonDeterministicSignaturesViaNotation: false },
  });
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

function inverse(a: bigint, m: bigint): bigint {
  let [r0, r1, s0, s1] = [m, a % m, 0n, 1n];
  while (r1 > 0n) [r0, r1, s0, s1] = [r1, r0 % r1, s1, s0 - (r0 / r1) * s1];
  return ((s0 % m) + m) % m;
}

/** Key and subkeys of a private key have these; the types of openpgp say so of some only. */
export interface RsaKeyPacket { readonly publicParams: object; getKeyID(): { toHex(): string } }

function privateKeyOf(packet: RsaKeyPacket): KeyObject {
  const { n, e } = packet.publicParams as Readonly<Record<'n' | 'e', Uint8Array>>;
  const { d, p, q } = (packet as unknown as { readonly privateParams: Readonly<Record<'d' | 'p' | 'q', Uint8Array>> }).privateParams;
  const bytesOf = (value: bigint): Uint8Array => Buffer.from(value.toString(16).padStart(2 * p.length, '0'), 'hex');
  const [dn, pn, qn] = [numberOf(d), numberOf(p), numberOf(q)];
  return createPrivateKey({ key: { kty: 'RSA', n: base64(n), e: base64(e), d: base64(d), p: base64(p), q: base64(q), dp: base64(bytesOf(dn % (pn - 1n))), dq: base64(bytesOf(dn % (qn - 1n))), qi: base64(bytesOf(inverse(qn, pn))) }, format: 'jwk' });
}

function number(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

function mpi(bytes: Uint8Array): Buffer {
  const text = numberOf(bytes).toString(2);
  return Buffer.concat([number(text.length, 2), Buffer.from(numberOf(bytes).toString(16).padStart(2 * Math.ceil(text.length / 8), '0'), 'hex')]);
}

const packet = (body: Uint8Array): Buffer => Buffer.concat([Buffer.from([0x89]), number(body.length, 2), body]);
const seconds = (date: Date): Buffer => number(Math.floor(date.getTime() / 1000), 4);
const hashCodes = { sha1: 2, sha256: 8 } as const;

/** RFC 4880, section 5.2.2. */
export function signature3(key: RsaKeyPacket, content: Uint8Array, date = signed): Uint8Array {
  const hashed = Buffer.concat([number(0, 1), seconds(date)]);
  const covered = Buffer.concat([content, hashed]);
  const made = rawSign('sha256', covered, privateKeyOf(key));
  return packet(Buffer.concat([Buffer.from([3, 5]), hashed, Buffer.from(key.getKeyID().toHex(), 'hex'), Buffer.from([1, 8]), createHash('sha256').update(covered).digest().subarray(0, 2), mpi(made)]));
}

/** RFC 4880, section 5.2.3, as one says: any type, hash and hashed subpackets (type and body). */
export function signatureBody(key: RsaKeyPacket, content: Uint8Array, options: { readonly type?: number; readonly hash?: 'sha1' | 'sha256'; readonly date?: Date; readonly subpackets?: readonly (readonly [number, Uint8Array])[] } = {}): Buffer {
  const { type = 0, hash = 'sha256', date = signed, subpackets = [] } = options;
  const all: readonly (readonly [number, Uint8Array])[] = [[2, seconds(date)], [16, Buffer.from(key.getKeyID().toHex(), 'hex')], ...subpackets];
  const area = Buffer.concat(all.map(([code, body]) => Buffer.concat([Buffer.from([0xff]), number(body.length + 1, 4), Buffer.from([code]), body])));
  const hashed = Buffer.concat([Buffer.from([4, type, 1, hashCodes[hash]]), number(area.length, 2), area]);
  const covered = Buffer.concat([content, hashed, Buffer.from([4, 0xff]), number(hashed.length, 4)]);
  return Buffer.concat([hashed, number(0, 2), createHash(hash).update(covered).digest().subarray(0, 2), mpi(rawSign(hash, covered, privateKeyOf(key)))]);
}

export const rawSignature4 = (...args: Parameters<typeof signatureBody>): Uint8Array => packet(signatureBody(...args));

export type Sign = (content: Buffer) => Promise<Uint8Array> | Uint8Array;

/** An rpm with signatures over its header (`header`, in RSAHEADER or another tag) and over header and payload (`whole`, SIGPGP). */
export async function makeSignedRpm(name: string, signs: { readonly header?: Sign; readonly headerTag?: number; readonly whole?: Sign }, parts: RpmParts = {}): Promise<Buffer> {
  let [header, payload] = [Buffer.alloc(0), Buffer.alloc(0)];
  makeRpm(name, { ...parts, signature: (first, second) => { [header, payload] = [Buffer.from(first), Buffer.from(second)]; return digestTags(first, second); } });
  const tags = new Map<number, TagValue>();
  if (signs.header !== undefined) tags.set(signs.headerTag ?? rpmTag.rsaHeader, { type: 'binary', value: await signs.header(header) });
  if (signs.whole !== undefined) tags.set(rpmTag.sigPgp, { type: 'binary', value: await signs.whole(Buffer.concat([header, payload])) });
  return makeRpm(name, { ...parts, signature: (first, second) => new Map([...(parts.signature ?? digestTags)(first, second), ...tags]) });
}
