// Locks of the machine's main repository beside apt-get in a private root, and a mirror of 500 packages (BENCH_DEBS) beside aptly, reprepro and apt-mirror.
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostSystem } from '../../scripts/quickstart/documents.ts';
import { machineSources, makeAptRoot } from '../support/apt-root.ts';
import { freePort, longshorePath, must, projectRoot, startService } from '../support/command.ts';
import { compare, type Contestant, report } from '../support/measure.ts';

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

/** A repository of real packages on loopback, and the key that signs it. */
async function makeUpstream(folder: string, host: Host): Promise<{ readonly uri: string; readonly key: string; readonly count: number; stop(): Promise<void> }> {
  await writeFile(join(folder, 'upstream.yaml'), bomOf('upstream', host, mirrored, true));
  await must('sh', ['-c', `${longshore} lock -f upstream.yaml --lock all.json --store upstream --quiet`], { cwd: folder });
  const lock = JSON.parse(await readFile(join(folder, 'all.json'), 'utf8')) as { spec: { packages: { name: string; size: number }[] } };
  lock.spec.packages = lock.spec.packages.slice(0, Number(process.env.BENCH_DEBS ?? 500));
  await writeFile(join(folder, 'some.json'), JSON.stringify(lock));
  await must('sh', ['-c', `${longshore} download --lock some.json --store upstream --quiet && ${longshore} export --lock some.json --store upstream -o upstream.tar --quiet && ${longshore} import upstream.tar --allow-unsigned --store site --quiet`], { cwd: folder });
  // apt-mirror cannot do ports.
  const service = await startService(process.execPath, [longshorePath, 'serve', '--store', 'site', '--listen', '127.0.17.1:80'], { cwd: folder, ready: (output) => output.includes('http://127.0.17.1') });
  const uri = 'http://127.0.17.1/apt/upstream/machine';
  await cp(join(folder, 'site/keys/machine.asc'), join(folder, 'upstream.asc'));
  await must('gpg', ['--batch', '--yes', '--dearmor', '-o', 'upstream.gpg', 'upstream.asc'], { cwd: folder });
  return { uri, key: join(folder, 'upstream.gpg'), count: lock.spec.packages.length, stop: () => service.stop() };
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
    await writeFile(join(folder, 'aptly.conf'), JSON.stringify({ rootDir: join(folder, 'aptly'), downloadConcurrency: 8, architectures: [host.arch], gpgProvider: 'gpg', gpgDisableSign: true, skipContentsPublishing: true }));
    await mkdir(join(folder, 'reprepro.conf'), { recursive: true });
    await mkdir(join(folder, 'gnupg'), { mode: 0o700, recursive: true });
    await must('gpg', ['--homedir', 'gnupg', '--batch', '--quiet', '--import', 'upstream.asc'], { cwd: folder });
    const [, fingerprint = ''] = /^fpr:+([0-9A-F]{40}):/m.exec(await must('gpg', ['--homedir', 'gnupg', '--batch', '--with-colons', '--list-keys'], { cwd: folder })) ?? [];
    await writeFile(join(folder, 'reprepro.conf/distributions'), `Codename: machine\nArchitectures: ${host.arch}\nComponents: main\nUpdate: upstream\n`);
    await writeFile(join(folder, 'reprepro.conf/updates'), `Name: upstream\nMethod: ${upstream.uri}\nSuite: machine\nComponents: main\nArchitectures: ${host.arch}\nVerifyRelease: ${fingerprint.slice(-16)}\nGetInRelease: yes\n`);
    await writeFile(join(folder, 'apt-mirror.list'), `set base_path ${folder}/apt-mirror\nset nthreads 8\nset _tilde 0\nset defaultarch ${host.arch}\nset run_postmirror 0\ndeb ${upstream.uri} machine main\n`);
    console.log(report(`download of ${upstream.count} packages and a mirror of them, nothing there before`, await compare(mirrorContestants(upstream, await freePort()), { cwd: folder, rounds }), 'longshore sync, served'));
  } finally {
    await must('sh', ['-c', stopService], { cwd: folder });
    await upstream.stop();
  }
}

const stopService = 'if [ -f serve.pid ]; then kill $(cat serve.pid) 2>/dev/null || true; rm serve.pid; fi';

function mirrorContestants({ uri, key }: { readonly uri: string; readonly key: string }, port: number): Contestant[] {
  const aptly = 'aptly -config=aptly.conf';
  const ours = `http://127.0.0.1:${port}/apt/mirror/machine/dists/machine/InRelease`;
  return [
    { name: 'aptly: mirror, snapshot, publish', prepare: 'rm -rf aptly', command: `${aptly} mirror create -keyring=${key} m ${uri} machine main && ${aptly} mirror update -keyring=${key} m && ${aptly} snapshot create s from mirror m && ${aptly} publish snapshot -skip-signing -distribution=machine s` },
    { name: 'reprepro update', prepare: 'rm -rf reprepro && mkdir -p reprepro && cp -r reprepro.conf reprepro/conf', command: 'GNUPGHOME=$PWD/gnupg reprepro -b reprepro update' },
    { name: 'apt-mirror (copies, publishes nothing)', prepare: 'rm -rf apt-mirror && mkdir -p apt-mirror/mirror apt-mirror/skel apt-mirror/var', command: 'apt-mirror apt-mirror.list' },
    {
      // The service runs before, as it does where it is used; its key is made then, too. The others do not sign at all.
      name: 'longshore sync, served', prepare: `${stopService}; rm -rf machine mirror.lock.json && mkdir machine && cp -r site/keys machine/keys && { ${longshore} serve --store machine --listen 127.0.0.1:${port} >/dev/null 2>&1 & echo $! > serve.pid; } && until curl -fsS -o /dev/null http://127.0.0.1:${port}/healthz; do sleep 0.1; done 2>/dev/null`,
      command: `${longshore} sync -f mirror.yaml --lock mirror.lock.json --store machine --quiet && until curl -fsS -o /dev/null ${ours} 2>/dev/null; do sleep 0.02; done`,
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
