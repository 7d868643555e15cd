// What a chart depends on: Helm documentation, "Charts", "Chart dependencies". Into charts/ of a chart that is packed here.
import { BundleError } from '../../bom/errors.ts';
import type { ChartRequirement } from '../../bom/requirement.ts';
import { type ChartDependency, parseChartLock } from '../../formats/helm/chart.ts';
import { factsOf, packChart, readChart, vendoredCharts } from '../../formats/helm/chart-archive.ts';
import { parseConstraint } from '../../formats/helm/version-constraint.ts';
import type { ChartContext } from './chart-context.ts';
import type { ChartFiles, ChartPlace } from './chart-folder.ts';
import { fromRegistry, fromRepository } from './chart-origin.ts';

interface Packing { readonly subject: string; readonly context: ChartContext; readonly depth?: number }

/** The chart at `place` as `helm dependency build` and `helm package` make it, but the same files always the same bytes. */
export async function packFolder(place: ChartPlace, requirement: ChartRequirement, { subject, context, depth = 0 }: Packing): Promise<Uint8Array> {
  if (depth > 8) throw new BundleError('INPUT_FIELD', { subject, expected: 'file:// dependencies at most 8 deep', actual: 'more' });
  const read = await place.read(place.path);
  if ('packed' in read) return read.packed;
  const { files } = read;
  const facts = factsOf(files, subject);
  if (requirement.withDependencies || depth > 0) await vendor(files, { place, requirement, subject, context, depth });
  return packChart(facts.name, files);
}

interface Vendoring extends Packing { readonly place: ChartPlace; readonly requirement: ChartRequirement; readonly depth: number }

async function vendor(files: ChartFiles, vendoring: Vendoring): Promise<void> {
  const { place, requirement, subject, context, depth } = vendoring;
  const facts = factsOf(files, subject);
  const inside = await vendoredCharts(files, subject);
  const lockText = files.get('Chart.lock') ?? files.get('requirements.lock');
  const locked = lockText === undefined ? new Map<string, string>() : parseChartLock(new TextDecoder().decode(lockText), `${subject}, Chart.lock`);
  for (const dependency of facts.dependencies) {
    if (inside.has(dependency.name)) continue;
    const exact = { ...dependency, version: locked.get(dependency.name) ?? dependency.version };
    if (locked.has(dependency.name) && !parseConstraint(dependency.version, subject)(exact.version) && dependency.version !== exact.version) {
      throw new BundleError('RESOLVE_CONFLICT', { subject: `${subject}, dependency ${dependency.name}`, expected: `${dependency.version}, as Chart.yaml says`, actual: `${exact.version} in Chart.lock`, next: 'Run `helm dependency update` in the chart.' });
    }
    const packed = dependency.repository.startsWith('file://')
      ? await packFolder({ ...place, path: place.beside(place.path, dependency.repository.slice('file://'.length)) }, requirement, { subject: `${subject}, dependency ${dependency.name}`, context, depth: depth + 1 })
      : await fetched(exact, vendoring);
    const inner = (await readChart(packed, `${subject}, dependency ${dependency.name}`)).facts;
    files.set(`charts/${inner.name}-${inner.version}.tgz`, packed);
  }
}

async function fetched(dependency: ChartDependency, { requirement, subject, context }: Vendoring): Promise<Uint8Array> {
  const wanted = await dependencyRequirement(dependency, requirement, { subject, context });
  const name = `${subject}, dependency ${dependency.name}`;
  if (wanted === undefined) {
    throw new BundleError('RESOLVE_NOT_FOUND', {
      subject: name, expected: 'a chart in charts/, or a repository with an address', actual: dependency.repository === '' ? 'neither' : dependency.repository,
      next: 'Run `helm dependency build` in the chart, or `helm repo add` the repository that it names.',
    });
  }
  return (wanted.oci === undefined ? await fromRepository(wanted, name, context.origin) : await fromRegistry(wanted, name, context.origin)).packed;
}

/** What to ask for a dependency; undefined where only its author knows the place. Credentials go to the same host only. */
export async function dependencyRequirement(dependency: ChartDependency, parent: ChartRequirement, { context }: Packing): Promise<ChartRequirement | undefined> {
  const alias = /^(?:@|alias:)(.+)$/.exec(dependency.repository)?.[1];
  const repository = alias === undefined ? dependency.repository : (await context.aliases?.())?.get(alias) ?? '';
  const { usedBy, at, platforms, withImages, repo } = parent;
  const base = { kind: 'chart' as const, name: dependency.name, version: dependency.version, usedBy, at, platforms, withImages, withDependencies: true, valuesFiles: [], headersFrom: [] as readonly string[], ...(parent.licence === undefined ? {} : { licence: parent.licence }) };
  if (repository.startsWith('oci://')) return { ...base, oci: `${repository.replace(/\/+$/, '')}/${dependency.name}` };
  if (!/^https?:\/\//.test(repository) || !URL.canParse(repository)) return undefined;
  const isSame = repo !== undefined && new URL(repo).origin === new URL(repository).origin;
  return { ...base, repo: repository, headersFrom: isSame ? parent.headersFrom : [] };
}
