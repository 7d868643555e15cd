import { existsSync, opendirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { Inputs } from '../aggregation.ts';
import type { Digest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { bundleOf } from '../../bom/bundle.ts';
import { bomMediaType, type Lock } from '../../bom/lock.ts';
import { download, type DownloadResult } from '../../downloader/download.ts';
import { putAll } from '../../store/put-all.ts';
import { Store } from '../../store/store.ts';
import { cacheStore, collect, type CommandContext, concurrencyOption, defineCommand, lockOption, networkOf, type NetworkFlags, networkOptions, storeOption } from '../context.ts';
import { missingOf, readLock, type Stock } from '../documents.ts';
import { exists } from '../files.ts';
import { usingStore } from '../held-store.ts';
import { formatBytes } from '../render.ts';
import { createSources } from '../wiring.ts';
import { warmFetchThreads } from '../../transport/fetch-threads.ts';

export interface DownloadFlags extends NetworkFlags {
  readonly lock: string;
  readonly store: string;
  readonly concurrency: number;
  /** What the lock was made from. */
  readonly file?: readonly string[];
}

/** Room that stays free beside what is downloaded: index, metadata, and what else the system needs. */
const reserveBytes = 16 * 1024 * 1024;

/** From here on threads will be wanted, for certain: they start while the rest is made ready. */
const worthThreadsBytes = 16 * 1024 * 1024;

/** Of some hundred artifacts; a locked package takes up to so much, an image less. */
const longLockBytes = 256 * 1024;
const artifactBytes = 16 * 1024;

export interface RunDownloadOptions {
  /** What -f names, where it was read already. */
  readonly inputs?: Inputs;
  /** What is done meanwhile: nothing is fetched any more once it failed, and what it threw is thrown. */
  readonly beside?: Promise<void>;
  /** What is on its way into the store, and in it when `beside` has ended. */
  readonly arriving?: ReadonlySet<Digest>;
  /** The one that the flags name, where it is held already. */
  readonly store?: Store;
}

/** Brings everything of the lock into the store, and lists it in the store's index.json. */
export async function runDownload(context: CommandContext, lock: Lock, flags: DownloadFlags, options: RunDownloadOptions = {}): Promise<DownloadResult> {
  const { store } = options;
  return store === undefined ? usingStore(context, flags.store, (held) => downloadInto(context, lock, flags, { ...options, store: held })) : downloadInto(context, lock, flags, { ...options, store });
}

async function downloadInto(context: CommandContext, lock: Lock, flags: DownloadFlags, { inputs, beside, arriving = new Set(), store }: RunDownloadOptions & { readonly store: Store }): Promise<DownloadResult> {
  // Whoever waits for it is told.
  beside?.catch(() => undefined);
  const named = flags.file ?? [];
  context.record(lock);
  const aggregated = inputs ?? (named.length === 0 ? undefined : await documentsOf(context, named, flags));
  const credentials = aggregated?.projectDocument.value.spec?.credentials;
  const wiring = createSources({
    blobs: store, notify: context.notify, concurrency: flags.concurrency, now: context.now,
    spoolFolder: store.spoolFolder, previousRepositories: lock.spec.repositories, ...networkOf(flags), ...(credentials === undefined ? {} : { credentials }),
  });
  // Threads take a while to end: the rest is done meanwhile.
  let closing: Promise<void> | undefined;
  try {
    // A lock that was made elsewhere: the documents it was made from come with -f.
    for (const { digest, size, bytes } of aggregated?.boms ?? []) {
      if (!arriving.has(digest) && lock.spec.boms.some((bom) => bom.digest === digest)) await store.putBytes({ mediaType: bomMediaType, digest, size, bytes });
    }
    let before = await missingOf(lock, store, arriving);
    if (aggregated !== undefined && before.missing.length > 0) {
      const taken = await (await import('../local-content.ts')).takeLocalContent(aggregated, before.missing, { store, signal: context.signal });
      if (taken) before = await missingOf(lock, store, arriving);
    }
    const stock = (await takeFromCache(context, before, store)) ? await missingOf(lock, store, arriving) : before;
    if (stock.missingBytes > worthThreadsBytes) warmFetchThreads();
    const [free, partial] = await Promise.all([store.freeBytes(), store.partialBytes()]);
    if (stock.missingBytes > 0 && stock.missingBytes - partial + reserveBytes > free) {
      throw new BundleError('STORAGE_SPACE', { subject: store.root, expected: `${formatBytes(stock.missingBytes + reserveBytes)} free`, actual: `${formatBytes(free)} free`, next: 'Free space or name another place with --store; nothing was downloaded.' });
    }
    // What follows from the lock is made while the disk is waited for.
    const result = await besides(beside, context.signal, (signal) => download(lock, {
      sources: wiring.sources, blobs: store, together: { ...wiring.together, files: store.receiving }, missing: stock.missing, concurrency: flags.concurrency, notify: context.notify, signal, onReceived: () => { bundleOf(lock); },
    }));
    closing = wiring.close();
    closing.catch(() => undefined);
    const bundle = bundleOf(lock);
    await putAll(store, bundle.generated);
    await store.listInLayout(bundle.layoutIndex);
    return result;
  } finally {
    await Promise.allSettled([beside]);
    await (closing ?? wiring.close());
  }
}

/** `run`, stopped when `beside` fails; returns when both have ended. What `beside` threw goes first. */
async function besides<T>(beside: Promise<void> | undefined, signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  beside?.catch(() => stop.abort());
  const [ran] = await Promise.allSettled([run(AbortSignal.any([signal, stop.signal])), beside]);
  await beside;
  if (ran.status === 'rejected') throw ran.reason;
  return ran.value;
}

/** Nothing else here needs what reads documents. */
async function documentsOf(context: CommandContext, named: readonly string[], flags: DownloadFlags): Promise<Inputs> {
  const [{ aggregateInputs }, { accessOf }] = await Promise.all([import('../aggregation.ts'), import('../remote-modules.ts')]);
  return aggregateInputs(named, accessOf(context, flags));
}

/**
 * What locking stored in the cache (documents, keys, metadata, first-use content) goes to another store without the network: a lock is
 * often made before the disk that travels is chosen. Says whether anything went.
 */
async function takeFromCache(context: CommandContext, stock: Pick<Stock, 'missing'>, store: Store): Promise<boolean> {
  if (stock.missing.length === 0 || resolve(cacheStore()) === store.root || !(await exists(join(cacheStore(), 'oci-layout')))) return false;
  const cache = await Store.open(cacheStore(), { create: false });
  let taken = false;
  try {
    const elsewhere = new Set(await cache.missingOf(stock.missing));
    for (const blob of stock.missing) {
      if (elsewhere.has(blob)) continue;
      await store.put(blob, cache.open(blob), context.signal);
      taken = true;
    }
  } finally {
    cache.close();
  }
  return taken;
}

export function downloadText(result: DownloadResult, store: string): string {
  return result.fetched === 0
    ? `nothing to do: all ${result.present} blobs, ${formatBytes(result.presentBytes)}, are in ${store}`
    : `fetched ${result.fetched} blobs, ${formatBytes(result.fetchedBytes)}, into ${store}; ${result.present} blobs, ${formatBytes(result.presentBytes)}, were there`;
}

/**
 * Whether a long lock names far more than the store has, told without reading either: reading the lock, and looking for what it names, takes as long as threads
 * take to start. What cannot be looked at is told of by whoever opens it.
 */
function isMuchToFetch({ lock, store }: DownloadFlags): boolean {
  try {
    const lockBytes = statSync(lock, { throwIfNoEntry: false })?.size ?? 0;
    if (lockBytes < longLockBytes) return false;
    const folder = join(store, 'blobs/sha256');
    if (!existsSync(folder)) return true;
    const blobs = opendirSync(folder);
    let left = lockBytes / artifactBytes;
    while (left > 0 && blobs.readSync() !== null) left -= 1;
    blobs.closeSync();
    return left > 0;
  } catch (cause) {
    if (typeof (cause as NodeJS.ErrnoException).code === 'string') return false;
    throw cause;
  }
}

export function registerDownload(program: Command): void {
  defineCommand<DownloadFlags>(program, 'download', {
    description: 'bring everything of the lock into the store; resumes inside a blob',
    flags: [
      lockOption(), storeOption(cacheStore()), concurrencyOption(), ...networkOptions(),
      new Option('-f, --file <path>', 'the project or BOMs the lock was made from: for credentials that it declares, and where the lock was made with another store').argParser(collect),
    ],
    action: async (context, flags) => {
      if (isMuchToFetch(flags)) warmFetchThreads();
      const lock = readLock(flags.lock);
      const result = await runDownload(context, lock, flags);
      context.print({ project: lock.metadata.name, sequence: lock.metadata.sequence, store: flags.store, ...result }, downloadText(result, flags.store));
    },
  });
}
