// Images that a chart says it needs: in annotations of Chart.yaml, or in what `helm template` renders.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageAnnotations, imagesInAnnotation } from '../../bom/adapters/helm/image-annotations.ts';
import { imagesOf } from '../../bom/adapters/k8s/pod-images.ts';
import { readNodes } from '../../bom/adapters/trees.ts';
import { BundleError, checkNotAborted } from '../../bom/errors.ts';
import type { FoundImage } from '../../bom/ports.ts';
import type { ChartRequirement } from '../../bom/requirement.ts';
import { parseChart } from '../../formats/helm/chart.ts';
import type { ChartContent } from '../../formats/helm/chart-archive.ts';

/** Of the chart and of the charts in its charts/ folder, as their annotations list them; with `warnings` for what cannot be read. */
export function annotatedImages(content: ChartContent, requirement: ChartRequirement, warnings: string[]): FoundImage[] {
  const { facts, files } = content;
  const inner = [...files].filter(([path]) => /^(?:charts\/[^/]+\/)+Chart\.yaml$/.test(path)).map(([path, bytes]) => parseChart(new TextDecoder().decode(bytes), undefined, path));
  return [facts, ...inner].flatMap((chart) => imageAnnotations.flatMap((name) => {
    const text = chart.annotations[name];
    if (text === undefined) return [];
    const where = `chart ${facts.name} ${facts.version}, annotation ${name}`;
    const { images, broken } = imagesInAnnotation(text, where);
    for (const message of broken) warnings.push(`${where}: ${message}`);
    return images.filter(({ ref }) => ref !== '').map(({ ref, platforms }) => found(ref, where, requirement, platforms));
  }));
}

function found(ref: string, by: string, { usedBy, at, platforms }: ChartRequirement, own: readonly string[]): FoundImage {
  return { ref, by, usedBy, at, platforms: own.length > 0 ? own : platforms };
}

const maxRenderedBytes = 64 << 20;

export interface Rendering { readonly requirement: ChartRequirement; readonly packed: Uint8Array; readonly subject: string; readonly spoolDir: string; readonly signal: AbortSignal }

/** Of what `helm template` makes of the chart with its values files. Throws `RESOLVE_UNSUPPORTED` without helm, and for a chart that it cannot render. */
export async function renderedImages({ requirement, packed, subject, spoolDir, signal }: Rendering): Promise<FoundImage[]> {
  const folder = await mkdtemp(join(spoolDir, 'longshore-helm-'));
  try {
    await mkdir(join(folder, 'plugins'));
    await writeFile(join(folder, 'chart.tgz'), packed);
    const text = await helm(['template', 'release', join(folder, 'chart.tgz'), '--include-crds', ...requirement.valuesFiles.flatMap((file) => ['--values', file])], { folder, subject, signal });
    const { documents, broken } = readNodes({ path: `${requirement.name}, rendered`, text });
    const [first] = broken;
    if (first !== undefined) throw new BundleError('RESOLVE_UNSUPPORTED', { subject, expected: 'manifests that can be read', actual: `${first.where}: ${first.message}` });
    return documents.flatMap(imagesOf).map(({ ref, where }) => found(ref, `${subject}, ${where}`, requirement, []));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface HelmRun { readonly folder: string; readonly subject: string; readonly signal: AbortSignal }

/** helm with folders of its own: no plugins, no repositories, nothing kept. */
async function helm(args: readonly string[], { folder, subject, signal }: HelmRun): Promise<string> {
  const place = (name: string): string => join(folder, name);
  const env = {
    ...process.env, HELM_CACHE_HOME: place('cache'), HELM_CONFIG_HOME: place('config'), HELM_DATA_HOME: place('data'), HELM_PLUGINS: place('plugins'), HELM_REPOSITORY_CONFIG: place('repositories.yaml'),
    HELM_REPOSITORY_CACHE: place('cache/repository'), HELM_REGISTRY_CONFIG: place('registry.json'), KUBECONFIG: place('no-cluster'), HOME: folder,
  };
  const child = spawn('helm', args, { env, stdio: ['ignore', 'pipe', 'pipe'], signal });
  const [out, errors]: Buffer[][] = [[], []];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => { bytes += chunk.length; if (bytes <= maxRenderedBytes) out?.push(chunk); else child.kill(); });
  child.stderr.on('data', (chunk: Buffer) => { if ((errors?.length ?? 0) < 100) errors?.push(chunk); });
  const { status, cause } = await new Promise<{ status: number | null; cause?: NodeJS.ErrnoException }>((done) => {
    child.once('error', (error) => done({ status: null, cause: error }));
    child.once('close', (code) => done({ status: code }));
  });
  checkNotAborted(signal, subject);
  if (cause !== undefined) {
    throw new BundleError('RESOLVE_UNSUPPORTED', { subject, expected: 'helm on this machine, because withImages is render', actual: cause.code === 'ENOENT' ? 'no program of that name' : cause.message, next: 'Install helm, or set withImages to annotations or none and list the images.' }, { cause });
  }
  if (bytes > maxRenderedBytes) throw new BundleError('RESOLVE_UNSUPPORTED', { subject, expected: `at most ${maxRenderedBytes} rendered bytes`, actual: 'more' });
  if (status !== 0) {
    throw new BundleError('RESOLVE_UNSUPPORTED', { subject, expected: 'a chart that `helm template` renders', actual: Buffer.concat(errors ?? []).toString('utf8').replaceAll(folder, '').trim().slice(-600) || `status ${status}`, next: 'Give the values that it needs in valuesFiles.' });
  }
  return Buffer.concat(out ?? []).toString('utf8');
}
