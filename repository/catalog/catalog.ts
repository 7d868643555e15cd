// The pages: / (what is here), /artifacts (lists and search), /artifact/<digest>.
import type { Answer } from '../answer.ts';
import { keyName } from '../client/files-for.ts';
import { type CatalogFacts, matching } from './api.ts';
import { escapeHtml, formatBytes, page } from './html.ts';
import { type InventoryItem, itemsOf, type ProjectSummary, summaryOf } from './inventory.ts';
import { artifactTable, commands, counted, kindTitles, link, searchForm, sizeBars, tableHead } from './parts.ts';
import { aptCommands, fetchCommands, setupCommands, yumCommands } from './usage.ts';

/** Rows of a kind on the first page, and of a page of a list. */
const glance = 25;
const pageSize = 200;

export function catalogPage(facts: CatalogFacts): Answer {
  const { view, pushed } = facts;
  const projects = view.served.map(summaryOf);
  const items = view.served.flatMap(itemsOf);
  const present = kindTitles.filter(([kind]) => items.some((item) => item.kind === kind));
  const sections = [...(items.length > 0 ? [['use', 'Use it']] : []), ...present, ...(pushed.length > 0 ? [['pushed', 'Pushed here']] : [])];
  const entries = present.map(([kind, name]) => ({ name, count: sum(projects, (project) => project.counts[kind]), bytes: sum(projects, (project) => project.bytes[kind]) }));
  return page('What this machine serves', [
    projects.length === 0 ? '<p>Nothing is imported yet. <code>longshore import ARCHIVE</code> fills this machine.</p>' : '',
    items.length > 0 ? searchForm({}, modulesOf(projects)) : '',
    `<nav aria-label="On this page"><ul>${sections.map(([id, title]) => `<li><a href="#${id}">${title}</a></li>`).join('')}<li><a href="/files/">File tree</a></li></ul></nav>`,
    projects.length > 0 ? projectsSection(projects, new Set(view.served.filter(({ older }) => (older?.length ?? 0) > 0).map(({ lock }) => lock.metadata.name))) : '',
    entries.length > 0 ? sizeBars(entries) : '',
    items.length > 0 ? useSection(facts, items) : '',
    ...present.map(([kind, title]) => kindSection(kind, title, items.filter((item) => item.kind === kind))),
    pushed.length > 0 ? `<h2 id="pushed">Pushed here</h2><ul>${pushed.map((name) => `<li><code>${escapeHtml(name)}</code></li>`).join('')}</ul>` : '',
  ].join('\n'));
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function modulesOf(projects: readonly ProjectSummary[]): string[] {
  return [...new Set(projects.flatMap(({ modules }) => modules.map(({ name }) => name)))].sort();
}

function projectsSection(projects: readonly ProjectSummary[], changed: ReadonlySet<string>): string {
  const row = (project: ProjectSummary): string => {
    const counts = kindTitles.filter(([kind]) => project.counts[kind] > 0)
      .map(([kind]) => link('/artifacts', { project: project.name, kind }, counted(project.counts[kind], kind)));
    const modules = project.modules.map(({ name, version }) => link('/artifacts', { project: project.name, module: name }, `${name} ${version}`));
    const changes = changed.has(project.name) ? `<br>${link(`/changes/${project.name}`, {}, 'changes')}` : '';
    const documents = [['lock', 'lock'], ['sbom.cdx.json', 'CycloneDX'], ['sbom.spdx.json', 'SPDX'], ['licences.csv', 'licences']].map(([path, text]) => link(`/api/v1/projects/${project.name}/${path}`, {}, text ?? ''));
    return `<tr><th scope="row">${link('/artifacts', { project: project.name }, project.name)}</th><td class="number">${project.sequence}</td>
<td class="number">${project.generation ?? 'archive'}${changes}</td><td>${counts.join(', ') || 'nothing'}</td><td class="number">${formatBytes(project.totalBytes)}</td>
<td>${modules.join(', ')}</td><td>${documents.join(', ')}</td></tr>`;
  };
  return `<h2 id="projects">Projects</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Projects"><table>
${tableHead(['Project', '#Sequence', '#Generation', 'Holds', '#Size', 'Modules', 'Documents'])}
<tbody>${projects.map(row).join('\n')}</tbody></table></div>`;
}

function useSection(facts: CatalogFacts, items: readonly InventoryItem[]): string {
  const parts = [`<h3>A whole machine</h3>${commands(setupCommands(facts))}`];
  const image = items.find((item) => item.kind === 'image');
  if (image !== undefined) parts.push(`<h3>An image</h3>${commands(fetchCommands(image, facts))}`);
  for (const { project, target } of facts.view.apt.mirrors) {
    parts.push(`<h3>apt, target ${escapeHtml(target.id)} of ${escapeHtml(project)}</h3>${commands(aptCommands(facts, project, target.id))}`);
  }
  for (const { project, target, repositories } of facts.view.yum.mirrors) {
    const keyNames = [...new Set(repositories.flatMap(({ keys }) => keys.map(keyName)))];
    parts.push(`<h3>dnf and zypper, target ${escapeHtml(target.id)} of ${escapeHtml(project)}</h3>${commands(yumCommands(facts, { project, target: target.id, keyNames }))}`);
  }
  const file = items.find((item) => item.kind === 'file');
  if (file !== undefined) parts.push(`<h3>A file</h3>${commands(fetchCommands(file, facts))}`);
  if (items.some((item) => item.kind === 'chart')) parts.push(`<h3>Helm</h3>${commands(`helm repo add longshore ${facts.exchange.origin ?? ''}/charts`)}`);
  return `<h2 id="use">Use it</h2>${parts.join('\n')}`;
}

function kindSection(kind: InventoryItem['kind'], title: string, items: readonly InventoryItem[]): string {
  const caption = `${items.length} in all${items.length > glance ? `, the first ${glance} of them` : ''}`;
  const all = items.length > glance ? `<p>${link('/artifacts', { kind }, `All ${counted(items.length, kind)}`)}</p>` : '';
  return `<h2 id="${kind}">${title}</h2>${artifactTable(items.slice(0, glance), caption)}${all}`;
}

/** A list by kind, project, module and words, in pages. */
export function artifactsPage(facts: CatalogFacts): Answer {
  const { query } = facts.exchange;
  const found = matching(facts);
  const number = Math.max(1, Math.min(Number.parseInt(query.get('page') ?? '1', 10) || 1, Math.ceil(found.length / pageSize) || 1));
  const shown = found.slice((number - 1) * pageSize, number * pageSize);
  const values = Object.fromEntries(['q', 'kind', 'module', 'project', 'target'].flatMap((key) => ((query.get(key) ?? '') === '' ? [] : [[key, query.get(key) ?? '']]))) as Record<string, string>;
  const turn = (to: number, text: string): string => (to < 1 || (to - 1) * pageSize >= found.length ? '' : `<li>${link('/artifacts', { ...values, page: String(to) }, text)}</li>`);
  const where = Object.entries(values).filter(([key]) => key !== 'q').map(([key, value]) => `${key} ${value}`).join(', ');
  const caption = `${found.length} found${where === '' ? '' : ` (${where})`}${found.length > pageSize ? `, page ${number} of ${Math.ceil(found.length / pageSize)}` : ''}`;
  return page('Artifacts', `<p><a href="/">Catalog</a></p>
${searchForm(values, modulesOf(facts.view.served.map(summaryOf)))}
${shown.length === 0 ? '<p role="status">Nothing here is like that.</p>' : artifactTable(shown, caption)}
<nav aria-label="Pages"><ul>${turn(number - 1, 'Previous page')}${turn(number + 1, 'Next page')}<li>${link('/api/v1/artifacts', values, 'The same as JSON')}</li></ul></nav>`);
}
