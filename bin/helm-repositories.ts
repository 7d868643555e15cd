import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readTrees, type Tree } from '../bom/documents/yaml-tree.ts';
import { BundleError } from '../bom/errors.ts';

/** Names and addresses of `helm repo list` on this machine: what `@name` in a dependency means here. Passwords in that file are not read. */
export async function helmRepositories(): Promise<ReadonlyMap<string, string>> {
  const path = process.env.HELM_REPOSITORY_CONFIG ?? join(process.env.HELM_CONFIG_HOME ?? join(process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'helm'), 'repositories.yaml');
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '';
    throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'a file that can be read', actual: cause.code ?? 'an error' }, { cause });
  });
  const tree = readTrees(text, path, { duplicates: 'last', ignoreTags: true }).documents[0]?.tree as { readonly repositories?: readonly Readonly<Record<string, Tree>>[] } | undefined;
  const repositories = Array.isArray(tree?.repositories) ? tree.repositories : [];
  return new Map(repositories.flatMap(({ name, url }) => (typeof name === 'string' && typeof url === 'string' ? [[name, url] as const] : [])));
}
