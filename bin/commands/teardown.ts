import { readdir, rm, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import { collect as collectGarbage } from '../../importer/collect.ts';
import { type ContentKind, contentKinds, lockWithout } from '../../importer/give-up-kinds.ts';
import { presentLock } from '../../importer/present-lock.ts';
import { serveLock } from '../../importer/serve-lock.ts';
import { storageError } from '../../store/durable-file.ts';
import { Generations } from '../../store/generations.ts';
import { holding } from '../../store/store-lock.ts';
import type { Store } from '../../store/store.ts';
import { storeOfBuildFolder } from '../build-folder.ts';
import { clientScript } from '../client-script.ts';
import { collect, type CommandContext, defineCommand, positiveInteger } from '../context.ts';
import { exists } from '../files.ts';
import { stopProcess } from '../machine-service.ts';
import { readMachineSettings } from '../machine-settings.ts';
import { removeUnit } from '../systemd-service.ts';
import { runOnInventory } from './client.ts';
import { optionalStore, presentStore, withStore } from '../which-store.ts';

interface TeardownFlags {
  readonly build?: string;
  readonly store?: string;
  readonly inventory: readonly string[];
  readonly limit?: string;
  readonly concurrency: number;
  readonly sshOption: readonly string[];
  readonly remove?: readonly (ContentKind | 'all')[];
}

export function registerTeardown(program: Command): void {
  defineCommand<TeardownFlags>(program, 'teardown', {
    description: 'put client machines back, stop serving, and keep content or remove it by kind',
    flags: [
      new Option('-b, --build <dir>', 'the folder that create was given'), optionalStore(),
      new Option('-i, --inventory <file>', 'machines to put back first, over ssh; repeatable').default([]).argParser(collect),
      new Option('--limit <pattern>', 'only these hosts and groups'), new Option('--concurrency <n>', 'machines at once').default(16).argParser(positiveInteger),
      new Option('--ssh-option <option>', 'for ssh -o; repeatable').default([]).argParser(collect),
      new Option('--remove <kinds>', `what to remove, with commas: ${contentKinds.join(', ')}, or all, which is the store itself with its keys`).argParser(parseKinds),
    ],
    action: runTeardown,
  });
}

function parseKinds(text: string): (ContentKind | 'all')[] {
  return text.split(',').map((word) => {
    const kind = ([...contentKinds, 'all'] as const).find((each) => each === word.trim());
    if (kind === undefined) throw new InvalidArgumentError(`expected ${contentKinds.join(', ')} or all.`);
    return kind;
  });
}

async function runTeardown(context: CommandContext, flags: TeardownFlags): Promise<void> {
  const root = resolve(flags.store ?? (flags.build === undefined ? await presentStore() : storeOfBuildFolder(flags.build)));
  await checkMachine(root);
  // Clients first: while this machine still serves, they lose nothing.
  if (flags.inventory.length > 0) await runOnInventory(forNotes(context), flags, { action: 'teardown', script: await clientScript(context, { store: root, insecureRegistry: [], caFile: [] }, 'teardown') });
  const settings = await readMachineSettings(root);
  const stopped = settings?.unit === undefined ? await stopProcess(root) : await removeUnit(settings.unit, root);
  const kinds = flags.remove ?? [];
  const freed = kinds.length === 0 ? undefined : kinds.includes('all') ? await removeAll(context, root) : await removeKinds(context, root, new Set(kinds.filter((kind): kind is ContentKind => kind !== 'all')));
  context.print({ store: root, stopped, removed: kinds, ...freed }, [
    stopped ? 'the service was stopped and will not start again' : 'no service ran that create had started',
    kinds.length === 0 ? `content and keys stay in ${root}` : `removed: ${kinds.join(', ')}`,
  ].join('\n'));
}

/** The table of machines goes to stderr: the result of teardown is one document. */
function forNotes(context: CommandContext): CommandContext {
  return { ...context, print: (_document, text) => context.note(text) };
}

/** What tells the store of a repository machine from any other image layout. */
const marks = ['machine.json', 'generations', 'keys', 'registry'];
/** Everything that longshore makes in a store; `use.db`, which holds others off, goes last. */
const entries = ['blobs', 'cache', 'generations', 'index.db', 'index.db-journal', 'index.db-shm', 'index.db-wal', 'index.json', 'keys', 'machine.json', 'packs', 'partial', 'receipts', 'registry', 'release-dates.json', 'serve.log', 'serve.pid', 'stages.json', 'tls', 'trust', 'oci-layout'];

async function checkMachine(root: string): Promise<void> {
  const present = await Promise.all(['oci-layout', ...marks].map((name) => exists(join(root, name))));
  if (present[0] === true && present.lastIndexOf(true) > 0) return;
  throw new BundleError('STORAGE_FOREIGN', { subject: root, expected: 'the store of a repository machine', actual: present[0] === true ? 'a folder that nothing was imported into' : 'none', next: 'Name it with --store, or the build folder with -b.' });
}

/** What others put into the folder stays there. */
async function removeAll(context: CommandContext, root: string): Promise<{ readonly left: readonly string[] }> {
  await holding(root, { role: 'collect', signal: context.signal, onWait: () => context.note('waiting for another longshore that uses this store') }, async () => {
    for (const name of entries) await rm(join(root, name), { recursive: true, force: true }).catch((cause: unknown) => { throw storageError(join(root, name), cause); });
  });
  await rm(join(root, 'use.db'), { force: true });
  const left = (await readdir(root)).sort();
  if (left.length === 0) await rmdir(root);
  else context.note(`warning: ${root} stays, with what is not longshore's: ${left.slice(0, 10).join(', ')}${left.length > 10 ? ', …' : ''}`);
  return { left };
}

/** Every project's next generation is what it was without these kinds; then their blobs go. */
async function removeKinds(context: CommandContext, root: string, kinds: ReadonlySet<ContentKind>): Promise<{ readonly freedBytes: number }> {
  return withStore(root, async (store) => {
    await holding(root, { role: 'use', signal: context.signal }, async () => {
      for (const project of await new Generations(root).projects()) await withoutKinds(context, { store, project, kinds });
    });
    const state = join(root, 'registry');
    const { freedBytes } = await collectGarbage({
      store, keep: 1, locks: [], compact: true, dryRun: false, forgetReceipts: true, signal: context.signal,
      pushed: async () => ((await exists(state)) ? (await import('../../repository/registry/pushed-roots.ts')).pushedRoots(state, store) : []),
      onWait: () => context.note('waiting for another longshore that uses this store'),
    });
    return { freedBytes };
  });
}

async function withoutKinds(context: CommandContext, { store, project, kinds }: { readonly store: Store; readonly project: string; readonly kinds: ReadonlySet<ContentKind> }): Promise<void> {
  const lock = await presentLock(store, project);
  if (lock === undefined) return;
  await serveLock(lockWithout(lock, kinds), { store, now: context.now(), allowDowngrade: true, allowUpgradePath: true, notify: context.notify });
}
