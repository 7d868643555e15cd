import { Option } from 'commander';
import { BundleError } from '../bom/errors.ts';
import { Generations } from '../store/generations.ts';
import { Store } from '../store/store.ts';
import { cacheStore, machineStore } from './context.ts';
import { exists } from './files.ts';

/** The machine's store where there is one, else the downloading side's. */
export async function presentStore(): Promise<string> {
  return (await exists(`${machineStore}/oci-layout`)) ? machineStore : cacheStore();
}

export const optionalStore = (): Option => new Option('--store <dir>', `blobs by digest (default: ${machineStore} where it exists, else the cache)`);

export async function withStore<T>(named: string | undefined, run: (store: Store) => Promise<T>): Promise<T> {
  const store = await Store.open(named ?? (await presentStore()), { create: false });
  try {
    return await run(store);
  } finally {
    store.close();
  }
}

/** The project named, or the only one there is. Throws `INPUT_FLAG`. */
export async function onlyProject(store: Store, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const generations = new Generations(store.root);
  const [project, second] = await generations.projects();
  if (project !== undefined && second === undefined) return project;
  throw new BundleError('INPUT_FLAG', { subject: '--project', expected: 'which project is meant', actual: project === undefined ? 'no project was imported' : `several: ${(await generations.projects()).join(', ')}`,
    ...(project === undefined ? { next: 'Import an archive first.' } : { next: `Pass --project ${project}, or another one of them.` }) });
}
