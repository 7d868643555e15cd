import { createMessage, generateKey, type PrivateKey, revokeKey, sign } from 'openpgp';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeSigningKey, parseKeys, parseSigningKey, type PgpKey, type SigningKey } from '../../../formats/pgp/keys.ts';
import { clearsign, signDetached, verifyClearsigned, verifyDetached } from '../../../formats/pgp/signature.ts';
import { dsaKey, dsaSignature, sha1Signature, weakKey } from './sha1-fixture.ts';

const born = new Date('2026-01-01T00:00:00Z');
const then = new Date('2026-02-01T00:00:00Z');
const now = new Date('2026-03-01T00:00:00Z');
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const content = 'Origin: x\nSuite: y\n- dash\nFrom here\n';
const options = { subject: 'InRelease', now };

interface Pair { readonly signing: SigningKey; readonly keys: readonly PgpKey[]; readonly armored: string }

async function small(more: { readonly keyExpirationTime?: number } = {}): Promise<Pair> {
  const { privateKey, publicKey } = await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'test' }], date: born, format: 'armored', ...more });
  return { signing: await parseSigningKey(bytesOf(privateKey), 'key'), keys: await parseKeys(bytesOf(publicKey), 'key'), armored: publicKey };
}

let one: Pair;
let two: Pair;
beforeAll(async () => { [one, two] = await Promise.all([small(), small()]); });

describe('makeSigningKey', () => {
  it('makes an RSA-4096 key that signs and verifies', async () => {
    const made = await makeSigningKey({ name: 'longshore', date: born });
    const signing = await parseSigningKey(bytesOf(made.privateKey), 'private');
    const keys = await parseKeys(bytesOf(made.publicKey), 'public');
    expect(keys[0]).toMatchObject({ fingerprint: made.fingerprint, userIds: ['longshore'] });
    expect(keys[0]?.key.getAlgorithmInfo()).toMatchObject({ bits: 4096 });
    const signature = await signDetached(bytesOf(content), signing, then);
    expect(signature).toBe(await signDetached(bytesOf(content), signing, then));
    await expect(verifyDetached(bytesOf(content), bytesOf(signature), keys, options)).resolves.toEqual({ signers: [made.fingerprint], ignored: [] });
    expect(await clearsign(content, signing, then)).toMatch(/^-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n/);
  });
});

describe('parseKeys', () => {
  it('reads several armored blocks with text between, binary, and the public half of a private key', async () => {
    const both = await parseKeys(bytesOf(`first\n${one.armored}\nsecond\n${two.armored}`), 'keys');
    expect(both.map(({ fingerprint }) => fingerprint)).toEqual([one.keys[0]?.fingerprint, two.keys[0]?.fingerprint]);
    const binary = Buffer.concat([...one.keys, ...two.keys].map(({ key }) => key.write()));
    expect(await parseKeys(binary, 'keys')).toHaveLength(2);
    const [half] = await parseKeys(bytesOf(one.signing.key.armor()), 'keys');
    expect(half?.key.isPrivate()).toBe(false);
  });

  it.each(['', 'no key', '\u0099\u0001', '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n'])('refuses %j', async (text) => {
    await expect(parseKeys(Buffer.from(text, 'latin1'), 'keys')).rejects.toMatchObject({ code: 'INPUT_KEY' });
  });

  it('refuses a public key where a private one is needed', async () => {
    await expect(parseSigningKey(bytesOf(one.armored), 'key')).rejects.toMatchObject({ code: 'INPUT_KEY' });
  });
});

describe('verifyClearsigned', () => {
  it('returns the text that is covered and who signed it', async () => {
    const document = bytesOf(await clearsign(content, one.signing, then));
    const { text, signers, ignored } = await verifyClearsigned(document, [...two.keys, ...one.keys], options);
    expect(textOf(text)).toBe(content);
    expect({ signers, ignored }).toEqual({ signers: [one.keys[0]?.fingerprint], ignored: [] });
  });

  it('refuses changed text, text outside the frame, and what is not signed at all', async () => {
    const document = await clearsign(content, one.signing, then);
    for (const bad of [document.replace('Suite: y', 'Suite: z'), `Suite: z\n${document}`, `${document}Suite: z\n`, `${document}${document}`, content, '', document.slice(0, 120), document.replace('-----END PGP SIGNATURE-----', '')]) {
      await expect(verifyClearsigned(bytesOf(bad), one.keys, options)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
    }
  });

  it('refuses a frame whose signature block holds no signature', async () => {
    const document = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${content}-----BEGIN PGP SIGNATURE-----\n\n=twTO\n-----END PGP SIGNATURE-----\n`;
    await expect(verifyClearsigned(bytesOf(document), one.keys, options)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
  });
});

async function detached(keys: PrivateKey[], date = then): Promise<Uint8Array> {
  return sign({ message: await createMessage({ binary: bytesOf(content) }), signingKeys: keys, detached: true, date, format: 'binary' });
}

describe('verifyDetached', () => {
  it('counts one good signature among unknown ones, which are named', async () => {
    const signature = await detached([one.signing.key, two.signing.key]);
    await expect(verifyDetached(bytesOf(content), signature, one.keys, options)).resolves.toEqual({
      signers: [one.keys[0]?.fingerprint], ignored: [expect.stringContaining('unknown key')],
    });
    await expect(verifyDetached(bytesOf(content), signature, [], options)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE', facts: { actual: expect.stringContaining('unknown key') as string } });
  });

  it('refuses when one of several signatures is bad', async () => {
    const other = await sign({ message: await createMessage({ binary: bytesOf('other') }), signingKeys: two.signing.key, detached: true, date: then, format: 'binary' });
    const signature = Buffer.concat([await detached([one.signing.key]), other]);
    await expect(verifyDetached(bytesOf(content), signature, [...one.keys, ...two.keys], options)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE', facts: { actual: expect.stringContaining('a bad signature') as string } });
  });

  it('names a key that expired and one that was revoked', async () => {
    const short = await small({ keyExpirationTime: 45 * 86_400 });
    await expect(verifyDetached(bytesOf(content), await detached([short.signing.key]), short.keys, { ...options, now: then })).resolves.toMatchObject({ ignored: [] });
    await expect(verifyDetached(bytesOf(content), await detached([short.signing.key]), short.keys, options)).rejects.toMatchObject({ facts: { actual: expect.stringContaining('expired on 2026-02-15') as string } });
    const { publicKey } = await revokeKey({ key: one.signing.key, date: new Date('2026-02-10T00:00:00Z'), format: 'object' });
    const revoked = await parseKeys(publicKey.write(), 'revoked');
    await expect(verifyDetached(bytesOf(content), await detached([one.signing.key]), revoked, options)).rejects.toMatchObject({ facts: { actual: expect.stringContaining('was revoked') as string } });
  });

  it('does not count DSA and short RSA keys, alone or beside a good one', async () => {
    const dsa = await parseKeys(bytesOf(dsaKey), 'dsa');
    await expect(verifyDetached(bytesOf(content), bytesOf(dsaSignature), dsa, options)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE', facts: { actual: expect.stringContaining('a DSA key, which is too weak') as string } });
    const body = Buffer.from(dsaSignature.replace(/-----[^-]+-----|^=.{4}$/gm, ''), 'base64');
    const both = Buffer.concat([body, await detached([one.signing.key])]);
    await expect(verifyDetached(bytesOf(content), both, [...dsa, ...one.keys], options)).resolves.toEqual({ signers: [one.keys[0]?.fingerprint], ignored: [expect.stringContaining('DSA')] });
    const loose = { minRSABits: 1024 };
    const short = await generateKey({ type: 'rsa', rsaBits: 1024, subkeys: [], userIDs: [{ name: 'short' }], date: born, format: 'object', config: loose });
    const signature = await sign({ message: await createMessage({ binary: bytesOf(content) }), signingKeys: short.privateKey, detached: true, date: then, format: 'binary', config: loose });
    await expect(verifyDetached(bytesOf(content), signature, await parseKeys(short.publicKey.write(), 'short'), options)).rejects.toMatchObject({ facts: { actual: expect.stringContaining('an RSA key of 1024 bits, which is too weak') as string } });
  });

  it('does not count weak hashes, signatures of the future, and damaged data', async () => {
    const weak = await parseKeys(bytesOf(weakKey), 'weak');
    await expect(verifyDetached(bytesOf(content), bytesOf(sha1Signature), weak, options)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE', facts: { actual: expect.stringContaining('weak hash') as string } });
    await expect(verifyDetached(bytesOf(content), await detached([one.signing.key], new Date('2026-04-01T00:00:00Z')), one.keys, options)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
    for (const bad of [new Uint8Array(), bytesOf('nonsense'), (await detached([one.signing.key])).subarray(0, 20)]) {
      await expect(verifyDetached(bytesOf(content), bad, one.keys, options)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
    }
  });
});
