import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import type { PgpKey } from '../../formats/pgp/keys.ts';
import { openArchive } from '../../importer/archive-file.ts';
import { importArchive } from '../../importer/import.ts';
import { receiveArchive } from '../../importer/receive.ts';
import { holding, holdStore } from '../../store/store-lock.ts';
import { holdsNothing } from '../../store/store-folder.ts';
import { Store } from '../../store/store.ts';
import { readKeys } from '../archive-content.ts';
import { exists } from '../files.ts';
import { type FactFlags, factOptions, factsOf } from '../cluster-facts.ts';
import { type CommandContext, defineCommand, keyOption, machineStore, type NetworkFlags, networkOptions, storeOption } from '../context.ts';
import { importRemote, isRemote } from '../import-remote.ts';
import { formatBytes } from '../render.ts';
import { signatureText, threads } from './archive.ts';
import { lockOf } from '../generation-lock.ts';

interface ImportFlags extends NetworkFlags, FactFlags {
  readonly store: string;
  readonly key: readonly string[];
  readonly allowUnsigned?: boolean;
  readonly allowDowngrade?: boolean;
  readonly allowUpgradePath?: boolean;
  readonly copy?: boolean;
}

const ways = {
  linked: 'the archive is linked into the store: no bytes were copied, and the file you gave may be deleted',
  'in-place': 'the archive is read where it lies: keep it there',
  copied: 'its blobs were copied into the store: the archive is not needed any more',
  present: 'nothing to do: this archive is what is served',
} as const;

export function registerImport(program: Command): void {
  defineCommand<ImportFlags>(program, 'import <archive...>', {
    description: 'verify an archive (files, all volumes of one, - for stdin, an http(s) URL, or an oci:// bundle), take it over, and serve it as the next generation',
    flags: [
      storeOption(machineStore), keyOption('public key that must have signed it; repeatable'),
      new Option('--allow-unsigned', 'take an archive that nobody signed, or whose key is not here'),
      new Option('--allow-downgrade', 'take an older sequence than the newest one imported'),
      new Option('--allow-upgrade-path', 'take modules that do not say they can replace the version that is here'),
      new Option('--copy', 'copy the blobs instead of adopting the archive where it lies'), ...factOptions(), ...networkOptions(),
    ],
    action: async (context, flags, paths) => {
      if (paths.some(isRemote)) {
        await runRemoteImport(context, flags, paths);
        return;
      }
      const keys = await readKeys(flags.key);
      // What cannot be opened is told first; stdin is looked at once it lies in the store.
      const files = paths.filter((path) => path !== '-');
      if (files.length > 0) await openArchive(files);
      await withImportStore(context, flags.store, (store) => runImport(context, flags, { store, paths, keys }));
    },
  });
}

async function runImport(context: CommandContext, flags: ImportFlags, { store, paths, keys }: { readonly store: Store; readonly paths: readonly string[]; readonly keys: readonly PgpKey[] }): Promise<void> {
  const received = paths.includes('-') ? await receiveArchive(process.stdin, { root: store.root, notify: context.notify, signal: context.signal }) : undefined;
  try {
    const facts = await factsOf(flags, store.root);
    const result = await importArchive({
      ...(facts === undefined ? {} : { facts }),
      paths: paths.map((path) => (path === '-' ? received?.path ?? path : path)), store, keys, allowUnsigned: flags.allowUnsigned === true, allowDowngrade: flags.allowDowngrade === true, allowUpgradePath: flags.allowUpgradePath === true, copy: flags.copy === true,
      concurrency: threads, now: context.now(), notify: context.notify, signal: context.signal,
    });
    const { generation } = result;
    context.record(await lockOf(store, generation));
    context.print(result, [
      `${result.project}: generation ${generation.id} is served (sequence ${generation.sequence}, ${result.blobs} blobs, ${formatBytes(result.bytes)}, ${signatureText(result.signature)})`,
      `  ${ways[result.how]}`,
      ...result.influences.map((item) => `  ${item.module} influences ${item.influences}: look at it again`),
    ].join('\n'));
  } catch (cause) {
    throw received !== undefined && cause instanceof BundleError ? aboutStdin(cause, received.path) : cause;
  } finally {
    await received?.remove();
  }
}

/** The same error, told of what the user gave. The received file's name may be given by any way that leads to it. */
function aboutStdin(cause: BundleError, path: string): BundleError {
  const name = basename(path);
  const told = (text: string): string => text.split(' ').map((word) => (word.includes(name) ? `standard input${word.slice(word.indexOf(name) + name.length)}` : word)).join(' ');
  const { subject, expected, actual, next } = cause.facts;
  return new BundleError(cause.code, { ...cause.facts, subject: told(subject), expected: told(expected), actual: told(actual), ...(next === undefined ? {} : { next: told(next) }) }, { cause });
}

/** The store, made when there is none; one that was made for a refused import leaves nothing behind. */
async function withImportStore(context: CommandContext, root: string, work: (store: Store) => Promise<void>): Promise<void> {
  const isNew = !(await exists(root));
  const store = await Store.open(root, { create: true });
  let isUnused = false;
  try {
    await holding(store.root, { role: 'use', signal: context.signal, onWait: () => context.note('waiting for longshore gc') }, async () => {
      try {
        await work(store);
      } catch (error) {
        isUnused = isNew && (await holdsNothing(store.root));
        throw error;
      }
    });
  } finally {
    store.close();
    if (isUnused) await removeUnused(store.root);
  }
}

async function runRemoteImport(context: CommandContext, flags: ImportFlags, paths: readonly string[]): Promise<void> {
  const [address = '', other] = paths;
  if (other !== undefined) throw new BundleError('INPUT_FLAG', { subject: other, expected: 'one address and nothing beside it', actual: `${paths.length} names` });
  const keys = await readKeys(flags.key);
  await withImportStore(context, flags.store, async (store) => {
    const { facts: _, ...network } = flags;
    const facts = await factsOf(flags, store.root);
    const { generation, fetched, fetchedBytes, changed } = await importRemote(context, {
      ...network, ...(facts === undefined ? {} : { facts }), address, store, keys, allowUnsigned: flags.allowUnsigned === true, allowDowngrade: flags.allowDowngrade === true, allowUpgradePath: flags.allowUpgradePath === true,
    });
    context.print({ generation, project: generation.project, changed, fetched, fetchedBytes }, [
      `${generation.project}: generation ${generation.id} is served (sequence ${generation.sequence}${changed ? '' : ', as before'})`, `  fetched ${fetched} blobs, ${formatBytes(fetchedBytes)}; everything else was here`,
    ].join('\n'));
  });
}

/** Takes away a store that a refused import made for nothing, unless somebody else uses it by now. */
async function removeUnused(root: string): Promise<void> {
  const release = await holdStore(root, { role: 'collect', signal: AbortSignal.timeout(200) }).catch((error: unknown) => {
    if (error instanceof BundleError && error.code === 'INTERRUPTED') return undefined;
    throw error;
  });
  if (release === undefined) return;
  release();
  await rm(root, { recursive: true, force: true });
}
