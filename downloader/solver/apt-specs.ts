// What apt-get takes on its command line (apt-get(8), "install"): name, name:arch, name=version, name/suite.
import { BundleError } from '../../bom/errors.ts';
import { globToRegExp, versionMatcher } from '../../formats/deb/version.ts';
import type { AptState } from './apt-state.ts';
import { releaseMatcher } from './pins.ts';
import type { Universe } from './universe.ts';

function notFound(spec: string, actual: string, next?: string): BundleError {
  return new BundleError('RESOLVE_NOT_FOUND', { subject: `package ${spec}`, expected: 'a package of the target\'s repositories', actual, ...(next === undefined ? {} : { next }) });
}

const isArchitecture = (universe: Universe, suffix: string): boolean => ['all', 'native', 'any', ...universe.architectures].includes(suffix);

/** The package of a `name` or `name:arch`, or undefined when nothing ever mentioned it. */
export function findPackage(universe: Universe, label: string): number | undefined {
  const [name = '', arch] = label.split(':');
  const id = universe.names.find(name);
  if (id < 0) return undefined;
  if (arch === undefined || arch === 'all' || arch === 'native' || arch === 'any') {
    for (let index = 0; index < universe.architectures.length; index += 1) {
      if (universe.versionsOf(universe.packageOf(id, index)).length > 0) return universe.packageOf(id, index);
      if (arch !== undefined) break;
    }
    return universe.packageOf(id, 0);
  }
  const index = universe.architectures.indexOf(arch);
  return index < 0 ? undefined : universe.packageOf(id, index);
}

function packageOrProvider(state: AptState, label: string, spec: string): number {
  const { universe } = state;
  const [, suffix] = label.split(':');
  if (suffix !== undefined && !isArchitecture(universe, suffix)) {
    throw notFound(spec, `no index of ${suffix} among those of ${universe.architectures.join(', ')}`, `Add ${suffix} to the target's foreignArches or the set's arches, or correct the name.`);
  }
  const pkg = findPackage(universe, label);
  if (pkg !== undefined && universe.versionsOf(pkg).length > 0) return pkg;
  const name = universe.names.find(label.split(':')[0] ?? '');
  const owners = name < 0 ? [] : universe.providersOf(name).filter(({ version }) => state.candidateOf(universe.ownerOf(version)) === version).map(({ version }) => universe.ownerOf(version));
  const arch = Math.max(universe.architectures.indexOf(suffix ?? ''), 0);
  const own = owners.filter((owner) => universe.archOf(owner) === arch);
  const providers = [...new Set(own.length > 0 ? own : owners)];
  if (providers.length === 1 && providers[0] !== undefined) return providers[0];
  if (providers.length === 0) throw notFound(spec, 'no package of that name');
  throw notFound(spec, `a virtual package, provided by ${providers.map((owner) => universe.label(owner)).sort().join(', ')}: name one of them`);
}

/** The package that a spec names; its version is settled in `state`. Throws `RESOLVE_NOT_FOUND`. */
export function resolveSpec(state: AptState, spec: string): number {
  const [, label = '', sign, rest = ''] = /^([^=/]+)(?:([=/])(.+))?$/.exec(spec) ?? [];
  if (label === '') throw notFound(spec, 'no name in it');
  const pkg = packageOrProvider(state, label, spec);
  if (sign !== undefined) settleVersion(state, pkg, { spec, sign, rest });
  if (state.candidateOf(pkg) < 0) throw notFound(spec, 'no version that may be installed');
  return pkg;
}

/** One version that every spec of the package allows. A glob that apt would not take (`1.?*`) is read as a glob over the whole version where apt would find nothing. */
function settleVersion(state: AptState, pkg: number, { spec, sign, rest }: { readonly spec: string; readonly sign: string; readonly rest: string }): void {
  const { universe } = state;
  const versions = universe.versionsOf(pkg);
  const isRelease = releaseMatcher(rest);
  const ofRelease = (version: number): boolean => universe.indexesOf(version).some((index) => isRelease(universe.inputAt(index).release ?? {}));
  const byText = (matches: (text: string) => boolean) => (version: number): boolean => matches(universe.versionText(version));
  const glob = globToRegExp(rest);
  const ways = sign === '/' ? [ofRelease] : [byText(versionMatcher(rest)), byText((text) => glob.test(text))];
  const fits = ways.find((way) => versions.some(way)) ?? ofRelease;
  const found = versions.find((version) => fits(version) && state.allows(pkg, version));
  if (found === undefined) {
    const others = versions.some(fits) ? ' that another spec of it allows' : '';
    throw notFound(spec, `only ${versions.filter((version) => state.allows(pkg, version)).map((item) => `${universe.versionText(item)}${sign === '/' ? placesOf(universe, item) : ''}`).join(', ')}${others}`);
  }
  state.allow(pkg, fits);
  state.pin(pkg, found);
  if (sign === '/') state.fromReleases.push({ version: found, isRelease });
}

/** The releases that have the version, by codename and suite. */
function placesOf(universe: Universe, version: number): string {
  const names = universe.indexesOf(version).flatMap((index) => { const { codename, suite } = universe.inputAt(index).release ?? {}; return [codename, suite]; });
  return ` of ${[...new Set(names.filter((name) => name !== undefined))].join(' or ') || 'a release without a name'}`;
}
