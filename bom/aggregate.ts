// Many BOMs and one project -> everything that has to be resolved. Pure.
import { conflictOf } from './aggregate-conflict.ts';
import { checkConfigNames, configRequirements, includedEntries, withInstallPlaces } from './aggregate-configs.ts';
import { checkCredentialHosts, type CredentialUse } from './aggregate-credentials.ts';
import { type Entry, selectEntries, whatOf } from './aggregate-entries.ts';
import { fileRequirements } from './aggregate-files.ts';
import { imageRequirements } from './aggregate-images.ts';
import { chartRequirements, gitRequirements } from './aggregate-others.ts';
import { packageSetRequirements } from './aggregate-packages.ts';
import { checkMutable, checkReferences, unkeptPromises } from './aggregate-promises.ts';
import type { HostRewrites } from './aggregate-hosts.ts';
import type { HostAptSources } from './aggregate-repositories.ts';
import { type ModuleTargets, platformsOf, selectTargets } from './aggregate-targets.ts';
import { canonicalBytes } from './canonical-json.ts';
import { type ClusterDemand, clusterDemands } from './cluster-facts.ts';
import { type Digest, digestOf } from './digest.ts';
import { type DocumentOrigin, type ParsedBom, type ParsedProject, projectFrom } from './documents/document.ts';
import { apiVersion } from './documents/fields.ts';
import type { Policy } from './documents/project.ts';
import { BundleError } from './errors.ts';
import { relate, type RelationEdge, type RelationOptions } from './relations.ts';
import type { VersionComparators } from './relations-versions.ts';
import type { ChartRequirement, ConfigRequirement, FileRequirement, GitRequirement, ImageRequirement, PackageSetRequirement, Position, Target } from './requirement.ts';
import type { Selection } from './selector.ts';
import type { Upgrading } from './upgrades.ts';

export interface AggregateOptions {
  readonly boms: readonly ParsedBom[];
  readonly project: ParsedProject;
  /** For `system: true` repositories that the project does not map. */
  readonly hostAptSources?: HostAptSources;
  /** Orders of deb and rpm versions, for relations between modules that use them. */
  readonly compareVersions?: VersionComparators;
  /** Modules on offer elsewhere: candidates in the message about an unmet requirement. */
  readonly known?: readonly ParsedBom[];
}

export interface AggregatedBom {
  readonly name: string;
  /** '' when the module does not say. */
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Canonical JSON: the blob that travels. */
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly size: number;
  readonly file: string;
  readonly origin?: DocumentOrigin;
}

/** An entry that a policy looks at. */
export interface Remark {
  readonly what: string;
  readonly module: string;
  readonly at: Position;
}

export interface Unresolved {
  readonly module: string;
  readonly where: string;
  readonly what: string;
  readonly reason: string;
  readonly waived: boolean;
}

export interface Aggregated {
  readonly name: string;
  /** Of the project and all BOMs. */
  readonly digest: Digest;
  /** Module names: what a module requires stands before it. */
  readonly order: readonly string[];
  /** Sorted by name. */
  readonly boms: readonly AggregatedBom[];
  readonly targets: readonly Target[];
  readonly images: readonly ImageRequirement[];
  readonly files: readonly FileRequirement[];
  readonly packageSets: readonly PackageSetRequirement[];
  readonly charts: readonly ChartRequirement[];
  readonly git: readonly GitRequirement[];
  /** Site files of this machine; empty unless the project asks for them. */
  readonly configs: readonly ConfigRequirement[];
  readonly dropped: readonly { readonly what: string; readonly because: string }[];
  readonly unresolved: readonly Unresolved[];
  readonly warnings: readonly string[];
  readonly influences: readonly { readonly module: string; readonly influences: string }[];
  /** Who requires whom, by module name. */
  readonly relations: readonly RelationEdge[];
  /** What modules demand of the destination. */
  readonly clusterDemands: readonly ClusterDemand[];
  /** What each module says it can replace. */
  readonly upgrading: readonly Upgrading[];
  readonly policy: Policy;
  /** Of the project: for images that are found while resolving. */
  readonly hostRewrites: HostRewrites;
  /** Entries whose reference somebody guessed. */
  readonly guessed: readonly Remark[];
  /** Of entries, and of modules as a whole; `notRedistributable`: its BOM says that it may not be passed on. */
  readonly licences: readonly (Remark & { readonly licence: string; readonly notRedistributable?: boolean })[];
}

/**
 * What a project and its modules ask for: one requirement per artifact, sorted, with everybody who asked. Throws `INPUT_*` errors with
 * file, line and column, and `RESOLVE_CONFLICT`, `RESOLVE_UNMET`, `RESOLVE_CYCLE`, `RESOLVE_NOT_FOUND` that name both sides.
 */
export function aggregate(options: AggregateOptions): Aggregated {
  const { project } = options;
  const boms = uniqueModules(options.boms);
  const spec = project.value.spec ?? {};
  const relations = relate(boms, relationOptions(options));
  const targets = selectTargets(boms, project);
  const selection = selectionOf(project, targets);
  const entries = selectEntries(boms, project, selection);
  const included = includedEntries(entries.of('files'), entries.of('images'), project);
  const configs = configRequirements(boms, project, selection);
  const rewrites = spec.hostRewrites ?? {};
  const credentials = Object.keys(spec.credentials ?? {});
  const packages = packageSetRequirements(entries.of('packages'), entries.of('packageRepositories'), {
    project, targets, rewrites, ...(options.hostAptSources === undefined ? {} : { hostAptSources: options.hostAptSources }),
  });
  for (const bom of boms) checkReferences(bom);
  for (const entry of included.images) checkMutable(entry);
  const unkept = unkeptPromises(included.images);
  const produced = producedImages(boms);
  const images = imageRequirements(included.images, targets, rewrites);
  const files = withInstallPlaces(fileRequirements(included.files, rewrites, credentials), included.files, project);
  checkConfigNames(configs.configs, files);
  const all = [...included.images, ...included.files, ...(['packageRepositories', 'packages', 'charts', 'git'] as const).flatMap((list) => entries.of(list))];
  const charts = chartRequirements(entries.of('charts'), { rewrites, targets, credentials });
  const git = gitRequirements(entries.of('git'), { credentials });
  checkCredentialHosts(all, credentialUses({ files, charts, git, packageSets: packages.sets }), spec.credentials ?? {});
  return {
    name: project.value.metadata.name,
    digest: digestOf(canonicalBytes({ project: project.digest, boms: boms.map((bom) => bom.digest) })),
    order: relations.order,
    boms: boms.map(aggregatedBom),
    targets: targets.selected,
    images,
    files,
    packageSets: packages.sets,
    charts,
    git,
    configs: configs.configs,
    dropped: sorted([...entries.dropped.filter(({ ref }) => ref === undefined || !images.some((image) => image.ref === ref)), ...packages.dropped, ...included.dropped, ...configs.dropped].map(({ what, because }) => ({ what, because })), ({ what, because }) => `${what} ${because}`),
    unresolved: boms.flatMap(unresolvedOf),
    warnings: [...relations.warnings, ...entries.warnings, ...unkept, ...imageWarnings(images, produced), ...openPlatforms(entries.of('images'), targets)].sort(),
    influences: relations.influences,
    relations: relations.edges,
    clusterDemands: clusterDemands(boms),
    upgrading: boms.map(upgradingOf),
    policy: spec.policy ?? {},
    hostRewrites: rewrites,
    guessed: all.filter(({ value }) => 'confidence' in value && value.confidence === 'guessed').map((entry) => ({ what: whatOf(entry.list, entry.value), module: entry.module, at: entry.at() })),
    licences: [...all.flatMap((entry) => (entry.value.licence === undefined ? [] : [{ what: whatOf(entry.list, entry.value), module: entry.module, at: entry.at(), licence: entry.value.licence, ...redistribution(entry.bom, entry.value.licence) }])), ...boms.flatMap(moduleLicences)],
  };
}

function credentialUses({ files, charts, git, packageSets }: Pick<Aggregated, 'files' | 'charts' | 'git' | 'packageSets'>): CredentialUse[] {
  const written = (...addresses: readonly (string | undefined)[]): string[] => addresses.filter((address) => address !== undefined);
  return [
    ...files.map(({ headersFrom, urls, at }) => ({ names: headersFrom, addresses: urls, at: at[0] })),
    ...charts.map(({ headersFrom, repo, url, oci, git: from, at }) => ({ names: headersFrom, addresses: written(repo, url, oci, from?.url), at: at[0] })),
    ...git.map(({ headersFrom, url, at }) => ({ names: headersFrom, addresses: [url], at: at[0] })),
    ...packageSets.flatMap(({ repositories }) => repositories).map(({ headersFrom = [], tls, uris = [], line = '', sources, baseurls = [], mirrorlist, metalink, at }) => ({
      names: [...headersFrom, ...written(tls?.clientCert, tls?.clientKey)],
      addresses: [...uris, ...baseurls, ...written(mirrorlist, metalink), ...(`${line}\n${sources?.text ?? ''}`.match(/\bhttps?:\/\/\S+/gi) ?? [])], at,
    })),
  ];
}

function relationOptions({ project, compareVersions, known }: AggregateOptions): RelationOptions {
  const cluster = project.value.spec?.cluster;
  return { ...(cluster === undefined ? {} : { cluster }), ...(compareVersions === undefined ? {} : { comparators: compareVersions }), ...(known === undefined ? {} : { known }) };
}

/** The project that BOMs alone mean: all their targets, nothing changed. `folderName` names it when there are several. */
export function defaultProject(boms: readonly ParsedBom[], folderName: string): ParsedProject {
  const [first] = boms;
  const fallback = folderName.toLowerCase().replace(/[^a-z0-9-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 63).replace(/-+$/, '') || 'project';
  const name = boms.length === 1 && first !== undefined ? first.value.metadata.name : fallback;
  return projectFrom({ apiVersion, kind: 'Project', metadata: { name } }, first?.file ?? 'project', first?.folder === undefined ? {} : { folder: first.folder });
}

/** Modules by name. The same document twice counts once; two documents of one name are a conflict. */
function uniqueModules(boms: readonly ParsedBom[]): ParsedBom[] {
  if (boms.length === 0) {
    throw new BundleError('INPUT_FIELD', { subject: 'modules', expected: 'at least one ModuleBOM', actual: 'none', next: 'Name BOM files with -f, or list them under spec.modules of the project.' });
  }
  const byName = new Map<string, ParsedBom>();
  for (const bom of boms) {
    const { name } = bom.value.metadata;
    const before = byName.get(name);
    if (before !== undefined && before.digest !== bom.digest) {
      const side = (one: ParsedBom): { module: string; at: Position; says: string } => ({ module: name, at: one.positionOf(['metadata', 'name']), says: `version ${one.value.metadata.version ?? 'not said'}` });
      throw conflictOf(`module ${name}`, 'one document for a module', [side(before), side(bom)], 'Leave one of them out, or give one another metadata.name.');
    }
    if (before === undefined) byName.set(name, bom);
  }
  return sorted([...byName.values()], (bom) => bom.value.metadata.name);
}

function selectionOf(project: ParsedProject, targets: ModuleTargets): Selection {
  const { select } = project.value.spec ?? {};
  const arches = targets.selected.map(({ arch }) => arch);
  return {
    features: select?.features ?? [], components: select?.components ?? [], flavors: select?.flavors ?? [], profiles: select?.profiles ?? [],
    targets: targets.selected.map(({ id }) => id),
    arch: arches.includes('any') ? [] : arches,
  };
}

function aggregatedBom(bom: ParsedBom): AggregatedBom {
  const { name, version, labels } = bom.value.metadata;
  return { name, version: version ?? '', labels: labels ?? {}, bytes: bom.canonical, digest: bom.digest, size: bom.canonical.length, file: bom.file, ...(bom.origin === undefined ? {} : { origin: bom.origin }) };
}

/** What `licences[]` of a BOM says of a licence that an entry names. */
function redistribution(bom: ParsedBom, name: string): { readonly notRedistributable?: boolean } {
  const listed = (bom.value.spec?.licences ?? []).find((licence) => licence.name.toLowerCase() === name.toLowerCase());
  return listed?.redistributable === false ? { notRedistributable: true } : {};
}

/** Licences of a module as a whole; those that entries name are told of the entries. */
function moduleLicences(bom: ParsedBom): Aggregated['licences'][number][] {
  const spec = bom.value.spec ?? {};
  const named = new Set([...(spec.images ?? []), ...(spec.files ?? []), ...(spec.charts ?? []), ...(spec.git ?? []), ...(spec.packages ?? [])].flatMap(({ licence }) => licence?.toLowerCase() ?? []));
  return (spec.licences ?? []).flatMap(({ name, redistributable }, index) => (named.has(name.toLowerCase()) ? [] : [{
    what: 'the module itself', module: bom.value.metadata.name, at: bom.positionOf(['spec', 'licences', index]), licence: name, ...(redistributable === false ? { notRedistributable: true } : {}),
  }]));
}

function upgradingOf({ value: { metadata, spec } }: ParsedBom): Upgrading {
  return { name: metadata.name, version: metadata.version ?? '', versionScheme: metadata.versionScheme ?? 'semver', from: spec?.upgrades?.from ?? [], via: spec?.upgrades?.via ?? [] };
}

function unresolvedOf(bom: ParsedBom): Unresolved[] {
  return (bom.value.spec?.unresolved ?? []).map(({ where, what, reason, waive }) => ({ module: bom.value.metadata.name, where, what, reason, waived: waive ?? false }));
}

/** Image names that modules build on site, with the module. Throws `RESOLVE_CONFLICT` when two build the same. */
function producedImages(boms: readonly ParsedBom[]): ReadonlyMap<string, string> {
  const produced = new Map<string, { bom: ParsedBom; at: Position }>();
  for (const bom of boms) {
    for (const [index, item] of (bom.value.spec?.produces ?? []).entries()) {
      const name = item.image ?? item.package ?? item.file ?? '';
      const at = bom.positionOf(['spec', 'produces', index]);
      const before = produced.get(name);
      if (before !== undefined && before.bom !== bom) {
        const side = (one: { bom: ParsedBom; at: Position }): { module: string; at: Position; says: string } => ({ module: one.bom.value.metadata.name, at: one.at, says: `produces ${name}` });
        throw conflictOf(name, 'one module that produces a name', [side(before), side({ bom, at })], 'Leave one of the modules out, or let one of them produce another name.');
      }
      produced.set(name, { bom, at });
    }
  }
  return new Map([...produced].map(([name, { bom }]) => [name, bom.value.metadata.name]));
}

function imageWarnings(images: readonly ImageRequirement[], produced: ReadonlyMap<string, string>): string[] {
  return images.flatMap(({ ref, digest, usedBy }) => [
    ...(digest === undefined && ref.endsWith(':latest') ? [`image ${ref} (${usedBy.join(', ')}): the tag latest moves; name a version or a digest`] : []),
    ...(produced.has(ref) ? [`image ${ref} (${usedBy.join(', ')}): module ${produced.get(ref)} says that it is built on site`] : []),
  ]);
}

function openPlatforms(entries: readonly Entry<'images'>[], targets: ModuleTargets): string[] {
  const open = entries.filter(({ value, bom }) => value.platforms === undefined && platformsOf(targets.of(bom)).includes('all'));
  return [...new Set(open.map(({ module }) => module))].map((module) => `module ${module}: images carry every platform, because neither they nor a target say which`);
}

function sorted<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}
