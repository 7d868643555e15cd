// Helm charts as folders: Chart.yaml, requirements.yaml, values.yaml (helm.sh/docs/topics/charts).
import { posix } from 'node:path';
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, isTemplated } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';
import { imageAnnotations, imagesInAnnotation } from './image-annotations.ts';

export const helm: Adapter = {
  name: 'helm', version: 2,
  summary: 'Helm chart folders: images of annotations, guesses from values.yaml, dependencies',
  wants: (path) => /(?:^|\/)(?:Chart|requirements|values)\.ya?ml$/.test(path),
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
    for (const values of inFolder(/values\.ya?ml$/)) guessed(draft, values, { appVersion, depth: 0 });
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

interface Guessing { readonly appVersion: string | undefined; readonly depth: number }

/**
 * `{registry, repository or name, tag, digest}` under image, or anywhere with a tag or digest beside the repository; `image: ref`; at any depth of
 * values.yaml. An empty tag is the chart's appVersion, as the templates that `helm create` writes have it.
 */
function guessed(draft: BomDraft, node: Node, { appVersion, depth }: Guessing): void {
  if (depth > 40) return;
  for (const item of node.items) guessed(draft, item, { appVersion, depth: depth + 1 });
  for (const [key, child] of node.entries) {
    const isImage = /image$/i.test(key);
    const repository = child.at('repository').text ?? (isImage && (child.at('tag').exists || child.at('registry').exists) ? child.at('name').text : undefined);
    const [registry, tag, digest] = [child.at('registry').text, child.at('tag').text, child.at('digest').text];
    if (repository !== undefined && !/^[a-z][a-z0-9+.-]*:\/\//i.test(repository) && (isImage || tag !== undefined || digest !== undefined)) {
      const version = tag ?? (digest === undefined ? appVersion : undefined);
      draft.image(`${registry === undefined ? '' : `${registry}/`}${repository}${version === undefined ? '' : `:${version}`}${digest === undefined ? '' : `@${digest}`}`, child.where, { confidence: 'guessed' });
    } else if (isImage && child.text !== undefined && /[/:]/.test(child.text)) draft.image(child.text, child.where, { confidence: 'guessed' });
    else guessed(draft, child, { appVersion, depth: depth + 1 });
  }
}
