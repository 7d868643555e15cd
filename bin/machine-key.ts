import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeSigningKey, parseSigningKey, type SigningKey } from '../formats/pgp/keys.ts';
import { commitFile, commitNewFile, makeDirectory, storageError } from '../store/durable-file.ts';

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

/**
 * The repository machine's own key, made on first use: `<root>/keys/machine.key`, readable by its owner only, and its public part beside it. Of several
 * processes that make one at the same time, all go on with the one that came first to the disk.
 */
export async function machineKey(root: string, now: Date): Promise<MachineKey> {
  const folder = join(root, 'keys');
  const secret = join(folder, 'machine.key');
  const existing = await readText(secret);
  if (existing === undefined) {
    const made = await makeSigningKey({ name: 'longshore repository machine', date: now });
    await makeDirectory(folder);
    await chmod(folder, 0o700);
    await commitNewFile(secret, made.privateKey, 0o600);
  }
  const signer = await parseSigningKey(Buffer.from(existing ?? (await readText(secret)) ?? ''), secret);
  const open = join(folder, 'machine.asc');
  const publicKey = signer.key.toPublic().armor();
  if ((await readText(open)) === undefined) await commitFile(open, publicKey);
  return { signer, publicKey };
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw storageError(path, cause);
  });
}
