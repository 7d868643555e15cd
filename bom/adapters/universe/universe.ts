// DC/OS Universe: packages/<LETTER>/<name>/<revision>/{package,resource,config,command}.json and marathon.json.mustache.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import type { ParsedBom } from '../../documents/document.ts';
import { BomDraft, digestText, type Fields, isTemplated } from '../draft.ts';
import type { Node } from '../trees.ts';
import { partNames, type Revision, revisionOfFolder, revisionsOfRepository, type Template } from './universe-revisions.ts';

const isPart = (path: string): boolean => (partNames as readonly string[]).includes(path.split('/').at(-1) ?? '');

/**
 * One module per package. `select` takes name (its newest revision), name:version (of package.json) and `selected` (newest revisions that say so);
 * without it, the newest revision of each. `values`: icons (true by default), cliOs (linux, darwin, windows; all by default).
 */
export const universe: Adapter = {
  name: 'universe', version: 3,
  summary: 'DC/OS Universe packages, as folders or as a repository in one JSON file; select by name, name:version or selected',
  wants: (path) => isPart(path) || /\.json$/.test(path),
  detect: (files) => files.some(({ path, text }) => /\.json$/.test(path) && text.includes('"packagingVersion"') && (/(?:^|\/)package\.json$/.test(path) || /"packages"\s*:\s*\[/.test(text))),
  convert: (files, options = {}) => convert(files, options),
};

/** The package's own files travel word for word in its BOM, by name: what writes a Universe again needs them. */
export const universeAnnotation = 'dcos-universe';

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const warnings: string[] = [];
  const folders = Map.groupBy(files.filter(({ path }) => isPart(path)), ({ path }) => path.split('/').slice(0, -1).join('/'));
  const revisions = [
    ...[...folders].flatMap(([folder, members]) => revisionOfFolder(folder, members, warnings)),
    ...files.filter(({ path, text }) => !isPart(path) && text.includes('"packagingVersion"')).flatMap((file) => revisionsOfRepository(file, warnings)),
  ];
  return { boms: choose(revisions, options.select ?? [], warnings).map((revision) => packageBom(revision, options)), warnings };
}

function choose(revisions: readonly Revision[], words: readonly string[], warnings: string[]): Revision[] {
  const byName = Map.groupBy(revisions, ({ name }) => name);
  const newest = (list: readonly Revision[]): Revision[] => list.toSorted((a, b) => b.revision - a.revision).slice(0, 1);
  const chosen = words.length === 0 ? [...byName.values()].flatMap(newest) : words.flatMap((word) => {
    if (word === 'selected') return [...byName.values()].flatMap((list) => newest(list.filter(({ isSelected }) => isSelected)));
    const [name = '', ...version] = word.split(':');
    const list = byName.get(name) ?? [];
    const found = version.length === 0 ? newest(list) : newest(list.filter((revision) => revision.version === version.join(':')));
    if (found.length === 0) warnings.push(`select: ${word} is not here${list.length > 0 ? `; versions: ${list.map((revision) => revision.version).join(', ')}` : ''}`);
    return found;
  });
  return [...new Set(chosen)].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.revision - b.revision));
}

function packageBom(revision: Revision, options: AdapterOptions): ParsedBom {
  const { name, version, package: document, sources } = revision;
  const draft = new BomDraft(universe, sources, options);
  draft.metadata['name'] = name;
  draft.metadata['version'] = version === '' ? undefined : version;
  draft.metadata['annotations'] = { [universeAnnotation]: revision.kept };
  draft.metadata['labels'] = { short: name, kind: 'dcos-package', revision: revision.revision, framework: document.at('framework').isTrue, selected: revision.isSelected };
  const manager = document.at('manager', 'packageName').text;
  const minimum = document.at('minDcosReleaseVersion').text;
  draft.more['requires'] = {
    strong: manager === undefined ? [] : [[{ key: 'short', operator: 'eq', values: [manager] }]],
    weak: minimum === undefined ? [] : [[{ key: 'cluster.dcos-version', operator: 'ge', values: [minimum] }]],
  };
  const from = document.at('upgradesFrom').texts;
  if (from.length > 0) draft.more['upgrades'] = { from };
  for (const licence of document.at('licenses').items) if (licence.at('name').text !== undefined) draft.add('licences', { name: licence.at('name').text, url: licence.at('url').text });
  const read = (part: Parameters<Revision['part']>[0]): Node => {
    const { node, broken } = revision.part(part);
    for (const { where, message } of broken) draft.unresolved(where, part, message);
    return node;
  };
  const folder = `${name}/${version || revision.revision}`;
  resources(draft, read('resource.json'), folder, options.values ?? {});
  if (options.values?.['icons'] !== 'false') icons(draft, document.at('images'), folder);
  configImages(draft, read('config.json'));
  templateImages(draft, revision.template);
  templateFiles(draft, revision.template, `${folder}/fetch`);
  pipRequirements(draft, read('command.json'), `${folder}/pip`);
  return draft.build(name);
}

function resources(draft: BomDraft, resource: Node, folder: string, values: Readonly<Record<string, string>>): void {
  for (const [alias, ref] of resource.at('assets', 'container', 'docker').entries) if (ref.text !== undefined) draft.image(ref.text, ref.where, { id: alias });
  for (const [alias, url] of resource.at('assets', 'uris').entries) {
    if (url.text === undefined) draft.unresolved(url.where, `uri ${alias}`, 'an empty address: its user gives it');
    else draft.file([url.text], url.where, { id: alias, purpose: 'binary', folder: `${folder}/uris` });
  }
  if (values['icons'] !== 'false') icons(draft, resource.at('images'), folder);
  for (const [os, byArch] of resource.at('cli', 'binaries').entries) {
    if (values['cliOs'] !== undefined && values['cliOs'] !== os) continue;
    for (const [arch, binary] of byArch.entries) cliBinary(draft, binary, { os, arch, folder: `${folder}/cli/${os}-${arch}` });
  }
}

/** They stand in resource.json, and in package.json of packages before 2.0. */
function icons(draft: BomDraft, images: Node, folder: string): void {
  for (const [alias, url] of images.entries) if (url.text !== undefined && alias.startsWith('icon')) draft.file([url.text], url.where, { id: alias, purpose: 'icon', folder: `${folder}/icons` });
}

function cliBinary(draft: BomDraft, binary: Node, { os, arch, folder }: { readonly os: string; readonly arch: string; readonly folder: string }): void {
  const hashes = binary.at('contentHash').items.flatMap((hash) => digestText(hash.at('value').text, hash.at('algo').text) ?? []);
  const digest = hashes.find((hash) => hash.startsWith('sha256:'));
  const weak = hashes.filter((hash) => hash !== digest);
  draft.file(binary.at('url').texts, binary.where, {
    id: `cli-${os}-${arch}`, purpose: 'cli', platform: { os, arch }, folder, ...(digest === undefined ? {} : { digest }), ...(weak.length === 0 ? {} : { weakDigests: weak }),
    ...(binary.at('kind').text === 'executable' ? { mode: '0755' } : {}),
  });
}

/** Defaults of settings that are called image: a guess, since a cluster may set another. */
function configImages(draft: BomDraft, config: Node): void {
  const walk = (node: Node, name: string, depth: number): void => {
    if (depth > 40) return;
    const fallback = node.at('default').text;
    if (fallback !== undefined && /image/i.test(name) && /^[a-z0-9][\w./:@-]*$/.test(fallback) && /[/:]/.test(fallback)) draft.image(fallback, node.at('default').where, { confidence: 'guessed' } satisfies Fields);
    for (const [key, child] of node.at('properties').entries) walk(child, key, depth + 1);
  };
  walk(config, '', 0);
}

/** Images that the Marathon template names itself, past resource.json. */
function templateImages(draft: BomDraft, template: Template | undefined): void {
  for (const [index, line] of (template?.text ?? '').split(/\r?\n/).entries()) {
    const where = template?.where(index + 1) ?? '';
    for (const [, ref = ''] of line.matchAll(/"image"\s*:\s*"([^"]*)"/g)) {
      if (ref.startsWith('resource.')) draft.unresolved(where, ref, 'a name of resource.json without braces: the package does not use its image');
      else if (ref !== '' && !ref.includes('{{')) draft.image(ref, where, { confidence: 'rendered' });
    }
  }
}

/** Addresses that the Marathon template fetches past resource.json; a value that its user gives alone is none. */
function templateFiles(draft: BomDraft, template: Template | undefined, folder: string): void {
  const text = template?.text ?? '';
  const found = [...text.matchAll(/"uri"\s*:\s*"([^"]*)"/g), ...[...text.matchAll(/"uris"\s*:\s*\[([^\]]*)\]/g)].flatMap((list) => [...(list[1] ?? '').matchAll(/"([^"]*)"/g)].map((item) => Object.assign(item, { index: list.index + (list[0].indexOf('[') + 1) + item.index })))];
  for (const { 1: url = '', index } of found) {
    const where = template?.where(text.slice(0, index).split('\n').length) ?? '';
    if (/^[a-z]+:\/\//i.test(url) && !isTemplated(url)) draft.file([url], where, { purpose: 'binary', folder, confidence: 'rendered' });
    else if (/^https?:\/\//i.test(url)) draft.unresolved(where, url, 'an address with a setting of its user in it');
  }
}

function pipRequirements(draft: BomDraft, command: Node, folder: string): void {
  for (const item of command.at('pip').items) {
    const text = item.text ?? '';
    if (/^https?:\/\//.test(text)) draft.file([text], item.where, { purpose: 'library', folder });
    else if (text.startsWith('git+')) draft.unresolved(item.where, `pip ${text}`, 'a library built from a repository');
    else draft.unresolved(item.where, `pip ${text}`, 'a name without a URL');
  }
}
