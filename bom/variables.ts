// ${name} in the strings of a BOM: README "Variables".
import { BundleError } from './errors.ts';
import type { ParsedBom } from './documents/document.ts';
import { didYouMean } from './documents/suggest.ts';
import { formatPosition, type TreePath } from './documents/yaml-tree.ts';

const pattern = /\$\$\{|\$\{([^{}]*)\}/g;
/** Text that is carried as it is: notes, and what other tools expand later. */
const verbatim = new Set(['annotations', 'origin', 'when', 'description', 'evidence']);

/** The values that the variables of `bom` have: the project's, else the defaults. */
export function variablesOf(bom: ParsedBom, values: Readonly<Record<string, string>>): ReadonlyMap<string, string | undefined> {
  const declared = Object.entries(bom.value.spec?.variables ?? {});
  return new Map(declared.map(([name, { default: fallback }]) => [name, Object.hasOwn(values, name) ? values[name] : fallback]));
}

/**
 * `value` with every `${name}` replaced, in all strings below it; `$${` stands for `${` itself. `path` is where `value` stands in the BOM.
 * The same object where nothing was to replace. Throws `INPUT_FIELD` for a name that the BOM does not declare, and for one that has neither default nor value.
 */
export function substitute<T>(value: T, variables: ReadonlyMap<string, string | undefined>, bom: ParsedBom, path: TreePath): T {
  const walk = (item: unknown, at: TreePath): unknown => {
    if (typeof item === 'string') return item.includes('${') ? replace(item, variables, bom, at) : item;
    if (Array.isArray(item)) {
      const items = item.map((child, index) => (typeof child === 'string' && !child.includes('${') ? child : walk(child, [...at, index])));
      return items.some((child, index) => child !== item[index]) ? items : item;
    }
    if (typeof item !== 'object' || item === null) return item;
    const before = Object.entries(item);
    const after = before.map(([key, child]) => [key, verbatim.has(key) || (typeof child === 'string' && !child.includes('${')) ? child : walk(child, [...at, key])] as const);
    return after.some(([, child], index) => child !== before[index]?.[1]) ? Object.fromEntries(after) : item;
  };
  return walk(value, path) as T;
}

function replace(text: string, variables: ReadonlyMap<string, string | undefined>, bom: ParsedBom, path: TreePath): string {
  return text.replace(pattern, (whole, name: string | undefined) => {
    if (name === undefined) return '${';
    const value = variables.get(name);
    if (value !== undefined) return value;
    const subject = formatPosition(bom.positionOf(path));
    if (variables.has(name)) {
      throw new BundleError('INPUT_FIELD', { subject, expected: `a value for ${whole}`, actual: 'a variable without default', next: `Set ${name} under spec.values of the project.` });
    }
    const next = didYouMean(name, [...variables.keys()]) ?? `Declare ${name} under spec.variables, or write $${whole} when the text is meant.`;
    throw new BundleError('INPUT_FIELD', { subject, expected: `a variable of module ${bom.value.metadata.name}`, actual: whole, next });
  });
}
