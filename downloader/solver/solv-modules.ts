// Which packages modules hide: dnf(8), "Modularity"; modulemd. Filtering comes before choosing.
import { BundleError } from '../../bom/errors.ts';
import { parseNevra } from '../../formats/rpm/nevra.ts';
import type { ModuleDefaults, ModuleDocument, ModuleStream } from '../../formats/rpm/modules.ts';
import { ModuleNeeds } from './solv-module-needs.ts';
import type { RpmUniverse } from './solv-universe.ts';

export interface ModuleChoice {
  /** By repository, in the order of the configuration: what one says of a module and what several say are merged differently. */
  readonly documents: readonly (readonly ModuleDocument[])[];
  /** `name:stream`; a stream that is not named may be the default one. */
  readonly enabled: readonly string[];
  /** The stream of the module `platform`, such as `el8`. */
  readonly platform?: string;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
/** Numbers of any length, as text. */
export const byNumber = (a: string, b: string): number => a.length - b.length || byText(a, b);

/** Builds in the order in which dnf takes them: repository, name, stream, version, context. */
function buildsOf(documents: ModuleChoice['documents']): ModuleStream[] {
  return documents.flatMap((own) => own.filter((item) => item.kind === 'stream').toSorted((a, b) =>
    byText(a.name, b.name) || byText(a.stream, b.stream) || byNumber(a.version, b.version) || byText(a.context, b.context)));
}

/**
 * The defaults of each module: of one repository the newest, the last of equals; of several the newest. Where equally new ones of several repositories name different
 * streams, the module has no default stream.
 */
function mergedDefaults(documents: ModuleChoice['documents']): ReadonlyMap<string, ModuleDefaults> {
  const merged = new Map<string, ModuleDefaults>();
  for (const own of documents) {
    const newest = new Map<string, ModuleDefaults>();
    for (const item of own) if (item.kind === 'defaults' && byNumber(item.modified, newest.get(item.name)?.modified ?? '') >= 0) newest.set(item.name, item);
    for (const [name, item] of newest) {
      const before = merged.get(name);
      const order = before === undefined ? 1 : byNumber(item.modified, before.modified);
      if (before === undefined || order > 0) merged.set(name, item);
      else if (order === 0 && item.stream !== undefined && before.stream !== item.stream) merged.set(name, before.stream === undefined ? item : { ...before, stream: conflicting });
    }
  }
  return merged;
}

/** No stream is called so. */
const conflicting = '\n';

/** Streams that are in force, and of each every build that needs the same of others: older versions, too, may be chosen. */
export class ActiveModules {
  readonly streams: readonly ModuleStream[];
  readonly all: readonly ModuleStream[];
  /** The stream of each module that has one in force, or was asked for. */
  private readonly chosen: ReadonlyMap<string, string>;
  private readonly defaults: ReadonlyMap<string, ModuleDefaults>;
  private readonly known: ReadonlyMap<string, readonly string[]>;

  constructor({ documents, enabled, platform }: ModuleChoice) {
    this.all = buildsOf(documents);
    this.defaults = mergedDefaults(documents);
    this.known = new Map([...Map.groupBy(this.all, (item) => item.name)].map(([name, builds]) => [name, [...new Set(builds.map((item) => item.stream))].sort(byText)]));
    const explicit = this.enabledStreams(enabled);
    const needs = new ModuleNeeds(this.all, this.known, platform);
    const byDefault = this.all.filter(({ name, stream }) => !explicit.has(name) && this.defaultStream(name) === stream).toReversed();
    const inForce = needs.inForce([...[...new Map(byDefault.map(({ name, stream }) => [name, stream]))].reverse(), ...explicit]);
    for (const [name, stream] of explicit) if (inForce.streams.get(name) !== stream) throw this.unmet(name, stream, inForce.streams);
    this.streams = inForce.variants.flatMap(({ builds }) => builds);
    this.chosen = new Map([...explicit, ...inForce.streams]);
  }

  defaultStream(name: string): string | undefined {
    const stream = this.defaults.get(name)?.stream;
    return stream === conflicting ? undefined : stream;
  }

  streamOf(name: string): string | undefined { return this.chosen.get(name); }
  /** Profiles that are installed when none is named. */
  defaultProfiles(name: string, stream: string): readonly string[] { return this.defaults.get(name)?.profiles[stream] ?? []; }

  /** A stream that was asked for does not push a default stream aside: dnf refuses to enable it. */
  private unmet(name: string, stream: string, inForce: ReadonlyMap<string, string>): BundleError {
    const needs = this.all.filter((item) => item.name === name && item.stream === stream).flatMap(({ requires }) => requires.flatMap(Object.entries<readonly string[]>));
    const text = [...new Set(needs.map(([other, streams]) => `${other}:${streams.join('|') || '*'}${inForce.has(other) ? ` (in force: ${inForce.get(other) ?? ''})` : ''}`))].join(', ');
    return new BundleError('RESOLVE_UNSOLVABLE', { subject: `module ${name}:${stream}`, expected: 'streams that can be in force beside the default ones', actual: `it needs ${text === '' ? 'nothing, while others need another stream of it' : text}`, next: 'Name the streams that it needs under modules of the repository as well.' });
  }

  private enabledStreams(enabled: readonly string[]): Map<string, string> {
    const found = new Map<string, string>();
    for (const text of enabled) {
      const [name = '', stream] = text.split(':');
      const wanted = stream ?? this.defaultStream(name);
      const known = this.known.get(name) ?? [];
      if (wanted === undefined || !known.includes(wanted)) {
        throw new BundleError('RESOLVE_NOT_FOUND', { subject: `module ${text}`, expected: known.length === 0 ? 'a module of the repositories' : `one of the streams ${known.join(', ')}`, actual: wanted === undefined ? 'no stream and no default' : `stream ${wanted}` });
      }
      const before = found.get(name);
      if (before !== undefined && before !== wanted) {
        throw new BundleError('RESOLVE_CONFLICT', { subject: `module ${name}`, expected: 'one stream', actual: `${before} and ${wanted}`, next: 'Name one stream of the module; two cannot be enabled on one machine.' });
      }
      found.set(name, wanted);
    }
    return found;
  }
}

/** A package as modules name it. */
export function artifactKey(universe: RpmUniverse, id: number): string {
  const { epoch, version, release } = universe.evr(universe.evrOf(id));
  return `${universe.nameText(id)}-${epoch}:${version}-${release}.${universe.archOf(id)}`;
}

/** Names that the newest build of each stream gives back: they hide nothing any more, whichever build of the module has packages of that name. By module. */
function releasedNames(streams: readonly ModuleStream[]): ReadonlyMap<string, ReadonlySet<string>> {
  const newest = [...Map.groupBy(streams, ({ name, stream, context }) => `${name}\n${stream}\n${context}`).values()].flatMap((builds) => builds.toSorted((a, b) => byNumber(b.version, a.version)).slice(0, 1));
  return new Map([...Map.groupBy(newest, ({ name }) => name)].map(([name, builds]) => [name, new Set(builds.flatMap(({ demodularized }) => demodularized))]));
}

/** Marks (0) what modules hide in `considered`: packages of streams not in force, and others that share a name with a package of one that is. */
export function hideByModules(universe: RpmUniverse, modules: ActiveModules, considered: Uint8Array): void {
  const active = new Set(modules.streams.flatMap((item) => item.artifacts));
  const modular = new Set(modules.all.flatMap((item) => item.artifacts));
  const names = new Set<number>();
  const released = releasedNames(modules.streams);
  for (const { name: module, artifacts } of modules.streams) {
    for (const artifact of artifacts) {
      const nevra = parseNevra(artifact);
      if (nevra === undefined || nevra.arch === 'src' || nevra.arch === 'nosrc' || released.get(module)?.has(nevra.name) === true) continue;
      const name = universe.findName(nevra.name);
      if (name !== undefined) names.add(name);
    }
  }
  for (let id = 1; id < universe.count; id += 1) {
    const { hotfixes, installed } = universe.repositoryOf(id);
    if (hotfixes === true || installed === true) continue;
    const key = artifactKey(universe, id);
    if (active.has(key)) continue;
    const sharesName = (): boolean => names.has(universe.nameOf(id)) || universe.dependenciesOf(id, 'provides').some((relation) => names.has(universe.relationName(relation)));
    if (modular.has(key) || sharesName()) considered[id] = 0;
  }
}
