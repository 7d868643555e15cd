import { type Command, Option } from 'commander';
import { bundleOf } from '../../bom/bundle.ts';
import { BundleError } from '../../bom/errors.ts';
import { type Lock, lockBytes } from '../../bom/lock.ts';
import { deltaBase, parseMissing, repairBase } from '../../formats/archive/holdings.ts';
import { parseSigningKey } from '../../formats/pgp/keys.ts';
import { exportStream } from '../../exporter/export-stream.ts';
import { exportArchive, type ExportOptions, type ExportResult } from '../../exporter/export.ts';
import { withSequence } from '../../downloader/lock.ts';
import { commitFile } from '../../store/durable-file.ts';
import { parseVolumeSize } from '../../exporter/volume-size.ts';
import { holdStore } from '../../store/store-lock.ts';
import { Store } from '../../store/store.ts';
import { readKeys } from '../archive-content.ts';
import { readHoldings } from '../bases.ts';
import { aptValidForOption, cacheStore, collect, type CommandContext, concurrencyOption, defineCommand, keyOption, lockOption, readInput, readInputBytes, storeOption } from '../context.ts';
import { readLock } from '../documents.ts';
import { formatBytes } from '../render.ts';
import { runtimeOption, runtimesFor } from '../runtimes.ts';
import { writeToStdout } from '../stdout.ts';

export interface ExportFlags {
  readonly lock: string;
  readonly store: string;
  readonly output: string;
  readonly concurrency: number;
  readonly sign?: string;
  readonly split?: string;
  readonly base?: readonly string[];
  readonly key?: readonly string[];
  readonly allowUnsigned?: boolean;
  readonly repair?: string;
  readonly runtime?: readonly string[];
  readonly selfExtracting?: boolean;
  readonly aptValidFor?: number;
}

export const outputOption = (): Option => new Option('-o, --output <file>', 'the archive; - for stdout').makeOptionMandatory();
export const signOption = (): Option => new Option('--sign <key>', 'OpenPGP key that signs the archive (see `longshore keygen`)');

/** Exports as the flags say. With `-o -` the archive goes to stdout, and the result is for stderr. */
export async function runExport(context: CommandContext, lock: Lock, flags: ExportFlags): Promise<ExportResult> {
  context.record(lock);
  if (flags.output === '-' && flags.selfExtracting === true) {
    throw new BundleError('INPUT_FLAG', { subject: '--self-extracting', expected: 'a file name with -o', actual: 'a stream, whose size and digest are not known at its start' });
  }
  const plan = await planOf(context, lock, flags);
  const store = await Store.open(flags.store, { create: false });
  const release = await holdStore(store.root, { role: 'use', signal: context.signal, onWait: () => context.note('waiting for longshore gc') });
  try {
    // What came in volumes may be cut; the copying threads read files.
    for (const blob of bundleOf(lock).content) if ((await store.has(blob.digest)) && (await store.locate(blob.digest)) === undefined) await store.joinPieces(blob, context.signal);
    if (flags.output !== '-') return await exportArchive({ ...plan, store, output: flags.output, concurrency: flags.concurrency });
    const { result, bytes } = await exportStream({ ...plan, store });
    await writeToStdout(bytes);
    return result;
  } finally {
    release();
    store.close();
  }
}

async function planOf(context: CommandContext, lock: Lock, flags: ExportFlags): Promise<Omit<ExportOptions, 'store' | 'output' | 'concurrency'>> {
  const sign = flags.sign === undefined ? undefined : await parseSigningKey(readInputBytes(flags.sign), flags.sign);
  const bases = flags.base ?? [];
  if (bases.length > 0 && flags.repair !== undefined) throw new BundleError('INPUT_FLAG', { subject: '--repair', expected: '--base or --repair', actual: 'both' });
  const trust = { keys: await readKeys(flags.key ?? []), allowUnsigned: flags.allowUnsigned === true, now: context.now() };
  const delta = flags.repair !== undefined ? repairBase(parseMissing(readInput(flags.repair), flags.repair))
    : bases.length > 0 ? deltaBase(lock.metadata.name, await Promise.all(bases.map((path) => readHoldings(path, trust)))) : undefined;
  return {
    lock, notify: context.notify, signal: context.signal,
    ...(sign === undefined ? {} : { sign }),
    ...(flags.split === undefined ? {} : { split: parseVolumeSize(flags.split) }),
    ...(flags.aptValidFor === undefined ? {} : { aptValidForS: flags.aptValidFor * 86_400 }),
    ...(delta === undefined ? {} : { delta }),
    ...(flags.selfExtracting === true ? { selfExtracting: true } : {}),
  };
}

/** The lock with the runtimes that --runtime names: they are locked by digest like any content, so the lock is written anew when they change. */
async function withRuntimes(context: CommandContext, lock: Lock, flags: ExportFlags): Promise<Lock> {
  if (flags.runtime === undefined) return lock;
  const store = await Store.open(flags.store, { create: false });
  try {
    const runtimes = [...(await runtimesFor(flags.runtime, store, context.signal))];
    const next = withSequence({ ...lock, spec: { ...lock.spec, runtimes } }, lock);
    if (next.metadata.sequence === lock.metadata.sequence) return lock;
    await commitFile(flags.lock, lockBytes(next));
    context.note(`${flags.lock}: the runtime for ${flags.runtime.join(', ')} was added, sequence ${next.metadata.sequence}`);
    return next;
  } finally {
    store.close();
  }
}

export function exportText(result: ExportResult, signed: boolean): string {
  const what = result.paths.length === 0 ? 'wrote the archive to stdout' : `wrote ${result.paths.join(', ')}`;
  return `${what}: ${formatBytes(result.bytes)}, ${result.blobs} blobs, ${signed ? 'signed' : 'not signed (the other side will ask for --allow-unsigned)'}\narchive ${result.archive}`;
}

export function registerExport(program: Command): void {
  defineCommand<ExportFlags>(program, 'export', {
    description: 'write everything of the lock into one archive, or what a site lacks',
    flags: [
      lockOption(), storeOption(cacheStore()), outputOption(), signOption(), concurrencyOption(),
      new Option('--split <size>', 'volumes of at most this size (4GiB, 700MB, cd, dvd, dvd-dl, bd, fat32), written as FILE.001, FILE.002, …'),
      new Option('--base <file>', 'a delta: only what this receipt, lock or archive does not hold; repeatable, one delta for several sites').argParser(collect),
      keyOption('public key that must have signed a receipt; repeatable'), new Option('--allow-unsigned', 'take receipts that nobody signed'),
      aptValidForOption(), runtimeOption(), new Option('--self-extracting', 'a shell script that checks, imports and serves itself: sh FILE --check|--import|--serve'),
      new Option('--repair <file>', 'only the blobs that an import listed as missing (its --json output)'),
    ],
    action: async (context, flags) => {
      const lock = await withRuntimes(context, readLock(flags.lock), flags);
      const result = await runExport(context, lock, flags);
      if (flags.output === '-') { context.note(exportText(result, flags.sign !== undefined)); return; }
      context.print({ project: lock.metadata.name, sequence: lock.metadata.sequence, signed: flags.sign !== undefined, ...result }, exportText(result, flags.sign !== undefined));
    },
  });
}
