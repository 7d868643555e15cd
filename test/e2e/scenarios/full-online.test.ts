// Full Online: every machine reaches the internet, and must not use it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Machine } from '../../support/machines.ts';
import { allowSsh, type Scenario, sshOption, startScenario, targetId, templateOn, writeTreeOn } from '../../support/scenario.ts';

let scenario: Scenario;
let repo: Machine;
let m4: Machine;
beforeAll(async () => {
  scenario = await startScenario('full-online', { repo01: ['outside', 'inside'], m4: ['outside', 'inside'] });
  [repo, m4] = [scenario.network.machine('repo01'), scenario.network.machine('m4')];
  await writeTreeOn(repo, 'epiphany', scenario.releases[0] ?? {});
  await allowSsh(repo, m4);
  await repo.write('inventory', 'm4\n');
  await templateOn(repo, '--adapter epiphany --from epiphany --target ubuntu-20.04/amd64 --components repository,kafka');
  await repo.must('longshore create -b build/ --online -f project.yml');
});
afterAll(() => scenario?.stop());

it('takes everything from the repository machine, though the internet is there', async () => {
  expect(await m4.must('curl -fsS https://downloads.example.org/agent-1.tgz')).toBe('agent 1\n');
  await repo.must(`longshore client setup -i inventory --exclusive --target ${targetId} ${sshOption}`);
  await m4.must('apt-get update -q && apt-get install -y -q greeter');
  expect(await m4.must('apt-cache policy greeter')).toContain('https://repo01:5000');
  await repo.must(`longshore client audit -i inventory ${sshOption}`);
});

it('finds what leads past it, and is at peace once that is locked and gone', async () => {
  const audit = `longshore client audit -i inventory ${sshOption}`;
  await m4.must('echo "deb [trusted=yes] https://deb.example.org/debian stable main" > /etc/apt/sources.list.d/own.list');
  // Past the settings for this machine's tools, as someone does who knows how.
  await m4.must('skopeo --registries-conf /dev/null copy -q --insecure-policy docker://docker.io/library/redis:7 containers-storage:docker.io/library/redis:7');
  const found = await repo.run(audit);
  expect([found.status, found.stdout]).toEqual([3, expect.stringContaining('podman: image docker.io/library/redis:7: not from here')]);
  expect(found.stdout).toContain('own.list');
  await repo.must('sed -i "s/^      - kafka$/      - kafka\\n      - monitoring/" project.yml && longshore create -b build/ --online -f project.yml');
  expect(await repo.must('longshore status')).toContain('serving generation 2');
  await m4.must('rm /etc/apt/sources.list.d/own.list');
  // The service takes a moment to see the switch.
  await m4.must('curl -fsS -o /dev/null --retry 30 --retry-delay 1 --retry-all-errors https://repo01:5000/v2/docker.io/library/redis/manifests/7');
  await m4.must('skopeo copy -q --insecure-policy docker://repo01:5000/docker.io/library/redis:7 containers-storage:docker.io/library/redis:7');
  await repo.must(audit);
});

it('finds an image of a registry that is not here, of root and of a user, and a runtime that does not answer', async () => {
  const audit = async (): Promise<string> => {
    const { status, stdout } = await repo.run(`longshore client audit -i inventory ${sshOption}`);
    return `status ${status}\n${stdout}`;
  };
  const copyTo = 'skopeo copy -q --insecure-policy docker://repo01:5000/docker.io/library/redis:7';
  await m4.must(`${copyTo} containers-storage:registry.elsewhere.test/team/stray:1`);
  expect(await audit()).toMatch(/^status 3\n[^]*podman: image registry\.elsewhere\.test\/team\/stray:1: not from here/);
  await m4.must('podman rmi registry.elsewhere.test/team/stray:1');
  expect(await audit()).toMatch(/^status 0\nm4 +clean/);
  // A user's own, where rootless podman keeps it.
  await m4.must(`echo user:x:4711:4711::/home/user:/bin/sh >> /etc/passwd && ${copyTo} 'containers-storage:[vfs@/home/user/.local/share/containers/storage+/run/user-storage]registry.elsewhere.test/team/own:1'`);
  expect(await audit()).toMatch(/^status 3\n[^]*containers-storage \(\/home\/user\): image registry\.elsewhere\.test\/team\/own:1: not from here/);
  await m4.must('rm -r /home/user');
  await m4.must('cp /etc/containers/storage.conf good && echo "driver =" > /etc/containers/storage.conf');
  expect(await audit()).toMatch(/^status 3\n[^]*podman: does not tell its images \(status [1-9]\d*\): .*toml/);
  await m4.must('cp good /etc/containers/storage.conf && printf "#!/bin/sh\\n" > /usr/bin/ctr && chmod 755 /usr/bin/ctr');
  expect(await audit()).toMatch(/^status 3\n[^]*containerd: is installed and does not run/);
  await m4.must('rm /usr/bin/ctr');
  expect(await audit()).toMatch(/^status 0\n/);
});
