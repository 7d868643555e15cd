// Counts for `bom show`: per module and in all.
import type { Aggregated } from './aggregate.ts';

export interface SummaryRow {
  readonly images: number;
  readonly files: number;
  readonly packageSets: number;
  /** Names asked for; a closure has more. */
  readonly packages: number;
  readonly charts: number;
  readonly git: number;
  readonly dropped: number;
  readonly unresolved: number;
}

export interface Summary {
  readonly total: SummaryRow;
  /** In the order of the modules. */
  readonly modules: readonly (SummaryRow & { readonly name: string; readonly version: string })[];
}

/** What each module asks for; what several ask for counts in each of them and once in `total`. */
export function summarise(aggregated: Aggregated): Summary {
  const versions = new Map(aggregated.boms.map(({ name, version }) => [name, version]));
  return {
    total: rowOf(aggregated, () => true, () => true),
    modules: aggregated.order.map((name) => ({
      name, version: versions.get(name) ?? '',
      ...rowOf(aggregated, (usedBy) => usedBy.includes(name), (what) => what.endsWith(` of ${name}`) || what.startsWith(`packages ${name}/`)),
    })),
  };
}

function rowOf(aggregated: Aggregated, isUsed: (usedBy: readonly string[]) => boolean, isDropped: (what: string) => boolean): SummaryRow {
  const count = (items: readonly { readonly usedBy: readonly string[] }[]): number => items.filter(({ usedBy }) => isUsed(usedBy)).length;
  const sets = aggregated.packageSets.filter(({ usedBy }) => isUsed(usedBy));
  return {
    images: count(aggregated.images), files: count(aggregated.files), packageSets: sets.length,
    packages: sets.reduce((sum, { include, urls }) => sum + include.length + urls.length, 0),
    charts: count(aggregated.charts), git: count(aggregated.git),
    dropped: aggregated.dropped.filter(({ what }) => isDropped(what)).length,
    unresolved: aggregated.unresolved.filter(({ module, waived }) => !waived && isUsed([module])).length,
  };
}
