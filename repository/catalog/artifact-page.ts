// The page of one artifact: who wanted it and why, where it came from, how far it is trusted, how to get it.
import type { Lock, LockedImage, LockedPackage } from '../../bom/lock.ts';
import type { Answer } from '../answer.ts';
import type { CatalogFacts } from './api.ts';
import { escapeHtml, formatBytes, page } from './html.ts';
import { type InventoryItem, itemsOf } from './inventory.ts';
import { commands, kindTitles, link, tableHead } from './parts.ts';
import { fetchCommands } from './usage.ts';

/** `hex`: of the artifact's digest. Several artifacts with one content share a page. */
export function artifactPage(facts: CatalogFacts, hex: string): Answer | undefined {
  const found = facts.view.served.flatMap((served) => itemsOf(served).filter((item) => item.digest === `sha256:${hex}`).map((item) => ({ item, lock: served.lock })));
  const [first] = found;
  if (first === undefined) return undefined;
  const body = found.map(({ item, lock }, position) => `${position === 0 ? '' : `<h2>${escapeHtml(item.name)}</h2>`}${sections(item, lock, facts)}`);
  return page(first.item.name, `<p class="where">${link('/artifacts', { kind: first.item.kind }, kindTitle(first.item.kind))}</p>${body.join('\n')}`);
}

function kindTitle(kind: InventoryItem['kind']): string {
  return kindTitles.find(([name]) => name === kind)?.[1] ?? kind;
}

type Fact = readonly [string, string | undefined];

function factList(facts: readonly Fact[]): string {
  return `<dl class="facts">${facts.filter(([, html]) => html !== undefined && html !== '').map(([name, html]) => `<dt>${escapeHtml(name)}</dt><dd>${html}</dd>`).join('\n')}</dl>`;
}

function sections(item: InventoryItem, lock: Lock, facts: CatalogFacts): string {
  const fetch = fetchCommands(item, facts);
  const common: Fact[] = [
    ['Digest', `<code>${item.digest}</code>`],
    ['Size', `${formatBytes(item.sizeBytes)} (${item.sizeBytes} bytes)`],
    ['Project', link('/artifacts', { project: item.project }, item.project)],
    ['Wanted by', item.usedBy.map((name) => link('/artifacts', { module: name }, name)).join(', ')],
    ['Trust', escapeHtml(trustText(item.trust))],
    ['Licence', item.licence === undefined ? undefined : escapeHtml(item.licence)],
    ['Names here', item.places.map((place) => `<code>${escapeHtml(place)}</code>`).join('<br>')],
  ];
  const image = item.kind === 'image' ? lock.spec.images.find(({ digest, ref }) => digest === item.digest && ref.startsWith(item.name.split('@')[0] ?? '')) : undefined;
  const deb = item.kind === 'deb' || item.kind === 'rpm' ? lock.spec.packages.find((each) => each.digest === item.digest && each.target === item.target) : undefined;
  return [
    factList([...common, ...(deb === undefined ? [] : packageFacts(deb, lock)), ...urlFacts(item, lock)]),
    fetch === '' ? '' : `<h2>Get it</h2>${commands(fetch)}`,
    image === undefined ? '' : imageSections(image),
    deb === undefined ? '' : `<h2>Package fields</h2><pre>${escapeHtml(deb.stanza)}</pre>`,
  ].join('\n');
}

function trustText(trust: string): string {
  switch (trust) {
    case 'declared': return 'declared: its digest stands in a document';
    case 'verified': return 'verified: a signature covers it';
    case 'first-use': return 'first-use: believed when it was locked';
    default: return trust;
  }
}

function urlFacts(item: InventoryItem, lock: Lock): Fact[] {
  const file = item.kind === 'file' ? lock.spec.files.find(({ name }) => name === item.name) : undefined;
  const chart = item.kind === 'chart' ? lock.spec.charts.find(({ digest }) => digest === item.digest) : undefined;
  const urls = file?.urls ?? chart?.urls ?? [];
  return [['Came from', urls.map((url) => `<code>${escapeHtml(url)}</code>`).join('<br>')], ['Mode', file === undefined ? undefined : escapeHtml(file.mode)]];
}

function packageFacts(item: LockedPackage, lock: Lock): Fact[] {
  const repository = lock.spec.repositories.find(({ id }) => id === item.repo);
  const signers = repository?.keyFingerprints.map((key) => `<code>${escapeHtml(key)}</code>`).join(', ');
  return [
    ['Target', link('/artifacts', { target: item.target }, item.target)],
    ['Because', item.requiredBy === undefined ? escapeHtml(item.reason) : `${escapeHtml(item.reason)} of ${link('/artifacts', { q: item.requiredBy, target: item.target }, item.requiredBy)}`],
    ['Repository', repository === undefined ? undefined : escapeHtml([repository.label ?? repository.origin ?? repository.id, repository.suite, repository.date].filter(Boolean).join(', '))],
    ['Repository signed by', signers],
    ['Package signed by', item.signedBy === undefined ? undefined : `<code>${escapeHtml(item.signedBy)}</code>`],
  ];
}

function blobTable(title: string, rows: readonly (readonly [string, string, number])[]): string {
  const cells = rows.map(([what, digest, size]) => `<tr><th scope="row">${escapeHtml(what)}</th><td><code>${escapeHtml(digest)}</code></td><td class="number">${formatBytes(size)}</td></tr>`);
  return `<h2>${title}</h2><div class="scroll" tabindex="0" role="region" aria-label="${title}"><table>${tableHead(['What', 'Digest', '#Size'])}<tbody>${cells.join('\n')}</tbody></table></div>`;
}

function imageSections(image: LockedImage): string {
  const platformOf = new Map(Object.entries(image.platforms).map(([platform, digest]) => [digest, platform]));
  const referrers = image.referrers ?? [];
  return [
    blobTable('Manifests', image.manifests.map(({ mediaType, digest, size }) => [platformOf.get(digest) ?? mediaType, digest, size])),
    blobTable('Layers and configs', image.blobs.map(({ mediaType, digest, size }) => [mediaType, digest, size])),
    referrers.length === 0 ? '' : blobTable('Signatures and other referrers', referrers.map(({ kind, artifactType, digest, size }) => [artifactType === undefined ? kind : `${kind} (${artifactType})`, digest, size])),
  ].join('\n');
}
