import { rm } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import { openArchive } from '../../importer/archive-file.ts';
import { importArchive } from '../../importer/import.ts';
import { receiveArchive } from '../../importer/receive.ts';
import { holding, holdStore } from '../../store/store-lock.ts';
import { Store } from '../../store/store.ts';
import { readKeys } from '../archive-content.ts';
import { exists } from '../files.ts';
import { type FactFlags, factOptions, factsOf } from '../cluster-facts.ts';
import { type CommandContext, defineCommand, keyOption, machineStore, type NetworkFlags, networkOptions, storeOption } from '../context.ts';
import { importRemote, isRemote } from '../import-remote.ts';
import { formatBytes } from '../render.ts';
import { signatureText, threads } from './archive.ts';
import { lockOf } from './status.ts';

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
      const isNew = !(await exists(flags.store));
      // What cannot be opened leaves no empty store behind; stdin is looked at once it lies in the store.
      const files = paths.filter((path) => path !== '-');
      if (files.length > 0) await openArchive(files);
      const store = await Store.open(flags.store, { create: true });
      const release = await holdStore(store.root, { role: 'use', signal: context.signal, onWait: () => context.note('waiting for longshore gc') });
      const received = paths.includes('-') ? await receiveArchive(process.stdin, { root: store.root, notify: context.notify, signal: context.signal }) : undefined;
      let isRefused = false;
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
      } catch (error) {
        isRefused = true;
        throw error;
      } finally {
        await received?.remove();
        const isUnused = isNew && isRefused && (await store.looseBlobs()).length === 0 && store.packRecords().length === 0;
        release();
        store.close();
        if (isUnused) await removeUnused(store.root);
      }
    },
  });
}

async function runRemoteImport(context: CommandContext, flags: ImportFlags, paths: readonly string[]): Promise<void> {
  const [address = '', other] = paths;
  if (other !== undefined) throw new BundleError('INPUT_FLAG', { subject: other, expected: 'one address and nothing beside it', actual: `${paths.length} names` });
  const keys = await readKeys(flags.key);
  const store = await Store.open(flags.store, { create: true });
  try {
    const { facts: _, ...network } = flags;
    const facts = await factsOf(flags, store.root);
    const result = await holding(store.root, { role: 'use', signal: context.signal, onWait: () => context.note('waiting for longshore gc') }, () => importRemote(context, {
      ...network, ...(facts === undefined ? {} : { facts }), address, store, keys, allowUnsigned: flags.allowUnsigned === true, allowDowngrade: flags.allowDowngrade === true, allowUpgradePath: flags.allowUpgradePath === true,
    }));
    const { generation, fetched, fetchedBytes } = result;
    context.print({ generation, project: generation.project, changed: result.changed, fetched, fetchedBytes }, [
      `${generation.project}: generation ${generation.id} is served (sequence ${generation.sequence}${result.changed ? '' : ', as before'})`, `  fetched ${fetched} blobs, ${formatBytes(fetchedBytes)}; everything else was here`,
    ].join('\n'));
  } finally {
    store.close();
  }
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
