// Kubernetes manifests and kustomizations.
import { posix } from 'node:path';
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, isTemplated } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';
import { type ImageRename, isKustomization, type Kustomization, patchImages, reach, renamed } from './kustomize.ts';
import { imagesOf } from './pod-images.ts';

export const k8s: Adapter = {
  name: 'k8s', version: 3,
  summary: 'Kubernetes manifests and kustomizations: images of pod specs, image volumes, custom resources; other places as guesses',
  wants: (path) => /\.(?:ya?ml|json)$/.test(path) || /(?:^|\/)Kustomization$/.test(path),
  detect: (files) => files.some(({ path, text }) => isKustomization(path) || isManifest(text)),
  convert: (files, options = {}) => convert(files, options),
};

/** An object with its group and kind at the same depth, in YAML or JSON, that is no document of longshore's own. */
function isManifest(text: string): boolean {
  const group = /^([ \t]*(?:-[ \t]+)?[{[ \t]*)["']?apiVersion["']?\s*:\s*["']?(?!longshore\.dev)(?:v\d\w*|[\w.-]+\/v\d\w*)/m;
  return group.test(text) && /(?:^|[{,])\s*(?:-\s+)?["']?kind["']?\s*:\s*["']?[A-Z]/m.test(text);
}

/** Objects that make a controller in the cluster fetch a chart or a repository: k3s HelmChart, Argo CD Application, Sveltos profiles, Flux sources. */
function installed(draft: BomDraft, object: Node): void {
  const kind = object.at('kind').text ?? '';
  const group = object.at('apiVersion').text?.split('/')[0] ?? '';
  const spec = object.at('spec');
  const chart = (repo: string | undefined, name: string | undefined, version: string | undefined): void => {
    if (name === undefined || (repo === undefined && !/^(?:oci|https?):\/\//.test(name)) || isTemplated(`${repo ?? ''}${name}${version ?? ''}`)) { draft.unresolved(object.where, `${kind} ${name ?? ''}`, 'a chart whose address cannot be read'); return; }
    const versioned = version === undefined ? {} : { version };
    const source = name.startsWith('oci://') ? { oci: name, ...versioned } : /^https?:/.test(name) ? { url: name } : repo?.startsWith('oci://') === true || repo?.includes('://') === false ? { oci: `oci://${repo.replace(/^oci:\/\//, '').replace(/\/+$/, '')}/${name}`, ...versioned } : { repo, name, ...versioned };
    draft.add('charts', { source, withImages: 'annotations', origin: { where: object.where } });
  };
  if (group === 'helm.cattle.io' && kind === 'HelmChart' && !spec.at('chartContent').exists) chart(spec.at('repo').text, spec.at('chart').text, spec.at('version').text);
  else if (group === 'argoproj.io' && (kind === 'Application' || kind === 'ApplicationSet')) {
    const own = kind === 'Application' ? spec : spec.at('template', 'spec');
    for (const source of [...(own.at('source').exists ? [own.at('source')] : []), ...own.at('sources').items]) {
      if (source.at('chart').exists) chart(source.at('repoURL').text, source.at('chart').text, source.at('targetRevision').text);
      else draft.unresolved(source.where, `repository ${source.at('repoURL').text ?? ''}`, 'manifests elsewhere: convert them too');
    }
  } else if (group === 'config.projectsveltos.io') {
    for (const item of [...spec.at('helmCharts').items]) chart(item.at('repositoryURL').text, item.at('chartName').text?.split('/').at(-1), item.at('chartVersion').text);
  } else if (/(?:^|\.)toolkit\.fluxcd\.io$/.test(group) && ['HelmRelease', 'HelmRepository', 'HelmChart', 'GitRepository', 'OCIRepository', 'Bucket', 'Kustomization'].includes(kind)) {
    draft.unresolved(object.where, `${kind} ${object.at('metadata', 'name').text ?? ''} ${spec.at('url').text ?? ''}`, 'what Flux fetches in the cluster: name it as chart, git repository or manifests');
  }
}

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const draft = new BomDraft(k8s, files, options);
  const warnings: string[] = [];
  const read = (file: AdapterFile): readonly Node[] => {
    const { documents, warnings: lint, broken } = readNodes(file);
    warnings.push(...lint);
    const isTemplate = /\{\{/.test(file.text);
    for (const { where, message } of broken) draft.unresolved(where, 'part of the file', isTemplate ? 'a template: render it first' : message);
    return documents;
  };
  const manifests = new Map<string, readonly Node[]>();
  const kustomizations: Kustomization[] = [];
  for (const file of files) {
    const nodes = read(file);
    const path = posix.normalize(file.path);
    if (isKustomization(path)) kustomizations.push(...nodes.slice(0, 1).map((node) => ({ file, node, folder: posix.dirname(path) })));
    else manifests.set(path, nodes);
  }
  const used = new Set<ImageRename>();
  const reached = reach(kustomizations, new Set(manifests.keys()), draft);
  const covered = new Set(reached.files.map(({ path }) => path));
  const alone = [...manifests.keys()].filter((path) => !covered.has(path)).map((path) => ({ path, renames: [] }));
  for (const { path, renames } of [...reached.files, ...alone]) {
    for (const object of manifests.get(path) ?? []) {
      for (const { ref, where, more } of [...imagesOf(object), ...patchImages(object)]) draft.image(renamed(ref, renames, used), where, more);
      for (const each of object.at('kind').text === 'List' ? object.at('items').items : [object]) installed(draft, each);
    }
  }
  for (const { ref, where, more, renames } of reached.patched) draft.image(renamed(ref, renames, used), where, more);
  // What a base elsewhere is made to use, as far as its rename says it.
  for (const { rename: { name, newName = name, newTag, digest }, where } of reached.renames.filter(({ rename }) => !used.has(rename))) {
    if (newTag === undefined && digest === undefined) draft.unresolved(where, `image ${name}`, 'a rename of an image that no file given has');
    else draft.image(digest === undefined ? `${newName}:${newTag ?? ''}` : `${newName}@${digest}`, where, { confidence: 'guessed' });
  }
  return { boms: [draft.build('k8s')], warnings };
}
