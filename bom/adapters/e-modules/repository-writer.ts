// Writes `Repository` v1 lists, and holds a module's own metadata against its BOM.
import { YAMLMap, Document } from 'yaml';
import type { ParsedBom } from '../../documents/document.ts';
import type { Expression } from '../../documents/module-bom.ts';
import { normalise } from '../../selector.ts';
import type { AdapterFile } from '../adapter.ts';
import { eModules } from './e-modules.ts';

/** The five methods that a LambdaStack module has. */
export const moduleMethods = ['metadata', 'init', 'plan', 'apply', 'audit'] as const;

/** The list of all modules[] of these BOMs, as YAML; versions are quoted, so that 1.10 stays 1.10. */
export function repositoryV1Text(boms: readonly ParsedBom[], name?: string): string {
  const listed = boms.flatMap((bom) => (bom.value.spec?.modules ?? []).map((module) => ({ bom, module })));
  const components = Map.groupBy(listed, ({ module }) => module.name);
  const value = {
    version: 'v1', kind: 'Repository', ...(name === undefined ? {} : { name }),
    components: [...components.keys()].sort().map((component) => {
      const versions = components.get(component) ?? [];
      return {
        name: component, type: versions[0]?.module.type ?? 'docker',
        versions: versions.map(({ bom, module: { name: _, type: __, id: ___, origin: ____, when: _____, licence: ______, annotations: _______, image, ...rest } }) => {
          const ref = (bom.value.spec?.images ?? []).find(({ id }) => id === image)?.ref;
          return { ...rest, ...(ref === undefined ? {} : { image: ref }), ...relationsOf(bom) };
        }),
      };
    }),
  };
  const document = new Document(JSON.parse(JSON.stringify(value)), { version: '1.1' });
  if (document.contents instanceof YAMLMap) document.contents.flow = false;
  return document.toString({ lineWidth: 0 });
}

/** What a list says of a module beside its image and commands: the same words as the module's own metadata. */
function relationsOf({ value: { metadata: { labels = {} }, spec: { requires, influences = [], modules = [] } = {} } }: ParsedBom): object {
  const { strong = [], weak = [] } = requires ?? {};
  // Labels of a list of several modules are about no one of them.
  if (modules.length !== 1) return {};
  return {
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(strong.length + weak.length === 0 ? {} : { requires: { ...(strong.length === 0 ? {} : { strong }), ...(weak.length === 0 ? {} : { weak }) } }),
    ...(influences.length === 0 ? {} : { influences }),
  };
}

/** Methods that a LambdaStack module has to have and a listed version does not, one line a version. */
export function methodProblems(bom: ParsedBom): string[] {
  return (bom.value.spec?.modules ?? []).flatMap(({ name, version, commands = [] }) => {
    const missing = moduleMethods.filter((method) => !commands.some((command) => command.name === method));
    return missing.length === 0 ? [] : [`module ${name} ${version}: without ${missing.join(', ')}`];
  });
}

/**
 * The one of `boms` that printed metadata is about: the listed name and version, else the labels `name`, `short` and `version`; the only one there is.
 * undefined when none fits.
 */
export function bomOfMetadata(metadata: AdapterFile, boms: readonly ParsedBom[]): ParsedBom | undefined {
  const labels = eModules.convert([metadata]).boms[0]?.value.metadata.labels ?? {};
  const names = [labels['short'], labels['name']].filter((name) => name !== undefined).map((name) => name.toLowerCase());
  const called = (name: string | undefined): boolean => name !== undefined && names.includes(name.toLowerCase());
  const isVersion = (version: string | undefined): boolean => labels['version'] === undefined || version === undefined || version === labels['version'];
  return boms.find((bom) => (bom.value.spec?.modules ?? []).some(({ name, version }) => called(name) && isVersion(version)))
    ?? boms.find(({ value: { metadata: { name, version, labels: own = {} } } }) => (called(name) || called(own['short']) || called(own['name'])) && isVersion(version))
    ?? (boms.length === 1 ? boms[0] : undefined);
}

/** Differences between what a module's `metadata` command prints and its BOM, and methods that a listed version lacks; empty when all is well. */
export function metadataProblems(metadata: AdapterFile, bom: ParsedBom): string[] {
  const { boms: [printed] } = eModules.convert([metadata]);
  if (printed === undefined) return [`${metadata.path}: no module metadata`];
  const problems: string[] = [];
  const [own, other] = [bom.value.metadata.labels ?? {}, printed.value.metadata.labels ?? {}];
  for (const key of new Set([...Object.keys(own), ...Object.keys(other)])) {
    if (own[key] !== other[key]) problems.push(`label ${key}: the BOM says ${own[key] ?? 'nothing'}, ${metadata.path} says ${other[key] ?? 'nothing'}`);
  }
  const relations = (one: ParsedBom): readonly (readonly [string, string])[] => {
    const { requires, influences } = one.value.spec ?? {};
    const text = (groups: readonly (readonly Expression[])[] = []): string => JSON.stringify(groups.map((group) => group.map((expression) => normalise(expression).expression)));
    return [['requires.strong', text(requires?.strong)], ['requires.weak', text(requires?.weak)], ['influences', text(influences)]];
  };
  const printedRelations = new Map(relations(printed));
  for (const [name, text] of relations(bom)) if (printedRelations.get(name) !== text) problems.push(`${name}: the BOM says ${text}, ${metadata.path} says ${printedRelations.get(name)}`);
  return [...problems, ...methodProblems(bom)];
}
