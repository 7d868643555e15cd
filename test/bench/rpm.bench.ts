// A yum repository of some 60,000 packages (the machine's own Debian index, translated), locked beside dnf; and 1,000 rpms (BENCH_RPMS), fetched and published beside reposync and createrepo_c.
// Each row is a whole command, with the start of its program: of ours some 0.2 s.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { readPrimary } from '../../formats/rpm/primary.ts';
import { convertStanzas, machineStanzas } from '../differential/rpm/debian-universe.ts';
import { writeRepository } from '../differential/rpm/write-repository.ts';
import { launcherPath, must } from '../support/command.ts';
import { serveFolder } from '../support/folder-server.ts';
import { compare, median, report } from '../support/measure.ts';
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
  const server = await serveFolder(large);
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

export async function mirrorMany(folder: string, rounds: number): Promise<void> {
  const count = Number(process.env.BENCH_RPMS ?? 1000);
  const upstream = join(folder, 'many');
  await writeRpms(upstream, count);
  await must('createrepo_c', ['--quiet', upstream]);
  const server = await serveFolder(upstream);
  try {
    await writeFile(join(folder, 'repos/r.repo'), dnfRepository(server.url));
    await writeFile(join(folder, 'many.yaml'), bomOf(server.url, Array.from({ length: count }, (_, index) => `{name: mass-${index}}`).join(', ')));
    await must('sh', ['-c', `${longshore} lock -f many.yaml --store locked --lock many.json --quiet`], { cwd: folder });
    console.log(report(`download of ${count} rpms`, await compare([
      { name: 'dnf reposync', prepare: 'rm -rf synced sync-cache', command: `${dnf('sync-cache', 'reposync --repo=r --download-path="$PWD/synced"')}` },
      { name: 'longshore download', prepare: 'rm -rf store; cp -r locked store', command: `${longshore} download --lock many.json --store store --quiet` },
    ], { cwd: folder, rounds })));
    await must('sh', ['-c', `${longshore} sync -f many.yaml --store synced-store --lock many.json --quiet && ${longshore} export --lock many.json --store synced-store -o many.tar --quiet && ${longshore} import many.tar --allow-unsigned --store machine --quiet`], { cwd: folder });
    console.log(report(`publishing ${count} rpms. createrepo_c reads and hashes every rpm and writes indexes beside them; ours has verified every rpm before, reads every header again, writes and signs indexes and a tree that holds the rpms`, await compare([
      { name: 'createrepo_c', prepare: 'rm -rf synced/r/repodata', command: 'createrepo_c --quiet synced/r' },
      { name: 'createrepo_c --no-database', prepare: 'rm -rf synced/r/repodata', command: 'createrepo_c --quiet --no-database synced/r' },
      { name: 'publish --tree of what was synced', prepare: 'rm -rf tree', command: `${longshore} publish --tree tree --store synced-store --quiet` },
      { name: 'publish --tree out of an archive', prepare: 'rm -rf tree', command: `${longshore} publish --tree tree --store machine --quiet` },
    ], { cwd: folder, rounds })));
  } finally {
    await server.stop();
  }
}

export async function bench(folder: string, rounds: number): Promise<void> {
  await lockLarge(folder, rounds);
  await mirrorMany(folder, rounds);
}
