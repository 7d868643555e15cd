// Relations between packages: Debian Policy 4.7, section 7.1 ("Syntax of relationship fields"); deb-control(5).
import type { VersionOperator } from './version.ts';

/** One alternative: a package name, perhaps `:arch` and a version. */
export interface Relation {
  readonly name: string;
  /** `any`, `native` or an architecture; absent for the plain name. */
  readonly arch?: string;
  readonly operator?: VersionOperator;
  readonly version?: string;
}

/** Alternatives in order: one of them has to hold. */
export type RelationGroup = readonly Relation[];

const pattern = /^\s*([A-Za-z0-9][A-Za-z0-9+._-]*)(?::([A-Za-z0-9-]+))?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>|==)\s*([^\s()<=>][^\s()]*)\s*\))?\s*(?:\[([^\]]*)\])?\s*((?:<[^>]*>\s*)*)$/;

/** `<` and `>` are the obsolete spellings of `<=` and `>=`. */
const operators: Readonly<Record<string, VersionOperator>> = { '<<': '<<', '<=': '<=', '=': '=', '==': '=', '>=': '>=', '>>': '>>', '<': '<=', '>': '>=' };

/** One relation, or undefined when the text is none. Architecture lists and build profiles are not for binary packages and are ignored. */
export function parseRelation(text: string): Relation | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, name = '', arch, operator, version] = match;
  return {
    name,
    ...(arch === undefined ? {} : { arch }),
    ...(operator === undefined || version === undefined ? {} : { operator: operators[operator] ?? '=', version }),
  };
}

/**
 * The groups of a field's value, in order; empty items (a trailing comma) are skipped. An alternative that cannot be read stands as
 * `undefined`, so that the caller decides: a group that has one can never be met by it.
 */
export function parseRelations(value: string): (readonly (Relation | undefined)[])[] {
  return value.split(',').filter((item) => item.trim() !== '').map((item) => item.split('|').map(parseRelation));
}

/** As it stands in a control file. */
export function formatRelation(relation: Relation): string {
  const arch = relation.arch === undefined ? '' : `:${relation.arch}`;
  return `${relation.name}${arch}${relation.version === undefined ? '' : ` (${relation.operator} ${relation.version})`}`;
}
