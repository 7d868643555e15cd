// Bastion v2: everything is done on the downloading machine, the modules' own images, tools and environment included; the archive is streamed in.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Machine } from '../../support/machines.ts';
import { allowSsh, type Scenario, sshOption, startScenario, targetId, templateOn, writeTreeOn } from '../../support/scenario.ts';

let scenario: Scenario;
let dl: Machine;
let repo: Machine;
let m1: Machine;
const secret = 'not-for-the-archive-4711';
beforeAll(async () => {
  scenario = await startScenario('bastion-v2', { dl01: ['outside'], repo01: ['inside'], m1: ['inside'] }, async (world) => {
    await world.addImage('registry.example.org/modules/azbi:dev');
    await world.addFile('downloads.example.org/e-cli', '#!/bin/sh\necho e\n');
  });
  [dl, repo, m1] = ['dl01', 'repo01', 'm1'].map((name) => scenario.network.machine(name)) as [Machine, Machine, Machine];
  await writeTreeOn(dl, 'epiphany', scenario.releases[0] ?? {});
  await dl.write('v1.yaml', 'version: v1\nkind: Repository\ncomponents:\n- name: azbi\n  type: docker\n  versions:\n  - {version: dev, latest: true, image: "registry.example.org/modules/azbi:dev", shared: /shared, commands: [{name: metadata, command: metadata, args: ["#Config#{{.X}}"]}]}\n');
  await dl.write('e.yaml', `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: e, version: "1.0"}
spec:
  files: [{id: e-cli, urls: ["https://downloads.example.org/e-cli"], saveAs: tools/e, mode: "0755"}]
  tools: [{file: e-cli, installAs: /usr/local/bin/e}]
  configs: [{id: e-env, path: env, exclude: ["*.log"], redact: [azure-config.credentials]}]
`);
  await dl.write('env/config.yaml', `name: plant\nazure-config:\n  credentials: ${secret}\n`);
  await dl.write('env/run.log', 'noise\n');
  await allowSsh(repo, m1);
  await repo.write('inventory', 'm1\n');
});
afterAll(() => scenario?.stop());

it('locks modules of several systems together', async () => {
  await templateOn(dl, '--adapter e-modules --from v1.yaml --select azbi:dev --adapter epiphany --from epiphany --target ubuntu-20.04/amd64');
  await dl.must(`sed -i 's/^  modules:/  export: {includeConfigs: true}\\n  modules:\\n    - bom: e.yaml/' project.yml`);
  await dl.must('longshore lock -f project.yml --store store && longshore download -f project.yml --store store');
  await dl.must('longshore keygen --name Operations -o ops && longshore export --store store -o newcluster.tar --sign ops.key && cp ops.asc /media/usb/');
  expect(await dl.must('longshore ls newcluster.tar')).toMatch(/tools\/e .*-> \/usr\/local\/bin\/e/);
  expect((await dl.run(`grep -c ${secret} newcluster.tar`)).stdout.trim()).toBe('0');
});

it('streams into the site, and serves', async () => {
  await dl.must('mkfifo /media/usb/line');
  const [sent, received] = await Promise.all([dl.run('cat newcluster.tar > /media/usb/line'), repo.run('longshore import - --key /media/usb/ops.asc < /media/usb/line')]);
  expect([sent.status, received.status, received.stderr]).toEqual([0, 0, received.stderr]);
  await repo.must('longshore create -b build/');
  await repo.must(`longshore client setup -i inventory --exclusive --target ${targetId} ${sshOption}`);
  await m1.must('skopeo copy -q --insecure-policy docker://repo01:5000/registry.example.org/modules/azbi:dev oci:azbi:x');
  const config = await m1.must('curl -fsS https://repo01:5000/files/configs/e/e-env.tar | tar xO --wildcards "*config.yaml"');
  expect(config).toContain('REDACTED');
  expect(config).not.toContain(secret);
});

it('is torn down: the cluster gets its settings back, the packages go, the images stay', async () => {
  await repo.must(`longshore teardown -b build/ -i inventory --remove packages ${sshOption}`);
  expect((await m1.run('grep -rq repo01 /etc/apt/sources.list.d /etc/apt/sources.list')).status).not.toBe(0);
  expect((await m1.run('curl -fsS -m 3 https://repo01:5000/healthz')).status).not.toBe(0);
  const { served } = JSON.parse(await repo.must('longshore status --json')) as { served: { kinds: { kind: string }[] }[] };
  expect(JSON.stringify(served)).not.toContain('"packages"');
});
