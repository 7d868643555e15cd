// Garbage collection of a store: which generations stay, what they and others need, and the order in which the rest goes.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleOf, lockMediaType } from '../bom/bundle.ts';
import { canonicalJson } from '../bom/canonical-json.ts';
import type { Descriptor, Digest } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import { type Lock, parseLock } from '../bom/lock.ts';
import { carryOut, type CollectionPlan, copyOutOfPacks, planCollection } from '../store/collection.ts';
import { commitFile, makeDirectory, storageError } from '../store/durable-file.ts';
import { type Generation, Generations } from '../store/generations.ts';
import { holding } from '../store/store-lock.ts';
import type { Store } from '../store/store.ts';

export interface CollectOptions {
  readonly store: Store;
  /** Newest generations of each project that stay, beside the one served. At least 1. */
  readonly keep: number;
  /** Further locks whose content stays: of downloads that were not imported. */
  readonly locks: readonly Lock[];
  /** Blobs that others need, read when asked: what was pushed. */
  readonly pushed: () => Promise<Iterable<Digest>>;
  readonly compact: boolean;
  /** Gives up what a receipt promised that is on its way. */
  readonly forgetReceipts: boolean;
  readonly dryRun: boolean;
  /** Called once when an import or a download has to end first. */
  readonly onWait: () => void;
  readonly signal: AbortSignal;
}

export interface CollectResult extends CollectionPlan {
  readonly kept: readonly Generation[];
  /** Generations that are history only from now on. */
  readonly collected: readonly Generation[];
  /** Projects whose receipt is on its way: nothing that it lists is given up. */
  readonly receipts: readonly { readonly project: string; readonly generations: readonly number[] }[];
  /** Copied out of packs that were mostly dead. */
  readonly copiedBytes: number;
  /** What dead processes left. */
  readonly leftoverBytes: number;
  /** Bytes that the disk gets back. */
  readonly freedBytes: number;
}

/**
 * Gives up what nothing needs. The generation served, the newest `keep` of each project, pushed images, given locks, and what an outstanding receipt lists
 * stay. Stopped at any moment, everything that stays can be read, and the same call ends the work. Throws `INTEGRITY_MISSING` before anything is
 * touched when a generation that stays has no readable lock: what it needs cannot be known then.
 */
export async function collect(options: CollectOptions): Promise<CollectResult> {
  const { store, signal, onWait, compact, dryRun } = options;
  const use = { role: 'use', signal, onWait } as const;
  const copiedBytes = !compact || dryRun ? 0 : await holding(store.root, use, async () => {
    const { live } = await decide(options);
    return copyOutOfPacks(store, await planCollection(store, live, { compact }), signal);
  });
  return holding(store.root, dryRun ? use : { role: 'collect', signal, onWait }, async () => {
    const { live, kept, collected, receipts } = await decide(options);
    const plan = await planCollection(store, live, { compact });
    let leftoverBytes = 0;
    if (!dryRun) {
      const generations = new Generations(store.root);
      for (const { project, id } of collected) await generations.collect(project, id);
      leftoverBytes = await carryOut(store, plan, { live, signal });
    }
    const packBytes = plan.packs.filter(({ fate }) => fate === 'remove').reduce((sum, { bytes }) => sum + bytes, 0);
    const compactBytes = dryRun ? plan.packs.filter(({ fate }) => fate === 'compact').reduce((sum, { bytes, neededBytes }) => sum + bytes - neededBytes, 0) : -copiedBytes;
    return { ...plan, kept, collected, receipts, copiedBytes, leftoverBytes, freedBytes: plan.looseBytes + packBytes + leftoverBytes + compactBytes };
  });
}

interface Decision {
  readonly live: ReadonlySet<Digest>;
  readonly kept: readonly Generation[];
  readonly collected: readonly Generation[];
  readonly receipts: CollectResult['receipts'];
}

async function decide({ store, keep, locks, pushed, forgetReceipts }: CollectOptions): Promise<Decision> {
  const generations = new Generations(store.root);
  const kept: Generation[] = [];
  const collected: Generation[] = [];
  const receipts: { project: string; generations: readonly number[] }[] = [];
  for (const project of await generations.projects()) {
    const all = (await generations.list(project)).filter((each) => each.collected !== true);
    const current = await generations.current(project);
    const promised = forgetReceipts ? [] : await outstandingReceipt(store.root, project, all);
    if (promised.length > 0) receipts.push({ project, generations: promised });
    const newest = new Set(all.slice(-keep).map(({ id }) => id));
    for (const each of all) (each.id === current?.id || newest.has(each.id) || promised.includes(each.id) ? kept : collected).push(each);
  }
  const live = new Set<Digest>(await pushed());
  for (const generation of kept) for (const digest of digestsOf(await lockOfKept(store, generation))) live.add(digest);
  for (const lock of locks) for (const digest of digestsOf(lock)) live.add(digest);
  return { live, kept, collected, receipts };
}

/** Everything of a lock: what travels, and the metadata that locking it again compares with. */
function* digestsOf(lock: Lock): Generator<Digest> {
  const bundle = bundleOf(lock);
  for (const { digest } of [...bundle.generated, ...bundle.content]) yield digest;
  for (const { metadata, signature, indexes } of lock.spec.repositories) {
    yield metadata.digest;
    if (signature !== undefined) yield signature.digest;
    for (const { digest } of indexes) yield digest;
  }
  for (const image of lock.spec.images) for (const { digest } of image.referrers ?? []) yield digest;
}

async function lockOfKept(store: Store, generation: Generation): Promise<Lock> {
  const subject = `generation ${generation.id} of ${generation.project}`;
  const blob: Descriptor = { mediaType: lockMediaType, digest: generation.lock, size: generation.lockSize };
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of store.open(blob)) chunks.push(chunk);
    return parseLock(Buffer.concat(chunks).toString('utf8'), subject);
  } catch (cause) {
    if (!(cause instanceof BundleError) || cause.family !== 'integrity') throw cause;
    throw new BundleError('INTEGRITY_MISSING', {
      subject, expected: 'its lock, which says what it needs', actual: cause.message,
      next: `${cause.next} Or keep fewer generations with --keep; nothing was removed.`,
    }, { cause });
  }
}

// ---- receipts

function receiptPath(root: string, project: string): string {
  return join(root, 'receipts', `${project}.json`);
}

/** Remembers what a receipt promises: the generations whose blobs it lists. */
export async function noteReceipt(store: Store, project: string): Promise<void> {
  const ids = (await new Generations(store.root).list(project)).filter((each) => each.collected !== true).map(({ id }) => id);
  await makeDirectory(join(store.root, 'receipts'));
  await commitFile(receiptPath(store.root, project), `${canonicalJson({ generations: ids })}\n`);
}

/** Generations that the last receipt lists, until one was imported after it: then what was made for it has come. */
async function outstandingReceipt(root: string, project: string, all: readonly Generation[]): Promise<readonly number[]> {
  const path = receiptPath(root, project);
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw storageError(path, cause);
  });
  if (text === undefined) return [];
  const promised = idsOf(text, path);
  const newest = all.at(-1)?.id ?? 0;
  return newest > Math.max(0, ...promised) ? [] : promised.filter((id) => all.some((each) => each.id === id));
}

function idsOf(text: string, path: string): readonly number[] {
  try {
    const { generations } = JSON.parse(text) as { readonly generations: unknown };
    if (Array.isArray(generations) && generations.every((id): id is number => Number.isInteger(id))) return generations;
  } catch (cause) {
    throw new BundleError('STORAGE_IO', { subject: path, expected: 'a record of a receipt', actual: (cause as Error).message, next: 'Remove the file: then gc keeps nothing for that receipt.' }, { cause });
  }
  throw new BundleError('STORAGE_IO', { subject: path, expected: 'a record of a receipt', actual: 'something else', next: 'Remove the file: then gc keeps nothing for that receipt.' });
}
