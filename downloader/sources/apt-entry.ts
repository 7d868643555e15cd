// A repository requirement as the single suites that it names: sources.list(5).
import { BundleError } from '../../bom/errors.ts';
import type { RepositoryRequirement } from '../../bom/requirement.ts';
import { architecturesOf, parseSourceLine, type SourceEntry } from '../../formats/deb/source-list.ts';
import { parseWrittenSources } from '../../formats/deb/written-sources.ts';

/** One Release file's worth of a repository. */
export interface AptSuite {
  /** Of the lock: the requirement's id, with the suite behind it when the requirement names several. */
  readonly id: string;
  readonly requirement: RepositoryRequirement;
  /** Without a final slash. */
  readonly uri: string;
  /** As written; ends in `/` for a flat repository. */
  readonly suite: string;
  /** Empty for a flat repository. */
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly entry: SourceEntry;
}

function entryOf(requirement: RepositoryRequirement): SourceEntry {
  const subject = `repository ${requirement.id} (${requirement.at.file}:${requirement.at.line})`;
  if (requirement.line !== undefined) {
    const entry = parseSourceLine(requirement.line, subject, { isWritten: true });
    if (entry === undefined || !entry.types.includes('deb')) {
      throw new BundleError('INPUT_FIELD', { subject, expected: 'a line that begins with "deb"', actual: JSON.stringify(requirement.line) });
    }
    return entry;
  }
  const { uris = [], suites = [], components = [], architectures = [] } = requirement;
  if (uris.length === 0 || suites.length === 0) throw new BundleError('INPUT_FIELD', { subject, expected: 'a line, or uris and suites', actual: 'neither' });
  for (const suite of suites) {
    if (suite.endsWith('/') === (components.length === 0)) continue;
    throw new BundleError('INPUT_FIELD', { subject, expected: 'components for a suite, none for a path that ends in /', actual: `${suite} with ${components.length} components` });
  }
  return { types: ['deb'], uris, suites, components, architectures, trusted: false, allowWeak: false, checkValidUntil: true, checkDate: true, byHash: 'yes', enabled: true };
}

/** Of a text with stanzas: those for packages that are not switched off and are for one of the architectures, as apt passes over the others. */
function stanzasOf({ id, sources }: RepositoryRequirement, architectures: readonly string[]): SourceEntry[] {
  const { text = '', at } = sources ?? {};
  const subject = at === undefined ? `repository ${id}` : `${at.file}:${at.line}:${at.column}: repository ${id}`;
  const usable = parseWrittenSources(text, subject).filter(({ enabled, types }) => enabled && types.includes('deb'));
  const found = usable.filter((entry) => architecturesOf(entry, [], architectures).length > 0);
  if (found.length > 0) return found;
  const actual = usable.length === 0 ? 'none' : `only ${[...new Set(usable.flatMap((entry) => entry.architectures))].join(', ') || 'others'}`;
  throw new BundleError('INPUT_FIELD', { subject, expected: `a stanza with Types: deb that is enabled, for ${architectures.join(' or ')}`, actual });
}

/** The suites of a requirement for the wanted architectures, in the order in which apt would read them; none where it is for others only. Throws `INPUT_FIELD`. */
export function suitesOf(requirement: RepositoryRequirement, architectures: readonly string[]): AptSuite[] {
  const entries = requirement.sources === undefined ? [entryOf(requirement)].filter(({ enabled }) => enabled) : stanzasOf(requirement, architectures);
  const places = entries.filter((entry) => architecturesOf(entry, requirement.architectures ?? [], architectures).length > 0)
    .flatMap((entry) => entry.uris.flatMap((uri) => entry.suites.map((suite) => ({ entry, uri, suite }))));
  const named = new Map<string, number>();
  return places.map(({ entry, uri, suite }) => {
    const count = (named.get(suite) ?? 0) + 1;
    named.set(suite, count);
    return {
      id: places.length > 1 ? `${requirement.id}/${suite}${count === 1 ? '' : `/${count}`}` : requirement.id,
      requirement,
      uri: uri.replace(/\/+$/, ''),
      suite,
      components: entry.components,
      architectures: architecturesOf(entry, requirement.architectures ?? [], architectures),
      entry,
    };
  });
}

/** The folder that a suite's Release lies in, relative to the uri; ends in `/`, or is empty. */
export function releaseFolder(suite: AptSuite): string {
  if (!suite.suite.endsWith('/')) return `dists/${suite.suite}/`;
  return suite.suite.replace(/^(?:\.?\/)+/, '');
}

/** `path` as part of a URL: what is not allowed there is escaped, `%` too, since paths are names and not URLs. */
export function urlOf(uri: string, path: string): string {
  const escaped = path.split('/').map((part) => encodeURIComponent(part).replace(/%(2B|3A|7E|3D|40|2C|24|26|3B)/g, (code) => decodeURIComponent(code))).join('/');
  return `${uri}/${escaped}`;
}
