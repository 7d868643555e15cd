import { type Command, Option } from 'commander';
import type { Lock } from '../../bom/lock.ts';
import { type ServedResult, serveLock } from '../../importer/serve-lock.ts';
import { warnOfSharedNames } from '../../importer/shared-names.ts';
import type { TreeResult } from '../../importer/targets/tree.ts';
import type { Store } from '../../store/store.ts';
import { warmFetchThreads } from '../../transport/fetch-threads.ts';
import { type CommandContext, defineCommand, machineStore, positiveInteger } from '../context.ts';
import { usingStore } from '../held-store.ts';
import { downloadText, runDownload } from './download.ts';
import { treeText } from '../render.ts';
import type { SignatureThread } from '../signature-thread.ts';
import { type LockFlags, lockBasis, lockFlags, lockSummary, readBasis, writeLock } from './lock.ts';

export interface SyncFlags extends LockFlags {
  readonly allowDowngrade?: boolean;
  readonly allowUpgradePath?: boolean;
  /** Where another web server finds what is served, too. */
  readonly tree?: string;
  /** Trees that stay there. */
  readonly keep?: number;
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
    flags: [
      ...syncFlags(),
      new Option('--tree <dir>', 'publish what is served below DIR/current too, for another web server, as `longshore publish --tree` does'),
      new Option('--keep <n>', 'with --tree: trees that stay').default(3).argParser(positiveInteger),
    ],
    action: async (context, flags) => {
      const { document, text } = await runSync(context, flags);
      context.print(document, text);
    },
  });
}

/** Lock and download into the store that is served, then one switch. What is served stays until everything is there. */
export async function runSync(context: CommandContext, flags: SyncFlags): Promise<{ readonly document: Readonly<Record<string, unknown>>; readonly text: string }> {
  const basis = await readBasis(context, flags);
  // Without a lock everything is still to come: threads start while that is worked out, when nobody waits for another one.
  if (basis.previous === undefined) void basis.signatures.answered.then((isSoon) => { if (isSoon) warmFetchThreads(); });
  const syncing = usingStore(context, flags.store, async (store) => {
    const locked = await lockBasis(context, flags, { ...basis, store });
    const { lock } = locked;
    const onItsWay = Promise.withResolvers<void>();
    const notify: CommandContext['notify'] = (event) => {
      if (event.kind === 'bytes' || event.kind === 'done') onItsWay.resolve();
      context.notify(event);
    };
    const downloading = runDownload({ ...context, notify }, lock, flags, { inputs: locked.inputs, beside: writeLock(locked, flags.lock), arriving: locked.keeping.digests, store }).finally(onItsWay.resolve);
    // What publishing takes is made ready while the content is on its way.
    const [downloaded, tree] = await Promise.all([downloading, flags.tree === undefined ? undefined : onItsWay.promise.then(() => beginTree(lock))]);
    const { served, published } = await serving(context, flags, { lock, tree, store, signatures: basis.signatures });
    const { generation } = served;
    const summary = lockSummary(locked, flags.lock);
    return {
      document: { ...summary.document, ...downloaded, generation, switched: served.changed, ...(published === undefined ? {} : { tree: { folder: flags.tree, ...published } }) },
      text: [summary.text, downloadText(downloaded, flags.store), `${generation.project}: generation ${generation.id} is served (sequence ${generation.sequence})${served.changed ? '' : ', as before'}`,
        ...(published === undefined ? [] : [treeText(flags.tree ?? '', published)]),
        ...lock.spec.influences.map((item) => `  ${item.module} influences ${item.influences}: look at it again`)].join('\n'),
    };
  });
  return syncing.finally(() => basis.signatures.close());
}

type TreePublisher = typeof import('../publish-tree.ts');

async function beginTree(lock: Lock): Promise<TreePublisher> {
  const [publisher, { beginIndexes }] = await Promise.all([import('../publish-tree.ts'), import('../../repository/mirror/apt.ts')]);
  beginIndexes(lock);
  return publisher;
}

interface Serving { readonly lock: Lock; readonly tree: TreePublisher | undefined; readonly store: Store; readonly signatures: SignatureThread }

/** The switch to what is in the store now, then the tree of it. */
async function serving(context: CommandContext, flags: SyncFlags, { lock, tree, store, signatures }: Serving): Promise<{ readonly served: ServedResult; readonly published?: TreeResult }> {
  await warnOfSharedNames(store, lock, context.notify);
  const served = await serveLock(lock, { store, now: context.now(), allowDowngrade: flags.allowDowngrade === true, allowUpgradePath: flags.allowUpgradePath === true, notify: context.notify });
  if (tree === undefined || flags.tree === undefined) return { served };
  return { served, published: await tree.publishStoreTree(context, store, { folder: flags.tree, keep: flags.keep ?? 3, known: lock, signatures }) };
}
