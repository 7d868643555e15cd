import { dirname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { repositoryV1Text } from '../../bom/adapters/e-modules/repository-writer.ts';
import { adapters } from '../../bom/adapters/registry.ts';
import type { ParsedBom } from '../../bom/documents/document.ts';
import { toYaml } from '../../bom/documents/yaml-writer.ts';
import { BundleError } from '../../bom/errors.ts';
import { apiVersion } from '../../bom/lock.ts';
import { commitFile } from '../../store/durable-file.ts';
import { convertPath } from '../adapter-files.ts';
import { collect, type CommandContext, defineCommand, readInputBytes } from '../context.ts';
import { inputFiles, readInputs } from '../inputs.ts';

interface ConvertFlags {
  readonly from?: string;
  readonly select: readonly string[];
  readonly name?: string;
  readonly bomVersion?: string;
  readonly set: readonly string[];
  readonly out?: string;
  readonly to: 'bom' | 'repository-v1';
  readonly explode?: boolean;
}

export function registerConvert(group: Command): void {
  defineCommand<ConvertFlags>(group, 'convert <path>', {
    description: `read another system's descriptors: ${adapters.map((adapter) => adapter.name).join(', ')}`,
    flags: [
      new Option('--from <format>', 'the format; found out from the files when left out'), new Option('--select <text>', 'package:version, architecture, component, … as the format has them; repeatable').default([]).argParser(collect),
      new Option('--name <name>', 'metadata.name of the result'), new Option('--bom-version <text>', 'metadata.version, when the files do not say'),
      new Option('--set <name=value>', 'a value for a variable that the format leaves open; repeatable').default([]).argParser(collect), new Option('--out <file>', 'write YAML here instead of stdout'),
      new Option('--to <format>', 'ModuleBOMs, or a LambdaStack module list of their modules (which may stand in ModuleBOMs)').choices(['bom', 'repository-v1']).default('bom'),
      new Option('--explode', 'dcos-installer: take the installer apart, into dcos/ beside --out; nothing of it is run, genconf/ is not taken'),
    ],
    action: async (context, flags, [path = '']) => {
      if (flags.explode === true) return explode(context, flags, path);
      if (flags.to === 'repository-v1' && flags.from === undefined && await isOwnDocument(path)) return writeList(context, flags, (await readInputs([path])).boms);
      const values = Object.fromEntries(flags.set.map((each) => [each.slice(0, Math.max(0, each.indexOf('='))), each.slice(each.indexOf('=') + 1)]));
      const { boms, warnings, adapter } = await convertPath(path, {
        select: flags.select, values, ...(flags.from === undefined ? {} : { from: flags.from }), ...(flags.name === undefined ? {} : { name: flags.name }), ...(flags.bomVersion === undefined ? {} : { version: flags.bomVersion }),
      });
      for (const warning of warnings) context.note(`warning: ${warning}`);
      const unresolved = boms.flatMap((bom) => bom.value.spec?.unresolved ?? []);
      context.note(`${adapter.name}: ${boms.length} module${boms.length === 1 ? '' : 's'}, ${unresolved.length} unresolved`);
      if (flags.to === 'repository-v1') return writeList(context, flags, boms);
      const documents = boms.map((bom) => JSON.parse(new TextDecoder().decode(bom.canonical)) as unknown);
      const text = documents.map(toYaml).join('---\n');
      if (flags.out !== undefined) await commitFile(flags.out, text);
      context.print(documents.length === 1 ? documents[0] : documents, flags.out === undefined ? text.trimEnd() : `wrote ${flags.out}: ${boms.map((bom) => bom.value.metadata.name).join(', ')}`);
    },
  });
}

async function explode(context: CommandContext, flags: ConvertFlags, path: string): Promise<void> {
  if (flags.out === undefined || (flags.from !== undefined && flags.from !== 'dcos-installer')) throw new BundleError('INPUT_FLAG', { subject: '--explode', expected: '--from dcos-installer and --out FILE: its files go beside it', actual: flags.out === undefined ? 'no --out' : `--from ${flags.from ?? ''}` });
  const { explodeInstaller } = await import('../../downloader/explode-installer.ts');
  const folder = join(dirname(resolve(flags.out)), 'dcos');
  const { files, image } = await explodeInstaller(path, { folder, signal: context.signal });
  const [tag] = image.tags;
  const text = toYaml({
    apiVersion, kind: 'ModuleBOM', metadata: { name: flags.name ?? 'dcos', ...(flags.bomVersion === undefined ? {} : { version: flags.bomVersion }), labels: { short: 'dcos', kind: 'operating-system' } },
    spec: {
      ...(tag === undefined ? {} : { images: [{ id: 'genconf', ref: tag, archive: { path: `dcos/${image.path}`, format: 'docker' } }] }),
      files: files.map((file) => ({ path: `dcos/${file.path}`, digest: file.digest, size: String(file.size), saveAs: `dcos/${file.path}`, purpose: 'installer' })),
    },
  });
  await commitFile(flags.out, text);
  const packages = files.filter((file) => file.path.startsWith('packages/')).length;
  context.print({ out: flags.out, folder, files, image }, `wrote ${flags.out}: bootstrap and ${packages} package${packages === 1 ? '' : 's'} in ${folder}, image ${tag ?? 'without a name'}; genconf/config.yaml was not taken`);
}

/** Whether `-f` could read it: a folder or file whose documents are longshore's own. */
async function isOwnDocument(path: string): Promise<boolean> {
  const files = await inputFiles([path]);
  return files.length > 0 && files.every((file) => /^\s*["']?apiVersion["']?\s*:\s*["']?longshore\.dev\//m.test(new TextDecoder().decode(readInputBytes(file))));
}

async function writeList(context: CommandContext, flags: ConvertFlags, boms: readonly ParsedBom[]): Promise<void> {
  const count = boms.flatMap((bom) => bom.value.spec?.modules ?? []).length;
  if (count === 0) throw new BundleError('INPUT_FIELD', { subject: boms.map(({ file }) => file).join(', '), expected: 'at least one entry under spec.modules: what a module list lists', actual: 'none' });
  const text = repositoryV1Text(boms, flags.name);
  if (flags.out !== undefined) await commitFile(flags.out, text);
  context.print({ modules: count, text }, flags.out === undefined ? text.trimEnd() : `wrote ${flags.out}: ${count} module version${count === 1 ? '' : 's'}`);
}
