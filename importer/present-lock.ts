import { lockMediaType } from '../bom/bundle.ts';
import { BundleError } from '../bom/errors.ts';
import { type Lock, parseLock } from '../bom/lock.ts';
import { Generations } from '../store/generations.ts';
import type { Store } from '../store/store.ts';

/** The lock that a project serves now; undefined when nothing is, or its lock cannot be read: an import is how that is mended. */
export async function presentLock(store: Store, project: string): Promise<Lock | undefined> {
  const current = await new Generations(store.root).current(project);
  if (current === undefined) return undefined;
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of store.open({ mediaType: lockMediaType, digest: current.lock, size: current.lockSize })) chunks.push(chunk);
    return parseLock(Buffer.concat(chunks).toString('utf8'), `generation ${current.id} of ${project}`);
  } catch (cause) {
    if (cause instanceof BundleError && cause.family === 'integrity') return undefined;
    throw cause;
  }
}
