// Keys that may sign rpm packages: RFC 4880, sections 5.2.1 (bindings, back-signatures), 5.2.3.21 (key flags) and 12.1 (key structures).
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Key, Subkey } from 'openpgp';
import type { PgpKey } from '../pgp/keys.ts';
import { readPublicKey } from './pgp-packet.ts';

/** A key or subkey that a signature names, ready to verify with. */
export interface RpmSigner {
  /** Of the primary key. */
  readonly fingerprint: string;
  readonly algorithm: 'rsa' | 'ed25519';
  readonly key: KeyObject;
  /** Bytes of a signature by it. */
  readonly signatureBytes: number;
}

/** `{ unfit }` says why a signature by a known key does not count. */
export type SignerAnswer = RpmSigner | { readonly unfit: string };

const minRsaBytes = 256;
const ed25519Curve = '2b06010401da470f01';
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

function materialOf(signing: Key | Subkey, fingerprint: string): SignerAnswer {
  const packet = readPublicKey(signing.keyPacket.write());
  const [first, second] = packet?.material ?? [];
  if (packet === undefined || first === undefined) return { unfit: `${fingerprint}, a key of a version that rpm does not know` };
  if (packet.algorithm === 17) return { unfit: `${fingerprint}, a DSA key, which counts as weak` };
  if (packet.algorithm === 22 && Buffer.from(first).toString('hex') === ed25519Curve && second?.length === 33 && second[0] === 0x40) {
    return { fingerprint, algorithm: 'ed25519', key: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: base64(second.subarray(1)) }, format: 'jwk' }), signatureBytes: 64 };
  }
  if ((packet.algorithm !== 1 && packet.algorithm !== 3) || second === undefined) return { unfit: `${fingerprint}, a key of algorithm ${packet.algorithm}` };
  if (first.length < minRsaBytes) return { unfit: `${fingerprint}, an RSA key of ${first.length * 8} bits, which counts as weak` };
  return { fingerprint, algorithm: 'rsa', key: createPublicKey({ key: { kty: 'RSA', n: base64(first), e: base64(second) }, format: 'jwk' }), signatureBytes: first.length };
}

async function reasonAgainst(key: Key, signing: Key | Subkey, date: Date): Promise<string | undefined> {
  try {
    // Checks the primary key, the binding with its back-signature, flags, expiry and revocation.
    await key.getSigningKey(signing.getKeyID(), date);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The keys of a repository, with what was found out about each: the same key signs thousands of packages. */
export class RpmKeyring {
  private readonly keys: readonly PgpKey[];
  private readonly now: Date;
  private readonly fitNow = new Map<Key | Subkey, Promise<string | undefined>>();
  private readonly materials = new Map<Key | Subkey, SignerAnswer>();

  constructor(keys: readonly PgpKey[], now: Date) {
    this.keys = keys;
    this.now = now;
  }

  /**
   * Whoever may have made a signature that names `keyId`, at `created`. A key counts when it may sign: bound (subkeys with a back-signature),
   * flagged for it, not revoked, and not expired, now or when it signed: packages are signed once, and stay as they are when a key ends. Empty for an unknown key.
   */
  async signers(keyId: string, created: number): Promise<readonly SignerAnswer[]> {
    const found: SignerAnswer[] = [];
    for (const { key, fingerprint } of this.keys) {
      for (const signing of key.getKeys()) {
        if (signing.getKeyID().toHex().toUpperCase() === keyId) found.push(await this.answer({ key, signing, fingerprint }, created));
      }
    }
    return found;
  }

  private async answer({ key, signing, fingerprint }: { readonly key: Key; readonly signing: Key | Subkey; readonly fingerprint: string }, created: number): Promise<SignerAnswer> {
    if (created * 1000 < signing.getCreationTime().getTime()) return { unfit: `${fingerprint}, from before the key was made` };
    const material = this.materials.get(signing) ?? materialOf(signing, fingerprint);
    this.materials.set(signing, material);
    if ('unfit' in material) return material;
    const now = this.fitNow.get(signing) ?? reasonAgainst(key, signing, this.now);
    this.fitNow.set(signing, now);
    const reason = await now;
    if (reason === undefined || (await reasonAgainst(key, signing, new Date(created * 1000))) === undefined) return material;
    return { unfit: `${fingerprint}, which may not sign (${reason})` };
  }
}
