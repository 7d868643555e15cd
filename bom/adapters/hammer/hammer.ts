// hammer spec.yml (Mantl packaging): what an rpm is built from. Strings are Go templates over the spec.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, digestText, isTemplated, moduleNameOf } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';

/** `values`: release (7) of the rpm systems whose packages the dependencies are. */
export const hammer: Adapter = {
  name: 'hammer', version: 1,
  summary: 'hammer spec.yml: resources of built rpms and their dependencies; for rpm systems of --set release=7',
  wants: (path) => /(?:^|\/)[\w.-]*spec\.ya?ml$/.test(path),
  detect: (files) => files.some(({ text }) => /^type:\s*["']?rpm/m.test(text) && /^name:/m.test(text)),
  convert: (files, options = {}) => convert(files, options),
};

type Context = Readonly<Record<string, string>>;
interface Work { readonly draft: BomDraft; readonly warnings: string[]; readonly depends: Map<string, { name: string; version?: string }>; readonly produced: Set<string>; readonly path: string }

const known = new Set(['name', 'version', 'iteration', 'epoch', 'license', 'vendor', 'url', 'architecture', 'description', 'type', 'depends', 'obsoletes', 'resources', 'targets', 'scripts', 'attrs', 'vars', 'extra-args', 'multi', 'dependencies', 'requires']);

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const draft = new BomDraft(hammer, files, options);
  const warnings: string[] = [];
  const [depends, produced] = [new Map<string, { name: string; version?: string }>(), new Set<string>()];
  for (const file of files) {
    const { documents, warnings: lint, broken } = readNodes(file);
    warnings.push(...lint);
    for (const { where, message } of broken) draft.unresolved(where, 'part of the file', message);
    for (const document of documents) spec(document, {}, {}, { draft, warnings, depends, produced, path: file.path }, 0);
    const [first] = documents;
    if (files.length === 1 && first !== undefined) {
      const name = first.at('name').text;
      draft.metadata['name'] ??= options.name ?? (name === undefined ? undefined : moduleNameOf(name));
      draft.metadata['version'] ??= first.at('version').text;
    }
  }
  const target = `el${options.values?.['release'] ?? '7'}`;
  const include = [...depends.values()].filter(({ name }) => !produced.has(name));
  if (include.length > 0) {
    draft.add('targets', { id: target, family: 'rhel', os: 'centos', release: target.slice(2), arch: options.values?.['arch'] ?? 'amd64' });
    draft.add('packageRepositories', { id: `${target}-system`, manager: 'rpm', targets: [target], system: true });
    draft.add('packages', { id: target, manager: 'rpm', target, include });
  }
  return { boms: [draft.build('hammer')], warnings };
}

function spec(node: Node, parent: Context, top: Context, work: Work, depth: number): void {
  const { draft, warnings } = work;
  const own = Object.fromEntries(['name', 'version', 'iteration', 'epoch', 'license', 'vendor', 'url', 'architecture', 'description'].flatMap((key) => { const { text } = node.at(key); return text === undefined ? [] : [[key, text]]; }));
  const vars = Object.fromEntries(node.at('vars').entries.flatMap(([key, value]) => (value.text === undefined ? [] : [[`variable ${key}`, value.text]])));
  const context: Context = { ...parent, ...own, ...vars };
  const root = depth === 0 ? context : top;
  const filled = (text: string): string => fill(text, context, root);
  for (const [key, value] of node.entries) if (!known.has(key)) draft.unresolved(value.where, key, 'a field that hammer does not know');
  for (const item of node.at('resources').items) resource(item, filled, draft, context);
  for (const key of ['depends', 'dependencies', 'requires']) {
    if (key !== 'depends' && node.at(key).exists) warnings.push(`${node.at(key).where}: hammer ignores ${key}; they are taken as depends`);
    for (const item of node.at(key).items) dependency(item, filled, work);
  }
  for (const item of node.at('targets').items) {
    const [, inRoot] = /^\{\{\s*\.SpecRoot\s*\}\}\/(.+)$/.exec(item.at('src').text ?? '') ?? [];
    if (inRoot !== undefined) draft.localFile(filled(inRoot), work.path, item.where, { purpose: 'source', saveAs: `${context['name'] ?? 'spec'}/${filled(inRoot)}` });
  }
  if (depth < 10) for (const child of node.at('multi').items) spec(child, context, root, work, depth + 1);
  if (node.at('multi').items.length > 0) return;
  const [name = '', version = '', iteration = '1'] = [context['name'], context['version'], context['iteration']].map((text) => (text === undefined ? undefined : filled(text)));
  if (name === '') { draft.unresolved(node.where, 'a spec', 'without a name'); return; }
  work.produced.add(name);
  draft.add('produces', { package: `${name}-${version}-${iteration}.${context['architecture'] ?? 'x86_64'}.rpm`, manager: 'rpm', origin: { where: node.where } });
  if (context['license'] !== undefined && depth === 0) draft.add('licences', { name: context['license'] });
}

function resource(item: Node, filled: (text: string) => string, draft: BomDraft, context: Context): void {
  const url = filled(item.at('url').text ?? '');
  const algorithm = item.at('hash-type').text;
  const digest = digestText(item.at('hash').text, algorithm);
  if (digest === undefined && item.at('hash').exists) draft.unresolved(item.where, `hash of ${url}`, `not a ${algorithm ?? ''} hash`);
  draft.file([url], item.where, { purpose: 'source', folder: context['name'] ?? 'spec', ...(digest === undefined ? {} : digest.startsWith('sha256:') ? { digest } : { weakDigests: [digest] }) });
}

function dependency(item: Node, filled: (text: string) => string, { draft, depends }: Work): void {
  const text = filled(item.text ?? '');
  const [, name, operator, version] = /^([^\s<>=]+)\s*(?:(>=|<=|=|>|<)\s*(\S+))?$/.exec(text.trim()) ?? [];
  if (name === undefined || isTemplated(text)) draft.unresolved(item.where, text, 'a dependency that cannot be read');
  else depends.set(`${name} ${operator ?? ''} ${version ?? ''}`, { name, ...(version === undefined ? {} : { version: `${operator} ${version}` }) });
}

/** `{{.Version}}`, `{{(top).Version}}`, `{{variable "x"}}`, `{{empty}}`; anything else is left, and so unresolved where it matters. */
function fill(text: string, context: Context, top: Context, depth = 0): string {
  const filled = text.replace(/\{\{-?\s*(?:(\(top\))?\.(\w+)|variable\s+"([^"]+)"|(empty))\s*-?\}\}/g, (whole, isTop: string | undefined, field: string | undefined, name: string | undefined, empty: string | undefined) => {
    if (empty !== undefined) return '';
    return (isTop === undefined ? context : top)[name === undefined ? (field ?? '').toLowerCase() : `variable ${name}`] ?? whole;
  });
  return filled === text || depth > 5 ? filled : fill(filled, context, top, depth + 1);
}
