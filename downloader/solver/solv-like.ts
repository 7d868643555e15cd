// The choice of dnf (libsolv) for a list of specs: behaviour found by experiment, see README.md in this folder.
import { BundleError } from '../../bom/errors.ts';
import { type ArchPolicy, archPolicy } from './solv-arch.ts';
import { type SolvOutcome, solveJob } from './solv-engine.ts';
import { unsolvableJob } from './solv-explain.ts';
import { groupMembers, type GroupMember, moduleMembers, parseModuleSpec } from './solv-groups.ts';
import { ActiveModules, hideByModules, type ModuleChoice } from './solv-modules.ts';
import type { SolvOffer, SolvSettings, Wanted } from './solv-offer.ts';
import { directChoice, plainChoice } from './solv-plain.ts';
import { type ChosenRpm, reasonsOf, rejectionsOf } from './solv-reasons.ts';
import { matchSpec, obsoleting, requestsOf } from './solv-specs.ts';
import type { Rejection } from './solve.ts';
import type { RpmUniverse } from './solv-universe.ts';
import { SolvView } from './solv-view.ts';

export type { SolvOffer, SolvSettings, Wanted } from './solv-offer.ts';

/** dnf.conf(5), `installonlypkgs`: what may be there in several versions. */
export const installonlyProvides: readonly string[] = ['kernel', 'kernel-PAE', 'installonlypkg(kernel)', 'installonlypkg(kernel-module)', 'installonlypkg(vm)', 'multiversion(kernel)'];

export interface SolvSpec { readonly spec: string; readonly versions?: 'newest' | 'all' }

export interface SolvRequest {
  readonly wanted: readonly SolvSpec[];
  readonly weak: boolean;
  /** Only the best version of what was asked for will do. */
  readonly best: boolean;
  /** `none`: only what was named; `direct`: and what it requires itself; `closure`: everything; `alldeps`: each solved alone, what is installed left aside. */
  readonly mode: 'none' | 'direct' | 'closure' | 'alldeps';
  /** Solve each spec alone and join the results, as `dnf download --resolve` does. */
  readonly isUnion?: boolean;
  readonly installonly?: readonly string[];
}

export interface SolvDecision {
  /** In the order of choice; nothing that was installed before. */
  readonly chosen: readonly ChosenRpm[];
  readonly rejected: readonly Rejection[];
  /** Whether the target's own solver gives the same, with the reason in `notes` when it may not. */
  readonly exact: boolean;
  readonly notes: readonly string[];
  /** Paths that were needed and of which only filelists can name every owner: when any, load them and solve again. */
  readonly missingPaths: readonly string[];
}

function exclude(universe: RpmUniverse, arch: ArchPolicy, settings: SolvSettings, considered: Uint8Array): void {
  const isNeeded = (settings.excludes ?? []).length > 0 || universe.repositories.some(({ excludes, includepkgs }) => (excludes ?? []).length + (includepkgs ?? []).length > 0);
  if (!isNeeded) return;
  const whole = new SolvView(universe, arch);
  const matching = (specs: readonly string[]): Set<number> => new Set(specs.flatMap((spec) => matchSpec(whole, spec)?.solvables ?? []));
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
  return { view: new SolvView(universe, arch, considered), settings, considered, ...(modules === undefined ? {} : { modules }) };
}

/** `name:stream` (or `name`) of the modules that specs of the form `@name:stream/profile` enable. */
export function streamsOf(specs: readonly string[], choice: ModuleChoice): string[] {
  return specs.flatMap((spec) => {
    const parsed = spec.startsWith('@') ? parseModuleSpec(spec.slice(1)) : undefined;
    if (parsed === undefined || !choice.documents.some((item) => item.kind === 'stream' && item.name === parsed.name)) return [];
    return [parsed.stream === undefined ? parsed.name : `${parsed.name}:${parsed.stream}`];
  });
}

function wantedMembers(view: SolvView, spec: string, members: readonly GroupMember[]): Omit<Wanted, 'versions'> {
  const requests: (readonly number[])[] = [];
  const conditions: (readonly number[])[] = [];
  for (const { name, condition } of members) {
    const id = view.universe.findName(name);
    const solvables = id === undefined ? [] : view.named(id);
    if (solvables.length === 0) continue;
    const all = [...new Set([...solvables, ...obsoleting(view, solvables)])].sort((a, b) => a - b);
    if (condition === undefined) requests.push(all);
    else for (const other of view.providers(view.universe.relationId({ name: condition }))) conditions.push([-other, ...solvables]);
  }
  return { spec, requests, conditions };
}

function notFound({ view, considered }: SolvOffer, spec: string): BundleError {
  const { universe } = view;
  const hidden: string[] = [];
  const near: string[] = [];
  for (let id = 1; id < universe.count && hidden.length < 3; id += 1) {
    if (universe.nameText(id) === spec && considered[id] === 0) hidden.push(universe.nevra(id));
    else if (near.length < 3 && spec.length > 2 && universe.nameText(id).startsWith(spec) && !near.includes(universe.nameText(id))) near.push(universe.nameText(id));
  }
  const actual = hidden.length > 0 ? `only ${hidden.join(', ')}, which excludes or modules hide` : near.length > 0 ? `nothing of that name; there is ${near.join(', ')}` : 'nothing that matches';
  return new BundleError('RESOLVE_NOT_FOUND', { subject: `package ${spec}`, expected: 'a package, a capability or a path of the repositories', actual });
}

function resolve(offer: SolvOffer, { spec, versions = 'newest' }: SolvSpec): Wanted {
  const { view, modules, settings } = offer;
  if (spec.startsWith('@')) {
    const name = spec.slice(1);
    const members = (modules === undefined ? undefined : moduleMembers(modules, name)) ?? groupMembers(settings.groups ?? [], name);
    if (members === undefined) throw new BundleError('RESOLVE_NOT_FOUND', { subject: spec, expected: 'a group, an environment or a module of the repositories', actual: 'none of that name' });
    const wanted = { ...wantedMembers(view, spec, members), versions };
    if (wanted.requests.length > 0 || members.length === 0) return wanted;
    throw new BundleError('RESOLVE_NOT_FOUND', { subject: spec, expected: 'a group with packages of the repositories', actual: `none of ${members.map((item) => item.name).slice(0, 3).join(', ')}` });
  }
  const requests = requestsOf(view, spec);
  if (requests.length === 0) throw notFound(offer, spec);
  return { spec, versions, requests, conditions: [] };
}

function solveWanted(offer: SolvOffer, wanted: readonly Wanted[], request: SolvRequest): SolvOutcome {
  const { view, settings } = offer;
  const names = new Set((request.installonly ?? installonlyProvides).flatMap((name) => view.universe.findName(name) ?? []));
  const outcome = solveJob(view, {
    install: wanted.flatMap((item) => item.requests), conditions: wanted.flatMap((item) => item.conditions), weak: request.weak, best: request.best, twins: settings.twins ?? true,
    isMultiversion: (id) => view.universe.dependenciesOf(id, 'provides').some((relation) => names.has(view.universe.relationName(relation))),
    ignoresInstalled: request.mode === 'alldeps',
  });
  if (!outcome.isSolved) throw unsolvableJob(offer, wanted, outcome);
  return outcome;
}

/** One list of requests for each solve: joint, one by one, or one for each version. */
function listsOf(wanted: readonly Wanted[], request: SolvRequest): { readonly main: readonly (readonly Wanted[])[]; readonly versions: readonly (readonly Wanted[])[] } {
  const main = request.isUnion === true || request.mode === 'alldeps'
    ? wanted.flatMap((item) => item.requests.map((each) => [{ ...item, requests: [each] }])) : [wanted];
  const versions = wanted.filter((item) => item.versions === 'all').flatMap((item) => item.requests.flatMap((each) =>
    each.map((solvable) => [{ ...item, requests: [[solvable]] }])));
  return { main, versions };
}

/**
 * Pure: the same offer and request give the same decision. Throws `RESOLVE_NOT_FOUND` for a spec that names nothing and `RESOLVE_UNSOLVABLE` with
 * the shortest chain that leads to what cannot be met. With `versions: all` older versions that cannot be installed are left out, with a note.
 */
export function solveSolvLike(offer: SolvOffer, request: SolvRequest): SolvDecision {
  const { view } = offer;
  const wanted = request.wanted.map((each) => resolve(offer, each));
  const notes: string[] = [];
  const found: ChosenRpm[][] = [];
  const { main, versions } = listsOf(wanted, request);
  if (request.mode === 'none' || request.mode === 'direct') {
    found.push(request.mode === 'none' ? plainChoice(offer, wanted) : directChoice(offer, wanted));
  } else {
    for (const list of main) found.push(reasonsOf(view, list, solveWanted(offer, list, request).taken));
    for (const list of versions) {
      try {
        found.push(reasonsOf(view, list, solveWanted(offer, list, { ...request, best: false }).taken));
      } catch (error) {
        if (!(error instanceof BundleError) || error.family !== 'resolve') throw error;
        notes.push(`${view.universe.nevra(list[0]?.requests[0]?.[0] ?? 0)} is left out: ${error.facts.actual}`);
      }
    }
  }
  const chosen = [...new Map(found.flat().reverse().map((item) => [item.solvable, item])).values()].reverse();
  return { chosen, rejected: rejectionsOf(view, chosen), exact: notes.length === 0, notes, missingPaths: [...view.unknownPaths].sort() };
}
