// Ansible role defaults and group variables: <x>_image and <x>_image_repo with <x>_image_tag, <x>_package, <x>_download_url, and .repo files.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, digestText, isTemplated } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';
import { credentialIn } from '../../url-credential.ts';
import { readIni, repositoryFields } from '../yum-repo.ts';

const variablesPath = /(?:^|\/)(?:defaults|vars)\/[^/]+\.ya?ml$|(?:^|\/)(?:group|host)_vars\/.*[^/]+(?:\.ya?ml)?$/;
const repoPath = /\.repo(?:\.j2)?$/;

/** `values`: release (7) and arch (amd64) of the rpm systems that the packages are for. */
export const ansibleDefaults: Adapter = {
  name: 'ansible-defaults', version: 2,
  summary: 'Ansible defaults and group_vars: *_image, *_image_repo, *_package, *_download_url; .repo files; for rpm systems of --set release=7',
  wants: (path) => variablesPath.test(path) || repoPath.test(path),
  detect: (files) => files.some(({ path, text }) => variablesPath.test(path) && /^\w+_(?:image|image_repo|image_repository|image_name|package|download_url)\s*:/m.test(text)),
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
  const found = roles.flatMap((variables) => role(draft, variables, all));
  const include = found.flatMap((item) => ('spec' in item ? [item] : []));
  const urls = found.flatMap((item) => ('url' in item ? [item] : []));
  const target = `el${options.values?.['release'] ?? '7'}`;
  const repositories = files.filter(({ path }) => repoPath.test(path)).flatMap((file) => addRepositories(draft, file, target, all));
  if (found.length > 0 || repositories.length > 0) {
    draft.add('targets', { id: target, family: 'rhel', os: 'centos', release: target.slice(2), arch: options.values?.['arch'] ?? 'amd64' });
    draft.add('packageRepositories', { id: `${target}-system`, manager: 'rpm', targets: [target], system: true });
    if (found.length > 0) draft.add('packages', { id: target, manager: 'rpm', target, include: [...new Map(include.map((item) => [item.spec, item])).values()], ...(urls.length === 0 ? {} : { urls }) });
  }
  return { boms: [draft.build('ansible')], warnings };
}

type Lookup = (name: string) => string | undefined;

const imageKey = /(?:^|_)image(?:_repo|_repository|_name)?$/;
const urlKey = /(?:^|_)(?:download|binary|archive|tarball|package|rpm|deb)_ur[li]$/;

/** An address that ends like a file, in a variable of any name. */
const fileAddress = /^(?:https?:\/\/|\{\{).*\.(?:rpm|deb|tgz|tar|tar\.\w+|zip|jar|war|iso|whl|gem|xz|gz|bz2|exe|bin|run)$/;

type Wanted = { readonly spec: string } | { readonly url: string };

/** Images and files go to the draft; packages are given back. Variables of the same file come before those of others. */
function role(draft: BomDraft, variables: ReadonlyMap<string, Variable>, all: ReadonlyMap<string, string>): Wanted[] {
  const lookup: Lookup = (name) => variables.get(name)?.text ?? all.get(name);
  const parts = partsOfOthers(variables);
  return [...variables].flatMap(([key, variable]) => {
    if (urlKey.test(key) || fileAddress.test(variable.text)) return file(draft, key, variable, lookup);
    if (imageKey.test(key)) { if (!parts.has(key)) image(draft, key, variable, lookup); }
    else if (/_package(?:_to_remove)?$/.test(key)) return packageOf(draft, key, variable, lookup);
    return [];
  });
}

/** Registries and repositories that other variables only build their own from. */
function partsOfOthers(variables: ReadonlyMap<string, Variable>): ReadonlySet<string> {
  const words = new Set([...variables].flatMap(([key, { text }]) => [...text.matchAll(/\{\{\s*(\w+)/g)].flatMap(([, name = '']) => (imageKey.test(key) && name !== key ? [name] : []))));
  return new Set([...words].filter((name) => /_(?:repo|repository|name)$/.test(name)));
}

function unreadable(draft: BomDraft, key: string, { node, text }: Variable): void {
  draft.unresolved(node.where, `${key}: ${text}`, 'a jinja expression that only Ansible can evaluate');
}

function packageOf(draft: BomDraft, key: string, variable: Variable, lookup: Lookup): { spec: string }[] {
  const value = fill(variable.text, lookup, 0);
  if (value === undefined) unreadable(draft, key, variable);
  return value === undefined || key.endsWith('_to_remove') ? [] : [{ spec: value }];
}

/** A repository alone is none: without a tag anywhere it would be taken as latest. */
function image(draft: BomDraft, key: string, variable: Variable, lookup: Lookup): void {
  const stem = key.replace(/_(?:repo|repository|name)$/, '');
  const tagText = ['tag', 'version'].map((word) => lookup(`${stem}_${word}`)).find((text) => text !== undefined);
  const [value, tag] = [fill(variable.text, lookup, 0), fill(tagText ?? '', lookup, 0)];
  const hasTag = value !== undefined && /:[^/]*$|@sha256:/.test(value);
  if (value === undefined || (tag === undefined && !hasTag)) { unreadable(draft, key, variable); return; }
  if (stem !== key && (tag ?? '') === '' && !hasTag) draft.unresolved(variable.node.where, `${key}: ${variable.text}`, 'a repository of images without a tag beside it');
  else draft.image((tag ?? '') === '' || hasTag ? value : `${value}:${tag}`, variable.node.where, { id: key });
}

/** With the sha256 of `<x>_checksum` and the like; an rpm goes to the packages. */
function file(draft: BomDraft, key: string, variable: Variable, lookup: Lookup): Wanted[] {
  const url = fill(variable.text, lookup, 0);
  if (url === undefined) unreadable(draft, key, variable);
  if (url === undefined || !/^[a-z]+:\/\//i.test(url)) return [];
  const stem = key.replace(/_[a-z]+(?:_ur[li])?$/, '');
  const sums = ['checksum', 'sha256', 'binary_checksum', 'archive_checksum', 'sha256sum'].flatMap((word) => fill(lookup(`${stem}_${word}`) ?? '', lookup, 0) ?? []);
  const digest = sums.map((text) => digestText(text, 'sha256')).find((found) => found !== undefined);
  const digestField = digest === undefined ? {} : { digest };
  if (/^https?:.*\.rpm$/.test(url) && credentialIn(url) === undefined) return [{ url, ...digestField }];
  draft.file([url], variable.node.where, { id: key, purpose: 'binary', folder: stem || 'files', ...digestField });
  return [];
}

/** `{{ name }}` and `{{ name | default('text') }}` filled in, also inside what they stand for; undefined for other filters, conditions and unknown names. */
function fill(text: string, lookup: Lookup, depth: number): string | undefined {
  if (!isTemplated(text)) return text;
  if (depth > 10 || text.includes('{%')) return undefined;
  let isKnown = true;
  const filled = text.replace(/\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
    const [, name, double, single] = /^(\w+)(?:\s*\|\s*default\(\s*(?:"([^"]*)"|'([^']*)')\s*(?:,\s*\w+\s*)?\))?$/.exec(expression) ?? [];
    const value = name === undefined ? undefined : lookup(name) ?? double ?? single;
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
