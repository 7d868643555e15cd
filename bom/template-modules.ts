// A project for descriptors of another system: what `longshore template --adapter …` writes.
import { toYaml } from './documents/yaml-writer.ts';
import { apiVersion } from './documents/fields.ts';
import { BundleError } from './errors.ts';

export interface TemplateModule {
  readonly adapter: string;
  /** Where its files are; undefined: the project that the adapter is named after, in which case `ref` is needed. */
  readonly from?: string;
  /** A tag, branch or commit of that project. */
  readonly ref?: string;
  readonly select: readonly string[];
}

export interface ModuleTemplate {
  readonly name: string;
  readonly modules: readonly TemplateModule[];
  /** `ubuntu-20.04/amd64`. */
  readonly targets: readonly string[];
  readonly components: readonly string[];
}

/** Where the descriptors of each project are: its repository and the folder in it. */
const homes: Readonly<Record<string, readonly [repository: string, path: string]>> = {
  'epiphany': ['https://github.com/hitachienergy/epiphany', 'ansible/playbooks/roles/repository/files/download-requirements'],
  'lambdastack-txt': ['https://github.com/lambdastack/lambdastack', 'ansible/playbooks/roles/repository/files/download-requirements'],
  'e-modules': ['https://github.com/epiphany-platform/modules', 'v1.yaml'],
  'universe': ['https://github.com/mesosphere/universe', 'repo/packages'],
  'pkgpanda': ['https://github.com/dcos/dcos', 'packages'],
};

const families: Readonly<Record<string, 'debian' | 'rhel' | 'suse'>> = {
  debian: 'debian', ubuntu: 'debian', rhel: 'rhel', redhat: 'rhel', centos: 'rhel', almalinux: 'rhel', rocky: 'rhel', fedora: 'rhel', oracle: 'rhel', opensuse: 'suse', sles: 'suse',
};
const arches: Readonly<Record<string, string>> = { amd64: 'x86_64', x86_64: 'x86_64', arm64: 'aarch64', aarch64: 'aarch64' };

export interface OsTarget { readonly id: string; readonly family: string; readonly os: string; readonly release: string; readonly arch: string }

/** `os-release[/arch]`, amd64 where no architecture is named. Throws `INPUT_FLAG`. */
export function osTarget(text: string): OsTarget {
  const [, os = '', release = '', arch = 'amd64'] = /^([a-z]+)-([\w.]+?)(?:\/([\w]+))?$/.exec(text) ?? [];
  const family = families[os];
  const goArch = { x86_64: 'amd64', aarch64: 'arm64' }[arch] ?? arch;
  if (family === undefined || arches[arch] === undefined) {
    throw new BundleError('INPUT_FLAG', { subject: '--target', expected: `an operating system, its release and an architecture, such as ubuntu-20.04/amd64 (${Object.keys(families).join(', ')})`, actual: text });
  }
  return { id: `${os}-${release}${goArch === 'amd64' ? '' : `-${goArch}`}`, family, os, release, arch: goArch };
}

/** The project as YAML. Throws `INPUT_FLAG` for a module that nobody can find. */
export function moduleTemplate({ name, modules, targets, components }: ModuleTemplate): string {
  const chosen = targets.map((text) => osTarget(text));
  const project = {
    apiVersion, kind: 'Project', metadata: { name },
    spec: {
      modules: modules.map((module) => ({ adapter: module.adapter, from: placeOf(module), ...selectOf(module, chosen) })),
      ...(chosen.length === 0 || modules.some(({ adapter }) => bySystem.has(adapter)) ? {} : { targets: chosen }),
      ...(components.length === 0 ? {} : { select: { components } }),
    },
  };
  return `# What this site wants. Next: longshore lock -f THIS_FILE; longshore template --all shows every option.\n${toYaml(project)}`;
}

function placeOf({ adapter, from, ref }: TemplateModule): string {
  if (from !== undefined) return ref === undefined ? from : `git+${from.replace(/^git\+/, '')}@${ref}`;
  const home = homes[adapter];
  if (home !== undefined && ref !== undefined) return `git+${home[0]}@${ref}#${home[1]}`;
  throw new BundleError('INPUT_FLAG', {
    subject: `--adapter ${adapter}`, expected: home === undefined ? '--from with a file, folder or git+https://…@revision#path' : '--ref with a tag, branch or commit, or --from',
    actual: 'neither says where its files are',
  });
}

const bySystem: ReadonlySet<string> = new Set(['epiphany', 'lambdastack-txt']);

/** Epiphany's and LambdaStack's lists are one folder for each system: the targets select among them. */
function selectOf({ adapter, select }: TemplateModule, targets: readonly OsTarget[]): { readonly select?: readonly string[] } {
  const systems = bySystem.has(adapter) ? targets.flatMap(({ os, release, arch }) => [`${os}-${release}`, arches[arch] ?? arch]) : [];
  const words = [...new Set([...systems, ...select])];
  return words.length === 0 ? {} : { select: words };
}
