// Parts that several pages show. Everything from a lock passes through escapeHtml.
import { hexOf } from '../../bom/digest.ts';
import { escapeHtml, formatBytes } from './html.ts';
import type { InventoryItem } from './inventory.ts';

export const kindTitles: readonly (readonly [InventoryItem['kind'], string])[] = [
  ['image', 'Images'], ['file', 'Files'], ['chart', 'Charts'], ['deb', 'Debian packages'], ['rpm', 'RPM packages'], ['git', 'Git bundles'],
];

const nouns: Readonly<Record<InventoryItem['kind'], readonly [string, string]>> = {
  image: ['image', 'images'], file: ['file', 'files'], chart: ['chart', 'charts'], deb: ['Debian package', 'Debian packages'], rpm: ['RPM package', 'RPM packages'],
  git: ['Git bundle', 'Git bundles'],
};

export function nounOf(kind: InventoryItem['kind']): string {
  return nouns[kind][0];
}

/** `1 chart`, `61 Debian packages`. */
export function counted(count: number, kind: InventoryItem['kind']): string {
  return `${count} ${nouns[kind][count === 1 ? 0 : 1]}`;
}

/** A link inside this machine; the query's values are encoded here. */
export function link(path: string, query: Readonly<Record<string, string>>, text: string): string {
  const search = new URLSearchParams(query).toString();
  return `<a href="${escapeHtml(search === '' ? path : `${path}?${search}`)}">${escapeHtml(text)}</a>`;
}

export function artifactPath({ digest }: Pick<InventoryItem, 'digest'>): string {
  return `/artifact/${hexOf(digest)}`;
}

export function searchForm(values: { readonly q?: string; readonly kind?: string; readonly module?: string }, modules: readonly string[]): string {
  const option = (value: string, text: string, chosen: string | undefined): string => `<option value="${escapeHtml(value)}"${value === (chosen ?? '') ? ' selected' : ''}>${escapeHtml(text)}</option>`;
  const moduleSelect = modules.length < 2 ? '' : `<label>Module <select name="module">${option('', 'all', values.module)}${modules.map((name) => option(name, name, values.module)).join('')}</select></label>`;
  return `<form role="search" action="/artifacts" method="get">
<label>Name or digest <input type="search" name="q" value="${escapeHtml(values.q ?? '')}" size="32"></label>
<label>Kind <select name="kind">${option('', 'all', values.kind)}${kindTitles.map(([kind, title]) => option(kind, title, values.kind)).join('')}</select></label>
${moduleSelect}<button type="submit">Search</button></form>`;
}

/** Column headings; a `#` in front makes a column of numbers, nothing a column without a heading. */
export function tableHead(titles: readonly string[]): string {
  const cells = titles.map((title) => (title === '' ? '<td></td>' : title.startsWith('#') ? `<th scope="col" class="number">${title.slice(1)}</th>` : `<th scope="col">${title}</th>`));
  return `<thead><tr>${cells.join('')}</tr></thead>`;
}

/** Artifacts as a table that scrolls by itself on narrow screens. */
export function artifactTable(items: readonly InventoryItem[], caption: string): string {
  const rows = items.map((item) => {
    const modules = item.usedBy.map((name) => link('/artifacts', { module: name }, name)).join(', ');
    return `<tr><th scope="row">${link(artifactPath(item), {}, item.name)}</th><td class="number">${formatBytes(item.sizeBytes)}</td>
<td>${escapeHtml(item.platforms?.join(', ') ?? item.target ?? '')}</td><td>${modules}</td><td>${escapeHtml(item.trust)}</td><td><code title="${item.digest}">${item.digest.slice(0, 19)}…</code></td></tr>`;
  });
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table><caption>${escapeHtml(caption)}</caption>
${tableHead(['Name', '#Size', 'Platform or target', 'Wanted by', 'Trust', 'Digest'])}
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

/** A bar for each entry, its length by size; the numbers stand beside it, so nothing is told by length alone. */
export function sizeBars(entries: readonly { readonly name: string; readonly count: number; readonly bytes: number }[]): string {
  const most = Math.max(1, ...entries.map(({ bytes }) => bytes));
  const rows = entries.map(({ name, count, bytes }) => `<tr><th scope="row">${escapeHtml(name)}</th><td class="number">${count}</td><td class="number">${formatBytes(bytes)}</td>
<td class="bars" aria-hidden="true"><span style="width:${Math.max(0.5, (bytes / most) * 100).toFixed(1)}%"></span></td></tr>`);
  return `<table class="sizes"><caption>Distinct bytes by kind</caption>${tableHead(['Kind', '#Artifacts', '#Size', ''])}<tbody>${rows.join('\n')}</tbody></table>`;
}

/** Commands to copy. */
export function commands(text: string): string {
  return `<pre tabindex="0">${escapeHtml(text)}</pre>`;
}
