// A yum repository of some 60,000 packages (the machine's own Debian index, translated), locked beside dnf; and 1,000 rpms (BENCH_RPMS), fetched and published beside reposync and createrepo_c.
// Each row is a whole command, with the start of its program: of ours some 0.2 s.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { PrivateKey } from 'openpgp';
import { readPrimary } from '../../formats/rpm/primary.ts';
import { convertStanzas, machineStanzas } from '../differential/rpm/debian-universe.ts';
import { writeRepository } from '../differential/rpm/write-repository.ts';
import { launcherPath, must, run } from '../support/command.ts';
import { clear, compare, median, report } from '../support/measure.ts';
import { serveByNginx } from '../support/nginx-folder.ts';
import { makeKey, signature4 } from '../support/rpm-signing.ts';
import { writeRpms } from './mass-rpms.ts';

/** The launcher, with the settings that users get. */
const longshore = `"${launcherPath}"`;

/** Nothing is signed: what is measured is the same for both. */
const bomOf = (url: string, include: string): string => `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: bench, version: "1"}
spec:
  targets: [{id: t, family: rhel, os: rhel, release: "9", arch: amd64}]
  packageRepositories: [{id: r, manager: rpm, targets: [t], baseurl: "${url}/", trusted: true, moduleHotfixes: true}]
  packages: [{id: p, manager: rpm, target: t, best: false, include: [${include}]}]
`;

const dnfRepository = (url: string): string => `[r]\nname=r\nbaseurl=${url}/\ngpgcheck=0\nmodule_hotfixes=1\n`;
const dnf = (cache: string, rest: string): string => `dnf -y -q --installroot="$PWD/root" --disableplugin=local --releasever=9 --forcearch=x86_64 --setopt=reposdir="$PWD/repos" --setopt=cachedir="$PWD/${cache}" ${rest}`;

export async function lockLarge(folder: string, rounds: number): Promise<void> {
  const packages = convertStanzas(await machineStanzas());
  const large = join(folder, 'large');
  await mkdir(join(folder, 'repos'), { recursive: true });
  await writeRepository(large, packages);
  const server = await serveByNginx(large, join(folder, 'nginx'));
  try {
    await writeFile(join(folder, 'repos/r.repo'), dnfRepository(server.url));
    const sets: readonly (readonly [string, readonly string[]])[] = [['small', ['jq']], ['middle', ['nginx', 'postgresql', 'redis-server']], ['desktop', ['gnome']]];
    for (const [name, specs] of sets) {
      await writeFile(join(folder, `${name}.yaml`), bomOf(server.url, specs.map((spec) => `{name: ${spec}}`).join(', ')));
      const lock = `${longshore} lock -f ${name}.yaml --store store --lock ${name}.json --quiet`;
      console.log(report(`lock of ${packages.length} packages, ${name} set, cold`, await compare([
        { name: 'dnf makecache, install --assumeno', prepare: 'rm -rf cold root', command: `${dnf('cold', 'makecache')} && { ${dnf('cold', `--setopt=install_weak_deps=0 install --assumeno ${specs.join(' ')}`)} || true; }` },
        { name: 'longshore lock', prepare: `rm -rf store ${name}.json`, command: lock },
      ], { cwd: folder, rounds })));
      await must('sh', ['-c', `rm -rf warm; ${dnf('warm', 'makecache')}; ${lock}`], { cwd: folder });
      console.log(report(`the same, warm`, await compare([
        { name: 'dnf install --assumeno, makecache before', command: `${dnf('warm', '--setopt=metadata_expire=0 makecache')}; ${dnf('warm', `--setopt=install_weak_deps=0 install --assumeno ${specs.join(' ')}`)} || true` },
        { name: 'longshore lock', command: lock },
      ], { cwd: folder, rounds })));
    }
  } finally {
    await server.stop();
  }
  const primary = await promisify(gunzip)(await readFile(join(large, 'repodata/primary.gz')));
  const seconds: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const started = performance.now();
    await readPrimary([primary], { subject: 'primary' }, () => undefined);
    seconds.push((performance.now() - started) / 1000);
  }
  console.log(`primary.xml: ${(primary.length / 1e6).toFixed(0)} MB at ${(primary.length / 1e6 / median(seconds.slice(1))).toFixed(0)} MB/s`);
}

/** What dnf needs beside itself for `reposync`: Debian's dnf-plugins-core and its zypper cannot be installed together, so it is unpacked where it is not installed. */
async function reposyncOf(folder: string): Promise<(cache: string, rest: string) => string> {
  if ((await run('dnf', ['reposync', '--help'])).status === 0) return (cache, rest) => dnf(cache, `reposync ${rest}`);
  const own = join(folder, 'plugins');
  await mkdir(own, { recursive: true });
  await must('sh', ['-c', 'apt-get download -qq dnf-plugins-core && dpkg -x dnf-plugins-core_*.deb .'], { cwd: own });
  const python = join(own, 'usr/lib/python3/dist-packages');
  return (cache, rest) => `PYTHONPATH=${python} ${dnf(cache, `--setopt=pluginpath=${python}/dnf-plugins reposync ${rest}`)}`;
}

const count = Number(process.env.BENCH_RPMS ?? 1000);

async function fetchMany(folder: string, rounds: number, key: PrivateKey | undefined): Promise<void> {
  const upstream = join(folder, 'many');
  await rm(upstream, { recursive: true, force: true });
  await writeRpms(upstream, count, key === undefined ? {} : { sign: (content) => signature4(key, content) });
  await must('createrepo_c', ['--quiet', upstream]);
  const server = await serveByNginx(upstream, join(folder, 'nginx'));
  try {
    const reposync = await reposyncOf(folder);
    await writeFile(join(folder, 'repos/r.repo'), dnfRepository(server.url));
    await writeFile(join(folder, 'key.asc'), key?.toPublic().armor() ?? '');
    const trust = key === undefined ? 'trusted: true' : 'gpgKeys: [{path: key.asc}]';
    await writeFile(join(folder, 'many.yaml'), bomOf(server.url, Array.from({ length: count }, (_, index) => `{name: mass-${index}}`).join(', ')).replace('trusted: true', trust));
    await must('sh', ['-c', `rm -rf locked many.json; ${longshore} lock -f many.yaml --store locked --lock many.json --quiet`], { cwd: folder });
    const title = key === undefined ? `download of ${count} rpms` : `the same, signed: reposync looks at no signature, ours at every one`;
    console.log(report(`${title}. Both from nginx; ours is on the disk when it ends`, await compare([
      { name: 'dnf reposync', prepare: clear('synced sync-cache'), command: reposync('sync-cache', '--repo=r --download-path="$PWD/synced"') },
      { name: 'longshore download', prepare: `${clear('store')} && cp -r locked store && sync`, command: `${longshore} download --lock many.json --store store --quiet` },
    ], { cwd: folder, rounds })));
    if (key === undefined) await publishMany(folder, rounds);
  } finally {
    await server.stop();
  }
}

async function publishMany(folder: string, rounds: number): Promise<void> {
  await must('sh', ['-c', `${longshore} sync -f many.yaml --store synced-store --lock many.json --quiet && ${longshore} export --lock many.json --store synced-store -o many.tar --quiet && ${longshore} import many.tar --allow-unsigned --store machine --quiet`], { cwd: folder });
  console.log(report(`publishing ${count} rpms. createrepo_c reads and hashes every rpm and writes indexes beside them; ours has verified every rpm before, reads every header again, writes and signs indexes and a tree that holds the rpms`, await compare([
    { name: 'createrepo_c', prepare: 'rm -rf synced/r/repodata; sync', command: 'createrepo_c --quiet synced/r' },
    { name: 'createrepo_c --no-database', prepare: 'rm -rf synced/r/repodata; sync', command: 'createrepo_c --quiet --no-database synced/r' },
    { name: 'publish --tree of what was synced', prepare: 'rm -rf tree; sync', command: `${longshore} publish --tree tree --store synced-store --quiet` },
    { name: 'publish --tree out of an archive', prepare: 'rm -rf tree; sync', command: `${longshore} publish --tree tree --store machine --quiet` },
  ], { cwd: folder, rounds })));
}

export async function mirrorMany(folder: string, rounds: number): Promise<void> {
  await mkdir(join(folder, 'repos'), { recursive: true });
  await fetchMany(folder, rounds, undefined);
  await fetchMany(folder, rounds, await makeKey('bench', { rsaBits: 4096 }));
}

/** `BENCH_PART`: `locks` or `mirrors` alone. */
export async function bench(folder: string, rounds: number): Promise<void> {
  const part = process.env.BENCH_PART;
  if (part !== 'mirrors') await lockLarge(folder, rounds);
  if (part !== 'locks') await mirrorMany(folder, rounds);
}
