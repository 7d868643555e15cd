// What a chart says of itself: Helm documentation, "Charts", "The Chart.yaml File" (apiVersion v2) and requirements.yaml (v1).
import { errorOf, readTrees, type Tree } from '../../bom/documents/yaml-tree.ts';
import { BundleError } from '../../bom/errors.ts';

export interface ChartDependency {
  readonly name: string;
  readonly version: string;
  /** http(s)://, oci://, file://, `@name`, `alias:name`, or '' for what lies in charts/. */
  readonly repository: string;
}

export interface ChartFacts {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly ChartDependency[];
  readonly annotations: Readonly<Record<string, string>>;
  /** The fields that a repository index repeats, as JSON values. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

const texts = ['apiVersion', 'appVersion', 'description', 'home', 'icon', 'kubeVersion', 'type', 'condition', 'tags'] as const;
const lists = ['keywords', 'sources'] as const;

/** Chart.yaml (and requirements.yaml of older charts). Throws `INTEGRITY_METADATA` for what is none. */
export function parseChart(chartYaml: string, requirementsYaml: string | undefined, subject: string): ChartFacts {
  const tree = mappingOf(chartYaml, `${subject}, Chart.yaml`);
  const [name, version] = [textOf(tree['name']), textOf(tree['version'])];
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,249}$/.test(name)) throw damaged(subject, 'a chart name', JSON.stringify(name.slice(0, 100)));
  if (!/^v?\d[0-9A-Za-z.+-]{0,127}$/.test(version)) throw damaged(subject, 'a chart version', JSON.stringify(version.slice(0, 100)));
  const dependencyTree = requirementsYaml === undefined ? tree['dependencies'] : mappingOf(requirementsYaml, `${subject}, requirements.yaml`)['dependencies'] ?? tree['dependencies'];
  const annotations = textMap(tree['annotations']);
  const maintainers = itemsOf(tree['maintainers']).map((item) => pick(asMap(item), ['name', 'email', 'url']));
  const dependencies = itemsOf(dependencyTree).map(asMap);
  return {
    name, version, annotations,
    dependencies: dependencies.map((item) => ({ name: textOf(item['name']), version: textOf(item['version']), repository: textOf(item['repository']) })),
    metadata: {
      ...pick(tree, texts), ...Object.fromEntries(lists.flatMap((key) => { const found = itemsOf(tree[key]).filter((item) => typeof item === 'string'); return found.length === 0 ? [] : [[key, found]]; })),
      ...(maintainers.length === 0 ? {} : { maintainers }), ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(dependencies.length === 0 ? {} : { dependencies: dependencies.map((item) => pick(item, ['name', 'version', 'repository', 'condition', 'alias'])) }),
      ...(textOf(tree['deprecated']) === 'true' ? { deprecated: true } : {}),
    },
  };
}

/** Exact versions of Chart.lock (requirements.lock), by name. What is no lock has none. */
export function parseChartLock(text: string, subject: string): ReadonlyMap<string, string> {
  const tree = mappingOf(text, subject);
  return new Map(itemsOf(tree['dependencies']).map(asMap).map((item) => [textOf(item['name']), textOf(item['version'])]));
}

function mappingOf(text: string, subject: string): Readonly<Record<string, Tree>> {
  const { documents: [document], problems: [problem] } = readTrees(text, subject, { duplicates: 'last', ignoreTags: true, mergeKeys: true });
  if (problem !== undefined) throw new BundleError('INTEGRITY_METADATA', errorOf(problem).facts);
  return asMap(document?.tree);
}

function asMap(tree: Tree | undefined): Readonly<Record<string, Tree>> {
  return typeof tree === 'object' && !Array.isArray(tree) ? (tree as Readonly<Record<string, Tree>>) : {};
}

function itemsOf(tree: Tree | undefined): readonly Tree[] {
  return Array.isArray(tree) ? (tree as readonly Tree[]) : [];
}

function textOf(tree: Tree | undefined): string {
  return typeof tree === 'string' ? tree : '';
}

function textMap(tree: Tree | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(asMap(tree)).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])));
}

function pick(tree: Readonly<Record<string, Tree>>, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(keys.flatMap((key) => { const value = textOf(tree[key]); return value === '' ? [] : [[key, value]]; }));
}

function damaged(subject: string, expected: string, actual: string): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject, expected, actual });
}
