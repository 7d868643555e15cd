// Settings that point a machine here, as text. Pure: what a file says, not where it comes from. sources.list(5) (deb822), dnf.conf(5), containerd
// "Registry Host Configuration", containers-registries.conf(5), dockerd(8) "daemon.json", K3s "Private Registry Configuration".

/** This machine, as clients reach it. */
export interface Here {
  /** `https://host:port`, without a slash at the end. */
  readonly origin: string;
  /** Path of the authority's certificate on the client, when the machine has one of its own. */
  readonly caPath?: string;
  /** true: nothing may be fetched elsewhere, even when it is not here. */
  readonly exclusive?: boolean;
}

export interface AptSource {
  readonly origin: string;
  readonly project: string;
  readonly target: string;
  /** Where the client keeps the machine's public key. */
  readonly keyring: string;
}

export const aptKeyring = '/etc/apt/keyrings/longshore.asc';

/** Where dnf and zypper clients keep the machine's public key. */
export const rpmKey = '/etc/pki/rpm-gpg/RPM-GPG-KEY-longshore';

export function hostOf(origin: string): string {
  return origin.replace(/^https?:\/\//, '');
}

function isPlain(origin: string): boolean {
  return origin.startsWith('http://');
}

/** A deb822 `.sources` file for one target. */
export function aptSources({ origin, project, target, keyring }: AptSource): string {
  return `Types: deb
URIs: ${origin}/apt/${project}/${target}
Suites: ${target}
Components: main
Signed-By: ${keyring}
`;
}

/** apt's own list of authorities: the system's are not asked for this host only. */
export function aptCertificate({ origin, caPath }: Here): string {
  return caPath === undefined ? '' : `Acquire::https::${hostOf(origin).replace(/:\d+$/, '')}::CaInfo "${caPath}";\n`;
}

/** A `.repo` file for dnf, yum and zypper. module_hotfixes: packages of module streams are served without modules.yaml. */
export function yumRepository(here: Here, options: { readonly project: string; readonly target: string; readonly keyUrls: readonly string[]; readonly keyPath?: string }): string {
  const { project, target, keyUrls, keyPath } = options;
  return `[longshore-${project}-${target}]
name=longshore ${project} ${target}
baseurl=${here.origin}/yum/${project}/${target}/
enabled=1
gpgcheck=1
repo_gpgcheck=1
gpgkey=${[keyPath === undefined ? `${here.origin}/keys/longshore.asc` : `file://${keyPath}`, ...keyUrls].join('\n       ')}
module_hotfixes=1
${here.caPath === undefined ? '' : `sslcacert=${here.caPath}\n`}`;
}

/** `certs.d/<upstream>/hosts.toml` of containerd; the name of the upstream travels in `?ns=`. `_default` stands for every upstream. */
export function containerdHosts(here: Here, upstream: string): string {
  const server = here.exclusive === true ? here.origin : upstream === 'docker.io' ? 'https://registry-1.docker.io' : `https://${upstream}`;
  const elsewhere = upstream === '_default' && here.exclusive !== true ? '' : `server = "${server}"\n\n`;
  return `${elsewhere}[host."${here.origin}"]
  capabilities = ["pull", "resolve"]
${here.caPath === undefined ? '' : `  ca = "${here.caPath}"\n`}`;
}

/**
 * A file below registries.conf.d for podman, buildah, skopeo and CRI-O: each upstream from here, under its own name as path. With `exclusive`, names without a
 * registry are not looked for anywhere else either.
 */
export function containersRegistries(here: Here, upstreams: readonly string[]): string {
  const host = hostOf(here.origin);
  const insecure = isPlain(here.origin) ? 'insecure = true\n' : '';
  const each = upstreams.map((upstream) => {
    const there = `${host}/${upstream.replaceAll(':', '_')}`;
    if (here.exclusive === true) return `[[registry]]\nprefix = "${upstream}"\nlocation = "${there}"\n${insecure}`;
    return `[[registry]]\nprefix = "${upstream}"\nlocation = "${upstream}"\n\n[[registry.mirror]]\nlocation = "${there}"\n${insecure}`;
  });
  const searched = upstreams.includes('docker.io') ? ['docker.io'] : upstreams;
  const search = here.exclusive === true ? [`unqualified-search-registries = ${JSON.stringify(searched)}\n`] : [];
  return [...search, ...each, `[[registry]]\nlocation = "${host}"\n${insecure}`].join('\n');
}

/** What Docker's daemon.json needs: it can mirror docker.io only; other upstreams are pulled by their name here. */
export function dockerDaemon({ origin }: Here): Readonly<Record<string, readonly string[]>> {
  return { 'registry-mirrors': [origin], ...(isPlain(origin) ? { 'insecure-registries': [hostOf(origin)] } : {}) };
}

/** `registries.yaml` of K3s and RKE2 (JSON, which is YAML). */
export function kubernetesRegistries(here: Here, upstreams: readonly string[]): string {
  const mirrors = Object.fromEntries(upstreams.map((upstream) => [upstream, { endpoint: [here.origin] }]));
  const configs = here.caPath === undefined ? {} : { configs: { [hostOf(here.origin)]: { tls: { ca_file: here.caPath } } } };
  return `${JSON.stringify({ mirrors, ...configs }, null, 2)}\n`;
}
