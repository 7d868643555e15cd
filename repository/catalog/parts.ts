// Parts that several pages show. Everything from a lock passes through escapeHtml.
import { hexOf } from '../../bom/digest.ts';
import { escapeHtml, formatBytes, formatCount } from './html.ts';
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

/** `1 chart`, `4,061 Debian packages`. */
export function counted(count: number, kind: InventoryItem['kind']): string {
  return `${formatCount(count)} ${nouns[kind][count === 1 ? 0 : 1]}`;
}

/** A link inside this machine; the query's values are encoded here. */
export function link(path: string, query: Readonly<Record<string, string>>, text: string): string {
  const search = new URLSearchParams(query).toString();
  return `<a href="${escapeHtml(search === '' ? path : `${path}?${search}`)}">${escapeHtml(text)}</a>`;
}

export function artifactPath({ digest }: Pick<InventoryItem, 'digest'>): string {
  return `/artifact/${hexOf(digest)}`;
}

export interface Choices {
  readonly modules: readonly string[];
  readonly projects: readonly string[];
  readonly targets: readonly string[];
}

/** What `values` names stays chosen. A choice of one is none. */
export function searchForm(values: Readonly<Record<string, string>>, { modules, projects, targets }: Choices): string {
  const option = (value: string, text: string, chosen = ''): string => `<option value="${escapeHtml(value)}"${value === chosen ? ' selected' : ''}>${escapeHtml(text)}</option>`;
  const select = (label: string, name: string, options: readonly (readonly [string, string])[]): string => (options.length < 2 && values[name] === undefined ? ''
    : `<label>${label} <select name="${name}">${option('', 'all', values[name])}${options.map(([value, text]) => option(value, text, values[name])).join('')}</select></label>\n`);
  const same = (names: readonly string[]): readonly (readonly [string, string])[] => names.map((name) => [name, name]);
  return `<form role="search" action="/artifacts" method="get">
<label>Name or digest <input type="search" name="q" value="${escapeHtml(values['q'] ?? '')}" autocomplete="off" spellcheck="false"></label>
${select('Kind', 'kind', kindTitles)}${select('Project', 'project', same(projects))}${select('Module', 'module', same(modules))}${select('Target', 'target', same(targets))}<button type="submit">Search</button></form>`;
}

/** Column headings; a `#` in front makes a column of numbers, nothing a column without a heading. */
export function tableHead(titles: readonly string[]): string {
  const cells = titles.map((title) => (title === '' ? '<td></td>' : title.startsWith('#') ? `<th scope="col" class="number">${title.slice(1)}</th>` : `<th scope="col">${title}</th>`));
  return `<thead><tr>${cells.join('')}</tr></thead>`;
}

/** Artifacts as a table that scrolls by itself on narrow screens. Columns that would say the same in each row are left out. */
export function artifactTable(items: readonly InventoryItem[], caption: string): string {
  const differs = (of: (item: InventoryItem) => string | undefined): boolean => new Set(items.map(of)).size > 1;
  const [kinds, projects, places] = [differs(({ kind }) => kind), differs(({ project }) => project), items.some(({ platforms, target }) => (platforms ?? target) !== undefined)];
  const rows = items.map((item) => {
    const modules = item.usedBy.map((name) => link('/artifacts', { module: name }, name)).join(', ');
    const cells = [
      `<th scope="row">${link(artifactPath(item), {}, item.name)}</th>`, ...(kinds ? [`<td class="nowrap">${escapeHtml(nounOf(item.kind))}</td>`] : []), ...(projects ? [`<td>${escapeHtml(item.project)}</td>`] : []),
      ...(places ? [`<td>${escapeHtml(item.platforms?.join(', ') ?? item.target ?? '')}</td>`] : []), `<td>${modules}</td>`, `<td class="nowrap">${escapeHtml(item.trust)}</td>`,
      `<td class="nowrap"><code title="${item.digest}">${item.digest.slice(7, 19)}…</code></td>`, `<td class="number">${formatBytes(item.sizeBytes)}</td>`,
    ];
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table><caption>${escapeHtml(caption)}</caption>
${tableHead(['Name', ...(kinds ? ['Kind'] : []), ...(projects ? ['Project'] : []), ...(places ? ['Platform or target'] : []), 'Wanted by', 'Trust', 'Digest', '#Size'])}
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

/** Links to the pages of a long list: the first, the last, and those around the current one. */
export function pageLinks(current: number, last: number, address: (page: number) => string): string {
  if (last < 2) return '';
  const shown = [...new Set([1, current - 2, current - 1, current, current + 1, current + 2, last])].filter((page) => page >= 1 && page <= last);
  const turn = (to: number, text: string): string => (to < 1 || to > last ? '' : `<li><a href="${escapeHtml(address(to))}">${text}</a></li>`);
  const numbers = shown.map((page, index) => `${page - (shown[index - 1] ?? 0) > 1 ? '<li aria-hidden="true">…</li>' : ''}<li><a href="${escapeHtml(address(page))}"${page === current ? ' aria-current="page"' : ''}>${page}</a></li>`);
  return `<nav aria-label="Pages"><ul>${turn(current - 1, 'Previous page')}${numbers.join('')}${turn(current + 1, 'Next page')}</ul></nav>`;
}

/** A bar for each entry, its length by size; the numbers stand beside it, so nothing is told by length alone. */
export function sizeBars(entries: readonly { readonly name: string; readonly count: number; readonly bytes: number }[]): string {
  const most = Math.max(1, ...entries.map(({ bytes }) => bytes));
  const rows = entries.map(({ name, count, bytes }) => `<tr><th scope="row">${escapeHtml(name)}</th><td class="number">${formatCount(count)}</td><td class="number">${formatBytes(bytes)}</td>
<td class="bars" aria-hidden="true"><span style="width:${Math.max(0.5, (bytes / most) * 100).toFixed(1)}%"></span></td></tr>`);
  return `<table class="sizes"><caption>Disk use: distinct bytes by kind</caption>${tableHead(['Kind', '#Artifacts', '#Size', ''])}<tbody>${rows.join('\n')}</tbody></table>`;
}

/** Commands to copy. Long ones are wrapped for the eye alone, with the rest of a line set in. */
export function commands(text: string): string {
  return `<pre class="commands">${text.trimEnd().split('\n').map((line) => `<span>${escapeHtml(line)}\n</span>`).join('')}</pre>`;
}
