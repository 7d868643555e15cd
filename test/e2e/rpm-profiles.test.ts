// What profiles of rpm machines stand for, beside `dnf group install` and `dnf install` into an empty root.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLock } from '../../bom/lock.ts';
import { buildHandMade, type HandMade } from '../differential/rpm/hand-made.ts';
import { launcherPath, must, run } from '../support/command.ts';
import { type FolderServer, serveFolder } from '../support/folder-server.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Every package can stand beside every other, so that one set can ask for all of them. */
const packages = `
alma-release-9.4-1.noarch; provides: system-release, system-release(releasever) = 9
filesystem-3.16-2.x86_64; provides: filesystem(unmerged-sbin-symlinks)
glibc-2.34-1.x86_64; provides: libc.so.6()(64bit); requires: glibc-langpack; recommends: glibc-gconv
glibc-gconv-2.34-1.x86_64
glibc-minimal-langpack-2.34-1.x86_64; provides: glibc-langpack
glibc-all-langpacks-2.34-1.x86_64; provides: glibc-langpack
bash-5.1-1.x86_64; requires: libc.so.6()(64bit), filesystem
coreutils-8.32-1.x86_64; requires: libc.so.6()(64bit)
coreutils-single-8.32-1.x86_64; requires: libc.so.6()(64bit)
rpm-4.16-1.x86_64; requires: rpm-libs = 4.16-1
rpm-libs-4.16-1.x86_64; requires: libc.so.6()(64bit)
dnf-4.14-1.noarch; requires: rpm, /usr/share/dnf/settings
dnf-data-4.14-1.noarch; files: /usr/share/dnf/settings
systemd-252-1.x86_64; requires: libc.so.6()(64bit); recommends: systemd-pam
systemd-252-2.x86_64; requires: libc.so.6()(64bit); recommends: systemd-pam
systemd-pam-252-1.x86_64
kernel-tools-5.14-1.x86_64
sshd-keys-1-1.noarch
openssh-server-8.7-1.x86_64; requires: sshd-keys
cloud-init-23-1.noarch; requires: python3
cloud-utils-growpart-0.33-1.noarch
python3-3.9-1.x86_64
man-db-2.9-1.x86_64; requires: groff-base
groff-base-1.22-1.x86_64
quota-4-1.x86_64
firmware-1-1.noarch
kdump-1-1.x86_64
agent-1-1.x86_64; requires: systemd >= 252-2, man-db
`;
const member = (type: string, name: string, extra = ''): string => `<packagereq type="${type}"${extra}>${name}</packagereq>`;
const group = (id: string, members: string): string => `<group><id>${id}</id><name>The ${id}</name><description>d</description><default>true</default><uservisible>true</uservisible><packagelist>${members}</packagelist></group>`;
const compsOf = (environment: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n<comps>
${group('core', member('mandatory', 'bash') + member('mandatory', 'coreutils') + member('default', 'dnf') + member('default', 'systemd') + member('mandatory', 'not-here') + member('optional', 'quota') + member('conditional', 'kernel-tools', ' requires="systemd"'))}
${group('standard', member('mandatory', 'man-db') + member('optional', 'python3'))}
${group('guest', member('mandatory', 'firmware'))}
${environment}</comps>\n`;
const minimal = '<environment><id>minimal-environment</id><name>Minimal Install</name><description>d</description><display_order>1</display_order><grouplist><groupid>core</groupid></grouplist><optionlist><groupid>standard</groupid><groupid default="true">guest</groupid></optionlist></environment>\n';

const names = [...new Set(packages.trim().split('\n').map((line) => /^(.+)-[^-]+-[^-]+$/.exec(line.split(';')[0] ?? '')?.[1] ?? ''))];

const worlds = [
  { what: 'with an environment', environment: minimal, core: '@minimal-environment' },
  { what: 'with groups alone', environment: '', core: '@core' },
] as const;

describe.each(worlds)('a repository $what', ({ environment, core }) => {
  let made: HandMade;
  let server: FolderServer;
  let folder: string;
  beforeAll(async () => {
    made = await buildHandMade({ packages, modules: '', comps: compsOf(environment) });
    server = await serveFolder(made.repository.path);
    folder = await temporaryFolder('profiles');
    await writeFile(join(folder, 'r.repo'), `[r]\nname=r\nbaseurl=file://${made.repository.path}\ngpgcheck=0\nmodule_hotfixes=1\n`);
  });
  afterAll(async () => {
    await server?.stop();
    await made?.close();
  });

  const bom = (include: readonly string[], more: string): string => `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: profiles, version: "1"}
spec:
  targets: [{id: t, family: rhel, os: almalinux, release: "9", arch: amd64}]
  packageRepositories: [{id: r, manager: rpm, targets: [t], baseurl: "${server.url}/", trusted: true, moduleHotfixes: true}]
  packages: [{id: p, manager: rpm, target: t, repositories: [r], include: [${include.map((name) => `{name: ${name}}`).join(', ')}]${more}}]
`;

  async function lock(name: string, text: string) {
    await writeFile(join(folder, `${name}.yaml`), text);
    return run(launcherPath, ['lock', '-f', `${name}.yaml`, '--store', 'store', '--lock', `${name}.json`, '--quiet'], { cwd: folder });
  }

  async function lockedNames(name: string, text: string): Promise<string[]> {
    const { status, stderr } = await lock(name, text);
    expect([status, stderr]).toEqual([0, expect.any(String)]);
    return parseLock(await readFile(join(folder, `${name}.json`), 'utf8'), name).spec.packages.map((item) => item.name).sort();
  }

  /** What dnf really puts into an empty root. */
  async function installedByDnf(name: string, commands: readonly (readonly string[])[]): Promise<string[]> {
    const root = join(folder, name);
    const options = ['-y', '-q', `--installroot=${root}`, '--disableplugin=local', '--releasever=9', '--forcearch=x86_64', '--setopt=install_weak_deps=0', `--setopt=reposdir=${folder}`, `--setopt=cachedir=${root}/cache`];
    for (const command of commands) await must('dnf', [...options, ...command]);
    return (await must('rpm', ['--root', root, '-qa', '--qf', '%{NAME}\n'])).trim().split('\n').sort();
  }

  it.each([
    { profile: 'container', commands: [['install', 'system-release', 'bash', 'coreutils-single', 'glibc-minimal-langpack', 'rpm', 'dnf']] },
    { profile: 'minimal', commands: [['group', 'install', core.slice(1)]] },
    { profile: 'standard', commands: [['install', core, '@standard']] },
    { profile: 'cloud', commands: [['install', core, 'cloud-init', 'cloud-utils-growpart', 'openssh-server']] },
  ])('has for $profile what dnf installs', async ({ profile, commands }) => {
    const there = await installedByDnf(profile, commands);
    // A newer systemd is there: asked for by name, or for the agent, it comes in any case; the next test is about it.
    const all = names.filter((name) => name !== 'agent' && name !== 'systemd');
    const wanted = await lockedNames(profile, bom(all, `, assumeInstalled: {profile: ${profile}}`));
    expect(there.length).toBeGreaterThan(7);
    expect(wanted).toEqual(all.filter((name) => !there.includes(name)).sort());
  });

  it('takes a machine to be as old as its release: what needs a newer package brings it', async () => {
    expect(await lockedNames('agent', bom(['agent'], ', assumeInstalled: {profile: standard}'))).toEqual(['agent', 'systemd']);
  });
});

describe('a repository without groups', () => {
  it('refuses profiles that are made of groups, and unknown ones, and says what helps', async () => {
    const folder = await temporaryFolder('profiles');
    const made = await buildHandMade({ packages: 'bash-5.1-1.x86_64\n', modules: '', comps: '<comps/>\n' });
    const server = await serveFolder(made.repository.path);
    try {
      const of = (profile: string): string => `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: profiles, version: "1"}\nspec:\n  targets: [{id: t, family: rhel, os: almalinux, release: "9", arch: amd64}]\n`
        + `  packageRepositories: [{id: r, manager: rpm, targets: [t], baseurl: "${server.url}/", trusted: true}]\n  packages: [{id: p, manager: rpm, target: t, repositories: [r], include: [{name: bash}], assumeInstalled: {profile: ${profile}}}]\n`;
      for (const [profile, text] of [['minimal', /@minimal-environment or @core in the repositories[^]*no such group[^]*rpm -qa/], ['essential', /one of the profiles container, minimal, standard, cloud[^]*essential/], ['container', /system-release in the repositories/]] as const) {
        await writeFile(join(folder, 'bom.yaml'), of(profile));
        const { status, stderr } = await run(launcherPath, ['lock', '-f', 'bom.yaml', '--store', 'store', '--lock', 'x.json', '--quiet'], { cwd: folder });
        expect(status).not.toBe(0);
        expect(stderr).toMatch(text);
      }
    } finally {
      await server.stop();
      await made.close();
    }
  });
});
