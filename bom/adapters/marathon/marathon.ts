// Marathon apps, groups and pods, Chronos jobs, and requests to mantl-api.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, type Fields, moduleNameOf } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';

export const marathon: Adapter = {
  name: 'marathon', version: 3,
  summary: 'Marathon apps, groups and pods, Chronos jobs: images and fetched files',
  wants: (path) => /\.json(?:\.j2)?$/.test(path),
  detect: (files) => files.some(({ path, text }) => /\.json(?:\.j2)?$/.test(path) && /"(?:container|containers|app|apps|pods|cmd|command|run)"\s*:/.test(text) && /"(?:id|name)"\s*:/.test(text) && !/"apiVersion"/.test(text)),
  convert: (files, options = {}) => convert(files, options),
};

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const draft = new BomDraft(marathon, files, options);
  const warnings: string[] = [];
  for (const file of files) {
    const { documents, warnings: lint, broken } = readNodes(file);
    warnings.push(...lint);
    const isTemplate = /\{\{|\{%/.test(file.text);
    for (const { where, message } of broken) draft.unresolved(where, 'part of the file', isTemplate ? 'a jinja template: render it first' : message);
    for (const document of documents) {
      const ids = (document.isList ? document.items : [document]).flatMap((item) => object(draft, item, '', 0));
      if (files.length === 1 && ids[0] !== undefined) draft.metadata['name'] ??= options.name ?? moduleNameOf(ids[0]);
    }
  }
  const weak = draft.more['weak'] as readonly string[] | undefined;
  delete draft.more['weak'];
  if (weak !== undefined) draft.more['requires'] = { weak: [...new Set(weak)].sort().map((id) => [{ key: 'short', operator: 'eq', values: [id] }]) };
  return { boms: [draft.build('marathon')], warnings };
}

/** One app, pod, job or group; gives the ids found. */
function object(draft: BomDraft, node: Node, parent: string, depth: number): string[] {
  if (!node.isMap || depth > 20) { if (node.exists && !node.isMap) draft.unresolved(node.where, 'a value', 'neither app, pod, job nor group'); return []; }
  // What GET /v2/apps/<id> answers.
  if (node.at('app').isMap && !node.at('id').exists) return object(draft, node.at('app'), parent, depth + 1);
  const written = node.at('id').text ?? node.at('name').text;
  const id = written === undefined ? parent : written.startsWith('/') ? written : `${parent}/${written}`;
  const isGroup = node.at('apps').isList || node.at('groups').isList || node.at('pods').isList;
  if (isGroup) return [id, ...[...node.at('apps').items, ...node.at('groups').items, ...node.at('pods').items].flatMap((item) => object(draft, item, id, depth + 1))];
  images(draft, node);
  const run = node.at('run');
  // A job of Metronome: everything is one level further down.
  if (run.isMap) {
    const image = run.at('docker', 'image').exists ? run.at('docker', 'image') : run.at('ucr', 'image', 'id');
    if (image.text !== undefined) draft.image(image.text, image.where);
  }
  for (const item of [...node.at('uris').items, ...node.at('storeUrls').items]) fetched(draft, item.text, item.where, id, {});
  for (const item of [node, ...node.at('containers').items, node.at('container'), run].flatMap((place) => [...place.at('fetch').items, ...place.at('artifacts').items])) {
    fetched(draft, item.at('uri').text ?? item.at('URI').text, item.where, id, { ...(item.at('executable').isTrue ? { mode: '0755' } : {}) });
  }
  for (const item of node.at('dependencies').items) if (item.text !== undefined) (draft.more['weak'] ??= [] as string[]) && (draft.more['weak'] as string[]).push(shortOf(item.text));
  const command = [node.at('command').text ?? node.at('cmd').text ?? run.at('cmd').text ?? '', ...['args', 'arguments'].flatMap((key) => [...node.at(key).texts, ...run.at(key).texts])].join(' ');
  commandImages(draft, command, node.where);
  for (const [url] of command.matchAll(/https?:\/\/[^\s"';|&)]+/g)) draft.unresolved(node.where, url, 'an address in a command: fetched at run time');
  environmentImages(draft, node);
  const isPackage = node.at('config').isMap && node.at('name').exists && !node.at('container').exists && !node.at('cmd').exists;
  if (isPackage) draft.unresolved(node.where, `package ${node.at('name').text ?? ''} ${node.at('version').text ?? ''}`, 'a DC/OS Universe package: convert it with universe');
  return [id];
}

/** Spark and the like name the image of their executors in the command; what a command pulls itself is unresolved. */
function commandImages(draft: BomDraft, command: string, where: string): void {
  for (const [, ref = ''] of command.matchAll(/\bdocker\.image=["']?([^\s"';|&]+)/g)) draft.image(ref, where, { confidence: 'guessed' });
  for (const [found] of command.matchAll(/\bdocker\s+(?:run|pull)\b[^;|&]*/g)) draft.unresolved(where, found, 'an image that a command pulls at run time');
}

/** Variables that are called image and look like a reference: frameworks start others from them. */
function environmentImages(draft: BomDraft, node: Node): void {
  for (const [name, { text = '', where }] of [...node.at('env').entries, ...node.at('environment').entries]) {
    if (/image/i.test(name) && /^[a-z0-9][\w.-]*(?::\d+)?\/[\w./-]+(?::[\w.-]+|@sha256:[0-9a-f]{64})$/.test(text)) draft.image(text, where, { confidence: 'guessed' });
  }
}

function shortOf(path: string): string {
  return path.replace(/^[./]+/, '').replaceAll('/', '-');
}

function images(draft: BomDraft, node: Node): void {
  const container = node.at('container');
  const app = container.at('docker', 'image').exists ? container.at('docker', 'image') : container.at('image').text === undefined ? undefined : container.at('image');
  if (app?.text !== undefined) draft.image(app.text, app.where, node.at('forcePullImage').isTrue || container.at('docker', 'forcePullImage').isTrue ? { annotations: { forcePullImage: 'true' } } : {});
  if (container.at('appc', 'image').exists) draft.unresolved(container.at('appc').where, container.at('appc', 'image').text ?? 'appc', 'an appc image is no OCI image');
  for (const inner of node.at('containers').items) {
    const image = inner.at('image');
    const ref = image.at('id').text ?? image.text;
    if (ref === undefined) continue;
    if ((image.at('kind').text ?? 'DOCKER').toUpperCase() === 'APPC') draft.unresolved(image.where, ref, 'an appc image is no OCI image');
    else draft.image(ref, image.where);
  }
}

function fetched(draft: BomDraft, url: string | undefined, where: string, id: string, more: Fields): void {
  if (url === undefined) draft.unresolved(where, `something ${id} fetches`, 'without an address');
  else draft.file([url], where, { folder: moduleNameOf(id, 'app'), ...more });
}
