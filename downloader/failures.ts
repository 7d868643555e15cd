import { BundleError } from '../bom/errors.ts';

/**
 * The results of `work`, when all of it went well. Waits for all of it, so that nothing runs on; then throws the first failure, with the
 * others in its details and causes. A stop is never reported in place of a failure.
 */
export async function settled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (errors.length > 0) throw firstOf(errors);
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}

/** The first of `errors` that is not a stop, with what the others say. Defects come before everything else. */
export function firstOf(errors: readonly unknown[]): unknown {
  const defect = errors.find((error) => !(error instanceof BundleError));
  if (defect !== undefined) return defect;
  const coded = errors as readonly BundleError[];
  const failures = coded.filter((error) => error.code !== 'INTERRUPTED');
  const [first, ...others] = failures.length > 0 ? failures : coded.slice(0, 1);
  if (first === undefined || others.length === 0) return first;
  return new BundleError(first.code, {
    ...first.facts,
    actual: `${first.facts.actual} (and ${others.length} more ${others.length === 1 ? 'failure' : 'failures'}: ${list(others)})`,
    next: first.next,
    details: { ...first.facts.details, others: others.map(({ code, facts }) => ({ code, subject: facts.subject, expected: facts.expected, actual: facts.actual })) },
  }, { cause: new AggregateError(coded, 'several failures') });
}

function list(others: readonly BundleError[]): string {
  const shown = others.slice(0, 5).map((error) => error.facts.subject).join(', ');
  return others.length > 5 ? `${shown}, …` : shown;
}
