// Epiphany 2.0 download requirements (YAML manifests below roles/repository/files/download-requirements).
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { baseName, BomDraft, digestText, type Fields } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';
import { addPackages } from './epiphany-packages.ts';
import { addBuiltinRepositories, addDebRepositories, addRpmRepositories } from './epiphany-repositories.ts';
import { type EpiphanyPlace, type EpiphanyTarget, placeOf } from './epiphany-target.ts';
import { featureWhen, type Mappings, readMappings } from './epiphany-features.ts';

const arches: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };
const pathPattern = /(?:^|\/)(?:requirements|repositories)\/(?:.*\/)?[^/]+\.ya?ml$|(?:^|\/)feature-mappings\.ya?ml$/;

/** `select` takes operating systems (ubuntu-20.04) and architectures (x86_64); components and features are selected in the project. */
export const epiphany: Adapter = {
  name: 'epiphany', version: 2,
  summary: 'Epiphany 2.0 download requirements: images, files, dashboards, deb and rpm packages; select by os and architecture',
  wants: (path) => pathPattern.test(path),
  detect: (files) => files.some(({ path, text }) => /(?:^|\/)requirements\/(?:x86_64|aarch64)\/(?:images|files)\.ya?ml$/.test(path) || (/(?:^|\/)requirements\/(?:x86_64|aarch64)\/.*\.ya?ml$/.test(path) && /^(?:prereq-packages|packages|files):/m.test(text))),
  convert: (files, options = {}) => new Epiphany(files.filter(({ path }) => pathPattern.test(path)), options).convert(),
};

interface Placed { readonly path: string; readonly place: EpiphanyPlace; readonly nodes: readonly Node[] }
type Where = (place: EpiphanyPlace) => boolean;

class Epiphany {
  private readonly files: readonly AdapterFile[];
  private readonly placed: readonly Placed[];
  private readonly options: AdapterOptions;
  private readonly draft: BomDraft;
  private readonly warnings: string[] = [];
  private readonly mappings: Mappings;

  constructor(files: readonly AdapterFile[], options: AdapterOptions) {
    this.files = files;
    this.options = options;
    this.draft = new BomDraft(epiphany, files, options);
    this.mappings = readMappings(this.files.filter(({ path }) => /(?:^|\/)feature-mappings\.ya?ml$/.test(path)).flatMap((file) => this.read(file)));
    this.placed = this.files.flatMap((file) => {
      const place = placeOf(file.path);
      return place === undefined ? [] : [{ path: file.path, place, nodes: this.read(file) }];
    });
  }

  convert(): Converted {
    const targets = this.targets();
    this.draft.metadata['labels'] = { kind: 'distribution', short: 'epiphany' };
    for (const { id, family, os, arch } of targets) {
      const [name = os, release] = os.split(/-(?=[^-]*$)/);
      this.draft.add('targets', { id, family, os: name === 'redhat' ? 'rhel' : name, release, arch, ...(family === 'rhel' ? { releasever: release, basearch: arch === 'arm64' ? 'aarch64' : 'x86_64' } : {}) });
    }
    for (const folder of Object.keys(arches)) if (targets.length === 0 || targets.some(({ arch }) => arch === arches[folder])) this.architecture(folder);
    this.dashboards();
    for (const target of targets) this.packages(target);
    for (const { path } of this.files) if (placeOf(path) === undefined && !/feature-mappings/.test(path)) this.draft.unresolved(path, 'a file', 'not in a place that is known: requirements/<arch>/[<family>/][<os>/], repositories/<arch>/<family>/');
    return { boms: [this.draft.build('epiphany')], warnings: this.warnings };
  }

  /** What the folders hold, limited by `select`. */
  private targets(): EpiphanyTarget[] {
    const found = new Map<string, EpiphanyTarget>();
    for (const { path } of this.files) {
      const place = placeOf(path);
      if (place?.part !== 'requirements' || place.os === undefined || place.arch === undefined) continue;
      const { os, arch: folder } = place;
      const arch = arches[folder] ?? folder;
      found.set(`${os}-${arch}`, { id: `${os}-${arch}`, family: place.family ?? 'rhel', folder, os, arch });
    }
    const words = this.options.select ?? [];
    const all = [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const osWords = words.filter((word) => all.some(({ os }) => os === word));
    const archWords = words.flatMap((word) => arches[word] ?? (Object.values(arches).includes(word) ? [word] : []));
    for (const word of words) if (!osWords.includes(word) && !archWords.includes(arches[word] ?? word)) this.warnings.push(`select: ${word} is neither an operating system nor an architecture here (${all.map(({ os }) => os).join(', ')})`);
    return all.filter(({ os, arch }) => (osWords.length === 0 || osWords.includes(os)) && (archWords.length === 0 || archWords.includes(arch)));
  }

  private read(file: AdapterFile): readonly Node[] {
    const { documents, warnings, broken } = readNodes(file);
    this.warnings.push(...warnings);
    for (const { where, message } of broken) this.draft.unresolved(where, 'part of the file', message);
    return documents;
  }

  /** Documents of requirements that say something of `topic`, of the places that fit. */
  private nodesOf(topic: string, fits: Where): Node[] {
    return this.placed.filter(({ place }) => place.part === 'requirements' && (place.topic === topic || place.topic === 'all') && fits(place)).flatMap(({ nodes }) => nodes);
  }

  private architecture(folder: string): void {
    const arch = arches[folder] ?? folder;
    const only: Fields = this.files.some(({ path }) => path.includes('requirements/') && Object.keys(arches).some((other) => other !== folder && path.includes(`requirements/${other}/`))) ? { arch: [arch] } : {};
    const general: Where = (place) => place.os === undefined && place.family === undefined && (place.arch === folder || place.arch === undefined);
    for (const node of this.nodesOf('images', general)) this.images(node.at('images'), `linux/${arch}`, only);
    for (const node of this.nodesOf('files', general)) this.fileEntries(node.at('files'), arch, only);
    for (const node of this.nodesOf('cranes', general)) {
      for (const [key, item] of [...named(node.at('cranes')), ...named(node.at('crane'))]) {
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
    for (const [key, item] of named(images)) {
      const isFlat = images.isList || item.at('sha1').text !== undefined || /[:/@]/.test(key);
      if (isFlat) take(key, item, only);
      else for (const [ref, inner] of named(item)) take(ref, inner, { ...featureWhen([key], this.mappings), ...only });
    }
  }

  private fileEntries(files: Node, arch: string, only: Fields): void {
    for (const [key, item] of named(files)) {
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
    if (options.length === 0) return this.draft.file([item.at('url').text ?? key], item.where, { ...this.digest(item), ...more });
    const [first] = options;
    const sums = new Set(options.map((option) => option.at('sha256').text));
    if (first === undefined || sums.size > 1) {
      this.draft.unresolved(item.where, key, 'mirrors with different sha256: they are not the same file');
      return false;
    }
    return this.draft.file(options.flatMap((option) => option.at('url').text ?? []), item.where, { ...this.digest(first), ...more });
  }

  private digest(item: Node): Fields {
    const { text } = item.at('sha256');
    const digest = digestText(text, 'sha256');
    if (text !== undefined && digest === undefined) this.draft.unresolved(item.at('sha256').where, `sha256 ${text}`, 'not a sha256');
    return digest === undefined ? {} : { digest };
  }

  private dashboards(): void {
    for (const node of this.nodesOf('dashboards', () => true)) {
      for (const [key, item] of [...named(node.at('grafana-dashboards')), ...named(node.at('dashboards'))]) {
        const when = this.mappings.size === 0 ? undefined : featureWhen(['grafana'], this.mappings);
        this.file(key, item, { id: key, purpose: 'dashboard', saveAs: `${key}.json`, ...(when === undefined ? {} : { when }) });
      }
    }
  }

  private packages(target: EpiphanyTarget): void {
    const { folder, family } = target;
    const isOwn: Where = (place) => place.arch === folder && place.os === target.os;
    const isOfFamily: Where = (place) => place.arch === folder && place.os === undefined && place.family === family;
    const repositories = [isOfFamily, isOwn].flatMap((fits) => this.placed.filter(({ place }) => place.part === 'repositories' && (fits(place) || (fits === isOfFamily && isSameFamily(place, target))))).flatMap(({ nodes }) => nodes.map((node) => node.at('repositories')));
    if (family === 'debian') addDebRepositories(this.draft, repositories, target);
    else { addRpmRepositories(this.draft, repositories, target); addBuiltinRepositories(this.draft, target); }
    const urls = this.ownFiles(target, [...this.nodesOf('files', isOwn), ...this.nodesOf('files', isOfFamily)]);
    addPackages(this.draft, target, [...this.nodesOf('packages', isOwn), ...this.nodesOf('packages', isOfFamily)], urls);
  }

  /** Files of one operating system; packages among them go to its packages. What the files of every system have under the same key is theirs. */
  private ownFiles(target: EpiphanyTarget, nodes: readonly Node[]): ReadonlyMap<string, Node> {
    const general = new Set(this.nodesOf('files', (place) => place.os === undefined && place.family === undefined && (place.arch === target.folder || place.arch === undefined)).flatMap((node) => named(node.at('files')).map(([key]) => key)));
    const urls = new Map<string, Node>();
    for (const [key, item] of nodes.flatMap((node) => named(node.at('files')))) {
      if (general.has(key)) continue;
      const url = firstUrl(key, item);
      if (/\.(?:rpm|deb)$/.test(baseName(url)) && item.at('options').items.length < 2) urls.set(url, item.at('options', 0).exists ? item.at('options', 0) : item);
      else this.file(key, item, { purpose: 'binary', platform: { os: 'linux', arch: target.arch }, when: { targets: [target.id] } });
    }
    return urls;
  }
}

/** Entries of a mapping, or of a list by their name or URL, as the first manifests had them. */
function named(node: Node): (readonly [string, Node])[] {
  return node.isList ? node.items.map((item) => [item.text ?? item.at('name').text ?? item.at('url').text ?? '', item] as const) : [...node.entries];
}

/** `repositories/x86_64/redhat.yml` and `ubuntu.yml`: one file for every release of a system. */
function isSameFamily(place: EpiphanyPlace, { folder, os }: EpiphanyTarget): boolean {
  return place.arch === folder && place.os !== undefined && place.os !== os && os.startsWith(`${place.os}-`);
}

function firstUrl(key: string, item: Node): string {
  return item.at('options', 0, 'url').text ?? item.at('url').text ?? key;
}
