// LambdaStack's verbs as its design spells them: repo template, prepare, create, teardown.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Machine } from '../../support/machines.ts';
import { type Scenario, startScenario } from '../../support/scenario.ts';

let scenario: Scenario;
let dl: Machine;
let repo: Machine;
beforeAll(async () => {
  scenario = await startScenario('repo-verbs', { dl01: ['outside'], repo01: ['inside'], m1: ['inside'] });
  [dl, repo] = [scenario.network.machine('dl01'), scenario.network.machine('repo01')];
});
afterAll(() => scenario?.stop());

it('template writes every option, and a file that passes its own check', async () => {
  await dl.must('longshore repo template -f outfile.yaml --all && longshore bom check -f outfile.yaml');
  expect(await dl.run('longshore repo template -f outfile.yaml')).toMatchObject({ status: 2 });
  expect(await dl.run('longshore repo nothing')).toMatchObject({ status: 2 });
  expect(await dl.must('longshore repo --help')).toContain('teardown');
});

it('prepare writes what is needed to download for one system', async () => {
  await dl.write('project.yaml', `apiVersion: longshore.dev/v1alpha1
kind: Project
metadata: {name: verbs}
---
apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: web, version: "1"}
spec:
  targets:
    - {id: u2004, family: debian, os: ubuntu, release: "20.04", arch: amd64}
    - {id: deb12, family: debian, os: debian, release: "12", arch: amd64}
  images: [{ref: "quay.io/acme/kafka:2.8.1", platforms: [linux/amd64]}]
  packageRepositories: [{id: t, manager: deb, targets: [u2004, deb12], line: "deb https://deb.example.org/debian stable main", gpgKeys: [{path: keys/archive.asc}]}]
  packages:
    - {id: a, manager: deb, target: u2004, include: [{name: greeter}]}
    - {id: b, manager: deb, target: deb12, include: [{name: unrelated}]}
`);
  await dl.must('mkdir keys && curl -fsS https://deb.example.org/debian/archive.asc -o keys/archive.asc');
  expect(await dl.run('longshore repo prepare -os centos-7 -o /outputdirectory/')).toMatchObject({ status: 2, stderr: expect.stringContaining('ubuntu-20.04') });
  await dl.must('longshore repo prepare -os ubuntu-20.04 -o /outputdirectory/');
  expect(await dl.run('longshore repo prepare -os ubuntu-20.04 -o /outputdirectory/')).toMatchObject({ status: 2, stderr: expect.stringContaining('empty folder') });
  await dl.must('rm -r keys && /outputdirectory/run.sh /media/usb/verbs.tar');
  const { kinds } = JSON.parse(await dl.must('cd /outputdirectory && ./longshore inspect /media/usb/verbs.tar --json')) as { kinds: { kind: string; artifacts: number }[] };
  expect(Object.fromEntries(kinds.map(({ kind, artifacts }) => [kind, artifacts]))).toMatchObject({ image: 1 });
  expect(await dl.must('longshore ls /media/usb/verbs.tar --kind package')).not.toContain('unrelated');
});

it('create serves the prepared folder, and teardown ends it', async () => {
  await repo.must('longshore repo create -b /buildfolder/ --offline /media/usb --allow-unsigned');
  await repo.must('curl -fsS --cacert /var/lib/longshore/tls/ca.pem https://repo01:5000/v2/quay.io/acme/kafka/manifests/2.8.1 -o manifest.json');
  await repo.must('longshore repo teardown -b /buildfolder/');
  expect((await repo.run('curl -fsS -m 3 --cacert /var/lib/longshore/tls/ca.pem https://repo01:5000/healthz')).status).not.toBe(0);
});

it('create takes a tree that download-requirements made', async () => {
  await repo.must('longshore publish --layout epirepo --target u2004 --to /media/usb/epirepo && cd /root && longshore repo create -b /build2/ --offline /media/usb/epirepo --store /root/second --listen 0.0.0.0:5001');
  const ask = 'curl -fsS --retry 10 --retry-all-errors --cacert /root/second/tls/ca.pem https://repo01:5001';
  await repo.must(`${ask}/v2/quay.io/acme/kafka/manifests/2.8.1 -o manifest.json`);
  expect(await repo.must(`${ask}/files/packages/Packages`)).toContain('Package: greeter');
  await repo.must('longshore repo teardown -b /build2/ --store /root/second');
});
