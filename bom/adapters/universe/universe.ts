// DC/OS Universe: packages/<LETTER>/<name>/<revision>/{package,resource,config,command}.json and marathon.json.mustache.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import type { ParsedBom } from '../../documents/document.ts';
import { BomDraft, digestText, type Fields } from '../draft.ts';
import { Node, readNodes } from '../trees.ts';

const filePath = /^(.*\/)?([^/]+)\/(\d+)\/(package\.json|resource\.json|config\.json|command\.json|marathon\.json\.mustache)$/;

/**
 * One module per package. `select` takes name (its newest revision), name:version (of package.json) and `selected` (newest revisions that say so);
 * without it, the newest revision of each. `values`: icons (true by default), cliOs (linux, darwin, windows; all by default).
 */
export const universe: Adapter = {
  name: 'universe', version: 2,
  summary: 'DC/OS Universe packages; select by name, name:version or selected',
  wants: (path) => /(?:^|\/)(?:package\.json|resource\.json|config\.json|command\.json|marathon\.json\.mustache)$/.test(path),
  detect: (files) => files.some(({ path }) => filePath.test(path) && path.endsWith('/package.json')) && files.some(({ path, text }) => path.endsWith('package.json') && text.includes('"packagingVersion"')),
  convert: (files, options = {}) => convert(files, options),
};

/** The package's own files travel word for word in its BOM, by name: what writes a Universe again needs them. */
export const universeAnnotation = 'dcos-universe';

interface Revision { readonly name: string; readonly version: string; readonly revision: number; readonly isSelected: boolean; readonly files: readonly AdapterFile[]; readonly package: Node }

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const warnings: string[] = [];
  const folders = Map.groupBy(files.filter(({ path }) => universe.wants(path)), ({ path }) => path.split('/').slice(0, -1).join('/'));
  const revisions = [...folders].flatMap(([folder, members]): Revision[] => {
    const file = members.find(({ path }) => path.endsWith('package.json'));
    if (file === undefined) { warnings.push(`${folder}: no package.json`); return []; }
    const { documents: [document], broken } = readNodes(file);
    warnings.push(...broken.map(({ where, message }) => `${where}: ${message}`));
    if (document === undefined) return [];
    const parts = folder.split('/');
    return [{
      name: document.at('name').text ?? parts.at(-2) ?? 'package', version: document.at('version').text ?? '', revision: Number(/^\d+$/.test(parts.at(-1) ?? '') ? parts.at(-1) : 0),
      isSelected: document.at('selected').isTrue, files: members, package: document,
    }];
  });
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
  const { name, version, package: document, files } = revision;
  const draft = new BomDraft(universe, files, options);
  draft.metadata['name'] = name;
  draft.metadata['version'] = version === '' ? undefined : version;
  draft.metadata['annotations'] = { [universeAnnotation]: Object.fromEntries(files.map(({ path, text }) => [path.split('/').at(-1) ?? path, text] as const).sort()) };
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
  const read = (file: string): Node => readPart(draft, files, file);
  resources(draft, read('resource.json'), `${name}/${version || revision.revision}`, options.values ?? {});
  configImages(draft, read('config.json'));
  templateImages(draft, files.find(({ path }) => path.endsWith('marathon.json.mustache')));
  pipRequirements(draft, read('command.json'), `${name}/${version || revision.revision}/pip`);
  return draft.build(name);
}

function readPart(draft: BomDraft, files: readonly AdapterFile[], name: string): Node {
  const file = files.find(({ path }) => path.endsWith(name));
  if (file === undefined) return new Node(undefined, [], () => name);
  const { documents: [document], broken } = readNodes(file);
  for (const { where, message } of broken) draft.unresolved(where, name, message);
  return document ?? new Node(undefined, [], () => file.path);
}

function resources(draft: BomDraft, resource: Node, folder: string, values: Readonly<Record<string, string>>): void {
  for (const [alias, ref] of resource.at('assets', 'container', 'docker').entries) if (ref.text !== undefined) draft.image(ref.text, ref.where, { id: alias });
  for (const [alias, url] of resource.at('assets', 'uris').entries) {
    if (url.text === undefined) draft.unresolved(url.where, `uri ${alias}`, 'an empty address: its user gives it');
    else draft.file([url.text], url.where, { id: alias, purpose: 'binary', folder: `${folder}/uris` });
  }
  if (values['icons'] !== 'false') {
    for (const [alias, url] of resource.at('images').entries) if (url.text !== undefined && alias.startsWith('icon')) draft.file([url.text], url.where, { id: alias, purpose: 'icon', folder: `${folder}/icons` });
  }
  for (const [os, byArch] of resource.at('cli', 'binaries').entries) {
    if (values['cliOs'] !== undefined && values['cliOs'] !== os) continue;
    for (const [arch, binary] of byArch.entries) cliBinary(draft, binary, { os, arch, folder: `${folder}/cli/${os}-${arch}` });
  }
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
function templateImages(draft: BomDraft, file: AdapterFile | undefined): void {
  for (const [index, line] of (file?.text ?? '').split(/\r?\n/).entries()) {
    const where = `${file?.path ?? ''}:${index + 1}`;
    for (const [, ref = ''] of line.matchAll(/"image"\s*:\s*"([^"]*)"/g)) {
      if (ref.startsWith('resource.')) draft.unresolved(where, ref, 'a name of resource.json without braces: the package does not use its image');
      else if (ref !== '' && !ref.includes('{{')) draft.image(ref, where, { confidence: 'rendered' });
    }
  }
}

function pipRequirements(draft: BomDraft, command: Node, folder: string): void {
  for (const item of command.at('pip').items) {
    if (/^https?:\/\//.test(item.text ?? '')) draft.file([item.text ?? ''], item.where, { purpose: 'library', folder });
    else draft.unresolved(item.where, `pip ${item.text ?? ''}`, 'a name without a URL');
  }
}
