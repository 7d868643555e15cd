// Requirements -> Lock: every artifact by digest, before anything else is downloaded. README "Lock".
import { isDeepStrictEqual } from 'node:util';
import type { Aggregated } from '../bom/aggregate.ts';
import { withFoundImages } from '../bom/aggregate-images.ts';
import type { DocumentOrigin } from '../bom/documents/document.ts';
import { canonicalJson } from '../bom/canonical-json.ts';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import { type Notify, silent } from '../bom/events.ts';
import {
  apiVersion, bomMediaType, type Lock, type LockedBom, type LockedRepository, type LockedRuntime, type LockSpec, type Trust,
} from '../bom/lock.ts';
import type { BlobWriter, Kind, RequirementOf, Resolution, Source } from '../bom/ports.ts';
import type { VersionComparators } from '../bom/relations-versions.ts';
import { upgradeWarnings } from '../bom/upgrades.ts';
import { Keeping } from './keeping.ts';
import { pinToPrevious } from './lock-pins.ts';
import { knownUpdate, type Update } from './lock-update.ts';
import type { ConfigSource } from './sources/config.ts';
import { checkEntryPolicy, checkTrustPolicy } from './lock-policy.ts';

/** Where each kind comes from; a kind without a source cannot be required. */
export type LockSources = { readonly [K in Kind]?: Source<K> };

export interface LockOptions {
  readonly aggregated: Aggregated;
  readonly sources: LockSources;
  /** Where site configurations come from; without it none can be required. */
  readonly configs?: ConfigSource;
  /** Gets the BOMs, as canonical JSON. */
  readonly blobs: BlobWriter;
  /** Takes what is on its way into `blobs`; left out, it is durable when the lock is made. */
  readonly keeping?: Keeping;
  /** The lock to continue: the same content keeps its sequence, other content gets the next. */
  readonly previous?: Lock;
  /**
   * What of `previous` is resolved anew, by image, file or module name. Default `all`; with a list, other images and files keep the digests that
   * were locked. Packages follow their repositories always.
   */
  readonly update?: Update;
  /** Refuses what is not pinned or signed, guessed or unresolved, whatever the project's policy says. */
  readonly strict?: boolean;
  /** longshore itself for the far side. */
  readonly runtimes?: readonly LockedRuntime[];
  /** Orders of deb and rpm versions, for upgrades of modules that use them. */
  readonly compareVersions?: VersionComparators;
  readonly notify?: Notify;
  readonly signal: AbortSignal;
}

type Resolutions = { readonly [K in Kind]: Resolution<K> };

const kinds: readonly Kind[] = ['image', 'file', 'deb', 'rpm', 'chart', 'git'];

/**
 * Resolves every requirement through its source, all kinds at the same time, and merges the answers. The same requirements and answers give
 * the same bytes. Throws what a source throws (the others are stopped first), `RESOLVE_UNSUPPORTED` for a kind without a source,
 * `RESOLVE_UNPINNED` and `RESOLVE_POLICY` for what the policy refuses. Nothing but blobs is written.
 */
export async function createLock(options: LockOptions): Promise<Lock> {
  const { aggregated, signal, notify = silent } = options;
  checkNotAborted(signal, 'lock');
  checkSupported(requirementsOf(aggregated), options.sources);
  checkEntryPolicy(aggregated, options.strict ?? false);
  const charts = await resolveCharts(options);
  const withCharts: Aggregated = { ...aggregated, images: withFoundImages(aggregated.images, charts.resolution.images ?? [], aggregated.hostRewrites) };
  const pinned = pinToPrevious(withCharts, options.previous, knownUpdate(withCharts, options.previous, options.update ?? 'all'));
  const wanted = requirementsOf(pinned.aggregated);
  checkSupported(wanted, options.sources);
  const policyWarnings = checkEntryPolicy(withCharts, options.strict ?? false);
  for (const message of upgradeWarnings(aggregated.upgrading, options.previous?.spec.boms ?? [], options.compareVersions)) notify({ kind: 'warning', subject: 'upgrades', message });
  const configs = await resolveConfigs(options);
  const resolutions = withTrust({ ...await resolveAll({ ...wanted, chart: [] }, options), chart: charts.resolution }, new Map([...pinned.trust, ...charts.trust]));
  for (const [kind, message] of kinds.flatMap((kind) => (resolutions[kind].warnings ?? []).map((text) => [kind, text] as const))) notify({ kind: 'warning', subject: kind, message });
  checkTrustPolicy(withCharts, resolutions, options.strict ?? false);
  checkComplete(wanted, resolutions);
  await storeBoms(options);
  const spec = specOf(options, withConfigs(resolutions, configs), policyWarnings);
  return withSequence({ apiVersion, kind: 'Lock', metadata: { name: aggregated.name, project: aggregated.digest, sequence: 1 }, spec }, options.previous);
}

type Wanted = { readonly [K in Kind]: readonly RequirementOf[K][] };

function requirementsOf({ images, files, packageSets, charts, git }: Aggregated): Wanted {
  return {
    image: images, file: files, chart: charts, git,
    deb: packageSets.filter(({ kind }) => kind === 'deb'), rpm: packageSets.filter(({ kind }) => kind === 'rpm'),
  };
}

function checkSupported(wanted: Wanted, sources: LockSources): void {
  for (const kind of kinds) {
    const [first] = wanted[kind];
    if (first === undefined || sources[kind] !== undefined) continue;
    const [at] = first.at;
    const name = 'id' in first ? first.id : 'ref' in first && first.kind === 'image' ? first.ref : 'name' in first ? first.name : '';
    throw new BundleError('RESOLVE_UNSUPPORTED', {
      subject: `${at === undefined ? '' : `${at.file}:${at.line}:${at.column}: `}${kind} ${name}`,
      expected: `one of ${kinds.filter((known) => sources[known] !== undefined).join(', ')}`, actual: `${kind}, of ${first.usedBy.join(', ')}`,
      details: { kind, names: wanted[kind].map((item) => ('id' in item ? item.id : 'name' in item ? item.name : item.ref)) },
    });
  }
}

/** Before everything else: charts may bring images along. */
async function resolveCharts({ aggregated, previous, update = 'all', sources, signal, notify = silent }: LockOptions): Promise<{ readonly resolution: Resolution<'chart'>; readonly trust: ReadonlyMap<string, Trust> }> {
  const { aggregated: { charts }, trust } = pinToPrevious(aggregated, previous, update);
  if (charts.length === 0 || sources.chart === undefined) return { resolution: { artifacts: [] }, trust };
  notify({ kind: 'step', phase: 'lock', message: `resolving ${charts.length} ${labels.chart}` });
  return { resolution: await sources.chart.resolve(charts, signal), trust };
}

/** Before anything is asked of a network: what is local, and may be refused. */
async function resolveConfigs({ aggregated: { configs: wanted }, configs, signal, notify = silent }: LockOptions): Promise<Awaited<ReturnType<ConfigSource['resolve']>>> {
  if (wanted.length === 0) return { artifacts: [], warnings: [] };
  if (configs === undefined) throw new BundleError('RESOLVE_UNSUPPORTED', { subject: `config ${wanted[0]?.name ?? ''}`, expected: 'no site configurations', actual: `${wanted.length}` });
  notify({ kind: 'step', phase: 'lock', message: `reading ${wanted.length} site configurations` });
  const resolution = await configs.resolve(wanted, signal);
  for (const message of resolution.warnings) notify({ kind: 'warning', subject: 'configs', message });
  return resolution;
}

/** Configurations travel as files. They are not judged by policy.firstUse: nobody else could have changed what is read on this machine. */
function withConfigs({ file, ...others }: Resolutions, { artifacts, warnings }: Awaited<ReturnType<ConfigSource['resolve']>>): Resolutions {
  return { ...others, file: { ...file, artifacts: [...file.artifacts, ...artifacts], warnings: [...(file.warnings ?? []), ...warnings] } };
}

/** One failure stops the other kinds; what is thrown is the first failure, after all have stopped. */
async function resolveAll(wanted: Wanted, { sources, signal, notify = silent }: LockOptions): Promise<Resolutions> {
  const stop = new AbortController();
  const joined = AbortSignal.any([signal, stop.signal]);
  let failure: { readonly error: unknown } | undefined;
  const resolve = async <K extends Kind>(kind: K): Promise<Resolution<K>> => {
    const source: Source<K> | undefined = sources[kind] as Source<K> | undefined;
    const items: readonly RequirementOf[K][] = wanted[kind];
    if (source === undefined || items.length === 0) return { artifacts: [] };
    notify({ kind: 'step', phase: 'lock', message: `resolving ${items.length} ${labels[kind]}` });
    try {
      return await source.resolve(items, joined);
    } catch (error) {
      failure ??= { error };
      stop.abort();
      return { artifacts: [] };
    }
  };
  const [image, file, deb, rpm, chart, git] = await Promise.all([resolve('image'), resolve('file'), resolve('deb'), resolve('rpm'), resolve('chart'), resolve('git')]);
  if (failure !== undefined) throw failure.error;
  checkNotAborted(signal, 'lock');
  return { image, file, deb, rpm, chart, git };
}

/** A digest that an earlier lock gave is trusted as it was then, not as if a document had declared it. */
function withTrust(resolutions: Resolutions, trust: ReadonlyMap<string, Trust>): Resolutions {
  const kept = <T extends { readonly trust: Trust }>(artifact: T, name: string): T => ({ ...artifact, trust: trust.get(name) ?? artifact.trust });
  /** A submodule's commit is as trusted as the repository that names it. */
  const gitPin = (name: string): string => [...trust.keys()].find((key) => key === `git ${name}` || `git ${name}`.startsWith(`${key}/`)) ?? '';
  return {
    ...resolutions,
    image: { ...resolutions.image, artifacts: resolutions.image.artifacts.map((artifact) => kept(artifact, artifact.ref)) },
    file: { ...resolutions.file, artifacts: resolutions.file.artifacts.map((artifact) => kept(artifact, artifact.name)) },
    chart: { ...resolutions.chart, artifacts: resolutions.chart.artifacts.map((artifact) => kept(artifact, `chart ${artifact.name}`)) },
    git: { ...resolutions.git, artifacts: resolutions.git.artifacts.map((artifact) => kept(artifact, gitPin(artifact.name))) },
  };
}

const labels: Readonly<Record<Kind, string>> = { image: 'images', file: 'files', deb: 'Debian package sets', rpm: 'rpm package sets', chart: 'charts', git: 'git repositories' };

/** A source that leaves out what it was asked for without saying so is a defect: complete or absent. */
function checkComplete(wanted: Wanted, resolutions: Resolutions): void {
  const refs = new Set(resolutions.image.artifacts.map(({ ref }) => ref));
  const names = new Set(resolutions.file.artifacts.map(({ name }) => name));
  const missing = [
    ...wanted.image.filter(({ ref }) => !refs.has(ref)).map(({ ref }) => `image ${ref}`),
    ...wanted.file.filter(({ name }) => !names.has(name)).map(({ name }) => `file ${name}`),
    ...(['chart', 'git'] as const).filter((kind) => resolutions[kind].artifacts.length < wanted[kind].length),
    ...(['deb', 'rpm'] as const).flatMap((kind) => wanted[kind].filter(({ id }) => !(resolutions[kind].packageSets ?? []).some((set) => set.id === id)).map(({ id }) => `packages ${id}`)),
  ];
  if (missing.length > 0) throw new Error(`a source did not resolve ${missing.join(', ')}`);
}

/** Files that are open at once. */
const bomsAtOnce = 64;

async function storeBoms({ aggregated, blobs, keeping, signal }: LockOptions): Promise<void> {
  const together = keeping ?? new Keeping();
  for (const [index, { bytes, digest, size }] of aggregated.boms.entries()) {
    together.add(digest, blobs.put({ mediaType: bomMediaType, digest, size }, (async function* content() { yield bytes; })(), signal));
    if ((index + 1) % bomsAtOnce === 0) await together.ended();
  }
  if (keeping === undefined) await together.ended();
}

function specOf({ aggregated, runtimes = [] }: LockOptions, resolutions: Resolutions, policyWarnings: readonly string[]): LockSpec {
  const all = kinds.map((kind) => resolutions[kind]);
  const unique = (texts: readonly string[]): string[] => [...new Set(texts)].sort();
  return {
    targets: aggregated.targets.map(({ id, family, os, release, arch }) => ({ id, family, arch, ...(os === undefined ? {} : { os }), ...(release === undefined ? {} : { release }) })),
    order: [...aggregated.order],
    boms: aggregated.boms.map(({ name, version, digest, size, labels: own, origin }) => ({ name, version, digest, size, labels: { ...own }, ...(origin === undefined ? {} : { origin: originOf(origin) }) })),
    images: by(withLicence(resolutions.image.artifacts, aggregated.images, ({ ref }) => ref), ({ ref }) => [ref]),
    files: by(withLicence(resolutions.file.artifacts, aggregated.files, ({ name }) => name), ({ name }) => [name]),
    packages: by([...resolutions.deb.artifacts, ...resolutions.rpm.artifacts], ({ target, manager, name, version, arch }) => [target, manager, name, version, arch]),
    packageSets: by([...(resolutions.deb.packageSets ?? []), ...(resolutions.rpm.packageSets ?? [])], ({ id }) => [id]),
    repositories: by(all.flatMap((resolution): readonly LockedRepository[] => resolution.repositories ?? []), ({ target, id, uri, suite = '' }) => [target, id, uri, suite]),
    charts: by(withLicence(resolutions.chart.artifacts, aggregated.charts, ({ name }) => name), ({ name, version }) => [name, version]),
    git: by(withLicence(resolutions.git.artifacts, aggregated.git, ({ name }) => name), ({ name, commit }) => [name, commit]),
    runtimes: by(runtimes, ({ platform, path }) => [platform, path]),
    dropped: by([...aggregated.dropped, ...all.flatMap((resolution) => resolution.dropped ?? [])], ({ what, because }) => [what, because]),
    unresolved: by(aggregated.unresolved.filter(({ waived }) => !waived).map(({ module, where, what, reason }) => ({ module, where, what, reason })), ({ module, where, what }) => [module, where, what]),
    warnings: unique([...aggregated.warnings, ...policyWarnings, ...all.flatMap((resolution) => resolution.warnings ?? [])]),
    influences: [...aggregated.influences],
    ...(aggregated.clusterDemands.length === 0 ? {} : { clusterDemands: aggregated.clusterDemands.map(({ module, expressions }) => ({ module, expressions: expressions.map(({ key, operator, values }) => ({ key, operator, values: [...values] })) })) }),
  };
}

/** What the lock keeps of where a BOM was read. */
function originOf({ url, digest, commit, found }: DocumentOrigin): NonNullable<LockedBom['origin']> {
  return { url, ...(digest === undefined || commit !== undefined ? {} : { digest }), ...(commit === undefined ? {} : { commit }), ...(found === undefined ? {} : { found }) };
}

/** Artifacts with the licence that their requirement names. */
function withLicence<T extends object, W extends { readonly licence?: string }>(artifacts: readonly T[], wanted: readonly W[], nameOf: (item: T | W) => string): T[] {
  const licences = new Map(wanted.flatMap((item) => (item.licence === undefined ? [] : [[nameOf(item), item.licence] as const])));
  return artifacts.map((artifact) => {
    const licence = licences.get(nameOf(artifact));
    return licence === undefined ? artifact : { ...artifact, licence };
  });
}

/** Sorted by the texts of `keysOf`, compared by code units, so that no locale changes the bytes. */
function by<T>(items: readonly T[], keysOf: (item: T) => readonly string[]): T[] {
  const keyed = items.map((item) => ({ item, key: keysOf(item).join('\u0000') }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ item }) => item);
}

/** `previous` itself when nothing but the sequence differs. */
export function withSequence(lock: Lock, previous: Lock | undefined): Lock {
  if (previous === undefined) return lock;
  if (isDeepStrictEqual(lock.spec, previous.spec) && isDeepStrictEqual({ ...lock.metadata, sequence: 0 }, { ...previous.metadata, sequence: 0 })) return previous;
  const content = (one: Lock): string => canonicalJson({ ...one, metadata: { ...one.metadata, sequence: 0 } });
  if (content(lock) === content(previous)) return previous;
  return { ...lock, metadata: { ...lock.metadata, sequence: previous.metadata.sequence + 1 } };
}
