// The catalog page at / and the same as JSON below /api/v1/.
import { type Answer, jsonAnswer } from '../answer.ts';
import { aptKeyring, aptSources } from '../client/settings.ts';
import type { Exchange } from '../exchange.ts';
import type { View } from '../view.ts';
import { escapeHtml, formatBytes, page } from './html.ts';
import { type InventoryItem, itemsOf, type ProjectSummary, summaryOf } from './inventory.ts';

export interface CatalogFacts {
  readonly view: View;
  /** Names of repositories that were pushed here. */
  readonly pushed: readonly string[];
  readonly exchange: Exchange;
  readonly hasKey: boolean;
}

/** Rows of one table that are shown; the rest is in the API. */
const rowLimit = 500;
const kinds: readonly (readonly [InventoryItem['kind'], string])[] = [
  ['image', 'Images'], ['file', 'Files'], ['chart', 'Charts'], ['deb', 'Debian packages'], ['rpm', 'RPM packages'], ['git', 'Git bundles'],
];

export function apiAnswer(facts: CatalogFacts, segments: readonly string[]): Answer | undefined {
  const { view } = facts;
  const headers = { 'cache-control': 'no-cache' };
  const [what = '', name] = segments;
  if (what === '' && name === undefined) {
    return jsonAnswer(200, { endpoints: ['/api/v1/projects', '/api/v1/projects/<name>/lock', '/api/v1/artifacts?kind=&module=&project=&q=', '/api/v1/pushed'] }, headers);
  }
  if (what === 'projects' && name === undefined) return jsonAnswer(200, { projects: view.served.map(summaryOf) }, headers);
  if (what === 'projects' && segments[2] === 'lock' && segments.length === 3) {
    const served = view.served.find(({ lock }) => lock.metadata.name === name);
    return served === undefined ? undefined : jsonAnswer(200, served.lock, headers);
  }
  if (what === 'artifacts' && name === undefined) return jsonAnswer(200, { artifacts: matching(facts) }, headers);
  if (what === 'pushed' && name === undefined) return jsonAnswer(200, { repositories: facts.pushed }, headers);
  return undefined;
}

function matching({ view, exchange: { query } }: CatalogFacts): InventoryItem[] {
  const [kind, module, project, words] = [query.get('kind'), query.get('module'), query.get('project'), (query.get('q') ?? '').toLowerCase().split(/\s+/)];
  return view.served.flatMap(itemsOf).filter((item) =>
    (kind === null || item.kind === kind) && (module === null || item.usedBy.includes(module)) && (project === null || item.project === project)
    && words.every((word) => item.name.toLowerCase().includes(word) || item.digest.includes(word)));
}

export function catalogPage(facts: CatalogFacts): Answer {
  const { view, pushed } = facts;
  const items = view.served.flatMap(itemsOf);
  const present = kinds.filter(([kind]) => items.some((item) => item.kind === kind));
  const links = [...(items.length > 0 ? [['projects', 'Projects'], ['use', 'Use it']] : []), ...present.map(([kind, title]) => [kind, title]), ...(pushed.length > 0 ? [['pushed', 'Pushed here']] : [])];
  const body = [
    `<nav aria-label="On this page"><ul>${links.map(([id, title]) => `<li><a href="#${id}">${title}</a></li>`).join('')}<li><a href="/files/">File tree</a></li></ul></nav>`,
    view.served.length === 0 ? '<p>Nothing is imported yet. <code>longshore import ARCHIVE</code> fills this machine.</p>' : projectsSection(view.served.map(summaryOf)),
    items.length > 0 ? useSection(facts, items) : '',
    ...present.map(([kind, title]) => kindSection(kind, title, items.filter((item) => item.kind === kind))),
    pushed.length > 0 ? `<h2 id="pushed">Pushed here</h2><ul>${pushed.map((name) => `<li><code>${escapeHtml(name)}</code></li>`).join('')}</ul>` : '',
  ];
  return page('What this machine serves', body.join('\n'));
}

function projectsSection(projects: readonly ProjectSummary[]): string {
  const row = (project: ProjectSummary): string => {
    const counts = kinds.filter(([kind]) => project.counts[kind] > 0).map(([kind, title]) => `${project.counts[kind]} ${title.toLowerCase()}`);
    const modules = project.modules.map(({ name, version }) => `${escapeHtml(name)} ${escapeHtml(version)}`);
    return `<tr><th scope="row">${escapeHtml(project.name)}</th><td class="number">${project.sequence}</td><td class="number">${project.generation ?? 'archive'}</td>
<td>${counts.join(', ') || 'nothing'}</td><td class="number">${formatBytes(project.totalBytes)}</td><td>${modules.join(', ')}</td></tr>`;
  };
  return `<h2 id="projects">Projects</h2>
<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">Project</th><th scope="col" class="number">Sequence</th><th scope="col" class="number">Generation</th><th scope="col">Holds</th><th scope="col" class="number">Size</th><th scope="col">Modules</th></tr></thead>
<tbody>${projects.map(row).join('\n')}</tbody></table></div>`;
}

function useSection(facts: CatalogFacts, items: readonly InventoryItem[]): string {
  const origin = facts.exchange.origin ?? 'http://this-machine:5000';
  const host = origin.replace(/^https?:\/\//, '');
  const plain = origin.startsWith('http://');
  const parts: string[] = [];
  const image = items.find((item) => item.kind === 'image');
  if (image?.places[0] !== undefined) {
    parts.push(`<h3>Pull an image</h3><pre tabindex="0">podman pull ${plain ? '--tls-verify=false ' : ''}${escapeHtml(`${host}/${image.places[0]}`)}
skopeo copy ${plain ? '--src-tls-verify=false ' : ''}docker://${escapeHtml(`${host}/${image.places[0]}`)} oci:./image</pre>`);
  }
  for (const { project, target } of facts.view.apt.mirrors) {
    const keyring = facts.hasKey ? `curl -fsS ${origin}/keys/longshore.asc -o ${aptKeyring}\n` : '';
    const sources = aptSources({ origin, project, target: target.id, keyring: aptKeyring });
    const text = `${keyring}cat > /etc/apt/sources.list.d/longshore.sources <<'END'\n${sources}END\napt-get update`;
    parts.push(`<h3>apt, target ${escapeHtml(target.id)} of ${escapeHtml(project)}</h3><pre tabindex="0">${escapeHtml(text)}</pre>`);
  }
  const [file] = facts.view.files.list();
  if (file !== undefined) {
    parts.push(`<h3>Fetch a file</h3><pre tabindex="0">curl -fO ${escapeHtml(`${origin}/files/${file.path.split('/').map(encodeURIComponent).join('/')}`)}
curl -fsS ${origin}/files/SHA256SUMS | sha256sum --check --ignore-missing</pre>`);
  }
  if (items.some((item) => item.kind === 'chart')) parts.push(`<h3>Helm</h3><pre tabindex="0">helm repo add longshore ${origin}/charts</pre>`);
  return `<h2 id="use">Use it</h2>${parts.join('\n')}`;
}

function kindSection(kind: InventoryItem['kind'], title: string, items: readonly InventoryItem[]): string {
  const shown = items.slice(0, rowLimit);
  const rows = shown.map((item) => `<tr><th scope="row">${nameCell(item)}</th><td class="number">${formatBytes(item.sizeBytes)}</td>
<td>${escapeHtml(item.platforms?.join(', ') ?? item.target ?? '')}</td><td>${escapeHtml(item.usedBy.join(', '))}</td><td>${escapeHtml(item.trust)}</td><td><code>${item.digest}</code></td></tr>`);
  const total = items.reduce((sum, item) => sum + item.sizeBytes, 0);
  const more = items.length > shown.length ? ` The first ${rowLimit} are shown; <a href="/api/v1/artifacts?kind=${kind}">all as JSON</a>.` : '';
  return `<h2 id="${kind}">${title}</h2>
<div class="scroll" tabindex="0"><table><caption>${items.length} in all, ${formatBytes(total)}.${more}</caption>
<thead><tr><th scope="col">Name</th><th scope="col" class="number">Size</th><th scope="col">${kind === 'image' ? 'Platforms' : 'Target'}</th><th scope="col">Wanted by</th><th scope="col">Trust</th><th scope="col">Digest</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function nameCell(item: InventoryItem): string {
  if (item.kind !== 'file') return escapeHtml(item.name);
  return `<a href="/files/${escapeHtml(item.name.split('/').map(encodeURIComponent).join('/'))}">${escapeHtml(item.name)}</a>`;
}
