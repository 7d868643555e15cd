// The machine's own apt with its real repositories, in a private root.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RepositoryRequirement, Target } from '../../bom/requirement.ts';
import { parseDeb822Sources } from '../../formats/deb/source-list.ts';
import { createHttpClient } from '../../transport/http.ts';
import { architecturesOf, loadOffer, type Offer } from '../../downloader/sources/apt-offer.ts';
import { type AptRoot, machineSources, makeAptRoot } from '../support/apt-root.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';

export interface Pair {
  readonly root: AptRoot;
  readonly offer: Offer;
  close(): Promise<void>;
}

const at = { file: 'machine sources', line: 1, column: 1 };

/** The machine's sources as requirements; their keyrings stand in the entries. */
function requirementsOf(sources: string): RepositoryRequirement[] {
  return parseDeb822Sources(sources, 'machine sources').map((entry, index) => ({
    id: `machine-${index}`, manager: 'deb', at, uris: entry.uris, suites: entry.suites, components: entry.components, architectures: entry.architectures,
    keys: entry.signedBy === undefined ? [] : entry.signedBy.split(/\s+/).map((path) => ({ path })), trusted: entry.trusted, allowExpired: true,
  }));
}

/** Real apt, updated, and what our source reads of the same repositories. `status` is a dpkg status file's text. */
export async function openPair(architectures: readonly string[], status = ''): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-differential-'));
  const sources = await machineSources();
  const [native = '', ...foreignArches] = architectures;
  const extra = [`APT::Architectures { ${architectures.map((arch) => `"${arch}";`).join(' ')} };`, 'Acquire::Check-Valid-Until "false";'];
  const root = await makeAptRoot(folder, { architecture: native, sources, extra, status });
  await root.mustApt(['update', '-qq']);
  const http = createHttpClient();
  const target: Target = { id: 'differential', family: 'debian', arch: native, foreignArches };
  const statusFile = join(folder, 'dpkg/status');
  const context = { http, blobs: new MemoryBlobs(), now: () => new Date(), notify: () => undefined };
  const offer = await loadOffer(context, { target, repositories: requirementsOf(sources), assumeInstalled: { path: statusFile, written: 'status' } }, AbortSignal.timeout(120_000));
  await http.close();
  if (architecturesOf(target).length !== architectures.length) throw new Error('an architecture stands twice');
  return { root, offer, close: () => rm(folder, { recursive: true, force: true }) };
}

/** `name version arch` of everything that apt would fetch, sorted; undefined when apt refuses. */
export async function aptAnswer({ root }: Pair, names: readonly string[], recommends: boolean): Promise<string[] | undefined> {
  const outcome = await root.apt(['install', '-qq', '--print-uris', '-y', recommends ? '--install-recommends' : '--no-install-recommends', ...names]);
  return outcome.status === 0 ? fetchedBy(outcome.stdout) : undefined;
}

/** `name version arch` of what `--print-uris` says, sorted. */
export function fetchedBy(stdout: string): string[] {
  return [...stdout.matchAll(/^'[^']+' (\S+)_(\S+)_(\S+)\.deb \d+/gm)].map((match) =>
    `${match[1]} ${decodeURIComponent(match[2] ?? '')} ${match[3]}`).sort();
}

/** Names, with `:arch` unless native, of what apt-get says it would take away. */
export function removedIn(stdout: string): string[] {
  const [, gone = ''] = /^The following packages will be REMOVED:\n((?: +.*\n)+)/m.exec(stdout) ?? [];
  return gone.split(/\s+/).filter((name) => name !== '').map((name) => name.replace(/\*$/, '')).sort();
}
