import { type Command, Option } from 'commander';
import { adapters } from '../../bom/adapters/registry.ts';
import { toYaml } from '../../bom/documents/yaml-writer.ts';
import { commitFile } from '../../store/durable-file.ts';
import { convertPath } from '../adapter-files.ts';
import { collect, defineCommand } from '../context.ts';

interface ConvertFlags {
  readonly from?: string;
  readonly select: readonly string[];
  readonly name?: string;
  readonly bomVersion?: string;
  readonly set: readonly string[];
  readonly out?: string;
}

export function registerConvert(group: Command): void {
  defineCommand<ConvertFlags>(group, 'convert <path>', {
    description: `read another system's descriptors: ${adapters.map((adapter) => adapter.name).join(', ')}`,
    flags: [
      new Option('--from <format>', 'the format; found out from the files when left out'), new Option('--select <text>', 'package:version, architecture, component, … as the format has them; repeatable').default([]).argParser(collect),
      new Option('--name <name>', 'metadata.name of the result'), new Option('--bom-version <text>', 'metadata.version, when the files do not say'),
      new Option('--set <name=value>', 'a value for a variable that the format leaves open; repeatable').default([]).argParser(collect), new Option('--out <file>', 'write YAML here instead of stdout'),
    ],
    action: async (context, flags, [path = '']) => {
      const values = Object.fromEntries(flags.set.map((each) => [each.slice(0, Math.max(0, each.indexOf('='))), each.slice(each.indexOf('=') + 1)]));
      const { boms, warnings, adapter } = await convertPath(path, {
        select: flags.select, values, ...(flags.from === undefined ? {} : { from: flags.from }), ...(flags.name === undefined ? {} : { name: flags.name }), ...(flags.bomVersion === undefined ? {} : { version: flags.bomVersion }),
      });
      for (const warning of warnings) context.note(`warning: ${warning}`);
      const unresolved = boms.flatMap((bom) => bom.value.spec?.unresolved ?? []);
      context.note(`${adapter.name}: ${boms.length} module${boms.length === 1 ? '' : 's'}, ${unresolved.length} unresolved`);
      const documents = boms.map((bom) => JSON.parse(new TextDecoder().decode(bom.canonical)) as unknown);
      const text = documents.map(toYaml).join('---\n');
      if (flags.out !== undefined) await commitFile(flags.out, text);
      context.print(documents.length === 1 ? documents[0] : documents, flags.out === undefined ? text.trimEnd() : `wrote ${flags.out}: ${boms.map((bom) => bom.value.metadata.name).join(', ')}`);
    },
  });
}
