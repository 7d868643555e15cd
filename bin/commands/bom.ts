import type { Command } from 'commander';
import { checkedDocuments } from '../../bom/documents/document.ts';
import { lintBom, lintWarnings } from '../../bom/lint.ts';
import { errorOf, type Problem } from '../../bom/documents/yaml-tree.ts';
import { aggregateInputs, fileOption, type FileFlag } from '../aggregation.ts';
import { defineCommand, type NetworkFlags, networkOptions } from '../context.ts';
import { inputFiles, readDocumentText, withLocalModules } from '../inputs.ts';
import { accessOf } from '../remote-modules.ts';
import { table } from '../render.ts';
import { registerCompare } from './bom-compare.ts';
import { registerConvert } from './bom-convert.ts';
import { registerBomPush } from './bom-push.ts';
import { isModuleList, moduleCheck, moduleCheckFlags, type ModuleCheckFlags } from './bom-metadata.ts';

export function registerBom(program: Command): void {
  const group = program.command('bom').description('look at what modules publish');
  defineCommand<FileFlag & ModuleCheckFlags & NetworkFlags>(group, 'check', {
    description: 'every problem of the documents, with file, line and column',
    flags: [fileOption(), ...networkOptions(), ...moduleCheckFlags()],
    action: async (context, options) => {
      const files = await withLocalModules(await inputFiles(options.file));
      const texts = await Promise.all(files.map((file) => readDocumentText(file, accessOf(context, options))));
      const warnings: string[] = [];
      const found = [...texts.flatMap(({ text, name }) => {
        if (isModuleList(text)) return [];
        const { problems, documents: { boms }, partial } = checkedDocuments(text, name);
        warnings.push(...boms.flatMap(lintWarnings));
        const order = (a: Problem, b: Problem): number => a.position.line - b.position.line || a.position.column - b.position.column;
        return [...problems, ...boms.flatMap((bom) => lintBom(bom, partial.has(bom)))].sort(order);
      }), ...moduleCheck(texts, options)];
      const problems = found.map(({ subject, code, expected, actual, next }) => ({ subject, code, expected, actual, ...(next === undefined ? {} : { next }) }));
      const lines = problems.map((problem) => `${problem.subject}: expected ${problem.expected}; got ${problem.actual}${problem.next === undefined ? '' : ` (${problem.next})`}`);
      const result = problems.length === 0 ? [`${files.length} file${files.length === 1 ? '' : 's'}: no problem found`] : lines;
      context.print({ files: files.length, problems, warnings }, [...warnings.map((warning) => `warning: ${warning}`), ...result].join('\n'));
      const [first] = found;
      if (first !== undefined) throw errorOf(first);
    },
  });
  defineCommand<FileFlag & NetworkFlags>(group, 'show', {
    description: 'what the documents ask for together, after selection, variables and overlays',
    flags: [fileOption(), ...networkOptions()],
    action: async (context, options) => {
      const aggregated = await aggregateInputs(options.file, accessOf(context, options));
      const { name, order, targets, images, files, packageSets, charts, git, dropped, unresolved, warnings, influences } = aggregated;
      const document = {
        project: name, order, modules: aggregated.boms.map(({ name: module, version, labels, digest }) => ({ name: module, version, labels, digest })), targets,
        images: images.map(({ ref, platforms, usedBy }) => ({ ref, platforms, usedBy })),
        files: files.map(({ name: file, urls, usedBy }) => ({ name: file, urls, usedBy })),
        packageSets: packageSets.map((set) => ({ id: set.id, target: set.target.id, dependencies: set.dependencies, include: set.include.map((item) => item.spec), usedBy: set.usedBy })),
        charts: charts.map(({ name: chart, version, usedBy }) => ({ name: chart, version, usedBy })), git: git.map(({ url, commit, usedBy }) => ({ url, commit, usedBy })),
        dropped, unresolved, warnings, influences,
      };
      const rows = [
        ...images.map(({ ref, platforms, usedBy }) => ['image', ref, platforms.join(','), usedBy.join(',')]),
        ...files.map(({ name: file, usedBy }) => ['file', file, '', usedBy.join(',')]),
        ...packageSets.flatMap((set) => set.include.map((item) => [set.kind, item.spec, set.target.id, set.usedBy.join(',')])),
        ...charts.map(({ name: chart, version, usedBy }) => ['chart', `${chart} ${version ?? ''}`, '', usedBy.join(',')]),
        ...git.map(({ url, commit, usedBy }) => ['git', url, commit.slice(0, 12), usedBy.join(',')]),
      ];
      context.print(document, [
        `${name}: ${order.join(' -> ')}`,
        table([['kind', 'what', 'for', 'wanted by'], ...rows]),
        ...dropped.map(({ what, because }) => `left out: ${what}: ${because}`),
        ...unresolved.map((item) => `unresolved: ${item.module}: ${item.where}: ${item.what} (${item.reason})`),
        ...warnings.map((warning) => `warning: ${warning}`),
        ...influences.map((item) => `${item.module} influences ${item.influences}`),
      ].join('\n'));
    },
  });
  registerConvert(group);
  registerCompare(group);
  registerBomPush(group);
}

