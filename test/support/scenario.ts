// What the scenarios share: a recorded outside with an Epiphany-like tree of descriptors, machines, and ssh between those of the site.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Machine, type Network, type Segment, startNetwork } from './machines.ts';
import { temporaryFolder } from './temporary.ts';
import { makeUsualWorld, type World } from './world.ts';

export interface Scenario {
  readonly folder: string;
  readonly world: World;
  readonly network: Network;
  /** The descriptors of release 1 and 2 as files of a tree, as the Epiphany project has them. */
  readonly releases: readonly Readonly<Record<string, string>>[];
  stop(): Promise<void>;
}

export const targetId = 'ubuntu-20.04-amd64';

export const sshOption = '--ssh-option StrictHostKeyChecking=accept-new';

export async function startScenario(name: string, machines: Readonly<Record<string, readonly Segment[]>>, more: (world: World) => Promise<void> = async () => undefined): Promise<Scenario> {
  const folder = await temporaryFolder(name);
  await mkdir(join(folder, 'world'));
  const world = await makeUsualWorld(join(folder, 'world'));
  const digests = [await world.addFile('downloads.example.org/agent-1.tgz', 'agent 1\n'), await world.addFile('downloads.example.org/agent-2.tgz', 'agent 2\n')];
  const dashboard = await world.addFile('downloads.example.org/dash.json', '{"title": "kafka"}\n');
  await more(world);
  const release = (number: 1 | 2): Record<string, string> => ({
    'feature-mappings.yml': 'kind: configuration/feature-mappings\nspecification:\n  mappings:\n    repository: [image-registry]\n    kafka: [kafka]\n    monitoring: [grafana]\n',
    'repositories/x86_64/debian/debian.yml': "repositories:\n  tools: {content: 'deb https://deb.example.org/debian stable main', key: 'https://deb.example.org/debian/archive.asc'}\n",
    'requirements/x86_64/images.yml': `images:\n  image-registry:\n    'registry.example.org/team/tool:1.0': {sha1: ${'1'.repeat(40)}, allow_mismatch: true}\n  kafka:\n    'quay.io/acme/kafka:${number === 1 ? '2.8.1' : '3.0.0'}': {sha1: ${'2'.repeat(40)}}\n  grafana:\n    'docker.io/library/redis:7': {sha1: ${'3'.repeat(40)}}\n`,
    'requirements/x86_64/files.yml': `files:\n  agent: {options: [{url: 'https://downloads.example.org/agent-${number}.tgz', sha256: ${digests[number - 1]?.slice(7) ?? ''}}], deps: [kafka]}\n`,
    'requirements/grafana-dashboards.yml': `grafana-dashboards:\n  kafka: {url: 'https://downloads.example.org/dash.json', sha256: ${dashboard.slice(7)}}\n`,
    'requirements/x86_64/debian/ubuntu-20.04/packages.yml': 'packages: {from_repo: [greeter], from_url: {}}\n',
  });
  const network = await startNetwork(folder, { world, machines });
  return { folder, world, network, releases: [release(1), release(2)], stop: () => network.stop() };
}

/** Writes a release's tree into a folder of a machine. */
export async function writeTreeOn(machine: Machine, path: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await machine.write(`${path}/${name}`, content);
}

/** The project that `template` writes, with the system's own archive where this world has it. */
export async function templateOn(machine: Machine, flags: string, project = 'project.yml'): Promise<void> {
  await machine.must(`longshore template -f ${project} --name newcluster ${flags}`);
  await machine.must('curl -fsS https://deb.example.org/debian/archive.asc -o archive.asc');
  await machine.must(`printf '  systemRepositories:\\n    ${targetId}: ["deb [signed-by=/root/archive.asc] https://deb.example.org/debian stable main"]\\n' >> ${project}`);
}

/** Lets `from` into `to` by ssh with a key. */
export async function allowSsh(from: Machine, to: Machine): Promise<void> {
  await from.must('mkdir -p -m 700 .ssh && test -e .ssh/id_ed25519 || ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519');
  const key = await from.must('cat .ssh/id_ed25519.pub');
  await to.write('/root/.ssh/authorized_keys', key);
  // As a cluster's machine is set up: containerd looks into certs.d, and podman's storage works on a file system that is layered already.
  await to.write('/etc/containerd/config.toml', 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"\n');
  await to.write('/etc/containers/storage.conf', '[storage]\ndriver = "vfs"\nrunroot = "/run/containers"\ngraphroot = "/root/storage"\n');
  // Neither containerd nor Docker runs here, though this system has them: audit would say that they cannot be asked.
  await to.must('rm -f /usr/bin/ctr /usr/sbin/dockerd /usr/bin/dockerd && chmod 700 .ssh && mkdir -p /run/sshd /etc/ssh && ssh-keygen -q -t ed25519 -N "" -f /root/host_key');
  await to.start('/usr/sbin/sshd -D -e -f /dev/null -h /root/host_key -o UsePAM=no -o PermitRootLogin=prohibit-password -o StrictModes=no', /Server listening/);
}
