// KubeKey 3 manifests (kubekey.kubesphere.io, kind Manifest) with its table of checksums, version/components.json.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, digestText, isTemplated, type Fields } from '../draft.ts';
import { Node, readNodes } from '../trees.ts';
import { binaryOf } from './kubekey-binaries.ts';

export const kubekey: Adapter = {
  name: 'kubekey', version: 3,
  summary: 'KubeKey 3 manifests: images, components with the checksums of components.json, ISOs',
  wants: (path) => /\.ya?ml$/.test(path) || /(?:^|\/)components\.json$/.test(path),
  detect: (files) => files.some(({ text }) => /apiVersion:\s*["']?(?:kubekey\.)?kubesphere\.io\//.test(text) && (/^kind:\s*["']?(?:Manifest|Cluster)\b/m.test(text) || (/^kind:\s*["']?Config/m.test(text) && /^\s*(?:image_manifests|download):/m.test(text)))),
  convert: (files, options = {}) => convert(files, options),
};

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const draft = new BomDraft(kubekey, files, options);
  const warnings: string[] = [];
  const read = (file: AdapterFile): readonly Node[] => {
    const { documents, warnings: lint, broken } = readNodes(file);
    warnings.push(...lint);
    for (const { where, message } of broken) draft.unresolved(where, 'part of the file', message);
    return documents;
  };
  const table = files.filter(({ path }) => path.endsWith('components.json')).flatMap(read)[0] ?? new Node(undefined, [], () => 'components.json');
  for (const document of files.filter(({ path }) => !path.endsWith('components.json')).flatMap(read)) {
    if (document.at('kind').text === 'Manifest') manifest(draft, document, table, options);
    else if (document.at('kind').text === 'Config') rendered(draft, document);
    else draft.unresolved(document.where, `kind ${document.at('kind').text ?? 'nothing'}`, 'only a Manifest says what is carried; templates of KubeKey 4 have to be rendered first');
  }
  return { boms: [draft.build('kubekey')], warnings };
}

function manifest(draft: BomDraft, document: Node, table: Node, options: AdapterOptions): void {
  const spec = document.at('spec');
  const arches = spec.at('arches').texts.length > 0 ? spec.at('arches').texts : ['amd64'];
  draft.metadata['name'] ??= options.name ?? document.at('metadata', 'name').text;
  const platforms = arches.map((arch) => `linux/${arch}`);
  for (const item of spec.at('images').items) {
    const ref = item.text ?? '';
    if (ref.startsWith('dockerhub.kubekey.local/')) draft.unresolved(item.where, ref, 'the registry inside, where the image goes; name the one it comes from');
    else draft.image(ref, item.where, { platforms });
  }
  for (const arch of arches) {
    for (const item of spec.at('kubernetesDistributions').items) {
      const type = item.at('type').text ?? 'kubernetes';
      for (const name of type === 'kubernetes' ? ['kubeadm', 'kubelet', 'kubectl'] : [type]) component(draft, { name, arch, version: item.at('version'), where: item.where }, table);
    }
    for (const [name, item] of spec.at('components').entries) {
      if (item.isList) for (const inner of item.items) component(draft, { name: inner.at('type').text ?? name, arch, version: inner.at('version'), where: inner.where }, table);
      else component(draft, { name, arch, version: item.at('version'), where: item.where }, table);
    }
  }
  implied(draft, spec);
  for (const [key, value] of spec.entries) if (!['arches', 'operatingSystems', 'kubernetesDistributions', 'components', 'images', 'registry'].includes(key)) draft.unresolved(value.where, key, 'a part of the manifest that is not known');
  for (const item of spec.at('operatingSystems').items) iso(draft, item, arches);
  for (const [host, auth] of spec.at('registry', 'auths').entries) draft.unresolved(auth.where, `login for ${host}`, 'credentials are not taken over: log in with docker login, or declare them in the project');
}

/** What KubeKey adds to a runtime by itself, in the version that its own code has. */
function implied(draft: BomDraft, spec: Node): void {
  const minor = (text: string | undefined): number => Number(/^v?1\.(\d+)/.exec(text ?? '')?.[1] ?? 0);
  const withoutDockershim = spec.at('kubernetesDistributions').items.some((item) => minor(item.at('version').text) >= 24);
  for (const runtime of spec.at('components', 'containerRuntimes').items) {
    const type = runtime.at('type').text;
    const companion = type === 'containerd' ? 'runc' : type === 'docker' && withoutDockershim ? 'cri-dockerd' : undefined;
    if (companion !== undefined && !spec.at('components', companion).exists) draft.unresolved(runtime.where, `${companion} for ${type}`, `KubeKey brings the version of its own code: name it under components (${companion}: {version: …})`);
  }
}

/** KubeKey 4: what stands there literally; the rest are templates of its own. */
function rendered(draft: BomDraft, document: Node): void {
  const walk = (node: Node, depth: number): void => {
    if (depth > 20) return;
    for (const [key, child] of node.entries) {
      if (key === 'image_manifests') for (const item of child.items) draft.image(item.text ?? item.at('name').text ?? '', item.where);
      else if (key === 'charts') for (const item of child.items) chart(draft, item);
      else if (child.text !== undefined && /^https?:/.test(child.text)) draft.unresolved(child.where, `${key} ${child.text}`, 'an address of a component: KubeKey 4 fills in its version and architecture');
      else walk(child, depth + 1);
    }
    for (const item of node.items) walk(item, depth + 1);
  };
  walk(document.at('spec'), 0);
}

function chart(draft: BomDraft, item: Node): void {
  const [name, repo, version] = [item.at('name').text, item.at('repo').text ?? item.at('repository').text ?? item.at('url').text, item.at('version').text];
  if (name === undefined || repo === undefined || isTemplated(`${name}${repo}${version ?? ''}`)) { draft.unresolved(item.where, `chart ${item.text ?? name ?? ''}`, 'without a name, an address, or with a template'); return; }
  draft.add('charts', { source: { ...(repo.startsWith('oci://') ? { oci: `${repo.replace(/\/+$/, '')}/${name}` } : { repo, name }), ...(version === undefined ? {} : { version }) }, origin: { where: item.where } });
}

interface Component { readonly name: string; readonly arch: string; readonly version: Node; readonly where: string }

function component(draft: BomDraft, { name, arch, version, where }: Component, table: Node): void {
  const text = version.text;
  const binary = text === undefined || isTemplated(text) ? undefined : binaryOf(name, text, arch);
  if (binary === undefined || text === undefined) { draft.unresolved(where, `${name} ${text ?? ''}`, text === undefined ? 'a component without a version' : 'a component whose address is not known'); return; }
  const rows = table.at(binary.id, arch);
  const digest = digestText((rows.at(text).text ?? rows.at(text.replace(/^v/, '')).text ?? rows.at(`v${text}`).text), 'sha256');
  draft.file([binary.url], where, {
    id: `${binary.id}-${arch}`, folder: `kubekey/${binary.id}/${text}/${arch}`, purpose: 'binary', platform: { os: 'linux', arch }, when: { arch: [arch] }, ...(digest === undefined ? {} : { digest }),
  } satisfies Fields);
}

function iso(draft: BomDraft, item: Node, arches: readonly string[]): void {
  const source = item.at('repository', 'iso');
  const arch = item.at('arch').text ?? 'amd64';
  if (!arches.includes(arch)) { draft.unresolved(item.where, `${item.at('osImage').text ?? 'an operating system'} for ${arch}`, 'its architecture is not under spec.arches'); return; }
  const digest = digestText(source.at('checksum').text, 'sha256');
  const more: Fields = { id: `iso-${item.at('id').text ?? 'os'}-${item.at('version').text ?? ''}-${arch}`, purpose: 'iso', platform: { os: 'linux', arch }, ...(digest === undefined ? {} : { digest }) };
  const [url, path] = [source.at('url').text, source.at('localPath').text];
  // An absolute path is about the machine that KubeKey ran on; the address beside it is for everybody.
  if (path !== undefined && (url === undefined || !path.startsWith('/'))) draft.localFile(path, source.where.replace(/:\d+$/, ''), source.where, more);
  else if (url !== undefined) draft.file([url], source.where, more);
  else draft.unresolved(item.where, item.at('osImage').text ?? 'an operating system', 'no address of its packages');
}
