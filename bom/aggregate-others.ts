// Chart and git entries -> requirements.
import { conflictOf, type Side, sortedUnique, uniquePositions, unitedLicence } from './aggregate-conflict.ts';
import { chartName, checkDiskAddresses, type Entry, gitName } from './aggregate-entries.ts';
import { checkCredential } from './aggregate-files.ts';
import { type HostRewrites, urlOf } from './aggregate-hosts.ts';
import { type ModuleTargets, platformsOf } from './aggregate-targets.ts';
import { canonicalJson } from './canonical-json.ts';
import { parseDigest } from './digest.ts';
import { formatPosition } from './documents/yaml-tree.ts';
import type { ChartRequirement, GitRequirement, Wanted } from './requirement.ts';

export interface OtherOptions {
  readonly rewrites: HostRewrites;
  readonly targets: ModuleTargets;
  /** Names that the project declares. */
  readonly credentials: readonly string[];
}

/** Charts, one requirement per chart, sorted by name and version. */
export function chartRequirements(entries: readonly Entry<'charts'>[], options: OtherOptions): ChartRequirement[] {
  const charts = merge(entries.map((entry) => chartOf(entry, options)), 'chart', ({ name, version }) => `${name}@${version ?? ''}`);
  const platforms = new Map<string, string[]>();
  for (const entry of entries) {
    const { name, version } = chartOf(entry, options);
    const key = `${name}@${version ?? ''}`;
    platforms.set(key, [...(platforms.get(key) ?? []), ...platformsOf(options.targets.of(entry.bom))]);
  }
  return charts.map((chart) => {
    const all = sortedUnique(platforms.get(`${chart.name}@${chart.version ?? ''}`) ?? []);
    return { ...chart, platforms: all.includes('all') ? ['all'] : all };
  });
}

function chartOf(entry: Entry<'charts'>, { rewrites, credentials }: OtherOptions): ChartRequirement {
  const { source, digest, as, withDependencies, withImages, keyring } = entry.value;
  const name = chartName(entry.value);
  for (const [index, credential] of (entry.value.headersFrom ?? []).entries()) checkCredential(credential, credentials, entry.at('headersFrom', index));
  if (source.git !== undefined) checkDiskAddresses(source.git, (path) => entry.pathOf(path, 'source', 'git'));
  return {
    kind: 'chart', name, usedBy: [entry.module], at: [entry.at()], ...unitedLicence(entry.value.licence),
    ...(source.version === undefined ? {} : { version: source.version }),
    ...(source.repo === undefined ? {} : { repo: urlOf(source.repo, rewrites, entry.at('source', 'repo')) }),
    ...(source.oci === undefined ? {} : { oci: source.oci }),
    ...(source.git === undefined ? {} : { git: { url: source.git, ...(source.ref === undefined ? {} : { ref: source.ref }), ...(source.path === undefined ? {} : { path: source.path }) } }),
    ...(source.url === undefined ? {} : { url: urlOf(source.url, rewrites, entry.at('source', 'url')) }),
    ...(source.path === undefined || source.git !== undefined ? {} : { path: { absolute: entry.pathOf(source.path, 'source', 'path'), written: source.path } }),
    ...(digest === undefined ? {} : { digest: parseDigest(digest, formatPosition(entry.at('digest'))) }),
    withDependencies: withDependencies ?? true,
    withImages: withImages ?? 'none',
    ...(keyring === undefined ? {} : { keyring: { absolute: entry.pathOf(keyring, 'keyring'), written: keyring } }),
    valuesFiles: (entry.value.valuesFiles ?? []).map((file, index) => entry.pathOf(file, 'valuesFiles', index)),
    ...(as === undefined ? {} : { as }),
    headersFrom: entry.value.headersFrom ?? [],
    platforms: [],
  };
}

/** Git repositories, one requirement per address and revision. A missing commit is '': the source resolves `ref`. */
export function gitRequirements(entries: readonly Entry<'git'>[], { credentials }: Pick<OtherOptions, 'credentials'>): GitRequirement[] {
  const merged = merge(entries.map((entry): GitRequirement => {
    const { url, commit, ref, submodules, mirrorAll, headersFrom = [] } = entry.value;
    for (const [index, credential] of headersFrom.entries()) checkCredential(credential, credentials, entry.at('headersFrom', index));
    checkDiskAddresses(url, (path) => entry.pathOf(path, 'url'));
    return {
      kind: 'git', name: gitName(entry.value), url, commit: commit ?? '', usedBy: [entry.module], at: [entry.at()], ...unitedLicence(entry.value.licence),
      ...(ref === undefined ? {} : { ref }),
      submodules: submodules ?? false, mirrorAll: mirrorAll ?? false, headersFrom,
    };
  }), 'git', ({ name, commit, ref }) => `${name}@${commit || (ref ?? '')}`);
  checkBundleNames(merged);
  return merged;
}

function merge<T extends Wanted>(items: readonly T[], kind: 'chart' | 'git', keyOf: (item: T) => string): T[] {
  const groups = Map.groupBy(items, keyOf);
  return [...groups.keys()].sort().flatMap((key) => (groups.get(key) ?? []).reduce<T[]>(([before], item) => {
    if (before === undefined) return [item];
    if (definition(before) !== definition(item)) throw differs(kind, key, before, item);
    return [{ ...before, usedBy: sortedUnique([...before.usedBy, ...item.usedBy]), at: uniquePositions([...before.at, ...item.at]), ...unitedLicence(before.licence, item.licence) }];
  }, []));
}

function definition({ usedBy: _, at: __, licence: ___, ...rest }: Wanted): string {
  return canonicalJson(rest);
}

/** Both definitions by the fields in which they differ. */
function differs(kind: 'chart' | 'git', key: string, a: Wanted, b: Wanted): Error {
  const [left, right] = [a, b].map((item) => new Map(Object.entries(item).filter(([field]) => !['usedBy', 'at', 'licence'].includes(field)).map(([field, value]) => [field, canonicalJson(value)])));
  const fields = [...new Set([...left?.keys() ?? [], ...right?.keys() ?? []])].filter((field) => left?.get(field) !== right?.get(field)).sort();
  const says = (values: ReadonlyMap<string, string> | undefined): string => fields.map((field) => `${field} ${values?.get(field) ?? 'not said'}`).join(', ');
  const side = (item: Wanted, values: ReadonlyMap<string, string> | undefined): Side => ({ module: item.usedBy[0] ?? '', at: item.at[0] ?? { file: '', line: 1, column: 1 }, says: says(values) });
  return conflictOf(`${kind} ${key}`, `one definition of a ${kind}`, [side(a, left), side(b, right)],
    `Make both the same, or leave one out in the project: overlays: [{match: {module: ${b.usedBy[0] ?? ''}, ${kind}: "${'name' in b ? b.name : key}"}, remove: true}].`);
}

/** Two repositories, or two commits, would be one bundle. Branches and tags are compared when they are resolved. */
function checkBundleNames(items: readonly GitRequirement[]): void {
  const byName = new Map<string, GitRequirement>();
  for (const item of items) {
    const before = byName.get(item.name);
    if (before !== undefined && (before.url !== item.url || (before.commit !== '' && item.commit !== '' && before.commit !== item.commit))) throw differs('git', item.name, before, item);
    byName.set(item.name, before ?? item);
  }
}
