import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import { collect, type CollectResult } from '../../importer/collect.ts';
import type { PackFate } from '../../store/collection.ts';
import { Generations } from '../../store/generations.ts';
import type { Store } from '../../store/store.ts';
import { type CommandContext, defineCommand, positiveInteger } from '../context.ts';
import { readLock } from '../documents.ts';
import { exists } from '../files.ts';
import { formatBytes } from '../render.ts';
import { optionalStore, withStore } from '../which-store.ts';

interface GcFlags {
  readonly store?: string;
  readonly keep: number;
  readonly compact?: boolean;
  readonly forgetReceipts?: boolean;
  readonly dryRun?: boolean;
}

const shared = (): Option[] => [
  new Option('--compact', 'also copy what is still needed out of adopted archives that are mostly not, and let them go'),
  new Option('--dry-run', 'say what would go, and change nothing'),
];

export function registerGc(program: Command): void {
  defineCommand<GcFlags>(program, 'gc', {
    description: 'give up what no kept generation, pushed image or outstanding receipt needs',
    flags: [
      optionalStore(), new Option('--keep <n>', 'newest generations of each project to keep, beside the one served').default(3).argParser(positiveInteger), ...shared(),
      new Option('--forget-receipts', 'give up what a receipt lists too, when the archive made for it will not come'),
    ],
    action: async (context, flags) => withStore(flags.store, async (store) => {
      await checkImported(store);
      await runGc(context, store, { ...flags, lock: [] });
    }),
  });
}

/** A store that only downloads went into, or an image layout of another program, has no generation to keep anything for: all of it would go. */
async function checkImported(store: Store): Promise<void> {
  if ((await new Generations(store.root).projects()).length > 0 || (await exists(join(store.root, 'registry')))) return;
  throw new BundleError('INPUT_FLAG', { subject: `--store ${store.root}`, expected: 'the store of a repository machine', actual: 'one that nothing was imported into', next: 'On a downloading machine: `longshore store gc --lock FILE` keeps what the locks name.' });
}

export interface StoreGcFlags extends Omit<GcFlags, 'keep'> {
  readonly lock: readonly string[];
}

export const storeGcFlags = (): Option[] => [
  optionalStore(), new Option('--lock <file...>', 'locks whose content stays; repeatable').makeOptionMandatory(), ...shared(),
];

/** Collects what neither these locks nor the machine itself needs, and says what went. */
export async function runGc(context: CommandContext, store: Store, flags: StoreGcFlags & { readonly keep?: number }): Promise<void> {
  const state = join(store.root, 'registry');
  const result = await collect({
    store, keep: flags.keep ?? Number.MAX_SAFE_INTEGER, locks: flags.lock.map(readLock), compact: flags.compact === true, dryRun: flags.dryRun === true, forgetReceipts: flags.forgetReceipts === true,
    pushed: async () => ((await exists(state)) ? (await import('../../repository/registry/pushed-roots.ts')).pushedRoots(state, store) : []),
    onWait: () => context.note('waiting for another longshore that uses this store'), signal: context.signal,
  });
  const { loose, packs, ...rest } = result;
  context.print({ store: store.root, dryRun: flags.dryRun === true, looseBlobs: loose.length, packs: packs.map(({ needed, ...pack }) => ({ ...pack, neededBlobs: needed.length })), ...rest }, gcText(result, flags.dryRun === true));
}

const fates: Readonly<Record<PackFate['fate'], string>> = {
  keep: 'stays', remove: 'goes', forget: 'is forgotten; its file stays where it is', compact: 'goes, after what is needed was copied out',
};

function gcText(result: CollectResult, dryRun: boolean): string {
  const { collected, kept, packs, loose, looseBytes, receipts, copiedBytes, leftoverBytes, freedBytes } = result;
  return [
    ...kept.map(({ project, id }) => `  ${project}, generation ${id} stays`),
    ...collected.map(({ project, id }) => `  ${project}, generation ${id} ${dryRun ? 'would become' : 'is'} history only`),
    ...receipts.map(({ project, generations }) => `  a receipt of ${project} is on its way: what generation ${generations.join(', ')} held stays until an archive made for it is imported (--forget-receipts)`),
    `  ${loose.length} loose blob${loose.length === 1 ? '' : 's'}, ${formatBytes(looseBytes)}, ${dryRun ? 'would go' : 'went'}`,
    ...packs.filter(({ fate }) => fate !== 'keep').map(({ path, bytes, fate, neededBytes }) => `  ${path}, ${formatBytes(bytes)}, ${fates[fate]}${fate === 'compact' ? ` (${formatBytes(neededBytes)})` : ''}`),
    ...(copiedBytes === 0 ? [] : [`  ${formatBytes(copiedBytes)} copied out of archives`]),
    ...(leftoverBytes === 0 ? [] : [`  ${formatBytes(leftoverBytes)} that interrupted runs left went`]),
    `${formatBytes(Math.max(0, freedBytes))} ${dryRun ? 'would be ' : ''}freed`,
  ].join('\n');
}
