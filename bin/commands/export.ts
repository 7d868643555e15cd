import { type Command, Option } from 'commander';
import { parseSigningKey } from '../../formats/pgp/keys.ts';
import type { Lock } from '../../bom/lock.ts';
import { exportArchive, type ExportResult } from '../../exporter/export.ts';
import { Store } from '../../store/store.ts';
import { cacheStore, type CommandContext, concurrencyOption, defineCommand, lockOption, readInputBytes, storeOption } from '../context.ts';
import { readLock } from '../documents.ts';
import { formatBytes } from '../render.ts';

export interface ExportFlags {
  readonly lock: string;
  readonly store: string;
  readonly output: string;
  readonly sign?: string;
  readonly concurrency: number;
}

export const outputOption = (): Option => new Option('-o, --output <file>', 'the archive').makeOptionMandatory();
export const signOption = (): Option => new Option('--sign <key>', 'OpenPGP key that signs the archive (see `longshore keygen`)');

export async function runExport(context: CommandContext, lock: Lock, flags: ExportFlags): Promise<ExportResult> {
  const sign = flags.sign === undefined ? undefined : await parseSigningKey(readInputBytes(flags.sign), flags.sign);
  const store = await Store.open(flags.store, { create: false });
  try {
    return await exportArchive({
      lock, store, output: flags.output, concurrency: flags.concurrency, notify: context.notify, signal: context.signal, ...(sign === undefined ? {} : { sign }),
    });
  } finally {
    store.close();
  }
}

export function exportText(result: ExportResult, signed: boolean): string {
  return `wrote ${result.paths.join(', ')}: ${formatBytes(result.bytes)}, ${result.blobs} blobs, ${signed ? 'signed' : 'not signed (the other side will ask for --allow-unsigned)'}\narchive ${result.archive}`;
}

export function registerExport(program: Command): void {
  defineCommand<ExportFlags>(program, 'export', {
    description: 'write everything of the lock into one archive',
    flags: [lockOption(), storeOption(cacheStore()), outputOption(), signOption(), concurrencyOption()],
    action: async (context, flags) => {
      const lock = readLock(flags.lock);
      const result = await runExport(context, lock, flags);
      context.print({ project: lock.metadata.name, sequence: lock.metadata.sequence, signed: flags.sign !== undefined, ...result }, exportText(result, flags.sign !== undefined));
    },
  });
}
