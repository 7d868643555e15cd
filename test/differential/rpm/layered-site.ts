/** A site of four repositories with settings of every kind, and requests of kinds that random ones do not have. */
import { dependencyKinds } from '../../../downloader/solver/solv-tables.ts';
import { rpm } from '../../downloader/solver/rpms.ts';
import { formatEvr } from '../../../formats/rpm/evr.ts';
import { relationText } from '../../../formats/rpm/relation.ts';
import type { DnfMode, DnfRequest } from './dnf.ts';
import type { OraclePackage } from './oracle.ts';
import type { RandomSite, SiteRepository } from './random-site.ts';

const base = `
kernel-5.14.0-70.el9.x86_64; requires: kernel-core = 5.14.0-70.el9, kernel-modules = 5.14.0-70.el9
kernel-core-5.14.0-70.el9.x86_64; provides: installonlypkg(kernel), kernel-uname-r = 5.14.0-70
kernel-modules-5.14.0-70.el9.x86_64; provides: installonlypkg(kernel-module); requires: kernel-uname-r = 5.14.0-70
kernel-5.14.0-162.el9.x86_64; requires: kernel-core = 5.14.0-162.el9, kernel-modules = 5.14.0-162.el9
kernel-core-5.14.0-162.el9.x86_64; provides: installonlypkg(kernel), kernel-uname-r = 5.14.0-162
kernel-modules-5.14.0-162.el9.x86_64; provides: installonlypkg(kernel-module); requires: kernel-uname-r = 5.14.0-162
kmod-raid-3-1.x86_64; requires: kernel-uname-r = 5.14.0-70
glibc-2.34-60.el9.x86_64; provides: libc.so.6()(64bit), libc.so.6(GLIBC_2.34)(64bit); requires: glibc-common = 2.34-60.el9; recommends: (glibc-gconv-extra if redhat-rpm-config)
glibc-2.34-60.el9.i686; provides: libc.so.6, libc.so.6(GLIBC_2.34); requires: glibc-common = 2.34-60.el9
glibc-common-2.34-60.el9.x86_64; requires: (glibc-minimal-langpack or glibc-langpack)
glibc-minimal-langpack-2.34-60.el9.x86_64; requires: glibc = 2.34-60.el9; provides: glibc-langpack = 2.34-60.el9
glibc-langpack-de-2.34-60.el9.x86_64; requires: glibc = 2.34-60.el9; provides: glibc-langpack = 2.34-60.el9; supplements: (glibc and langpacks-de)
glibc-gconv-extra-2.34-60.el9.x86_64
glibc-gconv-extra-2.34-60.el9.i686
redhat-rpm-config-199-1.el9.noarch
langpacks-de-3.0-1.noarch; recommends: langpacks-core-de, hunspell-de
langpacks-core-de-3.0-1.noarch
hunspell-de-1-1.noarch; requires: hunspell
hunspell-1.7-1.x86_64; requires: libc.so.6()(64bit)
openssl-libs-1:3.0.1-41.el9.x86_64; provides: libssl.so.3()(64bit), config(openssl-libs) = 1:3.0.1-41.el9; requires: libc.so.6()(64bit); files: /etc/pki/tls/openssl.cnf
openssl-libs-1:3.0.1-41.el9.i686; provides: libssl.so.3; requires: libc.so.6
openssl-1:3.0.1-41.el9.x86_64; requires: openssl-libs = 1:3.0.1-41.el9; files: /usr/bin/openssl
openssl-libs-1:3.0.1-43.el9.x86_64; provides: libssl.so.3()(64bit); requires: libc.so.6()(64bit)
openssl-libs-1:3.0.1-43.el9.i686; provides: libssl.so.3; requires: libc.so.6
legacy32-1-1.i686; requires: libssl.so.3
python3-3.9.14-1.el9.x86_64; provides: python(abi) = 3.9, python3dist(pip), /usr/bin/python; requires: libssl.so.3()(64bit); files: /usr/bin/python3
python3.11-3.11.2-1.el9.x86_64; provides: python(abi) = 3.11; files: /usr/bin/python3.11
python3-yaml-5.4.1-6.el9.x86_64; provides: python3dist(pyyaml) = 5.4.1, python3.9dist(pyyaml) = 5.4.1; requires: python(abi) = 3.9
python3.11-yaml-6-1.el9.x86_64; provides: python3.11dist(pyyaml) = 6; requires: python(abi) = 3.11
perl-interpreter-4:5.32.1-479.el9.x86_64; provides: perl(:MODULE_COMPAT_5.32.1), perl(:VERSION) = 5.32.1, perl(vars.pm); files: /usr/bin/perl
perl-JSON-4.03-5.el9.noarch; provides: perl(JSON) = 4.03; requires: perl(:MODULE_COMPAT_5.32.1); recommends: perl(JSON::XS)
perl-JSON-XS-1:4.03-5.el9.x86_64; provides: perl(JSON::XS) = 1:4.03; requires: /usr/bin/perl
old-ntp-4.2-1.x86_64; provides: ntpdaemon
chrony-3-1.x86_64; obsoletes: old-ntp; provides: ntpdaemon
gen1-1-1.noarch
gen2-2-1.noarch; obsoletes: gen1 < 2
gen3-3-1.noarch; obsoletes: gen2 < 3; provides: gen1 = 3
gen-user-1-1.noarch; requires: gen1
split-1-1.x86_64; files: /usr/bin/split-tool
split-a-2-1.x86_64; obsoletes: split < 2
split-b-2-1.x86_64; obsoletes: split < 2; files: /usr/bin/split-tool
merged-2-1.noarch; obsoletes: part-a < 2, part-b < 2; provides: part-a = 2, part-b = 2
part-a-1-1.noarch
part-b-1-1.noarch
part-a-3-1.noarch
mail-a-1-1.noarch; provides: smtpd; conflicts: smtpd
mail-b-1-1.noarch; provides: smtpd; conflicts: smtpd
mail-c-1-1.noarch; provides: smtpd
mailman-1-1.noarch; requires: smtpd; suggests: mail-b
tool-debuginfo-1-1.x86_64
tool-1-1.x86_64; recommends: tool-docs, tool-debuginfo
tool-docs-1-1.noarch
tool-plugin-x-1-1.x86_64; supplements: tool
tool-plugin-y-1-1.x86_64; enhances: tool
shared-a-1-1.noarch
shared-b-1-1.noarch; requires: shared-a
runc-1:1.1.4-1.el9.x86_64
containerd-only-1-1.x86_64; requires: runc
nodejs-16.1-1.el9.x86_64; provides: node
npm-8-1.el9.x86_64; requires: nodejs
ruby-3.0-1.el9.x86_64; provides: ruby(release)
ruby-3.1-1.module.x86_64; provides: ruby(release)
rubygem-x-1-1.noarch; requires: ruby(release)
a+b-1.0+git-1.noarch
lib_under-1-1.x86_64
name.with.dots-1-1.noarch
multi-dash-name-1.0-2.el9.noarch
multi-dash-2.0-1.el9.noarch
`;
const extra = `
shared-a-3-1.noarch
shared-b-3-1.noarch; requires: shared-a >= 2
ext-agent-7-1.x86_64; requires: shared-b, /usr/bin/python3
ext-agent-8-1.x86_64; requires: shared-b, not-there
not-listed-1-1.noarch
tool-2-1.x86_64; recommends: tool-docs
`;
const hot = `
nodejs-18.2-1.hot.x86_64; provides: node
runc-1:1.0-1.hot.x86_64
containerd.io-1.6-1.x86_64; obsoletes: runc; conflicts: runc; provides: containerd
kernel-core-5.14.0-200.rt.x86_64; provides: installonlypkg(kernel), kernel-uname-r = 5.14.0-200rt
`;
const vendor = `
tool-3-1.x86_64; recommends: tool-docs
tool-debuginfo-3-1.x86_64
shared-b-9-1.noarch
glibc-2.36-1.vendor.x86_64; provides: libc.so.6()(64bit)
big-suite-1-1.noarch; requires: tool >= 3
big-suite-2-1.noarch; requires: tool >= 4
`;

/** A package a line, in the form of `rpm`. */
export function packagesOf(text: string, r: number): OraclePackage[] {
  return text.split('\n').filter((line) => line !== '').map((line) => {
    const item = rpm(line);
    const deps = Object.fromEntries(dependencyKinds.map((kind) => [kind, item[kind].map(relationText)]));
    return { n: item.name, e: formatEvr(item.evr), a: item.arch, r, deps, files: item.files.map(({ path }) => path) };
  });
}

const stream = (name: string, own: string, artifacts: readonly string[], needs = ''): string => `---\ndocument: modulemd\nversion: 2\ndata:\n  name: ${name}\n  stream: "${own}"\n  version: 1\n  context: c0ffee00\n  arch: x86_64\n  summary: s\n  description: d\n  license:\n    module: [MIT]\n`
  + `  dependencies:\n  - buildrequires:\n      platform: [el9]\n    requires:\n      platform: [el9]${needs}\n  profiles:\n    common:\n      rpms: [${name}]\n  artifacts:\n    rpms:\n${artifacts.map((each) => `    - ${each}\n`).join('')}...\n`;
const modules = stream('nodejs', '16', ['nodejs-0:16.1-1.el9.x86_64', 'npm-0:8-1.el9.x86_64']) + stream('ruby', '3.1', ['ruby-0:3.1-1.module.x86_64'])
  + '---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: nodejs\n  stream: "16"\n  profiles:\n    "16": [common]\n...\n';

const member = (type: string, name: string, more = ''): string => `<packagereq type="${type}"${more}>${name}</packagereq>`;
const group = (id: string, members: string): string => `<group><id>${id}</id><name>${id} group</name><description>d</description><default>true</default><uservisible>true</uservisible><packagelist>${members}</packagelist></group>`;
const comps = `<?xml version="1.0" encoding="UTF-8"?>\n<comps>${group('core', member('mandatory', 'glibc') + member('mandatory', 'chrony') + member('default', 'openssl') + member('optional', 'tool') + member('conditional', 'hunspell-de', ' requires="langpacks-de"'))}`
  + `${group('dev', member('default', 'tool') + member('optional', 'not-there') + member('mandatory', 'redhat-rpm-config'))}${group('hollow', member('optional', 'tool'))}`
  + '<environment><id>server-env</id><name>Server env</name><description>d</description><display_order>1</display_order><grouplist><groupid>core</groupid></grouplist><optionlist><groupid>dev</groupid></optionlist></environment></comps>\n';

const repositories: readonly SiteRepository[] = [
  { id: 'base', packages: packagesOf(base, 0), settings: ['excludepkgs=python3.11-y* *.i386'], vendor: 'One', modules, group: comps },
  { id: 'extra', packages: packagesOf(extra, 1), settings: ['priority=10', 'includepkgs=ext-* shared-*'], vendor: 'Other' },
  { id: 'hot', packages: packagesOf(hot, 2), settings: ['module_hotfixes=1', 'cost=500'], vendor: 'One' },
  { id: 'vendor', packages: packagesOf(vendor, 3), settings: ['priority=120', 'exclude=shared-b, *-debuginfo'], vendor: 'Vendor' },
];

/** One request a line or bar. */
const asked = `kernel|kernel-core|kernel-5.14.0-70.el9|kernel kmod-raid|kmod-raid|kernel-core-5.14.0-*|kernel-core-5.14.0-70.el9 kernel-core-5.14.0-162.el9|kernel-modules-5.14.0-70.el9.x86_64 kernel
glibc|glibc.i686|glibc.i686 glibc.x86_64|glibc-2.36|glibc*|*.i686|glibc-langpack-*|glibc redhat-rpm-config|langpacks-de|langpacks-de glibc|openssl|openssl-libs|openssl-libs.i686|openssl-libs-1:3.0.1-41.el9|openssl-libs-0:3.0.1-43.el9|openssl-libs-3.0.1|openssl-3.0.1-43.el9|openssl-libs.i686 openssl|legacy32|legacy32 openssl
libssl.so.3()(64bit)|libssl.so.3|libc.so.6(GLIBC_2.34)(64bit)|config(openssl-libs)|python(abi) = 3.9|python(abi) >= 3.10|python(abi)|python3dist(pyyaml)|python3dist(pyyaml) >= 6|python3.11dist(pyyaml)|perl(JSON)|perl(JSON) >= 4|perl(:VERSION) >= 5.32|perl(JSON::*)|perl(vars.pm)
/usr/bin/python3|/usr/bin/python|/usr/bin/py*|/etc/pki/tls/openssl.cnf|/usr/bin/split-tool|/usr/bin/nothing|/usr/bin/perl perl-JSON|python3-yaml|python3.11-yaml|python3.11*|python3-*
old-ntp|ntpdaemon|chrony|gen1|gen2|gen-user|gen1-1|gen1-1-1|gen3 gen1|gen2 gen-user|split|split-1|split-*|split-a|part-a|part-b|part-a part-b|part-a-1|merged part-b
mail-a|mail-a mail-b|mailman|mailman mail-a|mailman mail-c|smtpd|mail-?|tool|tool-1|tool-3-1|tool-debuginfo|tool*|tool tool-plugin-y|big-suite|big-suite-1|shared-a|shared-b|shared-b-1-1|shared-*|ext-agent|ext-agent-7|ext-agent-7-1.x86_64|ext-*|not-listed
runc|containerd.io|containerd-only|containerd-only containerd.io|containerd|nodejs|nodejs-16.1|npm|node|ruby|ruby-3.1|rubygem-x|@ruby:3.1|@ruby:3.1/common rubygem-x|@ruby|@nodejs|@nodejs:16/common|@nodejs:18|@ruby:3.1 nodejs
@core|@core langpacks-de|@dev|@hollow|@server-env|@server-env @dev|@Server*|@core-group|@nowhere|@core mail-a
a+b|a+*|lib_under|lib?under|name.with.dots|name.with.*|multi-dash-name|multi-dash|multi-dash-name-1.0|multi-dash-2.0|multi-dash-name-1.0-2.el9.noarch|multi-dash-*|multi-dash-name-1.0-3|multi-[de]ash|[gt]*-[1-3]|tool-[!p]*`;

const withBlanks = /[<>=]/;
const requests: readonly DnfRequest[] = asked.split(/[|\n]/).flatMap((line) => {
  const specs = withBlanks.test(line) ? [line] : line.split(' ');
  return [{ specs, weak: true, best: true }, { specs, weak: false, best: false }];
});

/** In an empty root, and on machines that have some of it. */
export const layeredSites: readonly RandomSite[] = [[], ['kernel', 'openssl-libs'], ['gen1', 'mail-a', 'nodejs']].map((installed) => ({ repositories, mainExcludes: [], requests, installed, gone: 0 }));

const modes: Readonly<Record<DnfMode, string>> = {
  download: 'glibc|openssl-libs|tool|shared-*|smtpd|gen1|python(abi)|/usr/bin/python3|kernel-core|nothing|*.i686',
  union: 'kernel kmod-raid|glibc redhat-rpm-config|langpacks-de glibc|openssl-libs|openssl-libs.i686 openssl|legacy32|perl-JSON|python(abi)|gen1 gen2|split|part-a part-b|mail-a mail-b|mailman mail-a|smtpd|tool tool-plugin-y|big-suite tool|big-suite-1|shared-*|ext-agent|runc containerd.io|containerd-only containerd.io|npm|rubygem-x|tool-1 tool-3|/usr/bin/python3|glibc*|nothing tool',
  alldeps: 'kernel kmod-raid|glibc|openssl|openssl-libs-1:3.0.1-41.el9|legacy32 openssl|perl-JSON|gen-user|mailman mail-a|tool tool-docs|ext-agent-7|containerd-only runc|mail-?|npm nodejs|langpacks-de',
  versions: 'kernel|glibc|openssl-libs|tool|tool-1|shared-*|gen1|smtpd|python(abi)|runc|nodejs|ext-agent|*.i686|multi-dash-*|nothing',
  'versions-closed': 'kernel|openssl-libs|tool|shared-b|big-suite-1|gen1|glibc-langpack-de|split|runc',
  optional: 'core|dev|hollow|server-env|core-group|Server*|nowhere|core dev',
};

/** The other modes over the same machines. */
export const layeredModes: readonly RandomSite[] = layeredSites.map((site) => ({
  ...site,
  requests: (Object.keys(modes) as DnfMode[]).flatMap((mode) => modes[mode].split('|').flatMap((list): readonly DnfRequest[] => {
    const specs = list.split(' ');
    return mode === 'download' || mode === 'versions' ? [{ mode, specs, weak: false, best: true }] : [{ mode, specs, weak: true, best: true }, { mode, specs, weak: false, best: false }];
  })),
}));
