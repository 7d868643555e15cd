import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeSigningKey, parseSigningKey, type SigningKey } from '../formats/pgp/keys.ts';
import { commitFile, makeDirectory, storageError } from '../store/durable-file.ts';

export interface MachineKey {
  readonly signer: SigningKey;
  /** Armored public key: what clients trust. */
  readonly publicKey: string;
}

/** A key that is not kept: for a service that has nowhere to write. */
export async function passingKey(now: Date): Promise<MachineKey> {
  const made = await makeSigningKey({ name: 'longshore repository machine', date: now });
  return { signer: await parseSigningKey(Buffer.from(made.privateKey), 'passing key'), publicKey: made.publicKey };
}

/** The repository machine's own key, made on first use: `<root>/keys/machine.key`, readable by its owner only. */
export async function machineKey(root: string, now: Date): Promise<MachineKey> {
  const folder = join(root, 'keys');
  const secret = join(folder, 'machine.key');
  const open = join(folder, 'machine.asc');
  const existing = await readFile(secret, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw storageError(secret, cause);
  });
  if (existing !== undefined) return { signer: await parseSigningKey(Buffer.from(existing), secret), publicKey: await readFile(open, 'utf8') };
  const made = await makeSigningKey({ name: 'longshore repository machine', date: now });
  await makeDirectory(folder);
  await chmod(folder, 0o700);
  await commitFile(open, made.publicKey);
  await commitFile(secret, made.privateKey, 0o600);
  return { signer: await parseSigningKey(Buffer.from(made.privateKey), secret), publicKey: made.publicKey };
}
