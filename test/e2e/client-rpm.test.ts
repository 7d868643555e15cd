// A machine of the rpm family, with the real dnf, zypper and podman: set up over ssh, used, audited, put back byte for byte, with no way out.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Machine } from '../support/machines.ts';
import { makeRpmUpstream } from '../support/rpm-upstream.ts';
import { allowSsh, type Scenario, sshOption, startScenario } from '../support/scenario.ts';
import { temporaryFolder } from '../support/temporary.ts';

const specs = [
  { name: 'greeter', version: '1.0', arch: 'x86_64' as const, preamble: ['Requires: greeter-data'] }, { name: 'greeter-data', version: '1.0' },
  { name: 'only-zypper', version: '1.0' },
];
const bom = `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: site, version: "1"}
spec:
  targets: [{id: alma-9, family: rhel, os: almalinux, release: "9", arch: amd64}]
  images: [{ref: "docker.io/library/redis:7", platforms: [linux/amd64]}, {ref: "quay.io/acme/kafka:2.8.1", platforms: [linux/amd64]}]
  packageRepositories: [{id: upstream, manager: rpm, targets: [alma-9], baseurl: "https://rpm.example.org/el9/", gpgKeys: [{url: "https://rpm.example.org/el9/key.asc"}], repoGpgcheck: true}]
  packages: [{id: main, manager: rpm, target: alma-9, dependencies: closure, include: [{name: greeter}, {name: only-zypper}]}]
`;

let scenario: Scenario;
let before = '';
const machine = (name: string): Machine => scenario.network.machine(name);
const client = (action: string, more = ''): string => `longshore client ${action} -i inventory ${more} ${sshOption}`;
/** Debian's dnf and zypper keep their records in different places. */
const rpms = async (): Promise<string[]> => (await machine('m1').must('{ rpm -qa --qf "%{name} %{version}\\n"; rpm --dbpath /var/lib/rpm -qa --qf "%{name} %{version}\\n"; } | grep -v ^gpg-pubkey | sort -u')).trim().split('\n');
/** Every file below /etc and /var/lib/longshore-client, but the caches that the system makes from them: type, mode, owner, link and bytes. */
const state = (): Promise<string> => machine('m1').must(`find /etc /var/lib/longshore-client -path /etc/ssl/certs -prune -o -printf '%p %y %m %U %l ' -a \\( -type f -exec sha256sum {} + -o -printf '\\n' \\) 2>/dev/null | sort`);

beforeAll(async () => {
  const upstream = await makeRpmUpstream(join(await temporaryFolder('rpm-upstream'), 'rpms'));
  await upstream.add(specs);
  scenario = await startScenario('client-rpm', { dl01: ['outside'], repo01: ['inside'], m1: ['inside'] }, async (world) => {
    for (const file of await readdir(upstream.folder, { recursive: true, withFileTypes: true })) {
      const path = join(file.parentPath, file.name);
      if (file.isFile()) await world.addFile(`rpm.example.org/el9${path.slice(upstream.folder.length)}`, await readFile(path));
    }
  });
  await machine('dl01').write('bom.yaml', bom);
  await machine('dl01').must('longshore prepare -f bom.yaml -o /media/usb/site.tar --quiet');
  await machine('repo01').must('longshore create -b build --offline /media/usb/site.tar --allow-unsigned');
  await machine('repo01').write('inventory', 'm1\n');
  await allowSsh(machine('repo01'), machine('m1'));
  await makeRpmSystem(machine('m1'));
  before = await state();
}, 300_000);
afterAll(() => scenario?.stop());

/** Nothing of Debian's package management is left; what the rpm family has in its place is: repositories, an rpm database, anchors of trust. */
async function makeRpmSystem(m1: Machine): Promise<void> {
  await m1.must('rm -rf /etc/apt /var/lib/dpkg /usr/bin/apt* /usr/bin/dpkg* /usr/sbin/update-ca-certificates /etc/rancher && rpm --initdb');
  await m1.write('/etc/os-release', 'NAME="AlmaLinux"\nID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nPLATFORM_ID="platform:el9"\n');
  for (const folder of ['yum.repos.d', 'zypp/repos.d']) await m1.write(`/etc/${folder}/vendor.repo`, '[vendor]\nname=Vendor  # theirs\nbaseurl=https://rpm.vendor.example.org/\nenabled=1\ngpgcheck=1\n');
  await m1.must('chmod 640 /etc/yum.repos.d/vendor.repo && mkdir -p /etc/pki/ca-trust/source/anchors /etc/rancher/k3s /etc/docker && printf \'{ "log-driver":   "journald" }\' > /etc/docker/daemon.json');
  await m1.write('/etc/containers/registries.conf', 'unqualified-search-registries = ["registry.access.redhat.com", "registry.redhat.io", "docker.io"]\nshort-name-mode = "enforcing"\n');
  await m1.must('rm -rf /etc/containers/registries.conf.d && mkdir /etc/containers/registries.conf.d');
  // As ca-certificates of that family does it, in short.
  await m1.must(`cp /etc/ssl/certs/ca-certificates.crt /etc/ssl/vendor-bundle.crt
    printf '#!/bin/sh\\nexec 2>/dev/null\\n{ cat /etc/ssl/vendor-bundle.crt /etc/pki/ca-trust/source/anchors/*; true; } > /etc/ssl/certs/ca-certificates.crt\\n' > /usr/bin/update-ca-trust && chmod 755 /usr/bin/update-ca-trust`);
}

describe('a machine of the rpm family', () => {
  it('is found to lead elsewhere, and has no way there', async () => {
    expect((await machine('m1').run('ip route get 192.0.2.1')).status).not.toBe(0);
    const audit = await machine('repo01').run(client('audit'));
    expect(audit.status).toBe(3);
    expect(audit.stdout).toMatch(/yum\.repos\.d\/vendor\.repo[\s\S]*zypp\/repos\.d\/vendor\.repo[\s\S]*docker[\s\S]*k3s/);
  });

  it('is set up for all that it has, for the target of its own system, once', async () => {
    expect(await machine('repo01').must(client('setup', '--exclusive'))).toMatch(/m1\s.*changed/);
    expect(await machine('repo01').must(client('setup', '--exclusive'))).toMatch(/m1\s.*unchanged/);
    for (const folder of ['yum.repos.d', 'zypp/repos.d']) {
      const [name = '', ...more] = (await machine('m1').must(`ls /etc/${folder}`)).trim().split('\n');
      expect([name, more]).toEqual([expect.stringMatching(/^longshore-/), []]);
      expect(await machine('m1').must(`cat /etc/${folder}/${name}`)).toMatch(/^gpgcheck=1\nrepo_gpgcheck=1$/m);
    }
    expect(await machine('repo01').must(client('audit'))).toMatch(/^m1 +clean$/m);
  });

  it('installs with dnf and with zypper, every signature checked', async () => {
    const installed = await machine('m1').must('dnf -y --disableplugin=local --releasever=9 --forcearch=x86_64 install greeter 2>&1');
    expect(installed).toContain('Complete!');
    expect(await machine('m1').must('zypper --non-interactive --gpg-auto-import-keys refresh 2>&1 && zypper --non-interactive install only-zypper 2>&1')).toContain('only-zypper');
    expect(await rpms()).toEqual(['greeter 1.0', 'greeter-data 1.0', 'only-zypper 1.0']);
    expect((await machine('m1').run('dnf -y --disableplugin=local --releasever=9 --forcearch=x86_64 install nothing-like-that')).status).not.toBe(0);
  });

  it('pulls by the upstream names with podman and CRI-O\'s settings, over TLS by this machine\'s authority', async () => {
    await machine('m1').must('podman --storage-driver=vfs pull -q docker.io/library/redis:7 && podman --storage-driver=vfs pull -q redis:7 && podman --storage-driver=vfs pull -q quay.io/acme/kafka:2.8.1');
    expect(await machine('m1').must('skopeo inspect --raw docker://quay.io/acme/kafka:2.8.1')).toContain('"manifests"');
    expect((await machine('m1').run('podman --storage-driver=vfs pull -q quay.io/acme/kafka:9')).status).not.toBe(0);
    // What was pulled by its upstream name came from here: the audit knows it.
    expect(await machine('repo01').must(client('audit'))).toMatch(/^m1 +clean$/m);
  });

  it('has settings for Docker and K3s as these document them', async () => {
    expect(JSON.parse(await machine('m1').must('cat /etc/docker/daemon.json'))).toEqual({ 'log-driver': 'journald', 'registry-mirrors': ['https://repo01:5000'] });
    const registries = parse(await machine('m1').must('cat /etc/rancher/k3s/registries.yaml')) as { mirrors: Record<string, { endpoint: string[] }>; configs: Record<string, { tls: { ca_file: string } }> };
    // K3s "Private Registry Configuration": mirrors.<host>.endpoint is a list of URLs, configs.<host:port>.tls.ca_file a path on the node.
    expect(Object.keys(registries).sort()).toEqual(['configs', 'mirrors']);
    for (const name of ['docker.io', 'quay.io']) expect(registries.mirrors[name]).toMatchObject({ endpoint: ['https://repo01:5000'] });
    const file = registries.configs['repo01:5000']?.tls.ca_file ?? '';
    expect(await machine('m1').must(`openssl x509 -in ${file} -noout -subject`)).toContain('longshore');
  });

  it('is put back byte for byte', async () => {
    expect(await state()).not.toBe(before);
    expect(await machine('repo01').must(client('teardown'))).toMatch(/m1\s.*changed/);
    expect(await state()).toBe(before);
    expect((await machine('m1').run('curl -fsS https://repo01:5000/healthz')).status).toBe(60);
    expect((await machine('repo01').run(client('audit'))).status).toBe(3);
  });
});
