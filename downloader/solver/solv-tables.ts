// What an rpm universe is made of, so that it can be kept in a file and read back in one piece: see table-image.ts.
import type { Evr } from '../../formats/rpm/evr.ts';
import { NumberList, TripleTable } from './solv-numbers.ts';
import { TextTable } from './solv-texts.ts';
import { bytesOf, numbersIn } from './table-image.ts';

export const dependencyKinds = ['provides', 'requires', 'conflicts', 'obsoletes', 'recommends', 'suggests', 'supplements', 'enhances'] as const;
export type DependencyKind = (typeof dependencyKinds)[number];
export const kindCount = dependencyKinds.length;

export const numberLists = ['name', 'evr', 'arch', 'repository', 'source', 'starts', 'dependencies', 'files'] as const;

/** Names, versions and relations are numbers; packages are numbered from 1. */
export interface SolvTables extends Readonly<Record<(typeof numberLists)[number], NumberList>> {
  readonly names: TextTable;
  readonly evrs: readonly Evr[];
  readonly relations: TripleTable;
}

/** Without a package. */
export function emptyTables(): SolvTables {
  // Number 0 ends lists.
  const column = (): NumberList => { const list = new NumberList(); list.push(-1); return list; };
  const starts = new NumberList();
  for (let kind = 0; kind <= kindCount; kind += 1) starts.push(0);
  return {
    names: new TextTable(), evrs: [], relations: new TripleTable(), name: column(), evr: column(), arch: column(), repository: column(), source: column(),
    starts, dependencies: new NumberList(), files: new NumberList(),
  };
}

/** Sections of {@link tablesOf}. */
export const solvSections = 4 + numberLists.length;

export function sectionsOf(tables: SolvTables): Buffer[] {
  const { slots, keys } = tables.relations.parts();
  const evrs = Buffer.from(tables.evrs.map(({ epoch, version, release }) => `${epoch}\0${version}\0${release}\0`).join(''));
  return [tables.names.bytes(), evrs, bytesOf(slots), bytesOf(keys.slice(0, keys.length)), ...numberLists.map((name) => bytesOf(tables[name].slice(0, tables[name].length)))];
}

/** Of the sections that {@link sectionsOf} made; they are kept and written to. */
export function tablesOf(sections: readonly Buffer[]): SolvTables {
  const none = Buffer.alloc(0);
  const [names = none, evrs = none, slots = none, keys = none, ...lists] = sections;
  const listOf = (bytes: Buffer): NumberList => { const numbers = numbersIn(bytes); return new NumberList(numbers, numbers.length); };
  const list = (name: (typeof numberLists)[number]): NumberList => listOf(lists[numberLists.indexOf(name)] ?? none);
  const parts = evrs.toString('utf8').split('\0');
  return {
    names: TextTable.from(names), relations: new TripleTable({ slots: numbersIn(slots), keys: listOf(keys) }),
    evrs: Array.from({ length: (parts.length - 1) / 3 }, (_, index) => ({ epoch: Number(parts[index * 3]), version: parts[index * 3 + 1] ?? '', release: parts[index * 3 + 2] ?? '' })),
    name: list('name'), evr: list('evr'), arch: list('arch'), repository: list('repository'), source: list('source'), starts: list('starts'), dependencies: list('dependencies'), files: list('files'),
  };
}
