import { type Command, Option } from 'commander';
import { diffAggregated, diffLines } from '../../bom/diff.ts';
import { graphDot, graphOf, graphText } from '../../bom/graph.ts';
import { cyclonedxOf } from '../../bom/sbom/cyclonedx.ts';
import { spdxOf } from '../../bom/sbom/spdx.ts';
import { commitFile } from '../../store/durable-file.ts';
import { aggregateInputs, fileOption, type FileFlag } from '../aggregation.ts';
import { defineCommand, lockOption, type NetworkFlags, networkOptions } from '../context.ts';
import { readLock } from '../documents.ts';
import { accessOf } from '../remote-modules.ts';
import { version } from '../version.ts';

export function registerCompare(group: Command): void {
  defineCommand<NetworkFlags>(group, 'diff <before> <after>', {
    description: 'what changes between two projects or BOMs (files or folders), before anything is resolved',
    flags: networkOptions(),
    action: async (context, flags, [before = '', after = '']) => {
      const access = accessOf(context, flags);
      const diff = diffAggregated(await aggregateInputs([before], access), await aggregateInputs([after], access));
      const lines = diffLines(diff);
      context.print(diff, lines.length === 0 ? 'no difference' : lines.join('\n'));
    },
  });
  defineCommand<FileFlag & NetworkFlags & { readonly reverse?: boolean; readonly dot?: boolean }>(group, 'graph', {
    description: 'who requires, prefers, influences and wants what',
    flags: [fileOption(), ...networkOptions(), new Option('--reverse', 'from what is wanted to who wants it'), new Option('--dot', 'in the language of Graphviz')],
    action: async (context, flags) => {
      const graph = graphOf(await aggregateInputs(flags.file, accessOf(context, flags)), flags.reverse === true);
      context.print(graph, flags.dot === true ? graphDot(graph) : graphText(graph, flags.reverse === true));
    },
  });
  defineCommand<{ readonly lock: string; readonly format: 'cyclonedx' | 'spdx'; readonly output?: string }>(group, 'sbom', {
    description: 'everything of the lock as a software bill of materials',
    flags: [lockOption(), new Option('--format <name>', 'CycloneDX 1.6 or SPDX 2.3').choices(['cyclonedx', 'spdx']).default('cyclonedx'), new Option('-o, --output <file>', 'write it here instead of stdout')],
    action: async (context, flags) => {
      const lock = readLock(flags.lock);
      const document = flags.format === 'spdx' ? spdxOf(lock, version) : cyclonedxOf(lock, version);
      const text = `${JSON.stringify(document, null, 2)}\n`;
      if (flags.output === undefined) { context.print(document, text.trimEnd()); return; }
      await commitFile(flags.output, text);
      context.print({ wrote: flags.output, format: flags.format }, `wrote ${flags.output} (${flags.format})`);
    },
  });
}
