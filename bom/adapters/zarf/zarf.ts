// Zarf packages: v1alpha1 (no apiVersion) and v1beta1.
import { posix } from 'node:path';
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, type Fields } from '../draft.ts';
import { imagesOf } from '../k8s/pod-images.ts';
import { type Node, readNodes } from '../trees.ts';
import { addChart, addFile, addRepository } from './zarf-artifacts.ts';
import { createValues, isZarfConfig } from './zarf-config.ts';

/** `values`, and `package.create.set` of a zarf-config file, fill in ###ZARF_PKG_TMPL_X###; ARCH is ###ZARF_PKG_ARCH###. Components that are not required can be selected by name in the project (select.components). */
export const zarf: Adapter = {
  name: 'zarf', version: 3,
  summary: 'Zarf packages: images, files, charts, git repositories; imports among the files given',
  wants: (path) => /\.ya?ml$/.test(path) || isZarfConfig(path),
  detect: (files) => files.some(({ text }) => /^kind:\s*["']?Zarf(?:Package|Init|Component)Config/m.test(text)),
  convert: (files, options = {}) => new Zarf(files, options).convert(),
};

/** `local`, `remote` and `utilityCluster` are what packages had before components. */
const oldComponents = ['local', 'remote', 'utilityCluster'] as const;
const topLevel: readonly string[] = ['apiVersion', 'kind', 'metadata', 'build', 'variables', 'constants', 'components', 'component', 'values', 'documentation', ...oldComponents];
const knownFields = [
  'name', 'description', 'default', 'required', 'optional', 'only', 'selector', 'target', 'group', 'import', 'deprecatedCosignKeyPath', 'cosignKeyPath', 'manifests', 'charts', 'dataInjections', 'files',
  'images', 'imageArchives', 'repos', 'repositories', 'actions', 'extensions', 'healthChecks', 'scripts', 'service', 'features', 'values',
];

/** `by` is the component that imports one without a name of its own. */
interface Reading { readonly depth: number; readonly by?: Node }

class Zarf {
  private readonly files: readonly AdapterFile[];
  private readonly draft: BomDraft;
  private readonly options: AdapterOptions;
  private readonly values: ReadonlyMap<string, string>;
  private readonly warnings: string[] = [];

  constructor(files: readonly AdapterFile[], options: AdapterOptions) {
    this.files = files.filter(({ path }) => !isZarfConfig(path));
    this.options = options;
    this.draft = new BomDraft(zarf, files, options);
    this.values = createValues(files.filter(({ path }) => isZarfConfig(path)), options.values);
  }

  convert(): Converted {
    const packages = this.files.flatMap((file) => this.definitions(file).map((node) => ({ file, node })));
    const imported = new Set(packages.flatMap(({ file, node }) => [...node.at('components').items, node.at('component')].flatMap((item) => this.importPaths(item, file.path))));
    for (const { file, node } of packages) {
      if (imported.has(posix.normalize(file.path)) && packages.length > 1) continue;
      this.draft.metadata['name'] ??= this.options.name ?? node.at('metadata', 'name').text;
      this.draft.metadata['version'] ??= node.at('metadata', 'version').text;
      for (const component of [...node.at('components').items, ...['component', ...oldComponents].map((key) => node.at(key)).filter(({ isMap }) => isMap)]) this.component(component, file, node, { depth: 0 });
      for (const [key, value] of node.entries) if (!topLevel.includes(key)) this.draft.unresolved(value.where, key, 'a part of a package that is not known');
    }
    return { boms: [this.draft.build('zarf')], warnings: this.warnings };
  }

  private read(file: AdapterFile): readonly Node[] {
    const text = file.text.replace(/###ZARF_PKG_(?:TMPL|VAR)_([A-Za-z0-9_]+)###/g, (whole, name: string) => this.values.get(name.toUpperCase()) ?? whole);
    const { documents, warnings, broken } = readNodes({ path: file.path, text });
    this.warnings.push(...warnings.filter((warning) => !this.warnings.includes(warning)));
    for (const { where, message } of broken) this.draft.unresolved(where, 'part of the file', message);
    const arch = this.values.get('ARCH') ?? documents.map((node) => node.at('metadata', 'architecture').text).find((found) => found !== undefined);
    return arch === undefined || !text.includes('###ZARF_PKG_ARCH###') ? documents : readNodes({ path: file.path, text: text.replaceAll('###ZARF_PKG_ARCH###', arch) }).documents;
  }

  /** A file may hold the package once for each version of Zarf's API; the newest one counts. */
  private definitions(file: AdapterFile): Node[] {
    const all = this.read(file).filter((node) => /^Zarf(?:Package|Init|Component)Config$/.test(node.at('kind').text ?? ''));
    const isNewest = (node: Node): boolean => node.at('apiVersion').text === 'zarf.dev/v1beta1';
    if (all.length < 2 || !all.some(isNewest)) return all;
    this.warnings.push(...all.filter((node) => !isNewest(node)).map((node) => `${node.where}: the same package for another version of the API is passed over`));
    return all.filter(isNewest);
  }

  /** import.path of v1alpha1; import.local[].path of v1beta1. */
  private importPaths(component: Node, from: string): string[] {
    return [...component.at('import', 'path').texts, ...component.at('import', 'local').items.flatMap((item) => item.at('path').texts)].map((path) => {
      const joined = posix.normalize(posix.join(posix.dirname(from), path));
      return /\.ya?ml$/.test(joined) ? joined : posix.join(joined, 'zarf.yaml');
    });
  }

  private component(component: Node, file: AdapterFile, root: Node, { depth, by = component }: Reading): void {
    const name = component.at('name').text ?? by.at('name').text ?? '';
    this.import(component, file, root, depth);
    const arch = component.at('only', 'cluster', 'architecture').text ?? component.at('selector', 'architecture').text ?? root.at('metadata', 'architecture').text;
    const flavor = component.at('only', 'flavor').text ?? component.at('selector', 'flavor').text;
    const asked = component.at('name').exists ? component : by;
    const isRequired = asked.at('required').isTrue || (asked.at('optional').exists && !asked.at('optional').isTrue) || (root.at('apiVersion').text === 'zarf.dev/v1beta1' && !asked.at('optional').isTrue);
    const when = { ...(flavor === undefined ? {} : { flavors: [flavor] }), ...(arch === undefined ? {} : { arch: [arch] }), ...(isRequired || name === '' ? {} : { components: [name] }) };
    const more: Fields = Object.keys(when).length === 0 ? {} : { when };
    for (const item of component.at('images').items) this.image(item, arch, more);
    for (const archive of component.at('imageArchives').items) this.archive(archive, file.path, arch, more);
    for (const item of component.at('files').items) addFile(this.draft, item, { path: file.path, os: component.at('only', 'localOS').text, arch, more });
    for (const item of component.at('charts').items) addChart(this.draft, item, file.path, { ...more, isImported: component.at('import').exists });
    for (const item of [...component.at('repos').items, ...component.at('repositories').items]) addRepository(this.draft, item, more);
    for (const item of component.at('manifests').items) this.manifest(item, file, more);
    this.manifestFolder(component.at('manifests'), file, more);
    for (const item of component.at('dataInjections').items) this.draft.unresolved(item.where, item.at('source').text ?? 'data', 'data injected into a pod: carry it as a file when it is wanted');
    for (const stage of ['before', 'after', 'onSuccess', 'onFailure']) for (const action of component.at('actions', 'onCreate', stage).items) this.draft.unresolved(action.where, action.at('cmd').text ?? 'an action', 'an action while the package is made may fetch or build something');
    for (const stage of ['prepare', 'before', 'after']) for (const script of component.at('scripts', stage).items) this.draft.unresolved(script.where, script.text ?? 'a script', 'a script while the package is made or deployed may fetch or build something');
    for (const [extension, value] of component.at('extensions').entries) this.draft.unresolved(value.where, `extension ${extension} ${value.at('version').text ?? ''}`, 'what it brings is known only to Zarf itself: name its images and charts');
    for (const [key, value] of component.entries) if (!knownFields.includes(key)) this.draft.unresolved(value.where, key, 'a field of a component that is not known');
  }

  private import(component: Node, file: AdapterFile, root: Node, depth: number): void {
    for (const url of [...component.at('import', 'url').texts, ...component.at('import', 'remote').items.flatMap((item) => item.at('url').texts)]) {
      this.draft.unresolved(component.at('import').where, url, 'an import from a registry: convert that package too');
    }
    const name = component.at('import', 'name').text ?? component.at('name').text;
    const arch = component.at('only', 'cluster', 'architecture').text;
    for (const path of this.importPaths(component, file.path)) {
      const found = this.files.find((candidate) => posix.normalize(candidate.path) === path);
      if (found === undefined || depth > 10) { this.draft.unresolved(component.at('import').where, `import ${path}`, depth > 10 ? 'imports nested too deeply' : 'a file that is not among those given'); continue; }
      for (const node of this.read(found)) {
        if (node.at('component').isMap) this.component(node.at('component'), found, root, { depth: depth + 1, by: component });
        for (const other of node.at('components').items) {
          const otherArch = other.at('only', 'cluster', 'architecture').text;
          if (other.at('name').text === name && (arch === undefined || otherArch === undefined || arch === otherArch)) this.component(other, found, root, { depth: depth + 1 });
        }
      }
    }
  }

  private image(item: Node, arch: string | undefined, more: Fields): void {
    const ref = item.text ?? item.at('name').text ?? '';
    if (item.at('source').text === 'daemon') { this.draft.unresolved(item.where, ref, 'an image of the local Docker: save it, and name the archive'); return; }
    const [, suffix] = /:sha256-[0-9a-f]{64}\.(sig|att|sbom)$/.exec(ref) ?? [];
    const kind = suffix === 'sig' ? 'signature' : suffix === 'att' ? 'attestation' : suffix === 'sbom' ? 'sbom' : /\/charts?\//.test(ref) ? 'artifact' : undefined;
    this.draft.image(ref, item.where, { ...(kind === undefined ? (arch === undefined ? {} : { platforms: [`linux/${arch}`] }) : { kind, platforms: ['all'] }), ...more });
  }

  private archive(archive: Node, from: string, arch: string | undefined, more: Fields): void {
    const written = archive.at('path').text ?? '';
    const path = this.draft.local(written, from, archive.where);
    if (path === undefined) return;
    for (const item of archive.at('images').items) {
      this.draft.image(item.text ?? '', item.where, { archive: { path, format: /\.tar$/.test(path) ? 'docker' : 'oci' }, ...(arch === undefined ? {} : { platforms: [`linux/${arch}`] }), ...more });
    }
  }

  /** Packages before components name a folder of manifests: those among the files given are read. */
  private manifestFolder(manifests: Node, from: AdapterFile, more: Fields): void {
    if (manifests.text === undefined) return;
    const folder = posix.normalize(posix.join(posix.dirname(from.path), manifests.text)).replace(/\/$/, '');
    const inside = this.files.filter(({ path }) => posix.normalize(path).startsWith(`${folder}/`));
    if (inside.length === 0) this.draft.unresolved(manifests.where, `manifests ${manifests.text}`, 'a folder of which no file was given');
    for (const file of inside) {
      this.draft.localFile(posix.relative(posix.dirname(from.path), file.path), from.path, manifests.where, more);
      this.imagesIn(file, more);
    }
  }

  private imagesIn(file: AdapterFile, more: Fields): void {
    for (const object of this.read(file)) for (const found of imagesOf(object)) this.draft.image(found.ref, found.where, { ...found.more, confidence: found.more['confidence'] ?? 'rendered', ...more });
  }

  /** Manifests travel as files; images in them that are not listed are taken as rendered. */
  private manifest(manifest: Node, file: AdapterFile, more: Fields): void {
    for (const item of manifest.at('files').items) {
      addFile(this.draft, item, { path: file.path, arch: undefined, more });
      const path = posix.normalize(posix.join(posix.dirname(file.path), item.text ?? ''));
      const given = this.files.find((candidate) => posix.normalize(candidate.path) === path);
      if (given !== undefined) this.imagesIn(given, more);
    }
    for (const item of [...manifest.at('kustomizations').items, ...manifest.at('kustomize', 'files').items]) this.draft.unresolved(item.where, item.text ?? '', 'a kustomization: convert it with k8s');
  }
}
