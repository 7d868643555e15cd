import type { GeneratedBlob } from '../bom/bundle.ts';
import type { Store } from './store.ts';

/** Files that are open at once. */
const together = 64;

/**
 * Puts blobs that follow from a lock, in their order: those that come together are made durable together, and named one after the other. Throws what the
 * first that failed threw, when nothing is on its way any more.
 */
export async function putAll(store: Store, blobs: readonly GeneratedBlob[]): Promise<void> {
  for (let at = 0; at < blobs.length; at += together) {
    const results = await Promise.allSettled(blobs.slice(at, at + together).map((blob) => store.putBytes(blob)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}
