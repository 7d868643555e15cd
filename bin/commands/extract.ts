import { type Command, Option } from 'commander';
import { openArchive } from '../../importer/archive-file.ts';
import { extractArchive, openInArchive } from '../../importer/extract.ts';
import { collect, defineCommand } from '../context.ts';
import { writeToStdout } from '../stdout.ts';

interface VolumeFlag { readonly volume: readonly string[] }

const volumeOption = (): Option => new Option('--volume <file>', 'a further volume of the same archive; repeatable').default([]).argParser(collect);

export function registerCat(program: Command): void {
  defineCommand<VolumeFlag>(program, 'cat <archive> <name>', {
    description: 'the bytes behind a digest or a path of an archive, on stdout',
    flags: [volumeOption()],
    action: async (_context, flags, [archive = '', name = '']) => {
      await writeToStdout(await openInArchive(await openArchive([archive, ...flags.volume]), name));
    },
  });
}

export function registerExtract(program: Command): void {
  defineCommand<VolumeFlag & { readonly output: string }>(program, 'extract <archive> <pattern...>', {
    description: 'write the files that patterns match (* ? **), each checked; files that are there are not replaced',
    flags: [volumeOption(), new Option('-o, --output <dir>', 'into this folder').default('.')],
    action: async (context, flags, [archive = '', ...patterns]) => {
      const written = await extractArchive(await openArchive([archive, ...flags.volume]), { patterns, folder: flags.output, notify: context.notify, signal: context.signal });
      context.print({ written }, written.join('\n'));
    },
  });
}
