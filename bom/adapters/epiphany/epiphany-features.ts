// configuration/feature-mappings: component -> features.
import type { Fields } from '../draft.ts';
import type { Node } from '../trees.ts';

export type Mappings = ReadonlyMap<string, readonly string[]>;

export function readMappings(documents: readonly Node[]): Mappings {
  return new Map(documents.flatMap((node) => node.at('specification', 'mappings').entries.map(([component, features]) => [component, features.texts] as const)));
}

/**
 * `when` of an entry that any of `features` wants: by feature, and by the components that bring one of them. A feature that no component brings
 * stands among the components too, so that a selection by component leaves it out.
 */
export function featureWhen(features: readonly string[], mappings: Mappings): Fields {
  if (mappings.size === 0) return { features };
  const components = [...mappings].filter(([, brought]) => brought.some((feature) => features.includes(feature))).map(([component]) => component);
  return { features, components: components.length > 0 ? components.sort() : features };
}
