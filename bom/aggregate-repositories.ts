// Package repositories of a run: declared by modules, mapped by the project, or those of this machine.
import { escapedPath, withKeyPaths } from './apt-sources.ts';
import { checkDiskAddresses, type Entry } from './aggregate-entries.ts';
import { type HostRewrites, urlOf } from './aggregate-hosts.ts';
import type { ModuleTargets } from './aggregate-targets.ts';
import { canonicalJson } from './canonical-json.ts';
import { parseDigest } from './digest.ts';
import type { ParsedProject } from './documents/document.ts';
import type { BomKey, BomRepository, SystemRepository } from './documents/module-bom.ts';
import { didYouMean } from './documents/suggest.ts';
import { formatPosition, type TreePath } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import type { KeySource, Position, RepositoryRequirement, Target } from './requirement.ts';

/** The distribution's own repositories: of this machine, when it runs what `target` says, or its public mirrors; undefined when neither is known. */
export type HostAptSources = (target: Target, at: Position) => readonly RepositoryRequirement[] | undefined;

export interface PackageOptions {
  readonly project: ParsedProject;
  readonly targets: ModuleTargets;
  readonly rewrites: HostRewrites;
  readonly hostAptSources?: HostAptSources;
}

/** Repositories of a run: the same definition from two modules keeps its id, another one under the same id gets its module in front. */
export class RepositoryBook {
  readonly rewrites: HostRewrites;
  private readonly entries: readonly Entry<'packageRepositories'>[];
  private readonly options: PackageOptions;
  private readonly taken = new Map<string, string>();

  constructor(entries: readonly Entry<'packageRepositories'>[], options: PackageOptions) {
    this.entries = entries;
    this.options = options;
    this.rewrites = options.rewrites;
  }

  of(set: Entry<'packages'>, target: Target): RepositoryRequirement[] {
    const named = set.value.repositories ?? [];
    const usable = this.entries.filter(({ value }) => value.manager === set.value.manager && ((value.targets ?? []).length === 0 || (value.targets ?? []).includes(target.id)));
    const own = usable.filter((entry) => entry.module === set.module);
    const chosen = named.length === 0 ? own : named.map((id, index) => this.named(id, own, usable, set.at('repositories', index), target));
    if (chosen.length === 0) return [...(this.system(undefined, set.at(), target, set.value.manager) ?? [])];
    return chosen.flatMap((entry) => this.requirements(entry, target));
  }

  private named(id: string, own: readonly Entry<'packageRepositories'>[], usable: readonly Entry<'packageRepositories'>[], at: Position, target: Target): Entry<'packageRepositories'> {
    const found = own.find((entry) => entry.value.id === id) ?? usable.find((entry) => entry.value.id === id);
    if (found !== undefined) return found;
    const known = usable.map((entry) => entry.value.id);
    throw new BundleError('INPUT_FIELD', {
      subject: formatPosition(at), expected: `the id of a repository for target ${target.id} (${known.join(', ') || 'there is none'})`, actual: id,
      next: didYouMean(id, known) ?? 'Declare it under spec.packageRepositories.',
    });
  }

  private requirements(entry: Entry<'packageRepositories'>, target: Target): readonly RepositoryRequirement[] {
    const { value } = entry;
    if (value.system !== true) return [this.unique(repositoryOf(value.id, value, { ...this.place(entry), manager: value.manager }), entry.module, target)];
    const found = this.system(value.id, entry.at(), target, value.manager);
    if (found !== undefined) return found;
    throw new BundleError('RESOLVE_NOT_FOUND', {
      subject: `${formatPosition(entry.at())}: repository ${value.id}`, expected: `the distribution's own repositories for target ${target.id}`,
      actual: 'no mapping, and this machine does not run it', next: `Set spec.systemRepositories.${target.id} of the project.`,
    });
  }

  private place(entry: Entry<'packageRepositories'>): Place {
    return { at: (...field) => entry.at(...field), pathOf: (written, ...field) => entry.pathOf(written, ...field), rewrites: this.rewrites };
  }

  /** What the project maps a target's system repositories to, else what this machine has. */
  private system(id: string | undefined, at: Position, target: Target, manager: 'deb' | 'rpm'): readonly RepositoryRequirement[] | undefined {
    const { project, hostAptSources } = this.options;
    const mapped = project.value.spec?.systemRepositories?.[target.id];
    if (mapped === undefined) return hostAptSources?.(target, at)?.filter((repository) => repository.manager === manager).map((repository) => this.unique(repository, 'system', target));
    return mapped.map((item, index) => {
      const path = ['spec', 'systemRepositories', target.id, index];
      const place: Place = {
        at: (...field) => project.positionOf([...path, ...field]), rewrites: this.rewrites,
        pathOf: (written, ...field) => localKey(project, written, project.positionOf([...path, ...field])),
      };
      const name = (typeof item === 'string' ? undefined : item.id) ?? `${id ?? 'system'}${mapped.length === 1 ? '' : `-${index + 1}`}`;
      return this.unique(repositoryOf(name, fieldsOf(item, manager), { ...place, manager }), 'system', target);
    });
  }

  private unique(repository: RepositoryRequirement, module: string, target: Target): RepositoryRequirement {
    const { at: _, id, sources, ...definition } = repository;
    const text = canonicalJson({ ...definition, ...(sources === undefined ? {} : { sources: sources.text }) });
    for (const name of [id, `${module}-${id}`]) {
      const key = `${target.id} ${name}`;
      if ((this.taken.get(key) ?? text) !== text) continue;
      this.taken.set(key, text);
      return { ...repository, id: name };
    }
    throw new BundleError('RESOLVE_CONFLICT', { subject: `${formatPosition(repository.at)}: repository ${id}`, expected: 'one definition of a repository in a module', actual: 'two', next: 'Give one of them another id.' });
  }
}

/** The absolute path of a file that a project names. Throws `INPUT_FIELD` where it may not name local files. */
export function localKey(project: ParsedProject, written: string, at: Position): string {
  const { folder } = project;
  if (written.startsWith('/')) return written;
  if (folder !== undefined) return `${folder}/${written}`;
  throw new BundleError('INPUT_FIELD', { subject: formatPosition(at), expected: 'an absolute path or a URL', actual: JSON.stringify(written) });
}

type Fields = Partial<Omit<BomRepository, 'id' | 'manager'>>;

function fieldsOf(item: SystemRepository, manager: 'deb' | 'rpm'): Fields {
  if (typeof item !== 'string') { const { id: _, annotations: __, ...fields } = item; return fields; }
  return manager === 'deb' ? { line: item } : { baseurl: item };
}

interface Place { readonly at: (...field: TreePath) => Position; readonly pathOf: (written: string, ...field: TreePath) => string; readonly rewrites: HostRewrites }

function repositoryOf(id: string, value: Fields, place: Place & { readonly manager: 'deb' | 'rpm' }): RepositoryRequirement {
  const { at, manager, rewrites } = place;
  checkLocation(id, value, manager, at());
  for (const field of ['line', 'baseurl', 'repoText'] as const) for (const text of [value[field] ?? []].flat()) checkDiskAddresses(text, (path) => place.pathOf(path, field));
  const url = (field: 'uri' | 'mirrorlist' | 'metalink'): string | undefined => (value[field] === undefined ? undefined : urlOf(value[field], rewrites, at(field)));
  const optional = {
    line: value.line === undefined ? undefined : rewriteHosts(value.line, rewrites),
    sources: value.sources === undefined ? undefined : sourcesOf(value.sources, place),
    uris: value.uri === undefined ? undefined : [url('uri') ?? ''],
    suites: value.flat === true ? [value.suite ?? './'] : value.suite === undefined ? undefined : [value.suite],
    components: value.components, architectures: value.architectures,
    baseurls: value.baseurl === undefined ? undefined : [value.baseurl].flat().flatMap((item) => item.split(/[\s,]+/)).filter((item) => item !== '').map((item) => (/^file:\/\/\//.test(item) ? item : urlOf(item, rewrites, at('baseurl')))),
    mirrorlist: url('mirrorlist'), metalink: url('metalink'),
    gpgcheck: value.gpgcheck, repoGpgcheck: value.repoGpgcheck, allowExpired: value.allowExpired,
    priority: value.priority, moduleHotfixes: value.moduleHotfixes, modules: value.modules, excludes: value.excludes, includepkgs: value.includepkgs,
    repoFile: value.repoFile === undefined ? undefined : { path: place.pathOf(value.repoFile, 'repoFile'), written: value.repoFile }, repoText: value.repoText,
    variables: value.variables, headersFrom: value.headersFrom, cost: value.cost,
    tls: value.tls === undefined ? undefined : withoutUndefined(value.tls),
  };
  return {
    id, manager, at: at(), trusted: value.trusted ?? false, keys: (value.gpgKeys ?? []).map((key, index) => keyOf(key, index, place)),
    ...withoutUndefined(optional),
  } as RepositoryRequirement;
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function checkLocation(id: string, value: Fields, manager: 'deb' | 'rpm', at: Position): void {
  const given = manager === 'deb' ? [value.line, value.sources, value.uri] : [value.baseurl, value.mirrorlist, value.metalink, value.repoFile, value.repoText];
  const count = given.filter((item) => item !== undefined).length;
  const whole = value.line === undefined ? value.sources === undefined ? undefined : 'sources' : 'line';
  const beside = (['suite', 'components', 'architectures', 'flat'] as const).filter((field) => value[field] !== undefined);
  if (manager === 'deb' && count === 1 && whole !== undefined && beside.length > 0) {
    throw new BundleError('INPUT_FIELD', {
      subject: `${formatPosition(at)}: repository ${id}`, expected: `${whole} alone, which says suites, components and architectures itself`, actual: `${beside.join(', ')} beside it`,
      next: whole === 'line' ? 'Write them into the line, architectures as [arch=…].' : 'Write them into the stanzas: Suites, Components, Architectures.',
    });
  }
  if (count === 1 || (count > 1 && manager === 'rpm')) return;
  throw new BundleError('INPUT_FIELD', {
    subject: `${formatPosition(at)}: repository ${id}`, expected: manager === 'deb' ? 'one of line, sources, uri' : 'one of baseurl, mirrorlist, metalink, repoFile, repoText',
    actual: count === 0 ? 'none' : String(count), next: 'Say where the repository is, or system: true when it is one of the distribution.',
  });
}

function keyOf(key: BomKey, index: number, { at, pathOf, rewrites }: Place): KeySource {
  return {
    ...(key.url === undefined ? {} : { url: urlOf(key.url, rewrites, at('gpgKeys', index, 'url')) }),
    ...(key.path === undefined ? {} : { path: pathOf(key.path, 'gpgKeys', index, 'path') }),
    ...(key.digest === undefined ? {} : { digest: parseDigest(key.digest, formatPosition(at('gpgKeys', index, 'digest'))) }),
    ...(key.fingerprint === undefined ? {} : { fingerprint: key.fingerprint.replaceAll(' ', '').toUpperCase() }),
  };
}

/** An apt source with the hosts of its addresses rewritten; everything else verbatim. */
function rewriteHosts(text: string, rewrites: HostRewrites): string {
  return text.replace(/(https?:\/\/)([^/\s]+)/gi, (whole, scheme: string, host: string) => (rewrites[host] === undefined ? whole : `${scheme}${rewrites[host]}`));
}

/** The text of a .sources file: keys beside the document by absolute paths. Throws `INPUT_FIELD` where it names files that the document may not name. */
function sourcesOf(text: string, { at, pathOf, rewrites }: Place): NonNullable<RepositoryRequirement['sources']> {
  checkDiskAddresses(text.replace(/^([A-Za-z-]+):/gm, '$1: '), (path) => pathOf(path, 'sources'));
  const placed = withKeyPaths(text, (written) => {
    const path = pathOf(written, 'sources');
    return /[\s,]/.test(path) ? escapedPath(path) : path;
  });
  return { text: rewriteHosts(placed, rewrites), at: at('sources') };
}
