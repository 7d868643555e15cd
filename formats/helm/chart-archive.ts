// Packed charts: Helm documentation, "Charts", "The Chart File Structure"; a gzip-compressed tar with one folder named after the chart.
import { BundleError } from '../../bom/errors.ts';
import { readTar } from '../archive/read-tar.ts';
import { blockBytes, encodeEntry, isSafePath, paddedSize } from '../archive/tar-header.ts';
import { decompress, gzip } from '../compression.ts';
import { type ChartFacts, parseChart } from './chart.ts';

/** Of the packed file, and of what comes out of it: Helm itself refuses more than 100 MiB. */
export const chartLimits = { packedBytes: 64 << 20, bytes: 100 << 20, files: 20_000 } as const;

/** A chart's files by their path below its folder. */
export interface ChartContent {
  readonly facts: ChartFacts;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * What is in a packed chart. Throws `INTEGRITY_METADATA` for what is none, or is hostile: names that leave the folder, links and devices,
 * several folders, more than {@link chartLimits}.
 */
export async function readChart(packed: Uint8Array, subject: string): Promise<ChartContent> {
  if (packed.length > chartLimits.packedBytes) throw damaged(subject, `at most ${chartLimits.packedBytes} bytes`, `${packed.length} bytes`);
  if (packed[0] !== 0x1f || packed[1] !== 0x8b) throw damaged(subject, 'a packed chart (.tgz)', 'something else');
  const tar = await decompress(packed, 'gz', { subject, maxBytes: chartLimits.bytes });
  const files = new Map<string, Uint8Array>();
  let folder: string | undefined;
  for (const { path, type, content } of readTar(tar, subject)) {
    const clean = path.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '');
    if (type === 'folder' && (clean === '' || clean === '.')) continue;
    if (!isSafePath(clean) || path.startsWith('/')) throw damaged(subject, 'names below its folder', JSON.stringify(path.slice(0, 200)));
    if (type === 'folder') continue;
    if (type !== 'file') throw damaged(subject, 'files and folders', `${type === 'symlink' || type === 'hardlink' ? 'a link' : 'something else'}: ${clean}`);
    const [first = '', ...rest] = clean.split('/');
    folder ??= first;
    if (rest.length === 0 || first !== folder) throw damaged(subject, 'one folder', `${folder} and ${clean}`);
    const name = rest.join('/');
    if (files.has(name)) throw damaged(subject, 'each name once', name);
    files.set(name, content);
    if (files.size > chartLimits.files) throw damaged(subject, `at most ${chartLimits.files} files`, 'more');
  }
  return { facts: factsOf(files, subject), files };
}

/** What Chart.yaml among `files` says. Throws `INTEGRITY_METADATA`. */
export function factsOf(files: ReadonlyMap<string, Uint8Array>, subject: string): ChartFacts {
  const chartYaml = files.get('Chart.yaml');
  if (chartYaml === undefined) throw damaged(subject, 'a chart with Chart.yaml', 'none');
  const requirements = files.get('requirements.yaml');
  return parseChart(text(chartYaml), requirements === undefined ? undefined : text(requirements), subject);
}

/** 1980-01-01, the oldest date that every archive format can say. */
const memberTime = 315_532_800;

/** The files as a packed chart: the same files, the same bytes. Chart.yaml first, then by name; mode 0644, one date, owner 0:0. */
export function packChart(name: string, files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const names = [...files.keys()].sort((a, b) => Number(b === 'Chart.yaml') - Number(a === 'Chart.yaml') || (a < b ? -1 : 1));
  const parts = names.flatMap((path) => {
    const content = files.get(path) ?? new Uint8Array();
    return [encodeEntry({ path: `${name}/${path}`, type: 'File', size: content.length, mode: 0o644 }, memberTime), content, Buffer.alloc(paddedSize(content.length) - content.length)];
  });
  return gzip(Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]));
}

/** Names of the charts that lie below charts/, unpacked or packed. */
export async function vendoredCharts(files: ReadonlyMap<string, Uint8Array>, subject: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const [path, content] of files) {
    const [, folder] = /^charts\/([^/]+)\/Chart\.yaml$/.exec(path) ?? [];
    if (folder !== undefined) names.add(parseChart(text(content), undefined, `${subject}, ${path}`).name);
    else if (/^charts\/[^/]+\.tgz$/.test(path)) names.add((await readChart(content, `${subject}, ${path}`)).facts.name);
  }
  return names;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function damaged(subject: string, expected: string, actual: string): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject, expected, actual });
}
