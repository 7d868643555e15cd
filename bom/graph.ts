// Who wants what: modules, what they require, and the artifacts they ask for; reversed, who is behind an artifact.
import type { Aggregated } from './aggregate.ts';

export interface GraphNode { readonly id: string; readonly kind: 'module' | 'image' | 'file' | 'packages' | 'chart' | 'git' }
export interface GraphEdge { readonly from: string; readonly to: string; readonly relation: 'requires' | 'prefers' | 'wants' | 'influences' }
export interface Graph { readonly nodes: readonly GraphNode[]; readonly edges: readonly GraphEdge[] }

/** The graph of a project; `reverse` turns every edge round. Sorted, so that it can be compared. */
export function graphOf(aggregated: Aggregated, reverse = false): Graph {
  const artifacts = [
    ...aggregated.images.map(({ ref, usedBy }) => ({ id: `image ${ref}`, kind: 'image' as const, usedBy })),
    ...aggregated.files.map(({ name, usedBy }) => ({ id: `file ${name}`, kind: 'file' as const, usedBy })),
    ...aggregated.packageSets.map(({ id, usedBy }) => ({ id: `packages ${id}`, kind: 'packages' as const, usedBy })),
    ...aggregated.charts.map(({ name, version, usedBy }) => ({ id: `chart ${name}${version === undefined ? '' : ` ${version}`}`, kind: 'chart' as const, usedBy })),
    ...aggregated.git.map(({ url, usedBy }) => ({ id: `git ${url}`, kind: 'git' as const, usedBy })),
  ];
  const edges: GraphEdge[] = [
    ...aggregated.relations.map(({ from, to, strength }) => ({ from: module(from), to: module(to), relation: strength === 'strong' ? 'requires' as const : 'prefers' as const })),
    ...aggregated.influences.map(({ module: from, influences }) => ({ from: module(from), to: module(influences), relation: 'influences' as const })),
    ...artifacts.flatMap(({ id, usedBy }) => usedBy.map((name) => ({ from: module(name), to: id, relation: 'wants' as const }))),
  ];
  const turned = reverse ? edges.map(({ from, to, relation }) => ({ from: to, to: from, relation })) : edges;
  return {
    nodes: [...aggregated.order.map((name): GraphNode => ({ id: module(name), kind: 'module' })), ...artifacts.map(({ id, kind }) => ({ id, kind }))],
    edges: turned.sort((a, b) => compare(`${a.from}\u0000${a.to}`, `${b.from}\u0000${b.to}`)),
  };
}

/** The graph as an indented list: every node with what its edges lead to. Nodes without edges stand alone. */
export function graphText({ nodes, edges }: Graph, reverse = false): string {
  const byFrom = Map.groupBy(edges, ({ from }) => from);
  const words = reverse ? { requires: 'required by', prefers: 'preferred by', wants: 'wanted by', influences: 'influenced by' } : { requires: 'requires', prefers: 'prefers', wants: 'wants', influences: 'influences' };
  return nodes.filter(({ id, kind }) => kind === 'module' || byFrom.has(id)).flatMap(({ id }) => [id, ...(byFrom.get(id) ?? []).map(({ to, relation }) => `  ${words[relation]} ${to}`)]).join('\n');
}

/** The graph in the DOT language of Graphviz. */
export function graphDot({ nodes, edges }: Graph): string {
  const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
  const styles = { requires: 'solid', prefers: 'dashed', wants: 'dotted', influences: 'dashed' } as const;
  return [
    'digraph longshore {', '  rankdir=LR;',
    ...nodes.map(({ id, kind }) => `  ${quoted(id)} [shape=${kind === 'module' ? 'box' : 'ellipse'}];`),
    ...edges.map(({ from, to, relation }) => `  ${quoted(from)} -> ${quoted(to)} [label=${quoted(relation)}, style=${styles[relation]}];`),
    '}',
  ].join('\n');
}

function module(name: string): string {
  return `module ${name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
