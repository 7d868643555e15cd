// Hauler manifests (content.hauler.cattle.io v1alpha1 and v1): Images, Charts, Files, ImageTxts, ThickCharts, K3s; Store of its first releases.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { baseName, BomDraft, type Fields, isTemplated } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';

export const hauler: Adapter = {
  name: 'hauler', version: 3,
  summary: 'Hauler manifests: Images, Charts, Files and their older kinds',
  wants: (path) => /\.(?:ya?ml|json)$/.test(path),
  detect: (files) => files.some(({ text }) => /apiVersion["']?:\s*["']?(?:(?:content|collection)\.)?hauler\.cattle\.io\//.test(text)),
  convert: (files, options = {}) => convert(files, options),
};

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const draft = new BomDraft(hauler, files, options);
  const warnings: string[] = [];
  for (const file of files) {
    const { documents, warnings: lint, broken } = readNodes(file);
    warnings.push(...lint);
    for (const { where, message } of broken) draft.unresolved(where, 'part of the file', message);
    for (const document of documents) manifest(draft, document, file.path);
  }
  return { boms: [draft.build('hauler')], warnings };
}

function manifest(draft: BomDraft, document: Node, path: string): void {
  const kind = document.at('kind').text ?? 'nothing';
  const annotations = document.at('metadata', 'annotations');
  if (!/^(?:(?:content|collection)\.)?hauler\.cattle\.io\//.test(document.at('apiVersion').text ?? '')) { draft.unresolved(document.where, `kind ${kind}`, 'not a Hauler manifest'); return; }
  switch (kind) {
    case 'Images': for (const item of document.at('spec', 'images').items) image(draft, item, annotations, path); break;
    case 'Charts': for (const item of document.at('spec', 'charts').items) chart(draft, item, path); break;
    case 'Files': for (const item of document.at('spec', 'files').items) file(draft, item, path); break;
    case 'ThickCharts': for (const item of document.at('spec', 'charts').items) { chart(draft, item.at('chart').exists ? item.at('chart') : item, path); for (const extra of item.at('extraImages').items) image(draft, extra, annotations, path); } break;
    case 'ImageTxts': for (const item of document.at('spec', 'images').items) draft.unresolved(item.where, `list ${item.at('ref').text ?? ''}`, 'a list of images elsewhere: convert it with images-txt'); break;
    case 'K3s': k3s(draft, document); break;
    case 'Store': store(draft, document, path); break;
    default: draft.unresolved(document.where, `kind ${kind}`, 'a kind that is not known');
  }
}

/** Without a platform Hauler takes every platform; without exclude-extras, what is attached to the image too, where there is anything. */
function image(draft: BomDraft, item: Node, annotations: Node, path: string): void {
  const name = item.at('name').text ?? item.at('ref').text ?? item.text;
  if (name === undefined) { draft.unresolved(item.where, 'an image', 'without a name'); return; }
  strangers(draft, item, imageFields);
  if (item.at('local').isTrue) draft.unresolved(item.at('local').where, name, 'an image of the local Docker: save it, and name the archive');
  const registry = annotations.at('hauler.dev/registry').text;
  const hasHost = /^[^/]*[.:][^/]*\/|^localhost\//.test(name);
  const platform = item.at('platform').text ?? annotations.at('hauler.dev/platform').text;
  const withExtras = !item.at('exclude-extras').isTrue;
  const identity = item.at('certificate-identity').text;
  const identityRegexp = item.at('certificate-identity-regexp').text;
  const key = item.at('key').text ?? annotations.at('hauler.dev/key').text;
  const keyPath = key === undefined ? undefined : draft.local(key, path, item.where);
  const keyless: Fields = {
    ...(identity === undefined ? { identityRegexp } : { identity }),
    ...(item.at('certificate-oidc-issuer').text === undefined ? { issuerRegexp: item.at('certificate-oidc-issuer-regexp').text } : { issuer: item.at('certificate-oidc-issuer').text }),
  };
  const cosign: Fields = keyPath === undefined ? keyless : { key: keyPath };
  draft.image(registry !== undefined && !hasHost ? `${registry}/${name}` : name, item.where, {
    platforms: [platform ?? 'all'], ...(withExtras ? { extras: { referrers: true } } : {}),
    ...(item.at('rewrite').text === undefined ? {} : { as: item.at('rewrite').text }),
    ...(keyPath === undefined && identity === undefined && identityRegexp === undefined ? {} : { verify: { cosign: Object.fromEntries(Object.entries(cosign).filter(([, value]) => value !== undefined)) } }),
  });
}

/** Fields that change nothing of what is carried are known and passed over; any other is said. */
const imageFields = [
  'name', 'ref', 'platform', 'key', 'use-tlog-verify', 'certificate-identity', 'certificate-identity-regexp', 'certificate-oidc-issuer', 'certificate-oidc-issuer-regexp', 'certificate-github-workflow-repository', 'rewrite',
  'exclude-extras', 'local', 'ca-file', 'insecure-skip-tls-verify', 'tlog', 'tool-version', 'registry',
];
const chartFields = [
  'name', 'repoURL', 'repoUrl', 'repo', 'version', 'rewrite', 'valuesFiles', 'values', 'platform', 'add-images', 'add-dependencies', 'exclude-extras', 'verify', 'keyring', 'registry', 'kube-version', 'kubeVersion', 'insecure-skip-tls-verify', 'plain-http',
  'pass-credentials', 'devel', 'usernameEnv', 'passwordEnv', 'username', 'password', 'cert-file', 'key-file', 'ca-file',
];

function strangers(draft: BomDraft, item: Node, known: readonly string[]): void {
  for (const [key, value] of item.entries) if (!known.includes(key)) draft.unresolved(value.where, key, 'a field that is not known');
}

function chart(draft: BomDraft, item: Node, path: string): void {
  const [name, repo, version] = [item.at('name').text, item.at('repoURL').text ?? item.at('repoUrl').text, item.at('version').text];
  if (name === undefined || isTemplated(`${name}${repo ?? ''}${version ?? ''}`)) { draft.unresolved(item.where, `chart ${name ?? ''}`, 'without a name that can be read'); return; }
  strangers(draft, item, chartFields);
  const source = chartSource(draft, { name, repo, version }, path, item.where);
  if (source === undefined) return;
  for (const field of ['usernameEnv', 'passwordEnv', 'username', 'password', 'cert-file', 'key-file', 'ca-file']) {
    if (item.at(field).exists) draft.unresolved(item.at(field).where, `${field} of chart ${name}`, 'credentials and certificates are declared in the project');
  }
  draft.add('charts', {
    source, withDependencies: item.at('add-dependencies').isTrue, withImages: item.at('add-images').isTrue ? 'annotations' : 'none',
    ...(item.at('rewrite').text === undefined ? {} : { as: item.at('rewrite').text }), ...localPaths(draft, item, path), origin: { where: item.where },
  });
}

/** Values that its images are rendered with, and the keyring that its provenance is checked with. */
function localPaths(draft: BomDraft, item: Node, path: string): Fields {
  const own = (text: string, where: string): string[] => { const found = draft.local(text, path, where); return found === undefined ? [] : [found]; };
  const values = item.at('valuesFiles').texts.flatMap((text) => own(text, item.at('valuesFiles').where));
  const keyring = item.at('keyring').text === undefined ? [] : own(item.at('keyring').text ?? '', item.at('keyring').where);
  return { ...(values.length === 0 ? {} : { valuesFiles: values }), ...(keyring[0] === undefined ? {} : { keyring: keyring[0] }) };
}

function chartSource(draft: BomDraft, { name, repo, version }: { readonly name: string; readonly repo: string | undefined; readonly version: string | undefined }, path: string, where: string): Fields | undefined {
  const versioned: Fields = version === undefined ? {} : { version };
  if (repo?.startsWith('oci://') === true) return { oci: `${repo.replace(/\/+$/, '')}/${name}`, ...versioned };
  if (name.startsWith('oci://')) return { oci: name, ...versioned };
  if (/^https?:\/\//.test(repo ?? '')) return { repo, name, ...versioned };
  const local = draft.local(repo === undefined || repo === '.' ? name : `${repo}/${name}`, path, where);
  return local === undefined ? undefined : { path: local, ...versioned };
}

/** Everything in one document, as Hauler had it before its kinds. */
function store(draft: BomDraft, document: Node, path: string): void {
  const spec = document.at('spec');
  for (const item of spec.at('images').items) image(draft, item, document.at('metadata', 'annotations'), path);
  for (const item of spec.at('charts').items) chart(draft, item, path);
  for (const item of [...spec.at('files').items, ...spec.at('https').items]) file(draft, item, path);
  for (const item of spec.at('repos').items) {
    const [url, ref] = [item.at('repo').text, item.at('branch').text ?? item.at('ref').text];
    if (url === undefined || isTemplated(url)) draft.unresolved(item.where, `repository ${url ?? ''}`, 'without an address that can be read');
    else draft.add('git', { url, ...(ref === undefined ? {} : { ref }), origin: { where: item.where } });
  }
  for (const [key, value] of spec.entries) if (!['images', 'charts', 'files', 'https', 'repos'].includes(key)) draft.unresolved(value.where, key, 'a part of the store that is not known');
}

/** `ref` is what v1alpha1 called `path` at first, `url` and `file` what a Store calls them. */
function file(draft: BomDraft, item: Node, path: string): void {
  const source = item.at('path').text ?? item.at('ref').text ?? item.at('url').text ?? item.text;
  const name = item.at('name').text ?? item.at('file').text;
  strangers(draft, item, ['path', 'ref', 'url', 'file', 'name', 'ca-file', 'insecure-skip-tls-verify']);
  if (source === undefined) { draft.unresolved(item.where, 'a file', 'without a path'); return; }
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) draft.localFile(source, path, item.where, { ...(name === undefined ? {} : { saveAs: name }) });
  else if (name === undefined && baseName(source) === '') draft.unresolved(item.where, source, 'a URL without a file name: Content-Disposition would say it; give a name');
  else draft.file([source], item.where, { ...(name === undefined ? {} : { saveAs: name }) });
}

function k3s(draft: BomDraft, document: Node): void {
  const version = document.at('spec', 'version').text;
  const arch = document.at('spec', 'arch').text ?? 'amd64';
  if (version === undefined || isTemplated(version)) { draft.unresolved(document.where, 'K3s', 'without a version'); return; }
  if (!/^v\d+\.\d+\.\d+[\w.-]*\+k3s\d+/.test(version)) { draft.unresolved(document.at('spec', 'version').where, `K3s ${version}`, 'not a release such as v1.34.1+k3s1: channels move'); return; }
  const base = `https://github.com/k3s-io/k3s/releases/download/${encodeURIComponent(version)}`;
  draft.file([`${base}/${arch === 'amd64' ? 'k3s' : `k3s-${arch}`}`], document.where, { purpose: 'binary', mode: '0755', platform: { os: 'linux', arch } });
  draft.file([`${base}/k3s-airgap-images-${arch}.tar.zst`], document.where, { purpose: 'other', platform: { os: 'linux', arch } });
}
