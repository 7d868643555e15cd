import type { Command } from 'commander';
import { hexOf } from '../../bom/digest.ts';
import { BundleError, checkNotAborted } from '../../bom/errors.ts';
import type { Store } from '../../store/store.ts';
import { cacheStore, type CommandContext, defineCommand, storeOption } from '../context.ts';
import { formatBytes } from '../render.ts';
import { runGc, type StoreGcFlags, storeGcFlags } from './gc.ts';
import { withStore } from '../which-store.ts';

export function registerStore(program: Command): void {
  const group = program.command('store').description('check and rebuild a store');
  defineCommand<{ readonly store: string }>(group, 'verify', {
    description: 'read every blob, also inside adopted archives, and compare it with its digest',
    flags: [storeOption(cacheStore())],
    action: async (context, options) => withStore(options.store, async (store) => {
      const { away, ...result } = await damagedBlobs(store, context);
      const absent = [...away].map(([archive, { blobs }]) => ({ archive, blobs }));
      const notRead = absent.map(({ archive, blobs }) => `; not there: ${archive} with ${blobs} of them`).join('');
      context.print({ store: store.root, ...result, absent }, `${result.blobs} blobs, ${formatBytes(result.bytes)}; damaged: ${result.damaged.length === 0 ? 'none' : result.damaged.join(', ')}${notRead}`);
      if (result.damaged.length > 0) throw damagedError(store, result.damaged, 'Run `longshore store reindex`, then `longshore download` or `longshore import` brings them again.');
      for (const { error } of away.values()) throw error;
    }),
  });
  defineCommand<StoreGcFlags>(group, 'gc', {
    description: 'give up what neither the locks named nor what is imported, pushed and promised here needs',
    flags: storeGcFlags(),
    action: async (context, options) => withStore(options.store, (store) => runGc(context, store, options)),
  });
  defineCommand<{ readonly store: string }>(group, 'reindex', {
    description: 'rebuild the index from blobs and packs, hashing every loose blob',
    flags: [storeOption(cacheStore())],
    action: async (context, options) => withStore(options.store, async (store) => {
      const result = await store.reindex(context.signal);
      for (const path of result.away) context.notify({ kind: 'warning', subject: path, message: 'not there, so not looked at: what it holds is still known, and is used again when its medium is plugged in' });
      context.print({ store: store.root, ...result }, `${result.blobs} blobs, ${formatBytes(result.bytes)}; damaged: ${result.damaged.length === 0 ? 'none' : result.damaged.join(', ')}`);
      if (result.damaged.length > 0) throw damagedError(store, result.damaged, 'They are not used any more: `longshore download` or `longshore import` brings them again.');
    }),
  });
}

interface ReadStore {
  readonly blobs: number;
  readonly bytes: number;
  readonly damaged: readonly string[];
  /** Adopted archives that are not where they were: how many blobs lie there, and what was said of the first. */
  readonly away: ReadonlyMap<string, { readonly blobs: number; readonly error: BundleError }>;
}

/** Reads every blob the index knows, where it lies. */
async function damagedBlobs(store: Store, context: CommandContext): Promise<ReadStore> {
  await store.recheckPacks(context.signal);
  const all = [...store.listBlobs()];
  const bytes = all.reduce((total, blob) => total + blob.size, 0);
  context.notify({ kind: 'plan', phase: 'verify', items: all.length, bytes, presentItems: 0, presentBytes: 0 });
  const damaged: string[] = [];
  const away = new Map<string, { readonly blobs: number; readonly error: BundleError }>();
  for (const { digest, size } of all) {
    checkNotAborted(context.signal, store.root);
    try {
      for await (const chunk of store.open({ mediaType: 'application/octet-stream', digest, size })) context.notify({ kind: 'bytes', phase: 'verify', bytes: chunk.length });
    } catch (error) {
      if (!(error instanceof BundleError) || error.family !== 'integrity') throw error;
      const archive = error.facts.details?.['archive'];
      if (error.code !== 'INTEGRITY_MISSING' || typeof archive !== 'string') damaged.push(hexOf(digest));
      else away.set(archive, { error: away.get(archive)?.error ?? error, blobs: (away.get(archive)?.blobs ?? 0) + 1 });
    }
    context.notify({ kind: 'done', phase: 'verify', item: digest, bytes: size });
  }
  return { blobs: all.length, bytes, damaged, away };
}

function damagedError(store: Store, damaged: readonly string[], next: string): BundleError {
  return new BundleError('INTEGRITY_DIGEST', {
    subject: `${store.root}/blobs/sha256/${damaged[0]}`, expected: 'content whose digest is its name', actual: `${damaged.length} damaged blob${damaged.length === 1 ? '' : 's'}`,
    next, details: { damaged },
  });
}
