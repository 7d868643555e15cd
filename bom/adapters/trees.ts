// YAML and JSON of other formats: duplicate keys and tags let through with a warning, scalars as their source text.
import { valueAt } from '../documents/schema-problems.ts';
import { formatPosition, readTrees, type Tree, type TreeOptions, type TreePath } from '../documents/yaml-tree.ts';
import type { AdapterFile } from './adapter.ts';

/** A value in a document of another format, with its place. Every access is total: what is not there is empty. */
export class Node {
  readonly tree: Tree | undefined;
  readonly path: TreePath;
  private readonly whereOf: (path: TreePath) => string;

  constructor(tree: Tree | undefined, path: TreePath, whereOf: (path: TreePath) => string) {
    this.tree = tree;
    this.path = path;
    this.whereOf = whereOf;
  }

  /** file:line */
  get where(): string { return this.whereOf(this.path); }
  get isMap(): boolean { return typeof this.tree === 'object' && !Array.isArray(this.tree); }
  get isList(): boolean { return Array.isArray(this.tree); }
  get exists(): boolean { return this.tree !== undefined; }
  /** Text of a scalar that is not empty. */
  get text(): string | undefined { return typeof this.tree === 'string' && this.tree !== '' ? this.tree : undefined; }
  get isTrue(): boolean { return /^(?:true|yes|on|y)$/i.test(this.text ?? ''); }

  at(...path: TreePath): Node {
    return new Node(valueAt(this.tree, path), [...this.path, ...path], this.whereOf);
  }

  /** The items of a list; none when it is something else. */
  get items(): readonly Node[] {
    return Array.isArray(this.tree) ? this.tree.map((_, index) => this.at(index)) : [];
  }

  get entries(): readonly (readonly [string, Node])[] {
    return this.isMap ? Object.keys(this.tree as object).map((key) => [key, this.at(key)] as const) : [];
  }

  /** The scalars of a list, or the one scalar. */
  get texts(): readonly string[] {
    if (this.text !== undefined) return [this.text];
    return this.items.flatMap(({ text }) => (text === undefined ? [] : [text]));
  }
}

export interface Reading {
  readonly documents: readonly Node[];
  readonly warnings: readonly string[];
  /** What could not be read at all, with file:line. */
  readonly broken: readonly { readonly where: string; readonly message: string }[];
}

/** The documents of a file; syntax that cannot be read is `broken`, the rest is there. */
export function readNodes(file: AdapterFile, options: TreeOptions = {}): Reading {
  const text = /\.json$/.test(file.path) && /\/[/*]/.test(file.text) ? withoutComments(file.text) : file.text;
  const { documents, problems, lint } = readTrees(text, file.path, { duplicates: 'last', ignoreTags: true, mergeKeys: true, keepBroken: true, ...options });
  const line = (subject: string): string => subject.replace(/:\d+$/, '');
  return {
    documents: documents.map((document) => new Node(document.tree, [], (path) => line(formatPosition(document.positionOf(path))))),
    warnings: lint.map(({ subject, expected, actual }) => `${line(subject)}: expected ${expected}; ${actual}; the last one counts`),
    broken: problems.map(({ subject, actual }) => ({ where: line(subject), message: actual })),
  };
}

/** JSON with its comments blanked, everything else in its place; text in quotes stays. JSON proper comes back as it is. */
function withoutComments(text: string): string {
  return text.replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\//g, (found) => (found.startsWith('"') ? found : found.replace(/[^\n]/g, ' ')));
}
