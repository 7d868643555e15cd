// What a spec names: dnf(8), "Specifying Packages"; the forms and their order are those of hawkey's subjects.
import { globToRegExp, isGlob } from '../../formats/deb/version.ts';
import { parseEvr } from '../../formats/rpm/evr.ts';
import type { RichRelation, RpmOperator, RpmRelation } from '../../formats/rpm/relation.ts';
import { dependencyKinds } from './solv-tables.ts';
import type { SolvView } from './solv-view.ts';

/** Parts of a spec, each perhaps a glob; undefined parts match anything. */
interface Form {
  readonly name: string;
  readonly epoch?: string;
  readonly version?: string;
  readonly release?: string;
  readonly arch?: string;
}

const forms: readonly RegExp[] = [
  /^(?<name>[^:(/=<> ]+)-(?:(?<epoch>\d+):)?(?<version>[^-:(/=<> ]+)-(?<release>[^-:(/=<> ]+)\.(?<arch>[^-:.(/=<> ]+)$/,
  /^(?<name>[^:(/=<> ]+)\.(?<arch>[^-:.(/=<> ]+)$/,
  /^(?<name>[^:(/=<> ]+)$/,
  /^(?<name>[^:(/=<> ]+)-(?:(?<epoch>\d+):)?(?<version>[^-:(/=<> ]+)-(?<release>[^-:(/=<> ]+)$/,
  /^(?<name>[^:(/=<> ]+)-(?:(?<epoch>\d+):)?(?<version>[^-:(/=<> ]+)$/,
];

export interface SpecMatch {
  /** By ascending number. */
  readonly solvables: readonly number[];
  /** The spec gave no more than a name: what obsoletes the package will do as well. */
  readonly isJustName: boolean;
  /** Names (and with `byArch` architectures) are requests of their own. */
  readonly isEach: boolean;
  readonly byArch: boolean;
}

const matcher = (text: string | undefined): ((value: string) => boolean) => {
  if (text === undefined) return () => true;
  if (!isGlob(text)) return (value) => value === text;
  const pattern = globToRegExp(text);
  return (value) => pattern.test(value);
};

function candidatesByName(view: SolvView, name: string): number[] {
  const { universe } = view;
  if (!isGlob(name)) {
    const id = universe.findName(name);
    return id === undefined ? [] : view.offered(view.named(id));
  }
  const matches = matcher(name);
  const known = new Map<number, boolean>();
  const found: number[] = [];
  for (let id = 1; id < universe.count; id += 1) {
    if (!view.isUsable(id)) continue;
    const own = universe.nameOf(id);
    let isMatch = known.get(own);
    if (isMatch === undefined) {
      isMatch = matches(universe.text(own));
      known.set(own, isMatch);
    }
    if (isMatch) found.push(id);
  }
  return found;
}

function packagesOf(view: SolvView, form: Form): number[] {
  const { universe } = view;
  const [version, release, arch] = [matcher(form.version), matcher(form.release), matcher(form.arch)];
  return candidatesByName(view, form.name).filter((id) => {
    const evr = universe.evr(universe.evrOf(id));
    return (form.epoch === undefined || Number(form.epoch) === evr.epoch) && version(evr.version) && release(evr.release) && arch(universe.archOf(id));
  });
}

const relationPattern = /^(\S+)\s*(<=|>=|=|<|>)\s*(\S+)$/;

/** Every name in a rich relation. */
function plainParts(rich: RichRelation): readonly string[] {
  if (rich.kind === 'plain') return [rich.relation.name];
  const parts = 'left' in rich ? [rich.left, rich.right] : [rich.then, rich.condition, ...(rich.otherwise === undefined ? [] : [rich.otherwise])];
  return parts.flatMap(plainParts);
}

/** Of the paths that a glob means those that some package provides by name or speaks of in a relation. */
function spokenOf({ universe }: SolvView, paths: readonly string[]): readonly string[] {
  if (paths.length === 0) return [];
  const wanted = new Map(paths.flatMap((path) => { const id = universe.findName(path); return id === undefined ? [] : [[id, path] as const]; }));
  const spoken = new Set<string>();
  for (let id = 1; id < universe.count; id += 1) {
    for (const kind of dependencyKinds) {
      for (const relation of universe.dependenciesOf(id, kind)) {
        const rich = universe.isRich(relation) ? universe.richOf(relation) : undefined;
        const path = wanted.get(universe.relationName(relation));
        if (path !== undefined) spoken.add(path);
        else if (rich !== undefined) for (const part of plainParts(rich)) if (paths.includes(part)) spoken.add(part);
      }
    }
  }
  return [...spoken];
}

function byProvides(view: SolvView, spec: string): number[] {
  const { universe } = view;
  const [, name, op, evr] = relationPattern.exec(spec) ?? [];
  const ownersOf = (names: readonly string[], version: Omit<RpmRelation, 'name'> = {}): number[] =>
    [...new Set(names.flatMap((each) => view.offered(view.providers(universe.relationId({ name: each, ...version })))))].sort((a, b) => a - b);
  if (name !== undefined && op !== undefined && evr !== undefined) {
    return ownersOf(isGlob(name) ? universe.allNames().filter(matcher(name)) : [name], { op: op as RpmOperator, evr: parseEvr(evr) });
  }
  if (!isGlob(spec)) return ownersOf([spec]);
  const [paths = [], names = []] = [true, false].map((isPath) => universe.allNames().filter(matcher(spec)).filter((name) => name.startsWith('/') === isPath));
  // As dnf does: the owners of any other path are asked when nothing else would do.
  const found = ownersOf([...names, ...spokenOf(view, paths)]);
  return found.length > 0 || !isPathSpec(spec) ? found : ownersOf(paths);
}

/** What dnf takes for a file, by name or glob. */
const isPathSpec = (spec: string): boolean => spec.startsWith('/') || spec.startsWith('*/');

/** The packages that a spec names by name, version, architecture: the first form that names any. What they provide and own is left aside. */
export function matchNevra(view: SolvView, spec: string): SpecMatch | undefined {
  for (const pattern of forms) {
    const groups = pattern.exec(spec)?.groups;
    if (groups === undefined) continue;
    const form: Form = { ...groups, name: groups.name ?? '' };
    const solvables = packagesOf(view, form);
    if (solvables.length === 0) continue;
    const isJustName = form.version === undefined && form.arch === undefined;
    return { solvables, isJustName, isEach: isGlob(spec), byArch: form.arch !== undefined && isGlob(form.arch) };
  }
  return undefined;
}

/** The packages that a spec names; else what provides it, then who owns the path. Nothing when there is none. */
export function matchSpec(view: SolvView, spec: string): SpecMatch | undefined {
  const named = matchNevra(view, spec);
  if (named !== undefined) return named;
  const solvables = byProvides(view, spec);
  return solvables.length === 0 ? undefined : { solvables, isJustName: false, isEach: isGlob(spec) && !isPathSpec(spec), byArch: false };
}

/** Requests of a spec: for each the packages of which one is to be installed, with `obsoleters` what obsoletes them too. Empty when the spec names nothing. */
export function requestsOf(view: SolvView, spec: string, obsoleters = true): readonly (readonly number[])[] {
  const match = matchSpec(view, spec);
  if (match === undefined) return [];
  const { universe } = view;
  const keyOf = (id: number): string => `${universe.nameText(id)}${match.byArch ? ` ${universe.archOf(id)}` : ''}`;
  const groups = match.isEach ? [...Map.groupBy(match.solvables, keyOf).values()] : [match.solvables];
  return groups.map((solvables) => {
    const others = obsoleters && (match.isJustName || match.byArch) ? view.obsoleting(solvables) : [];
    return [...new Set([...solvables, ...others])].sort((a, b) => a - b);
  });
}
