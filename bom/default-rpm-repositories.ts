// The distributions' own yum repositories, for `system: true` where the project does not say which: their public mirror lists and first addresses.
import type { Position, RepositoryRequirement, Target } from './requirement.ts';

type Definition = Pick<RepositoryRequirement, 'baseurls' | 'mirrorlist' | 'metalink' | 'repoGpgcheck'> & { readonly name: string; readonly key: string };

/** Releases that each distribution still offers, or keeps in an archive of its own. */
const releases: Readonly<Record<string, readonly string[]>> = {
  almalinux: ['8', '9', '10'], rocky: ['8', '9', '10'], oracle: ['8', '9', '10'], 'centos-stream': ['8', '9', '10'],
};

function almalinux(major: string): Definition[] {
  const key = `https://repo.almalinux.org/almalinux/RPM-GPG-KEY-AlmaLinux-${major}`;
  return [['baseos', 'BaseOS'], ['appstream', 'AppStream'], ['extras', 'extras']].map(([name = '', folder = '']) => ({
    name, key, mirrorlist: `https://mirrors.almalinux.org/mirrorlist/$releasever/${name}`, baseurls: [`https://repo.almalinux.org/almalinux/$releasever/${folder}/$basearch/os/`],
  }));
}

function rocky(major: string): Definition[] {
  const key = `https://dl.rockylinux.org/pub/rocky/RPM-GPG-KEY-${major === '8' ? 'rockyofficial' : `Rocky-${major}`}`;
  return ['BaseOS', 'AppStream', 'extras'].map((folder) => ({ name: folder.toLowerCase(), key, baseurls: [`https://dl.rockylinux.org/pub/rocky/$releasever/${folder}/$basearch/os/`] }));
}

function oracle(major: string): Definition[] {
  const key = `https://yum.oracle.com/RPM-GPG-KEY-oracle-ol${major}`;
  return ['baseos/latest', 'appstream'].map((folder) => ({ name: folder.replace('/latest', ''), key, baseurls: [`https://yum.oracle.com/repo/OracleLinux/OL${major}/${folder}/$basearch/`] }));
}

function centosStream(major: string): Definition[] {
  const key = `https://www.centos.org/keys/RPM-GPG-KEY-CentOS-Official${major === '10' ? '-SHA256' : ''}`;
  const root = major === '8' ? 'https://vault.centos.org/8-stream' : `https://mirror.stream.centos.org/${major}-stream`;
  return ['BaseOS', 'AppStream'].map((folder) => ({ name: folder.toLowerCase(), key, baseurls: [`${root}/${folder}/$basearch/os/`] }));
}

function fedora(release: string): Definition[] {
  return [['fedora', `fedora-${release}`], ['updates', `updates-released-f${release}`]].map(([name = '', repo = '']) => ({
    name, key: 'https://fedoraproject.org/fedora.gpg', metalink: `https://mirrors.fedoraproject.org/metalink?repo=${repo}&arch=$basearch`,
  }));
}

function leap(release: string): Definition[] {
  const root = 'https://download.opensuse.org';
  return [['oss', `distribution/leap/${release}/repo/oss`], ['update', `update/leap/${release}/oss`], ['update-backports', `update/leap/${release}/backports`], ['update-sle', `update/leap/${release}/sle`]]
    .map(([name = '', path = '']) => ({ name, key: `${root}/${path}/repodata/repomd.xml.key`, baseurls: [`${root}/${path}/`], repoGpgcheck: true }));
}

const byMajor: Readonly<Record<string, (major: string) => readonly Definition[]>> = { almalinux, rocky, oracle, 'centos-stream': centosStream };

function definitionsOf(os: string, release: string): readonly Definition[] | undefined {
  const [major = ''] = release.split('.');
  if (os === 'fedora' && /^\d+$/.test(release)) return fedora(release);
  if (os === 'opensuse-leap' && /^15\.\d$/.test(release)) return leap(release);
  if (releases[os]?.includes(major) !== true) return undefined;
  return byMajor[os]?.(major);
}

/** Other spellings of what os-release(5) calls ID. */
const names: Readonly<Record<string, string>> = { alma: 'almalinux', rockylinux: 'rocky', ol: 'oracle', oraclelinux: 'oracle', centos: 'centos-stream', leap: 'opensuse-leap', opensuse: 'opensuse-leap' };

/**
 * Official repositories of AlmaLinux, Rocky Linux, Oracle Linux, CentOS Stream, Fedora and openSUSE Leap; `undefined` for other systems and releases,
 * and for RHEL and SLES, whose repositories need a subscription.
 */
export function defaultRpmRepositories(target: Target, at: Position): readonly RepositoryRequirement[] | undefined {
  const os = names[target.os ?? ''] ?? target.os ?? '';
  return definitionsOf(os, target.release ?? '')?.map(({ name, key, ...place }) => ({ id: `${os}-${name}`, manager: 'rpm', at, ...place, keys: [{ url: key }], trusted: false }));
}
