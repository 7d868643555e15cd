/** Package sets of many kinds, a desktop among them. Installed without Recommends, as they are locked. */
export const installSets: Readonly<Record<string, readonly string[]>> = {
  web: ['nginx', 'certbot'],
  apache: ['apache2', 'libapache2-mod-php'],
  database: ['postgresql', 'redis-server'],
  balancer: ['haproxy', 'keepalived'],
  compiler: ['build-essential', 'cmake'],
  python: ['python3-venv', 'ansible'],
  java: ['default-jre-headless', 'maven'],
  container: ['docker.io', 'podman'],
  storage: ['nfs-kernel-server', 'lvm2', 'chrony'],
  desktop: ['lxqt-core', 'xserver-xorg'],
};
