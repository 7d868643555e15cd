// The receipt: what a site holds, signed by its repository machine and carried back out. README, "Deltas".
import { z } from 'zod';
import { type Digest, digestFromHex, hexOf, isDigest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { apiVersion } from '../../bom/lock.ts';
import type { PgpKey, SigningKey } from '../pgp/keys.ts';
import { clearsign, verifyClearsigned } from '../pgp/signature.ts';

export interface Receipt {
  readonly project: string;
  /** Of the generation served. */
  readonly generation: number;
  readonly sequence: number;
  readonly bundle: Digest;
  readonly lock: Digest;
  /** ISO 8601, UTC. */
  readonly issuedAt: string;
  /** Blobs of the project that the site holds, sorted. */
  readonly blobs: readonly Digest[];
}

const digest = z.string().refine(isDigest, 'expected sha256: and 64 lower-case hex digits') as unknown as z.ZodType<Digest>;
const schema = z.object({
  apiVersion: z.literal(apiVersion), kind: z.literal('Receipt'), project: z.string(), generation: z.int().min(1), sequence: z.int().min(1),
  bundle: digest, lock: digest, issuedAt: z.string(), blobs: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
});

/** Text of a receipt: JSON with one blob a line, so that signing tools with short lines take it. */
export function receiptText(receipt: Receipt): string {
  return `${JSON.stringify({ apiVersion, kind: 'Receipt', ...receipt, blobs: [...receipt.blobs].sort().map(hexOf) }, null, 1)}\n`;
}

/** The receipt as a cleartext-signed message, which `gpg --verify` accepts. */
export async function signReceipt(receipt: Receipt, key: SigningKey, date: Date): Promise<string> {
  return clearsign(receiptText(receipt), key, date);
}

export interface ReceiptTrust {
  /** Whose receipt it is, for messages: the file. */
  readonly subject: string;
  readonly keys: readonly PgpKey[];
  readonly allowUnsigned: boolean;
  readonly now: Date;
}

const begin = '-----BEGIN PGP SIGNED MESSAGE-----';

/**
 * A receipt from its bytes, signed or plain. Throws `INTEGRITY_SIGNATURE` when it is not signed by one of the keys, `INPUT_UNSIGNED` when it is not
 * signed or there is no key (unless that is allowed), `INPUT_SYNTAX` and `INPUT_FIELD` when it is no receipt.
 */
export async function parseReceipt(bytes: Uint8Array, { subject, keys, allowUnsigned, now }: ReceiptTrust): Promise<Receipt> {
  let text = new TextDecoder().decode(bytes);
  const isSigned = text.startsWith(begin);
  if (isSigned && keys.length > 0) text = new TextDecoder().decode((await verifyClearsigned(bytes, keys, { subject, now })).text);
  else if (!allowUnsigned) {
    throw new BundleError('INPUT_UNSIGNED', { subject, expected: 'a receipt signed by a known repository machine', actual: isSigned ? 'no key to check it with' : 'no signature' });
  } else if (isSigned) text = text.slice(text.indexOf('\n\n') + 2, text.indexOf('\n-----BEGIN PGP SIGNATURE-----'));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BundleError('INPUT_SYNTAX', { subject, expected: 'a receipt', actual: (cause as Error).message }, { cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new BundleError('INPUT_FIELD', { subject: `${subject} at ${issue?.path.join('.') ?? ''}`, expected: 'a receipt of `longshore receipt`', actual: issue?.message ?? 'something else' });
  }
  const { project, generation, sequence, bundle, lock, issuedAt, blobs } = result.data;
  return { project, generation, sequence, bundle, lock, issuedAt, blobs: blobs.map((hex) => digestFromHex(hex)) };
}
