import { basename, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { adapterOf, adapters } from '../../bom/adapters/registry.ts';
import { moduleNameOf } from '../../bom/adapters/draft.ts';
import { BundleError } from '../../bom/errors.ts';
import { templateText } from '../../bom/template.ts';
import { moduleTemplate, type TemplateModule } from '../../bom/template-modules.ts';
import { commitFile } from '../../store/durable-file.ts';
import { collect, defineCommand } from '../context.ts';
import { exists } from '../files.ts';

interface TemplateFlags {
  readonly output: string;
  readonly file?: string;
  readonly all?: boolean;
  readonly force?: boolean;
  readonly adapter: readonly TemplateModule[];
  readonly target: readonly string[];
  readonly components: readonly string[];
  readonly name?: string;
}

export function registerTemplate(program: Command): void {
  defineCommand<TemplateFlags>(program, 'template', {
    description: 'write a small commented project to start from; with --adapter, one for another system\'s descriptors',
    flags: [
      new Option('-o, --output <file>', 'where to write it; - for stdout').default('project.yaml'),
      new Option('-f, --file <file>', 'the same as -o'),
      new Option('--all', 'every option there is'),
      new Option('--force', 'replace a file that is there'),
      ...moduleFlags(),
      new Option('--target <os-release/arch>', 'ubuntu-20.04/amd64; repeatable').default([]).argParser(collect),
      new Option('--components <names>', 'what of the modules is wanted, separated by commas').default([]).argParser((value: string, before: readonly string[]) => [...before, ...value.split(',').filter((each) => each !== '')]),
      new Option('--name <name>', 'metadata.name of the project (default: the folder\'s name)'),
    ],
    action: async (context, flags) => {
      const output = flags.file ?? flags.output;
      if (flags.adapter.length === 0 && (flags.target.length > 0 || flags.components.length > 0)) {
        throw new BundleError('INPUT_FLAG', { subject: '--target, --components', expected: 'an --adapter whose descriptors they choose from', actual: 'none' });
      }
      const name = flags.name ?? moduleNameOf(basename(resolve('.')), 'site');
      const text = flags.adapter.length === 0 ? templateText(flags.all === true) : moduleTemplate({ name, modules: flags.adapter, targets: flags.target, components: flags.components });
      if (output === '-') { context.print({ text }, text.trimEnd()); return; }
      if (flags.force !== true && (await exists(output))) {
        throw new BundleError('INPUT_FLAG', { subject: output, expected: 'a name that is free', actual: 'a file of that name', next: 'Name another file with -o, or pass --force to replace it.' });
      }
      await commitFile(output, text);
      context.print({ wrote: output, lines: text.split('\n').length - 1 }, `wrote ${output}; next: edit it, then longshore bom check -f ${output}`);
    },
  });
}

/** `--from`, `--ref` and `--select` are about the `--adapter` before them. */
function moduleFlags(): Option[] {
  const modules: TemplateModule[] = [];
  const last = (change: (module: TemplateModule) => TemplateModule): void => {
    const module = modules.pop();
    if (module === undefined) throw new InvalidArgumentError('expected an --adapter before it.');
    modules.push(change(module));
  };
  return [
    new Option('--adapter <name>', `descriptors of another system, repeatable: ${adapters.map((each) => each.name).join(', ')}`).default([]).argParser((name: string) => {
      if (adapterOf(name) === undefined) throw new InvalidArgumentError(`expected one of ${adapters.map((each) => each.name).join(', ')}.`);
      modules.push({ adapter: name, select: [] });
      return modules;
    }),
    new Option('--from <place>', 'where they are: a file, a folder, git+https://…@revision#path').argParser((from: string) => { last((module) => ({ ...module, from })); return from; }),
    new Option('--ref <revision>', 'a tag, branch or commit of the project they are named after').argParser((ref: string) => { last((module) => ({ ...module, ref })); return ref; }),
    new Option('--select <words>', 'what of them, as the format has it; separated by commas, repeatable').argParser((words: string) => { last((module) => ({ ...module, select: [...module.select, ...words.split(',').filter((each) => each !== '')] })); return words; }),
  ];
}
