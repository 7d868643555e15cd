// From a distribution's yum repository to dnf on a machine without a network, over an archive; and on to the next generation.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lock } from '../../bom/lock.ts';
import { freePort, longshore, longshorePath, must, type Outcome, run, startService } from '../support/command.ts';
import { type FolderServer, serveFolder } from '../support/folder-server.ts';
import { makeRpmUpstream, type RpmUpstream } from '../support/rpm-upstream.ts';
import { startServe } from '../support/site.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('rpm');
let upstream: RpmUpstream;
let server: FolderServer;

const first = [
  { name: 'app', version: '1.0', arch: 'x86_64' as const, preamble: ['Requires: libthing.so.1()(64bit)', 'Requires: /usr/bin/helper', 'Requires: (lang-de if lang)', 'Recommends: extra'] },
  { name: 'libthing', version: '1.0', arch: 'x86_64' as const, preamble: ['Provides: libthing.so.1()(64bit)', 'Requires: /opt/thing/data'] },
  { name: 'helper', version: '1.0', files: ['/usr/bin/helper'] }, { name: 'thing-data', version: '1.0', files: ['/opt/thing/data'] },
  { name: 'lang', version: '1.0' }, { name: 'lang-de', version: '1.0' }, { name: 'extra', version: '1.0' }, { name: 'lonely', version: '1.0' },
];

async function ok(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await longshore([...args, '--no-progress'], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') } });
  if (status !== 0) throw new Error(`longshore ${args.join(' ')}: ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

async function bom(set: string, repository = ''): Promise<void> {
  await writeFile(join(folder, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: rpms, version: "1"}
spec:
  targets: [{id: el9, family: rhel, os: almalinux, release: "9", arch: amd64}]
  packageRepositories: [{id: upstream, manager: rpm, targets: [el9], baseurl: "${server.url}/", gpgKeys: [{url: "${server.url}/key.asc"}], repoGpgcheck: true${repository}}]
  packages: [{id: main, manager: rpm, target: el9, ${set}}]
`);
}

const locked = async (): Promise<Lock> => JSON.parse(await readFile(join(folder, 'longshore.lock.json'), 'utf8')) as Lock;
const names = (lock: Lock): string[] => lock.spec.packages.map(({ name, version }) => `${name} ${version}`);

beforeAll(async () => {
  upstream = await makeRpmUpstream(join(folder, 'upstream'));
  await upstream.add(first);
  server = await serveFolder(upstream.folder);
}, 120_000);
afterAll(async () => { await server.stop(); });

/** dnf on an empty root, in a network namespace that has nothing but loopback and our server on it. */
async function dnf(root: string, args: readonly string[]): Promise<Outcome> {
  const [cache, repos] = [join(folder, 'dnf-cache'), join(folder, 'repos')];
  await mkdir(repos, { recursive: true });
  const script = `
    ip link set lo up
    if ip route get 192.0.2.1 2>/dev/null; then echo 'there is a route to the outside' >&2; exit 99; fi
    "$NODE" "$LONGSHORE" serve --store "$MACHINE" >"$LOG" 2>&1 &
    server=$!
    for _ in $(seq 100); do curl -fsS -o /dev/null http://127.0.0.1:5000/healthz 2>/dev/null && break; sleep 0.1; done
    dnf -y --installroot="$ROOT" --disableplugin=local --releasever=9 --forcearch=x86_64 --setopt=reposdir="$REPOS" --setopt=cachedir="$CACHE" --setopt=metadata_expire=0 "$@"
    status=$?
    kill "$server"; wait "$server" 2>/dev/null
    exit $status`;
  return run('unshare', ['--net', 'sh', '-c', script, 'sh', ...args], { env: { ROOT: root, CACHE: cache, REPOS: repos, MACHINE: join(folder, 'machine'), LOG: join(folder, 'serve.log'), NODE: process.execPath, LONGSHORE: longshorePath, LC_ALL: 'C' } });
}

const installed = async (root: string): Promise<string[]> => (await must('rpm', [`--root=${root}`, '-qa', '--qf', '%{name} %{version}\\n'])).trim().split('\n').filter((line) => !line.startsWith('gpg-pubkey')).sort();

/** The .repo file that clients are given, out of the script that sets them up. */
async function writeClientFile(): Promise<void> {
  const site = await startServe(['--store', 'machine'], folder);
  try {
    const script = await (await fetch(`${site.url}/client/setup.sh`)).text();
    const text = /^\[longshore-rpms-el9\]\n(?:(?:[a-z_]+=| +).*\n)+/m.exec(script)?.[0] ?? '';
    await mkdir(join(folder, 'repos'), { recursive: true });
    await writeFile(join(folder, 'repos/longshore.repo'), text.replaceAll(site.url, 'http://127.0.0.1:5000').replace(/file:\/\S+/, 'http://127.0.0.1:5000/keys/longshore.asc'));
  } finally {
    await site.stop();
  }
}

describe('from a yum repository to dnf', () => {
  it('locks what dnf would install, over the heads of packages alone', async () => {
    await bom('include: [{name: app}, {name: lang}]');
    server.requests.length = 0;
    await ok('lock', '-f', 'bom.yaml');
    expect(names(await locked())).toEqual(['app 1.0-1', 'helper 1.0-1', 'lang 1.0-1', 'lang-de 1.0-1', 'libthing 1.0-1', 'thing-data 1.0-1']);
    expect(server.requests.filter((line) => line.includes('.rpm')).every((line) => /bytes=0-\d+$/.test(line))).toBe(true);
    expect(server.requests.some((line) => line.includes('filelists'))).toBe(true);
    const { spec: { packages, repositories } } = await locked();
    expect(new Set(packages.map(({ signedBy }) => signedBy))).toEqual(new Set(repositories[0]?.keyFingerprints));
    expect(await ok('why', 'helper')).toContain('app 1.0-1: asked for');
    expect(await ok('bom', 'sbom')).toContain('pkg:rpm/almalinux/helper@1.0-1?arch=noarch');
  });

  it('locks again without asking for what is known', async () => {
    server.requests.length = 0;
    expect(await ok('lock', '-f', 'bom.yaml')).toContain('is up to date');
    expect(server.requests.map((line) => line.replace(/^GET /, '')).filter((line) => !line.startsWith('/key.asc'))).toEqual(['/repodata/repomd.xml', '/repodata/repomd.xml.asc']);
  });

  it('installs from the unpacked archive, with nothing of ours', async () => {
    await ok('download');
    await ok('export', '-o', 'first.tar');
    await mkdir(join(folder, 'unpacked'));
    await must('tar', ['xf', 'first.tar', '-C', 'unpacked'], { cwd: folder });
    const root = join(folder, 'root-tar');
    await must('dnf', ['-y', `--installroot=${root}`, '--disableplugin=local', '--releasever=9', '--forcearch=x86_64', `--repofrompath=archive,file://${join(folder, 'unpacked/yum/el9')}`, '--repo=archive', '--nogpgcheck', `--setopt=cachedir=${join(folder, 'dnf-tar')}`, 'install', 'app', 'lang']);
    expect(await installed(root)).toEqual(['app 1.0', 'helper 1.0', 'lang 1.0', 'lang-de 1.0', 'libthing 1.0', 'thing-data 1.0']);
  });

  it('installs inside from the served mirror, with every signature checked, and upgrades to the next generation', async () => {
    await ok('import', 'first.tar', '--allow-unsigned', '--store', 'machine');
    await writeClientFile();
    const repo = await readFile(join(folder, 'repos/longshore.repo'), 'utf8');
    expect(repo).toMatch(/gpgcheck=1\nrepo_gpgcheck=1/);
    const root = join(folder, 'root');
    const done = await dnf(root, ['install', 'app', 'lang']);
    expect(`${done.stdout}${done.stderr}`).toContain('Complete!');
    expect(done.status).toBe(0);
    expect(await installed(root)).toEqual(['app 1.0', 'helper 1.0', 'lang 1.0', 'lang-de 1.0', 'libthing 1.0', 'thing-data 1.0']);
    await upstream.add([{ ...(first[0] ?? { name: 'app' }), name: 'app', version: '1.1' }, { name: 'helper', version: '2.0', files: ['/usr/bin/helper'] }]);
    await ok('prepare', '-f', 'bom.yaml', '-o', 'second.tar');
    expect(names(await locked())).toContain('helper 2.0-1');
    await ok('import', 'second.tar', '--allow-unsigned', '--store', 'machine');
    expect((await dnf(root, ['upgrade'])).status).toBe(0);
    expect(await installed(root)).toEqual(['app 1.1', 'helper 2.0', 'lang 1.0', 'lang-de 1.0', 'libthing 1.0', 'thing-data 1.0']);
  });
});

describe('a tree that nginx serves', () => {
  it('gives dnf the packages of each generation, with every signature checked', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const own = join(folder, 'nginx');
    await mkdir(own);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${own};`).join(' ');
    await writeFile(join(own, 'nginx.conf'), `daemon off; pid ${own}/pid; error_log ${own}/error.log; user root; worker_processes 1;
events {} http { default_type application/octet-stream; access_log off; ${temporary} server { listen ${url.slice(7)}; root ${folder}/www/current; } }\n`);
    await ok('publish', '--tree', 'www', '--store', 'machine');
    const nginx = await startService('nginx', ['-c', join(own, 'nginx.conf')], { ready: async () => (await run('curl', ['-fsS', `${url}/yum/rpms/el9/repodata/repomd.xml`])).status === 0 });
    try {
      const repos = join(folder, 'tree-repos');
      await mkdir(repos);
      await writeFile(join(repos, 'tree.repo'), (await readFile(join(folder, 'repos/longshore.repo'), 'utf8')).replaceAll('http://127.0.0.1:5000', url));
      const into = async (name: string): Promise<string[]> => {
        const root = join(folder, name);
        await must('dnf', ['-y', `--installroot=${root}`, '--disableplugin=local', '--releasever=9', '--forcearch=x86_64', `--setopt=reposdir=${repos}`, `--setopt=cachedir=${folder}/tree-cache`, '--setopt=metadata_expire=0', 'install', 'app', 'helper']);
        return installed(root);
      };
      expect(await into('root-tree-2')).toEqual(['app 1.1', 'helper 2.0', 'libthing 1.0', 'thing-data 1.0']);
      await ok('rollback', '1', '--store', 'machine');
      await ok('publish', '--tree', 'www', '--store', 'machine');
      expect(await into('root-tree-1')).toEqual(['app 1.0', 'helper 1.0', 'libthing 1.0', 'thing-data 1.0']);
    } finally {
      await nginx.stop();
    }
  }, 120_000);
});

describe('a tree whose disk fails', () => {
  it('is not served: a file that cannot be made durable is the error, and the next run ends it', async () => {
    const args = ['publish', '--tree', 'failing', '--store', 'machine', '--no-progress'];
    const injected = ['-f', '-qq', '-o', '/dev/null', '-P', join(folder, 'failing/.trees/1.tmp/yum/rpms/el9/repodata/repomd.xml'), '-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO'];
    const { status, stderr } = await run('strace', [...injected, process.execPath, longshorePath, ...args], { cwd: folder });
    expect([status, stderr]).toEqual([6, expect.stringMatching(/repomd\.xml[^]*STORAGE_IO/) as string]);
    await expect(readFile(join(folder, 'failing/current/yum/rpms/el9/repodata/repomd.xml'))).rejects.toThrow('ENOENT');
    await ok('publish', '--tree', 'failing', '--store', 'machine');
    expect(await readFile(join(folder, 'failing/current/yum/rpms/el9/repodata/repomd.xml'), 'utf8')).toContain('<repomd');
  });
});

describe('what is refused', () => {
  const refused = async (): Promise<Outcome> => longshore(['lock', '-f', 'bom.yaml', '--lock', 'refused.json', '--no-progress'], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') } });

  it('a package that nobody signed, unless it is named; and the lock is not written', async () => {
    await upstream.add([{ name: 'unsigned', version: '1.0' }], { unsigned: true });
    await bom('include: [{name: unsigned}]');
    const { status, stderr } = await refused();
    expect([status, stderr]).toEqual([5, expect.stringContaining('INTEGRITY_SIGNATURE') as string]);
    await expect(readFile(join(folder, 'refused.json'))).rejects.toThrow('ENOENT');
    await bom('allowUnsigned: [unsigned], include: [{name: unsigned}]');
    await ok('lock', '-f', 'bom.yaml', '--lock', 'waived.json');
    expect(JSON.parse(await readFile(join(folder, 'waived.json'), 'utf8'))).toMatchObject({ spec: { packageSets: [{ notes: [expect.stringContaining('unsigned is carried without a good signature')] }] } });
  });

  it('a name that no repository has', async () => {
    await bom('include: [{name: nothing}]');
    expect(await refused()).toMatchObject({ status: 3, stderr: expect.stringContaining('RESOLVE_NOT_FOUND') as string });
  });
});
