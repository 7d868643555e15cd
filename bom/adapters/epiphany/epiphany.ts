// Epiphany 2.0 download requirements (YAML manifests below roles/repository/files/download-requirements).
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, digestText, type Fields } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';
import { addBuiltinRepositories, addDebRepositories, addRpmRepositories } from './epiphany-repositories.ts';
import type { EpiphanyTarget } from './epiphany-target.ts';
import { featureWhen, type Mappings, readMappings } from './epiphany-features.ts';

const arches: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };
const families: Readonly<Record<string, 'debian' | 'rhel'>> = { debian: 'debian', redhat: 'rhel' };
const pathPattern = /(?:^|\/)(?:requirements|repositories)\/(?:.*\/)?[^/]+\.ya?ml$|(?:^|\/)feature-mappings\.ya?ml$/;

/** `select` takes operating systems (ubuntu-20.04) and architectures (x86_64); components and features are selected in the project. */
export const epiphany: Adapter = {
  name: 'epiphany', version: 1,
  summary: 'Epiphany 2.0 download requirements: images, files, dashboards, deb and rpm packages; select by os and architecture',
  wants: (path) => pathPattern.test(path),
  detect: (files) => files.some(({ path }) => /(?:^|\/)requirements\/(?:x86_64|aarch64)\/(?:images|files)\.ya?ml$/.test(path)),
  convert: (files, options = {}) => new Epiphany(files.filter(({ path }) => pathPattern.test(path)), options).convert(),
};

class Epiphany {
  private readonly files: readonly AdapterFile[];
  private readonly options: AdapterOptions;
  private readonly draft: BomDraft;
  private readonly warnings: string[] = [];
  private readonly mappings: Mappings;

  constructor(files: readonly AdapterFile[], options: AdapterOptions) {
    this.files = files;
    this.options = options;
    this.draft = new BomDraft(epiphany, files, options);
    this.mappings = readMappings(this.nodesOf(/(?:^|\/)feature-mappings\.ya?ml$/));
  }

  convert(): Converted {
    const targets = this.targets();
    this.draft.metadata['labels'] = { kind: 'distribution', short: 'epiphany' };
    for (const { id, family, os, arch } of targets) {
      const [name = os, release] = os.split(/-(?=[^-]*$)/);
      this.draft.add('targets', { id, family, os: name, release, arch, ...(family === 'rhel' ? { releasever: release, basearch: arch === 'arm64' ? 'aarch64' : 'x86_64' } : {}) });
    }
    for (const folder of Object.keys(arches)) if (targets.length === 0 || targets.some(({ arch }) => arch === arches[folder])) this.architecture(folder);
    this.dashboards();
    for (const target of targets) this.packages(target);
    return { boms: [this.draft.build('epiphany')], warnings: this.warnings };
  }

  /** What the folders hold, limited by `select`. */
  private targets(): EpiphanyTarget[] {
    const found = new Map<string, EpiphanyTarget>();
    for (const { path } of this.files) {
      const match = /(?:^|\/)requirements\/(x86_64|aarch64)\/(debian|redhat)\/([^/]+)\/[^/]+\.ya?ml$/.exec(path);
      const [, folder = '', family = '', os = ''] = match ?? [];
      if (match === null) continue;
      const arch = arches[folder] ?? folder;
      found.set(`${os}-${arch}`, { id: `${os}-${arch}`, family: families[family] ?? 'debian', folder, os, arch });
    }
    const words = this.options.select ?? [];
    const all = [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const osWords = words.filter((word) => all.some(({ os }) => os === word));
    const archWords = words.flatMap((word) => arches[word] ?? (Object.values(arches).includes(word) ? [word] : []));
    for (const word of words) if (!osWords.includes(word) && !archWords.includes(arches[word] ?? word)) this.warnings.push(`select: ${word} is neither an operating system nor an architecture here (${all.map(({ os }) => os).join(', ')})`);
    return all.filter(({ os, arch }) => (osWords.length === 0 || osWords.includes(os)) && (archWords.length === 0 || archWords.includes(arch)));
  }

  private nodesOf(pattern: RegExp): Node[] {
    return this.files.filter(({ path }) => pattern.test(path)).flatMap((file) => {
      const { documents, warnings, broken } = readNodes(file);
      this.warnings.push(...warnings);
      for (const { where, message } of broken) this.draft.unresolved(where, 'part of the file', message);
      return documents;
    });
  }

  private architecture(folder: string): void {
    const arch = arches[folder] ?? folder;
    const only: Fields = this.files.some(({ path }) => path.includes('requirements/') && Object.keys(arches).some((other) => other !== folder && path.includes(`requirements/${other}/`))) ? { arch: [arch] } : {};
    for (const node of this.nodesOf(new RegExp(`(?:^|/)requirements/${folder}/images\\.ya?ml$`))) this.images(node.at('images'), `linux/${arch}`, only);
    for (const node of this.nodesOf(new RegExp(`(?:^|/)requirements/${folder}/files\\.ya?ml$`))) this.fileEntries(node.at('files'), arch, only);
    for (const node of this.nodesOf(new RegExp(`(?:^|/)requirements/${folder}/cranes\\.ya?ml$`))) {
      for (const [key, item] of node.at('cranes').entries) {
        const id = `toolchain-${key.includes('/') ? arch : `${key}-${arch}`}`;
        if (this.file(key, item, { id, purpose: 'toolchain', when: only })) this.draft.add('tools', { id: `tool-${id}`, file: id, when: only });
      }
    }
  }

  /** Grouped by feature since 2.0.1; flat in 2.0.0. */
  private images(images: Node, platform: string, only: Fields): void {
    const take = (ref: string, item: Node, when: Fields): void => {
      const sha1 = item.at('sha1').text;
      const format = item.at('use_legacy_format').isTrue ? 'legacy' : undefined;
      this.draft.image(ref, item.where, {
        platforms: [platform], ...(Object.keys(when).length === 0 ? {} : { when }),
        ...(sha1 === undefined ? {} : { evidence: [{ kind: 'crane-tarball-sha1', value: sha1, ...(format === undefined ? {} : { format }), ...(item.at('allow_mismatch').isTrue ? { allowMismatch: true } : {}) }] }),
      });
    };
    for (const [key, item] of images.entries) {
      const isFlat = item.at('sha1').text !== undefined || /[:/@]/.test(key);
      if (isFlat) take(key, item, only);
      else for (const [ref, inner] of item.entries) take(ref, inner, { ...featureWhen([key], this.mappings), ...only });
    }
  }

  private fileEntries(files: Node, arch: string, only: Fields): void {
    for (const [key, item] of files.entries) {
      const deps = item.at('deps').texts;
      const when = { ...(deps.length === 0 || deps.includes('default') ? {} : featureWhen(deps, this.mappings)), ...only };
      const isChart = /-chart$/.test(key) || /(?:helm|charts?)[./].*\.tgz$/.test(firstUrl(key, item)) || (key === 'keycloak' && firstUrl(key, item).endsWith('.tgz'));
      const isKey = !key.includes('/');
      this.file(key, item, { ...(isKey ? { id: key } : {}), purpose: isChart ? 'chart' : 'binary', ...(isChart ? {} : { platform: { os: 'linux', arch } }), ...(Object.keys(when).length === 0 ? {} : { when }) });
    }
  }

  /** `options` in order are mirrors of one content when their sums agree; else each is a file of its own. */
  private file(key: string, item: Node, more: Fields & { readonly saveAs?: string }): boolean {
    const options = item.at('options').items;
    if (options.length === 0) return this.draft.file([item.at('url').text ?? key], item.where, { ...digestField(item), ...more });
    const [first] = options;
    const sums = new Set(options.map((option) => option.at('sha256').text));
    if (first === undefined || sums.size > 1) {
      this.draft.unresolved(item.where, key, 'mirrors with different sha256: they are not the same file');
      return false;
    }
    return this.draft.file(options.flatMap((option) => option.at('url').text ?? []), item.where, { ...digestField(first), ...more });
  }

  private dashboards(): void {
    for (const node of this.nodesOf(/(?:^|\/)requirements\/grafana-dashboards\.ya?ml$/)) {
      for (const [key, item] of node.at('grafana-dashboards').entries) {
        const when = this.mappings.size === 0 ? undefined : featureWhen(['grafana'], this.mappings);
        this.file(key, item, { id: key, purpose: 'dashboard', saveAs: `${key}.json`, ...(when === undefined ? {} : { when }) });
      }
    }
  }

  private packages(target: EpiphanyTarget): void {
    const { folder, id, family } = target;
    const familyFolder = family === 'debian' ? 'debian' : 'redhat';
    const base = `(?:^|/)repositories/${folder}/${familyFolder}/`;
    const repositories = [...this.nodesOf(new RegExp(`${base}${familyFolder}\\.ya?ml$`)), ...this.nodesOf(new RegExp(`${base}${escaped(target.os)}/[^/]+\\.ya?ml$`))].map((node) => node.at('repositories'));
    if (family === 'debian') addDebRepositories(this.draft, repositories, target);
    else { addRpmRepositories(this.draft, repositories, target); addBuiltinRepositories(this.draft, target); }
    const own = `(?:^|/)requirements/${folder}/${familyFolder}/`;
    const manifests = [...this.nodesOf(new RegExp(`${own}${escaped(target.os)}/packages\\.ya?ml$`)), ...this.nodesOf(new RegExp(`${own}packages\\.ya?ml$`))];
    const manager = family === 'debian' ? 'deb' : 'rpm';
    const specs = (...path: string[]): { spec: string; origin: string }[] => manifests.flatMap((node) => node.at(...path).items.flatMap((item) => (item.text === undefined ? [] : [{ spec: item.text, origin: item.where }])));
    const prerequisites = specs('prereq-packages');
    if (prerequisites.length > 0) this.draft.add('packages', { id: `${id}-prereqs`, manager, target: id, role: 'bootstrap', dependencies: 'none', include: prerequisites.map(({ spec }) => ({ spec })) });
    const urls = new Map<string, string | undefined>();
    for (const [url, item] of manifests.flatMap((node) => node.at('packages', 'from_url').entries)) if (!urls.has(url)) urls.set(url, digestText(item.at('sha256').text, 'sha256'));
    const include = [...specs('packages', 'from_repo').map(({ spec }) => ({ spec })), ...specs('packages', 'multiple_versioned').map(({ spec }) => ({ spec, versions: 'all' }))];
    if (include.length + urls.size === 0) return;
    this.draft.add('packages', { id, manager, target: id, dependencies: 'closure', include, urls: [...urls].map(([url, digest]) => ({ url, ...(digest === undefined ? {} : { digest }) })) });
  }
}

function firstUrl(key: string, item: Node): string {
  return item.at('options', 0, 'url').text ?? item.at('url').text ?? key;
}

function digestField(item: Node): Fields {
  const digest = digestText(item.at('sha256').text, 'sha256');
  return digest === undefined ? {} : { digest };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
