// From a bare machine to a serving one and back, by the commands of an operator.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../bom/digest.ts';
import { freePort, longshore, longshoreJson, must, type Outcome, run } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

interface Created { readonly origin: string; readonly caFingerprint: string; readonly setupDigest: string; readonly service: string; readonly projects: readonly { readonly sequence: number; readonly generation: number }[] }

describe('create, sync and teardown', async () => {
  const folder = await temporaryFolder('create');
  const env = { XDG_CACHE_HOME: join(folder, 'cache') };
  const port = await freePort();
  const ls = (...args: string[]): Promise<Outcome> => longshore(args, { cwd: folder, env });
  // Not one of loopback, so that TLS is needed: loopback answers under this one too.
  const create = ['create', '-b', 'build', '--store', 'machine', '--listen', `0.0.0.0:${port}`, '--origin', `https://127.0.0.1:${port}`];
  const json = (...args: string[]): Promise<Created> => longshoreJson<Created>(args, { cwd: folder, env });
  const curl = (path: string): Promise<Outcome> => run('curl', ['-fsS', '--cacert', join(folder, 'build/ca.pem'), `https://127.0.0.1:${port}${path}`]);
  afterAll(() => ls('teardown', '-b', 'build'));

  async function bom(version: string, content: string, upgrades = ''): Promise<void> {
    await writeFile(join(folder, 'content.txt'), content);
    await writeFile(join(folder, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: app, version: "${version}"}\nspec:\n${upgrades}  files: [{path: content.txt, saveAs: content.txt}]\n`);
    await writeFile(join(folder, 'project.yaml'), 'apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: site}\nspec:\n  modules: [{bom: bom.yaml}]\n');
  }

  it('makes a machine serve in one command, and changes nothing when it is run again', async () => {
    await mkdir(join(folder, 'in'));
    await bom('1.0', 'first\n');
    expect(await ls('prepare', '-f', 'project.yaml', '-o', 'in/site-1.tar', '--quiet')).toMatchObject({ status: 0 });
    await writeFile(join(folder, 'in/notes.txt'), 'no archive');
    const refused = await ls(...create, '--offline', 'in');
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('--allow-unsigned')]);
    const created = await json(...create, '--offline', 'in', '--allow-unsigned');
    expect(created.service).toMatch(/started/);
    expect((await curl('/files/content.txt')).stdout).toBe('first\n');
    expect(await must('openssl', ['x509', '-in', join(folder, 'build/ca.pem'), '-noout', '-fingerprint', '-sha256'])).toContain(created.caFingerprint);
    await writeFile(join(folder, 'fetched.sh'), (await curl('/client/setup.sh')).stdout);
    expect(await must('sha256sum', [join(folder, 'fetched.sh')])).toContain(created.setupDigest.slice(7));
    for (const name of ['setup.sh', 'ansible.yml', 'cloud-config.yml', 'longshore.service', 'longshore.asc', 'repository.json', 'files/etc/ssl/longshore/ca.pem']) expect((await stat(join(folder, 'build', name))).size).toBeGreaterThan(0);
    const again = await json(...create, '--offline', 'in', '--allow-unsigned');
    expect(again).toEqual({ ...created, service: created.service.replace('started', 'running') });
    // A new authority, taken by the running service: the old one is not believed any more.
    await writeFile(join(folder, 'old-ca.pem'), await readFile(join(folder, 'build/ca.pem')));
    expect((await json(...create, '--rotate-ca')).caFingerprint).not.toBe(created.caFingerprint);
    await expect.poll(async () => (await curl('/healthz')).status, { timeout: 20_000 }).toBe(0);
    expect((await run('curl', ['-fsS', '--cacert', join(folder, 'old-ca.pem'), `https://127.0.0.1:${port}/healthz`])).status).not.toBe(0);
    const verified = await run('systemd-analyze', ['verify', '--man=no', join(folder, 'build/longshore.service')]).catch(() => undefined);
    if (verified !== undefined) expect(verified.stderr).not.toMatch(/longshore\.service:\d+/);
  });

  it('serves what sync brings without an archive, and keeps what it served when that fails', async () => {
    await bom('1.1', 'second\n');
    const sync = ['sync', '-f', 'project.yaml', '--store', 'machine'];
    expect((await ls(...sync)).stdout).toMatch(/generation 2 is served \(sequence 2\)$/m);
    expect((await ls(...sync, '--tree', 'www')).stdout).toMatch(/generation 2 is served \(sequence 2\), as before\nwww\/current: tree 1 is served, /);
    expect(await readFile(join(folder, 'www/current/files/content.txt'), 'utf8')).toBe('second\n');
    await expect.poll(async () => (await curl('/files/content.txt')).stdout, { timeout: 20_000 }).toBe('second\n');
    await bom('3.0', 'third\n', '  upgrades: {from: [">=2.0.0"], via: [app-2]}\n');
    const refused = await ls(...sync, '--tree', 'www');
    expect([refused.status, refused.stderr]).toEqual([7, expect.stringMatching(/app 3.0 replaces >=2.0.0, and this machine has 1.1: go through app-2[\s\S]*--allow-upgrade-path/)]);
    expect([(await curl('/files/content.txt')).stdout, await readlink(join(folder, 'www/current'))]).toEqual(['second\n', '.trees/1']);
    expect((await ls('prepare', '-f', 'project.yaml', '-o', 'in/site-3.tar', '--quiet')).status).toBe(0);
    expect((await ls('import', 'in/site-3.tar', '--allow-unsigned', '--store', 'machine')).status).toBe(7);
    const taken = await ls('import', 'in/site-3.tar', '--allow-unsigned', '--allow-upgrade-path', '--store', 'machine');
    expect([taken.status, taken.stderr]).toEqual([0, expect.stringContaining('warning')]);
    await expect.poll(async () => (await curl('/files/content.txt')).stdout, { timeout: 20_000 }).toBe('third\n');
  });

  it('tells which machines were seen, and that nothing answers when it is so', async () => {
    const { service } = await longshoreJson<{ service: { running: boolean; clients: readonly { address: string; requests: number }[] } }>(['status', '--store', 'machine'], { cwd: folder });
    expect(service).toMatchObject({ running: true });
    expect(service.clients.find(({ address }) => address.endsWith('127.0.0.1'))?.requests).toBeGreaterThan(2);
    expect((await ls('status', '--store', 'machine')).stdout).toMatch(/service: https:\/\/127\.0\.0\.1:\d+, 1 client seen since it started\n +\S*127\.0\.0\.1 +\S+ +\d+ requests/);
  });

  it('is taken down: stopped, without some kinds, and gone', async () => {
    expect((await ls('teardown', '-b', 'build', '--remove', 'nonsense')).status).toBe(2);
    const text = (await ls('teardown', '-b', 'build', '--remove', 'files')).stdout;
    expect(text).toContain('the service was stopped');
    expect((await curl('/healthz')).status).not.toBe(0);
    expect((await ls('status', '--store', 'machine')).stdout).toContain('service: does not answer');
    const status = await longshoreJson<{ served: readonly { kinds: readonly unknown[]; generations: number }[] }>(['status', '--store', 'machine'], { cwd: folder });
    expect(status.served[0]).toMatchObject({ kinds: [] });
    expect(existsSync(join(folder, 'machine/keys/machine.key'))).toBe(true);
    expect((await ls('teardown', '-b', 'build', '--remove', 'all')).stdout).toContain('no service ran');
    expect(existsSync(join(folder, 'machine'))).toBe(false);
    expect((await ls('teardown', '--store', 'machine')).status).toBe(6);
    expect((await ls('teardown', '-b', 'in')).status).toBe(2);
    expect(await readFile(join(folder, 'in/site-3.tar'))).toBeDefined();
  });

  it('refuses an address that is taken and origins that a shell could misread, before anything is made', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const taken = String((other.address() as AddressInfo).port);
    try {
      const refused = await ls('create', '-b', 'build-taken', '--store', 'taken', '--listen', `127.0.0.1:${taken}`);
      expect([refused.status, refused.stderr]).toEqual([7, expect.stringContaining('another process listens there')]);
      expect(existsSync(join(folder, 'taken/serve.pid'))).toBe(false);
    } finally {
      other.close();
    }
    for (const origin of ["http://h';id;':1", 'http://$(id):1', 'https://user:hidden@repo01:5000', 'garbage', 'https://repo01/path']) {
      const refused = await ls('create', '-b', 'build-no', '--store', 'no', '--origin', origin, '--no-service');
      expect([origin, refused.status, refused.stderr.includes('hidden')]).toEqual([origin, 2, false]);
      expect((await ls('client', 'setup', '--store', 'taken', '--origin', origin)).status).toBe(2);
    }
    expect(existsSync(join(folder, 'no'))).toBe(false);
    expect((await ls('create', '-b', 'build-no', '--store', 'no', '--user', 'x\nExecStartPre=/bin/true', '--no-service')).status).toBe(2);
  });

  it('takes down nothing that is not its own: image layouts of other programs, files beside its own, processes with its old number', async () => {
    const layout = join(folder, 'layout');
    await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
    await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    await writeFile(join(layout, 'index.json'), '{"schemaVersion":2,"manifests":[]}');
    await writeFile(join(layout, 'blobs/sha256', hexOf(digestOf(Buffer.from('x')))), 'x');
    expect((await ls('teardown', '--store', layout, '--remove', 'all')).status).toBe(6);
    expect([(await ls('gc', '--store', layout)).status, (await readdir(join(layout, 'blobs/sha256'))).length]).toEqual([2, 1]);
    expect((await ls('create', '-b', 'build-own', '--store', 'own', '--no-service')).status).toBe(0);
    await writeFile(join(folder, 'own/notes.txt'), 'mine');
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'serve', '--store', 'elsewhere'], { stdio: 'ignore' });
    try {
      await writeFile(join(folder, 'own/serve.pid'), JSON.stringify({ pid: other.pid, args: ['--store', join(folder, 'own')] }));
      const removed = await ls('teardown', '--store', 'own', '--remove', 'all');
      expect([removed.status, removed.stdout, removed.stderr]).toEqual([0, expect.stringContaining('no service ran'), expect.stringContaining('notes.txt')]);
      expect(await readdir(join(folder, 'own'))).toEqual(['notes.txt']);
      expect(other.exitCode ?? other.signalCode).toBe(null);
      await mkdir(join(folder, 'own/keys'));
      await writeFile(join(folder, 'own/oci-layout'), '{}');
      await writeFile(join(folder, 'own/serve.pid'), 'nonsense');
      expect((await ls('teardown', '--store', 'own')).status).toBe(6);
    } finally {
      other.kill();
    }
  });
});
