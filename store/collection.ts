// What a store can give up when only some blobs are needed: loose blobs, and packs as a whole. ARCHITECTURE.md, "Store".
import type { Digest } from '../bom/digest.ts';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import { isSameFile, type PackRecord, stampOf } from './packs.ts';
import type { Store } from './store.ts';

/** A pack of which less than this part is needed is worth copying from. */
const compactBelow = 0.5;

export interface PackFate {
  readonly archive: Digest;
  /** Where its first volume lies. */
  readonly path: string;
  /** Of all its volumes. */
  readonly bytes: number;
  /** Blobs that are needed and are nowhere else. */
  readonly needed: readonly { readonly digest: Digest; readonly size: number }[];
  readonly neededBytes: number;
  /** `remove`: the store's own files go. `forget`: they lie elsewhere and stay there. `compact`: what is needed is copied out, then it goes. */
  readonly fate: 'keep' | 'remove' | 'forget' | 'compact';
}

export interface CollectionPlan {
  readonly loose: readonly { readonly digest: Digest; readonly size: number }[];
  readonly looseBytes: number;
  readonly packs: readonly PackFate[];
}

/** What is not needed for `live`. With `compact`, mostly dead packs are given up as well. Reads no content, changes nothing. */
export async function planCollection(store: Pick<Store, 'looseBlobs' | 'isLoose' | 'packRecords' | 'isOwnPack'>, live: ReadonlySet<Digest>, { compact }: { readonly compact: boolean }): Promise<CollectionPlan> {
  const loose = (await store.looseBlobs()).filter(({ digest }) => !live.has(digest));
  const here = new Set<Digest>();
  for (const digest of live) if (await store.isLoose(digest)) here.add(digest);
  const packs: PackFate[] = [];
  // The one with the least that is needed goes first: what it shares with others stays in those.
  const records = store.packRecords().map((record) => ({ record, live: uniqueOf(record.blobs.filter(({ digest }) => live.has(digest))) }));
  const sound = new Set<Digest>();
  for (const { record } of records) if (store.isOwnPack(record) && (await isWhole(record))) sound.add(record.archive);
  // Of each blob: how many sound packs hold it that were not given up.
  const holders = new Map<Digest, number>();
  const count = (blobs: readonly { readonly digest: Digest }[], by: 1 | -1): void => { for (const { digest } of blobs) holders.set(digest, (holders.get(digest) ?? 0) + by); };
  for (const { record, live: wanted } of records) if (sound.has(record.archive)) count(wanted, 1);
  for (const { record, live: wanted } of records.sort((a, b) => sizeOf(a.live) - sizeOf(b.live) || (a.record.archive < b.record.archive ? -1 : 1))) {
    const isSound = sound.has(record.archive);
    if (isSound) count(wanted, -1);
    const needed = wanted.filter(({ digest }) => !here.has(digest) && (holders.get(digest) ?? 0) === 0);
    const bytes = record.volumes.reduce((sum, { size }) => sum + size, 0);
    const fate = fateOf({ own: store.isOwnPack(record), whole: isSound, needed: sizeOf(needed), count: needed.length, bytes, compact });
    if (fate === 'keep' && isSound) count(wanted, 1);
    packs.push({ archive: record.archive, path: record.volumes[0]?.path ?? '', bytes, needed: needed.map(({ digest, size }) => ({ digest, size })), neededBytes: sizeOf(needed), fate });
  }
  return { loose, looseBytes: sizeOf(loose), packs };
}

function fateOf({ own, whole, needed, count, bytes, compact }: {
  readonly own: boolean; readonly whole: boolean; readonly needed: number; readonly count: number; readonly bytes: number; readonly compact: boolean;
}): PackFate['fate'] {
  if (count === 0) return own ? 'remove' : 'forget';
  return compact && own && whole && needed < bytes * compactBelow ? 'compact' : 'keep';
}

function uniqueOf<T extends { readonly digest: Digest }>(blobs: readonly T[]): T[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

function sizeOf(blobs: readonly { readonly size: number }[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}

async function isWhole({ volumes }: PackRecord): Promise<boolean> {
  for (const volume of volumes) if (!isSameFile(await stampOf(volume.path), volume)) return false;
  return true;
}

/**
 * Copies what is needed out of the packs that a plan compacts. Only adds: it needs no more than that others add too. Throws `STORAGE_SPACE` before the
 * first byte when what has to be copied does not fit.
 */
export async function copyOutOfPacks(store: Store, plan: CollectionPlan, signal: AbortSignal): Promise<number> {
  const fates = plan.packs.filter(({ fate }) => fate === 'compact');
  const needed = fates.reduce((sum, { neededBytes }) => sum + neededBytes, 0);
  const free = await store.freeBytes();
  if (needed > free) {
    throw new BundleError('STORAGE_SPACE', {
      subject: store.root, expected: `${needed} bytes free to copy out what is still needed`, actual: `${free} bytes`,
      next: 'Run `longshore gc` without --compact first, or free space.', details: { neededBytes: needed, freeBytes: free },
    });
  }
  let copied = 0;
  for (const { digest, size } of fates.flatMap((each) => each.needed)) {
    checkNotAborted(signal, store.root);
    await store.takeOut({ mediaType: 'application/octet-stream', digest, size }, signal);
    copied += size;
  }
  return copied;
}

/**
 * Takes away what a plan gives up. Whoever calls holds the store alone (`holdStore`, role `collect`), and made the plan since then. Packs that a plan would
 * compact stay: after {@link copyOutOfPacks}, a new plan removes them. May be stopped at any point: what is needed is never touched.
 */
export async function carryOut(store: Store, plan: CollectionPlan, { live, signal }: { readonly live: ReadonlySet<Digest>; readonly signal: AbortSignal }): Promise<number> {
  const portion = 1000;
  for (let at = 0; at < plan.loose.length; at += portion) {
    checkNotAborted(signal, store.root);
    await store.removeLoose(plan.loose.slice(at, at + portion).map(({ digest }) => digest));
  }
  for (const { archive, fate } of plan.packs) {
    checkNotAborted(signal, store.root);
    if (fate === 'remove' || fate === 'forget') await store.forgetPack(archive);
  }
  const leftovers = await store.clearLeftovers((digest) => live.has(digest));
  await store.pruneLayout();
  return leftovers;
}
