// Package entries -> sets to solve, each with its repositories: README "Packages".
import { type Choice, conflictOf, eitherSide } from './aggregate-conflict.ts';
import { type Entry, setName } from './aggregate-entries.ts';
import { urlOf } from './aggregate-hosts.ts';
import { localKey, type PackageOptions, RepositoryBook } from './aggregate-repositories.ts';
import type { ModuleTargets } from './aggregate-targets.ts';
import { parseDigest } from './digest.ts';
import type { BomPackageSet, BomPreference } from './documents/module-bom.ts';
import type { ParsedProject } from './documents/document.ts';
import { didYouMean } from './documents/suggest.ts';
import { formatPosition } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import type { Baseline, PackageInclude, PackageSetRequirement, Position, PreferenceSource, Target } from './requirement.ts';

export type { HostAptSources } from './aggregate-repositories.ts';

export interface PackageSets {
  readonly sets: readonly PackageSetRequirement[];
  readonly dropped: readonly { readonly what: string; readonly because: string }[];
}

/** Package sets of the selected targets, sorted by id. Throws `INPUT_FIELD`, `RESOLVE_NOT_FOUND` (a repository), `RESOLVE_CONFLICT` (two sets with one id). */
export function packageSetRequirements(entries: readonly Entry<'packages'>[], repositories: readonly Entry<'packageRepositories'>[], options: PackageOptions): PackageSets {
  const book = new RepositoryBook(repositories, options);
  const dropped: { what: string; because: string }[] = [];
  const sets = new Map<string, PackageSetRequirement>();
  for (const entry of entries) {
    const { target: targetId } = entry.value;
    const name = `${entry.module}/${setName(entry.value, entry.ordinal)}`;
    const target = targetFor(entry, options.targets);
    if (target === undefined) { dropped.push({ what: `packages ${name}`, because: `target ${targetId} not selected` }); continue; }
    const set = setOf(entry, name, target, { book, project: options.project });
    const before = sets.get(name);
    if (before !== undefined) throw twice(name, entry, before);
    sets.set(name, set);
  }
  checkPins([...sets.values()]);
  return { sets: [...sets.keys()].sort().flatMap((name) => sets.get(name) ?? []), dropped };
}

/** One version of an rpm for one target: two modules that pin it differently are a conflict, unless they keep all versions. Where sets of debs disagree, solving tells. */
function checkPins(sets: readonly PackageSetRequirement[]): void {
  const pins = new Map<string, { readonly pattern: string; readonly module: string; readonly at: Position; readonly set: PackageSetRequirement }>();
  for (const set of sets.filter(({ kind }) => kind === 'rpm')) {
    const { target, include, usedBy: [module = ''] } = set;
    for (const { pin, versions, at } of include) {
      if (pin === undefined || versions === 'all') continue;
      const { name, pattern } = pin;
      const before = pins.get(`${target.id} ${name}`);
      if (before === undefined) { pins.set(`${target.id} ${name}`, { pattern, module, at, set }); continue; }
      if (before.module === module || fits(before.pattern, pattern)) continue;
      throw conflictOf(`package ${name} for target ${target.id}`, 'one version', [{ module: before.module, at: before.at, says: before.pattern }, { module, at, says: pattern }],
        `${eitherSide('packages', [choiceOf(before.set, set, { name, pattern: before.pattern, sets }), choiceOf(set, before.set, { name, pattern, sets })])} To carry both versions, say versions: all in both.`);
    }
  }
}

/** What `own` would make of the `other` set, so that it asks for `pattern` of the package too: its whole list, since lists are replaced. */
function choiceOf({ id, target, usedBy: [module = ''] }: PackageSetRequirement, { include }: PackageSetRequirement, { name, pattern, sets }: { readonly name: string; readonly pattern: string; readonly sets: readonly PackageSetRequirement[] }): Choice {
  const item = ({ pin, spec, versions }: PackageInclude): string => {
    const what = pin === undefined ? `spec: ${JSON.stringify(spec)}` : `name: ${JSON.stringify(pin.name)}, version: ${JSON.stringify(pin.name === name ? pattern : pin.pattern)}`;
    return `{${what}${versions === 'all' ? ', versions: all' : ''}}`;
  };
  const own = id.slice(module.length + 1);
  // The target names all of its sets: the first of several goes by its place.
  const isOneOfSeveral = own === target.id && sets.filter((each) => each.target.id === target.id && each.usedBy[0] === module).length > 1;
  return { module, name: isOneOfSeveral ? `${own}-1` : own, set: `include: [${include.map(item).join(', ')}]` };
}

/** Whether one version can meet both patterns, where * stands for anything. Two patterns with * are let through: their repositories decide. */
function fits(first: string, second: string): boolean {
  const [a, b] = comparable(first, second);
  if (a === b || (a.includes('*') && b.includes('*'))) return true;
  const [pattern, version] = a.includes('*') ? [a, b] : [b, a];
  return new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 's').test(version);
}

/** Epoch and release count where both say them. */
function comparable(first: string, second: string): readonly [string, string] {
  const parts = [first, second].map((text) => { const [, epoch, version = '', release] = /^(?:(\d+):)?([^-]*)(?:-(.*))?$/s.exec(text) ?? []; return { epoch, version, release }; });
  const both = (key: 'epoch' | 'release'): boolean => parts.every((part) => part[key] !== undefined);
  const [a = '', b = ''] = parts.map(({ epoch, version, release }) => `${both('epoch') ? `${epoch}:` : ''}${version}${both('release') ? `-${release}` : ''}`);
  return [a, b];
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

function setOf(entry: Entry<'packages'>, id: string, target: Target, { book, project }: { readonly book: RepositoryBook; readonly project: ParsedProject }): PackageSetRequirement {
  const { value } = entry;
  const include = (value.include ?? []).map((item, index) => includeOf(item, value.manager, entry.at('include', index)));
  if (value.manager === 'deb' && value.dependencies === 'alldeps') {
    throw new BundleError('INPUT_FIELD', { subject: formatPosition(entry.at('dependencies')), expected: 'none, direct or closure', actual: 'alldeps, which only rpm has' });
  }
  const repositories = book.of(entry, target);
  const urls = (value.urls ?? []).map(({ url, path, digest }, index) => ({
    at: entry.at('urls', index),
    ...(url === undefined ? {} : { url: urlOf(url, book.rewrites, entry.at('urls', index, 'url')) }),
    ...(path === undefined ? {} : { path: { absolute: entry.pathOf(path, 'urls', index, 'path'), written: path } }),
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
    ...(value.assumeInstalled === undefined ? {} : { assumeInstalled: baselineOf(entry, value.assumeInstalled) }),
    ...(value.targetRelease === undefined ? {} : { targetRelease: value.targetRelease }),
    ...(value.followExact === undefined ? {} : { followExact: value.followExact }),
    ...(value.siblings === undefined ? {} : { siblings: value.siblings }),
    ...preferencesOf(entry, target, project),
    arches: value.arches ?? [],
    include, urls,
    ...(value.allowUnsigned === undefined ? {} : { allowUnsigned: value.allowUnsigned }),
    ...(value.best === undefined ? {} : { best: value.best }),
    ...(value.solve === undefined ? {} : { solve: value.solve }),
  };
}

function baselineOf(entry: Entry<'packages'>, written: NonNullable<BomPackageSet['assumeInstalled']>): Baseline {
  const { profile, path } = typeof written === 'string' ? { profile: undefined, path: written } : written;
  return profile === undefined ? { path: entry.pathOf(path ?? '', 'assumeInstalled'), written: path ?? '' } : { profile, written: `profile ${profile}` };
}

/** The project's first: the first record that matches decides. */
function preferencesOf(entry: Entry<'packages'>, target: Target, project: ParsedProject): { readonly preferences?: readonly PreferenceSource[] } {
  if (entry.value.manager !== 'deb') return {};
  const applies = ({ targets = [] }: BomPreference): boolean => targets.length === 0 || targets.includes(target.id);
  const place = (document: ParsedProject | Entry<'packages'>['bom'], index: number): string => formatPosition(document.positionOf(['spec', 'preferences', index]));
  const own = (entry.bom.value.spec?.preferences ?? []).map((item, index) => ({ item, subject: place(entry.bom, index), pathOf: (path: string) => entry.pathOf(path) }));
  const first = (project.value.spec?.preferences ?? []).map((item, index) => ({
    item, subject: place(project, index), pathOf: (path: string) => localKey(project, path, project.positionOf(['spec', 'preferences', index, 'path'])),
  }));
  const preferences = [...first, ...own].filter(({ item }) => applies(item)).map(({ item, subject, pathOf }): PreferenceSource => {
    if (item.path !== undefined) return { subject: `${subject} (${item.path})`, path: pathOf(item.path) };
    return { subject, text: item.text ?? `Package: ${(item.packages ?? []).join(' ')}\nPin: ${item.pin ?? ''}\nPin-Priority: ${item.priority ?? ''}\n` };
  });
  return preferences.length === 0 ? {} : { preferences };
}

type Include = NonNullable<BomPackageSet['include']>[number];

/** deb: `name[:arch][=version]`, or `name (>= version)`; rpm: `name[.arch]`, `name-version` or `name >= version`. */
function includeOf(item: Include, manager: 'deb' | 'rpm', at: Position): PackageInclude {
  const versions = item.versions ?? 'newest';
  if (item.spec !== undefined) {
    const [, name, pattern] = manager === 'rpm' ? /^(\S+) = (\S+)$/.exec(item.spec) ?? [] : [];
    return { spec: item.spec, ...(name === undefined || pattern === undefined ? {} : { pin: { name, pattern } }), versions, at };
  }
  const name = `${item.name ?? ''}${item.arch === undefined ? '' : `${manager === 'deb' ? ':' : '.'}${item.arch}`}`;
  if (item.version === undefined) return { spec: name, versions, at };
  const [, operator = '', version = ''] = /^\s*(>=|<=|>>|<<|==?|[<>])?\s*(.*?)\s*$/s.exec(item.version) ?? [];
  const isExact = operator === '' || operator.startsWith('=');
  if (manager === 'deb') return { spec: isExact ? `${name}=${version}` : `${name} (${operator.length === 1 ? `${operator}${operator}` : operator} ${version})`, versions, at };
  return { spec: operator === '' ? `${name}-${version}` : `${name} ${isExact ? '=' : operator} ${version}`, ...(isExact ? { pin: { name, pattern: version } } : {}), versions, at };
}
