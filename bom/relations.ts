// Which modules need, order, influence and exclude which: README "Relations".
import type { ParsedBom } from './documents/document.ts';
import type { Expression } from './documents/module-bom.ts';
import { formatPosition, type TreePath } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import type { VersionComparators } from './relations-versions.ts';
import { type Facts, groupText, matchesGroup, type NormalExpression, normalise } from './selector.ts';

export interface RelationOptions {
  /** Facts of the destination, without the `cluster.` in front. */
  readonly cluster?: Readonly<Record<string, string>>;
  readonly comparators?: VersionComparators;
  /** Modules that the project does not hold, named as candidates when something is unmet. */
  readonly known?: readonly ParsedBom[];
}

export interface Relations {
  /** Module names: what a module requires stands before it; ties by name. */
  readonly order: readonly string[];
  readonly warnings: readonly string[];
  readonly influences: readonly { readonly module: string; readonly influences: string }[];
  /** Who requires whom, by module name; sorted. */
  readonly edges: readonly RelationEdge[];
}

export interface RelationEdge { readonly from: string; readonly to: string; readonly strength: 'strong' | 'weak' }

interface Group { readonly expressions: readonly NormalExpression[]; readonly path: TreePath; readonly matched: readonly string[]; readonly byCluster: boolean }
interface Node { readonly bom: ParsedBom; readonly name: string; readonly strong: readonly Group[]; readonly weak: readonly Group[] }

/**
 * Checks strong requirements and conflicts and orders the modules. Throws `RESOLVE_UNMET` with the candidates, `RESOLVE_CONFLICT`, and
 * `RESOLVE_CYCLE` with the cycle as a path. A group is met by one other module (together with the facts of the cluster) or by these facts alone.
 */
export function relate(boms: readonly ParsedBom[], options: RelationOptions = {}): Relations {
  const warnings: string[] = [];
  const matcher = new Matcher(boms, options, warnings);
  const nodes = boms.map((bom): Node => {
    const { requires } = bom.value.spec ?? {};
    return {
      bom, name: bom.value.metadata.name,
      strong: matcher.groups(bom, requires?.strong, ['spec', 'requires', 'strong']),
      weak: matcher.groups(bom, requires?.weak, ['spec', 'requires', 'weak']),
    };
  });
  for (const node of nodes) {
    checkConflicts(node, matcher);
    for (const group of node.strong) if (group.matched.length === 0 && !group.byCluster) throw unmet(node, group, matcher);
    for (const group of node.weak) if (group.matched.length === 0 && !group.byCluster) warnings.push(`module ${node.name}: nothing meets the weak requirement ${groupText(group.expressions)}`);
  }
  return { order: order(nodes), warnings, influences: influences(nodes, matcher), edges: edges(nodes) };
}

/** Weak requirements that no module of `boms` meets, each with a test for modules that would. Keys about the destination are not among them. */
export function unmetWeak(boms: readonly ParsedBom[], options: RelationOptions = {}): readonly { readonly module: string; readonly text: string; readonly isMetBy: (bom: ParsedBom) => boolean }[] {
  const matcher = new Matcher(boms, options, []);
  return boms.flatMap((bom) => matcher.groups(bom, bom.value.spec?.requires?.weak, ['spec', 'requires', 'weak'])
    .filter(({ matched, byCluster, expressions }) => matched.length === 0 && !byCluster && !expressions.every(({ key }) => key.startsWith('cluster.')))
    .map(({ expressions }) => ({ module: bom.value.metadata.name, text: groupText(expressions), isMetBy: (other) => matchesGroup(expressions, matcher.factsOf(other), options.comparators) })));
}

class Matcher {
  private readonly facts: readonly Facts[];
  private readonly clusterFacts: ReadonlyMap<string, string>;
  private readonly options: RelationOptions;
  private readonly warnings: string[];

  constructor(boms: readonly ParsedBom[], options: RelationOptions, warnings: string[]) {
    this.options = options;
    this.warnings = warnings;
    this.clusterFacts = new Map(Object.entries(options.cluster ?? {}).map(([key, value]) => [key.startsWith('cluster.') ? key : `cluster.${key}`, value]));
    this.facts = boms.map((bom) => this.factsOf(bom));
  }

  factsOf(bom: ParsedBom): Facts {
    const { name, version, versionScheme, labels } = bom.value.metadata;
    const implied: readonly (readonly [string, string])[] = [['name', name], ...(version === undefined ? [] : [['version', version] as const])];
    const all = new Map([...implied, ...Object.entries(labels ?? {}), ...this.clusterFacts]);
    return { name, labels: all, versionScheme: versionScheme ?? 'semver' };
  }

  groups(bom: ParsedBom, groups: readonly (readonly Expression[])[] | undefined, path: TreePath): Group[] {
    return (groups ?? []).map((group, index) => {
      const normal = group.map((expression) => normalise(expression));
      for (const { lint } of normal) if (lint !== undefined) this.warnings.push(`module ${bom.value.metadata.name}: ${lint}`);
      const expressions = normal.map(({ expression }) => expression);
      return { expressions, path: [...path, index], ...this.match(bom.value.metadata.name, expressions) };
    });
  }

  private match(own: string, expressions: readonly NormalExpression[]): { matched: readonly string[]; byCluster: boolean } {
    const { comparators } = this.options;
    const cluster: Facts = { name: 'cluster', labels: this.clusterFacts, versionScheme: 'semver' };
    const isClusterOnly = expressions.every(({ key }) => key.startsWith('cluster.'));
    if (isClusterOnly) return { matched: [], byCluster: matchesGroup(expressions, cluster, comparators) };
    return { matched: this.facts.filter((facts) => facts.name !== own && matchesGroup(expressions, facts, comparators)).map(({ name }) => name).sort(), byCluster: false };
  }

  candidates(expressions: readonly NormalExpression[]): string[] {
    return (this.options.known ?? []).filter((bom) => matchesGroup(expressions, this.factsOf(bom), this.options.comparators))
      .map(({ value: { metadata } }) => `${metadata.name}${metadata.version === undefined ? '' : ` ${metadata.version}`}`).sort();
  }

  /** Modules here that meet at least one expression of the group about labels: probably meant, and what they lack. */
  near(own: string, expressions: readonly NormalExpression[]): string[] {
    const positive = expressions.filter(({ operator }) => !['ne', 'notIn', 'notExists'].includes(operator));
    return this.facts.filter(({ name }) => name !== own).flatMap((facts) => {
      const failed = expressions.filter((expression) => !matchesGroup([expression], facts, this.options.comparators));
      if (!positive.some((expression) => !failed.includes(expression))) return [];
      return [`${facts.name} (not ${failed.map((expression) => `${groupText([expression])}: it has ${facts.labels.get(expression.key) ?? 'none'}`).join(', ')})`];
    });
  }
}

function unmet(node: Node, group: Group, matcher: Matcher): BundleError {
  const candidates = matcher.candidates(group.expressions);
  const near = matcher.near(node.name, group.expressions);
  const isCluster = group.expressions.every(({ key }) => key.startsWith('cluster.'));
  const next = isCluster ? 'Say the fact under spec.cluster of the project when the destination has it.'
    : candidates.length > 0 ? `Add one of: ${candidates.join(', ')}.` : 'Add a module whose labels meet it to spec.modules of the project.';
  return new BundleError('RESOLVE_UNMET', {
    subject: `${formatPosition(node.bom.positionOf(group.path))}: module ${node.name}`,
    expected: `${isCluster ? 'a destination' : 'a module'} with ${groupText(group.expressions)}`,
    actual: near.length > 0 ? `none; nearest: ${near.join('; ')}` : 'none',
    next, details: { module: node.name, candidates, near },
  });
}

function checkConflicts(node: Node, matcher: Matcher): void {
  for (const group of matcher.groups(node.bom, node.bom.value.spec?.conflicts, ['spec', 'conflicts'])) {
    const [other] = group.matched;
    if (other === undefined && !group.byCluster) continue;
    throw new BundleError('RESOLVE_CONFLICT', {
      subject: `${formatPosition(node.bom.positionOf(group.path))}: module ${node.name}`,
      expected: `no ${other === undefined ? 'destination' : 'module'} with ${groupText(group.expressions)}`,
      actual: other === undefined ? 'the facts of the cluster' : `module ${other}`,
      next: `Leave ${node.name} or ${other ?? 'this destination'} out; they do not go together.`,
    });
  }
}

function edges(nodes: readonly Node[]): RelationEdge[] {
  const of = (node: Node, groups: readonly Group[], strength: 'strong' | 'weak'): RelationEdge[] => groups.flatMap((group) => group.matched.map((to) => ({ from: node.name, to, strength })));
  const all = nodes.flatMap((node) => [...of(node, node.weak, 'weak'), ...of(node, node.strong, 'strong')]);
  const unique = new Map(all.map((edge) => [`${edge.from} ${edge.to}`, edge]));
  return [...unique.keys()].sort().flatMap((key) => unique.get(key) ?? []);
}

function influences(nodes: readonly Node[], matcher: Matcher): { module: string; influences: string }[] {
  const found = nodes.flatMap((node) => matcher.groups(node.bom, node.bom.value.spec?.influences, ['spec', 'influences'])
    .flatMap((group) => group.matched.map((other) => ({ module: node.name, influences: other }))));
  const unique = new Map(found.map((item) => [`${item.module} ${item.influences}`, item]));
  return [...unique.keys()].sort().flatMap((key) => unique.get(key) ?? []);
}

/** Places one module at a time: the first by name whose requirements stand before it, all matches if possible, else one of each group, else without weak ones. */
function order(nodes: readonly Node[]): string[] {
  const placed = new Set<string>();
  const waiting = nodes.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const all = (groups: readonly Group[]): boolean => groups.every((group) => group.matched.every((name) => placed.has(name)));
  const one = (groups: readonly Group[]): boolean => groups.every((group) => group.byCluster || group.matched.some((name) => placed.has(name)));
  const levels: readonly ((node: Node) => boolean)[] = [
    (node) => all(node.strong) && all(node.weak),
    (node) => all(node.strong),
    (node) => one(node.strong),
  ];
  while (waiting.length > 0) {
    const ready = levels.map((level) => waiting.findIndex(level)).find((index) => index >= 0);
    if (ready === undefined) throw cycle(waiting, placed);
    for (const node of waiting.splice(ready, 1)) placed.add(node.name);
  }
  return [...placed];
}

function cycle(waiting: readonly Node[], placed: ReadonlySet<string>): BundleError {
  const byName = new Map(waiting.map((node) => [node.name, node]));
  const path: string[] = [];
  let node = waiting[0];
  while (node !== undefined && !path.includes(node.name)) {
    path.push(node.name);
    const open = node.strong.find((group) => !group.byCluster && !group.matched.some((name) => placed.has(name)));
    node = byName.get(open?.matched[0] ?? '');
  }
  const loop = node === undefined ? path : [...path.slice(path.indexOf(node.name)), node.name];
  const first = byName.get(loop[0] ?? '');
  return new BundleError('RESOLVE_CYCLE', {
    subject: first === undefined ? 'requires' : `${formatPosition(first.bom.positionOf(['spec', 'requires', 'strong']))}: module ${first.name}`,
    expected: 'an order of modules in which each follows what it requires', actual: loop.join(' -> '), details: { cycle: loop },
  });
}
