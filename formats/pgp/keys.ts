// OpenPGP certificates: RFC 4880, section 11.1 ("Transferable Public Keys"); RFC 9580 for what it obsoletes.
import { type Key, type PrivateKey, generateKey, readKeys, readPrivateKeys } from 'openpgp';
import { BundleError } from '../../bom/errors.ts';

/** A public key with what a person or a filter needs to know of it. */
export interface PgpKey {
  /** Of the primary key: 40 (or 64) upper-case hex digits. */
  readonly fingerprint: string;
  /** Of the primary key and every subkey. */
  readonly fingerprints: readonly string[];
  readonly userIds: readonly string[];
  readonly key: Key;
}

/** Bounds a keyring: the largest one in use (Debian's, all releases) has 200 KB. */
const maxKeyringBytes = 16 << 20;

const armorBlock = /-----BEGIN PGP (?:PUBLIC|PRIVATE) KEY BLOCK-----[\s\S]*?-----END PGP (?:PUBLIC|PRIVATE) KEY BLOCK-----/g;

function noKey(subject: string, actual: string, cause?: unknown): BundleError {
  return new BundleError('INPUT_KEY', { subject, expected: 'OpenPGP keys, armored or binary', actual }, { cause });
}

/** Blocks of an armored file, or undefined when it is binary. */
function armoredBlocks(bytes: Uint8Array, subject: string): string[] | undefined {
  if (bytes.length > maxKeyringBytes) throw noKey(subject, `${bytes.length} bytes`);
  if (bytes.length === 0) throw noKey(subject, 'an empty file');
  if (((bytes[0] ?? 0) & 0x80) !== 0) return undefined;
  const blocks = Buffer.from(bytes).toString('latin1').match(armorBlock);
  if (blocks === null) throw noKey(subject, 'no key block');
  return blocks;
}

function describe(key: Key): PgpKey {
  const fingerprint = key.getFingerprint().toUpperCase();
  return {
    fingerprint,
    fingerprints: [fingerprint, ...key.subkeys.map((subkey) => subkey.getFingerprint().toUpperCase())],
    userIds: key.getUserIDs(),
    key,
  };
}

/** Every key of a file: armored (any number of blocks, with text between them) or binary. Private keys come back as their public half. Throws `INPUT_KEY`. */
export async function parseKeys(bytes: Uint8Array, subject: string): Promise<readonly PgpKey[]> {
  const blocks = armoredBlocks(bytes, subject);
  let keys: Key[];
  try {
    keys = blocks === undefined
      ? await readKeys({ binaryKeys: bytes })
      : (await Promise.all(blocks.map((block) => readKeys({ armoredKeys: block })))).flat();
  } catch (cause) {
    throw noKey(subject, (cause as Error).message, cause);
  }
  if (keys.length === 0) throw noKey(subject, 'no key');
  return keys.map((key) => describe(key.isPrivate() ? key.toPublic() : key));
}

/** A key that can sign. Its secret part is not protected by a passphrase. */
export interface SigningKey {
  readonly fingerprint: string;
  readonly key: PrivateKey;
}

/** The one private key of a file, armored or binary. Throws `INPUT_KEY` when there is none, more than one, or one with a passphrase. */
export async function parseSigningKey(bytes: Uint8Array, subject: string): Promise<SigningKey> {
  const blocks = armoredBlocks(bytes, subject)?.filter((block) => block.includes('PRIVATE'));
  let keys: PrivateKey[];
  try {
    keys = blocks === undefined
      ? await readPrivateKeys({ binaryKeys: bytes })
      : (await Promise.all(blocks.map((block) => readPrivateKeys({ armoredKeys: block })))).flat();
  } catch (cause) {
    throw noKey(subject, (cause as Error).message, cause);
  }
  const [key] = keys;
  if (key === undefined || keys.length > 1) throw noKey(subject, `${keys.length} private keys where one is needed`);
  if (!key.isDecrypted()) throw noKey(subject, 'a private key that is protected by a passphrase');
  return { fingerprint: key.getFingerprint().toUpperCase(), key };
}

/**
 * A new signing key: RSA with 4096 bits, which gpgv, apt, dnf and rpm of every supported release accept (curve25519 in its new form is not).
 * `date` is its creation time. Takes seconds.
 */
export async function makeSigningKey(options: { readonly name: string; readonly email?: string; readonly date: Date }): Promise<{
  readonly privateKey: string; readonly publicKey: string; readonly fingerprint: string;
}> {
  const { privateKey, publicKey } = await generateKey({
    type: 'rsa',
    rsaBits: 4096,
    userIDs: [{ name: options.name, ...(options.email === undefined ? {} : { email: options.email }) }],
    date: options.date,
    subkeys: [],
    format: 'object',
  });
  return { privateKey: privateKey.armor(), publicKey: publicKey.armor(), fingerprint: publicKey.getFingerprint().toUpperCase() };
}
