// Keys that a repository machine has accepted archives by: small durable files, one per project.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PgpKey, parseKeys } from '../formats/pgp/keys.ts';
import { commitFile, makeDirectory, storageError } from '../store/durable-file.ts';

function pathOf(root: string, project: string): string {
  return join(root, 'trust', `${project}.asc`);
}

/** Keys that archives of `project` were imported by; none before the first signed import. */
export async function pinnedKeys(root: string, project: string): Promise<readonly PgpKey[]> {
  const path = pathOf(root, project);
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw storageError(path, cause);
  });
  return bytes === undefined ? [] : parseKeys(bytes, path);
}

/** Remembers those of `keys` that signed, beside what is pinned already. Returns fingerprints that are new. */
export async function pinKeys(root: string, project: string, { keys, signers }: { readonly keys: readonly PgpKey[]; readonly signers: readonly string[] }): Promise<readonly string[]> {
  const before = await pinnedKeys(root, project);
  const known = new Set(before.map((key) => key.fingerprint));
  const added = keys.filter((key) => signers.includes(key.fingerprint) && !known.has(key.fingerprint));
  if (added.length === 0) return [];
  await makeDirectory(join(root, 'trust'));
  await commitFile(pathOf(root, project), [...before, ...added].map((each) => each.key.armor()).join('\n'));
  return added.map((key) => key.fingerprint);
}
