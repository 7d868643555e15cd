// The pages: / (what is here), /artifacts (lists and search), /artifact/<digest>.
import type { Answer } from '../answer.ts';
import { keyName } from '../client/files-for.ts';
import { type CatalogFacts, matching } from './api.ts';
import { escapeHtml, formatBytes, formatCount, page } from './html.ts';
import { type InventoryItem, itemsOf, type ProjectSummary, summaryOf } from './inventory.ts';
import { artifactTable, type Choices, commands, counted, kindTitles, link, pageLinks, searchForm, sizeBars } from './parts.ts';
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
    projects.length === 0 ? '<p class="note">Nothing is imported yet. <code>longshore import ARCHIVE --key KEY</code> on this machine fills it; <code>podman push</code> does too, with a password.</p>' : '',
    items.length > 0 ? searchForm({}, choicesOf(projects)) : '',
    sections.length === 0 ? '' : `<nav aria-label="On this page"><ul>${sections.map(([id, title]) => `<li><a href="#${id}">${title}</a></li>`).join('')}</ul></nav>`,
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

function choicesOf(projects: readonly ProjectSummary[]): Choices {
  const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort();
  return {
    modules: sorted(projects.flatMap(({ modules }) => modules.map(({ name }) => name))), projects: sorted(projects.map(({ name }) => name)),
    targets: sorted(projects.flatMap(({ targets }) => targets.map(({ id }) => id))),
  };
}

function projectsSection(projects: readonly ProjectSummary[], changed: ReadonlySet<string>): string {
  const card = (project: ProjectSummary): string => {
    const counts = kindTitles.filter(([kind]) => project.counts[kind] > 0)
      .map(([kind]) => link('/artifacts', { project: project.name, kind }, counted(project.counts[kind], kind)));
    const modules = project.modules.map(({ name, version }) => link('/artifacts', { project: project.name, module: name }, `${name} ${version}`));
    const changes = changed.has(project.name) ? ` · ${link(`/changes/${project.name}`, {}, 'what changed')}` : '';
    const documents = [['lock', 'lock'], ['sbom.cdx.json', 'CycloneDX'], ['sbom.spdx.json', 'SPDX'], ['licences.csv', 'licences']].map(([path, text]) => link(`/api/v1/projects/${project.name}/${path}`, {}, text ?? ''));
    const facts = [
      ['Serves', `${project.generation === undefined ? 'an archive where it lies' : `generation ${project.generation}`}, sequence ${project.sequence}${changes}`],
      ['Holds', `${counts.join(', ') || 'nothing'}: ${formatBytes(project.totalBytes)}`], ['Modules', modules.join(', ')], ['Documents', documents.join(', ')],
    ].filter(([, html]) => html !== '');
    return `<li class="card"><h3>${link('/artifacts', { project: project.name }, project.name)}</h3><dl class="facts">${facts.map(([name, html]) => `<dt>${name}</dt><dd>${html}</dd>`).join('')}</dl></li>`;
  };
  return `<h2 id="projects">Projects</h2>\n<ul class="cards">${projects.map(card).join('\n')}</ul>`;
}

/** Settings of one kind, closed: there may be many. */
function settings(title: string, text: string): string {
  return `<details><summary>${escapeHtml(title)}</summary>${commands(text)}</details>`;
}

function useSection(facts: CatalogFacts, items: readonly InventoryItem[]): string {
  const parts = [`<h3>A whole machine</h3>${commands(setupCommands(facts))}`];
  const image = items.find((item) => item.kind === 'image');
  if (image !== undefined) parts.push(settings('An image, with podman, containerd or skopeo', fetchCommands(image, facts)));
  for (const { project, target } of facts.view.apt.mirrors) {
    parts.push(settings(`apt: target ${target.id} of ${project}`, aptCommands(facts, project, target.id)));
  }
  for (const { project, target, repositories } of facts.view.yum.mirrors) {
    const keyNames = [...new Set(repositories.flatMap(({ keys }) => keys.map(keyName)))];
    parts.push(settings(`dnf and zypper: target ${target.id} of ${project}`, yumCommands(facts, { project, target: target.id, keyNames })));
  }
  const file = items.find((item) => item.kind === 'file');
  if (file !== undefined) parts.push(settings('A file', fetchCommands(file, facts)));
  if (items.some((item) => item.kind === 'chart')) parts.push(settings('Charts, with Helm', `helm repo add longshore ${facts.exchange.origin ?? ''}/charts`));
  return `<h2 id="use">Use it</h2>${parts.join('\n')}`;
}

function kindSection(kind: InventoryItem['kind'], title: string, items: readonly InventoryItem[]): string {
  const caption = `${formatCount(items.length)} in all${items.length > glance ? `, the first ${glance} of them` : ''}`;
  const all = items.length > glance ? `<p>${link('/artifacts', { kind }, `All ${counted(items.length, kind)}`)}</p>` : '';
  return `<h2 id="${kind}">${title}</h2>${artifactTable(items.slice(0, glance), caption)}${all}`;
}

/** A list by kind, project, module, target and words, in pages. */
export function artifactsPage(facts: CatalogFacts): Answer {
  const { query } = facts.exchange;
  const found = matching(facts);
  const last = Math.ceil(found.length / pageSize) || 1;
  const number = Math.max(1, Math.min(Number.parseInt(query.get('page') ?? '1', 10) || 1, last));
  const shown = found.slice((number - 1) * pageSize, number * pageSize);
  const values = Object.fromEntries(['q', 'kind', 'module', 'project', 'target'].flatMap((key) => ((query.get(key) ?? '') === '' ? [] : [[key, query.get(key) ?? '']]))) as Record<string, string>;
  const where = Object.entries(values).filter(([key]) => key !== 'q').map(([key, value]) => `${key} ${value}`).join(', ');
  const caption = `${formatCount(found.length)} found${where === '' ? '' : ` (${where})`}${last > 1 ? `, page ${number} of ${last}` : ''}`;
  const pages = pageLinks(number, last, (to) => `/artifacts?${new URLSearchParams({ ...values, page: String(to) }).toString()}`);
  return page('Artifacts', `${searchForm(values, choicesOf(facts.view.served.map(summaryOf)))}
${shown.length === 0 ? '<p class="note" role="status">Nothing here is like that.</p>' : artifactTable(shown, caption)}
${pages}<p>${link('/api/v1/artifacts', values, 'The same as JSON')}</p>`);
}
