// Ansible role defaults and group variables: <x>_image with <x>_image_tag, <x>_package, and .repo files.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, isTemplated } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';
import { readIni, repositoryFields } from '../yum-repo.ts';

const variablesPath = /(?:^|\/)(?:defaults|vars)\/[^/]+\.ya?ml$|(?:^|\/)(?:group|host)_vars\/.*[^/]+(?:\.ya?ml)?$/;
const repoPath = /\.repo(?:\.j2)?$/;

/** `values`: release (7) and arch (amd64) of the rpm systems that the packages are for. */
export const ansibleDefaults: Adapter = {
  name: 'ansible-defaults', version: 1,
  summary: 'Ansible defaults and group_vars: *_image, *_package; .repo files; for rpm systems of --set release=7',
  wants: (path) => variablesPath.test(path) || repoPath.test(path),
  detect: (files) => files.some(({ path, text }) => variablesPath.test(path) && /^\w+_(?:image|package)\s*:/m.test(text)),
  convert: (files, options = {}) => convert(files, options),
};

interface Variable { readonly node: Node; readonly text: string }

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const draft = new BomDraft(ansibleDefaults, files, options);
  const warnings: string[] = [];
  const all = new Map<string, string>(Object.entries(options.values ?? {}));
  const roles = files.filter(({ path }) => variablesPath.test(path)).map((file) => {
    const { documents, warnings: lint, broken } = readNodes(file);
    warnings.push(...lint);
    for (const { where, message } of broken) draft.unresolved(where, 'part of the file', message);
    const variables = new Map(documents.flatMap((document) => document.entries.flatMap(([key, node]): [string, Variable][] => (node.text === undefined ? [] : [[key, { node, text: node.text }]]))));
    for (const [key, { text }] of variables) if (!all.has(key)) all.set(key, text);
    return variables;
  });
  const include: { spec: string }[] = [];
  for (const variables of roles) include.push(...role(draft, variables, all));
  const target = `el${options.values?.['release'] ?? '7'}`;
  const repositories = files.filter(({ path }) => repoPath.test(path)).flatMap((file) => addRepositories(draft, file, target, all));
  if (include.length > 0 || repositories.length > 0) {
    draft.add('targets', { id: target, family: 'rhel', os: 'centos', release: target.slice(2), arch: options.values?.['arch'] ?? 'amd64' });
    draft.add('packageRepositories', { id: `${target}-system`, manager: 'rpm', targets: [target], system: true });
    if (include.length > 0) draft.add('packages', { id: target, manager: 'rpm', target, include: [...new Map(include.map((item) => [item.spec, item])).values()] });
  }
  return { boms: [draft.build('ansible')], warnings };
}

/** Images go to the draft; packages are given back. Variables of the same file come before those of others. */
function role(draft: BomDraft, variables: ReadonlyMap<string, Variable>, all: ReadonlyMap<string, string>): { spec: string }[] {
  const lookup = (name: string): string | undefined => variables.get(name)?.text ?? all.get(name);
  return [...variables].flatMap(([key, { node, text }]) => {
    if (!/_(?:image|package)(?:_to_remove)?$/.test(key)) return [];
    const value = fill(text, lookup, 0);
    const tag = fill(lookup(`${key}_tag`) ?? '', lookup, 0);
    if (value === undefined || tag === undefined) { draft.unresolved(node.where, `${key}: ${text}`, 'a jinja expression that only Ansible can evaluate'); return []; }
    if (key.endsWith('_to_remove')) return [];
    if (key.endsWith('_package')) return [{ spec: value }];
    const hasTag = /:[^/]*$/.test(value);
    draft.image(tag === '' || hasTag ? value : `${value}:${tag}`, node.where, { id: key });
    return [];
  });
}

/** `{{ name }}` filled in, also inside what it stands for; undefined for filters, conditions and unknown names. */
function fill(text: string, lookup: (name: string) => string | undefined, depth: number): string | undefined {
  if (!isTemplated(text)) return text;
  if (depth > 10 || text.includes('{%')) return undefined;
  let isKnown = true;
  const filled = text.replace(/\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
    const value = /^\w+$/.test(expression) ? lookup(expression) : undefined;
    isKnown &&= value !== undefined;
    return value ?? '';
  });
  return isKnown && filled !== text ? fill(filled, lookup, depth + 1) : undefined;
}

function addRepositories(draft: BomDraft, file: AdapterFile, target: string, all: ReadonlyMap<string, string>): string[] {
  return readIni(file.text).flatMap(({ name, line, values }) => {
    const where = `${file.path}:${line}`;
    const filled = new Map([...values].flatMap(([key, text]): [string, string][] => { const value = fill(text, (word) => all.get(word), 0); return value === undefined ? [] : [[key, value]]; }));
    const fields = repositoryFields(filled);
    if (fields === undefined) { draft.unresolved(where, `[${name}]`, 'a repository whose address cannot be read'); return []; }
    const isUnchecked = fields['gpgcheck'] === false;
    draft.add('packageRepositories', { id: name, manager: 'rpm', targets: [target], ...fields, ...(isUnchecked ? { trusted: true } : {}), origin: { where } });
    return [name];
  });
}
