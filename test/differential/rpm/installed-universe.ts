/** Small universes of machines that have something: a closure of one random request is installed, then another is asked for. */
import { ourAnswer, type OracleDocument } from './oracle.ts';
import { randomRpms, type RpmShape } from './random-rpms.ts';

/** Undefined when the first request cannot be met. Some of what is installed has left the repositories. */
export function installedRpms(seed: number, shape: RpmShape): OracleDocument | undefined {
  const document = randomRpms(seed, shape);
  const [first, second] = document.jobs;
  const taken = ourAnswer(document)[0] ?? undefined;
  if (first === undefined || second === undefined || taken === undefined) return undefined;
  const installed = taken.flatMap((index) => { const item = document.packages[index]; return item === undefined ? [] : [{ ...item, r: document.repositories.length }]; });
  const gone = new Set(taken.filter((index) => (index + seed) % 3 === 0));
  const kept = document.packages.flatMap((item, index) => (gone.has(index) ? [] : [{ item, index }]));
  const packages = [...kept.map(({ item }) => item), ...installed];
  const place = new Map(kept.map(({ index }, at) => [index, at]));
  const names = second.install.map((ids) => document.packages[ids[0] ?? 0]?.n ?? '');
  const jobs = [{
    ...second,
    install: second.install.map((ids, at) => [
      ...ids.flatMap((id) => place.get(id) ?? []), ...installed.flatMap(({ n }, index) => (n === names[at] ? [kept.length + index] : [])),
    ]).filter((ids) => ids.length > 0),
  }];
  return { ...document, packages, jobs, repositories: [...document.repositories, { installed: true }] };
}
