// Keys of a document that its schema does not get to see under their names: own ones that start with x-, and __proto__.
import { hiddenKey } from './proto-key.ts';
import type { Tree, TreePath } from './yaml-tree.ts';

interface OwnKey { readonly path: TreePath; readonly key: string; readonly value: Tree }

export class KeysAside {
  /** Whether a key was given another name: see proto-key.ts. */
  hasHidden = false;
  private readonly own: OwnKey[] = [];

  /** The tree without keys that start with x-: they are the author's own, allowed everywhere, and kept aside. */
  without(tree: Tree): Tree {
    return this.walk(tree, []);
  }

  /** `path` is where `tree` stands; it changes while the walk goes on. */
  private walk(tree: Tree, path: (string | number)[]): Tree {
    if (typeof tree === 'string') return tree;
    if (Array.isArray(tree)) return tree.map((item: Tree, index) => this.child(item, index, path));
    const result: Record<string, Tree> = {};
    for (const [key, value] of Object.entries(tree as Readonly<Record<string, Tree>>)) {
      if (key.startsWith('x-')) { this.own.push({ path: [...path], key, value }); continue; }
      const name = hiddenKey(key);
      if (name !== key) this.hasHidden = true;
      result[name] = key === 'annotations' ? this.hidden(value) : this.child(value, key, path);
    }
    return result;
  }

  private child(value: Tree, key: string | number, path: (string | number)[]): Tree {
    if (typeof value === 'string') return value;
    path.push(key);
    const walked = this.walk(value, path);
    path.pop();
    return walked;
  }

  /** Annotations keep keys that start with x-; their schema looks at their own keys only. */
  private hidden(value: Tree): Tree {
    if (typeof value === 'string' || Array.isArray(value) || !Object.hasOwn(value, '__proto__')) return value;
    this.hasHidden = true;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [hiddenKey(key), item as Tree]));
  }

  /** `value`, that the schema made of the tree, with the own keys where they were. */
  restored(value: unknown): unknown {
    if (this.own.length === 0) return value;
    const copy: unknown = structuredClone(value);
    for (const { path, key, value: kept } of this.own) {
      let parent: unknown = copy;
      for (const part of path) parent = isObject(parent) && Object.hasOwn(parent, part) ? parent[part] : undefined;
      if (isObject(parent)) parent[key] = kept;
    }
    return copy;
  }
}

function isObject(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}
