import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostAptSources } from '../bom/aggregate-packages.ts';
import type { KeySource, PreferenceSource, RepositoryRequirement, Target } from '../bom/requirement.ts';
import { hostAptAuthorization, hostCredential, isPart } from './host-apt-auth.ts';
import { architecturesOf, parseDeb822Sources, parseSourceLines, type SourceEntry } from '../formats/deb/source-list.ts';

/**
 * The distribution's own apt sources of this machine, for targets that are this machine's system (sources.list(5)). Third parties' sources
 * are no part of the distribution and are left out: what counts is a suite named after the release, signed by the distribution's keyring.
 */
export function hostAptSources(root = '/'): HostAptSources {
  return (target, at) => {
    const release = readOsRelease(root);
    if (release === undefined || target.os !== release.get('ID') || target.release !== release.get('VERSION_ID')) return undefined;
    const own = readEntries(root).filter((entry) => entry.types.includes('deb') && entry.enabled !== false && isOwn(entry, release));
    const preferences = readPreferences(root);
    return own.flatMap((entry, number) => requirementOf(entry, { root, number, target, at }))
      .map((requirement) => (preferences.length === 0 ? requirement : { ...requirement, preferences }));
  };
}

function readOsRelease(root: string): Map<string, string> | undefined {
  const path = join(root, 'etc/os-release');
  if (!existsSync(path)) return undefined;
  return new Map([...readFileSync(path, 'utf8').matchAll(/^([A-Z_]+)="?([^"\n]*)"?$/gm)].map((match) => [match[1] ?? '', match[2] ?? '']));
}

function readEntries(root: string): SourceEntry[] {
  const folder = join(root, 'etc/apt/sources.list.d');
  const files = [join(root, 'etc/apt/sources.list'), ...(existsSync(folder) ? readdirSync(folder).sort().map((name) => join(folder, name)) : [])];
  return files.filter((file) => existsSync(file)).flatMap((file) => {
    if (file.endsWith('.list')) return parseSourceLines(readFileSync(file, 'utf8'), file);
    return file.endsWith('.sources') ? parseDeb822Sources(readFileSync(file, 'utf8'), file) : [];
  });
}

function isOwn(entry: SourceEntry, release: ReadonlyMap<string, string>): boolean {
  const codename = release.get('VERSION_CODENAME') ?? '';
  // Ubuntu Pro's repositories (ESM) are its distributor's, with keys and a login of their own.
  const byDistribution = entry.signedByKey === undefined && (entry.signedBy === undefined || /\/(?:debian-archive|ubuntu-(?:archive|pro|advantage))[^/]*$/.test(entry.signedBy));
  return codename !== '' && byDistribution && entry.suites.some((suite) => suite === codename || suite.startsWith(`${codename}-`) || suite.startsWith(`${codename}/`));
}

/** What the machine prefers itself: apt_preferences(5), "FILES"; and APT::Default-Release, which apt takes as a record of its own in front of them. */
function readPreferences(root: string): PreferenceSource[] {
  const inFolder = (name: string, isWanted: (file: string) => boolean): string[] => {
    const folder = join(root, 'etc/apt', name);
    return existsSync(folder) ? readdirSync(folder).filter(isWanted).sort().map((file) => join(folder, file)) : [];
  };
  const settings = [...inFolder('apt.conf.d', isPart), join(root, 'etc/apt/apt.conf')].filter((file) => existsSync(file));
  const release = settings.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^[ \t]*APT::Default-Release[ \t]+"([^"\n]+)"[ \t]*;/gim)].map(([, name = '']) => ({ file, name }))).at(-1);
  const files = [join(root, 'etc/apt/preferences'), ...inFolder('preferences.d', (file) => /^[A-Za-z0-9_.-]+$/.test(file) && (!file.includes('.') || file.endsWith('.pref')))];
  return [
    ...(release === undefined ? [] : [{ subject: release.file, text: `Package: *\nPin: release ${release.name}\nPin-Priority: 990\n` }]),
    ...files.filter((file) => existsSync(file) && readFileSync(file, 'utf8').trim() !== '').map((path) => ({ subject: path, path })),
  ];
}

function requirementOf(entry: SourceEntry, options: { readonly root: string; readonly number: number; readonly target: Target; readonly at: RepositoryRequirement['at'] }): RepositoryRequirement[] {
  const { root, number, target, at } = options;
  const isChanged = entry.architecturesAdded !== undefined || entry.architecturesRemoved !== undefined;
  const architectures = isChanged ? architecturesOf(entry, [], [...new Set([target.arch, ...target.foreignArches ?? [], ...entry.architectures, ...entry.architecturesAdded ?? []])]) : entry.architectures;
  if (isChanged && architectures.length === 0) return [];
  return [{
    id: `system-${number + 1}`,
    manager: 'deb',
    at,
    uris: entry.uris,
    suites: entry.suites,
    components: entry.components,
    ...(architectures.length === 0 ? {} : { architectures }),
    keys: entry.signedBy === undefined ? trustedKeys(root) : [{ path: entry.signedBy }],
    trusted: entry.trusted,
    ...(entry.uris.some((uri) => hostAptAuthorization(uri, root) !== undefined) ? { headersFrom: [hostCredential] } : {}),
  }];
}

/** Keys that apt trusts for every source (apt-key(8), "FILES"). */
function trustedKeys(root: string): KeySource[] {
  const folder = join(root, 'etc/apt/trusted.gpg.d');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /\.(?:asc|gpg)$/.test(name)).sort() : [];
  const old = join(root, 'etc/apt/trusted.gpg');
  return [...(existsSync(old) ? [{ path: old }] : []), ...names.map((name) => ({ path: join(folder, name) }))];
}
