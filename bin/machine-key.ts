import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SigningKey } from '../formats/pgp/keys.ts';
import type { Signer } from '../repository/mirror/signer.ts';
import { commitFile, commitNewFile, makeDirectory, storageError } from '../store/durable-file.ts';
import type { SignatureThread } from './signature-thread.ts';

export interface MachineKey {
  readonly signer: SigningKey;
  /** Armored public key: what clients trust. */
  readonly publicKey: string;
}

/** Loaded where it is needed: it takes longer than what it does. */
const pgpKeys = (): Promise<typeof import('../formats/pgp/keys.ts')> => import('../formats/pgp/keys.ts');

/** A key that is not kept: for a service that has nowhere to write. */
export async function passingKey(now: Date): Promise<MachineKey> {
  const { makeSigningKey, parseSigningKey } = await pgpKeys();
  const made = await makeSigningKey({ name: 'longshore repository machine', date: now });
  return { signer: await parseSigningKey(Buffer.from(made.privateKey), 'passing key'), publicKey: made.publicKey };
}

/**
 * The repository machine's own key, made on first use: `<root>/keys/machine.key`, readable by its owner only, and its public part beside it. Of several
 * processes that make one at the same time, all go on with the one that came first to the disk.
 */
export async function machineKey(root: string, now: Date): Promise<MachineKey> {
  const { makeSigningKey, parseSigningKey } = await pgpKeys();
  const { folder, secret } = placesOf(root);
  const existing = await readText(secret);
  if (existing === undefined) {
    const made = await makeSigningKey({ name: 'longshore repository machine', date: now });
    await makeDirectory(folder);
    await chmod(folder, 0o700);
    await commitNewFile(secret, made.privateKey, 0o600);
  }
  const signer = await parseSigningKey(Buffer.from(existing ?? (await readText(secret)) ?? ''), secret);
  const publicKey = signer.key.toPublic().armor();
  await writeOpen(root, publicKey);
  return { signer, publicKey };
}

/** The machine's key at work: in the thread, where there is one and a key already, or here. */
export async function machineSigner(root: string, now: () => Date, signatures: SignatureThread | undefined): Promise<Signer> {
  let here: Promise<Signer> | undefined;
  const local = (): Promise<Signer> => (here ??= signerHere(root, now));
  const existing = signatures === undefined ? undefined : await readText(placesOf(root).secret);
  const apart = existing === undefined ? undefined : await signatures?.signerOf(Buffer.from(existing), now);
  if (apart === undefined) return local();
  await writeOpen(root, apart.publicKey);
  return {
    publicKeyArmored: apart.publicKey,
    clearsign: async (text) => (await apart.clearsign(text)) ?? (await local()).clearsign(text),
    detach: async (content) => (await apart.detach(content)) ?? (await local()).detach(content),
  };
}

async function signerHere(root: string, now: () => Date): Promise<Signer> {
  const [{ signer, publicKey }, { clearsign, signDetached }] = await Promise.all([machineKey(root, now()), import('../formats/pgp/signature.ts')]);
  return { publicKeyArmored: publicKey, clearsign: (text) => clearsign(text, signer, now()), detach: (content) => signDetached(content, signer, now()) };
}

function placesOf(root: string): { readonly folder: string; readonly secret: string; readonly open: string } {
  const folder = join(root, 'keys');
  return { folder, secret: join(folder, 'machine.key'), open: join(folder, 'machine.asc') };
}

async function writeOpen(root: string, publicKey: string): Promise<void> {
  const { open } = placesOf(root);
  if ((await readText(open)) === undefined) await commitFile(open, publicKey);
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw storageError(path, cause);
  });
}
