// Kustomizations: which files they reach, and how they rename images (kustomize.config.k8s.io, ImageTransformer).
import { posix } from 'node:path';
import type { AdapterFile } from '../adapter.ts';
import { type BomDraft, isTemplated } from '../draft.ts';
import type { Node } from '../trees.ts';

export interface Kustomization { readonly file: AdapterFile; readonly folder: string; readonly node: Node }

export interface ImageRename { readonly name: string; readonly newName?: string; readonly newTag?: string; readonly digest?: string }

/** A file with the renames that apply to it, innermost first. */
export interface Reached { readonly path: string; readonly renames: readonly ImageRename[] }

export function isKustomization(path: string): boolean {
  return /(?:^|\/)(?:kustomization\.ya?ml|Kustomization)$/.test(path);
}

/** Files that the outermost kustomizations reach, each as often as it is reached; remote bases go to git[], charts to charts[]. */
export function reach(kustomizations: readonly Kustomization[], paths: ReadonlySet<string>, draft: BomDraft): Reached[] {
  const byFolder = new Map(kustomizations.map((one) => [one.folder, one]));
  const inner = new Set(kustomizations.flatMap((one) => references(one.node).map(({ text }) => resolved(one, text))));
  const result: Reached[] = [];
  const visit = (one: Kustomization, renames: readonly ImageRename[], open: ReadonlySet<string>): void => {
    const own = [...renamesOf(one.node), ...renames];
    for (const { text, where } of references(one.node)) {
      const path = resolved(one, text);
      const folder = byFolder.get(path);
      if (isRemote(text)) remote(draft, text, where);
      else if (folder !== undefined && !open.has(folder.folder)) visit(folder, own, new Set([...open, folder.folder]));
      else if (paths.has(path)) result.push({ path, renames: own });
      else if (folder === undefined) draft.unresolved(where, text, 'a resource that is not among the files given');
    }
  };
  for (const one of kustomizations) {
    charts(draft, one);
    if (!inner.has(one.folder)) visit(one, [], new Set([one.folder]));
  }
  return result;
}

/** A reference after renames, as kustomize does: by name without tag and digest, each rename once. */
export function renamed(ref: string, renames: readonly ImageRename[]): string {
  return renames.reduce((text, { name, newName, newTag, digest }) => {
    const [, base = text, tag = '', pinned = ''] = /^(.*?)(:[^:/@]+)?(@[^@]+)?$/.exec(text) ?? [];
    if (base !== name) return text;
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

function renamesOf(node: Node): ImageRename[] {
  return node.at('images').items.flatMap((item) => {
    const [name, newName, newTag, digest] = [item.at('name').text, item.at('newName').text, item.at('newTag').text, item.at('digest').text];
    return name === undefined ? [] : [{ name, ...(newName === undefined ? {} : { newName }), ...(newTag === undefined ? {} : { newTag }), ...(digest === undefined ? {} : { digest }) }];
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

function charts(draft: BomDraft, { node }: Kustomization): void {
  for (const item of node.at('helmCharts').items) {
    const [name, repo, version] = [item.at('name').text, item.at('repo').text, item.at('version').text];
    if (name === undefined || repo === undefined || isTemplated(`${name}${repo}`)) { draft.unresolved(item.where, `chart ${name ?? ''}`, 'without a name or a repository'); continue; }
    const source = repo.startsWith('oci://') ? { oci: `${repo}/${name}` } : { repo, name };
    draft.add('charts', { source: { ...source, ...(version === undefined ? {} : { version }) }, withImages: 'annotations', origin: { where: item.where } });
  }
}
