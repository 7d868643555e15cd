// One self-extracting file, DC/OS style: checked with nothing but a shell, it imports and serves where nothing is installed.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeInstaller } from '../../support/dcos-installer.ts';
import type { Machine } from '../../support/machines.ts';
import { type Scenario, startScenario, templateOn, writeTreeOn } from '../../support/scenario.ts';

let scenario: Scenario;
let dl: Machine;
let repo: Machine;
beforeAll(async () => {
  scenario = await startScenario('one-file', { dl01: ['outside'], repo01: ['inside'], m1: ['inside'] });
  [dl, repo] = [scenario.network.machine('dl01'), scenario.network.machine('repo01')];
  await writeTreeOn(dl, 'epiphany', scenario.releases[0] ?? {});
  await templateOn(dl, '--adapter epiphany --from epiphany --target ubuntu-20.04/amd64');
  await dl.must('longshore lock -f project.yml && longshore download && longshore keygen --name Operations -o ops');
  await dl.must(`longshore export --self-extracting --runtime linux-${process.arch} -o /media/usb/install-newcluster.sh --sign ops.key`);
  await dl.must('cp ops.asc /media/usb/');
  // The site has no longshore and no Node.
  await repo.must('rm /usr/local/bin/longshore');
});
afterAll(() => scenario?.stop());

it('an installer of DC/OS is taken apart, carried, and laid out as nodes fetch it', async () => {
  await dl.must(makeInstaller);
  expect(await dl.run('longshore bom convert --from dcos-installer dcos_generate_config.sh --explode')).toMatchObject({ status: 2 });
  const exploded = await dl.must('longshore bom convert --from dcos-installer dcos_generate_config.sh --explode --out boms/dcos.yaml');
  expect(exploded).toContain('bootstrap and 1 package');
  expect(exploded).toContain('genconf/config.yaml was not taken');
  expect(await dl.run('grep -rl secret boms')).toMatchObject({ stdout: 'boms/dcos/dcos-genconf.abc-123.tar\n' });
  await dl.must('longshore prepare -f boms/dcos.yaml --lock dcos.lock.json -o dcos.tar');
  await dl.must('longshore publish dcos.tar --allow-unsigned --layout dcos-serve --to /media/usb/serve');
  expect(await dl.must('cat /media/usb/serve/bootstrap/abc.bootstrap.tar.xz /media/usb/serve/packages/mesos/mesos--123.tar.xz /media/usb/serve/complete/complete.latest.json')).toContain('mesos bytes');
  await dl.must('printf "#!/bin/bash\\nexit\\n" > broken.sh');
  expect(await dl.run('longshore bom convert --from dcos-installer broken.sh --explode --out x.yaml')).toMatchObject({ status: 2, stderr: expect.stringContaining('#EOF#') });
  await dl.must('head -c 3000 dcos_generate_config.sh > cut-installer.sh');
  expect(await dl.run('longshore bom convert --from dcos-installer cut-installer.sh --explode --out y.yaml')).toMatchObject({ status: 5 });
  expect((await dl.run('test -e x.yaml -o -e y.yaml')).status).toBe(1);
});

it('is checked without being unpacked', async () => {
  expect(await repo.must('sh /media/usb/install-newcluster.sh --check')).toContain('sha256 good');
  await repo.must('head -c 5000000 /media/usb/install-newcluster.sh > cut.sh');
  expect((await repo.run('sh cut.sh --check')).status).toBe(5);
});

it('sets the machine up and serves the cluster', async () => {
  await repo.must('sh /media/usb/install-newcluster.sh --run create -b build/ --offline /media/usb --key /media/usb/ops.asc');
  const m1 = scenario.network.machine('m1');
  await repo.must('cp /var/lib/longshore/tls/ca.pem /media/usb/ca.pem');
  expect(await m1.must('curl -fsS --cacert /media/usb/ca.pem https://repo01:5000/files/agent-1.tgz')).toBe('agent 1\n');
  await m1.must('mkdir certs && cp /media/usb/ca.pem certs/ca.crt && skopeo copy -q --insecure-policy --src-cert-dir certs docker://repo01:5000/quay.io/acme/kafka:2.8.1 oci:kafka:x');
});
