import { enums, type PrivateKey } from 'openpgp';
import { beforeAll, describe, expect, it } from 'vitest';
import { type PgpKey, parseKeys } from '../../../formats/pgp/keys.ts';
import { rpmTag } from '../../../formats/rpm/header.ts';
import { RpmKeyring } from '../../../formats/rpm/keyring.ts';
import { parseRpmHead } from '../../../formats/rpm/package-head.ts';
import { readSignatures } from '../../../formats/rpm/pgp-packet.ts';
import { checkRpmDigests, type RpmVerification, RpmVerifier } from '../../../formats/rpm/signature.ts';
import { basicTags, makeRpm } from '../../support/rpm-file.ts';
import { makeKey, makeSignedRpm, now, publicKeys, rawSignature4, type RsaKeyPacket, signature3, signature4, signatureBody } from '../../support/rpm-signing.ts';

let rsa: PrivateKey;
let edwards: PrivateKey;
let keys: readonly PgpKey[];
const fingerprint = (key: PrivateKey): string => key.getFingerprint().toUpperCase();

beforeAll(async () => {
  [rsa, edwards] = await Promise.all([makeKey('rsa'), makeKey('edwards', { type: 'ecc' })]);
  keys = await publicKeys(rsa, edwards);
});

async function verify(file: Uint8Array, ring: readonly PgpKey[] = keys, at = now): Promise<RpmVerification> {
  const head = parseRpmHead(file, 'tool.rpm');
  const verifier = await RpmVerifier.start(head, new RpmKeyring(ring, at), { subject: 'tool.rpm', now: at });
  const payload = file.subarray(head.headerRange.end);
  verifier.update(payload.subarray(0, 3));
  verifier.update(payload.subarray(3));
  return verifier.finish();
}

const refusedWith = (actual: unknown): object => ({ code: 'INTEGRITY_SIGNATURE', facts: { subject: 'tool.rpm', actual } });
const withoutPayloadDigest = { tags: new Map([...basicTags('tool'), [rpmTag.payloadDigest, { type: 'strings', value: ['x'] }] as const]), changeHeader: (bytes: Buffer): void => {
  // Renames the two tags, so that the header has no digest of the payload.
  for (let at = 16; at < 16 + 16 * bytes.readUInt32BE(8); at += 16) if ([rpmTag.payloadDigest, rpmTag.payloadDigestAlgorithm].includes(bytes.readUInt32BE(at) as 5092)) bytes.writeUInt32BE(bytes.readUInt32BE(at) + 900, at);
} };

describe('RpmVerifier', () => {
  it.each([['SHA-256', enums.hash.sha256], ['SHA-384', enums.hash.sha384], ['SHA-512', enums.hash.sha512]])('takes RSA with %s', async (_, hash) => {
    const file = await makeSignedRpm('tool', { header: (content) => signature4(rsa, content, { hash }) });
    expect(await verify(file)).toEqual({ signer: fingerprint(rsa), ignored: [], coversPayload: true });
  });

  it('takes Ed25519', async () => {
    expect(await verify(await makeSignedRpm('tool', { header: (content) => signature4(edwards, content) }))).toMatchObject({ signer: fingerprint(edwards) });
  });

  it('takes a signature packet of version 3', async () => {
    expect(await verify(await makeSignedRpm('tool', { header: (content) => signature3(rsa.keyPacket, content) }))).toMatchObject({ signer: fingerprint(rsa) });
  });

  it('takes a signature over header and payload', async () => {
    const file = await makeSignedRpm('tool', { whole: (content) => signature3(rsa.keyPacket, content) }, withoutPayloadDigest);
    expect(await verify(file)).toMatchObject({ signer: fingerprint(rsa), coversPayload: true });
    const changed = Buffer.from(file);
    changed[changed.length - 1] = 0;
    await expect(verify(changed)).rejects.toMatchObject(refusedWith(`a bad signature by ${fingerprint(rsa)}`));
  });

  it('says when nothing covers the payload', async () => {
    const file = await makeSignedRpm('tool', { header: (content) => signature4(rsa, content) }, withoutPayloadDigest);
    expect(await verify(file)).toMatchObject({ coversPayload: false });
  });

  it('takes signatures of rpm 4.19 and later, as text', async () => {
    let text = '';
    await makeSignedRpm('tool', { header: async (content) => {
      const made = await signature4(rsa, content);
      text = Buffer.from(made).toString('base64');
      return made;
    } });
    expect(await verify(makeRpm('tool', { signature: () => new Map([[rpmTag.openPgp, { type: 'strings', value: [text] }]]) }))).toMatchObject({ signer: fingerprint(rsa) });
  });

  it('takes a bound subkey that may sign', async () => {
    const key = await makeKey('sub', { type: 'ecc', subkeys: [{ sign: true }] });
    const file = await makeSignedRpm('tool', { header: (content) => signature4(key, content, { subkey: true }) });
    expect(await verify(file, await publicKeys(key))).toMatchObject({ signer: fingerprint(key) });
  });

  it('takes a key that ended after it signed, and refuses one that had ended', async () => {
    const key = await makeKey('ends', { type: 'ecc', expiresAfterSeconds: 365 * 86_400 });
    const ring = await publicKeys(key);
    expect(await verify(await makeSignedRpm('tool', { header: (content) => signature4(key, content) }), ring)).toMatchObject({ signer: fingerprint(key) });
    const short = await makeKey('short', { expiresAfterSeconds: 86_400 });
    const late = await makeSignedRpm('tool', { header: (content) => rawSignature4(short.keyPacket, content) });
    await expect(verify(late, await publicKeys(short))).rejects.toMatchObject(refusedWith(expect.stringMatching(`a signature by ${fingerprint(short)}, which may not sign`)));
  });

  it.each([
    ['without any signature', () => makeSignedRpm('tool', {}), 'no signature'],
    ['by an unknown key', async () => { const key = await makeKey('other', { type: 'ecc' }); return makeSignedRpm('tool', { header: (content) => signature4(key, content) }); }, expect.stringMatching(/^a signature by the unknown key [0-9A-F]{16}$/)],
    ['with SHA-1', () => makeSignedRpm('tool', { header: (content) => rawSignature4(rsa.keyPacket, content, { hash: 'sha1' }) }), expect.stringMatching(/with SHA-1, which counts as weak$/)],
    ['with an empty signature', () => makeSignedRpm('tool', { header: () => new Uint8Array([0]) }), 'a signature that is cut or no OpenPGP packet'],
    ['with something else than a signature', () => makeSignedRpm('tool', { header: () => keys[0]?.key.write() ?? new Uint8Array() }), expect.stringMatching(/^a packet 6 that is no signature/)],
    ['with a cut signature', () => makeSignedRpm('tool', { header: async (content) => (await signature4(rsa, content)).subarray(0, 100) }), 'a signature that is cut or no OpenPGP packet'],
    ['with a signature that expired', () => makeSignedRpm('tool', { header: (content) => rawSignature4(rsa.keyPacket, content, { subpackets: [[3, Buffer.from([0, 0, 0, 1])]] }) }), expect.stringMatching(/that expired$/)],
    ['with an unknown critical subpacket', () => makeSignedRpm('tool', { header: (content) => rawSignature4(rsa.keyPacket, content, { subpackets: [[0x80 | 99, Buffer.from('x')]] }) }), 'a signature with the unknown critical subpacket 99'],
    ['with a signature of another type', () => makeSignedRpm('tool', { header: (content) => rawSignature4(rsa.keyPacket, content, { type: 1 }) }), expect.stringMatching(/^a signature of type 1 by /)],
    ['signed in the future', () => makeSignedRpm('tool', { header: (content) => signature3(rsa.keyPacket, content, new Date('2026-02-01T00:00:00Z')) }), expect.stringMatching(/from the future$/)],
    ['signed before the key was made', () => makeSignedRpm('tool', { header: (content) => signature3(rsa.keyPacket, content, new Date('2023-01-01T00:00:00Z')) }), expect.stringMatching(/from before the key was made$/)],
    ['over another header', () => makeSignedRpm('tool', { header: (content) => signature4(rsa, Buffer.concat([content, Buffer.from('x')])) }), expect.stringMatching(/^a bad signature by /)],
    ['with a good signature and a bad one', () => makeSignedRpm('tool', { header: (content) => signature4(rsa, content), whole: (content) => signature4(edwards, Buffer.concat([content, content])) }), expect.stringMatching(/^a bad signature by /)],
  ] as const)('refuses a package %s', async (_, make, actual) => {
    await expect(verify(await make())).rejects.toMatchObject(refusedWith(actual));
  });

  it('refuses keys that are weak', async () => {
    const key = await makeKey('short', { rsaBits: 1024 });
    await expect(verify(await makeSignedRpm('tool', { header: (content) => signature4(key, content) }), await publicKeys(key))).rejects.toMatchObject(refusedWith(expect.stringMatching(/an RSA key of 1024 bits/)));
  });

  it('refuses a DSA signature', async () => {
    const file = await makeSignedRpm('tool', { header: async (content) => { const packet = Buffer.from(await signature4(rsa, content)); packet[packet.indexOf(4) + 2] = 17; return packet; }, headerTag: rpmTag.dsaHeader });
    await expect(verify(file)).rejects.toMatchObject(refusedWith(expect.stringMatching(/^a DSA signature by .*weak$/)));
  });

  it('refuses another payload and another header', async () => {
    const file = await makeSignedRpm('tool', { header: (content) => signature4(rsa, content) });
    const payload = Buffer.from(file);
    payload[payload.length - 1] = 0;
    await expect(verify(payload)).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST', facts: { subject: 'tool.rpm, payload' } });
    const header = Buffer.from(file);
    header[header.indexOf('All about')] = 0x42;
    await expect(verify(header)).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST', facts: { subject: 'tool.rpm, header' } });
  });

  it('refuses revoked keys', async () => {
    const { revokeKey } = await import('openpgp');
    const key = await makeKey('revoked', { type: 'ecc' });
    const file = await makeSignedRpm('tool', { header: (content) => signature4(key, content) });
    const { publicKey } = await revokeKey({ key, reasonForRevocation: { flag: enums.reasonForRevocation.keyCompromised }, date: new Date('2025-01-01T00:00:00Z'), format: 'object' });
    await expect(verify(file, await parseKeys(publicKey.write(), 'keys'))).rejects.toMatchObject(refusedWith(expect.stringMatching(/which may not sign \(.*revoked/)));
  });
});

describe('subkeys', () => {
  let primary: PrivateKey;
  let other: PrivateKey;

  beforeAll(async () => {
    [primary, other] = await Promise.all([makeKey('primary'), makeKey('other', { subkeys: [{ sign: true }] })]);
  });

  const subkeyOf = (key: PrivateKey): RsaKeyPacket & { write(): Uint8Array } => {
    const [subkey] = key.subkeys;
    if (subkey === undefined) throw new Error('a subkey expected');
    return subkey.keyPacket;
  };
  /** A key packet as signatures over keys cover it (RFC 4880, section 5.2.4). */
  const covered = (body: Uint8Array): Buffer => Buffer.concat([Buffer.from([0x99, body.length >> 8, body.length & 255]), body]);

  /** The other key's subkey behind the first key, bound by `binding`: a signature packet's body, made over both. */
  async function forged(binding: ((content: Buffer) => Buffer) | undefined): Promise<readonly PgpKey[]> {
    const body = other.toPublic().subkeys[0]?.keyPacket.write() ?? new Uint8Array();
    const content = Buffer.concat([covered(primary.toPublic().keyPacket.write()), covered(body)]);
    const framed = (tag: number, bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([0xc0 | tag, 0xff, 0, 0, bytes.length >> 8, bytes.length & 255]), bytes]);
    const packets = [primary.toPublic().write(), framed(14, body), ...(binding === undefined ? [] : [framed(2, binding(content))])];
    return parseKeys(Buffer.concat(packets), 'keys');
  }

  const maySign = [27, Buffer.from([2])] as const;
  const bound = (...more: readonly (readonly [number, Uint8Array])[]) => (content: Buffer): Buffer => signatureBody(primary.keyPacket, content, { type: 0x18, subpackets: [maySign, ...more] });
  const backSigned = (content: Buffer): Buffer => bound([32, signatureBody(subkeyOf(other), content, { type: 0x19 })])(content);
  const file = (): Promise<Buffer> => makeSignedRpm('tool', { header: (content) => rawSignature4(subkeyOf(other), content, { date: new Date('2024-07-01T00:00:00Z') }) });

  it('takes one that both sides signed', async () => {
    expect(await verify(await file(), await forged(backSigned))).toMatchObject({ signer: fingerprint(primary) });
  });

  it.each([
    ['that is not bound', undefined],
    ['without a signature by the subkey', bound()],
    ['with a signature by another than the subkey', (content: Buffer) => bound([32, signatureBody(primary.keyPacket, content, { type: 0x19 })])(content)],
    ['bound by another key', (content: Buffer) => signatureBody(other.keyPacket, content, { type: 0x18, subpackets: [maySign] })],
    ['bound for other uses', (content: Buffer) => signatureBody(primary.keyPacket, content, { type: 0x18, subpackets: [[27, Buffer.from([12])]] })],
    ['that expired before it signed', (content: Buffer) => bound([9, Buffer.from([0, 0, 0, 100])], [32, signatureBody(subkeyOf(other), content, { type: 0x19 })])(content)],
  ])('refuses one %s', async (_, binding) => {
    await expect(verify(await file(), await forged(binding))).rejects.toMatchObject(refusedWith(expect.stringMatching(/which may not sign|the unknown key/)));
  });
});

describe('checkRpmDigests', () => {
  async function check(file: Uint8Array): Promise<void> {
    const head = parseRpmHead(file, 'tool.rpm');
    await checkRpmDigests(head, (async function* payload() { yield file.subarray(head.headerRange.end); await Promise.resolve(); })(), 'tool.rpm');
  }

  it('checks header and payload of an unsigned package', async () => {
    const file = makeRpm('tool');
    await check(file);
    for (const at of [file.indexOf('All about'), file.length - 1]) {
      const changed = Buffer.from(file);
      changed[at] = 0x42;
      await expect(check(changed)).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST' });
    }
  });
});

describe('readSignatures', () => {
  it('never throws and never gives nothing', () => {
    expect(readSignatures(new Uint8Array())).toEqual([{ unreadable: expect.stringMatching(/cut/) as string }]);
    expect(readSignatures(Uint8Array.of(0x88, 2, 5, 0))).toEqual([{ unreadable: 'a signature of version 5' }]);
  });
});
