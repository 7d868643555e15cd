// What of the repositories may be chosen: architectures, excludes, modules.
import type { Comps } from '../../formats/rpm/comps.ts';
import { type ArchPolicy, archPolicy } from './solv-arch.ts';
import { parseModuleSpec } from './solv-groups.ts';
import { ActiveModules, hideByModules, type ModuleChoice } from './solv-modules.ts';
import { matchNevra } from './solv-specs.ts';
import type { RpmUniverse } from './solv-universe.ts';
import { SolvView } from './solv-view.ts';

export interface SolvSettings {
  /** Of the machine: x86_64, aarch64, … */
  readonly arch: string;
  /** Take packages of no other architectures than these (and noarch). */
  readonly only?: readonly string[];
  /** Specs that are not to be chosen from any repository; those of one repository stand with it. */
  readonly excludes?: readonly string[];
  readonly modules?: ModuleChoice;
  readonly groups?: readonly Comps[];
  /** false: a 32-bit package never stands beside the 64-bit one of its name. dnf lets it. */
  readonly twins?: boolean;
  /** false: a path that primary does not list has no owner, as for zypper, which reads no filelists. */
  readonly filelists?: boolean;
  /** false: a name that is asked for does not stand for what obsoletes it. For dnf it does. */
  readonly obsoleters?: boolean;
  /** false: what is installed does not give way to an older version. dnf lets it. */
  readonly downgrades?: boolean;
}

/** What may be chosen, after excludes and modules; good for any number of requests. */
export interface SolvOffer {
  readonly view: SolvView;
  readonly settings: SolvSettings;
  readonly modules?: ActiveModules;
  /** 0: left out; by package. */
  readonly considered: Uint8Array;
}

function exclude(universe: RpmUniverse, arch: ArchPolicy, settings: SolvSettings, considered: Uint8Array): void {
  const isNeeded = (settings.excludes ?? []).length > 0 || universe.repositories.some(({ excludes, includepkgs }) => (excludes ?? []).length + (includepkgs ?? []).length > 0);
  if (!isNeeded) return;
  const whole = new SolvView(universe, arch);
  const matching = (specs: readonly string[]): Set<number> => new Set(specs.flatMap((spec) => matchNevra(whole, spec)?.solvables ?? []));
  const everywhere = matching(settings.excludes ?? []);
  for (const [index, { excludes = [], includepkgs = [], installed }] of universe.repositories.entries()) {
    if (installed === true) continue;
    const out = matching(excludes);
    const only = includepkgs.length === 0 ? undefined : matching(includepkgs);
    for (let id = 1; id < universe.count; id += 1) {
      if (universe.repositoryIndex(id) === index && (out.has(id) || everywhere.has(id) || only?.has(id) === false)) considered[id] = 0;
    }
  }
}

/** Streams that `@module:stream` of the requests enables have to stand in `settings.modules.enabled` before: see {@link streamsOf}. */
export function prepareOffer(universe: RpmUniverse, settings: SolvSettings): SolvOffer {
  const arch = archPolicy(settings.arch, settings.only);
  const considered = new Uint8Array(universe.count).fill(1);
  exclude(universe, arch, settings, considered);
  const modules = settings.modules === undefined ? undefined : new ActiveModules(settings.modules);
  if (modules !== undefined) hideByModules(universe, modules, considered);
  return { view: new SolvView(universe, arch, { considered, filelists: settings.filelists !== false }), settings, considered, ...(modules === undefined ? {} : { modules }) };
}

/** `name:stream` (or `name`) of the modules that specs of the form `@name:stream/profile` enable. */
export function streamsOf(specs: readonly string[], choice: ModuleChoice): string[] {
  return specs.flatMap((spec) => {
    const parsed = spec.startsWith('@') ? parseModuleSpec(spec.slice(1)) : undefined;
    if (parsed === undefined || !choice.documents.some((own) => own.some((item) => item.kind === 'stream' && item.name === parsed.name))) return [];
    return [parsed.stream === undefined ? parsed.name : `${parsed.name}:${parsed.stream}`];
  });
}

/** The same offer for a machine that has nothing. */
export function withoutInstalled(offer: SolvOffer): SolvOffer {
  const { universe, arch } = offer.view;
  if (!universe.repositories.some(({ installed }) => installed === true)) return offer;
  const considered = offer.considered.map((value, id) => (id > 0 && universe.repositoryOf(id).installed === true ? 0 : value));
  return { ...offer, considered, view: new SolvView(universe, arch, { considered, filelists: offer.settings.filelists !== false }) };
}
