// The distributions' own archives, for `system: true` where neither the project nor the machine says which. Nothing else is ever contacted.
import { defaultRpmRepositories } from './default-rpm-repositories.ts';
import type { Position, RepositoryRequirement, Target } from './requirement.ts';

interface Archive {
  readonly uri: string;
  readonly suites: readonly string[];
}

/** release -> codename */
const debian: Readonly<Record<string, string>> = { '11': 'bullseye', '12': 'bookworm', '13': 'trixie' };
const ubuntu: Readonly<Record<string, string>> = { '18.04': 'bionic', '20.04': 'focal', '22.04': 'jammy', '24.04': 'noble', '26.04': 'resolute' };

/** Official mirrors of a Debian or Ubuntu release, its updates and its security fixes, or of an rpm distribution; `undefined` for other systems and releases. */
export function defaultRepositories(target: Target, at: Position): readonly RepositoryRequirement[] | undefined {
  const { os, release = '', arch } = target;
  const codename = os === 'debian' ? debian[release] : os === 'ubuntu' ? ubuntu[release] : undefined;
  if (target.family === 'rhel' || target.family === 'suse') return defaultRpmRepositories(target, at);
  if (codename === undefined || os === undefined) return undefined;
  const components = os === 'debian' ? ['main'] : ['main', 'restricted', 'universe', 'multiverse'];
  return archivesOf(os, codename, arch).map(({ uri, suites }, number) => ({
    id: `${os}-${number + 1}`, manager: 'deb', at, uris: [uri], suites, components, keys: [{ path: `/usr/share/keyrings/${os}-archive-keyring.gpg` }], trusted: false,
  }));
}

function archivesOf(os: string, codename: string, arch: string): readonly Archive[] {
  if (os === 'debian') {
    return [
      { uri: 'http://ftp.debian.org/debian', suites: [codename, `${codename}-updates`] },
      { uri: 'http://security.debian.org/debian-security', suites: [`${codename}-security`] },
    ];
  }
  if (arch !== 'amd64' && arch !== 'i386') return [{ uri: 'http://ports.ubuntu.com/ubuntu-ports', suites: [codename, `${codename}-updates`, `${codename}-security`] }];
  return [
    { uri: 'http://archive.ubuntu.com/ubuntu', suites: [codename, `${codename}-updates`] },
    { uri: 'http://security.ubuntu.com/ubuntu', suites: [`${codename}-security`] },
  ];
}
