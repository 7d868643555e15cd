// The service under a systemd that runs it: units, sockets, and what an operator does with them.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { longshore } from '../support/command.ts';
import { bootSystemd, type SystemdMachine } from '../support/systemd-machine.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('systemd');
const bigBytes = 60_000_000;
let machine: SystemdMachine;
const create = (more: string): string => `longshore create -b /root/build --store /var/lib/longshore --offline /media/usb --allow-unsigned ${more}`;
const get = 'curl -fsS --cacert /root/build/ca.pem https://repo01:5000';
const property = async (name: string, unit = 'longshore'): Promise<string> => (await machine.must(`systemctl show -P ${name} ${unit}`)).trim();
const health = async (): Promise<number | null> => (await machine.run(`${get}/healthz`)).status;

beforeAll(async () => {
  await mkdir(join(folder, 'medium'));
  await writeFile(join(folder, 'big.bin'), Buffer.alloc(bigBytes, 'big'));
  await writeFile(join(folder, 'bom.yaml'), 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: app, version: "1.0"}\nspec:\n  files: [{path: big.bin, saveAs: big.bin}]\n');
  await writeFile(join(folder, 'project.yaml'), 'apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: site}\nspec:\n  modules: [{bom: bom.yaml}]\n');
  const made = await longshore(['prepare', '-f', 'project.yaml', '-o', 'medium/site-1.tar', '--quiet'], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') } });
  expect(made).toMatchObject({ status: 0 });
  machine = await bootSystemd(folder);
});
afterAll(() => machine?.stop());

describe('the service', () => {
  it('is made by create, serves before that ends, and is left alone when nothing changed', async () => {
    expect(await machine.must(create(''))).toContain('systemd unit longshore, started');
    expect(JSON.parse(await machine.must(`${get}/healthz`))).toMatchObject({ status: 'ok' });
    expect(await property('StatusText')).toMatch(/^serving site at https:/);
    expect(await machine.must(create(''))).toContain('systemd unit longshore, running');
    expect(await machine.must('longshore status --store /var/lib/longshore')).toContain('service: https://repo01:5000');
    expect(await machine.must('systemctl is-enabled longshore')).toBe('enabled\n');
  });

  it('may do little: its own user, a read-only system, no capability, and one folder to write to', async () => {
    const pid = await property('MainPID');
    const facts = await machine.must(`grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/${pid}/status; id -u longshore`);
    expect(facts).toMatch(/^CapEff:\t0+\nCapBnd:\t0+\nNoNewPrivs:\t1\nSeccomp:\t2$/m);
    expect(/^Uid:\t(\d+)/m.exec(facts)?.[1]).toBe(facts.trim().split('\n').at(-1));
    const within = `nsenter -t ${pid} -m`;
    for (const path of ['/usr/x', '/etc/x', '/var/x', '/opt/longshore/x']) expect((await machine.run(`${within} touch ${path}`)).stderr).toContain('Read-only file system');
    expect((await machine.run(`${within} touch /var/lib/longshore/x && rm /var/lib/longshore/x`)).status).toBe(0);
    expect(await machine.must(`touch /tmp/secret && ${within} ls -A /tmp; ${within} ls -A /root /home`)).not.toMatch(/secret|build/);
    const [, exposure = ''] = /Overall exposure level for longshore.service: ([\d.]+)/.exec(await machine.must('systemd-analyze security longshore --no-pager')) ?? [];
    expect(Number(exposure)).toBeGreaterThan(0);
    expect(Number(exposure)).toBeLessThanOrEqual(2);
  });

  it('takes another certificate on reload, with the same process', async () => {
    const before = await property('MainPID');
    const authority = await machine.must('cat /root/build/ca.pem');
    await machine.must(create('--rotate-ca'));
    expect(await machine.must('cat /root/build/ca.pem')).not.toBe(authority);
    // /root/build/ca.pem is the new one by now.
    await expect.poll(health, { timeout: 10_000 }).toBe(0);
    await machine.must('systemctl reload longshore');
    await expect.poll(() => property('ActiveState')).toBe('active');
    expect([await property('MainPID'), await health()]).toEqual([before, 0]);
  });

  it('lets answers end when it is stopped', async () => {
    const counted = machine.must(`${get}/files/big.bin --limit-rate 20M | wc -c`);
    await expect.poll(async () => (await machine.run(`${get}/metrics`)).stdout).toMatch(/longshore_http_requests_in_flight [2-9]/);
    await machine.must('systemctl stop longshore');
    expect(Number(await counted)).toBe(bigBytes);
    expect([await property('Result'), await property('ActiveState'), await health()]).toEqual(['success', 'inactive', 7]);
    await machine.must('systemctl start longshore');
    expect(await health()).toBe(0);
  });

  it('comes back when it is killed, and when it hangs', async () => {
    const killed = await property('MainPID');
    await machine.must(`kill -9 ${killed}`);
    await expect.poll(health, { timeout: 20_000 }).toBe(0);
    expect(await property('NRestarts')).toBe('1');
    await machine.must('mkdir /run/systemd/system/longshore.service.d && printf "[Service]\\nWatchdogSec=3\\n" > /run/systemd/system/longshore.service.d/soon.conf && systemctl daemon-reload && systemctl restart longshore');
    const hung = await property('MainPID');
    // It lives past its watchdog, by telling that it does.
    await machine.must('sleep 5');
    expect(await property('MainPID')).toBe(hung);
    await machine.must(`kill -STOP ${hung}`);
    await expect.poll(async () => [(await property('MainPID')) === hung, await health()], { timeout: 30_000 }).toEqual([false, 0]);
    await machine.must('rm -r /run/systemd/system/longshore.service.d && systemctl daemon-reload');
  });

  it('has a unit for each store', async () => {
    const second = 'longshore create -b /root/build2 --store /srv/second --listen 127.0.0.1:5001';
    const refused = await machine.run(second);
    expect([refused.status, refused.stderr]).toEqual([7, expect.stringMatching(/longshore\.service[\s\S]*\/var\/lib\/longshore[\s\S]*--unit/)]);
    expect((await machine.run('ls /srv/second')).status).not.toBe(0);
    const taken = await machine.run(`${second.replace('5001', '5000')} --unit longshore-second`);
    expect([taken.status, taken.stderr]).toEqual([7, expect.stringContaining('another process listens there')]);
    expect(await machine.must(`${second} --unit longshore-second`)).toContain('systemd unit longshore-second, started');
    expect(await machine.must(second)).toContain('systemd unit longshore-second, running');
    expect(await machine.must('longshore teardown -b /root/build2')).toContain('the service was stopped');
    expect([await health(), (await machine.run('curl -fsS http://127.0.0.1:5001/healthz')).status, (await machine.run('systemctl cat longshore-second')).status]).toEqual([0, 7, 1]);
  });
});

describe('socket activation', () => {
  it('keeps the addresses open while the service starts again, on TCP with TLS and on a Unix socket', async () => {
    await machine.must('groupadd web');
    expect(await machine.must(create('--socket --listen 0.0.0.0:5000 --listen unix:/run/longshore/web.sock --socket-group web'))).toContain('systemd unit longshore, started');
    expect(await machine.must('stat -c "%a %U %G" /run/longshore/web.sock')).toBe('660 longshore web\n');
    expect(await machine.must('curl -fsS --unix-socket /run/longshore/web.sock http://repo01/healthz')).toContain('"ok"');
    const [counts = ''] = [await machine.must(`
      ( for _ in $(seq 60); do ${get}/healthz -o /dev/null && echo good || echo bad; done ) > /run/asked 2>&1 &
      for _ in 1 2 3; do systemctl restart longshore; done; wait; sort /run/asked | uniq -c`)];
    expect(counts.trim()).toBe('60 good');
    await machine.must('systemctl stop longshore.service');
    expect(await property('ActiveState')).toBe('inactive');
    expect([await health(), await property('ActiveState')]).toEqual([0, 'active']);
    expect(await machine.must('longshore status --store /var/lib/longshore')).toContain('service: https://repo01:5000');
  });

  it('is taken back by create without it, and by teardown', async () => {
    expect(await machine.must(create('--listen 0.0.0.0:5000 --listen unix:/run/longshore/own.sock --socket-mode 666'))).toContain('started');
    expect(await machine.must('stat -c "%a %U %G" /run/longshore/own.sock; ls /etc/systemd/system')).toMatch(/^666 longshore longshore\n(?![\s\S]*longshore\.socket)/);
    expect(await machine.must(create('--listen 0.0.0.0:5000 --listen unix:/run/longshore/own.sock --socket-group web'))).toContain('started');
    expect(await machine.must('stat -c "%a %U %G" /run/longshore/own.sock')).toBe('660 longshore web\n');
    expect(await machine.must(create('--socket'))).toContain('started');
    expect(await machine.must('longshore teardown -b /root/build')).toContain('the service was stopped');
    expect([(await machine.run(`ls -d /etc/systemd/system/longshore* /etc/systemd/system/*/longshore*`)).stdout, await health()]).toEqual(['', 7]);
  });
});
