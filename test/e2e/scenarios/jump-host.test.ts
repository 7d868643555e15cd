// Jump Host: only the repository machine reaches the internet; the cluster's machines reach nothing but it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../support/machines.ts';
import { allowSsh, type Scenario, sshOption, startScenario, targetId, templateOn, writeTreeOn } from '../../support/scenario.ts';

let scenario: Scenario;
let repo: Machine;
let m1: Machine;
beforeAll(async () => {
  scenario = await startScenario('jump-host', { repo01: ['outside', 'inside'], m1: ['inside'] });
  [repo, m1] = [scenario.network.machine('repo01'), scenario.network.machine('m1')];
  await writeTreeOn(repo, 'epiphany', scenario.releases[0] ?? {});
  await allowSsh(repo, m1);
  await repo.write('inventory', 'm1\n');
});
afterAll(() => scenario?.stop());

describe('jump host', () => {
  it('the cluster has no way out', async () => {
    expect((await m1.run('ip route get 192.0.2.1')).status).not.toBe(0);
    expect((await m1.run('curl -fsS -m 3 https://downloads.example.org/agent-1.tgz')).status).toBe(7);
  });

  it('locks what the components need, says what was left out, and plans without downloading', async () => {
    await templateOn(repo, `--adapter epiphany --from epiphany --target ubuntu-20.04/amd64 --components repository,kafka`);
    const lock = JSON.parse(await repo.must('longshore lock -f project.yml --json')) as { kinds: { kind: string; count: number }[]; dropped: { what: string }[]; firstUse: string[] };
    expect(Object.fromEntries(lock.kinds.map(({ kind, count }) => [kind, count]))).toEqual({ images: 2, files: 1, packages: 2 });
    expect(lock.dropped.map(({ what }) => what).join()).toMatch(/redis:7/);
    expect(await repo.must('longshore plan')).toContain('to download');
    expect((await repo.run('test -e /var/lib/longshore/oci-layout')).status).not.toBe(0);
  });

  it('downloads, serves, and points the cluster here', async () => {
    await repo.must('longshore download --store /var/lib/longshore');
    const created = await repo.must('longshore create -b build/ --online -f project.yml');
    expect(created).toContain('https://repo01:5000/');
    await repo.must(`longshore client setup -i inventory --exclusive --target ${targetId} ${sshOption}`);
    await m1.must('apt-get update -q && apt-get install -y -q greeter');
    expect(await m1.must('cat /usr/share/greeter/README')).toContain('greets');
    await m1.must('skopeo copy -q --insecure-policy docker://repo01:5000/quay.io/acme/kafka:2.8.1 oci:kafka:x');
    expect(await m1.must('curl -fsS https://repo01:5000/files/agent-1.tgz')).toBe('agent 1\n');
    await repo.must(`longshore client audit -i inventory ${sshOption}`);
  });
});
