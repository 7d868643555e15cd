import { lockMediaType } from '../bom/bundle.ts';
import { type Lock, parseLock } from '../bom/lock.ts';
import type { Generation } from '../store/generations.ts';
import type { Store } from '../store/store.ts';

/** The lock of a generation, read and verified from the store. */
export async function lockOf(store: Store, generation: Generation): Promise<Lock> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.open({ mediaType: lockMediaType, digest: generation.lock, size: generation.lockSize })) chunks.push(chunk);
  return parseLock(Buffer.concat(chunks).toString('utf8'), `generation ${generation.id} of ${generation.project}`);
}
