import { type Command, Option } from 'commander';
import { parseDocuments } from '../../bom/documents/document.ts';
import { BundleError } from '../../bom/errors.ts';
import { type Offer, searchOffers } from '../../bom/offers.ts';
import { collect, type CommandContext, defineCommand, type NetworkFlags, networkOptions, readInput } from '../context.ts';
import { readOffers } from '../module-repositories.ts';
import { accessOf, isModuleAddress } from '../remote-modules.ts';
import { table } from '../render.ts';
import { dirname, resolve } from 'node:path';

interface ModulesFlags extends NetworkFlags { readonly file?: readonly string[] }

const flags = (): Option[] => [
  new Option('-f, --file <path>', 'a module repository (ModuleRepository or Repository v1: a file, a folder, or an address), or a project that names some; repeatable').argParser(collect).makeOptionMandatory(),
  ...networkOptions(),
];

export function registerModules(program: Command): void {
  const group = program.command('modules').description('what module repositories offer');
  defineCommand<ModulesFlags>(group, 'list', {
    description: 'every module on offer, with its versions and where its BOM is', flags: flags(),
    action: async (context, options) => show(context, options, (offers) => [...offers]),
  });
  defineCommand<ModulesFlags>(group, 'search <words...>', {
    description: 'modules on offer with all of these words in name, image or labels', flags: flags(),
    action: async (context, options, words) => show(context, options, (offers) => searchOffers(offers, words.join(' '))),
  });
}

async function show(context: CommandContext, options: ModulesFlags, choose: (offers: readonly Offer[]) => readonly Offer[]): Promise<void> {
  const all: (Offer & { readonly address?: string })[] = [];
  for (const name of options.file ?? []) {
    const { lists, folder } = listsOf(name);
    const { offers, bomOf } = await readOffers(lists, folder, accessOf(context, options));
    all.push(...offers.map((offer) => { const address = bomOf(offer); return { ...offer, ...(address === undefined ? {} : { address }) }; }));
  }
  const found = choose(all) as readonly (Offer & { readonly address?: string })[];
  context.print({ modules: found }, found.length === 0 ? 'no module like that is on offer' : table([
    ['module', 'version', '', 'BOM', 'labels', 'offered by'],
    ...found.map(({ name, version, latest, address, image, labels, from }) => [name, version, latest ? 'latest' : '', address ?? image ?? '', Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(' '), from]),
  ]));
}

/** A project's lists, or the name itself. Throws `INPUT_FIELD` for a project without any. */
function listsOf(name: string): { readonly lists: readonly string[]; readonly folder: string } {
  const here = { lists: [name], folder: process.cwd() };
  if (isModuleAddress(name) || !/\.(?:ya?ml|json)$/.test(name)) return here;
  const text = readInput(name);
  if (!/^\s*["']?kind["']?\s*:\s*["']?Project\b/m.test(text)) return here;
  const [project] = parseDocuments(text, name).projects;
  const lists = project?.value.spec?.moduleRepositories ?? [];
  if (lists.length > 0) return { lists, folder: dirname(resolve(name)) };
  throw new BundleError('INPUT_FIELD', { subject: name, expected: 'spec.moduleRepositories in the project', actual: 'none', next: 'List repositories there, or name one with -f.' });
}
