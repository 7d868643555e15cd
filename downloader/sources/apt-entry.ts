// A repository requirement as the single suites that it names: sources.list(5).
import { BundleError } from '../../bom/errors.ts';
import type { RepositoryRequirement } from '../../bom/requirement.ts';
import { parseSourceLine, type SourceEntry } from '../../formats/deb/source-list.ts';

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
    const entry = parseSourceLine(requirement.line, subject);
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

/** The suites of a requirement for the wanted architectures, in the order in which apt would read them. Throws `INPUT_FIELD`. */
export function suitesOf(requirement: RepositoryRequirement, architectures: readonly string[]): AptSuite[] {
  const entry = entryOf(requirement);
  if (!entry.enabled) return [];
  const several = entry.uris.length * entry.suites.length > 1;
  const own = entry.architectures.length > 0 ? entry.architectures : requirement.architectures ?? [];
  const wanted = own.length > 0 ? architectures.filter((arch) => own.includes(arch)) : architectures;
  return entry.uris.flatMap((uri, index) => entry.suites.map((suite) => ({
    id: several ? `${requirement.id}/${suite}${index === 0 ? '' : `/${index + 1}`}` : requirement.id,
    requirement,
    uri: uri.replace(/\/+$/, ''),
    suite,
    components: entry.components,
    architectures: wanted,
    entry,
  })));
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
