/** One small repository with every feature that a choice depends on, and what is asked of it. */
import type { DnfRequest } from './dnf.ts';
import type { HandMadeInput } from './hand-made.ts';

const packages = `
loose-user-1-1.noarch; requires: loose >= 2
loose-real-1-1.noarch; provides: loose
libtool-1-1.noarch; requires: (annobin-plugin-gcc if gcc)
annobin-plugin-gcc-1-1.noarch
gcc-12-1.noarch
gcc-13-1.noarch
rpm-build-1-1.noarch; requires: gcc
containerd.io-1.6-1.x86_64; obsoletes: runc; conflicts: runc; provides: runc-alternative
runc-1.1-1.x86_64
runc-2.0-1.x86_64
podman-4-1.noarch; requires: runc
deep-file-user-1-1.noarch; requires: /usr/lib/foo/bar
deep-file-b-1-1.noarch; files: /usr/lib/foo/bar
deep-file-a-1-1.noarch; files: /usr/lib/foo/bar
bin-user-1-1.noarch; requires: /usr/sbin/tool
tool-1-1.noarch; files: /usr/sbin/tool
etc-user-1-1.noarch; requires: /etc/site.conf
site-1-1.noarch; files: /etc/site.conf
glibc-2.34-1.x86_64; provides: libc.so.6()(64bit)
glibc-2.34-1.i686; provides: libc.so.6
glibc-2.35-1.x86_64; provides: libc.so.6()(64bit); requires: not-there
glibc-2.35-1.i686; provides: libc.so.6; requires: not-there
use32-1-1.i686; requires: libc.so.6
use64-1-1.x86_64; requires: libc.so.6()(64bit)
multi-1-1.x86_64
multi-1-1.i686
only32-1-1.i686
mixed-1-1.i686
mixed-2-1.i686
mixed-3-1.x86_64
mixed-user-1-1.x86_64; requires: mixed
mixed-64-1-1.x86_64; requires: mixed = 3-1
several-1-1.x86_64
several-1-1.i686
several-2-1.x86_64
several-2-1.i686
tilde-1.0~rc1-1.noarch
tilde-1.0-1.noarch
tilde-1.0^git1-1.noarch
epoch-1-1.noarch
epoch-1:0.5-1.noarch
kernel-5.14-1.x86_64; provides: installonlypkg(kernel)
kernel-5.15-1.x86_64; provides: installonlypkg(kernel)
module-for-514-1-1.noarch; requires: kernel = 5.14-1
weak-1-1.noarch; recommends: weak-rec, (weak-cond if gcc); suggests: weak-sug
weak-rec-1-1.noarch
weak-cond-1-1.noarch
weak-sug-1-1.noarch
weak-supplement-1-1.noarch; supplements: weak
weak-both-1-1.noarch; supplements: (weak and gcc)
choice-1-1.noarch; requires: choice-cap; suggests: choice-c
choice-a-1-1.noarch; provides: choice-cap = 1
choice-b-1-1.noarch; provides: choice-cap = 2
choice-c-1-1.noarch; provides: choice-cap = 2
enh-1-1.noarch; requires: enh-cap
enh-a-1-1.noarch; provides: enh-cap
enh-b-1-1.noarch; provides: enh-cap; enhances: enh
rich-with-1-1.noarch; requires: (rich-lib >= 2 with rich-lib < 3)
rich-lib-1-1.noarch
rich-lib-2-1.noarch
rich-lib-3-1.noarch
rich-without-1-1.noarch; requires: (choice-cap without choice-b)
rich-unless-1-1.noarch; conflicts: (weak-sug unless gcc)
rich-else-1-1.noarch; requires: (weak-sug if gcc else weak-rec)
rich-and-1-1.noarch; requires: (weak-sug and (choice-a or choice-b))
rich-or-1-1.noarch; requires: (gone or choice-c or choice-a)
rich-conflict-1-1.noarch; conflicts: (weak-sug and gcc)
old-name-1-1.noarch
new-name-2-1.noarch; obsoletes: old-name < 2; provides: old-name = 2
needs-old-1-1.noarch; requires: old-name
broken-1-1.noarch; requires: broken-dep
broken-dep-1-1.noarch; requires: gone >= 2
back-1-1.noarch
back-2-1.noarch; requires: gone
nodejs-10-1.noarch
nodejs-12-1.noarch
nodejs-14-1.noarch
nodejs-libs-10-1.noarch
nodejs-libs-12-1.noarch
npm-1-1.noarch; requires: nodejs
fake-node-1-1.noarch; provides: nodejs
app-1-1.noarch; requires: nodejs
perl-5-1.noarch
perl-6-1.noarch
perl-free-1-1.noarch
perl-free-2-1.noarch
lonely-1-1.noarch
`;

const stream = (name: string, own: string, artifacts: readonly string[], extra = ''): string => `---
document: modulemd
version: 2
data:
  name: ${name}
  stream: "${own}"
  version: 1
  context: aaaaaaaa
  arch: x86_64
  summary: s
  description: d
  license:
    module: [MIT]
${extra}  artifacts:
    rpms:
${artifacts.map((artifact) => `    - ${artifact}`).join('\n')}
...
`;
const profiles = (names: string): string => `  profiles:
    default:
      rpms: [${names}]
    minimal:
      rpms: [nodejs]
`;
const needs = (text: string): string => `  dependencies:
  - buildrequires:
      platform: [el9]
    requires:
      ${text}
`;

const modules = [
  stream('nodejs', '10', ['nodejs-0:10-1.noarch', 'nodejs-libs-0:10-1.noarch'], needs('platform: [el9]') + profiles('nodejs, nodejs-libs')),
  stream('nodejs', '12', ['nodejs-0:12-1.noarch', 'nodejs-libs-0:12-1.noarch'], needs('platform: [el9]') + profiles('nodejs, nodejs-libs')),
  stream('app', '1', ['app-0:1-1.noarch'], needs('nodejs: ["12"]')),
  stream('perl', '5', ['perl-0:5-1.noarch', 'perl-free-0:1-1.noarch'], '  demodularized:\n    rpms: [perl-free]\n'),
  stream('lonely', '1', ['lonely-0:1-1.noarch']),
  ...[['nodejs', '10', 'profiles:\n    "10": [default]'], ['perl', '5', 'profiles: {}']].map(([name, own, text]) => `---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: ${name}\n  stream: "${own}"\n  ${text}\n...\n`),
].join('');

const member = (type: string, name: string, extra = ''): string => `<packagereq type="${type}"${extra}>${name}</packagereq>`;
const comps = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps>
 <group><id>tools</id><name>Tool set</name><description>d</description><default>true</default><uservisible>true</uservisible>
  <packagelist>${member('mandatory', 'tool')}${member('default', 'weak-rec')}${member('optional', 'weak-sug')}${member('conditional', 'weak-cond', ' requires="gcc"')}${member('default', 'gone')}</packagelist></group>
 <group><id>extra</id><name>Extra</name><description>d</description><default>false</default><uservisible>true</uservisible><packagelist>${member('mandatory', 'site')}</packagelist></group>
 <environment><id>server</id><name>Server</name><description>d</description><display_order>1</display_order><grouplist><groupid>tools</groupid></grouplist><optionlist><groupid>extra</groupid></optionlist></environment>
</comps>
`;

export const handMade: HandMadeInput = { packages, modules, comps };

const lists = `loose-user
libtool|libtool rpm-build|rpm-build
containerd.io|runc|podman|containerd.io podman|runc-1.1|runc-1.1-1.x86_64
deep-file-user|bin-user|etc-user|/usr/lib/foo/bar|/usr/sbin/tool|/etc/*
glibc|glibc-2.34|glibc-2.34-1.i686|use32|use64|use64 use32|use32.i686|libc.so.6|libc.so.6 use64
multi|multi.i686|multi.x86_64|multi.*|mixed.i686|mixed-1-1|mixed-1|mixed-user|mixed.i686 mixed-user|mixed-1 mixed-64|mixed.i686 mixed-64|mixed mixed.i686|several.i686|several-1-1.i686|several-1.i686|several|only32
tilde|tilde-1.0~rc1|tilde-1.0-1|tilde-1.0*|epoch|epoch-1-1|epoch-1:0.5|epoch-0:1-1.noarch|epoch-0.5-1
kernel|kernel module-for-514|module-for-514|kernel-5.14 kernel-5.15
weak|weak gcc|choice|enh|rich-with|rich-without|rich-unless|rich-unless weak-sug|rich-unless weak-sug gcc|rich-else|rich-else gcc|rich-and|rich-or|rich-conflict weak-sug|rich-conflict weak-sug gcc
old-name|old-name-1|needs-old|new-name old-name-1-1|old-name needs-old
broken|back|back-2|weak-*|*-user|choice-?|gcc-1[23]|gcc-1[23]-1|gone|gcc >= 13|gcc < 13|choice-cap|choice-cap = 1|lib*
nodejs|nodejs-12|npm|fake-node|app|nodejs-libs|perl|perl-free|lonely|@nodejs:12/default|@nodejs:10|@nodejs|@nodejs/minimal|@nodejs:12/minimal app|@app:1|@perl|@lonely
@tools|@server|@tools gcc|@extra|@Tool*|@nothing`;

/** Streams that are enabled for a request of these specs, besides those that specs name. */
const enabled: Readonly<Record<string, readonly string[]>> = { app: ['app:1'], lonely: ['lonely:1'], 'nodejs-12': ['nodejs:12'] };

/** Every list with and without weak dependencies, best on and off. */
export const handMadeRequests: readonly DnfRequest[] = lists.split(/[|\n]/).flatMap((list) => {
  const specs = /[<>=]/.test(list) ? [list] : list.split(' ');
  const enable = enabled[list];
  return [true, false].flatMap((weak) => [true, false].flatMap((best) => [{ specs, weak, best }, ...(enable === undefined ? [] : [{ specs, weak, best, enable }])]));
});
