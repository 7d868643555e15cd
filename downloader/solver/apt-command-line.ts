// What apt-get's command line takes beside single specs (apt-get(8), "install"): name+, name-, task^, globs and expressions over names. Behaviour of apt 2.6, by experiment.
import { BundleError } from '../../bom/errors.ts';
import { expressionOf } from '../../formats/deb/expression.ts';
import { globToRegExp, isGlob } from '../../formats/deb/version.ts';
import { findPackage, resolveSpec } from './apt-specs.ts';
import type { AptState } from './apt-state.ts';

export interface CommandLine {
  /** In the order of the command line, each once. */
  readonly wanted: readonly number[];
  /** Not to be there afterwards. */
  readonly unwanted: readonly number[];
}

/** Packages whose candidates say `Task: name`, as Ubuntu's indexes do, in the order in which their names were first mentioned. */
function ofTask(state: AptState, task: string): number[] {
  const { universe } = state;
  const owners = new Set<number>();
  for (let version = 0; version < universe.versionCount; version += 1) {
    const owner = universe.ownerOf(version);
    if (universe.archOf(owner) !== 0 || state.candidateOf(owner) !== version) continue;
    const [, tasks = ''] = /^task:[ \t]*(.*)$/im.exec(universe.stanzaOf(version)) ?? [];
    if (tasks.split(/[\s,]+/).includes(task)) owners.add(owner);
  }
  return [...owners].sort((a, b) => universe.idOf(a) - universe.idOf(b));
}

/**
 * What a name that a pattern matched stands for, other than the same name alone: where native stanzas mention it, the native package is meant, even if
 * it is a virtual one; that gives its only provider, or nothing.
 */
function matchedPackage(state: AptState, name: number, suffix: string): number | undefined {
  const { universe } = state;
  if (universe.architectures.length === 1 || suffix.startsWith(':') || universe.versionsOf(universe.packageOf(name, 0)).length > 0) return resolveSpec(state, `${universe.names.nameOf(name)}${suffix}`);
  const isSeen = (version: number): boolean => state.candidateOf(universe.ownerOf(version)) === version && (universe.archOf(universe.ownerOf(version)) === 0 || universe.multiArchOf(version) === 'foreign');
  const own = universe.architectures.flatMap((_, arch) => universe.versionsOf(universe.packageOf(name, arch)));
  const providers = [...new Set([...own, ...universe.providersOf(name).map(({ version }) => version)].filter(isSeen).map((version) => universe.ownerOf(version)))];
  if (providers.length > 0) return providers.length === 1 ? providers[0] : undefined;
  return universe.idOf(universe.packageOf(name, 0)) >= 0 ? undefined : resolveSpec(state, `${universe.names.nameOf(name)}${suffix}`);
}

/** What each name that matches gives, in the order in which the packages were first mentioned; what has no candidate is passed over. Undefined when no name matches, not even one that is only mentioned. */
function byName(state: AptState, matches: (name: string) => boolean, suffix: string): number[] | undefined {
  const { universe } = state;
  let isMatched = false;
  const found: number[] = [];
  for (let name = 0; name < universe.names.size; name += 1) {
    const text = universe.names.nameOf(name);
    if (text.includes(':') || !matches(text)) continue;
    isMatched = true;
    try {
      const pkg = matchedPackage(state, name, suffix);
      if (pkg !== undefined) found.push(pkg);
    } catch (error) {
      if (!(error instanceof BundleError) || error.code !== 'RESOLVE_NOT_FOUND') throw error;
    }
  }
  return isMatched ? [...new Set(found)].sort((a, b) => universe.idOf(a) - universe.idOf(b)) : undefined;
}

/** What is no expression names nothing: `libfoo++`, say. */
function overNames(pattern: string, spec: string): RegExp {
  try {
    return expressionOf(pattern);
  } catch (cause) {
    if (!(cause instanceof BundleError)) throw cause;
    throw new BundleError('RESOLVE_NOT_FOUND', { subject: `package ${spec}`, expected: `a name, a glob, or an expression over names: ${cause.facts.expected}`, actual: cause.facts.actual }, { cause });
  }
}

/** A glob over whole names; where no name matches it, an expression that may match anywhere in a name. Undefined for what is neither. */
function byPattern(state: AptState, spec: string): readonly number[] | undefined {
  const [, pattern = '', rest = ''] = /^([^=/:]+)((?::[^=/]*)?(?:[=/].*)?)$/.exec(spec) ?? [];
  if (!/[.?*[|^$]/.test(pattern)) return undefined;
  const glob = globToRegExp(pattern);
  const found = isGlob(pattern) ? byName(state, (name) => glob.test(name), rest) : undefined;
  if (found !== undefined) return found;
  const expression = overNames(pattern, spec);
  return byName(state, (name) => expression.test(name), rest);
}

function packagesOf(state: AptState, spec: string): readonly number[] {
  const task = /^(.+)\^$/.exec(spec)?.[1];
  const ofItsTask = task === undefined ? [] : ofTask(state, task);
  if (ofItsTask.length > 0) return ofItsTask;
  const name = /^[^=/]*/.exec(spec)?.[0] ?? '';
  const pkg = findPackage(state.universe, name);
  const known = pkg !== undefined && (state.universe.versionsOf(pkg).length > 0 || state.universe.providersOf(state.universe.nameOf(pkg)).length > 0);
  return (known ? undefined : byPattern(state, spec)) ?? [resolveSpec(state, spec)];
}

/** What is to be gone; a name that nothing has is refused, one that only others provide says nothing. */
function removalsOf(state: AptState, spec: string): readonly number[] {
  const { universe } = state;
  const pkg = findPackage(universe, spec);
  const isNowhere = pkg !== undefined && universe.versionsOf(pkg).length === 0 && universe.providersOf(universe.nameOf(pkg)).length > 0;
  if (isNowhere) return [];
  // What may not be installed anyway is as good as gone, unless it is there.
  if (pkg !== undefined && universe.versionsOf(pkg).length > 0 && state.candidateOf(pkg) < 0) return state.installed.has(pkg) ? [pkg] : [];
  return packagesOf(state, spec);
}

/** Reads the specs in order. Throws `RESOLVE_NOT_FOUND` for one that names nothing and, other than apt, for patterns that together give nothing; `RESOLVE_UNSOLVABLE` for what is asked for and excluded. */
export function readCommandLine(state: AptState, specs: readonly string[]): CommandLine {
  const wanted: number[] = [];
  const unwanted: number[] = [];
  for (const spec of specs) {
    const sign = /^.+([+-])$/.exec(spec)?.[1];
    const name = /^[^=/]*/.exec(spec)?.[0] ?? '';
    const whole = findPackage(state.universe, name);
    const isWhole = sign === undefined || name !== spec || (whole !== undefined && (state.universe.versionsOf(whole).length > 0 || state.universe.providersOf(state.universe.nameOf(whole)).length > 0));
    if (isWhole) wanted.push(...packagesOf(state, spec));
    else if (sign === '+') wanted.push(...packagesOf(state, spec.slice(0, -1)));
    else unwanted.push(...removalsOf(state, spec.slice(0, -1)));
  }
  if (wanted.length + unwanted.length === 0 && specs.length > 0 && specs.every((spec) => !spec.endsWith('-'))) {
    throw new BundleError('RESOLVE_NOT_FOUND', { subject: `package ${specs.join(' ')}`, expected: 'a package of the target\'s repositories', actual: 'names that match, but none that may be installed' });
  }
  const both = unwanted.find((pkg) => wanted.includes(pkg));
  if (both !== undefined) {
    throw new BundleError('RESOLVE_UNSOLVABLE', { subject: `package ${state.universe.label(both)}`, expected: 'packages that can be installed together', actual: 'it is asked for and excluded', next: 'Leave out one of the two specs.' });
  }
  return { wanted: [...new Set(wanted)], unwanted: [...new Set(unwanted)] };
}
