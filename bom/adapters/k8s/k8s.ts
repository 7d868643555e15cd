// Kubernetes manifests and kustomizations.
import { posix } from 'node:path';
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';
import { isKustomization, type Kustomization, reach, renamed } from './kustomize.ts';
import { imagesOf } from './pod-images.ts';

export const k8s: Adapter = {
  name: 'k8s', version: 1,
  summary: 'Kubernetes manifests and kustomizations: images of pod specs, image volumes, custom resources; other places as guesses',
  wants: (path) => /\.(?:ya?ml|json)$/.test(path) || /(?:^|\/)Kustomization$/.test(path),
  detect: (files) => files.some(({ path, text }) => isKustomization(path) || (/^\s*["']?apiVersion["']?\s*:/m.test(text) && /^\s*["']?kind["']?\s*:\s*["']?(?:Pod|Deployment|DaemonSet|StatefulSet|ReplicaSet|Job|CronJob|List)\b/m.test(text))),
  convert: (files, options = {}) => convert(files, options),
};

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
  const reached = reach(kustomizations, new Set(manifests.keys()), draft);
  const covered = new Set(reached.map(({ path }) => path));
  const alone = [...manifests.keys()].filter((path) => !covered.has(path)).map((path) => ({ path, renames: [] }));
  for (const { path, renames } of [...reached, ...alone]) {
    for (const object of manifests.get(path) ?? []) for (const { ref, where, more } of imagesOf(object)) draft.image(renamed(ref, renames), where, more);
  }
  return { boms: [draft.build('k8s')], warnings };
}
