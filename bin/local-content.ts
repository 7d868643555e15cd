// What the documents of a lock name on this machine, for a store that is not the one that locked.
import { stat } from 'node:fs/promises';
import type { Aggregated } from '../bom/aggregate.ts';
import type { Descriptor } from '../bom/digest.ts';
import { hashFile, openFile } from '../downloader/sources/file-local.ts';
import type { Store } from '../store/store.ts';

/** Puts those of `missing` into the store that are local files, packages or keys under the paths of `documents`: found by size and digest, whatever their names are now. Says whether any were. */
export async function takeLocalContent(documents: Aggregated, missing: readonly Descriptor[], { store, signal }: { readonly store: Store; readonly signal: AbortSignal }): Promise<boolean> {
  const wanted = new Map(missing.map((blob) => [blob.digest, blob]));
  let taken = false;
  const sizes = new Set(missing.map(({ size }) => size));
  for (const path of pathsOf(documents)) {
    const facts = await stat(path).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EACCES') return undefined; throw error; });
    if (facts?.isFile() !== true || !sizes.has(facts.size)) continue;
    const blob = wanted.get((await hashFile(path, { subject: path, checks: [], signal })).digest);
    if (blob === undefined) continue;
    await store.put(blob, openFile(path, 0), signal);
    taken = true;
  }
  return taken;
}

function pathsOf({ files, packageSets }: Aggregated): ReadonlySet<string> {
  const keys = packageSets.flatMap(({ repositories }) => repositories.flatMap((repository) => repository.keys));
  const paths = [...files.map(({ path }) => path?.absolute), ...packageSets.flatMap(({ urls }) => urls.map(({ path }) => path?.absolute)), ...keys.map(({ path }) => path)];
  return new Set(paths.filter((path) => path !== undefined));
}
