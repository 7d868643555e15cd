// A document without the parts that its schema refused, so that what stands beside and behind them is looked at too.
import type { z } from 'zod';
import { shownKey } from './proto-key.ts';
import { valueAt } from './schema-problems.ts';
import type { Tree, TreeDocument, TreePath } from './yaml-tree.ts';

type Issue = z.core.$ZodIssue;
const keyOf = (path: TreePath): string => JSON.stringify(path);

export interface Remainder {
  /** Its places are those of the whole document. */
  readonly document: TreeDocument;
  /** Where in the whole document stands what is at `path` here. */
  readonly before: (path: TreePath) => TreePath;
  /** Whether an issue of the remainder is about something that is there: a mapping or a list that lost a part is not. */
  readonly isReal: (issue: Issue) => boolean;
}

/**
 * `document` without what `issues` are about: unknown keys, the entry of a list that a problem stands in, else the key itself. Nothing, when a problem is
 * about something that is not there and no entry holds it.
 */
export function withoutProblems(document: TreeDocument, issues: readonly Issue[]): Remainder | undefined {
  const unknown: TreePath[] = [];
  const wrong: TreePath[] = [];
  for (const issue of issues) {
    const path = issue.path.map(shownKey) as TreePath;
    if (issue.code === 'unrecognized_keys') { unknown.push(...issue.keys.map((key) => [...path, shownKey(key)])); continue; }
    const entry = path.findLastIndex((part) => typeof part === 'number');
    if (entry < 0 && (path.length === 0 || valueAt(document.tree, path) === undefined)) return undefined;
    wrong.push(entry < 0 ? path : path.slice(0, entry + 1));
  }
  const removed = new Set([...unknown, ...wrong].map(keyOf));
  const places = new Map<string, readonly number[]>();
  const walk = (tree: Tree, path: TreePath, to: TreePath): Tree => {
    if (typeof tree === 'string') return tree;
    if (!Array.isArray(tree)) {
      const entries = Object.entries(tree as Readonly<Record<string, Tree>>).filter(([key]) => !removed.has(keyOf([...path, key])));
      return Object.fromEntries(entries.map(([key, value]) => [key, walk(value, [...path, key], [...to, key])]));
    }
    const kept = [...(tree as readonly Tree[]).keys()].filter((index) => !removed.has(keyOf([...path, index])));
    places.set(keyOf(to), kept);
    return kept.map((index, at) => walk((tree as readonly Tree[])[index] ?? '', [...path, index], [...to, at]));
  };
  const tree = walk(document.tree ?? {}, [], []);
  const before = (path: TreePath): TreePath => path.map((part, at) => (typeof part === 'number' ? places.get(keyOf(path.slice(0, at)))?.[part] ?? part : part));
  const around = new Set(wrong.flatMap((path) => Array.from({ length: path.length + 1 }, (_, length) => keyOf(path.slice(0, length)))));
  return {
    before,
    document: { file: document.file, tree, positionOf: (path, part) => document.positionOf(before(path), part) },
    isReal: ({ path }) => !around.has(keyOf(before(path.map(shownKey) as TreePath))),
  };
}
