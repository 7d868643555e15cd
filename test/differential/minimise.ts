// A random universe that is judged differently, made as small as it can be while the difference stays: what a person then looks at.
import type { RandomPackage, RandomUniverse } from './random-universe.ts';

/** Each universe with one thing less. */
function* smaller(universe: RandomUniverse): Generator<RandomUniverse> {
  const { packages, wanted } = universe;
  const without = <T>(items: readonly T[], index: number): T[] => items.filter((_, at) => at !== index);
  for (const index of packages.keys()) yield { ...universe, packages: without(packages, index) };
  if (wanted.length > 1) for (const index of wanted.keys()) yield { ...universe, wanted: without(wanted, index) };
  if (universe.recommends) yield { ...universe, recommends: false };
  const replaced = (index: number, item: RandomPackage): RandomUniverse => ({ ...universe, packages: packages.map((each, at) => (at === index ? item : each)) });
  for (const [index, item] of packages.entries()) {
    const { installed, preferred, ...plain } = item;
    if (installed === true) yield replaced(index, preferred === true ? { ...plain, preferred } : plain);
    if (preferred === true) yield replaced(index, installed === true ? { ...plain, installed } : plain);
    for (const [field, value] of Object.entries(item.fields)) {
      const { [field]: _, ...rest } = item.fields;
      yield replaced(index, { ...item, fields: rest });
      const groups = value.split(', ');
      for (const at of groups.keys()) {
        if (groups.length > 1) yield replaced(index, { ...item, fields: { ...item.fields, [field]: without(groups, at).join(', ') } });
        const options = (groups[at] ?? '').split(' | ');
        for (const option of options.keys()) {
          const kept = options.length > 1 ? without(options, option).join(' | ') : (options[0] ?? '').replace(/ \(.*\)$/, '');
          if (kept !== groups[at]) yield replaced(index, { ...item, fields: { ...item.fields, [field]: groups.with(at, kept).join(', ') } });
        }
      }
    }
  }
}

/** The smallest universe found for which `isStill` holds, by taking away one thing at a time. */
export function minimise(universe: RandomUniverse, native: string, isStill: (universe: RandomUniverse) => boolean): RandomUniverse {
  const isWhole = ({ wanted, packages }: RandomUniverse): boolean => wanted.every((name) => packages.some((item) => item.name === name && item.arch === native));
  for (;;) {
    let next: RandomUniverse | undefined;
    for (const candidate of smaller(universe)) {
      if (!isWhole(candidate) || !isStill(candidate)) continue;
      next = candidate;
      break;
    }
    if (next === undefined) return universe;
    universe = next;
  }
}
