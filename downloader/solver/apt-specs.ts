// What apt-get takes on its command line (apt-get(8), "install"): name, name:arch, name=version, name/suite.
import { BundleError } from '../../bom/errors.ts';
import { globToRegExp } from '../../formats/deb/version.ts';
import type { AptState } from './apt-state.ts';
import { releaseMatcher } from './pins.ts';
import type { Universe } from './universe.ts';

function notFound(spec: string, actual: string): BundleError {
  return new BundleError('RESOLVE_NOT_FOUND', { subject: `package ${spec}`, expected: 'a package of the target\'s repositories', actual });
}

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
  const pkg = findPackage(universe, label);
  if (pkg !== undefined && universe.versionsOf(pkg).length > 0) return pkg;
  const name = universe.names.find(label.split(':')[0] ?? '');
  const owners = name < 0 ? [] : universe.providersOf(name).filter(({ version }) => state.candidateOf(universe.ownerOf(version)) === version).map(({ version }) => universe.ownerOf(version));
  const arch = Math.max(universe.architectures.indexOf(label.split(':')[1] ?? ''), 0);
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

/** One version that every spec of the package allows. */
function settleVersion(state: AptState, pkg: number, { spec, sign, rest }: { readonly spec: string; readonly sign: string; readonly rest: string }): void {
  const { universe } = state;
  const pattern = globToRegExp(rest);
  const isRelease = releaseMatcher(rest);
  const fits = (version: number): boolean => (sign === '='
    ? pattern.test(universe.versionText(version)) : universe.indexesOf(version).some((index) => isRelease(universe.inputAt(index).release ?? {})));
  const versions = universe.versionsOf(pkg);
  const found = versions.find((version) => fits(version) && state.allows(pkg, version));
  if (found === undefined) {
    const others = versions.some(fits) ? ' that another spec of it allows' : '';
    throw notFound(spec, `only ${versions.filter((version) => state.allows(pkg, version)).map((item) => universe.versionText(item)).join(', ')}${others}`);
  }
  state.allow(pkg, fits);
  state.pin(pkg, found);
  if (sign === '/') state.fromReleases.push({ version: found, isRelease });
}
