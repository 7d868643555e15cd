// Which operating system and architecture a file is for: its place in the folder, in every layout that Epiphany 2.0 had.

export interface EpiphanyTarget { readonly id: string; readonly family: 'debian' | 'rhel'; readonly folder: string; readonly os: string; readonly arch: string }

export interface EpiphanyPlace {
  readonly part: 'requirements' | 'repositories';
  /** As the folder is called: x86_64, aarch64. */
  readonly arch: string | undefined;
  readonly family: 'debian' | 'rhel' | undefined;
  readonly os: string | undefined;
  /** What the file says: files, images, cranes, packages, dashboards; `all` for one file with every part, as the first ones were. */
  readonly topic: string;
}

const families: Readonly<Record<string, 'debian' | 'rhel'>> = { debian: 'debian', redhat: 'rhel' };
const topics: Readonly<Record<string, string>> = { 'files': 'files', 'images': 'images', 'cranes': 'cranes', 'crane': 'cranes', 'packages': 'packages', 'dashboards': 'dashboards', 'grafana-dashboards': 'dashboards' };

/** undefined for a file elsewhere. */
export function placeOf(path: string): EpiphanyPlace | undefined {
  const [, part, middle = '', name = ''] = /(?:^|\/)(requirements|repositories)\/((?:[^/]+\/)*)([^/]+)\.ya?ml$/.exec(path) ?? [];
  if (part !== 'requirements' && part !== 'repositories') return undefined;
  const folders = middle.split('/').filter((folder) => folder !== '');
  const arch = /^(?:x86_64|aarch64)$/.test(folders[0] ?? '') ? folders.shift() : undefined;
  const isTopic = part === 'requirements' && Object.hasOwn(topics, name);
  const places = isTopic || folders.length === 2 || folders.at(-1) === name ? folders : [...folders, name];
  const family = Object.hasOwn(families, places[0] ?? '') ? places.shift() : undefined;
  const os = places.shift();
  if (places.length > 0 || (arch === undefined && (os !== undefined || family !== undefined))) return undefined;
  return { part, arch, family: families[family ?? ''] ?? (os === undefined ? undefined : /^(?:ubuntu|debian)/.test(os) ? 'debian' : 'rhel'), os, topic: isTopic ? topics[name] ?? 'all' : 'all' };
}
