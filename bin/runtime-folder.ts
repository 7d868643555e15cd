import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeTree } from '../importer/targets/layouts/tree.ts';
import { makeDirectory } from '../store/durable-file.ts';
import { Store } from '../store/store.ts';
import type { CommandContext } from './context.ts';
import { runtimesFor } from './runtimes.ts';

/** Writes longshore with its Node below `folder`, one folder a platform (linux-x64, …), each with a `longshore` to start. */
export async function writeRuntimes(context: CommandContext, folder: string, platforms: readonly string[]): Promise<void> {
  await makeDirectory(folder);
  const work = await mkdtemp(join(folder, '.store-'));
  try {
    const store = await Store.open(work, { create: true });
    try {
      const runtimes = await runtimesFor(platforms, store, context.signal);
      const files = runtimes.map(({ platform, path, digest, size, mode }) => ({ path: `${platform}/${path}`, content: { mediaType: 'application/octet-stream', digest, size }, mode }));
      await writeTree({ files, skipped: [] }, { folder, blobs: store, hardLinks: true, notify: () => undefined, signal: context.signal });
    } finally {
      store.close();
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
