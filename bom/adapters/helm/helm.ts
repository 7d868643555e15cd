// Helm charts as folders: Chart.yaml, requirements.yaml, values.yaml, templates (helm.sh/docs/topics/charts).
import { posix } from 'node:path';
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, isTemplated } from '../draft.ts';
import { Node, readNodes } from '../trees.ts';
import { templateImages } from './template-images.ts';
import { imageAnnotations, imagesInAnnotation } from './image-annotations.ts';

export const helm: Adapter = {
  name: 'helm', version: 3,
  summary: 'Helm chart folders: images of annotations, guesses from values.yaml and templates, dependencies',
  wants: (path) => /(?:^|\/)(?:Chart|requirements|values)\.ya?ml$|(?:^|\/)templates\/.*\.(?:ya?ml|tpl)$|(?:^|\/)crds\/.*\.ya?ml$/.test(path),
  detect: (files) => files.some(({ path }) => /(?:^|\/)Chart\.ya?ml$/.test(path)),
  convert: (files, options = {}) => convert(files, options),
};

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const draft = new BomDraft(helm, files, options);
  const warnings: string[] = [];
  const read = (file: AdapterFile): Node | undefined => {
    const { documents: [document], warnings: lint, broken } = readNodes(file);
    warnings.push(...lint);
    for (const { where, message } of broken) draft.unresolved(where, 'part of the file', message);
    return document;
  };
  const folders = new Set(files.filter(({ path }) => /(?:^|\/)Chart\.ya?ml$/.test(path)).map(({ path }) => posix.dirname(path)));
  for (const folder of [...folders].sort()) {
    const inFolder = (pattern: RegExp): Node[] => files.filter(({ path }) => posix.dirname(path) === folder && pattern.test(path)).flatMap((file) => read(file) ?? []);
    const isVendored = [...folders].some((other) => other !== folder && folder.startsWith(other === '.' ? 'charts/' : `${other}/charts/`));
    const own = inFolder(/Chart\.ya?ml$/);
    for (const chart of own) {
      if (!isVendored) {
        draft.metadata['name'] ??= options.name ?? chart.at('name').text;
        draft.metadata['version'] ??= chart.at('version').text;
        if (options.folder !== undefined) draft.add('charts', { source: { path: folder, name: chart.at('name').text, version: chart.at('version').text }, withDependencies: true, origin: { where: chart.where } });
      }
      annotated(draft, chart);
      const vendored = new Set([...folders].filter((other) => posix.dirname(other) === posix.join(folder, 'charts')).map((other) => posix.basename(other)));
      for (const list of [chart, ...inFolder(/requirements\.ya?ml$/)]) for (const item of list.at('dependencies').items) dependency(draft, item, vendored);
    }
    const appVersion = own[0]?.at('appVersion').text;
    const found = { taken: new Set<string>(), refs: new Set<string>() };
    const valuesFiles = inFolder(/(?:^|\/)values\.ya?ml$/);
    for (const values of valuesFiles) guessed(draft, values, { appVersion, depth: 0, ...found });
    const templates = files.filter(({ path }) => path.startsWith(folder === '.' ? 'templates/' : `${folder}/templates/`));
    const nothing = new Node(undefined, [], () => folder);
    templateImages(draft, templates, { values: valuesFiles[0] ?? nothing, chart: own[0] ?? nothing, ...found });
  }
  return { boms: [draft.build('chart')], warnings };
}

function annotated(draft: BomDraft, chart: Node): void {
  for (const name of imageAnnotations) {
    const annotation = chart.at('annotations', name);
    if (annotation.text === undefined) continue;
    const { images, broken } = imagesInAnnotation(annotation.text, annotation.where);
    for (const message of broken) draft.unresolved(annotation.where, `annotation ${name}`, message);
    for (const { ref, platforms } of images) draft.image(ref, annotation.where, platforms.length === 0 ? {} : { platforms });
  }
}

function dependency(draft: BomDraft, item: Node, vendored: ReadonlySet<string>): void {
  const [name = '', version, repository = ''] = [item.at('name').text, item.at('version').text, item.at('repository').text];
  if (vendored.has(name) || (repository === '' && vendored.size > 0)) return;
  if (isTemplated(`${name}${repository}${version ?? ''}`) || repository === '' || repository.startsWith('@') || repository.startsWith('alias:')) {
    draft.unresolved(item.where, `dependency ${name} ${repository}`, 'its repository is known only to the machine that has the alias');
    return;
  }
  if (repository.startsWith('file://')) { draft.unresolved(item.where, `dependency ${name} ${repository}`, 'a chart beside this one: convert it too'); return; }
  const condition = item.at('condition').text;
  const source = repository.startsWith('oci://') ? { oci: `${repository.replace(/\/+$/, '')}/${name}` } : { repo: repository, name };
  draft.add('charts', { source: { ...source, ...(version === undefined ? {} : { version }) }, origin: { where: item.where }, ...(condition === undefined ? {} : { annotations: { condition } }) });
}

interface Guessing { readonly appVersion: string | undefined; readonly depth: number; readonly taken: Set<string>; readonly refs: Set<string> }

/**
 * `{registry, repository or name, tag, digest}` under image, or anywhere with a tag or digest beside the repository; `image: ref`, with a tag beside
 * it as older charts have it; at any depth of values.yaml. An empty tag is the chart's appVersion, as the templates that `helm create` writes have it.
 */
function guessed(draft: BomDraft, node: Node, guessing: Guessing): void {
  const { appVersion, depth, taken, refs } = guessing;
  if (depth > 40) return;
  const take = (ref: string, child: Node): void => {
    taken.add(child.path.join('.'));
    refs.add(ref);
    draft.image(ref, child.where, { confidence: 'guessed' });
  };
  for (const item of node.items) guessed(draft, item, { ...guessing, depth: depth + 1 });
  for (const [key, child] of node.entries) {
    const isImage = /image$/i.test(key);
    const repository = child.at('repository').text ?? (isImage && (child.at('tag').exists || child.at('registry').exists) ? child.at('name').text ?? child.at('image').text : undefined);
    const [registry, tag, digest] = [child.at('registry').text, child.at('tag').text, child.at('digest').text];
    if (repository !== undefined && !/^[a-z][a-z0-9+.-]*:\/\//i.test(repository) && (isImage || tag !== undefined || digest !== undefined)) {
      const version = tag ?? (digest === undefined ? appVersion : undefined);
      take(`${registry === undefined ? '' : `${registry}/`}${repository}${version === undefined ? '' : `:${version}`}${digest === undefined ? '' : `@${digest}`}`, child);
    } else if (isImage && child.at('reference').text !== undefined) {
      take(child.at('reference').text ?? '', child);
    } else if (isImage && child.text !== undefined) {
      const beside = tagBeside(node, key);
      const isPinned = /:[^/]*$|@/.test(child.text);
      if (/[/:]/.test(child.text) || beside !== undefined) take(isPinned || beside === undefined ? child.text : `${child.text}:${beside}`, child);
    } else guessed(draft, child, { ...guessing, depth: depth + 1 });
  }
}

/** `imageTag` beside `image`, `webImageTag` or `webImageVersion` beside `webImage`, or `tag`. */
function tagBeside(node: Node, key: string): string | undefined {
  return [`${key}Tag`, `${key}Version`, `${key}_tag`, 'tag'].map((name) => node.at(name).text).find((text) => text !== undefined);
}
