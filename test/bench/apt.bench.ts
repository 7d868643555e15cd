// Locks of the machine's main repository beside apt-get in a private root, and a mirror of 500 packages (BENCH_DEBS) beside aptly, reprepro and apt-mirror.
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostSystem } from '../../scripts/quickstart/documents.ts';
import { machineSources, makeAptRoot } from '../support/apt-root.ts';
import { freePort, must, projectRoot } from '../support/command.ts';
import { clear, compare, type Contestant, report } from '../support/measure.ts';

/** As it is started where it is used. */
const longshore = `"${join(projectRoot, 'bin/longshore')}"`;
const sets: Readonly<Record<string, string>> = { 'a small set': 'nginx', 'a middle set': 'postgresql docker.io ansible', 'a desktop': 'gnome' };
/** Their closure is what the mirror is made of. */
const mirrored = 'nginx postgresql redis-server openjdk-17-jre-headless git npm ansible-core vim';

interface Host { readonly os: string; readonly release: string; readonly arch: string }

function bomOf(name: string, host: Host, packages: string, weak: boolean): string {
  return `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: ${name}, version: "1"}
spec:
  targets: [{id: machine, family: debian, os: ${host.os}, release: "${host.release}", arch: ${host.arch}}]
  packageRepositories: [{id: system, manager: deb, targets: [machine], system: true}]
  packages: [{id: set, manager: deb, target: machine, weakDependencies: ${weak}, include: [${packages.split(' ').map((each) => `{name: ${each}}`).join(', ')}]}]
`;
}

async function benchLocks(folder: string, rounds: number, host: Host): Promise<void> {
  const root = await makeAptRoot(join(folder, 'root'), { architecture: host.arch, sources: await machineSources() });
  const apt = `APT_CONFIG=${root.folder}/apt.conf`;
  const ask = (names: string): string => `${apt} apt-get update -qq && ${apt} apt-get install --print-uris -qq -y --install-recommends ${names} > uris.txt`;
  for (const [title, names] of Object.entries(sets)) {
    await writeFile(join(folder, 'bom.yaml'), bomOf('bench', host, names, true));
    const lock = `${longshore} lock -f bom.yaml --store locked --lock bench.lock.json --quiet`;
    const forget = `rm -rf ${root.folder}/lists ${root.folder}/cache && mkdir -p ${root.folder}/lists/partial ${root.folder}/cache/archives/partial`;
    console.log(report(`lock, ${title} (${names}), nothing there before`, await compare([
      { name: 'apt-get update, --print-uris', prepare: forget, command: ask(names) },
      { name: 'longshore lock', prepare: 'rm -rf locked bench.lock.json', command: lock },
    ], { cwd: folder, rounds })));
    console.log(report(`lock, ${title} (${names}), again`, await compare([
      { name: 'apt-get update, --print-uris', command: ask(names) },
      { name: 'longshore lock', command: lock },
    ], { cwd: folder, rounds })));
    const { spec } = JSON.parse(await readFile(join(folder, 'bench.lock.json'), 'utf8')) as { spec: { packages: unknown[] } };
    const uris = (await readFile(join(folder, 'uris.txt'), 'utf8')).split('\n').filter((line) => line.startsWith("'")).length;
    console.log(`  ${spec.packages.length} packages locked, ${uris} by apt`);
  }
}

/** A repository of real packages, as nginx serves it on loopback to everybody alike, and the key that signs it. */
async function makeUpstream(folder: string, host: Host): Promise<{ readonly uri: string; readonly key: string; readonly count: number; stop(): Promise<void> }> {
  await writeFile(join(folder, 'upstream.yaml'), bomOf('upstream', host, mirrored, true));
  await must('sh', ['-c', `${longshore} lock -f upstream.yaml --lock all.json --store upstream --quiet`], { cwd: folder });
  const lock = JSON.parse(await readFile(join(folder, 'all.json'), 'utf8')) as { spec: { packages: { name: string; size: number }[] } };
  lock.spec.packages = lock.spec.packages.slice(0, Number(process.env.BENCH_DEBS ?? 500));
  await writeFile(join(folder, 'some.json'), JSON.stringify(lock));
  await must('sh', ['-c', `${longshore} download --lock some.json --store upstream --quiet && ${longshore} export --lock some.json --store upstream -o upstream.tar --quiet && ${longshore} import upstream.tar --allow-unsigned --store site --quiet && ${longshore} publish --tree upstream-tree --store site --quiet`], { cwd: folder });
  // apt-mirror cannot do ports.
  await writeFile(join(folder, 'nginx.conf'), `${process.getuid?.() === 0 ? 'user root; ' : ''}pid nginx.pid; error_log nginx.err; worker_processes 1;
events { worker_connections 256; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; default_type application/octet-stream;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name}.nginx;`).join(' ')}
  server { listen 127.0.17.1:80; root upstream-tree/current; } }
`);
  await must('sh', ['-c', 'nginx -p "$PWD" -c nginx.conf -e nginx.err >/dev/null 2>&1'], { cwd: folder });
  await cp(join(folder, 'site/keys/machine.asc'), join(folder, 'upstream.asc'));
  await must('gpg', ['--batch', '--yes', '--dearmor', '-o', 'upstream.gpg', 'upstream.asc'], { cwd: folder });
  const stop = async (): Promise<void> => { await must('sh', ['-c', 'kill $(cat nginx.pid)'], { cwd: folder }); };
  return { uri: 'http://127.0.17.1/apt/upstream/machine', key: join(folder, 'upstream.gpg'), count: lock.spec.packages.length, stop };
}

/** What each of them is told, and the key that aptly and reprepro sign with: as long as ours. */
async function writeSettings(folder: string, uri: string, arch: string): Promise<void> {
  await mkdir(join(folder, 'reprepro.conf'), { recursive: true });
  await mkdir(join(folder, 'gnupg'), { mode: 0o700, recursive: true });
  const gpg = (...args: readonly string[]): Promise<string> => must('gpg', ['--homedir', 'gnupg', '--batch', '--quiet', ...args], { cwd: folder });
  await gpg('--passphrase', '', '--quick-gen-key', 'mirror', 'rsa4096', 'sign', 'never');
  await gpg('--import', 'upstream.asc');
  const [, fingerprint = ''] = /^fpr:+([0-9A-F]{40}):/m.exec(await must('gpg', ['--with-colons', '--show-keys', 'upstream.asc'], { cwd: folder })) ?? [];
  await writeFile(join(folder, 'aptly.conf'), JSON.stringify({ rootDir: join(folder, 'aptly'), downloadConcurrency: 8, architectures: [arch], gpgProvider: 'gpg', skipContentsPublishing: true }));
  await writeFile(join(folder, 'reprepro.conf/distributions'), `Codename: machine\nArchitectures: ${arch}\nComponents: main\nUpdate: upstream\nSignWith: mirror\n`);
  await writeFile(join(folder, 'reprepro.conf/updates'), `Name: upstream\nMethod: ${uri}\nSuite: machine\nComponents: main\nArchitectures: ${arch}\nVerifyRelease: ${fingerprint.slice(-16)}\nGetInRelease: yes\n`);
  await writeFile(join(folder, 'apt-mirror.list'), `set base_path ${folder}/apt-mirror\nset nthreads 8\nset _tilde 0\nset defaultarch ${arch}\nset run_postmirror 0\ndeb ${uri} machine main\n`);
}

async function benchMirrors(folder: string, rounds: number, host: Host): Promise<void> {
  const upstream = await makeUpstream(folder, host);
  try {
    const names = (JSON.parse(await readFile(join(folder, 'some.json'), 'utf8')) as { spec: { packages: { name: string }[] } }).spec.packages.map(({ name }) => `{name: ${name}}`);
    await writeFile(join(folder, 'mirror.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: mirror, version: "1"}
spec:
  targets: [{id: machine, family: debian, arch: ${host.arch}}]
  packageRepositories: [{id: upstream, manager: deb, line: "deb ${upstream.uri} machine main", gpgKeys: [{path: upstream.asc}]}]
  packages: [{id: all, manager: deb, target: machine, dependencies: none, include: [${names.join(', ')}]}]
`);
    await writeSettings(folder, upstream.uri, host.arch);
    const contestants = mirrorContestants(upstream, await freePort());
    console.log(report(`download of ${upstream.count} packages, verified, and a signed mirror of them, nothing there before`, await compare(contestants, { cwd: folder, rounds }), 'longshore sync --tree'));
  } finally {
    await must('sh', ['-c', stopService], { cwd: folder });
    await upstream.stop();
  }
}

const stopService = 'if [ -f serve.pid ]; then kill $(cat serve.pid) 2>/dev/null || true; rm serve.pid; fi';

function mirrorContestants({ uri, key, count }: { readonly uri: string; readonly key: string; readonly count: number }, port: number): Contestant[] {
  const gnupg = 'export GNUPGHOME=$PWD/gnupg;';
  const aptly = 'aptly -config=aptly.conf';
  const whole = (root: string): string => `&& test -s ${root}/dists/machine/InRelease && test $(find ${root}/pool -name '*.deb' | wc -l) = ${count}`;
  const aptlyRuns = `${gnupg} ${aptly} mirror create -keyring=${key} m ${uri} machine main && ${aptly} mirror update -keyring=${key} m && ${aptly} snapshot create s from mirror m && ${aptly} publish snapshot -batch -gpg-key=mirror -acquire-by-hash -distribution=machine s ${whole('aptly/public')}`;
  const ours = `http://127.0.0.1:${port}/apt/mirror/machine/dists/machine/InRelease`;
  // Its key is made once for a machine, as the others' is.
  const empty = `${clear('machine mirror.lock.json published')} && mkdir machine && cp -r site/keys machine/keys`;
  const sync = `${longshore} sync -f mirror.yaml --lock mirror.lock.json --store machine --quiet`;
  return [
    { name: 'aptly: mirror, snapshot, publish', prepare: clear('aptly'), command: aptlyRuns },
    { name: 'the same, until it is on the disk', prepare: clear('aptly'), command: `${aptlyRuns} && sync -f aptly` },
    { name: 'reprepro update', prepare: `${clear('reprepro')} && mkdir reprepro && cp -r reprepro.conf reprepro/conf`, command: `${gnupg} reprepro -b reprepro update ${whole('reprepro')}` },
    { name: 'apt-mirror (copies, checks nothing)', prepare: `${clear('apt-mirror')} && mkdir -p apt-mirror/mirror apt-mirror/skel apt-mirror/var`, command: 'apt-mirror apt-mirror.list' },
    { name: 'longshore sync --tree', prepare: `${stopService}; ${empty}`, command: `${sync} --tree published ${whole('published/current/apt/mirror/machine')}` },
    {
      name: 'longshore sync, served', prepare: `${stopService}; ${empty} && { ${longshore} serve --store machine --listen 127.0.0.1:${port} >/dev/null 2>&1 & echo $! > serve.pid; } && until curl -fsS -o /dev/null http://127.0.0.1:${port}/healthz; do sleep 0.1; done 2>/dev/null`,
      command: `${sync} && until curl -fsS -o /dev/null ${ours} 2>/dev/null; do sleep 0.02; done`,
    },
  ];
}

export async function bench(folder: string, rounds: number): Promise<void> {
  const host = hostSystem();
  if (host === undefined) throw new Error('this machine has no apt sources of Debian or Ubuntu');
  if (process.env.BENCH_PART !== 'mirror') await benchLocks(folder, rounds, host);
  if (process.env.BENCH_PART !== 'lock') await benchMirrors(folder, rounds, host);
  await rm(join(folder, 'root'), { recursive: true, force: true });
}
