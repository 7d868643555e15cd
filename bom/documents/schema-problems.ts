// What zod found, in the words of a person who wrote the document: place, expected, actual, and what was probably meant.
import type { z } from 'zod';
import { shownKey } from './proto-key.ts';
import { didYouMean } from './suggest.ts';
import { type Problem, problemAt, type Tree, type TreeDocument, type TreePath } from './yaml-tree.ts';

type Issue = z.core.$ZodIssue;

/** One problem per issue; an unknown key gives one per key. `schema` is what the tree was checked against. */
export function schemaProblems(issues: readonly Issue[], document: TreeDocument, schema: z.ZodType, base: TreePath = []): Problem[] {
  return issues.flatMap((issue) => problemsOf(issue, document, schema, base));
}

function problemsOf(issue: Issue, document: TreeDocument, schema: z.ZodType, base: TreePath): Problem[] {
  const path = [...base, ...issue.path.map(shownKey)] as TreePath;
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path as TreePath);
    return issue.keys.map(shownKey).map((key) => {
      const next = didYouMean(key, known);
      return problemAt('INPUT_UNKNOWN_KEY', document.positionOf([...path, key], 'key'), {
        expected: `a known key in ${pathText(path)}`, actual: key, ...(next === undefined ? {} : { next }),
      });
    });
  }
  if (issue.code === 'invalid_union') {
    const branch = branchOf(issue.errors, valueAt(document.tree, path));
    if (branch !== undefined) return branch.flatMap((inner) => problemsOf({ ...inner, path: [...issue.path, ...inner.path] }, document, schema, base));
  }
  const inKey = issue.code === 'invalid_key';
  const value = inKey ? String(path.at(-1)) : valueAt(document.tree, path);
  const next = issue.code === 'invalid_value' && typeof value === 'string' ? didYouMean(value, issue.values.map(String)) : undefined;
  return [problemAt('INPUT_FIELD', document.positionOf(path, inKey || value === undefined ? 'key' : 'value'), {
    expected: `${expectedText(issue)} in ${pathText(path)}`, actual: actualText(value), ...(next === undefined ? {} : { next }),
  })];
}

/** The errors of the branch of a union that the value was meant for: a mapping's for a mapping. */
function branchOf(errors: readonly (readonly Issue[])[], value: Tree | undefined): readonly Issue[] | undefined {
  if (typeof value === 'string' || value === undefined) return undefined;
  return errors.find((branch) => !branch.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0));
}

const typeNames: Readonly<Record<string, string>> = { string: 'text', object: 'a mapping', record: 'a mapping', array: 'a list' };

function expectedText(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type': return typeNames[issue.expected] ?? issue.expected;
    case 'invalid_value': return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small': return issue.origin === 'string' ? 'text that is not empty' : `at least ${issue.minimum}`;
    case 'invalid_key': return issue.issues[0] === undefined ? 'another key' : expectedText(issue.issues[0] as Issue);
    case 'invalid_union': return 'text or a mapping';
    default: return issue.message;
  }
}

export function actualText(value: Tree | undefined): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return value.length > 120 ? `${JSON.stringify(value.slice(0, 120))}…` : JSON.stringify(value);
  return Array.isArray(value) ? 'a list' : 'a mapping';
}

export function pathText(path: TreePath): string {
  if (path.length === 0) return 'the document';
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`)).join('');
}

export function valueAt(tree: Tree | undefined, path: TreePath): Tree | undefined {
  let value: unknown = tree;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[part];
  }
  return value as Tree | undefined;
}

interface Definition { readonly type: string; readonly innerType?: z.ZodType; readonly out?: z.ZodType; readonly element?: z.ZodType; readonly valueType?: z.ZodType; readonly options?: readonly z.ZodType[]; readonly shape?: Readonly<Record<string, z.ZodType>> }

/** The keys that the mapping at `path` may have. */
function keysAt(schema: z.ZodType, path: TreePath): string[] {
  const definition = (schema as unknown as { def: Definition }).def;
  const inner = definition.innerType ?? (definition.type === 'pipe' ? definition.out : undefined);
  if (inner !== undefined) return keysAt(inner, path);
  if (definition.options !== undefined) return definition.options.flatMap((option) => keysAt(option, path));
  const [first, ...rest] = path;
  if (first === undefined) return Object.keys(definition.shape ?? {});
  const child = definition.shape?.[first] ?? definition.element ?? definition.valueType;
  return child === undefined ? [] : keysAt(child, rest);
}
