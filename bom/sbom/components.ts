// Artifacts of a lock as components: package URLs (purl specification, PURL-SPECIFICATION and PURL-TYPES) and licences.
import type { Digest } from '../digest.ts';
import type { Lock, LockedPackage, LockedTarget } from '../lock.ts';
import { parseReference } from '../reference.ts';

export interface Component {
  /** Unique in the lock. */
  readonly id: string;
  readonly kind: 'image' | 'file' | 'package' | 'chart' | 'git';
  readonly name: string;
  readonly version?: string;
  readonly purl: string;
  readonly digest: Digest;
  readonly licence?: string;
  /** Where it was fetched from, the first of its addresses. */
  readonly url?: string;
  /** Names of modules that asked for it. */
  readonly usedBy: readonly string[];
  /** Ids of what it was pulled in by. */
  readonly requiredBy: readonly string[];
}

/** Everything that a lock carries, sorted by id. */
export function componentsOf({ spec }: Lock): Component[] {
  const targets = new Map(spec.targets.map((target) => [target.id, target]));
  const packageIds = Map.groupBy(spec.packages, ({ target, name }) => `${target}/${name}`);
  const components: Component[] = [
    ...spec.images.map(({ ref, digest, usedBy, licence }): Component => {
      const { host, path, tag } = parseReference(ref);
      const purl = purlOf({ type: 'oci', name: (path.split('/').at(-1) ?? path).toLowerCase(), version: digest, qualifiers: { repository_url: `${host}/${path}`, tag } });
      return { id: `image ${ref}`, kind: 'image', name: `${host}/${path}`, version: tag ?? digest, purl, digest, usedBy, requiredBy: [], ...(licence === undefined ? {} : { licence }) };
    }),
    ...spec.files.map(({ name, digest, urls: [url], usedBy, licence }): Component => ({
      id: `file ${name}`, kind: 'file', name, digest, usedBy, requiredBy: [], ...(licence === undefined ? {} : { licence }), ...(url === undefined ? {} : { url }),
      purl: purlOf({ type: 'generic', name: name.split('/').at(-1) ?? name, qualifiers: { checksum: digest, download_url: url } }),
    })),
    ...spec.packages.map((item): Component => packageComponent(item, targets.get(item.target), packageIds)),
    ...spec.charts.map(({ name, version, digest, urls: [url], usedBy, licence }): Component => ({
      id: `chart ${name} ${version}`, kind: 'chart', name, version, digest, usedBy, requiredBy: [], ...(licence === undefined ? {} : { licence }), ...(url === undefined ? {} : { url }),
      purl: purlOf({ type: 'helm', name, version, qualifiers: { repository_url: url?.replace(/\/[^/]*$/, '') } }),
    })),
    ...spec.git.map(({ name, url, commit, digest, usedBy, licence }): Component => ({
      id: `git ${name} ${commit}`, kind: 'git', name, version: commit, digest, usedBy, requiredBy: [], url, ...(licence === undefined ? {} : { licence }), purl: gitPurl(name, url, commit),
    })),
  ];
  return components.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

function packageComponent(item: LockedPackage, target: LockedTarget | undefined, byName: ReadonlyMap<string, readonly LockedPackage[]>): Component {
  const { manager, name, version, arch, digest, urls: [url], usedBy } = item;
  const vendor = target?.os ?? target?.family ?? (manager === 'deb' ? 'debian' : 'rhel');
  const distro = target?.release === undefined ? undefined : `${vendor}-${target.release}`;
  const [, epoch, bare = version] = /^(?:(\d+):)?(.*)$/s.exec(version) ?? [];
  const purl = manager === 'deb' ? purlOf({ type: 'deb', namespace: vendor, name, version, qualifiers: { arch, distro } })
    : purlOf({ type: 'rpm', namespace: vendor, name, version: bare, qualifiers: { arch, distro, epoch: epoch === '0' ? undefined : epoch } });
  const licence = manager === 'rpm' ? /<rpm:license>([^<]+)<\/rpm:license>/.exec(item.stanza)?.[1]?.trim() : undefined;
  const parents = item.requiredBy === undefined ? [] : byName.get(`${item.target}/${item.requiredBy}`) ?? [];
  return {
    id: packageId(item), kind: 'package', name, version, purl, digest, usedBy, requiredBy: [...new Set(parents.map(packageId))].sort(),
    ...(url === undefined ? {} : { url }), ...(licence === undefined ? {} : { licence }),
  };
}

function packageId({ target, name, version, arch }: LockedPackage): string {
  return `package ${target}/${name} ${version} ${arch}`;
}

function gitPurl(name: string, url: string, commit: string): string {
  const [, owner, repository] = /^https:\/\/github\.com\/([^/]+)\/([^/]+?)(?:\.git)?\/?$/.exec(url) ?? [];
  if (owner !== undefined && repository !== undefined) return purlOf({ type: 'github', namespace: owner.toLowerCase(), name: repository.toLowerCase(), version: commit });
  return purlOf({ type: 'generic', name, version: commit, qualifiers: { vcs_url: `git+${url}@${commit}` } });
}

interface PurlParts {
  readonly type: string; readonly namespace?: string; readonly name: string; readonly version?: string; readonly qualifiers?: Readonly<Record<string, string | undefined>>;
}

/** `pkg:type/namespace/name@version?qualifiers`, percent-encoded, qualifiers sorted by key. */
export function purlOf({ type, namespace, name, version, qualifiers = {} }: PurlParts): string {
  const encoded = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll('%3A', ':');
  const pairs = Object.entries(qualifiers).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '').sort(([a], [b]) => (a < b ? -1 : 1));
  return `pkg:${type}/${namespace === undefined ? '' : `${encoded(namespace)}/`}${encoded(name)}${version === undefined ? '' : `@${encoded(version)}`}${pairs.length === 0 ? '' : `?${pairs.map(([key, value]) => `${key}=${encoded(value).replaceAll('%2F', '/')}`).join('&')}`}`;
}

/** Licence identifiers of the SPDX list that documents use often; any other text is carried as a name. */
export const spdxIds: ReadonlySet<string> = new Set([
  '0BSD', 'AGPL-3.0-only', 'AGPL-3.0-or-later', 'Apache-2.0', 'Artistic-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BSL-1.0', 'CC0-1.0', 'CC-BY-4.0', 'EPL-2.0', 'GPL-2.0-only', 'GPL-2.0-or-later', 'GPL-3.0-only', 'GPL-3.0-or-later', 'ISC',
  'LGPL-2.1-only', 'LGPL-2.1-or-later', 'LGPL-3.0-only', 'LGPL-3.0-or-later', 'MIT', 'MPL-2.0', 'OpenSSL', 'PostgreSQL', 'Python-2.0', 'Unlicense', 'Vim', 'Zlib',
]);
