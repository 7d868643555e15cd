// The selector language of requires, influences and conflicts, and the `when` of entries: README "Relations" and "Selection".
import type { When } from './documents/fields.ts';
import { type Expression, type Operator, operatorAliases, type VersionScheme } from './documents/module-bom.ts';
import { type Compare, comparatorOf, compareSemver, inRange, type VersionComparators } from './relations-versions.ts';

/** What expressions look at: keys with text values. `version` is compared by `versionScheme`, every other key as semver. */
export interface Facts {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly versionScheme: VersionScheme;
}

export interface NormalExpression {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** The expression with one spelling: aliases resolved, a trailing comma on key or operator dropped. `lint` says what was dropped. */
export function normalise(expression: Expression): { readonly expression: NormalExpression; readonly lint?: string } {
  const key = expression.key.replace(/,$/, '');
  const written = expression.operator.replace(/,$/, '');
  const operator = operatorAliases[written] ?? 'eq';
  const hadComma = key !== expression.key || written !== expression.operator;
  return { expression: { key, operator, values: expression.values ?? [] }, ...(hadComma ? { lint: `a trailing comma in ${expression.key} ${expression.operator} was dropped` } : {}) };
}

/** Whether `facts` meet one expression. A missing key fails every operator except ne, notIn and notExists. */
export function matches(expression: NormalExpression, facts: Facts, comparators: VersionComparators = {}): boolean {
  const { key, operator, values } = expression;
  const actual = facts.labels.get(key);
  if (actual === undefined) return operator === 'ne' || operator === 'notIn' || operator === 'notExists';
  const compare = (): Compare => (key === 'version' ? comparatorOf(facts.versionScheme, comparators, facts.name) : compareSemver);
  const [first = ''] = values;
  switch (operator) {
    case 'exists': return true;
    case 'notExists': return false;
    case 'eq': case 'in': return values.includes(actual);
    case 'ne': case 'notIn': return !values.includes(actual);
    case 'gt': return values.length > 0 && compare()(actual, first) > 0;
    case 'ge': return values.length > 0 && compare()(actual, first) >= 0;
    case 'lt': return values.length > 0 && compare()(actual, first) < 0;
    case 'le': return values.length > 0 && compare()(actual, first) <= 0;
    case 'range': return values.some((range) => inRange(actual, range, compare()));
  }
}

/** Whether one module (with the facts of the cluster) meets all expressions of a group. */
export function matchesGroup(group: readonly NormalExpression[], facts: Facts, comparators: VersionComparators = {}): boolean {
  return group.every((expression) => matches(expression, facts, comparators));
}

export function groupText(group: readonly NormalExpression[]): string {
  return group.map(({ key, operator, values }) => `${key} ${operator}${values.length === 0 ? '' : ` ${values.join('|')}`}`).join(' and ');
}

/** What the project selected; an empty list does not restrict. */
export interface Selection {
  readonly features: readonly string[];
  readonly components: readonly string[];
  readonly flavors: readonly string[];
  readonly profiles: readonly string[];
  readonly targets: readonly string[];
  readonly arch: readonly string[];
}

const dimensions = ['features', 'components', 'flavors', 'profiles', 'targets', 'arch'] as const;

/** Why an entry with this `when` is not selected; undefined when it is. */
export function unselected(when: When | undefined, selection: Selection, normalArch: (arch: string) => string): string | undefined {
  for (const dimension of dimensions) {
    const wanted = (when?.[dimension] ?? []).map((word) => (dimension === 'arch' ? normalArch(word) : word));
    const selected = selection[dimension];
    if (wanted.length === 0 || selected.length === 0 || wanted.some((word) => selected.includes(word))) continue;
    return `${wanted.length === 1 ? singular[dimension] : dimension} ${wanted.join(', ')} not selected`;
  }
  return undefined;
}

const singular: Readonly<Record<(typeof dimensions)[number], string>> = {
  features: 'feature', components: 'component', flavors: 'flavor', profiles: 'profile', targets: 'target', arch: 'arch',
};
