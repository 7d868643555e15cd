// A machine that was made from an older lock, taken to a newer one: real packages, from nothing but the served mirror.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostSystem } from '../../scripts/quickstart/documents.ts';
import { machineSources } from '../support/apt-root.ts';
import { makeChroot, runInside } from '../support/chroot.ts';
import { must } from '../support/command.ts';
import { makeMachineKey, ok } from './install.ts';

/** Servers, desktops' parts and tools that get security fixes all the time. */
const packages: readonly string[] = ['apache2', 'postgresql', 'openssh-server', 'bind9', 'samba', 'curl', 'git', 'vim', 'python3-venv', 'php-cli', 'nginx', 'lxqt-core'];

export interface UpgradeReport { readonly older: number; readonly newer: number; readonly upgraded: number }

/** The stanzas of a .sources file with the suites that are the release as it was published; none for security fixes and updates. */
const asReleased = (sources: string): string => sources.split(/\n\s*\n/).flatMap((stanza) => {
  const suites = (/^Suites:\s*(.*)$/m.exec(stanza)?.[1] ?? '').split(/\s+/).filter((suite) => !/[-/](?:updates|security|backports)$/.test(suite));
  return suites.length === 0 ? [] : [stanza.replace(/^Suites:.*$/m, `Suites: ${suites.join(' ')}`)];
}).join('\n\n');

interface Locked { readonly spec: { readonly packages: readonly { readonly name: string; readonly version: string; readonly arch: string }[] } }

/** Locks, carries and serves the release, makes a machine of it, does the same with all of its updates, and upgrades. Throws unless every package there is then in the version of the newer lock. */
export async function upgradeSets(folder: string): Promise<UpgradeReport> {
  const host = hostSystem();
  if (host === undefined) throw new Error('this machine has no apt sources');
  const target = `${host.os}-${host.release}`;
  const work = join(folder, 'upgrade');
  await mkdir(work, { recursive: true });
  const all = await machineSources();
  const root = await makeChroot(work, asReleased(all));
  const carry = async (name: string, sources: string): Promise<Locked> => {
    await writeFile(join(work, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: upgrades, version: "${name}"}
spec:
  targets: [{id: ${target}, family: debian, os: ${host.os}, release: "${host.release}", arch: ${host.arch}}]
  packageRepositories: [{id: system, manager: deb, targets: [${target}], sources: ${JSON.stringify(sources)}}]
  packages: [{id: set, manager: deb, target: ${target}, dependencies: closure, include: [${[...packages, 'apt'].map((each) => `{name: ${each}}`).join(', ')}]}]
`);
    await ok(['lock', '-f', 'bom.yaml', '--update'], work);
    await ok(['download'], work);
    await ok(['export', '-o', `${name}.tar`], work);
    await ok(['import', `${name}.tar`, '--allow-unsigned', '--store', 'machine'], work);
    await makeMachineKey(work);
    return JSON.parse(await must('cat', [join(work, 'longshore.lock.json')])) as Locked;
  };
  const inside = async (script: string): Promise<Map<string, string>> => {
    const { status, stdout, stderr } = await runInside({
      root, machine: join(work, 'machine'), project: 'upgrades', target,
      script: `apt-get update -q 2>&1 | tee /tmp/update.log\nif grep -E '^(W|E):' /tmp/update.log; then exit 98; fi\n${script} > /tmp/apt.log 2>&1 || { tail -40 /tmp/apt.log; exit 97; }\ntest -z "$(dpkg --audit)"\necho has:\ndpkg-query -W -f '\${binary:Package} \${Version}\\n'\n`,
    });
    if (status !== 0) throw new Error(`${script}: ${status}\n${stdout.slice(-4000)}\n${stderr.slice(-1000)}`);
    return new Map(stdout.slice(stdout.indexOf('has:\n') + 5).trim().split('\n').map((line) => [line.split(' ')[0]?.replace(/:.*/, '') ?? '', line.split(' ')[1] ?? '']));
  };
  try {
    const older = await carry('older', asReleased(all));
    const before = await inside(`apt-get install -y -q --no-install-recommends ${packages.join(' ')}`);
    const newer = await carry('newer', all);
    const after = await inside('apt-get dist-upgrade -y -q');
    const late = newer.spec.packages.filter(({ name, version }) => before.has(name) && after.get(name) !== version);
    if (late.length > 0) throw new Error(`not in the version of the newer lock: ${late.map(({ name, version }) => `${name} ${after.get(name)} instead of ${version}`).join(', ')}`);
    const upgraded = [...before].filter(([name, version]) => after.get(name) !== version).length;
    if (upgraded === 0) throw new Error('the release has no updates that these packages get');
    return { older: older.spec.packages.length, newer: newer.spec.packages.length, upgraded };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
