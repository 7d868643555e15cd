/** Package sets of many kinds: servers, desktops, compilers, kernels, language stacks, metapackages, virtual names, lists. */
const single = `nginx apache2 haproxy keepalived lighttpd squid bind9 unbound dnsmasq postfix exim4 dovecot-imapd opendkim rspamd spamassassin
postgresql mariadb-server redis-server memcached sqlite3 rabbitmq-server mosquitto zookeeper etcd-server
docker.io containerd podman buildah skopeo runc kubernetes-client lxc qemu-system-x86 libvirt-daemon-system virt-manager
openssh-server openvpn wireguard strongswan nfs-kernel-server nfs-common samba cups chrony ntpsec rsyslog syslog-ng auditd fail2ban ufw nftables
ansible puppet-agent salt-common terraform git subversion mercurial jenkins-debian-glue
python3 python3-pip python3-numpy python3-scipy python3-django python3-flask jupyter-notebook
gcc g++ clang llvm gfortran build-essential cmake meson autoconf gdb valgrind rustc cargo golang-go
openjdk-17-jdk openjdk-17-jre-headless maven gradle tomcat10 ant scala nodejs npm ruby rails php php-fpm php-mysql perl lua5.4 ghc erlang elixir r-base octave julia
gnome-core gnome task-kde-desktop kde-plasma-desktop xfce4 lxqt mate-desktop-environment cinnamon i3 sway xorg lightdm gdm3 sddm
libreoffice gimp inkscape blender vlc ffmpeg firefox-esr chromium thunderbird evolution emacs vim-gtk3
linux-image-amd64 linux-image-arm64 grub-pc grub-efi firmware-linux-free initramfs-tools dkms lvm2 mdadm zfs-fuse btrfs-progs cryptsetup multipath-tools open-iscsi
texlive texlive-full wine steam-installer prometheus grafana zabbix-agent snmpd collectd munin nagios4 icinga2
systemd sysvinit-core elogind task-german task-japanese-desktop task-ssh-server tasksel aspell hunspell-de-de fonts-noto
gdal-bin postgis qgis gnuradio kicad freecad openscad arduino
mail-transport-agent default-mta awk x-terminal-emulator java-runtime httpd editor www-browser c-compiler
vim nano less man-db bash-completion tmux screen htop strace tcpdump nmap wireshark tshark curl wget rsync jq yq socat netcat-openbsd iproute2 ethtool`.split(/\s+/);

const lists = [
  'haproxy keepalived', 'nginx postgresql redis-server', 'apache2 php libapache2-mod-php mariadb-server', 'docker.io docker-compose', 'ansible git openssh-client',
  'sysvinit-core network-manager', 'systemd systemd-timesyncd', 'chrony openssh-server rsyslog', 'postfix dovecot-imapd spamassassin', 'exim4-daemon-heavy mailutils',
  'gcc make libssl-dev', 'build-essential python3-dev libffi-dev', 'openjdk-17-jre-headless tomcat10', 'nodejs yarnpkg', 'ruby-dev bundler',
  'gnome-core libreoffice-gnome', 'task-xfce-desktop task-german', 'kde-standard akonadi-backend-postgresql', 'lxqt sddm', 'i3 lightdm',
  'linux-image-amd64 linux-headers-amd64', 'grub-efi-amd64 shim-signed', 'lvm2 cryptsetup-initramfs', 'qemu-system-x86 ovmf libvirt-daemon-system', 'lxc debootstrap bridge-utils',
  'prometheus prometheus-node-exporter', 'zabbix-server-pgsql zabbix-frontend-php', 'bind9 bind9-utils dnsutils', 'isc-dhcp-server tftpd-hpa', 'slapd ldap-utils',
  'samba winbind krb5-user', 'nfs-kernel-server autofs5', 'etcd-server etcd-client', 'cri-tools containerd', 'podman buildah skopeo crun',
  'texlive-latex-extra latexmk', 'r-base-dev r-cran-ggplot2', 'python3-torch python3-sklearn', 'octave octave-signal', 'gdal-bin python3-gdal postgis',
  'elogind xfce4', 'nullmailer cron', 'msmtp-mta mutt', 'vim emacs-nox nano', 'mawk gawk original-awk',
  'libc6-dev linux-libc-dev binutils', 'clang lld lldb', 'golang rustc cargo', 'php-cli composer phpunit', 'perl-doc libwww-perl libdbd-pg-perl',
];

/** What is handed to `apt-get install`, split at blanks. */
export const packageSets: readonly string[] = [...single, ...lists];
