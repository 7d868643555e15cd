// The distributions' own archives, for `system: true` where neither the project nor the machine says which. Nothing else is ever contacted.
import { defaultRpmRepositories } from './default-rpm-repositories.ts';
import type { Position, RepositoryRequirement, Target } from './requirement.ts';

interface Archive {
  readonly uri: string;
  readonly suites: readonly string[];
  /** Of those that lie there; all of them without it. */
  readonly architectures?: readonly string[];
}

/** release -> codename */
const debian: Readonly<Record<string, string>> = { '11': 'bullseye', '12': 'bookworm', '13': 'trixie' };
const ubuntu: Readonly<Record<string, string>> = {
  '18.04': 'bionic', '18.10': 'cosmic', '19.04': 'disco', '19.10': 'eoan', '20.04': 'focal', '20.10': 'groovy', '21.04': 'hirsute', '21.10': 'impish', '22.04': 'jammy', '22.10': 'kinetic',
  '23.04': 'lunar', '23.10': 'mantic', '24.04': 'noble', '24.10': 'oracular', '25.04': 'plucky', '25.10': 'questing', '26.04': 'resolute',
};
/** Releases that are kept on old-releases.ubuntu.com only. */
const old: ReadonlySet<string> = new Set(['cosmic', 'disco', 'eoan', 'groovy', 'hirsute', 'impish', 'kinetic', 'lunar', 'mantic', 'oracular']);
/** What lies on archive.ubuntu.com; everything else on ports.ubuntu.com. */
const ubuntuArchitectures: readonly string[] = ['amd64', 'i386'];
const ubuntuPorts: readonly string[] = ['arm64', 'armhf', 'powerpc', 'ppc64el', 'riscv64', 's390x'];

/** Official mirrors of a Debian or Ubuntu release, its updates and its security fixes, or of an rpm distribution; `undefined` for other systems and releases. */
export function defaultRepositories(target: Target, at: Position): readonly RepositoryRequirement[] | undefined {
  const { os, release = '', arch } = target;
  const codename = os === 'debian' ? debian[release] : os === 'ubuntu' ? ubuntu[release] : undefined;
  if (target.family === 'rhel' || target.family === 'suse') return defaultRpmRepositories(target, at);
  if (codename === undefined || os === undefined) return undefined;
  const components = os === 'debian' ? ['main'] : ['main', 'restricted', 'universe', 'multiverse'];
  return archivesOf(os, codename, arch).map(({ uri, suites, architectures }, number) => ({
    id: `${os}-${number + 1}`, manager: 'deb', at, uris: [uri], suites, components, ...(architectures === undefined ? {} : { architectures }), keys: [{ path: `/usr/share/keyrings/${os}-archive-keyring.gpg` }], trusted: false,
  }));
}

function archivesOf(os: string, codename: string, arch: string): readonly Archive[] {
  if (os === 'debian') {
    return [
      { uri: 'http://ftp.debian.org/debian', suites: [codename, `${codename}-updates`] },
      { uri: 'http://security.debian.org/debian-security', suites: [`${codename}-security`] },
    ];
  }
  if (old.has(codename)) return [{ uri: 'http://old-releases.ubuntu.com/ubuntu', suites: [codename, `${codename}-updates`, `${codename}-security`] }];
  return [
    { uri: 'http://archive.ubuntu.com/ubuntu', suites: [codename, `${codename}-updates`], architectures: ubuntuArchitectures },
    { uri: 'http://security.ubuntu.com/ubuntu', suites: [`${codename}-security`], architectures: ubuntuArchitectures },
    { uri: 'http://ports.ubuntu.com/ubuntu-ports', suites: [codename, `${codename}-updates`, `${codename}-security`], architectures: [...ubuntuPorts, ...[arch].filter((each) => ![...ubuntuArchitectures, ...ubuntuPorts].includes(each))] },
  ];
}
