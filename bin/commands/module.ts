// longshore as a module of LambdaStack: metadata, init, plan, apply, audit over a shared folder. Thin: each is made of longshore's own commands.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { moduleState, type ModuleState, stateText } from '../../bom/adapters/e-modules/state-file.ts';
import { toYaml } from '../../bom/documents/yaml-writer.ts';
import { BundleError } from '../../bom/errors.ts';
import { digestOf } from '../../bom/digest.ts';
import { lockBytes } from '../../bom/lock.ts';
import { metadataOf } from '../../bom/longshore-module.ts';
import { templateText } from '../../bom/template.ts';
import { verifyArchive } from '../../importer/verify.ts';
import { commitFile, commitNewFile, makeDirectory, storageError } from '../../store/durable-file.ts';
import { Store } from '../../store/store.ts';
import { aggregateInputs } from '../aggregation.ts';
import { readKeys } from '../archive-content.ts';
import { type CommandContext, concurrencyOption, defineCommand, keyOption, networkOptions, type NetworkFlags } from '../context.ts';
import { readLock, stockOf } from '../documents.ts';
import { version } from '../version.ts';
import { threads } from './archive.ts';
import { runDownload, downloadText } from './download.ts';
import { exportText, runExport, signOption } from './export.ts';
import { lockSummary, runLock } from './lock.ts';
import { planOf } from './plan.ts';

interface SharedFlag { readonly shared: string }
interface WorkFlags extends SharedFlag, NetworkFlags { readonly concurrency: number }

const sharedOption = (): Option => new Option('--shared <dir>', 'the folder that modules share').default('/shared');

/** Where the module keeps its things below the shared folder. */
function places(shared: string): { readonly folder: string; readonly project: string; readonly lock: string; readonly store: string; readonly state: string } {
  const folder = join(shared, 'longshore');
  return { folder, project: join(folder, 'longshore-config.yml'), lock: join(folder, 'longshore.lock.json'), store: join(folder, 'store'), state: join(shared, 'state.yml') };
}

export function registerModule(program: Command): void {
  const group = program.command('module').description('longshore as a LambdaStack module, over a shared folder');
  defineCommand(group, 'metadata', {
    description: 'labels, requires and influences',
    action: async (context) => { const document = metadataOf(version); context.print(document, toYaml(document).trimEnd()); },
  });
  defineCommand<SharedFlag>(group, 'init', {
    description: 'write a project to edit: SHARED/longshore/longshore-config.yml',
    flags: [sharedOption()], action: init,
  });
  defineCommand<WorkFlags>(group, 'plan', {
    description: 'lock the project, and tell what apply would move', flags: [sharedOption(), concurrencyOption(), ...networkOptions()], action: plan,
  });
  defineCommand<WorkFlags & { readonly sign?: string }>(group, 'apply', {
    description: 'download what was planned, and write the archive', flags: [sharedOption(), concurrencyOption(), ...networkOptions(), signOption()], action: apply,
  });
  defineCommand<SharedFlag & { readonly key: readonly string[] }>(group, 'audit', {
    description: 'is what was applied still what the project says, whole and undamaged', flags: [sharedOption(), keyOption('public key that signed the archive; repeatable')], action: audit,
  });
  defineCommand<{ readonly runtime?: readonly string[] }>(group, 'container <dir>', {
    description: 'write a folder to build the module\'s image from: buildah build --tag IMAGE DIR',
    flags: [new Option('--runtime <platforms>', 'linux-x64, linux-arm64; repeatable, or separated by commas (default: this machine\'s)').argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), ...value.split(',')])],
    action: async (context, flags, [folder = '']) => {
      const platforms = flags.runtime ?? [`linux-${process.arch}`];
      await (await import('../container-recipe.ts')).writeContainerContext(context, folder, platforms);
      context.print({ folder, platforms }, `wrote ${folder}; next: buildah build --tag longshore ${folder}`);
    },
  });
}

async function init(context: CommandContext, { shared }: SharedFlag): Promise<void> {
  const { folder, project, state } = places(shared);
  await makeDirectory(folder);
  const fresh = await commitNewFile(project, templateText(false));
  const known = moduleState(await stateOf(state), 'longshore');
  if (known === undefined) await setState(state, { status: 'initialized', config: 'longshore/longshore-config.yml' });
  context.print({ config: project, wrote: fresh, state }, fresh ? `wrote ${project}; edit it, then plan` : `${project} is there already, and stays as it is`);
}

async function plan(context: CommandContext, flags: WorkFlags): Promise<void> {
  const { project, lock: path, store, state } = await initialized(flags.shared);
  const locked = await runLock(context, { ...flags, file: [project], lock: path, store });
  const { lock } = locked;
  context.note(lockSummary(locked, path).text);
  const { document, text } = await planOf(lock, store);
  await setState(state, { status: 'planned', config: 'longshore/longshore-config.yml', sequence: lock.metadata.sequence, lock: digestOf(lockBytes(lock)) });
  context.print(document, text);
}

async function apply(context: CommandContext, flags: WorkFlags & { readonly sign?: string }): Promise<void> {
  const { folder, project, lock: path, store, state } = await initialized(flags.shared);
  const lock = readLock(path);
  const { digest } = await aggregateInputs([project]);
  if (digest !== lock.metadata.project) throw stale(path, 'Run plan again: it shows what the change means.');
  context.note(downloadText(await runDownload(context, lock, { ...flags, file: [project], lock: path, store }), store));
  const name = `${lock.metadata.name}.tar`;
  const exported = await runExport(context, lock, { ...flags, lock: path, store, output: join(folder, name) });
  await setState(state, { status: 'applied', config: 'longshore/longshore-config.yml', sequence: lock.metadata.sequence, lock: digestOf(lockBytes(lock)), archive: `longshore/${name}`, digest: exported.archive });
  context.print({ project: lock.metadata.name, sequence: lock.metadata.sequence, signed: flags.sign !== undefined, ...exported }, exportText(exported, flags.sign !== undefined));
}

async function audit(context: CommandContext, flags: SharedFlag & { readonly key: readonly string[] }): Promise<void> {
  const { folder, project, lock: path, store: root, state } = await initialized(flags.shared);
  const known = moduleState(await stateOf(state), 'longshore');
  if (known?.['status'] !== 'applied') throw new BundleError('INPUT_FLAG', { subject: state, expected: 'a module that was applied', actual: known?.['status'] ?? 'no state of longshore', next: 'Run apply first.' });
  const lock = readLock(path);
  const { digest } = await aggregateInputs([project]);
  if (digest !== lock.metadata.project || known['lock'] !== digestOf(lockBytes(lock))) throw stale(path, 'Run plan and apply: the project changed since it was applied.');
  const store = await Store.open(root, { create: false });
  try {
    const { missing } = await stockOf(lock, store);
    if (missing.length > 0) throw new BundleError('INTEGRITY_MISSING', { subject: root, expected: 'every blob of the lock', actual: `${missing.length} missing or damaged, ${missing[0]?.what ?? ''} among them`, next: 'Run apply again.' });
  } finally {
    store.close();
  }
  const { archive, blobs } = await verifyArchive([join(folder, `${lock.metadata.name}.tar`)], { keys: await readKeys(flags.key), allowUnsigned: flags.key.length === 0, now: context.now(), concurrency: threads, notify: context.notify, signal: context.signal });
  if (archive.archive !== known['digest']) throw new BundleError('INTEGRITY_ARCHIVE', { subject: known['archive'] ?? folder, expected: `the archive that was applied, ${known['digest'] ?? ''}`, actual: archive.archive, next: 'Run apply again.' });
  context.print({ project: lock.metadata.name, sequence: lock.metadata.sequence, archive: archive.archive, blobs }, `${lock.metadata.name}, sequence ${lock.metadata.sequence}: as applied, ${blobs} blobs, all good`);
}

function stale(path: string, next: string): BundleError {
  return new BundleError('INPUT_LOCK_STALE', { subject: path, expected: 'the lock of the project as it is now', actual: 'the lock of an earlier one', next });
}

async function initialized(shared: string): Promise<ReturnType<typeof places>> {
  const found = places(shared);
  await readFile(found.project).catch((cause: unknown) => {
    throw new BundleError('INPUT_MISSING_FILE', { subject: found.project, expected: 'a project', actual: (cause as NodeJS.ErrnoException).code ?? 'nothing', next: 'Run init first.' }, { cause });
  });
  return found;
}

async function stateOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '';
    throw storageError(path, cause);
  });
}

async function setState(path: string, state: ModuleState): Promise<void> {
  await commitFile(path, stateText(await stateOf(path), 'longshore', state));
}
