// To other engines and from them: an nginx that serves a published tree to real apt, archives behind http, bundles in a registry.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSigningKey, parseSigningKey } from '../../formats/pgp/keys.ts';
import { clearsign } from '../../formats/pgp/signature.ts';
import { makeRepository } from '../../scripts/quickstart/deb-repository.ts';
import { makeAptRoot } from '../support/apt-root.ts';
import { noise } from '../support/bytes.ts';
import { freePort, longshore, longshoreJson, must, type Outcome, run, type Service, startService } from '../support/command.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { temporaryFolder } from '../support/temporary.ts';

interface Tree { readonly tree: number; readonly changed: boolean; readonly linked: number; readonly written: number }
interface Imported { readonly fetched: number; readonly fetchedBytes: number; readonly changed: boolean }

describe('another web server, and archives from elsewhere', async () => {
  const folder = await temporaryFolder('elsewhere');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = { XDG_CACHE_HOME: join(folder, 'cache') };
  const ls = (...args: string[]): Promise<Outcome> => longshore(args, { cwd: folder, env });
  const json = <T>(...args: string[]): Promise<T> => longshoreJson<T>(args, { cwd: folder, env });
  const publish = (...more: string[]): Promise<Tree> => json<Tree>('publish', '--tree', 'www', '--store', 'machine', ...more);
  let nginx: Service;
  let registry: DockerRegistry;
  let architecture = '';

  async function version(number: string): Promise<void> {
    const key = await readFile(join(folder, 'archive.key'));
    const signer = await parseSigningKey(key, 'key');
    await makeRepository(join(folder, 'apt'), [{ name: 'tool', version: number, description: 'a tool' }], (text) => clearsign(text, signer, new Date()));
    await writeFile(join(folder, 'big.bin'), noise(3_000_000, 4));
    await writeFile(join(folder, 'note.txt'), `version ${number}\n`);
    await writeFile(join(folder, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: app, version: "${number}"}
spec:
  targets: [{id: t, family: debian, os: debian, release: "12", arch: ${architecture}}]
  packageRepositories: [{id: r, manager: deb, targets: [t], line: "deb file:${folder}/apt stable main", gpgKeys: [{path: archive.asc}]}]
  packages: [{id: p, manager: deb, target: t, dependencies: closure, include: [{name: tool}]}]
  files: [{path: big.bin, saveAs: app/big.bin}, {path: note.txt, saveAs: note.txt}]
`);
    await writeFile(join(folder, 'project.yaml'), 'apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: site}\nspec:\n  modules: [{bom: bom.yaml}]\n');
    const made = await ls('prepare', '-f', 'project.yaml', '-o', `${number}.tar`, '--quiet');
    if (made.status !== 0) throw new Error(made.stderr);
  }

  beforeAll(async () => {
    architecture = (await must('dpkg', ['--print-architecture'])).trim();
    const key = await makeSigningKey({ name: 'archive', date: new Date(Date.now() - 60_000) });
    await writeFile(join(folder, 'archive.key'), key.privateKey);
    await writeFile(join(folder, 'archive.asc'), key.publicKey);
    await version('1.0');
    expect(await ls('import', '1.0.tar', '--allow-unsigned', '--store', 'machine')).toMatchObject({ status: 0 });
    await mkdir(join(folder, 'nginx'));
    await writeFile(join(folder, 'nginx.conf'), `daemon off; pid ${folder}/nginx/pid; error_log ${folder}/nginx/error.log; user root; worker_processes 1;
events { worker_connections 64; }
http {
  access_log ${folder}/nginx/access.log; default_type application/octet-stream; client_body_temp_path ${folder}/nginx; proxy_temp_path ${folder}/nginx; fastcgi_temp_path ${folder}/nginx; uwsgi_temp_path ${folder}/nginx; scgi_temp_path ${folder}/nginx;
  log_format ranges '$request_method $uri $status $body_bytes_sent'; access_log ${folder}/nginx/ranges.log ranges;
  server { listen 127.0.0.1:${port}; root ${folder}/www/current; autoindex on; location /archives/ { alias ${folder}/; } location /closed/ { alias ${folder}/; if ($http_authorization != "Bearer t0ken") { return 401; } } }
}
`);
    registry = await startDockerRegistry(join(folder, 'registry'));
  });
  afterAll(async () => { await nginx?.stop(); await registry?.stop(); });

  it('serves a published tree to apt and curl through switches and back', async () => {
    expect(await publish()).toMatchObject({ tree: 1, changed: true });
    nginx = await startService('nginx', ['-c', join(folder, 'nginx.conf')], { ready: async () => (await run('curl', ['-fsS', `${url}/files/note.txt`])).status === 0 });
    expect(await publish()).toMatchObject({ tree: 1, changed: false });
    const apt = await makeAptRoot(join(folder, 'client'), {
      architecture, sources: `Types: deb\nURIs: ${url}/apt/site/t\nSuites: t\nComponents: main\nSigned-By: ${folder}/machine/keys/machine.asc\n`,
    });
    const available = async (): Promise<string> => {
      const update = await apt.apt(['update', '-q']);
      expect([update.status, `${update.stdout}${update.stderr}`.match(/^[WE]:.*/gm)]).toEqual([0, null]);
      return (await apt.mustApt(['install', '-y', '-q', '--print-uris', 'tool'])).match(/tool_([\d.]+)_/)?.[1] ?? '';
    };
    expect(await available()).toBe('1.0');
    expect(await must('curl', ['-fsS', `${url}/files/SHA256SUMS`])).toContain('  note.txt\n');
    const oldIndex = await must('curl', ['-fsS', `${url}/apt/t/dists/t/InRelease`]);
    await version('1.1');
    expect(await ls('import', '1.1.tar', '--allow-unsigned', '--store', 'machine', '--copy')).toMatchObject({ status: 0 });
    const second = await publish();
    expect(second).toMatchObject({ tree: 2, changed: true });
    expect(second.linked).toBeGreaterThan(0);
    expect(await available()).toBe('1.1');
    await apt.mustApt(['install', '-y', '-q', '--download-only', 'tool']);
    // A client that read the index before: what it names by hash is still there.
    const byHash = /^ ([0-9a-f]{64}) +\d+ (\S+)$/m.exec(oldIndex);
    await must('curl', ['-fsS', '-o', '/dev/null', `${url}/apt/site/t/dists/t/${(byHash?.[2] ?? '').replace(/[^/]*$/, '')}by-hash/SHA256/${byHash?.[1]}`]);
    // The big file is the same file all along: in the store or in the tree before, never a second copy.
    const inodes = await Promise.all(['1', '2'].map(async (tree) => (await stat(join(folder, 'www/.trees', tree, 'files/app/big.bin'))).ino));
    expect(new Set(inodes).size).toBe(1);
    expect((await ls('rollback', '--store', 'machine')).status).toBe(0);
    expect(await publish('--keep', '1')).toMatchObject({ tree: 3, changed: true });
    expect(await available()).toBe('1.0');
    expect([await readlink(join(folder, 'www/current')), (await readdir(join(folder, 'www/.trees'))).sort()]).toEqual(['.trees/3', ['3', '3.json', 'release-dates.json', 'use.db']]);
    expect((await ls('publish', '--tree', '.', '--store', 'machine')).status).toBe(6);
    expect((await ls('publish', '--tree', 'www', '--registry', 'x', '--store', 'machine')).status).toBe(2);
  });

  it('lets one after the other publish into one folder', async () => {
    const all = await Promise.all([1, 2, 3].map(() => json<Tree>('publish', '--tree', 'www-many', '--store', 'machine')));
    expect([all.map(({ tree }) => tree), all.filter(({ changed }) => changed).length]).toEqual([[1, 1, 1], 1]);
    expect(await readFile(join(folder, 'www-many/current/files/note.txt'), 'utf8')).toMatch(/^version/);
  });

  it('reads of an archive behind http only what is missing, and goes on where it stopped', async () => {
    const first = await json<Imported>('import', `${url}/archives/1.0.tar`, '--allow-unsigned', '--store', 'by-url');
    expect(first.fetchedBytes).toBeGreaterThan(3_000_000);
    const second = await json<Imported>('import', `${url}/archives/1.1.tar`, '--allow-unsigned', '--store', 'by-url');
    expect(second.fetchedBytes).toBeLessThan(60_000);
    expect(await json<Imported>('import', `${url}/archives/1.1.tar`, '--allow-unsigned', '--store', 'by-url')).toMatchObject({ fetched: 0, changed: false });
    const sent = (await readFile(join(folder, 'nginx/ranges.log'), 'utf8')).split('\n').filter((line) => line.includes('/archives/1.1.tar')).map((line) => Number(line.split(' ')[3]));
    // The head is asked for in steps of a mebibyte, twice; the three megabytes that were here already are not.
    expect(sent.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(2_400_000);
    expect((await ls('store', 'verify', '--store', 'by-url')).status).toBe(0);
    expect((await ls('import', `${url}/archives/1.0.tar`, '--allow-unsigned', '--store', 'by-url')).status).toBe(7);
    expect((await ls('import', `${url}/archives/1.0.tar`, '--store', 'refused')).status).toBe(2);
    expect((await ls('import', `${url}/archives/none.tar`, '--allow-unsigned', '--store', 'refused')).status).toBe(4);
    expect((await ls('import', `${url}/archives/note.txt`, '--allow-unsigned', '--store', 'refused')).status).toBe(2);
    for (const address of [`http://u:hidden@127.0.0.1:${port}/x`, `oci://u:hidden@127.0.0.1:${port}/x:1`, `oci://127.0.0.1:${port}/x@y/hidden@z`]) {
      const outcome = await ls('import', address, '--store', 'refused');
      expect([address, outcome.status, address.includes('u:') && `${outcome.stdout}${outcome.stderr}`.includes('hidden')]).toEqual([address, 2, false]);
    }
    // Nothing of what was refused leaves a store behind.
    await expect(stat(join(folder, 'refused'))).rejects.toThrow('ENOENT');
    for (const address of [`https://u:hidden@127.0.0.1:${port}/bom.yaml`, `${url}/bom.yaml?token=hidden`, `oci://u:hidden@127.0.0.1:${port}/x:1`, `git+https://u:hidden@127.0.0.1:${port}/x@main`]) {
      const outcome = await ls('lock', '-f', address, '--lock', 'elsewhere.json', '--report', 'report.json');
      expect([outcome.status, `${outcome.stdout}${outcome.stderr}${await readFile(join(folder, 'report.json'), 'utf8')}`.includes('hidden')]).toEqual([2, false]);
    }
    const closed = await ls('import', `${url}/closed/1.0.tar`, '--allow-unsigned', '--store', 'closed');
    expect(closed.status).toBe(4);
    const opened = await longshore(['import', `${url}/closed/1.0.tar`, '--allow-unsigned', '--store', 'closed'], { cwd: folder, env: { ...env, LONGSHORE_URL_TOKEN: 't0ken' } });
    expect([opened.status, `${opened.stdout}${opened.stderr}`.includes('t0ken')]).toEqual([0, false]);
  });

  it('streams an archive over ssh as a stream: import -', async () => {
    const bytes = await readFile(join(folder, '1.0.tar'));
    expect(await longshore(['import', '-', '--allow-unsigned', '--store', 'streamed'], { cwd: folder, env, input: bytes })).toMatchObject({ status: 0 });
  });

  it('sends a bundle to a registry whole and reads it back, only what is missing', async () => {
    const flags = ['--registry', registry.host, '--insecure-registry', registry.host, '--bundle', 'carried/site'];
    const published = await json<{ digest: string; state: string }>('publish', ...flags, '1.0.tar', '--allow-unsigned');
    expect(published.state).toBe('published');
    expect((await json<{ state: string }>('publish', ...flags, '1.0.tar', '--allow-unsigned')).state).toBe('present');
    const from = `oci://${registry.host}/carried/site`;
    const insecure = ['--insecure-registry', registry.host, '--store', 'by-oci'];
    expect((await ls('import', from, ...insecure)).status).toBe(2);
    expect((await json<Imported>('import', `${from}@${published.digest}`, ...insecure)).fetchedBytes).toBeGreaterThan(3_000_000);
    await json('publish', ...flags, '1.1.tar', '--allow-unsigned');
    expect((await json<Imported>('import', `${from}:2`, '--allow-unsigned', ...insecure)).fetchedBytes).toBeLessThan(60_000);
    expect((await ls('history', '--store', 'by-oci')).stdout).toMatch(/\* +site +2 +2/);
    const note = (await readFile(join(folder, 'note.txt')));
    expect((await stat(join(folder, 'by-oci/blobs/sha256', createHash('sha256').update(note).digest('hex')))).size).toBe(note.length);
    expect((await ls('import', `oci://${registry.host}/nothing/here:1`, '--allow-unsigned', ...insecure)).status).toBe(4);
  });
});
