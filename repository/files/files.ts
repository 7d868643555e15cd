// Files by name, with checksums and listings, and the Helm repository. RFC 9530 (Repr-Digest); Helm documentation, "Chart Repository Guide".
import { type Descriptor, type Digest, hexOf } from '../../bom/digest.ts';
import { chartMediaType, gitBundleMediaType, type Lock, type LockedChart } from '../../bom/lock.ts';
import { renderChartIndex } from '../../formats/helm/repository-index.ts';
import { type Answer, blobAnswer, type Headers, textAnswer } from '../answer.ts';
import { escapeHtml, page } from '../catalog/html.ts';
import { tableHead } from '../catalog/parts.ts';
import type { Served, ServedBlobs } from '../content.ts';

export interface Named extends Descriptor { readonly name: string }

interface Entry extends Descriptor {
  readonly project: string;
  readonly name: string;
}

/** Git bundles by name, for `git clone`. */
export function gitFiles(lock: Lock): readonly Named[] {
  return lock.spec.git.map(({ name, digest, size }) => ({ name: `${name}.bundle`, mediaType: gitBundleMediaType, digest, size }));
}

/** A file's place: alone under its name, or below its project where two projects have different files of one name. */
export class FileTree {
  /** Path below /files/ -> file. */
  private readonly entries = new Map<string, Entry>();

  private readonly title: string;

  /** `title` stands above listings; `filesOf` says what of a lock is here. */
  constructor(served: readonly Served[], title = 'Files', filesOf: (lock: Lock) => readonly Named[] = (lock) => lock.spec.files) {
    this.title = title;
    const byName = new Map<string, Entry[]>();
    for (const { lock } of served) {
      for (const { name, mediaType, digest, size } of filesOf(lock)) {
        const entry = { project: lock.metadata.name, name, mediaType, digest, size };
        byName.set(name, [...(byName.get(name) ?? []), entry]);
      }
    }
    for (const [name, entries] of byName) {
      const [first] = entries;
      if (first !== undefined && entries.every((entry) => entry.digest === first.digest)) this.entries.set(name, first);
      for (const entry of entries) if (!byName.has(`${entry.project}/${name}`)) this.entries.set(`${entry.project}/${name}`, entry);
    }
  }

  /** What the plain listing shows: each file once, under its shortest path. */
  list(): readonly { readonly path: string; readonly digest: Digest; readonly size: number }[] {
    return [...this.entries].filter(([path, entry]) => path === entry.name || !this.entries.has(entry.name))
      .map(([path, { digest, size }]) => ({ path, digest, size })).sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** `segments` follow `/files/`. Undefined when nothing has that name. */
  async answer(segments: readonly string[], blobs: ServedBlobs): Promise<Answer | undefined> {
    const path = segments.join('/');
    const entry = this.entries.get(path);
    if (entry !== undefined) {
      if (!(await blobs.has(entry.digest))) return textAnswer(404, `${path}: the file is not in the store; import the archive again\n`);
      return blobAnswer(entry, blobs, checksumHeaders(entry.digest));
    }
    const folder = segments.slice(0, -1);
    const prefix = folder.length === 0 ? '' : `${folder.join('/')}/`;
    if (segments.at(-1) === 'SHA256SUMS') return this.sums(prefix);
    return segments.at(-1) === '' ? this.listing(prefix) : undefined;
  }

  private below(prefix: string): { readonly path: string; readonly digest: Digest; readonly size: number }[] {
    const all = prefix === '' ? this.list() : [...this.entries].map(([path, { digest, size }]) => ({ path, digest, size }));
    return all.filter(({ path }) => path.startsWith(prefix)).map((item) => ({ ...item, path: item.path.slice(prefix.length) })).sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  private sums(prefix: string): Answer | undefined {
    const files = this.below(prefix);
    if (files.length === 0) return undefined;
    return textAnswer(200, files.map(({ path, digest }) => `${hexOf(digest)}  ${path}\n`).join(''), { 'cache-control': 'no-cache' });
  }

  private listing(prefix: string): Answer | undefined {
    const files = this.below(prefix);
    if (files.length === 0 && prefix !== '') return undefined;
    const rows = new Map<string, string>();
    for (const { path, size, digest } of files) {
      const slash = path.indexOf('/');
      const name = slash < 0 ? path : path.slice(0, slash + 1);
      const link = `<a href="${escapeHtml(name.split('/').map(encodeURIComponent).join('/'))}">${escapeHtml(name)}</a>`;
      rows.set(name, slash < 0 ? `<tr><td>${link}</td><td class="number">${size}</td><td><code>${digest}</code></td></tr>` : `<tr><td>${link}</td><td></td><td></td></tr>`);
    }
    const title = `${this.title} /${prefix}`;
    const body = `<p class="where"><a href="SHA256SUMS">SHA256SUMS</a>${prefix === '' ? '' : ' · <a href="../">up</a>'}</p>
<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(title)}"><table>${tableHead(['Name', '#Bytes', 'Digest'])}<tbody>${[...rows.values()].join('\n')}</tbody></table></div>`;
    return page(title, body);
  }
}

/** Headers of a file or chart: its checksums, and that browsers run nothing of it. */
export function checksumHeaders(digest: Digest): Headers {
  // Content from elsewhere must not act as a page of this machine.
  return { 'content-security-policy': "default-src 'none'; sandbox", 'repr-digest': `sha-256=:${Buffer.from(hexOf(digest), 'hex').toString('base64')}:`, 'x-checksum-sha256': hexOf(digest) };
}

/** `/charts/index.yaml` (JSON, which is YAML) and the charts beside it. Of two projects' charts with one name and version, the first is listed. */
export class ChartTree {
  private readonly blobs = new Map<string, Descriptor>();
  private readonly index: string;

  constructor(served: readonly Served[]) {
    const listed = new Map<string, LockedChart & { readonly created: number }>();
    for (const { lock, date } of served) {
      for (const chart of lock.spec.charts) {
        const key = `${chart.name} ${chart.version}`;
        if (listed.has(key)) continue;
        listed.set(key, { ...chart, created: date });
        this.blobs.set(chart.path, { mediaType: chartMediaType, digest: chart.digest, size: chart.size });
        if (chart.provenance !== undefined) this.blobs.set(`${chart.path}.prov`, chart.provenance);
      }
    }
    this.index = renderChartIndex([...listed.values()]);
  }

  async answer(segments: readonly string[], blobs: ServedBlobs): Promise<Answer | undefined> {
    const path = segments.join('/');
    if (path === 'index.yaml') return textAnswer(200, this.index, { 'content-type': 'application/yaml', 'cache-control': 'no-cache' });
    const blob = this.blobs.get(path);
    return blob === undefined || !(await blobs.has(blob.digest)) ? undefined : blobAnswer(blob, blobs, checksumHeaders(blob.digest));
  }
}
