// What a module's CI asks of `bom check`: does its `metadata` command say what its list or BOM says, and has it the methods it must have.
import { Option } from 'commander';
import { eModules } from '../../bom/adapters/e-modules/e-modules.ts';
import { bomOfMetadata, metadataProblems, methodProblems } from '../../bom/adapters/e-modules/repository-writer.ts';
import { type ParsedBom, parseDocuments } from '../../bom/documents/document.ts';
import { type Problem, problemAt } from '../../bom/documents/yaml-tree.ts';
import { BundleError } from '../../bom/errors.ts';
import { readInput } from '../context.ts';

export interface ModuleCheckFlags {
  readonly metadata?: string;
  readonly methods?: boolean;
}

export const moduleCheckFlags = (): Option[] => [
  new Option('--metadata <file>', 'what the module\'s metadata command printed: must equal what the BOM or Repository v1 list says of it'),
  new Option('--methods', 'every module must have metadata, init, plan, apply and audit'),
];

/** A Repository v1 list, which `bom check` reads beside ModuleBOMs. */
export function isModuleList(text: string): boolean {
  return /^kind:\s*["']?Repository["']?\s*(?:#.*)?$/m.test(text) && /^version:\s*["']?v1["']?\s*(?:#.*)?$/m.test(text);
}

/** Problems that the flags ask for. Throws `INPUT_FIELD` when the metadata is about no module of the documents. */
export function moduleCheck(texts: readonly { readonly text: string; readonly name: string }[], flags: ModuleCheckFlags): Problem[] {
  const boms = texts.flatMap(({ text, name }): readonly ParsedBom[] => {
    if (isModuleList(text)) return eModules.convert([{ path: name, text }]).boms;
    // Documents with problems were told already.
    try { return parseDocuments(text, name).boms; } catch (error) { if (error instanceof BundleError) return []; throw error; }
  });
  const lists = texts.filter(({ text }) => isModuleList(text)).map(({ name }) => name);
  const problems = boms.filter((bom) => lists.includes(bom.file)).flatMap((bom) => (bom.value.spec?.unresolved ?? []).map(({ where, what, reason }) => at(bom, 'a Repository v1 list', `${where}: ${what}: ${reason}`)));
  if (flags.metadata === undefined) return flags.methods === true ? [...problems, ...boms.flatMap((bom) => methodProblems(bom).map((text) => at(bom, 'the five methods of a module', text)))] : problems;
  const metadata = { path: flags.metadata, text: readInput(flags.metadata) };
  const bom = bomOfMetadata(metadata, boms);
  if (bom === undefined) {
    throw new BundleError('INPUT_FIELD', {
      subject: flags.metadata, expected: `metadata of one of the modules: ${boms.map(({ value }) => value.metadata.name).join(', ') || 'none was given'}`, actual: 'labels (name or short, version) of none of them',
    });
  }
  return [...problems, ...metadataProblems(metadata, bom).map((text) => at(bom, `what ${flags.metadata} says, and the five methods`, text))];
}

function at(bom: ParsedBom, expected: string, actual: string): Problem {
  return problemAt('INPUT_FIELD', bom.positionOf(['metadata']), { expected, actual });
}
