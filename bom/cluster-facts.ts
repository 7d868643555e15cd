// What modules demand of the destination (`cluster.*`): recorded in the lock, and checked again where it is imported.
import type { ParsedBom } from './documents/document.ts';
import { BundleError } from './errors.ts';
import type { Lock } from './lock.ts';
import { type Facts, groupText, matchesGroup, type NormalExpression, normalise } from './selector.ts';

export interface ClusterDemand {
  readonly module: string;
  /** All of them have to hold. */
  readonly expressions: readonly NormalExpression[];
}

/** The expressions about the destination in strong requirements, group by group. */
export function clusterDemands(boms: readonly ParsedBom[]): ClusterDemand[] {
  return boms.flatMap((bom) => (bom.value.spec?.requires?.strong ?? []).flatMap((group) => {
    const expressions = group.map((expression) => normalise(expression).expression).filter(({ key }) => key.startsWith('cluster.'));
    return expressions.length === 0 ? [] : [{ module: bom.value.metadata.name, expressions }];
  }));
}

/**
 * Passes when `facts` (with or without `cluster.` in front) meet every demand of the lock. Throws `RESOLVE_UNMET` for the first that they do not.
 */
export function checkClusterFacts(lock: Lock, facts: Readonly<Record<string, string>>): void {
  const labels = new Map(Object.entries(facts).map(([key, value]) => [key.startsWith('cluster.') ? key : `cluster.${key}`, value]));
  const destination: Facts = { name: 'destination', labels, versionScheme: 'semver' };
  for (const { module, expressions } of lock.spec.clusterDemands ?? []) {
    if (matchesGroup(expressions as readonly NormalExpression[], destination)) continue;
    const actual = expressions.map(({ key }) => `${key} ${labels.get(key) ?? 'not given'}`).join(', ');
    throw new BundleError('RESOLVE_UNMET', { subject: `module ${module}`, expected: `a destination with ${groupText(expressions as readonly NormalExpression[])}`, actual, next: 'Give the fact when the destination has it, or leave the module out.' });
  }
}
