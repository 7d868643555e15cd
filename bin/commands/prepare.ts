import { type Command, Option } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import { type CommandContext, collect, defineCommand } from '../context.ts';
import { exists } from '../files.ts';
import { writeKit } from '../kit.ts';
import { accessOf } from '../remote-modules.ts';
import { runDownload, downloadText } from './download.ts';
import { exportText, runExport, signOption } from './export.ts';
import { lockFlags, type LockFlags, lockSummary, runLock } from './lock.ts';

interface PrepareFlags extends Omit<LockFlags, 'file'> {
  readonly file?: readonly string[];
  readonly output?: string;
  readonly sign?: string;
  readonly kit?: string;
  readonly os?: string;
}

export function registerPrepare(program: Command): void {
  defineCommand<PrepareFlags>(program, 'prepare', {
    description: 'lock, download and export in one go; with --kit, write what another machine needs to do so',
    flags: [
      new Option('-f, --file <path>', 'a project or BOMs: files, folders, globs, - for stdin; repeatable (default: project.yaml)').argParser(collect), ...lockFlags().filter((flag) => flag.long !== '--file'),
      new Option('-o, --output <file>', 'the archive; - for stdout'), signOption(),
      new Option('--kit <dir>', 'download nothing: write documents, the files they name, longshore and run.sh into this folder'),
      new Option('--os <os-release>', 'with --kit: only the targets of this system (ubuntu-20.04, rhel-8)'),
    ],
    action: async (context, flags) => {
      const file = flags.file ?? await presentProject();
      if (flags.kit !== undefined) return kit(context, { ...flags, file, kit: flags.kit });
      if (flags.output === undefined) throw new BundleError('INPUT_FLAG', { subject: 'prepare', expected: '-o with a name for the archive, or --kit with a folder', actual: 'neither' });
      if (flags.os !== undefined) throw new BundleError('INPUT_FLAG', { subject: '--os', expected: '--kit beside it', actual: 'none', next: 'Name targets under spec.targets of the project.' });
      const all = { ...flags, file, output: flags.output };
      const result = await runLock(context, all);
      const { lock } = result;
      const locked = lockSummary(result, flags.lock);
      context.note(locked.text);
      const downloaded = await runDownload(context, lock, all, { inputs: result.inputs });
      context.note(downloadText(downloaded, flags.store));
      const exported = await runExport(context, lock, all);
      context.print({ lock: locked.document, download: downloaded, export: { signed: flags.sign !== undefined, ...exported } }, exportText(exported, flags.sign !== undefined));
    },
  }).alias('run');
}

async function kit(context: CommandContext, flags: PrepareFlags & { readonly file: readonly string[]; readonly kit: string }): Promise<void> {
  const platforms = flags.runtime ?? [`linux-${process.arch}`];
  const result = await writeKit(context, { folder: flags.kit, file: flags.file, access: accessOf(context, flags), lock: flags.lock, platforms, ...(flags.os === undefined ? {} : { os: flags.os }) });
  context.print({ ...result, platforms }, [
    `wrote the kit ${result.folder}: ${result.boms.length} module${result.boms.length === 1 ? '' : 's'}, ${result.files.length} file${result.files.length === 1 ? '' : 's'} that they name, longshore for ${platforms.join(', ')}`,
    ...result.notes.map((note) => `  ${note}`), 'next: copy the folder to a machine with internet, and there: ./run.sh',
  ].join('\n'));
}

/** `project.yaml` of the folder one is in. Throws `INPUT_FLAG` where there is none. */
async function presentProject(): Promise<readonly string[]> {
  for (const name of ['project.yaml', 'project.yml']) if (await exists(name)) return [name];
  throw new BundleError('INPUT_FLAG', { subject: '-f', expected: 'a project or BOMs, or a project.yaml here', actual: 'neither', next: 'Name the documents with -f; `longshore template` writes a project.' });
}
