import { type Command, Option } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import { templateText } from '../../bom/template.ts';
import { commitFile } from '../../store/durable-file.ts';
import { defineCommand } from '../context.ts';
import { exists } from '../files.ts';

export function registerTemplate(program: Command): void {
  defineCommand<{ readonly output: string; readonly all?: boolean; readonly force?: boolean }>(program, 'template', {
    description: 'write a small commented project to start from',
    flags: [
      new Option('-o, --output <file>', 'where to write it; - for stdout').default('project.yaml'),
      new Option('--all', 'every option there is'),
      new Option('--force', 'replace a file that is there'),
    ],
    action: async (context, flags) => {
      const text = templateText(flags.all === true);
      if (flags.output === '-') { context.print({ text }, text.trimEnd()); return; }
      if (flags.force !== true && (await exists(flags.output))) {
        throw new BundleError('INPUT_FLAG', { subject: flags.output, expected: 'a name that is free', actual: 'a file of that name', next: 'Name another file with -o, or pass --force to replace it.' });
      }
      await commitFile(flags.output, text);
      context.print({ wrote: flags.output, lines: text.split('\n').length - 1 }, `wrote ${flags.output}; next: edit it, then longshore bom check -f ${flags.output}`);
    },
  });
}
