// What moved from one state of a project to another: requirements for `bom diff`, locks for `lock --update`.
import type { Aggregated } from './aggregate.ts';
import { withKeyPaths } from './apt-sources.ts';
import { digestOf } from './digest.ts';
import type { Lock } from './lock.ts';
import { parseReference } from './reference.ts';

export type ChangedKind = 'module' | 'image' | 'file' | 'package' | 'chart' | 'git' | 'repository';

export interface Change {
  readonly kind: ChangedKind;
  readonly name: string;
  /** renamed: the same path and tag on another host, or the same content under another name. */
  readonly change: 'added' | 'removed' | 'changed' | 'renamed';
  readonly before?: string;
  readonly after?: string;
}

export interface Diff {
  /** By kind, then name. */
  readonly changes: readonly Change[];
  /** How many of each kind stayed as they were. */
  readonly unchanged: Readonly<Partial<Record<ChangedKind, number>>>;
}

/** kind -> name -> what it is: a digest, a version, a definition. */
type State = ReadonlyMap<ChangedKind, ReadonlyMap<string, string>>;

/** What two aggregations ask for, compared by name. */
export function diffAggregated(before: Aggregated, after: Aggregated): Diff {
  return diffStates(wantedState(before), wantedState(after));
}

/** What two locks hold, compared by name and digest. */
export function diffLocks(before: Lock, after: Lock): Diff {
  return diffStates(lockedState(before), lockedState(after));
}

/** One line a change: `+`, `-`, `~` (changed), `=` (renamed). */
export function diffLines({ changes }: Diff): string[] {
  const marks = { added: '+', removed: '-', changed: '~', renamed: '=' } as const;
  return changes.map(({ kind, name, change, before, after }) => {
    const detail = change === 'changed' ? `: ${before} -> ${after}` : change === 'renamed' ? `: was ${before}` : after === undefined ? '' : ` ${after}`;
    return `${marks[change]} ${kind} ${name}${detail}`;
  });
}

/** Addresses, and a digest of the whole text, in which keys count by their name: where a document lies changes nothing. */
function summaryOf(sources: string | undefined): string | undefined {
  return sources === undefined ? undefined : `${(sources.match(/\b(?:https?|file|copy):\/\S+/g) ?? []).join(' ')} (${digestOf(withKeyPaths(sources, (path) => path.slice(path.lastIndexOf('/') + 1))).slice(7, 19)})`;
}

function wantedState({ boms, images, files, packageSets, charts, git }: Aggregated): State {
  const repositories = packageSets.flatMap((set) => set.repositories.map((repository) => [`${set.target.id}/${repository.id}`, repository.line ?? summaryOf(repository.sources?.text) ?? repository.uris?.[0] ?? repository.baseurls?.[0] ?? repository.mirrorlist ?? repository.metalink ?? ''] as const));
  const packages = packageSets.flatMap((set): (readonly [string, string])[] => [
    ...set.include.map(({ spec, versions }) => [`${set.target.id}/${spec}`, versions] as const),
    ...set.urls.map(({ url, path, digest }) => [`${set.target.id}/${url ?? path?.written ?? ''}`, digest ?? 'unpinned'] as const),
  ]);
  return new Map<ChangedKind, ReadonlyMap<string, string>>([
    ['module', new Map(boms.map(({ name, version, digest }) => [name, `${version} (${digest.slice(7, 19)})`]))],
    ['image', new Map(images.map(({ ref, digest, platforms }) => [ref, `${digest ?? 'unpinned'} ${platforms.join(',')}`]))],
    ['file', new Map(files.map(({ name, digest, urls, path }) => [name, digest ?? urls[0] ?? path?.written ?? '']))],
    ['package', new Map(packages)],
    ['repository', new Map(repositories)],
    ['chart', new Map(charts.map(({ name, version, digest }) => [name, `${version ?? 'newest'}${digest === undefined ? '' : ` ${digest}`}`]))],
    ['git', new Map(git.map(({ url, commit, ref }) => [url, commit || (ref ?? '')]))],
  ]);
}

function lockedState({ spec }: Lock): State {
  const packages = Map.groupBy(spec.packages, ({ target, name, arch }) => `${target}/${name}:${arch}`);
  return new Map<ChangedKind, ReadonlyMap<string, string>>([
    ['module', new Map(spec.boms.map(({ name, version, digest }) => [name, `${version} (${digest.slice(7, 19)})`]))],
    ['image', new Map(spec.images.map(({ ref, digest, platforms }) => [ref, `${digest} ${Object.keys(platforms).sort().join(',')}`]))],
    ['file', new Map(spec.files.map(({ name, digest }) => [name, digest]))],
    ['package', new Map([...packages].map(([name, versions]) => [name, versions.map(({ version }) => version).sort().join(', ')]))],
    ['repository', new Map(spec.repositories.map(({ target, id, date, metadata }) => [`${target}/${id}`, date ?? metadata.digest]))],
    ['chart', new Map(spec.charts.map(({ name, version, digest }) => [name, `${version} ${digest}`]))],
    ['git', new Map(spec.git.map(({ url, commit }) => [url, commit]))],
  ]);
}

function diffStates(before: State, after: State): Diff {
  const unchanged: Partial<Record<ChangedKind, number>> = {};
  const changes = [...before.keys()].flatMap((kind): Change[] => {
    const [old, now] = [before.get(kind) ?? new Map<string, string>(), after.get(kind) ?? new Map<string, string>()];
    const same = [...now].filter(([name, value]) => old.get(name) === value).length;
    if (same > 0) unchanged[kind] = same;
    const changed = [...now].flatMap(([name, value]): Change[] => { const was = old.get(name); return was === undefined || was === value ? [] : [{ kind, name, change: 'changed', before: was, after: value }]; });
    const added = [...now].filter(([name]) => !old.has(name));
    const removed = [...old].filter(([name]) => !now.has(name));
    const renamed = kind === 'image' || kind === 'file' ? renames(kind, removed, added) : new Map<string, string>();
    const gone = new Set(renamed.values());
    return [
      ...changed,
      ...added.map(([name, value]): Change => { const was = renamed.get(name); return was === undefined ? { kind, name, change: 'added', after: value } : { kind, name, change: 'renamed', before: was, after: value }; }),
      ...removed.filter(([name]) => !gone.has(name)).map(([name, value]): Change => ({ kind, name, change: 'removed', before: value })),
    ].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  });
  return { changes, unchanged };
}

/** New name -> old name, each once. */
function renames(kind: 'image' | 'file', removed: readonly (readonly [string, string])[], added: readonly (readonly [string, string])[]): Map<string, string> {
  const keyOf = (name: string, value: string): string => {
    if (kind === 'file') return value.startsWith('sha256:') ? value : `name ${name}`;
    const { path, tag, digest } = parseReference(name);
    return `${path}:${tag ?? ''}@${digest ?? ''}`;
  };
  const free = new Map(removed.map(([name, value]) => [keyOf(name, value), name]));
  return new Map(added.flatMap(([name, value]): [string, string][] => {
    const key = keyOf(name, value);
    const was = free.get(key);
    free.delete(key);
    return was === undefined ? [] : [[name, was]];
  }));
}
