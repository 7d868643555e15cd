// The thread of bin/signature-thread.ts: OpenPGP beside everything else.
import { parentPort } from 'node:worker_threads';
import { parseSigningKey, type SigningKey } from '../formats/pgp/keys.ts';
import { clearsign, signDetached, verifyClearsigned } from '../formats/pgp/signature.ts';
import { type KeyFile, narrowedKeys } from '../downloader/sources/repository-keys.ts';

export type SignatureTask =
  | { readonly kind: 'verify'; readonly document: Uint8Array; readonly files: readonly KeyFile[]; readonly fingerprints: readonly string[]; readonly nowMs: number }
  | { readonly kind: 'public'; readonly secret: Uint8Array }
  | { readonly kind: 'clearsign'; readonly secret: Uint8Array; readonly text: string; readonly nowMs: number }
  | { readonly kind: 'detach'; readonly secret: Uint8Array; readonly content: Uint8Array; readonly nowMs: number };

/** `value` is undefined where it failed: whoever asked does it again where errors can be told. */
export interface SignatureAnswer { readonly id: number; readonly value: unknown }

const keys = new Map<string, Promise<SigningKey>>();

function signerOf(secret: Uint8Array): Promise<SigningKey> {
  const text = Buffer.from(secret).toString('latin1');
  const known = keys.get(text) ?? parseSigningKey(secret, 'signing key');
  keys.set(text, known);
  return known;
}

async function run(task: SignatureTask): Promise<unknown> {
  if (task.kind === 'verify') return verifyClearsigned(task.document, await narrowedKeys(task.files, task.fingerprints, 'repository'), { subject: 'document', now: new Date(task.nowMs) });
  const signer = await signerOf(task.secret);
  if (task.kind === 'public') return signer.key.toPublic().armor();
  return task.kind === 'clearsign' ? clearsign(task.text, signer, new Date(task.nowMs)) : signDetached(task.content, signer, new Date(task.nowMs));
}

parentPort?.on('message', ({ id, task }: { readonly id: number; readonly task: SignatureTask }) => {
  run(task).then((value) => parentPort?.postMessage({ id, value }), () => parentPort?.postMessage({ id, value: undefined }));
});
