// Orders of versions in relations. Semantic Versioning 2.0.0, section 11, read leniently; deb and rpm come from whoever has them.
import type { VersionScheme } from './documents/module-bom.ts';
import { BundleError } from './errors.ts';
import { comparatorsOf, openBound } from './version-range.ts';

/** Negative, zero or positive, as `a` is older than, equal to, or newer than `b`. */
export type Compare = (a: string, b: string) => number;
export type VersionComparators = Readonly<Partial<Record<'deb' | 'rpm', Compare>>>;

/** The order of `scheme`. Throws `RESOLVE_UNSUPPORTED` for a scheme that nobody gave. */
export function comparatorOf(scheme: VersionScheme, given: VersionComparators, subject: string): Compare {
  if (scheme === 'semver') return compareSemver;
  if (scheme === 'text') return (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const compare = given[scheme];
  if (compare !== undefined) return compare;
  throw new BundleError('RESOLVE_UNSUPPORTED', { subject, expected: 'a version scheme that can be compared here', actual: scheme });
}

interface Semver { readonly numbers: readonly string[]; readonly pre: readonly string[] }

/** A leading v is dropped, missing parts are 0, further numeric parts count, build metadata does not. Total over any text. */
export function compareSemver(a: string, b: string): number {
  const [left, right] = [parseSemver(a), parseSemver(b)];
  for (let index = 0; index < Math.max(left.numbers.length, right.numbers.length, 3); index++) {
    const found = compareNumeric(left.numbers[index] ?? '0', right.numbers[index] ?? '0');
    if (found !== 0) return found;
  }
  if (left.pre.length === 0 || right.pre.length === 0) return Math.sign(right.pre.length - left.pre.length);
  for (let index = 0; index < Math.max(left.pre.length, right.pre.length); index++) {
    const found = comparePre(left.pre[index], right.pre[index]);
    if (found !== 0) return found;
  }
  return 0;
}

function parseSemver(text: string): Semver {
  const bare = text.trim().replace(/^[vV](?=\d)/, '').replace(/\+.*$/s, '');
  const match = /^(\d+(?:\.\d+)*)(?:[-.]?(.+))?$/s.exec(bare);
  if (match === null) return { numbers: [], pre: bare === '' ? [] : bare.split('.') };
  return { numbers: (match[1] ?? '').split('.'), pre: match[2] === undefined ? [] : match[2].split('.') };
}

/** Digits of any length, without rounding. */
function compareNumeric(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+(?=\d)/, ''), b.replace(/^0+(?=\d)/, '')];
  if (left.length !== right.length) return Math.sign(left.length - right.length);
  return left < right ? -1 : left > right ? 1 : 0;
}

function comparePre(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const [aNumeric, bNumeric] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (aNumeric && bNumeric) return compareNumeric(a, b);
  if (aNumeric !== bNumeric) return aNumeric ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether `version` is in `range`, as version-range.ts reads it. */
export function inRange(version: string, range: string, compare: Compare): boolean {
  return comparatorsOf(range).some((comparators) => comparators.length > 0 && comparators.every((text) => holds(version, text, compare)));
}

function holds(version: string, comparator: string, compare: Compare): boolean {
  if (comparator === '*') return true;
  const [, operator = '', text = ''] = /^(>=|<=|==|!=|[<>=^~])?(.*)$/s.exec(comparator) ?? [];
  const { bound, open } = openBound(text);
  const order = compare(version, bound);
  if (open && operator !== '>=' && operator !== '^' && operator !== '~') return holdsOpen(operator, { isFrom: order >= 0, isBefore: order < 0, isBelowNext: compare(version, ceiling(bound, 'last')) < 0 });
  switch (operator) {
    case '>=': return order >= 0;
    case '>': return order > 0;
    case '<=': return order <= 0;
    case '<': return order < 0;
    case '!=': return order !== 0;
    case '^': return order >= 0 && compare(version, ceiling(bound, 'caret')) < 0;
    case '~': return order >= 0 && compare(version, ceiling(bound, 'tilde')) < 0;
    default: return order === 0;
  }
}

/** `1.x` stands for every version from 1 on and below 2: what is below or above it is outside of all of them. */
function holdsOpen(operator: string, { isFrom, isBefore, isBelowNext }: { readonly isFrom: boolean; readonly isBefore: boolean; readonly isBelowNext: boolean }): boolean {
  switch (operator) {
    case '>': return !isBelowNext;
    case '<=': return isBelowNext;
    case '<': return isBefore;
    case '!=': return !(isFrom && isBelowNext);
    default: return isFrom && isBelowNext;
  }
}

/** The first version that ^bound or ~bound no longer takes in, or that has another last part. */
function ceiling(bound: string, kind: 'caret' | 'tilde' | 'last'): string {
  const numbers = bound.replace(/^[vV]/, '').split(/[^0-9.]/)[0]?.split('.').filter((part) => part !== '').map(Number) ?? [];
  const firstNonZero = numbers.findIndex((part) => part > 0);
  const at = kind === 'last' ? Math.max(0, numbers.length - 1) : kind === 'tilde' ? Math.min(1, Math.max(0, numbers.length - 1)) : Math.max(0, firstNonZero < 0 ? numbers.length - 1 : firstNonZero);
  const next = numbers.slice(0, at + 1);
  next[at] = (next[at] ?? 0) + 1;
  return `${next.join('.')}-0`;
}
