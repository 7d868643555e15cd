// Where packed charts are found: repositories with an index, OCI registries, addresses, local files.
import { readFile, stat } from 'node:fs/promises';
import { type Digest, digestOf, hexOf } from '../../bom/digest.ts';
import { BundleError, redactUrl } from '../../bom/errors.ts';
import { chartMediaType } from '../../bom/lock.ts';
import { canonicalReference, parseReference, type Reference } from '../../bom/reference.ts';
import type { ChartRequirement } from '../../bom/requirement.ts';
import { checkNoCredential } from '../../bom/url-credential.ts';
import { chartLimits } from '../../formats/helm/chart-archive.ts';
import { isProvenance, provenanceMediaType } from '../../formats/helm/provenance.ts';
import { chartVersions, maxIndexBytes } from '../../formats/helm/repository-index.ts';
import { chooseVersion } from '../../formats/helm/version-constraint.ts';
import { parseManifest } from '../../formats/oci/manifest.ts';
import type { HttpClient } from '../../transport/http-client.ts';
import { statusOf } from '../../transport/http-errors.ts';
import type { RegistryPool } from '../../transport/registry.ts';
import { listTags } from '../../transport/registry-discovery.ts';
import { firstGood } from './in-order.ts';

export interface OriginContext {
  readonly http: HttpClient;
  readonly registry: RegistryPool;
  readonly headersFor: (names: readonly string[]) => Promise<Readonly<Record<string, string>>>;
  /** Indexes that were fetched in this run, by address. */
  readonly indexes: Map<string, Promise<string>>;
  readonly signal: AbortSignal;
}

/** A packed chart as it was found. */
export interface FoundChart {
  readonly packed: Uint8Array;
  /** Where it can be fetched again. */
  readonly urls: readonly string[];
  readonly provenance?: Uint8Array;
  /** Of the OCI manifest, which a document may name instead of the chart's own. */
  readonly manifest?: Digest;
  /** File name that its provenance speaks of. */
  readonly fileName: string;
}

const maxProvenanceBytes = 1 << 20;

/** From `repo`: the newest version that the constraint lets in, whose digest must be what the index says. */
export async function fromRepository({ repo = '', name, version, headersFrom }: ChartRequirement, subject: string, context: OriginContext): Promise<FoundChart> {
  const base = new URL(repo);
  base.pathname = `${base.pathname.replace(/\/+$/, '')}/index.yaml`;
  const headers = await context.headersFor(headersFrom);
  const index = await indexAt(base.href, headers, subject, context);
  const versions = chartVersions(index, name, `${redactUrl(base.href)}`);
  const chosen = versions === undefined ? undefined : chooseVersion(versions, version ?? '', subject);
  if (chosen === undefined) {
    const actual = versions === undefined ? `no chart ${name} in ${redactUrl(base.href)}` : `versions ${versions.slice(0, 10).map((item) => item.version).join(', ')}${versions.length > 10 ? ', …' : ''}`;
    throw new BundleError('RESOLVE_NOT_FOUND', { subject, expected: `chart ${name} ${version ?? '(newest)'}`, actual });
  }
  const urls = chosen.urls.map((url) => new URL(url, base.href).href).filter((url) => /^https?:/.test(url));
  if (urls.length === 0) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `an http or https address of ${name} ${chosen.version} in ${redactUrl(base.href)}`, actual: chosen.urls.map((url) => redactUrl(url)).join(', ') || 'none' });
  const found = await fromUrls(urls, { subject, headers, origin: base.origin }, context);
  const actual = digestOf(found.packed);
  if (chosen.digest !== undefined && chosen.digest !== actual) throw new BundleError('INTEGRITY_DIGEST', { subject, expected: `${chosen.digest}, as the repository's index says`, actual });
  return found;
}

function indexAt(url: string, headers: Readonly<Record<string, string>>, subject: string, { http, indexes, signal }: OriginContext): Promise<string> {
  const known = indexes.get(url);
  if (known !== undefined) return known;
  const fetching = http.get(url, { signal, headers, maxBytes: maxIndexBytes }).then(({ body }) => new TextDecoder().decode(body), (cause: unknown) => {
    throw statusOf(cause) === 404 ? new BundleError('RESOLVE_NOT_FOUND', { subject, expected: 'a chart repository', actual: `no ${redactUrl(url)}` }, { cause }) : cause;
  });
  indexes.set(url, fetching);
  return fetching;
}

interface UrlOptions { readonly subject: string; readonly headers: Readonly<Record<string, string>>; /** Headers go to this origin only. */ readonly origin: string }

/** From addresses, in order; a provenance file beside it is taken along. */
export async function fromUrls(urls: readonly string[], { subject, headers, origin }: UrlOptions, { http, signal }: OriginContext): Promise<FoundChart> {
  for (const url of urls) checkNoCredential(url, subject);
  return firstGood({ subject, sources: urls, nameOf: redactUrl }, async (url): Promise<FoundChart> => {
    const own = new URL(url).origin === origin ? headers : {};
    const packed = await collect(http.stream(url, { signal, headers: own }), subject).catch((cause: unknown) => {
      throw statusOf(cause) === 404 || statusOf(cause) === 410 ? new BundleError('RESOLVE_NOT_FOUND', { subject, expected: 'a chart at that address', actual: `nothing at ${redactUrl(url)}` }, { cause }) : cause;
    });
    const provenance = await provenanceAt(url, own, { http, signal });
    return { packed, urls, fileName: decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? ''), ...(provenance === undefined ? {} : { provenance }) };
  });
}

/** Beside the chart, with `.prov` added (Helm's rule). Servers say in many ways that they have none. */
async function provenanceAt(url: string, headers: Readonly<Record<string, string>>, { http, signal }: Pick<OriginContext, 'http' | 'signal'>): Promise<Uint8Array | undefined> {
  const { status, body } = await http.get(provenanceUrl(url), { signal, headers, maxBytes: maxProvenanceBytes, accept: [400, 401, 403, 404, 405, 410] });
  return status === 200 && isProvenance(body) ? body : undefined;
}

export function provenanceUrl(url: string): string {
  const address = new URL(url);
  address.pathname += '.prov';
  return address.href;
}

export async function collect(bytes: AsyncIterable<Uint8Array>, subject: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > chartLimits.packedBytes) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `a chart of at most ${chartLimits.packedBytes} bytes`, actual: 'more' });
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

/** The reference in `oci://host/path[:tag][@digest]`. */
export function ociReference(url: string, subject: string): Reference {
  return parseReference(url.replace(/^oci:\/\//, ''), subject);
}

/** From an OCI registry (Helm documentation, "Use OCI-based registries"): tags are versions, with _ for +. */
export async function fromRegistry({ oci = '', version, headersFrom }: ChartRequirement, subject: string, { registry, signal }: OriginContext): Promise<FoundChart> {
  if (headersFrom.length > 0) throw new BundleError('INPUT_FIELD', { subject, expected: 'no headersFrom with oci', actual: headersFrom.join(', '), next: 'Log in with `docker login` or `podman login`: registries take what these keep.' });
  const reference = ociReference(oci, subject);
  const hasTag = /:[^/@]+(?:@|$)/.test(oci.replace(/^oci:\/\/[^/]*/, ''));
  return firstGood({ subject, sources: registry.endpoints(reference, reference.digest === undefined ? 'tag' : 'digest'), nameOf: ({ host, path }) => `${host}/${path}` }, async (place): Promise<FoundChart> => {
    const session = registry.session(place);
    const wanted = reference.digest ?? (hasTag && version === undefined ? reference.tag ?? '' : await tagOf(version ?? '', subject, () => listTags(session, place.path, signal)));
    const manifest = await session.getManifest(place.path, wanted, signal).catch((cause: unknown) => {
      throw statusOf(cause) === 404 ? new BundleError('RESOLVE_NOT_FOUND', { subject, expected: 'a chart of that name', actual: `no ${place.host}/${place.path} ${wanted}` }, { cause }) : cause;
    });
    const parsed = parseManifest(manifest.bytes, manifest.mediaType, subject);
    const layers = parsed.kind === 'manifest' ? parsed.layers : [];
    const chart = layers.find(({ mediaType }) => mediaType === chartMediaType || mediaType === 'application/tar+gzip');
    if (chart === undefined) throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'a chart in the registry', actual: `a manifest with ${layers.map(({ mediaType }) => mediaType).join(', ') || 'no chart in it'}` });
    const read = async (layer: typeof chart): Promise<Buffer> => verified(await collect(session.streamBlob(place.path, layer, { signal }), subject), layer.digest, subject);
    const proof = layers.find(({ mediaType, size }) => mediaType === provenanceMediaType && size <= maxProvenanceBytes);
    const { host, path } = reference;
    const pinned = `oci://${canonicalReference({ host, path, ...(wanted.startsWith('sha256:') ? {} : { tag: wanted }), digest: manifest.digest })}`;
    return { packed: await read(chart), urls: [pinned], manifest: manifest.digest, fileName: '', ...(proof === undefined ? {} : { provenance: await read(proof) }) };
  });
}

function verified(bytes: Buffer, expected: Digest, subject: string): Buffer {
  const actual = digestOf(bytes);
  if (actual === expected) return bytes;
  throw new BundleError('INTEGRITY_DIGEST', { subject: `${subject}, layer ${hexOf(expected).slice(0, 12)}`, expected, actual });
}

/** An exact version is a tag; a range is chosen from the tags. */
async function tagOf(version: string, subject: string, tags: () => Promise<readonly string[]>): Promise<string> {
  if (/^v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/.test(version)) return version.replaceAll('+', '_');
  const offered = (await tags()).map((tag) => ({ tag, version: tag.replaceAll('_', '+') }));
  const chosen = chooseVersion(offered, version, subject);
  if (chosen !== undefined) return chosen.tag;
  throw new BundleError('RESOLVE_NOT_FOUND', { subject, expected: `a version ${version === '' ? '' : version}`.trim(), actual: offered.length === 0 ? 'no tags' : offered.slice(0, 10).map(({ tag }) => tag).join(', ') });
}

/** A packed chart on this machine, with the provenance beside it. */
export async function fromFile(path: string, subject: string): Promise<FoundChart> {
  const packed = await bounded(path, chartLimits.packedBytes, { subject, expected: 'a chart: a folder with Chart.yaml, or a .tgz' });
  if (packed === undefined) throw new BundleError('INPUT_MISSING_FILE', { subject, expected: 'a chart: a folder with Chart.yaml, or a .tgz', actual: 'nothing there' });
  const provenance = await bounded(`${path}.prov`, maxProvenanceBytes, { subject: `${subject}, provenance`, expected: 'a file that can be read' });
  return { packed, urls: [], fileName: path.split('/').at(-1) ?? '', ...(provenance === undefined ? {} : { provenance }) };
}

/** A plain file of at most so many bytes; undefined: nothing is there. */
async function bounded(path: string, maxBytes: number, facts: { readonly subject: string; readonly expected: string }): Promise<Buffer | undefined> {
  const refused = (actual: string, cause?: unknown): BundleError => new BundleError('INPUT_MISSING_FILE', { ...facts, actual }, { cause });
  try {
    const info = await stat(path);
    if (!info.isFile()) throw refused('no plain file');
    if (info.size > maxBytes) throw refused(`${info.size} bytes, more than ${maxBytes}`);
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause instanceof BundleError ? cause : refused((cause as NodeJS.ErrnoException).code ?? 'an error', cause);
  }
}
