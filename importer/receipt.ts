import { bundleOf } from '../bom/bundle.ts';
import type { Digest } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import { parseLock } from '../bom/lock.ts';
import type { Receipt } from '../formats/archive/receipt.ts';
import { Generations } from '../store/generations.ts';
import type { Store } from '../store/store.ts';

/** What the store holds of a project: blobs of every generation that is kept and can be read. Throws `INPUT_FLAG` for a project that nothing was imported of. */
export async function receiptOf(store: Store, project: string, now: Date): Promise<Receipt> {
  const generations = new Generations(store.root);
  const current = await generations.current(project);
  if (current === undefined) {
    const known = await generations.projects();
    throw new BundleError('INPUT_FLAG', { subject: `project ${project}`, expected: known.length === 0 ? 'an imported archive' : `one of ${known.join(', ')}`, actual: 'nothing imported of it' });
  }
  const held = new Set<Digest>();
  for (const { lock } of await generations.list(project)) {
    const chunks: Uint8Array[] = [];
    if (!(await store.has(lock))) continue;
    const place = await store.locate(lock);
    for await (const chunk of store.open({ mediaType: 'application/json', digest: lock, size: place?.size ?? 0 })) chunks.push(chunk);
    const bundle = bundleOf(parseLock(Buffer.concat(chunks).toString('utf8'), `lock ${lock}`));
    for (const { digest } of [...bundle.generated, ...bundle.content]) if (!held.has(digest) && (await store.has(digest))) held.add(digest);
  }
  return {
    project, generation: current.id, sequence: current.sequence, bundle: current.bundle, lock: current.lock, issuedAt: now.toISOString(), blobs: [...held].sort(),
  };
}
