// Installs the real servers and clients that the end-to-end tests run against, or says which are missing.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** program -> Debian package that brings it */
const tools: Readonly<Record<string, string>> = {
  'docker-registry': 'docker-registry',
  skopeo: 'skopeo',
  podman: 'podman',
  'apt-get': 'apt',
  'apt-ftparchive': 'apt-utils',
  'dpkg-deb': 'dpkg',
  gpg: 'gnupg',
  gpgv: 'gpgv',
  tar: 'tar',
  curl: 'curl',
  openssl: 'openssl',
  htpasswd: 'apache2-utils',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  hostname: 'hostname',
  mmdebstrap: 'mmdebstrap',
  ip: 'iproute2',
  xz: 'xz-utils',
  bzip2: 'bzip2',
  buildah: 'buildah',
  ctr: 'containerd',
  zstd: 'zstd',
  pgrep: 'procps',
  cmp: 'diffutils',
  rpmbuild: 'rpm',
  createrepo_c: 'createrepo-c',
  dnf: 'dnf',
  zypper: 'zypper',
  '/usr/lib/python3/dist-packages/solv.py': 'python3-solv',
  strace: 'strace',
  git: 'git',
  minisign: 'minisign',
  sshd: 'openssh-server',
  ssh: 'openssh-client',
  nginx: 'nginx-light',
  chromium: 'chromium',
  dockerd: 'docker.io',
  wrk: 'wrk',
  'systemd-socket-activate': 'systemd',
  '/usr/bin/dbus-daemon': 'dbus',
};

const path = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter);
const isThere = (program: string): boolean => (program.startsWith('/') ? existsSync(program) : path.some((folder) => existsSync(join(folder, program))));
const missing = (): string[] => Object.keys(tools).filter((program) => !isThere(program));

const wanted = missing();
if (wanted.length > 0) {
  const packages = [...new Set(wanted.map((program) => tools[program] ?? program))].sort();
  const root = process.getuid?.() === 0;
  if (!root || !isThere('apt-get')) {
    console.error(`The end-to-end tests need these programs: ${wanted.join(', ')}.`);
    console.error(`On Debian or Ubuntu, as root: apt-get update && apt-get install --no-install-recommends ${packages.join(' ')}`);
    console.error('Elsewhere install them by your own means. `npm run test:unit` runs without them.');
    process.exit(1);
  }
  console.log(`Installing what the end-to-end tests need: ${packages.join(' ')}`);
  // RUNLEVEL=1 keeps the packages from starting their services.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  for (const args of [['update', '-q'], ['install', '-y', '-q', '--no-install-recommends', ...packages]]) {
    const { status } = spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) {
      console.error(`apt-get ${args[0]} failed with status ${status}`);
      process.exit(1);
    }
  }
  if (missing().length > 0) {
    console.error(`Still missing after the installation: ${missing().join(', ')}`);
    process.exit(1);
  }
}
