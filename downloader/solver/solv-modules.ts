// Which packages modules hide: dnf(8), "Modularity"; modulemd. Filtering comes before choosing.
import { BundleError } from '../../bom/errors.ts';
import { parseNevra } from '../../formats/rpm/nevra.ts';
import type { ModuleDefaults, ModuleDocument, ModuleStream } from '../../formats/rpm/modules.ts';
import type { RpmUniverse } from './solv-universe.ts';

export interface ModuleChoice {
  readonly documents: readonly ModuleDocument[];
  /** `name:stream`; a stream that is not named may be the default one. */
  readonly enabled: readonly string[];
  /** The stream of the module `platform`, such as `el8`. */
  readonly platform?: string;
}

const compareVersions = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

const isStream = (item: ModuleDocument): item is ModuleStream => item.kind === 'stream';
const isDefaults = (item: ModuleDocument): item is ModuleDefaults => item.kind === 'defaults';

/** Streams that are in force, by module; each with its newest version in every context whose needs are met. */
export class ActiveModules {
  readonly streams: readonly ModuleStream[];
  readonly all: readonly ModuleStream[];
  private readonly chosen = new Map<string, string>();
  private readonly explicit = new Set<string>();
  private readonly defaults: readonly ModuleDefaults[];
  private readonly platform: string | undefined;

  constructor({ documents, enabled, platform }: ModuleChoice) {
    this.all = documents.filter(isStream);
    this.defaults = documents.filter(isDefaults);
    this.platform = platform;
    for (const text of enabled) this.enable(text);
    for (const { name, stream } of this.defaults) if (stream !== undefined && !this.chosen.has(name)) this.chosen.set(name, stream);
    this.followNeeds();
    this.streams = this.inForce();
  }

  defaultStream(name: string): string | undefined { return this.defaults.findLast((item) => item.name === name)?.stream; }
  streamOf(name: string): string | undefined { return this.chosen.get(name); }
  /** Profiles that are installed when none is named. */
  defaultProfiles(name: string, stream: string): readonly string[] { return this.defaults.findLast((item) => item.name === name)?.profiles[stream] ?? []; }

  private enable(text: string): void {
    const [name = '', stream] = text.split(':');
    const wanted = stream ?? this.defaultStream(name);
    const known = this.all.filter((item) => item.name === name).map((item) => item.stream);
    if (wanted === undefined || !known.includes(wanted)) {
      throw new BundleError('RESOLVE_NOT_FOUND', { subject: `module ${text}`, expected: known.length === 0 ? 'a module of the repositories' : `one of the streams ${[...new Set(known)].sort().join(', ')}`, actual: wanted === undefined ? 'no stream and no default' : `stream ${wanted}` });
    }
    const before = this.chosen.get(name);
    if (before !== undefined && before !== wanted && this.explicit.has(name)) {
      throw new BundleError('RESOLVE_CONFLICT', { subject: `module ${name}`, expected: 'one stream', actual: `${before} and ${wanted}`, next: 'Name one stream of the module; two cannot be enabled on one machine.' });
    }
    this.chosen.set(name, wanted);
    this.explicit.add(name);
  }

  private accepts(name: string, streams: readonly string[], stream: string | undefined): boolean {
    if (name === 'platform') return this.platform === undefined || isAccepted(streams, this.platform);
    return stream !== undefined && isAccepted(streams, stream);
  }

  /** What enabled streams require becomes enabled too, where nothing else was said of that module. */
  private followNeeds(): void {
    const queue = [...this.chosen.keys()];
    for (const name of queue) {
      for (const item of this.newest(name)) {
        for (const requires of item.requires.slice(0, 1)) {
          for (const [other, streams] of Object.entries(requires)) {
            if (other === 'platform' || this.chosen.has(other)) continue;
            const wanted = this.all.find((each) => each.name === other && isAccepted(streams, each.stream))?.stream;
            if (wanted === undefined) continue;
            this.chosen.set(other, wanted);
            queue.push(other);
          }
        }
      }
    }
  }

  /** The newest version of each context of the module's stream. */
  private newest(name: string): ModuleStream[] {
    const builds = this.all.filter((item) => item.name === name && item.stream === this.chosen.get(name));
    const best = builds.reduce<string | undefined>((version, item) => (version === undefined || compareVersions(item.version, version) > 0 ? item.version : version), undefined);
    return builds.filter((item) => item.version === best);
  }

  private inForce(): ModuleStream[] {
    const isMet = (item: ModuleStream): boolean => item.requires.length === 0 || item.requires.some((requires) =>
      Object.entries(requires).every(([name, streams]) => this.accepts(name, streams, this.chosen.get(name))));
    return [...this.chosen.keys()].flatMap((name) => this.newest(name).filter(isMet));
  }
}

function isAccepted(streams: readonly string[], stream: string): boolean {
  const refused = streams.filter((item) => item.startsWith('-')).map((item) => item.slice(1));
  if (refused.length > 0) return !refused.includes(stream);
  return streams.length === 0 || streams.includes(stream);
}

/** Marks (0) what modules hide in `considered`: packages of streams not in force, and others that share a name with a package of one that is. */
export function hideByModules(universe: RpmUniverse, modules: ActiveModules, considered: Uint8Array): void {
  const active = new Set(modules.streams.flatMap((item) => item.artifacts));
  const modular = new Set(modules.all.flatMap((item) => item.artifacts));
  const names = new Set<number>();
  for (const { artifacts, demodularized } of modules.streams) {
    for (const artifact of artifacts) {
      const nevra = parseNevra(artifact);
      if (nevra === undefined || nevra.arch === 'src' || nevra.arch === 'nosrc' || demodularized.includes(nevra.name)) continue;
      const name = universe.findName(nevra.name);
      if (name !== undefined) names.add(name);
    }
  }
  for (let id = 1; id < universe.count; id += 1) {
    const { hotfixes, installed } = universe.repositoryOf(id);
    if (hotfixes === true || installed === true) continue;
    const { epoch, version, release } = universe.evr(universe.evrOf(id));
    const key = `${universe.nameText(id)}-${epoch}:${version}-${release}.${universe.archOf(id)}`;
    if (active.has(key)) continue;
    const sharesName = (): boolean => names.has(universe.nameOf(id)) || universe.dependenciesOf(id, 'provides').some((relation) => names.has(universe.relationName(relation)));
    if (modular.has(key) || sharesName()) considered[id] = 0;
  }
}
