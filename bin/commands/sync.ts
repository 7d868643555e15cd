import { type Command, Option } from 'commander';
import type { Lock } from '../../bom/lock.ts';
import { type ServedResult, serveLock } from '../../importer/serve-lock.ts';
import { warnOfSharedNames } from '../../importer/shared-names.ts';
import { holding } from '../../store/store-lock.ts';
import { Store } from '../../store/store.ts';
import { warmFetchThreads } from '../../transport/fetch-threads.ts';
import { type CommandContext, defineCommand, machineStore } from '../context.ts';
import { exists } from '../files.ts';
import { downloadText, runDownload } from './download.ts';
import { type LockFlags, lockBasis, lockFlags, lockSummary, readBasis } from './lock.ts';

export interface SyncFlags extends LockFlags {
  readonly allowDowngrade?: boolean;
  readonly allowUpgradePath?: boolean;
}

/** Of `lock`, with the machine's store, and what a switch asks. */
export const syncFlags = (): Option[] => [
  ...lockFlags().map((option) => (option.long === '--store' ? option.default(machineStore) : option)),
  new Option('--allow-downgrade', 'serve an older sequence than the newest one imported'),
  new Option('--allow-upgrade-path', 'take modules that do not say they can replace the version that is here'),
];

export function registerSync(program: Command): void {
  defineCommand<SyncFlags>(program, 'sync', {
    description: 'on a jump host: lock, download, and serve what came as the next generation, without an archive',
    flags: syncFlags(),
    action: async (context, flags) => {
      const { document, text } = await runSync(context, flags);
      context.print(document, text);
    },
  });
}

/** Lock and download into the store that is served, then one switch. What is served stays until everything is there. */
export async function runSync(context: CommandContext, flags: SyncFlags): Promise<{ readonly document: Readonly<Record<string, unknown>>; readonly text: string }> {
  // Without a lock everything is still to come: threads start while that is worked out.
  if (!(await exists(flags.lock))) warmFetchThreads();
  const basis = await readBasis(context, flags);
  // Whoever closes an index last writes all of it to its place: that is done once, at the end.
  const last = await Store.open(flags.store, { create: true });
  try {
    const locked = await lockBasis(context, flags, basis);
    const { lock } = locked;
    const downloaded = await runDownload(context, lock, flags, locked.inputs);
    const served = await serving(context, flags, lock);
    const { generation } = served;
    const summary = lockSummary(locked, flags.lock);
    return {
      document: { ...summary.document, ...downloaded, generation, switched: served.changed },
      text: [summary.text, downloadText(downloaded, flags.store), `${generation.project}: generation ${generation.id} is served (sequence ${generation.sequence})${served.changed ? '' : ', as before'}`,
        ...lock.spec.influences.map((item) => `  ${item.module} influences ${item.influences}: look at it again`)].join('\n'),
    };
  } finally {
    last.close();
  }
}

async function serving(context: CommandContext, flags: SyncFlags, lock: Lock): Promise<ServedResult> {
  const store = await Store.open(flags.store, { create: true });
  try {
    return await holding(store.root, { role: 'use', signal: context.signal, onWait: () => context.note('waiting for longshore gc') }, async () => {
      await warnOfSharedNames(store, lock, context.notify);
      return serveLock(lock, { store, now: context.now(), allowDowngrade: flags.allowDowngrade === true, allowUpgradePath: flags.allowUpgradePath === true, notify: context.notify });
    });
  } finally {
    store.close();
  }
}
