import type { Command } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import type { Store } from '../../store/store.ts';
import { cacheStore, defineCommand, storeOption } from '../context.ts';
import { formatBytes } from '../render.ts';
import { withStore } from './status.ts';

export function registerStore(program: Command): void {
  const group = program.command('store').description('check and rebuild a store');
  defineCommand<{ readonly store: string }>(group, 'reindex', {
    description: 'rebuild the index from blobs and packs, hashing every loose blob',
    flags: [storeOption(cacheStore())],
    action: async (context, options) => withStore(options.store, async (store) => {
      const result = await store.reindex(context.signal);
      context.print({ store: store.root, ...result }, `${result.blobs} blobs, ${formatBytes(result.bytes)}; damaged: ${result.damaged.length === 0 ? 'none' : result.damaged.join(', ')}`);
      if (result.damaged.length > 0) throw damagedError(store, result.damaged);
    }),
  });
}

function damagedError(store: Store, damaged: readonly string[]): BundleError {
  return new BundleError('INTEGRITY_DIGEST', {
    subject: `${store.root}/blobs/sha256/${damaged[0]}`, expected: 'content whose digest is its name', actual: `${damaged.length} damaged blob${damaged.length === 1 ? '' : 's'}`,
    next: 'They are not used any more: `longshore download` or `longshore import` brings them again.', details: { damaged },
  });
}
