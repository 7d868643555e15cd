// A generation from a lock whose content is in the store already: the jump host, a bundle from a registry, a machine that gives up some kinds.
import { checkClusterFacts } from '../bom/cluster-facts.ts';
import { bundleOf } from '../bom/bundle.ts';
import { BundleError } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import type { Lock } from '../bom/lock.ts';
import { type Generation, Generations } from '../store/generations.ts';
import { putAll } from '../store/put-all.ts';
import type { Store } from '../store/store.ts';
import { presentLock } from './present-lock.ts';
import { checkUpgrades } from './upgrade-check.ts';

export interface ServeLockOptions {
  readonly store: Store;
  readonly now: Date;
  readonly allowDowngrade: boolean;
  readonly allowUpgradePath: boolean;
  /** What this destination has: checked against what modules demand of it, when it is given. */
  readonly facts?: Readonly<Record<string, string>>;
  readonly notify: Notify;
}

export interface ServedResult {
  readonly generation: Generation;
  /** False when this lock was served already. */
  readonly changed: boolean;
}

/**
 * Makes `lock` the generation served; the switch is the last step. Nothing happens when it is served already. Throws `INTEGRITY_MISSING` when content is
 * missing, `TARGET_REPLAY` for a sequence below the highest one imported, `TARGET_UPGRADE`, and `STORAGE_*`.
 */
export async function serveLock(lock: Lock, { store, now, allowDowngrade, allowUpgradePath, facts, notify }: ServeLockOptions): Promise<ServedResult> {
  if (facts !== undefined) checkClusterFacts(lock, facts);
  const { name: project, sequence } = lock.metadata;
  const generations = new Generations(store.root);
  const bundle = bundleOf(lock);
  const [blob] = await store.missingOf(bundle.content);
  if (blob !== undefined) {
    throw new BundleError('INTEGRITY_MISSING', { subject: `${blob.what} (${blob.digest})`, expected: `the blob in the store ${store.root}`, actual: 'nothing' });
  }
  const current = await generations.current(project);
  if (current?.lock === bundle.lock.digest) return { generation: current, changed: false };
  const highest = await generations.highestSequence(project);
  if (sequence < highest && !allowDowngrade) throw new BundleError('TARGET_REPLAY', { subject: project, expected: `sequence ${highest} or a later one`, actual: `sequence ${sequence}` });
  await checkUpgrades(lock, { blobs: store, present: await presentLock(store, project), allow: allowUpgradePath, notify });
  await putAll(store, bundle.generated);
  const last = (await generations.list(project)).at(-1);
  const isThere = last?.lock === bundle.lock.digest && last.archive === undefined && last.collected !== true;
  const record = { project, sequence, bundle: bundle.index.digest, lock: bundle.lock.digest, lockSize: bundle.lock.size, importedAt: now.toISOString() };
  const [generation] = await Promise.all([isThere ? last : generations.add(record), store.listInLayout(bundle.layoutIndex)]);
  await generations.switchTo(project, generation.id);
  return { generation, changed: true };
}
