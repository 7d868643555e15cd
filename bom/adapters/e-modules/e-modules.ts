// LambdaStack and Epiphany modules: `Repository` v1 lists and module metadata (labels, requires, influences).
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import type { ParsedBom } from '../../documents/document.ts';
import { BomDraft, moduleNameOf } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';

/** `select` takes component, component:version, and `latest`. */
export const eModules: Adapter = {
  name: 'e-modules', version: 2,
  summary: 'LambdaStack module lists (kind: Repository, version: v1) and module metadata; select by component[:version] or latest',
  wants: (path) => /\.(?:ya?ml|json)$/.test(path),
  detect: (files) => files.some(({ text }) => (/^kind:\s*["']?Repository["']?\s*(?:#.*)?$/m.test(text) && /^components:/m.test(text)) || (/^labels:/m.test(text) && /^(?:requires|influences):/m.test(text))),
  convert: (files, options = {}) => convert(files, options),
};

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const warnings: string[] = [];
  const boms: ParsedBom[] = [];
  for (const file of files) {
    const { documents, warnings: lint, broken } = readNodes(file);
    warnings.push(...lint, ...broken.map(({ where, message }) => `${where}: ${message}`));
    for (const document of documents) {
      if (document.at('kind').text === 'Repository') boms.push(...repositoryBoms(file, document, options, warnings));
      else if (document.at('labels').isMap) boms.push(metadataBom(file, document, options, warnings));
      else warnings.push(`${document.where}: neither a Repository list nor module metadata`);
    }
  }
  return { boms, warnings };
}

/** One module for the list; a version that says its labels or relations becomes a module of its own, since they are about it alone. */
function repositoryBoms(file: AdapterFile, document: Node, options: AdapterOptions, warnings: string[]): ParsedBom[] {
  const draft = new BomDraft(eModules, [file], options);
  const words = options.select ?? [];
  const found = new Set<string>();
  const own: ParsedBom[] = [];
  let isUsed = document.at('components').items.length === 0;
  if (document.at('version').text !== 'v1') draft.unresolved(document.where, `version ${document.at('version').text ?? 'missing'}`, 'only v1 is known');
  for (const component of document.at('components').items) {
    const name = component.at('name').text ?? '';
    for (const version of component.at('versions').items) {
      const text = version.at('version').text ?? '';
      const hit = words.filter((word) => word === name || word === `${name}:${text}` || (word === 'latest' && version.at('latest').isTrue));
      for (const word of hit) found.add(word);
      if (words.length > 0 && hit.length === 0) continue;
      if (relationKeys.some((key) => version.at(key).exists || component.at(key).exists)) own.push(ownBom(file, options, { component, version, warnings }));
      else { addVersion(draft, component, version); isUsed = true; }
    }
    strangers(draft, component, componentKeys);
  }
  strangers(draft, document, ['version', 'kind', 'name', 'components']);
  warnings.push(...words.filter((word) => !found.has(word)).map((word) => `select: ${word} is no component of ${file.path}`));
  draft.metadata['name'] = options.name ?? document.at('name').text;
  return isUsed || own.length === 0 || draft.has('unresolved') ? [draft.build(file.path.split('/').at(-1)?.replace(/\.\w+$/, '') ?? 'modules'), ...own] : own;
}

const relationKeys = ['labels', 'requires', 'influences'] as const;
const componentKeys = ['name', 'type', 'versions', ...relationKeys];
const versionKeys = ['version', 'latest', 'image', 'workdir', 'mounts', 'shared', 'commands', ...relationKeys];

/** Keys that nobody knows are said, not dropped. */
function strangers(draft: BomDraft, node: Node, known: readonly string[]): void {
  for (const [key, value] of node.entries) if (!known.includes(key)) draft.unresolved(value.where, key, 'not a part of Repository v1');
}

interface Listed { readonly component: Node; readonly version: Node; readonly warnings: string[] }

function ownBom(file: AdapterFile, options: AdapterOptions, { component, version, warnings }: Listed): ParsedBom {
  const draft = new BomDraft(eModules, [file], options);
  addVersion(draft, component, version);
  draft.metadata['name'] = component.at('name').text;
  draft.metadata['version'] = version.at('version').text;
  draft.metadata['labels'] = { ...labelsOf(component.at('labels'), draft), ...labelsOf(version.at('labels'), draft) };
  const side = version.at('requires').exists ? version : component;
  draft.more['requires'] = { strong: groupsOf(side.at('requires', 'strong'), draft, warnings), weak: groupsOf(side.at('requires', 'weak'), draft, warnings) };
  draft.more['influences'] = groupsOf((version.at('influences').exists ? version : component).at('influences'), draft, warnings);
  return draft.build('module');
}

function labelsOf(node: Node, draft: BomDraft): Record<string, string> {
  for (const [key, value] of node.entries) if (typeof value.tree !== 'string') draft.unresolved(value.where, `label ${key}`, 'labels are scalars');
  return Object.fromEntries(node.entries.flatMap(([key, value]) => (typeof value.tree === 'string' ? [[key, value.tree] as const] : [])));
}

/** Commands, environments and arguments are carried as they are: what stands in #Config# and #Environment# is never expanded. */
function addVersion(draft: BomDraft, component: Node, version: Node): void {
  const name = component.at('name').text;
  const ref = version.at('image').text;
  const text = version.at('version').text;
  if (name === undefined || text === undefined) { draft.unresolved(version.where, 'a component version', 'without a name or a version'); return; }
  const id = moduleNameOf(`${name}-${text}`);
  const type = component.at('type').text;
  if (type !== undefined && type !== 'docker') draft.unresolved(component.where, `component ${name}`, `its type ${type} cannot be run`);
  if (ref === undefined) draft.unresolved(version.where, `${name} ${text}`, 'a version without an image');
  strangers(draft, version, versionKeys);
  for (const command of version.at('commands').items) {
    if (command.at('name').text === undefined) draft.unresolved(command.where, `a command of ${name} ${text}`, 'without a name');
    strangers(draft, command, ['name', 'description', 'command', 'envs', 'args']);
  }
  const hasImage = ref !== undefined && draft.image(ref, version.where, { id, role: 'module' });
  draft.add('modules', {
    name, type, version: text, ...(version.at('latest').exists ? { latest: version.at('latest').isTrue } : {}),
    ...(hasImage ? { image: id } : {}), workdir: version.at('workdir').text, mounts: version.at('mounts').exists ? version.at('mounts').texts : undefined, shared: version.at('shared').text,
    commands: version.at('commands').items.flatMap((command) => (command.at('name').text === undefined ? [] : [{
      name: command.at('name').text, description: command.at('description').text, command: command.at('command').text,
      ...(command.at('envs').isMap ? { envs: Object.fromEntries(command.at('envs').entries.map(([key, value]) => [key, value.text ?? ''])) } : {}),
      ...(command.at('args').exists ? { args: command.at('args').texts } : {}),
    }])),
    origin: { where: version.where },
  });
}

function metadataBom(file: AdapterFile, document: Node, options: AdapterOptions, warnings: string[]): ParsedBom {
  const draft = new BomDraft(eModules, [file], options);
  const labels = labelsOf(document.at('labels'), draft);
  draft.metadata['labels'] = labels;
  draft.metadata['version'] = labels['version'];
  draft.metadata['name'] = options.name ?? labels['name'] ?? labels['short'];
  const groups = (...path: string[]): unknown[] => groupsOf(document.at(...path), draft, warnings);
  draft.more['requires'] = { strong: groups('requires', 'strong'), weak: groups('requires', 'weak') };
  draft.more['influences'] = groups('influences');
  for (const [key, value] of document.entries) {
    if (!['labels', 'requires', 'influences'].includes(key)) draft.unresolved(value.where, key, 'not a part of module metadata');
  }
  return draft.build('module');
}

/** Operators as they stand there; the relations read all their spellings. */
function groupsOf(node: Node, draft: BomDraft, warnings: string[]): unknown[] {
  return node.items.flatMap((group) => {
    const expressions = group.items.flatMap((item) => {
      const [key, operator] = [item.at('key').text, item.at('operator').text];
      if (key === undefined || operator === undefined || !known.test(operator)) {
        draft.unresolved(item.where, `${key ?? 'no key'} ${operator ?? 'no operator'}`, 'an expression that cannot be read');
        return [];
      }
      if (/,$/.test(key) || /,$/.test(operator)) warnings.push(`${item.where}: a trailing comma in ${key} ${operator} was dropped`);
      return [{ key: key.replace(/,$/, ''), operator: operator.replace(/,$/, ''), values: item.at('values').texts }];
    });
    return expressions.length === group.items.length && expressions.length > 0 ? [expressions] : [];
  });
}

const known = /^(?:eq|ne|in|In|notIn|NotIn|notin|exists|Exists|notExists|DoesNotExist|[gl][te]|[GL]t|range|~|[=!]=|=|[<>]=?),?$/;
