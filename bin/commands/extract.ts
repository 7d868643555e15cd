import { type Command, Option } from 'commander';
import { once } from 'node:events';
import { openArchive } from '../../importer/archive-file.ts';
import { extractArchive, openInArchive } from '../../importer/extract.ts';
import { defineCommand } from '../context.ts';

export function registerCat(program: Command): void {
  defineCommand(program, 'cat <archive> <name>', {
    description: 'the bytes behind a digest or a path of an archive, on stdout',
    action: async (_context, _flags, [archive = '', name = '']) => {
      for await (const chunk of await openInArchive(await openArchive([archive]), name)) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
    },
  });
}

export function registerExtract(program: Command): void {
  defineCommand<{ readonly pattern: string; readonly output: string }>(program, 'extract <archive> <pattern...>', {
    description: 'write the files that patterns match (* ? **), each checked; files that are there are not replaced',
    flags: [new Option('-o, --output <dir>', 'into this folder').default('.')],
    action: async (context, flags, [archive = '', ...patterns]) => {
      const written = await extractArchive(await openArchive([archive]), { patterns, folder: flags.output, notify: context.notify, signal: context.signal });
      context.print({ written }, written.join('\n'));
    },
  });
}
