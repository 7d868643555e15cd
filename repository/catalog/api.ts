// The catalog as JSON, below /api/v1/.
import { cyclonedxOf } from '../../bom/sbom/cyclonedx.ts';
import { spdxOf } from '../../bom/sbom/spdx.ts';
import { type Answer, jsonAnswer, textAnswer } from '../answer.ts';
import type { Served } from '../content.ts';
import type { Exchange } from '../exchange.ts';
import type { View } from '../view.ts';
import { changesOf, historyOf } from './changes.ts';
import { type InventoryItem, itemsOf, summaryOf } from './inventory.ts';

export interface CatalogFacts {
  readonly view: View;
  /** Names of repositories that were pushed here. */
  readonly pushed: readonly string[];
  readonly exchange: Exchange;
  readonly hasKey: boolean;
  /** Of longshore. */
  readonly version: string;
  /** true: clients have to be given the machine's own authority first. */
  readonly hasAuthority: boolean;
}

const endpoints = {
  '/api/v1/projects': 'projects with modules, targets, counts and sizes',
  '/api/v1/projects/<name>/lock': 'the lock of a project',
  '/api/v1/projects/<name>/sbom.cdx.json': 'what a project carries, as CycloneDX',
  '/api/v1/projects/<name>/sbom.spdx.json': 'the same as SPDX',
  '/api/v1/projects/<name>/licences.csv': 'kind, name, digest and licence of each artifact, where the documents name one',
  '/api/v1/projects/<name>/changes': 'what the current generation changed against the one before, where that is known',
  '/api/v1/projects/<name>/history': 'the same for every step back that is still here, newest first',
  '/api/v1/artifacts?kind=&project=&module=&target=&q=': 'artifacts; q: words that all occur in name or digest',
  '/api/v1/pushed': 'repositories that were pushed here',
  '/api/v1/clients': 'addresses that were seen (with a password, or from this machine)',
  '/healthz': 'whether the content can be read',
  '/metrics': 'Prometheus',
};

/** `segments` follow `/api/v1/`. */
export function apiAnswer(facts: CatalogFacts, segments: readonly string[]): Answer | undefined {
  const { view } = facts;
  const headers = { 'cache-control': 'no-cache' };
  const path = segments.join('/');
  if (path === '') return jsonAnswer(200, { endpoints }, headers);
  if (path === 'projects') return jsonAnswer(200, { projects: view.served.map(summaryOf) }, headers);
  if (path === 'artifacts') return jsonAnswer(200, { artifacts: matching(facts) }, headers);
  if (path === 'pushed') return jsonAnswer(200, { repositories: facts.pushed }, headers);
  const [, name, what] = /^projects\/([^/]+)\/(lock|changes|history|licences\.csv|sbom\.cdx\.json|sbom\.spdx\.json)$/.exec(path) ?? [];
  const served = view.served.find(({ lock }) => lock.metadata.name === name);
  if (served === undefined) return undefined;
  if (what === 'licences.csv') return textAnswer(200, licencesOf(served), { ...headers, 'content-type': 'text/csv; charset=utf-8' });
  const document = documentOf(served, what ?? '', facts.version);
  return document === undefined ? undefined : jsonAnswer(200, document, headers);
}

function documentOf(served: Served, what: string, version: string): unknown {
  switch (what) {
    case 'lock': return served.lock;
    case 'sbom.cdx.json': return cyclonedxOf(served.lock, version);
    case 'sbom.spdx.json': return spdxOf(served.lock, version);
    case 'history': return { changes: historyOf(served) };
    default: return changesOf(served);
  }
}

/** RFC 4180. */
function licencesOf(served: Served): string {
  const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [['kind', 'name', 'digest', 'licence'], ...itemsOf(served).map(({ kind, name, digest, licence }) => [kind, name, digest, licence ?? ''])].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** The artifacts that the query asks for: the same on the page and in the API. */
export function matching({ view, exchange: { query } }: CatalogFacts): InventoryItem[] {
  const is = (key: string, value: string | undefined): boolean => (query.get(key) ?? '') === '' || query.get(key) === value;
  const words = (query.get('q') ?? '').toLowerCase().split(/\s+/).filter((word) => word !== '').slice(0, 20);
  const module = query.get('module') ?? '';
  return view.served.flatMap((served) => itemsOf(served).filter((item) =>
    is('kind', item.kind) && is('project', item.project) && is('target', item.target) && (module === '' || item.usedBy.includes(module))
    && words.every((word) => item.name.toLowerCase().includes(word) || item.digest.includes(word) || item.places.some((place) => place.toLowerCase().includes(word)))));
}
