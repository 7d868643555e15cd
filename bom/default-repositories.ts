// The distributions' own archives, for `system: true` where neither the project nor the machine says which. Nothing else is ever contacted.
import { defaultRpmRepositories } from './default-rpm-repositories.ts';
import type { KeySource, Position, RepositoryRequirement, Target } from './requirement.ts';

interface Archive {
  readonly uri: string;
  readonly suites: readonly string[];
  /** Of those that lie there; all of them without it. */
  readonly architectures?: readonly string[];
  /** Debian signs its security archive with keys of their own. */
  readonly security?: true;
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

/** What signs the archive and the security archive of each Debian release: fingerprints in the debian-archive-keyring package. */
const debianKeys: Readonly<Record<string, readonly [archive: string, security: string]>> = {
  '11': ['1F89983E0081FDE018F3CC9673A4F27B8DD47936', 'AC530D520F2F3269F5E98313A48449044AAD5C5D'],
  '12': ['B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8', '05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0'],
  '13': ['04B54C3CDCA79751B16BC6B5225629DF75B188BD', '5E04A1E3223A19A20706E20F9904613D4CCE68C6'],
};
/** Of the ubuntu-keyring package: it has signed every release since 18.04. */
const ubuntuKey = 'F6ECB3762474EDA9D21B7022871920D1991BC93C';

/** The distribution's keyring where this machine has it, else the one key by its fingerprint from where the distribution offers it. */
function keysOf(os: string, release: string, security: boolean): KeySource[] {
  const path = `/usr/share/keyrings/${os}-archive-keyring.gpg`;
  if (os === 'ubuntu') return [{ path, url: 'http://archive.ubuntu.com/ubuntu/project/ubuntu-archive-keyring.gpg', fingerprint: ubuntuKey }];
  const fingerprint = debianKeys[release]?.[security ? 1 : 0];
  return [{ path, url: `https://ftp-master.debian.org/keys/archive-key-${release}${security ? '-security' : ''}.asc`, ...(fingerprint === undefined ? {} : { fingerprint }) }];
}

/** Official mirrors of a Debian or Ubuntu release, its updates and its security fixes, or of an rpm distribution; `undefined` for other systems and releases. */
export function defaultRepositories(target: Target, at: Position): readonly RepositoryRequirement[] | undefined {
  const { os, release = '', arch } = target;
  const codename = os === 'debian' ? debian[release] : os === 'ubuntu' ? ubuntu[release] : undefined;
  if (target.family === 'rhel' || target.family === 'suse') return defaultRpmRepositories(target, at);
  if (codename === undefined || os === undefined) return undefined;
  const components = os === 'debian' ? ['main'] : ['main', 'restricted', 'universe', 'multiverse'];
  return archivesOf(os, codename, arch).map(({ uri, suites, architectures, security = false }, number) => ({
    id: `${os}-${number + 1}`, manager: 'deb', at, uris: [uri], suites, components, ...(architectures === undefined ? {} : { architectures }), keys: keysOf(os, release, security), trusted: false,
  }));
}

function archivesOf(os: string, codename: string, arch: string): readonly Archive[] {
  if (os === 'debian') {
    return [
      { uri: 'http://ftp.debian.org/debian', suites: [codename, `${codename}-updates`] },
      { uri: 'http://security.debian.org/debian-security', suites: [`${codename}-security`], security: true },
    ];
  }
  if (old.has(codename)) return [{ uri: 'http://old-releases.ubuntu.com/ubuntu', suites: [codename, `${codename}-updates`, `${codename}-security`] }];
  return [
    { uri: 'http://archive.ubuntu.com/ubuntu', suites: [codename, `${codename}-updates`], architectures: ubuntuArchitectures },
    { uri: 'http://security.ubuntu.com/ubuntu', suites: [`${codename}-security`], architectures: ubuntuArchitectures },
    { uri: 'http://ports.ubuntu.com/ubuntu-ports', suites: [codename, `${codename}-updates`, `${codename}-security`], architectures: [...ubuntuPorts, ...[arch].filter((each) => ![...ubuntuArchitectures, ...ubuntuPorts].includes(each))] },
  ];
}
