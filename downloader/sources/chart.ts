// Helm charts: from repositories, registries, git revisions, addresses and folders; packed, checked, with what they depend on.
import { tmpdir } from 'node:os';
import PQueue from 'p-queue';
import { digestOf } from '../../bom/digest.ts';
import { formatPosition } from '../../bom/documents/yaml-tree.ts';
import { BundleError } from '../../bom/errors.ts';
import { chartMediaType, type LockedChart } from '../../bom/lock.ts';
import type { Bytes, FoundImage, Source } from '../../bom/ports.ts';
import type { ChartRequirement } from '../../bom/requirement.ts';
import { isSafePath } from '../../formats/archive/tar-header.ts';
import { type ChartContent, readChart, vendoredCharts } from '../../formats/helm/chart-archive.ts';
import { provenanceMediaType } from '../../formats/helm/provenance.ts';
import { settled } from '../failures.ts';
import type { ChartContext, ChartSourceOptions } from './chart-context.ts';
import { dependencyRequirement, packFolder } from './chart-dependencies.ts';
import { isFolder, gitPlace, localPlace } from './chart-folder.ts';
import { annotatedImages, renderedImages } from './chart-images.ts';
import { type FoundChart, fromFile, fromRegistry, fromRepository, fromUrls, ociReference, type OriginContext, provenanceUrl } from './chart-origin.ts';
import { checkProvenance } from './chart-provenance.ts';
import { streamInOrder, Turns } from './in-order.ts';

interface Resolved { readonly chart: LockedChart; readonly images: readonly FoundImage[] }

const maxCharts = 2000;

/**
 * Charts by what their publisher packed, byte for byte; folders are packed here, with their dependencies inside, the same files into the same
 * bytes. Everything is read and stored while resolving. `verified` with a keyring and a good provenance file, `declared` with a digest, else
 * `first-use`. Throws `RESOLVE_*`, `INPUT_*`, integrity, transfer and storage errors.
 */
export function createChartSource(options: ChartSourceOptions): Source<'chart'> {
  const queue = new PQueue({ concurrency: options.concurrency ?? 6 });
  const turns = new Turns();
  return {
    async resolve(wanted, signal) {
      const warnings: string[] = [];
      const headersFor = async (names: readonly string[]): Promise<Readonly<Record<string, string>>> => Object.assign({}, ...await Promise.all(names.map(options.headersFor))) as Readonly<Record<string, string>>;
      const indexes = new Map<string, Promise<string>>();
      const origin: OriginContext = { http: options.http, registry: options.registry, headersFor, indexes, signal };
      const context: ChartContext = { ...options, origin, indexes, signal, warnings, folder: options.spoolDir ?? tmpdir() };
      const results = await settled(wanted.map((requirement) => queue.add(async () => resolveChart(requirement, context, 0), { signal })));
      const all = results.flat();
      return { artifacts: oneEach(all.map(({ chart }) => chart)), images: all.flatMap(({ images }) => images), warnings: warnings.sort() };
    },
    fetch(chart, blob, { offset = 0, signal }) {
      const subject = `chart ${chart.name} ${chart.version}`;
      const isProvenance = blob.digest === chart.provenance?.digest;
      return turns.take(blob.digest, (first) => streamInOrder({ subject, sources: chart.urls, nameOf: (url) => url }, { offset, first }, (url, at) => open(url, { at })));

      async function* open(url: string, { at }: { readonly at: number }): Bytes {
        if (url.startsWith('oci://')) {
          const reference = ociReference(url, subject);
          const places = options.registry.endpoints(reference, 'digest');
          yield* streamInOrder({ subject, sources: places, nameOf: ({ host, path }) => `${host}/${path}` }, { offset: at, first: 0 }, (place, from) => options.registry.session(place).streamBlob(place.path, blob, { offset: from, signal }));
          return;
        }
        const own = chart.source !== undefined && URL.canParse(chart.source) && new URL(chart.source).origin === new URL(url).origin ? chart.headersFrom ?? [] : [];
        const headers = Object.assign({}, ...await Promise.all(own.map(options.headersFor))) as Readonly<Record<string, string>>;
        yield* options.http.stream(isProvenance ? provenanceUrl(url) : url, { signal, headers, offset: at, expectedSize: blob.size });
      }
    },
  };
}

/** One chart, and as charts of their own what it depends on and does not bring along. */
async function resolveChart(requirement: ChartRequirement, context: ChartContext, depth: number): Promise<Resolved[]> {
  const [at] = requirement.at;
  const subject = `${at === undefined ? '' : `${formatPosition(at)}: `}chart ${requirement.name}`;
  if (depth > 8) throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'dependencies at most 8 deep', actual: 'more' });
  const found = await findChart(requirement, subject, context);
  const digest = digestOf(found.packed);
  if (requirement.digest !== undefined && requirement.digest !== digest && requirement.digest !== found.manifest) {
    throw new BundleError('INTEGRITY_DIGEST', { subject, expected: requirement.digest, actual: found.manifest === undefined ? digest : `${digest} (manifest ${found.manifest})` });
  }
  const content = await readChart(found.packed, subject);
  const proof = await checkProvenance(found, requirement, { subject, content, context });
  await store(found, digest, context);
  const { name, version } = content.facts;
  const path = requirement.as ?? `${name}-${version}.tgz`;
  if (!isSafePath(path) || !path.endsWith('.tgz')) throw new BundleError('INPUT_FIELD', { subject, expected: 'a file name that ends in .tgz, in as', actual: JSON.stringify(path.slice(0, 200)) });
  const chart: LockedChart = {
    name, version, path, urls: [...found.urls], digest, size: found.packed.length, metadata: { ...content.facts.metadata }, source: found.source,
    ...(proof.provenance === undefined ? {} : { provenance: proof.provenance }), ...(proof.signers === undefined ? {} : { keyFingerprints: [...proof.signers] }),
    ...(requirement.headersFrom.length === 0 ? {} : { headersFrom: [...requirement.headersFrom] }),
    trust: proof.signers !== undefined ? 'verified' : requirement.digest === undefined ? 'first-use' : 'declared', usedBy: [...requirement.usedBy], ...(requirement.licence === undefined ? {} : { licence: requirement.licence }),
  };
  context.notify({ kind: 'done', phase: 'lock', item: `chart ${name} ${version}`, bytes: chart.size });
  const images = await imagesOf(requirement, { content, packed: found.packed, subject }, context);
  const others = requirement.withDependencies ? await missing(requirement, { content, subject, depth }, context) : [];
  return [{ chart, images }, ...others];
}

async function findChart(requirement: ChartRequirement, subject: string, context: ChartContext): Promise<FoundChart & { readonly source: string }> {
  const { repo, oci, git, url, path } = requirement;
  if (repo !== undefined) return { ...await fromRepository(requirement, subject, context.origin), source: repo };
  if (oci !== undefined) return { ...await fromRegistry(requirement, subject, context.origin), source: oci };
  if (url !== undefined) return { ...await fromUrls([url], { subject, headers: await context.origin.headersFor(requirement.headersFrom), origin: new URL(url).origin }, context.origin), source: url };
  if (git !== undefined) {
    const place = await gitPlace(git, { subject, signal: context.signal, headers: await context.origin.headersFor(requirement.headersFrom), authorities: await context.authorities?.(), spoolDir: context.folder });
    try {
      return { packed: await packFolder(place, requirement, { subject, context }), urls: [], fileName: '', source: place.source };
    } finally {
      await place.close();
    }
  }
  const { absolute = '', written = '' } = path ?? {};
  if (!(await isFolder(absolute))) return { ...await fromFile(absolute, subject), source: written };
  const place = localPlace(absolute, written, { subject, signal: context.signal });
  return { packed: await packFolder(place, requirement, { subject, context }), urls: [], fileName: '', source: written };
}

async function store({ packed, provenance }: FoundChart, digest: LockedChart['digest'], { blobs, signal }: ChartContext): Promise<void> {
  const once = async function* once(bytes: Uint8Array): Bytes { yield bytes; };
  await blobs.put({ mediaType: chartMediaType, digest, size: packed.length }, once(packed), signal);
  if (provenance !== undefined) await blobs.put({ mediaType: provenanceMediaType, digest: digestOf(provenance), size: provenance.length }, once(provenance), signal);
}

interface Read { readonly content: ChartContent; readonly subject: string }

async function imagesOf(requirement: ChartRequirement, { content, packed, subject }: Read & { readonly packed: Uint8Array }, { warnings, folder, signal }: ChartContext): Promise<readonly FoundImage[]> {
  switch (requirement.withImages) {
    case 'none': return [];
    case 'annotations': {
      const images = annotatedImages(content, requirement, warnings);
      if (images.length === 0) warnings.push(`${subject}: its annotations list no images`);
      return images;
    }
    case 'render': return renderedImages({ requirement, packed, subject, spoolDir: folder, signal });
  }
}

/** What a published chart names and does not bring along cannot be put into it without changing its digest: it is carried beside it, and said. */
async function missing(requirement: ChartRequirement, { content, subject, depth }: Read & { readonly depth: number }, context: ChartContext): Promise<Resolved[]> {
  const { facts, files } = content;
  if (facts.dependencies.length === 0) return [];
  const inside = await vendoredCharts(files, subject);
  const absent = facts.dependencies.filter(({ name }) => !inside.has(name));
  if (absent.length > maxCharts) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `at most ${maxCharts} dependencies`, actual: 'more' });
  const resolved: Resolved[] = [];
  for (const dependency of absent) {
    const found = await dependencyRequirement(dependency, requirement, { subject, context });
    if (found === undefined) {
      context.warnings.push(`chart ${facts.name} ${facts.version}: its dependency ${dependency.name} is not inside it, and ${dependency.repository === '' ? 'it names no repository' : `${dependency.repository} is known only to its author`}`);
      continue;
    }
    context.warnings.push(`chart ${facts.name} ${facts.version}: its dependency ${dependency.name} is not inside it; it is carried as a chart of its own, to be put into charts/ before the chart is installed`);
    resolved.push(...await resolveChart(found, context, depth + 1));
  }
  return resolved;
}

/** Throws `RESOLVE_CONFLICT` for two charts that would be one file. */
function oneEach(charts: readonly LockedChart[]): LockedChart[] {
  const byPath = new Map<string, LockedChart>();
  for (const chart of charts) {
    const before = byPath.get(chart.path);
    if (before !== undefined && before.digest !== chart.digest) {
      throw new BundleError('RESOLVE_CONFLICT', { subject: `chart ${chart.path}`, expected: `one content: ${before.digest} (${before.source ?? ''}, ${before.usedBy.join(', ')})`, actual: `${chart.digest} (${chart.source ?? ''}, ${chart.usedBy.join(', ')})`, next: 'Give one of them another name with as.' });
    }
    byPath.set(chart.path, before === undefined ? chart : { ...before, usedBy: [...new Set([...before.usedBy, ...chart.usedBy])].sort() });
  }
  return [...byPath.values()];
}
