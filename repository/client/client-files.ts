import type { LockedTarget } from '../../bom/lock.ts';
import { aptCertificate, aptKeyring, aptSources, containerdHosts, containersRegistries, dockerDaemon, type Here, hostOf, kubernetesRegistries, rpmKey, yumRepository } from './settings.ts';

export const clientParts = ['ca', 'apt', 'dnf', 'zypper', 'containerd', 'containers', 'docker', 'k3s', 'rke2'] as const;
export type ClientPart = (typeof clientParts)[number];

/** One file that a client machine gets. */
export interface ClientFile {
  readonly part: ClientPart;
  readonly path: string;
  readonly content: string;
  /** POSIX shell: whether this machine wants it; `$root` is in front of every path, and os, like (ID_LIKE), release, codename and arch are set. */
  readonly when: string;
  /** true: keys of this JSON object are merged into the file that is there. */
  readonly merge?: boolean;
}

export interface MirrorFor {
  readonly project: string;
  readonly target: LockedTarget;
}

export interface ClientFilesOptions {
  readonly here: Here;
  /** The machine's OpenPGP key. */
  readonly publicKey: string | undefined;
  /** PEM of the authority that clients have to trust. */
  readonly ca: string | undefined;
  readonly aptMirrors: readonly MirrorFor[];
  /** With the paths below /keys/ of the vendors' keys that its packages are signed with. */
  readonly yumMirrors?: readonly (MirrorFor & { readonly keyNames: readonly string[] })[];
  /** Hosts that images came from. */
  readonly upstreams: readonly string[];
}

export const caPath = '/etc/ssl/longshore/ca.pem';

const debianArchitecture: Readonly<Record<string, string>> = { '386': 'i386', arm: 'armhf', ppc64le: 'ppc64el', mips64le: 'mips64el' };

/** Everything a machine may need, with the condition under which it does. Order is the order of writing: what others refer to comes first. */
export function clientFiles(options: ClientFilesOptions): ClientFile[] {
  const { here, upstreams, ca } = options;
  const files: ClientFile[] = [];
  if (ca !== undefined) {
    files.push(
      { part: 'ca', path: caPath, content: ca, when: 'true' },
      { part: 'ca', path: '/usr/local/share/ca-certificates/longshore.crt', content: ca, when: '[ -d "$root/usr/local/share/ca-certificates" ]' },
      { part: 'ca', path: '/etc/pki/ca-trust/source/anchors/longshore.pem', content: ca, when: '[ -d "$root/etc/pki/ca-trust/source/anchors" ]' },
    );
  }
  files.push(...aptFiles(options), ...yumFiles(options));
  for (const upstream of here.exclusive === true ? [...upstreams, '_default'] : upstreams) {
    files.push({ part: 'containerd', path: `/etc/containerd/certs.d/${upstream}/hosts.toml`, content: containerdHosts(here, upstream), when: '[ -d "$root/etc/containerd" ]' });
  }
  return [
    ...files,
    { part: 'containers', path: '/etc/containers/registries.conf.d/50-longshore.conf', content: containersRegistries(here, upstreams), when: '[ -d "$root/etc/containers" ]' },
    ...(ca === undefined ? [] : [
      { part: 'containers', path: `/etc/containers/certs.d/${hostOf(here.origin)}/ca.crt`, content: ca, when: '[ -d "$root/etc/containers" ]' },
      { part: 'docker', path: `/etc/docker/certs.d/${hostOf(here.origin)}/ca.crt`, content: ca, when: '[ -d "$root/etc/docker" ]' },
    ] as const),
    { part: 'docker', path: '/etc/docker/daemon.json', content: `${JSON.stringify(dockerDaemon(here), null, 2)}\n`, when: '[ -d "$root/etc/docker" ]', merge: true },
    { part: 'k3s', path: '/etc/rancher/k3s/registries.yaml', content: kubernetesRegistries(here, upstreams), when: '[ -d "$root/etc/rancher/k3s" ]' },
    { part: 'rke2', path: '/etc/rancher/rke2/registries.yaml', content: kubernetesRegistries(here, upstreams), when: '[ -d "$root/etc/rancher/rke2" ]' },
  ];
}

function aptFiles({ here, publicKey, aptMirrors }: ClientFilesOptions): ClientFile[] {
  if (publicKey === undefined || aptMirrors.length === 0) return [];
  const certificate = aptCertificate(here);
  return [
    { part: 'apt', path: aptKeyring, content: publicKey, when: '[ -d "$root/etc/apt" ]' },
    ...(certificate === '' ? [] : [{ part: 'apt', path: '/etc/apt/apt.conf.d/50longshore', content: certificate, when: '[ -d "$root/etc/apt" ]' } as const]),
    ...aptMirrors.map(({ project, target }): ClientFile => ({
      part: 'apt', path: `/etc/apt/sources.list.d/longshore-${project}-${target.id}.sources`,
      content: aptSources({ origin: here.origin, project, target: target.id, keyring: aptKeyring }),
      when: `[ -d "$root/etc/apt" ] && ${isFor(target)}`,
    })),
  ];
}

/** Key and repository for dnf and yum, or for zypper, whichever the machine has. */
function yumFiles({ here, publicKey, yumMirrors = [] }: ClientFilesOptions): ClientFile[] {
  if (publicKey === undefined) return [];
  return ([['dnf', '/etc/yum.repos.d'], ['zypper', '/etc/zypp/repos.d']] as const).flatMap(([part, folder]) => yumMirrors.flatMap(({ project, target, keyNames }): ClientFile[] => {
    const when = `[ -d "$root${folder}" ] && ${isFor(target)}`;
    const content = yumRepository(here, { project, target: target.id, keyUrls: keyNames.map((name) => `${here.origin}/keys/${name}`), keyPath: rpmKey });
    return [{ part, path: rpmKey, content: publicKey, when }, { part, path: `${folder}/longshore-${project}-${target.id}.repo`, content, when }];
  }));
}

/** Whether a machine is of a target: named with --target, or of its system, release (9 stands for 9.4 too) and architecture. */
function isFor({ id, os, release, arch }: LockedTarget): string {
  const system = os === undefined ? 'true' : os === 'rhel' ? '{ [ "$os" = rhel ] || case $like in *" rhel "*) true ;; *) false ;; esac; }' : `[ "$os" = ${quote(os)} ]`;
  const version = release === undefined ? 'true' : `{ [ "$release" = ${quote(release)} ] || [ "$codename" = ${quote(release)} ] || [ "\${release%%.*}" = ${quote(release)} ]; }`;
  const machine = arch === 'any' ? 'true' : `[ "$arch" = ${quote(debianArchitecture[arch] ?? arch)} ]`;
  return `{ [ "$target" = ${quote(id)} ] || { [ -z "$target" ] && ${system} && ${version} && ${machine}; }; }`;
}

/** `text` as one word of POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
