// A small yum repository of packages built by rpmbuild, signed by rpmsign, described by createrepo_c: one package for every feature that metadata has.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from './command.ts';

export interface Spec {
  readonly name: string;
  readonly version: string;
  readonly arch: 'noarch' | 'x86_64' | 'i686' | 'aarch64';
  /** Lines of the preamble. */
  readonly head?: string;
  /** Commands of %install, lines of %files. */
  readonly install?: string;
  readonly files?: string;
  /** Scriptlets and %changelog. */
  readonly rest?: string;
  readonly payload?: string;
}

const hex = (version: string): string => version.replace(/[^a-z0-9.]/g, (sign) => `_${sign.charCodeAt(0)}`);

function textOf({ name, version, arch, head = '', install = '', files = '', rest = '' }: Spec): string {
  return `Name: ${name}
Version: ${version}
Release: 1
Summary: The ${name} & <more>
License: MIT
URL: http://example.org/?a=1&b=2
Vendor: Example "Vendor"
Packager: Someone <someone@example.org>
AutoReqProv: no
${arch === 'noarch' ? 'BuildArch: noarch\n' : ''}${head}
%description
Text of ${name}
  with   spaces & <tags>, "quotes"
%install
mkdir -p %{buildroot}/usr/share/bed/${name}
echo ${version} > %{buildroot}/usr/share/bed/${name}/${hex(version)}
${install}
%files
/usr/share/bed/${name}
${files}
${rest}
`;
}

/** Builds every spec into `folder`. Same specs, same bytes. */
export async function buildRpms(folder: string, specs: readonly Spec[]): Promise<void> {
  const work = join(folder, '.build');
  await mkdir(join(work, 'SPECS'), { recursive: true });
  for (const spec of specs) {
    const path = join(work, 'SPECS', `${spec.name}-${hex(spec.version)}-${spec.arch}.spec`);
    await writeFile(path, textOf(spec));
    const defines = [`_topdir ${work}`, `_rpmdir ${folder}`, '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm', 'debug_package %{nil}', '__os_install_post %{nil}', 'use_source_date_epoch_as_buildtime 1',
      'clamp_mtime_to_source_date_epoch 1', '_buildhost bed.example', `_binary_payload ${spec.payload ?? 'w3.zstdio'}`];
    await must('rpmbuild', ['--quiet', '-bb', ...(spec.arch === 'noarch' ? [] : ['--target', `${spec.arch}-linux`]), ...defines.flatMap((define) => ['--define', define]), path], { env: { SOURCE_DATE_EPOCH: '1700000000' } });
  }
}

export interface GpgKey {
  readonly home: string;
  readonly userId: string;
  readonly publicKey: string;
}

/** A throw-away key of real gpg. */
export async function makeGpgKey(home: string, userId: string, algorithm = 'rsa2048'): Promise<GpgKey> {
  await mkdir(home, { mode: 0o700, recursive: true });
  await must('gpg', ['--homedir', home, '--batch', '--quiet', '--passphrase', '', '--quick-gen-key', userId, algorithm, 'sign', 'never']);
  return { home, userId, publicKey: await must('gpg', ['--homedir', home, '--batch', '--armor', '--export', userId]) };
}

export async function signRpms(folder: string, { home, userId }: GpgKey): Promise<void> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.rpm')).map((name) => join(folder, name));
  await must('rpmsign', ['--define', `__gpg ${(await must('sh', ['-c', 'command -v gpg'])).trim()}`, '--define', `_gpg_name ${userId}`, '--define', `_gpg_path ${home}`, '--addsign', ...files]);
}

export const stopGpg = ({ home }: GpgKey): Promise<string> => must('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);

const changelog = Array.from({ length: 13 }, (_, index) => `* Mon Jan 0${1 + Math.floor((12 - index) / 3)} 2024 Me & You <me@example.org> - 1-${13 - index}\n- Entry ${13 - index} with <tags> & "quotes"\n- more\n`).join('\n');

/** One for every feature: epochs, tilde, caret, file lists, ghosts, changelogs, obsoletes, weak and rich relations, scripts, an i686 twin, a module stream, payloads. */
export const everyFeature: readonly Spec[] = [
  { name: 'bed-shell', version: '5.2', arch: 'x86_64', head: 'Provides: /bin/sh', install: 'mkdir -p %{buildroot}/usr/bin; echo x > %{buildroot}/usr/bin/bed-sh', files: '/usr/bin/bed-sh' },
  { name: 'bed-lib', version: '2.36', arch: 'x86_64', head: 'Provides: libbed.so.6()(64bit)\nProvides: libbed.so.6(BED_2.30)(64bit)' },
  { name: 'bed-lib', version: '2.36', arch: 'i686', head: 'Provides: libbed.so.6' },
  { name: 'bed-app', version: '1.0~rc1', arch: 'x86_64', head: 'Epoch: 1\nRequires: bed-lib' },
  { name: 'bed-app', version: '1.0', arch: 'x86_64', head: 'Epoch: 1\nRequires: libbed.so.6(BED_2.30)(64bit), bed-files >= 1, bed-files < 9-9, /usr/bin/bed-sh\nRequires(pre): bed-shell\nRequires(post): bed-lib = 2.36-1\nConflicts: bed-never > 3:1\nRecommends: bed-weak\nSuggests: bed-more', rest: '%pre\nexit 0\n%post -p /usr/bin/bed-sh\n', install: 'mkdir -p %{buildroot}/usr/sbin; echo x > %{buildroot}/usr/sbin/bed-app', files: '/usr/sbin/bed-app' },
  { name: 'bed-app', version: '1.0^git1', arch: 'x86_64', head: 'Epoch: 1\nRequires: bed-lib' },
  { name: 'bed-glibc', version: '1', arch: 'x86_64', head: 'Requires: libc.so.6()(64bit)\nRequires: libc.so.6(GLIBC_2.4)(64bit)\nRequires: libc.so.6(GLIBC_2.34)(64bit)\nRequires: libc.so.6(GLIBC_2.2.5)(64bit)\nRequires: libm.so.6()(64bit)\nProvides: libc.so.6(GLIBC_2.34)(64bit)\nProvides: own = 5\nRequires: own = 5\nRequires: own >= 4' },
  {
    name: 'bed-files', version: '3', arch: 'noarch', install: 'cd %{buildroot}; mkdir -p etc/bed var/lib/bed opt/deep/a/b; echo a > "etc/bed/a & b.conf"; echo b > "opt/deep/a/b/ü <x>"; ln -s x opt/deep/link; touch var/lib/bed/ghost; mkdir var/lib/bed/ghosts',
    files: '%config(noreplace) "/etc/bed/a & b.conf"\n%dir /etc/bed\n"/opt/deep/a/b/ü <x>"\n/opt/deep/link\n%ghost /var/lib/bed/ghost\n%ghost %dir /var/lib/bed/ghosts\n%dir /var/lib/bed', rest: `%changelog\n${changelog}`,
  },
  { name: 'bed-old', version: '8', arch: 'noarch' },
  { name: 'bed-new', version: '9', arch: 'noarch', head: 'Obsoletes: bed-old < 9\nProvides: bed-old = 9' },
  { name: 'bed-weak', version: '1', arch: 'noarch', head: 'Supplements: (bed-app and bed-lib)\nEnhances: bed-app >= 1:1', payload: 'w6.xzdio' },
  { name: 'bed-more', version: '1', arch: 'noarch', head: 'Requires: (bed-weak if bed-app else bed-files)\nRequires: (bed-lib >= 2 with bed-lib < 3)\nConflicts: (bed-old unless bed-new)', payload: 'w9.gzdio' },
  { name: 'bed-modular', version: '1.0', arch: 'noarch', head: 'ModularityLabel: bedmod:1:20240101:c0ffee' },
];

const documents: Readonly<Record<string, string>> = {
  'comps.xml': `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Example//DTD Comps info//EN" "comps.dtd">
<comps><group><id>bed-group</id><name>Bed group</name><name xml:lang="de">Bettgruppe</name><description>All of it</description><default>true</default><uservisible>true</uservisible>
<packagelist><packagereq type="mandatory">bed-app</packagereq><packagereq type="default">bed-weak</packagereq><packagereq type="optional">bed-more</packagereq><packagereq type="conditional" requires="bed-app">bed-new</packagereq></packagelist></group>
<environment><id>bed-env</id><name>Bed environment</name><description>For beds</description><display_order>1</display_order><grouplist><groupid>bed-group</groupid></grouplist></environment></comps>
`,
  'updateinfo.xml': `<?xml version="1.0" encoding="UTF-8"?>
<updates><update from="bed@example.org" status="final" type="security" version="1"><id>BED-2024:1</id><title>bed-app fix</title><severity>Important</severity><issued date="2024-01-01 00:00:00"/><references><reference href="https://example.org/BED-2024-1" id="CVE-2024-0001" type="cve"/></references><description>fix</description>
<pkglist><collection short="bed"><name>bed</name><package name="bed-app" version="1.0" release="1" epoch="1" arch="x86_64"><filename>bed-app-1.0-1.x86_64.rpm</filename></package></collection></pkglist></update>
<update from="bed@example.org" status="final" type="security" version="1"><id>BED-2024:2</id><title>what came between, and is not here any more</title><severity>Low</severity><issued date="2024-01-02 00:00:00"/><description>fix</description>
<pkglist><collection short="bed"><name>bed</name><package name="bed-app" version="1.0^git0" release="1" epoch="1" arch="x86_64"><filename>bed-app-1.0^git0-1.x86_64.rpm</filename></package></collection></pkglist></update></updates>
`,
  'modules.yaml': `---
document: modulemd
version: 2
data:
  name: bedmod
  stream: "1"
  version: 20240101
  context: c0ffee
  arch: x86_64
  summary: A module
  description: A module of one package
  license:
    module: [MIT]
  dependencies:
  - requires: {}
  profiles:
    default:
      rpms: [bed-modular]
  artifacts:
    rpms:
    - bed-modular-0:1.0-1.noarch
...
---
document: modulemd-defaults
version: 1
data:
  module: bedmod
  stream: "1"
  profiles:
    "1": [default]
...
`,
};

/** `createrepo_c` over `folder`, with groups, advisories and modules. */
export async function describeRpms(folder: string): Promise<Readonly<Record<string, string>>> {
  const work = join(folder, '.build');
  await mkdir(work, { recursive: true });
  for (const [name, text] of Object.entries(documents)) await writeFile(join(work, name), text);
  await must('createrepo_c', ['--quiet', '--no-database', '-g', join(work, 'comps.xml'), folder]);
  for (const type of ['updateinfo', 'modules']) await must('modifyrepo_c', [`--mdtype=${type}`, join(work, type === 'modules' ? 'modules.yaml' : 'updateinfo.xml'), join(folder, 'repodata')]);
  return documents;
}
