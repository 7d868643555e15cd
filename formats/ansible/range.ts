// Ranges in host patterns: Ansible documentation, "How to build your inventory", "Adding ranges of hosts".
import { BundleError } from '../../bom/errors.ts';

const limit = 10_000;
const range = /\[([0-9]+|[a-zA-Z]):([0-9]+|[a-zA-Z])(?::([0-9]{1,4}))?\]/;

/** `web[01:03].example.org`, `db-[a:c]`, `n[0:8:2]`: every name that it stands for, in order. Throws `INPUT_FIELD` for ranges that go backwards, or that stand for more than 10,000 names. */
export function expandRange(pattern: string, subject: string): readonly string[] {
  const match = range.exec(pattern);
  if (match === null) return [pattern];
  const [whole, first = '', last = '', step = '1'] = match;
  const [before, after] = [pattern.slice(0, match.index), pattern.slice(match.index + whole.length)];
  const isNumber = /^\d/.test(first);
  const [from, to] = isNumber ? [Number(first), Number(last)] : [first.charCodeAt(0), last.charCodeAt(0)];
  const count = Math.floor((to - from) / Number(step)) + 1;
  if (isNumber !== /^\d/.test(last) || Number(step) === 0 || !(count >= 1 && count <= limit)) {
    throw new BundleError('INPUT_FIELD', { subject, expected: 'a range like [01:20] or [a:f]', actual: whole });
  }
  const names: string[] = [];
  for (let value = from; value <= to; value += Number(step)) {
    const text = isNumber ? String(value).padStart(first.startsWith('0') ? first.length : 0, '0') : String.fromCharCode(value);
    for (const rest of expandRange(after, subject)) names.push(`${before}${text}${rest}`);
    if (names.length > limit) throw new BundleError('INPUT_FIELD', { subject, expected: `at most ${limit} hosts`, actual: pattern });
  }
  return names;
}
