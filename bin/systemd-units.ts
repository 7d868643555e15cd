// The service for systemd, as text. systemd.service(5), systemd.socket(5), systemd.exec(5).
import { BundleError } from '../bom/errors.ts';
import { isIP } from 'node:net';
import { hostOf, isBesideIpv4, type TcpAddress, type UnixAddress } from '../repository/listen-address.ts';
import { modeText } from './listen-flags.ts';

export interface ServiceUnit {
  /** The command that serves, with its arguments. */
  readonly command: readonly string[];
  /** The store: the only place that the service writes. */
  readonly store: string;
  readonly user: string;
  readonly listen: readonly (TcpAddress | UnixAddress)[];
  /** longshore itself lies below /home or /root. */
  readonly readableHome?: boolean;
  /** systemd-notify is there: the service says when it serves, and that it is alive. */
  readonly notifies?: boolean;
  /** Name of the socket unit that opens the addresses for it. */
  readonly socketUnit?: string;
}

/** systemd.exec(5), "Sandboxing", "System call filtering". Addresses of network interfaces are asked for over AF_NETLINK. */
const protection = `PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ProcSubset=pid
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
`;

/**
 * A hardened unit: own user, read-only system, no new privileges, only the store (and the folders of its own sockets) writable. Started means that it serves;
 * one that hangs is killed and started again. `systemctl stop` lets answers in flight end; `systemctl reload` reads certificates again.
 */
export function serviceUnit(unit: ServiceUnit): string {
  const { command, store, user, listen, readableHome = false, notifies = false, socketUnit } = unit;
  const ownFolders = socketUnit === undefined ? socketFolders(listen) : { runtime: [], other: [] };
  // Its own sockets may be of another group, which it then has to belong to, and to see.
  const groups = socketUnit === undefined ? [...new Set(listen.flatMap((address) => ('path' in address && address.group !== undefined ? [address.group] : [])))] : [];
  const isLow = socketUnit === undefined && listen.some((address) => 'port' in address && address.port > 0 && address.port < 1024);
  return `[Unit]
Description=longshore repository machine (${systemdText(store)})
After=network-online.target${socketUnit === undefined ? '' : ` ${socketUnit}`}
Wants=network-online.target
${socketUnit === undefined ? '' : `Requires=${socketUnit}\n`}StartLimitIntervalSec=0

[Service]
${notifies ? 'Type=notify\nNotifyAccess=all\nWatchdogSec=120' : 'Type=exec'}
ExecStart=${command.map(systemdWord).join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
User=${user}
Group=${user}
UMask=0027
Restart=on-failure
RestartSec=2
TimeoutStartSec=600
TimeoutStopSec=30
KillSignal=SIGTERM
LimitNOFILE=65536
ReadWritePaths=${systemdWord(store)}
${ownFolders.other.map((folder) => `ReadWritePaths=${systemdWord(folder)}\n`).join('')}${ownFolders.runtime.length === 0 ? '' : `RuntimeDirectory=${ownFolders.runtime.join(' ')}\nRuntimeDirectoryPreserve=yes\n`}NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=${readableHome ? 'read-only' : 'yes'}
${protection}${groups.length === 0 ? '' : `SystemCallFilter=@chown\nSupplementaryGroups=${groups.join(' ')}\n`}${isLow ? 'CapabilityBoundingSet=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_NET_BIND_SERVICE' : `CapabilityBoundingSet=${groups.length === 0 ? '\nPrivateUsers=yes' : ''}`}

[Install]
WantedBy=multi-user.target
`;
}

export interface SocketUnit {
  readonly store: string;
  readonly listen: readonly (TcpAddress | UnixAddress)[];
  readonly mode?: number;
  readonly group?: string;
  readonly user: string;
}

/** The unit that opens the addresses, whether the service runs or not: who connects while it starts waits and is answered. Throws `INPUT_FLAG` for a host name. */
export function socketUnitText({ store, listen, mode = 0o660, group, user }: SocketUnit): string {
  const isUnix = listen.some((address) => 'path' in address);
  return `[Unit]
Description=longshore repository machine (${systemdText(store)}), its addresses

[Socket]
${listen.map((address) => `ListenStream=${listenStream(address)}\n`).join('')}${listen.some((address) => 'port' in address && isBesideIpv4(address, listen)) ? 'BindIPv6Only=ipv6-only\n' : ''}${isUnix ? `SocketMode=${modeText(mode)}\nSocketUser=${user}\nSocketGroup=${group ?? user}\n` : ''}NoDelay=yes
Backlog=4096
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`;
}

function listenStream(address: TcpAddress | UnixAddress): string {
  if ('path' in address) return systemdText(address.path);
  const host = address.host === 'localhost' ? '127.0.0.1' : hostOf(address) ?? '';
  if (isIP(host) === 0 || address.port === 0) throw new BundleError('INPUT_FLAG', { subject: `--listen ${address.host}:${address.port}`, expected: 'an IP address and a port, which is what systemd opens (--socket)', actual: isIP(host) === 0 ? 'a name' : 'no port' });
  return `${isIP(host) === 6 ? `[${host}]` : host}:${address.port}`;
}

/** Where its sockets lie: `runtime` below /run, made by systemd. */
function socketFolders(listen: readonly (TcpAddress | UnixAddress)[]): { readonly runtime: readonly string[]; readonly other: readonly string[] } {
  const folders = new Set(listen.flatMap((address) => ('path' in address ? [address.path.slice(0, address.path.lastIndexOf('/')) || '/'] : [])));
  const runtime = [...folders].flatMap((folder) => { const name = /^\/run\/([A-Za-z0-9_.-]+)$/.exec(folder)?.[1]; return name === undefined ? [] : [name]; });
  return { runtime, other: [...folders].filter((folder) => !runtime.includes(folder.slice('/run/'.length))) };
}

const systemdText = (text: string): string => text.replaceAll('%', '%%');

/** systemd.service(5), "Command lines": double quotes, with % and $ doubled. */
function systemdWord(text: string): string {
  const escaped = text.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Whether a unit that {@link serviceUnit} made is of the service of this store. */
export function isUnitOf(unit: string, store: string): boolean {
  return unit.split('\n').includes(`ReadWritePaths=${systemdWord(store)}`);
}
