// What makes a folder a store. ARCHITECTURE.md, "Store".
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BundleError } from '../bom/errors.ts';
import { commitFile, makeDirectory, storageError } from './durable-file.ts';
import { emptyLayoutIndex } from './layout-index.ts';

const layoutMarker = '{"imageLayoutVersion":"1.0.0"}';
/** Parts of a store that was not finished, and what a machine keeps beside one before it has any content. */
const early = ['blobs', 'partial', 'index.json', 'keys', 'tls', 'registry'];

/** What every store has, with content or without. */
const furniture = /^(oci-layout|index\.json|(index|use)\.db(-\w+)?)$/;

/** True while the folder holds no content at all: no blob, no volume that was kept for later, nothing half-fetched, no generation, no key. */
export async function holdsNothing(root: string): Promise<boolean> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.every((entry) => entry.isDirectory() || (resolve(entry.parentPath) === resolve(root) && furniture.test(entry.name)));
}

/**
 * The absolute path of the store at `root`. With `create`, an empty or missing folder becomes one. Throws `STORAGE_FOREIGN` for a folder that holds
 * something else, or (without `create`) is missing.
 */
export async function openStoreFolder(root: string, options: { readonly create: boolean }): Promise<string> {
  const absolute = resolve(root);
  const names = await readdir(absolute).catch((cause: NodeJS.ErrnoException): string[] => {
    if (cause.code === 'ENOENT') return [];
    throw storageError(absolute, cause);
  });
  if (!names.includes('oci-layout')) await makeStoreFolder(absolute, names, options.create);
  else if (!names.includes('partial')) await makeDirectory(join(absolute, 'partial'));
  return absolute;
}

async function makeStoreFolder(root: string, names: readonly string[], create: boolean): Promise<void> {
  const strange = names.filter((name) => !early.includes(name) && !name.endsWith('.tmp') && name !== 'lost+found');
  if (strange.length > 0 || !create) {
    throw new BundleError('STORAGE_FOREIGN', {
      subject: root,
      expected: 'a longshore store (a folder with oci-layout)',
      actual: strange.length > 0 ? `a folder that holds ${strange[0]}` : names.length > 0 ? 'an unfinished store' : 'nothing there',
      ...(create ? {} : { next: 'Name the store with --store, or fill one with `longshore download` or `longshore import`.' }),
    });
  }
  await makeDirectory(root);
  await Promise.all([...['blobs/sha256', 'partial'].map((folder) => makeDirectory(join(root, folder))), commitFile(join(root, 'index.json'), emptyLayoutIndex)]);
  await commitFile(join(root, 'oci-layout'), layoutMarker);
}
