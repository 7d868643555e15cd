// Package entries -> sets to solve, each with its repositories: README "Packages".
import { conflictOf } from './aggregate-conflict.ts';
import type { Entry } from './aggregate-entries.ts';
import { type HostRewrites, urlOf } from './aggregate-hosts.ts';
import type { ModuleTargets } from './aggregate-targets.ts';
import { canonicalJson } from './canonical-json.ts';
import { parseDigest } from './digest.ts';
import type { ParsedProject } from './documents/document.ts';
import type { BomKey, BomPackageSet, BomRepository, SystemRepository } from './documents/module-bom.ts';
import { didYouMean } from './documents/suggest.ts';
import { formatPosition, type TreePath } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import type { KeySource, PackageInclude, PackageSetRequirement, Position, RepositoryRequirement, Target } from './requirement.ts';

/** The distribution's own repositories of this machine, when it runs what `target` says; undefined when it does not. */
export type HostAptSources = (target: Target, at: Position) => readonly RepositoryRequirement[] | undefined;

export interface PackageOptions {
  readonly project: ParsedProject;
  readonly targets: ModuleTargets;
  readonly rewrites: HostRewrites;
  readonly hostAptSources?: HostAptSources;
}

export interface PackageSets {
  readonly sets: readonly PackageSetRequirement[];
  readonly dropped: readonly { readonly what: string; readonly because: string }[];
}

/** Package sets of the selected targets, sorted by id. Throws `INPUT_FIELD`, `RESOLVE_NOT_FOUND` (a repository), `RESOLVE_CONFLICT` (two sets with one id). */
export function packageSetRequirements(entries: readonly Entry<'packages'>[], repositories: readonly Entry<'packageRepositories'>[], options: PackageOptions): PackageSets {
  const book = new RepositoryBook(repositories, options);
  const dropped: { what: string; because: string }[] = [];
  const sets = new Map<string, PackageSetRequirement>();
  const counters = new Map<string, number>();
  for (const entry of entries) {
    const { target: targetId, id } = entry.value;
    const count = (counters.get(`${entry.module} ${targetId}`) ?? 0) + 1;
    counters.set(`${entry.module} ${targetId}`, count);
    const name = `${entry.module}/${id ?? (count === 1 ? targetId : `${targetId}-${count}`)}`;
    const target = targetFor(entry, options.targets);
    if (target === undefined) { dropped.push({ what: `packages ${name}`, because: `target ${targetId} not selected` }); continue; }
    const set = setOf(entry, name, target, book);
    const before = sets.get(name);
    if (before !== undefined) throw twice(name, entry, before);
    sets.set(name, set);
  }
  checkPins([...sets.values()]);
  return { sets: [...sets.keys()].sort().flatMap((name) => sets.get(name) ?? []), dropped };
}

/** One version of a package for one target: two modules that pin it differently are a conflict, unless they keep all versions. */
function checkPins(sets: readonly PackageSetRequirement[]): void {
  const pins = new Map<string, { readonly pattern: string; readonly module: string; readonly at: Position; readonly set: string }>();
  for (const { kind, target, include, usedBy: [module = ''], id } of sets) {
    for (const { spec, versions, at } of include) {
      const [, name, pattern] = (kind === 'deb' ? /^([^\s=/(]+)=(\S+)$/ : /^(\S+) = (\S+)$/).exec(spec) ?? [];
      if (name === undefined || pattern === undefined || versions === 'all') continue;
      const before = pins.get(`${target.id} ${name}`);
      if (before === undefined) { pins.set(`${target.id} ${name}`, { pattern, module, at, set: id }); continue; }
      if (before.module === module || fits(before.pattern, pattern)) continue;
      throw conflictOf(`package ${name} for target ${target.id}`, 'one version', [{ module: before.module, at: before.at, says: before.pattern }, { module, at, says: pattern }],
        `Settle it in the project with an overlay that sets include of ${before.set} or ${id}: {match: {module: ${module}, packages: ${id.slice(module.length + 1)}}, set: {include: […]}}. To carry both versions, say versions: all in both.`);
    }
  }
}

/** Whether one version can meet both patterns, where * stands for anything. Two patterns with * are let through: their repositories decide. */
function fits(a: string, b: string): boolean {
  if (a === b || (a.includes('*') && b.includes('*'))) return true;
  const [pattern, version] = a.includes('*') ? [a, b] : [b, a];
  return new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 's').test(version);
}

function targetFor(entry: Entry<'packages'>, targets: ModuleTargets): Target | undefined {
  const { target: id } = entry.value;
  const selected = targets.selected.find((target) => target.id === id);
  if (selected !== undefined) return selected;
  const declared = (entry.bom.value.spec?.targets ?? []).map((target) => target.id);
  if (declared.includes(id)) return undefined;
  const known = [...declared, ...targets.selected.map((target) => target.id)];
  if (targets.selected.length > 0 && declared.length === 0) return undefined;
  throw new BundleError('INPUT_FIELD', {
    subject: formatPosition(entry.at('target')), expected: 'the id of a target under spec.targets', actual: id,
    next: didYouMean(id, known) ?? 'Declare the target with id, family, os, release and arch.',
  });
}

function twice(name: string, entry: Entry<'packages'>, before: PackageSetRequirement): Error {
  const [at] = before.at;
  const side = { module: entry.module, at: entry.at(), says: name };
  return conflictOf(`packages ${name}`, 'one set of an id', [at === undefined ? side : { ...side, at }, side], 'Give each set an id of its own.');
}

function setOf(entry: Entry<'packages'>, id: string, target: Target, book: RepositoryBook): PackageSetRequirement {
  const { value } = entry;
  const include = (value.include ?? []).map((item, index) => includeOf(item, value.manager, entry.at('include', index)));
  const repositories = book.of(entry, target);
  const urls = (value.urls ?? []).map(({ url, digest }, index) => ({
    url: urlOf(url, book.rewrites, entry.at('urls', index, 'url')), at: entry.at('urls', index),
    ...(digest === undefined ? {} : { digest: parseDigest(digest, formatPosition(entry.at('urls', index, 'digest'))) }),
  }));
  if (include.length > 0 && repositories.length === 0) {
    throw new BundleError('RESOLVE_NOT_FOUND', {
      subject: `${formatPosition(entry.at())}: packages ${id}`, expected: `a ${value.manager} repository for target ${target.id}`, actual: 'none',
      next: `Declare one under spec.packageRepositories of the module, or spec.systemRepositories.${target.id} of the project.`,
    });
  }
  return {
    kind: value.manager, id, target, repositories, usedBy: [entry.module], at: [entry.at()],
    role: value.role ?? 'normal',
    dependencies: value.dependencies ?? 'closure',
    weakDependencies: value.weakDependencies ?? false,
    ...(value.assumeInstalled === undefined ? {} : { assumeInstalled: { path: entry.pathOf(value.assumeInstalled, 'assumeInstalled'), written: value.assumeInstalled } }),
    arches: value.arches ?? [],
    include, urls,
  };
}

type Include = NonNullable<BomPackageSet['include']>[number];

/** deb: `name[:arch][=version]`, or `name (>= version)`; rpm: `name[.arch]`, `name-version` or `name >= version`. */
function includeOf(item: Include, manager: 'deb' | 'rpm', at: Position): PackageInclude {
  const versions = item.versions ?? 'newest';
  if (item.spec !== undefined) return { spec: item.spec, versions, at };
  const name = `${item.name ?? ''}${item.arch === undefined ? '' : `${manager === 'deb' ? ':' : '.'}${item.arch}`}`;
  if (item.version === undefined) return { spec: name, versions, at };
  const [, operator = '', version = ''] = /^\s*(>=|<=|>>|<<|==?|[<>])?\s*(.*?)\s*$/s.exec(item.version) ?? [];
  const isExact = operator === '' || operator.startsWith('=');
  if (manager === 'deb') return { spec: isExact ? `${name}=${version}` : `${name} (${operator.length === 1 ? `${operator}${operator}` : operator} ${version})`, versions, at };
  return { spec: operator === '' ? `${name}-${version}` : `${name} ${isExact ? '=' : operator} ${version}`, versions, at };
}

/** Repositories of a run: the same definition from two modules keeps its id, another one under the same id gets its module in front. */
class RepositoryBook {
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
    if (mapped === undefined) return manager === 'deb' ? hostAptSources?.(target, at)?.map((repository) => this.unique(repository, 'system', target)) : undefined;
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
    const { at: _, id, ...definition } = repository;
    const text = canonicalJson(definition);
    for (const name of [id, `${module}-${id}`]) {
      const key = `${target.id} ${name}`;
      if ((this.taken.get(key) ?? text) !== text) continue;
      this.taken.set(key, text);
      return { ...repository, id: name };
    }
    throw new BundleError('RESOLVE_CONFLICT', { subject: `${formatPosition(repository.at)}: repository ${id}`, expected: 'one definition of a repository in a module', actual: 'two', next: 'Give one of them another id.' });
  }
}

function localKey(project: ParsedProject, written: string, at: Position): string {
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
  const url = (field: 'uri' | 'baseurl' | 'mirrorlist' | 'metalink'): string | undefined => (value[field] === undefined ? undefined : urlOf(value[field], rewrites, at(field)));
  const optional = {
    line: value.line === undefined ? undefined : rewriteLine(value.line, rewrites),
    uris: value.uri === undefined ? undefined : [url('uri') ?? ''],
    suites: value.flat === true ? [value.suite ?? './'] : value.suite === undefined ? undefined : [value.suite],
    components: value.components, architectures: value.architectures,
    baseurl: url('baseurl'), mirrorlist: url('mirrorlist'), metalink: url('metalink'),
    gpgcheck: value.gpgcheck, repoGpgcheck: value.repoGpgcheck, allowExpired: value.allowExpired,
    priority: value.priority, moduleHotfixes: value.moduleHotfixes, modules: value.modules, excludes: value.excludes, includepkgs: value.includepkgs,
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
  const given = manager === 'deb' ? [value.line, value.uri] : [value.baseurl, value.mirrorlist, value.metalink];
  if (given.some((item) => item !== undefined) && !(manager === 'deb' && given.every((item) => item !== undefined))) return;
  throw new BundleError('INPUT_FIELD', {
    subject: `${formatPosition(at)}: repository ${id}`, expected: manager === 'deb' ? 'either line or uri' : 'one of baseurl, mirrorlist, metalink',
    actual: given.some((item) => item !== undefined) ? 'both' : 'none', next: 'Say where the repository is, or system: true when it is one of the distribution.',
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

/** An apt line with the host of its address rewritten; everything else verbatim. */
function rewriteLine(line: string, rewrites: HostRewrites): string {
  return line.replace(/(https?:\/\/)([^/\s]+)/i, (whole, scheme: string, host: string) => (rewrites[host] === undefined ? whole : `${scheme}${rewrites[host]}`));
}
