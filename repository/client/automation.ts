// The same settings for tools that set up many machines, and the service itself for systemd. Ansible "Playbooks"; cloud-init "Modules"
// (write_files, runcmd); systemd.service(5), systemd.exec(5). JSON is YAML: what is written here is quoted as JSON where a value stands.
import { type ClientFile, quote } from './client-files.ts';

export interface SetupSource {
  readonly origin: string;
  /** PEM of the authority, when the machine has one of its own. */
  readonly ca: string | undefined;
}

function fetchScript({ origin, ca }: SetupSource, caPath: string): string {
  return `curl -fsS ${ca === undefined ? '' : `--cacert ${caPath} `}${origin}/client/setup.sh -o /run/longshore-setup.sh`;
}

/** A play without roles or collections: the script does the work and says whether it changed anything. `-e action=teardown` undoes it. */
export function ansiblePlay(source: SetupSource): string {
  const caPath = '/run/longshore-ca.pem';
  const ca = source.ca === undefined ? '' : `    - name: authority of the repository machine
      ansible.builtin.copy:
        dest: ${caPath}
        content: ${JSON.stringify(source.ca)}
      changed_when: false
`;
  return `- name: packages, images and files from ${source.origin}
  hosts: all
  become: true
  gather_facts: false
  tasks:
${ca}    - name: fetch the setup script
      ansible.builtin.command:
        cmd: ${JSON.stringify(fetchScript(source, caPath))}
      changed_when: false
    - name: set up, or undo with -e action=teardown
      ansible.builtin.command:
        cmd: "sh /run/longshore-setup.sh {{ action | default('') }}"
      register: longshore
      changed_when: longshore.stdout is search('^(wrote|took|restored) ', multiline=True)
`;
}

/** A #cloud-config fragment. */
export function cloudConfig(source: SetupSource): string {
  const caPath = '/run/longshore-ca.pem';
  const files = source.ca === undefined ? {} : { write_files: [{ path: caPath, content: source.ca }] };
  return `#cloud-config\n${JSON.stringify({ ...files, runcmd: [['sh', '-c', `${fetchScript(source, caPath)} && sh /run/longshore-setup.sh`]] }, null, 2)}\n`;
}

/** One line for each part of each file: what a person reads before running the script. */
export function fileList(files: readonly ClientFile[]): string {
  return files.map((file) => `${file.part}\t${file.path}\n`).join('');
}

export interface ServiceUnit {
  /** The command that serves, with its arguments. */
  readonly command: readonly string[];
  /** The store: the only place that the service writes. */
  readonly store: string;
  readonly user: string;
  /** longshore itself lies below /home or /root. */
  readonly readableHome?: boolean;
}

/** A hardened systemd unit: own user, read-only system, no new privileges, only the store writable. `systemctl stop` lets answers in flight end. */
export function systemdUnit({ command, store, user, readableHome = false }: ServiceUnit): string {
  return `[Unit]
Description=longshore repository machine
Documentation=man:longshore(1)
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=${command.map(systemdWord).join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
User=${user}
Group=${user}
UMask=0027
Restart=on-failure
RestartSec=2
TimeoutStopSec=30
KillSignal=SIGTERM
LimitNOFILE=65536
ReadWritePaths=${systemdWord(store)}
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=${readableHome ? 'read-only' : 'yes'}
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE

[Install]
WantedBy=multi-user.target
`;
}

/** systemd.service(5), "Command lines": double quotes, with % and $ doubled. */
function systemdWord(text: string): string {
  const escaped = text.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Commands that install the unit. */
export function systemdInstall(unit: string, name = 'longshore'): string {
  return `cat > /etc/systemd/system/${name}.service <<'END'\n${unit}END\nsystemctl daemon-reload && systemctl enable --now ${quote(name)}\n`;
}

/** Whether a unit that {@link systemdUnit} made is of the service of this store. */
export function isUnitOf(unit: string, store: string): boolean {
  return unit.split('\n').includes(`ReadWritePaths=${systemdWord(store)}`);
}
