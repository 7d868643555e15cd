/** A site as openSUSE Leap and SLES have them: a release and its updates, a vendor's packages, patterns, products, 32-bit packages with names of their own; and what is asked of it. */
import type { DnfRequest } from '../rpm/dnf.ts';
import { packagesOf } from '../rpm/layered-site.ts';
import type { RandomSite, SiteRepository } from '../rpm/random-site.ts';

const oss = `
openSUSE-release-15.6-1.x86_64; provides: product() = openSUSE, product(openSUSE) = 15.6-1, distribution-release, suse-release-oss = 15.6; conflicts: other-release
filesystem-84-1.x86_64
glibc-2.38-1.x86_64; provides: libc.so.6()(64bit), libc.so.6(GLIBC_2.38)(64bit); requires: filesystem
glibc-2.38-1.i586; provides: libc.so.6, libc.so.6(GLIBC_2.38); requires: filesystem
glibc-2.38-1.i686; provides: libc.so.6, libc.so.6(GLIBC_2.38); requires: filesystem
glibc-32bit-2.38-1.x86_64; provides: libc.so.6, libc.so.6(GLIBC_2.38); requires: glibc
glibc-locale-2.38-1.x86_64; requires: glibc = 2.38; supplements: packageand(glibc:desktop)
glibc-lang-2.38-1.noarch; supplements: locale(glibc:de;en)
bash-4.4-1.x86_64; requires: libc.so.6()(64bit); recommends: bash-completion; files: /usr/bin/bash, /bin/sh; provides: /bin/sh
bash-completion-2-1.noarch; supplements: (bash and coreutils)
bash-doc-4.4-1.noarch; supplements: (bash and patterns-base-documentation)
coreutils-8.32-1.x86_64; requires: libc.so.6()(64bit), /bin/sh; files: /usr/bin/ls
coreutils-single-8.32-1.x86_64; requires: libc.so.6()(64bit); conflicts: coreutils; provides: coreutils = 8.32
rpm-4.14-1.x86_64; requires: /bin/sh, libc.so.6()(64bit); files: /usr/bin/rpm
libzypp-17.31-1.x86_64; requires: rpm
zypper-1.14.59-1.x86_64; requires: libzypp >= 17.31; recommends: zypper-log; files: /usr/bin/zypper
zypper-log-1.14.59-1.noarch; requires: zypper = 1.14.59
zypper-aptitude-1.14.59-1.noarch; requires: zypper; supplements: apt
patterns-base-minimal_base-1-1.x86_64; provides: pattern() = minimal_base, pattern-category() = Base; requires: filesystem, bash, coreutils, distribution-release, rpm; recommends: vim-small, rsyslog
patterns-base-base-1-1.x86_64; provides: pattern() = base, pattern-category() = Base; requires: pattern() = minimal_base; recommends: zypper, man, openssh, pattern() = sw_management; suggests: nfs-client
patterns-base-sw_management-1-1.x86_64; provides: pattern() = sw_management; requires: zypper
patterns-base-enhanced_base-1-1.x86_64; provides: pattern() = enhanced_base, pattern-extends() = base; requires: pattern() = base; recommends: man-pages, tmux, not-there
patterns-base-documentation-1-1.x86_64; provides: pattern() = documentation; recommends: man
patterns-yast-1-1.x86_64; provides: pattern() = yast; requires: not-there
vim-9.0-1.x86_64; provides: vi, vim_client; requires: vim-data-common = 9.0; recommends: vim-data; conflicts: vim-small; files: /usr/bin/vim
vim-small-9.0-1.x86_64; provides: vi, vim_client; requires: vim-data-common = 9.0; conflicts: vim
vim-data-common-9.0-1.noarch
vim-data-9.0-1.noarch; requires: vim-data-common = 9.0
rsyslog-8-1.x86_64; provides: syslog, syslog-service; requires: libc.so.6()(64bit)
rsyslog-module-gtls-8-1.x86_64; requires: rsyslog = 8
syslog-ng-3-1.x86_64; provides: syslog, syslog-service; conflicts: otherproviders(syslog-service)
logging-app-1-1.noarch; requires: syslog-service
postfix-3-1.x86_64; provides: smtp_daemon; conflicts: smtp_daemon
exim-4-1.x86_64; provides: smtp_daemon; conflicts: smtp_daemon
sendmail-8-1.x86_64; provides: smtp_daemon; conflicts: smtp_daemon
mailx-12-1.x86_64; recommends: smtp_daemon; suggests: postfix
cron-4-1.x86_64; requires: cron-daemon, smtp_daemon
cronie-4-1.x86_64; provides: cron-daemon; requires: cron
systemd-cron-1-1.noarch; provides: cron-daemon
man-2-1.x86_64; requires: groff; files: /usr/bin/man
groff-1-1.x86_64; requires: /usr/share/groff/site
groff-base-1-1.x86_64; files: /usr/bin/groff
man-pages-6-1.noarch; supplements: man
tmux-3-1.x86_64; recommends: tmux-bash-completion
tmux-bash-completion-3-1.noarch; requires: bash-completion; supplements: packageand(tmux:bash-completion)
openssh-9-1.x86_64; requires: openssh-server = 9, openssh-clients = 9; recommends: openssh-helpers; files: /etc/ssh/moduli
openssh-server-9-1.x86_64; requires: libcrypto.so.3()(64bit), sysuser(sshd)
openssh-clients-9-1.x86_64; requires: libcrypto.so.3()(64bit)
openssh-helpers-9-1.x86_64; requires: openssh
system-user-sshd-1-1.noarch; provides: sysuser(sshd), user(sshd)
libopenssl3-3.1.4-1.x86_64; provides: libcrypto.so.3()(64bit), libssl.so.3()(64bit); requires: libc.so.6()(64bit); recommends: libopenssl3-fips = 3.1.4
libopenssl3-32bit-3.1.4-1.x86_64; provides: libcrypto.so.3; requires: libc.so.6
libopenssl3-fips-3.1.4-1.x86_64; requires: libopenssl3 = 3.1.4
openssl-3-3.1.4-1.x86_64; provides: openssl(cli); requires: libssl.so.3()(64bit)
openssl-1_1-1.1.1-1.x86_64; provides: openssl(cli)
openssl-3.1.4-1.noarch; requires: openssl(cli); suggests: openssl-3
kernel-default-6.4.0-150600.21.x86_64; provides: kernel = 6.4.0-150600.21, multiversion(kernel), kernel-uname-r = 6.4.0-21; recommends: kernel-firmware
kernel-default-base-6.4.0-150600.21.x86_64; provides: kernel-base, multiversion(kernel); conflicts: kernel-default = 6.4.0-150600.21
kernel-firmware-2024-1.noarch
kernel-firmware-amdgpu-2024-1.noarch; supplements: modalias(pci:v00001002d*sv*)
nvidia-kmp-1-1.x86_64; requires: kernel-uname-r = 6.4.0-21; provides: multiversion(kernel); supplements: modalias(kernel-default:pci:v000010DEd*sv*)
btrfsprogs-6-1.x86_64; supplements: filesystem(btrfs)
desktop-1-1.noarch; requires: (gtk3 or qt5), (desktop-kde if qt5); recommends: (desktop-branding and gtk3)
gtk3-3-1.x86_64
qt5-5-1.x86_64
desktop-kde-1-1.noarch
desktop-branding-upstream-1-1.noarch; provides: desktop-branding; conflicts: otherproviders(desktop-branding); supplements: packageand(desktop:branding-upstream)
desktop-branding-openSUSE-1-1.noarch; provides: desktop-branding; conflicts: otherproviders(desktop-branding); supplements: packageand(desktop:branding-openSUSE)
branding-openSUSE-1-1.noarch
branding-upstream-1-1.noarch; conflicts: branding-openSUSE
branded-1-1.noarch; requires: desktop-branding
python3-base-3.6-1.x86_64; provides: python(abi) = 3.6; files: /usr/bin/python3
python311-base-3.11-1.x86_64; provides: python(abi) = 3.11; files: /usr/bin/python3.11
python3-PyYAML-5-1.x86_64; requires: python(abi) = 3.6
python311-PyYAML-6-1.x86_64; provides: python3-PyYAML = 6; requires: python(abi) = 3.11
old-name-1-1.noarch
split-1-1.noarch; files: /usr/bin/split-tool
tool-1-1.x86_64
tool-lang-1-1.noarch; requires: tool = 1; supplements: tool
app32-1-1.i586; requires: libc.so.6
app32only-1-1.i686
docker-24-1.x86_64; requires: containerd, runc >= 1.1; recommends: docker-buildx, git-core
containerd-1.7-1.x86_64; requires: runc
runc-1.1.9-1.x86_64
docker-bash-completion-24-1.noarch; requires: docker = 24; supplements: (docker and bash-completion)
git-core-2-1.x86_64
git-2-1.x86_64; requires: git-core = 2; obsoletes: git-old < 2
git-old-1-1.x86_64
`;
const update = `
openssh-9-5.x86_64; requires: openssh-server = 9-5, openssh-clients = 9; recommends: openssh-helpers; files: /etc/ssh/moduli
openssh-server-9-5.x86_64; requires: libcrypto.so.3()(64bit), sysuser(sshd)
libopenssl3-3.1.4-7.x86_64; provides: libcrypto.so.3()(64bit), libssl.so.3()(64bit); requires: libc.so.6()(64bit), glibc >= 2.38; recommends: libopenssl3-fips = 3.1.4-7
libopenssl3-fips-3.1.4-7.x86_64; requires: libopenssl3 = 3.1.4-7
kernel-default-6.4.0-150600.23.x86_64; provides: kernel = 6.4.0-150600.23, multiversion(kernel), kernel-uname-r = 6.4.0-23; recommends: kernel-firmware
new-name-2-1.noarch; provides: old-name = 2; obsoletes: old-name < 2
split-a-2-1.noarch; obsoletes: split < 2; files: /usr/bin/split-tool
split-b-2-1.noarch; obsoletes: split < 2
tool-2-1.x86_64; requires: not-there
tool-user-1-1.noarch; requires: tool
runc-1.1.12-1.x86_64
zypper-1.14.68-1.x86_64; requires: libzypp >= 17.32; files: /usr/bin/zypper
libzypp-17.32-1.x86_64; requires: rpm
rsyslog-8-9.x86_64; provides: syslog, syslog-service; requires: libc.so.6()(64bit)
`;
const vendor = `
docker-25-1.x86_64; requires: containerd, runc
docker-buildx-0.12-1.x86_64; requires: docker >= 25
runc-1.2-1.x86_64
agent-7-1.x86_64; requires: libssl.so.3()(64bit), bash >= 4
agent-8-1.x86_64; requires: libssl.so.4()(64bit)
glibc-2.40-1.x86_64; provides: libc.so.6()(64bit)
`;

const repositories: readonly SiteRepository[] = [
  { id: 'oss', packages: packagesOf(oss, 0), settings: [], vendor: 'openSUSE' },
  { id: 'update', packages: packagesOf(update, 1), settings: [], vendor: 'openSUSE' },
  { id: 'vendor', packages: packagesOf(vendor, 2), settings: ['priority=120'], vendor: 'Vendor' },
];

/** One request a line or bar. */
const asked = `openSUSE-release|distribution-release|product(openSUSE) = 15.6-1|filesystem|glibc|glibc.x86_64|glibc-32bit|glibc.i586|glibc glibc-32bit|libc.so.6()(64bit)|libc.so.6|glibc-locale|glibc glibc-lang|glibc desktop
bash|bash coreutils|coreutils|coreutils-single|bash bash-completion|/usr/bin/bash|/bin/sh|/usr/bin/ls|/usr/bin/rpm|rpm|libzypp|zypper|zypper-log|zypper zypper-log|zypper-1.14.59|zypper-1.14.68-1
patterns-base-minimal_base|patterns-base-base|patterns-base-enhanced_base|patterns-base-sw_management|patterns-base-documentation|patterns-yast|pattern() = minimal_base|pattern() = base|patterns-base-base vim|patterns-base-*|patterns-base-minimal_base patterns-base-base|distribution-release bash coreutils-single glibc rpm zypper
vim|vim-small|vim vim-small|vi|vim_client|vim-data|/usr/bin/vim|rsyslog|rsyslog-module-gtls|syslog-ng|rsyslog syslog-ng|logging-app|logging-app syslog-ng|syslog-service
postfix|postfix exim|smtp_daemon|mailx|mailx exim|cron|cron exim|cronie|systemd-cron cron|cron-daemon
man|groff|man-pages|tmux|tmux bash-completion|tmux-bash-completion|openssh|openssh-server|openssh-9-1|openssh-clients|openssh-helpers|/etc/ssh/moduli
libopenssl3|libopenssl3-32bit|libopenssl3-fips|openssl|openssl openssl-1_1|openssl(cli)|openssl-3|libssl.so.3()(64bit)|libcrypto.so.3
kernel-default|kernel|kernel >= 6|kernel-default-base|kernel-default kernel-default-base|kernel-default-6.4.0-150600.21|nvidia-kmp|nvidia-kmp kernel-default|kernel-firmware*|btrfsprogs|kernel-uname-r = 6.4.0-21
desktop|desktop qt5|desktop gtk3|desktop branding-openSUSE|desktop branding-upstream|branded|branded branding-openSUSE|desktop-branding|desktop-branding-upstream branding-openSUSE
python3-base|python(abi) = 3.6|python(abi) >= 3.10|python3-PyYAML|python311-PyYAML|/usr/bin/python3|python3*
old-name|new-name|split|split-a|split-?|/usr/bin/split-tool|tool|tool-1|tool-2|tool-user|tool-lang|app32|app32 bash|app32only|app32.i586
docker|docker docker-buildx|docker-24|docker-bash-completion|docker bash-completion|docker-buildx|containerd|runc|runc-1.2|agent|agent-7|agent-8|git|git-old|git git-old|git-core docker
not-there|no-such-*|bash not-there|bash-5|*-release|gl?bc`;

const withBlanks = /[<>=]/;
const requests: readonly DnfRequest[] = asked.split(/[|\n]/).flatMap((line) => {
  const specs = withBlanks.test(line) ? [line] : line.split(' ');
  return [{ specs, weak: true, best: true }, { specs, weak: false, best: true }];
});

/** In an empty root, and on machines that have some of it. */
export const suseSites: readonly RandomSite[] = [[], ['patterns-base-minimal_base', 'libopenssl3'], ['docker-bash-completion', 'old-name', 'postfix']].map((installed) => ({ repositories, mainExcludes: [], requests, installed, gone: 0 }));

/** What zypper is asked for to make a machine of each profile, over this site. */
export const suseProfiles: Readonly<Record<string, string>> = {
  container: 'distribution-release bash coreutils-single glibc rpm zypper',
  minimal: 'patterns-base-minimal_base',
  standard: 'patterns-base-minimal_base patterns-base-base',
  cloud: 'patterns-base-minimal_base openssh-server',
};
