// Bastion v1: the laptop writes a kit and downloads nothing, a temporary machine downloads, the closed site imports; later only what changed travels.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noise } from '../../support/bytes.ts';
import type { Machine } from '../../support/machines.ts';
import { allowSsh, type Scenario, sshOption, startScenario, targetId, templateOn, writeTreeOn } from '../../support/scenario.ts';

let scenario: Scenario;
const machine = (name: string): Machine => scenario.network.machine(name);
beforeAll(async () => {
  scenario = await startScenario('bastion-v1', { laptop: ['outside'], dl01: ['outside'], repo01: ['inside'], m1: ['inside'] }, async (world) => {
    await world.addImage('docker.io/library/redis:7', { files: { data: noise(1_500_000, 7).toString('hex') } });
  });
  for (const [index, files] of scenario.releases.entries()) await writeTreeOn(machine('laptop'), `epiphany-${index + 1}`, files);
  await allowSsh(machine('repo01'), machine('m1'));
  await machine('repo01').write('inventory', 'm1\n');
});
afterAll(() => scenario?.stop());

const downloading = async (kit: string, more: string): Promise<void> => {
  await machine('dl01').must(`cp -r /media/usb/${kit} . && cd ${kit} && ${more}`);
};

describe('install', () => {
  it('the kit holds everything but the content', async () => {
    const laptop = machine('laptop');
    await templateOn(laptop, '--adapter epiphany --from epiphany-1 --target ubuntu-20.04/amd64');
    await laptop.must('longshore prepare -f project.yml --os ubuntu-20.04 --kit kit && cp -r kit /media/usb/kit1');
    expect((await laptop.must('ls kit')).trim().split('\n')).toEqual(['bin', 'boms', 'files', 'longshore', 'project.yaml', 'run.sh']);
  });

  it('the downloading machine needs nothing but the kit', async () => {
    // Neither its apt nor its own longshore are used.
    await machine('dl01').must('rm -r /etc/apt /usr/local/bin/longshore');
    await downloading('kit1', './longshore lock -f project.yaml --store store && ./longshore download -f project.yaml --store store && ./longshore keygen --name Operations -o ops');
    const exported = JSON.parse(await machine('dl01').must('cd kit1 && ./longshore export --store store --lock longshore.lock.json -o /media/usb/newcluster.tar --split 1MB --sign ops.key --json')) as { paths: string[] };
    expect(exported.paths.length).toBeGreaterThan(1);
    await machine('dl01').must('cp kit1/ops.asc /media/usb/');
  });

  it('the laptop verifies it, and the site imports and serves it', async () => {
    expect(await machine('laptop').must('longshore verify /media/usb/newcluster.tar.* --key /media/usb/ops.asc')).toContain('all good');
    const repo = machine('repo01');
    expect((await repo.run('ip route get 192.0.2.1')).status).not.toBe(0);
    await repo.must('longshore create -b build/ --offline /media/usb --key /media/usb/ops.asc');
    await repo.must(`longshore client setup -i inventory --exclusive --target ${targetId} ${sshOption}`);
    await machine('m1').must('apt-get update -q && apt-get install -y -q greeter && skopeo copy -q --insecure-policy docker://repo01:5000/quay.io/acme/kafka:2.8.1 oci:kafka:x');
    expect(await machine('m1').must('curl -fsS https://repo01:5000/files/kafka.json')).toContain('kafka');
  });
});

describe('upgrade', () => {
  it('is told before anything is downloaded', async () => {
    const laptop = machine('laptop');
    for (const number of [1, 2]) await laptop.must(`longshore bom convert epiphany-${number} --from epiphany --select ubuntu-20.04 --select x86_64 --out release-${number}.yaml`);
    const changed = await laptop.must('longshore bom diff release-1.yaml release-2.yaml');
    expect(changed).toMatch(/kafka:3\.0\.0/);
    expect(changed).toMatch(/kafka:2\.8\.1/);
  });

  it('carries only what the site lacks', async () => {
    await machine('laptop').must('sed -i s/epiphany-1/epiphany-2/ project.yml && longshore prepare -f project.yml --os ubuntu-20.04 --kit kit2 && cp -r kit2 /media/usb/kit2');
    await downloading('kit2', 'cp ../kit1/longshore.lock.json old.lock.json && cp old.lock.json longshore.lock.json && ./longshore lock -f project.yaml --store ../kit1/store && ./longshore download -f project.yaml --store ../kit1/store');
    await machine('dl01').must('cd kit2 && ./longshore export --store ../kit1/store --base old.lock.json -o /media/usb/upgrade.tar --sign ../kit1/ops.key');
    const listed = JSON.parse(await machine('dl01').must('cd kit2 && ./longshore ls /media/usb/upgrade.tar --json')) as { entries: { name: string; carried: boolean }[] };
    const carried = listed.entries.filter((entry) => entry.carried).map(({ name }) => name);
    expect(carried).toEqual(expect.arrayContaining(['agent-2.tgz']));
    expect(carried.join()).not.toMatch(/greeter|kafka\.json/);
  });

  it('is refused where its base is not, and changes what is served where it is', async () => {
    const repo = machine('repo01');
    const refused = await repo.run('longshore import /media/usb/upgrade.tar --key /media/usb/ops.asc --store /root/empty');
    expect(refused).toMatchObject({ status: 7, stderr: expect.stringContaining('TARGET_BASE') });
    await repo.must('longshore import /media/usb/upgrade.tar --key /media/usb/ops.asc');
    expect(await repo.must('longshore status')).toContain('serving generation 2');
    expect(await machine('m1').must('curl -fsS --retry 5 --retry-all-errors https://repo01:5000/files/agent-2.tgz')).toBe('agent 2\n');
    await repo.must('longshore rollback && longshore rollback 2 && longshore gc --keep 2');
  });
});
