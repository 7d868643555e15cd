// Kustomizations: which files they reach, and how they rename images (kustomize.config.k8s.io, ImageTransformer).
import { posix } from 'node:path';
import type { AdapterFile } from '../adapter.ts';
import { type BomDraft, isTemplated } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';
import { type FoundImage, imagesOf } from './pod-images.ts';

export interface Kustomization { readonly file: AdapterFile; readonly folder: string; readonly node: Node }

export interface ImageRename { readonly name: string; readonly newName?: string; readonly newTag?: string; readonly digest?: string }

/** A file with the renames that apply to it, innermost first. */
export interface Reached { readonly path: string; readonly renames: readonly ImageRename[] }

/** An image that a patch written into a kustomization sets. */
export interface PatchedImage extends FoundImage { readonly renames: readonly ImageRename[] }

export interface Reach { readonly files: readonly Reached[]; readonly patched: readonly PatchedImage[]; readonly renames: readonly PlacedRename[] }

export interface PlacedRename { readonly rename: ImageRename; readonly where: string }

export function isKustomization(path: string): boolean {
  return /(?:^|\/)(?:kustomization\.ya?ml|Kustomization)$/.test(path);
}

/** Files that the outermost kustomizations reach, each as often as it is reached; remote bases go to git[], charts to charts[]. */
export function reach(kustomizations: readonly Kustomization[], paths: ReadonlySet<string>, draft: BomDraft): Reach {
  const byFolder = new Map(kustomizations.map((one) => [one.folder, one]));
  const inner = new Set(kustomizations.flatMap((one) => references(one.node).map(({ text }) => resolved(one, text))));
  const byKustomization = new Map(kustomizations.map((one) => [one, renamesOf(one.node)]));
  const result: Reached[] = [];
  const patched: PatchedImage[] = [];
  const visit = (one: Kustomization, renames: readonly ImageRename[], open: ReadonlySet<string>): void => {
    const own = [...(byKustomization.get(one) ?? []).map(({ rename }) => rename), ...renames];
    patched.push(...patches(draft, one).map((found) => ({ ...found, renames: own })));
    for (const { text, where } of references(one.node)) {
      const path = resolved(one, text);
      const folder = byFolder.get(path);
      if (isRemote(text)) remote(draft, text, where);
      else if (folder !== undefined && !open.has(folder.folder)) visit(folder, own, new Set([...open, folder.folder]));
      else if (paths.has(path)) result.push({ path, renames: own });
      else if (folder === undefined) draft.unresolved(where, text, 'a resource that is not among the files given');
    }
    for (const path of patchFiles(one).filter((each) => paths.has(each))) result.push({ path, renames: own });
  };
  for (const one of kustomizations) {
    charts(draft, one);
    if (!inner.has(one.folder)) visit(one, [], new Set([one.folder]));
  }
  return { files: result, patched, renames: [...byKustomization.values()].flat() };
}

/** A reference after renames, as kustomize does: by name without tag and digest, each rename once; those that fit are added to `used`. */
export function renamed(ref: string, renames: readonly ImageRename[], used: Set<ImageRename>): string {
  return renames.reduce((text, rename) => {
    const { name, newName, newTag, digest } = rename;
    const [, base = text, tag = '', pinned = ''] = /^(.*?)(:[^:/@]+)?(@[^@]+)?$/.exec(text) ?? [];
    if (base !== name) return text;
    used.add(rename);
    const suffix = digest !== undefined ? `@${digest}` : newTag !== undefined ? `:${newTag}` : `${tag}${pinned}`;
    return `${newName ?? base}${suffix}`;
  }, ref);
}

function references(node: Node): { text: string; where: string }[] {
  return ['resources', 'bases', 'components'].flatMap((key) => node.at(key).items.flatMap((item) => (item.text === undefined ? [] : [{ text: item.text, where: item.where }])));
}

function resolved({ folder }: Kustomization, text: string): string {
  return posix.normalize(posix.join(folder, text)).replace(/\/$/, '');
}

function renamesOf(node: Node): PlacedRename[] {
  return node.at('images').items.flatMap((item) => {
    const [name, newName, newTag, digest] = [item.at('name').text, item.at('newName').text, item.at('newTag').text, item.at('digest').text];
    const rename = { ...(newName === undefined ? {} : { newName }), ...(newTag === undefined ? {} : { newTag }), ...(digest === undefined ? {} : { digest }) };
    return name === undefined ? [] : [{ rename: { name, ...rename }, where: item.where }];
  });
}

function isRemote(text: string): boolean {
  return /^(?:https?|ssh|git):\/\/|^git@|^github\.com[/:]/.test(text);
}

/** `URL//path?ref=revision` is a git base; another URL is a manifest that somebody has to fetch and read. */
function remote(draft: BomDraft, text: string, where: string): void {
  const [address = '', query = ''] = text.replace(/^git::/, '').split('?');
  const ref = new URLSearchParams(query).get('ref') ?? new URLSearchParams(query).get('version') ?? undefined;
  const isManifest = /\.(?:ya?ml|json)$/.test(address);
  if (isManifest || isTemplated(text)) { draft.unresolved(where, text, 'a manifest elsewhere: fetch it and convert it too'); return; }
  const [url = ''] = (/^github\.com/.test(address) ? `https://${address}` : address).split(/(?<!:)\/\//);
  const short = /^(https:\/\/github\.com\/[^/]+\/[^/]+)\//.exec(url)?.[1] ?? url;
  draft.add('git', { url: short, ...(ref === undefined ? {} : /^[0-9a-f]{40}$/.test(ref) ? { commit: ref } : { ref }), origin: { where } });
  draft.unresolved(where, text, 'the images of a remote base are not known: convert its manifests too');
}

/** Paths of patches that are files: kustomize applies them before it renames images. */
function patchFiles(one: Kustomization): string[] {
  const written = [...['patches', 'patchesJson6902'].flatMap((key) => one.node.at(key).items.flatMap((item) => item.at('path').texts)), ...one.node.at('patchesStrategicMerge').items.flatMap(({ texts }) => texts.filter((text) => !text.includes('\n')))];
  return written.map((text) => resolved(one, text));
}

/** Images that patches written into the kustomization set: strategic merges by their pod specs, JSON 6902 by the paths that end in image. */
function patches(draft: BomDraft, { node, file }: Kustomization): FoundImage[] {
  const texts = [...[...node.at('patches').items, ...node.at('patchesJson6902').items].map((item) => item.at('patch')), ...node.at('patchesStrategicMerge').items];
  return texts.flatMap((patch): FoundImage[] => {
    if (patch.text === undefined || !patch.text.includes('image')) return [];
    const { documents, broken } = readNodes({ path: file.path, text: patch.text });
    for (const { message } of broken) draft.unresolved(patch.where, 'a patch', message);
    return documents.flatMap((document) => [...imagesOf(document), ...patchImages(document)]).map((found) => ({ ...found, where: patch.where }));
  });
}

/** Images that the operations of a JSON 6902 patch set; none for any other document. */
export function patchImages(document: Node): FoundImage[] {
  return document.items.filter((operation) => operation.at('op').exists && operation.at('path').exists).flatMap((operation): FoundImage[] => {
    const value = operation.at('value');
    const path = operation.at('path').text ?? '';
    const declared = (node: Node): FoundImage[] => (node.text === undefined ? [] : [{ ref: node.text, where: node.where, more: {} }]);
    if (/\/image$/.test(path) && !path.includes('/metadata/')) return declared(value);
    if (/\/(?:init|ephemeral)?containers(?:\/(?:\d+|-))?$/i.test(path)) return (value.isList ? value.items : [value]).flatMap((container) => declared(container.at('image')));
    return [];
  });
}

function charts(draft: BomDraft, { node }: Kustomization): void {
  const named = (item: Node, ...keys: readonly string[]): string | undefined => keys.map((key) => item.at(key).text).find((text) => text !== undefined);
  for (const item of [...node.at('helmCharts').items, ...node.at('helmChartInflationGenerator').items]) {
    const [name, repo, version] = [named(item, 'name', 'chartName'), named(item, 'repo', 'chartRepo'), named(item, 'version', 'chartVersion')];
    if (name === undefined || repo === undefined || isTemplated(`${name}${repo}${version ?? ''}`)) { draft.unresolved(item.where, `chart ${name ?? ''} ${version ?? ''}`, name === undefined || repo === undefined ? 'without a name or a repository' : 'a template in it'); continue; }
    const source = repo.startsWith('oci://') ? { oci: `${repo}/${name}` } : { repo, name };
    draft.add('charts', { source: { ...source, ...(version === undefined ? {} : { version }) }, withImages: 'annotations', origin: { where: item.where } });
  }
}
