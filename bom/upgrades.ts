// What a module may replace: README "Upgrades". Reported, never acted on.
import type { VersionScheme } from './documents/module-bom.ts';
import { comparatorOf, inRange, type VersionComparators } from './relations-versions.ts';

export interface Upgrading {
  readonly name: string;
  readonly version: string;
  readonly versionScheme: VersionScheme;
  /** Versions and ranges; `*` is any. Empty: the module does not say. */
  readonly from: readonly string[];
  /** Modules to go through when the version that is there is too old. */
  readonly via: readonly string[];
}

/** One warning for each module that replaces a version which it does not say it can replace. `present` is what the site has, by the last lock or receipt. */
export function upgradeWarnings(modules: readonly Upgrading[], present: readonly { readonly name: string; readonly version: string }[], comparators: VersionComparators = {}): string[] {
  return modules.flatMap(({ name, version, versionScheme, from, via }) => {
    const old = present.find((module) => module.name === name);
    if (old === undefined || old.version === version || old.version === '' || from.length === 0) return [];
    const compare = comparatorOf(versionScheme, comparators, `module ${name}`);
    if (from.some((range) => inRange(old.version, range, compare))) return [];
    return [`module ${name} ${version} replaces ${from.join(', ')}, and the last lock has ${old.version}${via.length === 0 ? '' : `: go through ${via.join(', ')}`}`];
  });
}
