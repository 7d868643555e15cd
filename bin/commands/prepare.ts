import type { Command } from 'commander';
import { defineCommand } from '../context.ts';
import { runDownload, downloadText } from './download.ts';
import { exportText, outputOption, runExport, signOption } from './export.ts';
import { lockFlags, type LockFlags, lockSummary, runLock } from './lock.ts';

export function registerPrepare(program: Command): void {
  defineCommand<LockFlags & { readonly output: string; readonly sign?: string }>(program, 'prepare', {
    description: 'lock, download and export in one go',
    flags: [...lockFlags(), outputOption(), signOption()],
    action: async (context, flags) => {
      const { lock, changed } = await runLock(context, flags);
      const locked = lockSummary(lock, flags.lock, changed);
      context.note(locked.text);
      const downloaded = await runDownload(context, lock, flags);
      context.note(downloadText(downloaded, flags.store));
      const exported = await runExport(context, lock, flags);
      context.print({ lock: locked.document, download: downloaded, export: { signed: flags.sign !== undefined, ...exported } }, exportText(exported, flags.sign !== undefined));
    },
  });
}
