// What a list asks for: each spec as packages of which one is to be installed.
import { BundleError } from '../../bom/errors.ts';
import { groupMembers, type GroupMember, moduleMembers } from './solv-groups.ts';
import { artifactKey } from './solv-modules.ts';
import type { SolvOffer } from './solv-offer.ts';
import { compareEvr } from '../../formats/rpm/evr.ts';
import { matchSpec, requestsOf } from './solv-specs.ts';
import type { SolvView } from './solv-view.ts';

export interface SolvSpec { readonly spec: string; readonly versions?: 'newest' | 'all' }

export interface Wanted {
  readonly spec: string;
  readonly versions: 'newest' | 'all';
  /** Of each line one package. */
  readonly requests: readonly (readonly number[])[];
  /** With `versions: all` everything that the spec names, without what obsoletes it; else nothing. */
  readonly every: readonly number[];
  /** Clauses for members of a group that depend on another package. */
  readonly conditions: readonly (readonly number[])[];
}

/** As dnf does: what the module itself has and what hotfix repositories have, else whatever there is. What the machine has counts where the module has it too. */
function modularOf({ universe }: SolvView, solvables: readonly number[], artifacts: ReadonlySet<string>): readonly number[] {
  const own = solvables.filter((id) => artifacts.has(artifactKey(universe, id)) || universe.repositoryOf(id).hotfixes === true);
  return own.length > 0 ? own : solvables;
}

function wantedMembers(view: SolvView, spec: string, members: readonly GroupMember[]): Omit<Wanted, 'versions' | 'every'> {
  const requests: (readonly number[])[] = [];
  const conditions: (readonly number[])[] = [];
  for (const { name, condition, artifacts } of members) {
    const id = view.universe.findName(name);
    const solvables = id === undefined ? [] : view.offered(view.named(id));
    if (solvables.length === 0) continue;
    if (artifacts !== undefined) { requests.push(modularOf(view, solvables, artifacts)); continue; }
    const all = [...new Set([...solvables, ...view.obsoleting(solvables)])].sort((a, b) => a - b);
    if (condition === undefined) requests.push(all);
    else for (const other of view.offered(view.providers(view.universe.relationId({ name: condition })))) conditions.push([-other, ...solvables]);
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

const ofRepositories = ({ universe }: SolvView, solvables: readonly number[]): readonly number[] => solvables.filter((id) => universe.repositoryOf(id).installed !== true);

/** Throws `RESOLVE_NOT_FOUND` for a spec that names nothing. */
export function resolveSpec(offer: SolvOffer, { spec, versions = 'newest' }: SolvSpec): Wanted {
  const { view, modules, settings } = offer;
  if (spec.startsWith('@')) {
    const name = spec.slice(1);
    const members = (modules === undefined ? undefined : moduleMembers(modules, name)) ?? groupMembers(settings.groups ?? [], name);
    if (members === undefined) throw new BundleError('RESOLVE_NOT_FOUND', { subject: spec, expected: 'a group, an environment or a module of the repositories', actual: 'none of that name' });
    const found = wantedMembers(view, spec, members);
    const wanted = { ...found, versions, every: versions === 'all' ? ofRepositories(view, found.requests.flat()) : [] };
    if (wanted.requests.length > 0 || members.length === 0) return wanted;
    throw new BundleError('RESOLVE_NOT_FOUND', { subject: spec, expected: 'a group with packages of the repositories', actual: `none of ${members.map((item) => item.name).slice(0, 3).join(', ')}` });
  }
  const requests = requestsOf(view, spec, settings.obsoleters);
  if (requests.length === 0) throw notFound(offer, spec);
  return { spec, versions, requests, conditions: [], every: versions === 'all' ? ofRepositories(view, matchSpec(view, spec)?.solvables ?? []) : [] };
}

/** Of each name and architecture the newest of the best repository that has it; several where repositories have the same. */
function newestOfEach({ universe }: SolvView, solvables: readonly number[]): readonly number[] {
  return [...Map.groupBy(solvables, (id) => `${universe.nameText(id)} ${universe.archOf(id)}`).values()].flatMap((same) => {
    const priorityOf = (id: number): number => universe.repositoryOf(id).priority ?? 99;
    const best = Math.min(...same.map(priorityOf));
    const preferred = same.filter((id) => priorityOf(id) === best);
    const evrOf = (id: number) => universe.evr(universe.evrOf(id));
    return preferred.filter((id) => preferred.every((other) => compareEvr(evrOf(id), evrOf(other)) >= 0));
  });
}

/** As `dnf download` reads a spec: every package that it names, each to be had by itself, in both architectures, and not what obsoletes it. A group's members are as {@link resolveSpec} has them. */
export function resolveApart(offer: SolvOffer, asked: SolvSpec): Wanted {
  const wanted = resolveSpec(offer, asked);
  const match = asked.spec.startsWith('@') ? undefined : matchSpec(offer.view, asked.spec);
  return match === undefined ? wanted : { ...wanted, requests: newestOfEach(offer.view, ofRepositories(offer.view, match.solvables)).map((id) => [id]) };
}
