// --listen and what comes with it, as `serve` and `create` read it.
import { spawnSync } from 'node:child_process';
import { hostname, networkInterfaces } from 'node:os';
import { isAbsolute } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { BundleError } from '../bom/errors.ts';
import { hostOf, type ListenAddress, type TcpAddress, type UnixAddress } from '../repository/listen-address.ts';
import { collect } from './context.ts';

export interface ListenFlags {
  readonly listen: readonly string[];
  /** As chmod takes it. */
  readonly socketMode?: number;
  readonly socketGroup?: string;
}

export function listenOptions(fallback: string): Option[] {
  return [
    new Option('--listen <address>', `host:port, or unix:PATH; repeatable (default: ${fallback})`).default([]).argParser(collect),
    new Option('--socket-mode <mode>', 'permissions of unix: sockets, octal (default: 0660)').argParser(parseMode),
    new Option('--socket-group <group>', 'group of unix: sockets (default: of the process)'),
  ];
}

function parseMode(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw new InvalidArgumentError('expected permissions like 0660.');
  return Number.parseInt(text, 8);
}

export const modeText = (mode: number): string => `0${mode.toString(8).padStart(3, '0')}`;

/** `host:port`, `[v6]:port`, `:port` (loopback), `host` (port 5000) or `unix:/path`. Throws `INPUT_FLAG`. */
export function parseListen(text: string): TcpAddress | UnixAddress {
  const refused = (): BundleError => new BundleError('INPUT_FLAG', { subject: '--listen', expected: 'host:port, [IPv6]:port, :port or unix:/PATH', actual: text });
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (!isAbsolute(path) || path.endsWith('/')) throw refused();
    return { path };
  }
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[2] ?? 5000);
  if (match === null || port > 65_535) throw refused();
  return { host: match[1] === '' || match[1] === undefined ? '127.0.0.1' : match[1], port };
}

/** All addresses of a command line, with the permissions of its sockets. Throws `INPUT_FLAG` for a group that this system does not have. */
export function listenAddresses({ listen, socketMode, socketGroup }: ListenFlags): (TcpAddress | UnixAddress)[] {
  const group = socketGroup === undefined ? undefined : groupId(socketGroup);
  const addresses = listen.map(parseListen);
  if ((socketMode ?? group) !== undefined && !addresses.some((address) => 'path' in address)) {
    throw new BundleError('INPUT_FLAG', { subject: socketMode === undefined ? '--socket-group' : '--socket-mode', expected: 'a socket with --listen unix:PATH', actual: 'none' });
  }
  return addresses.map((address) => ('path' in address ? { ...address, ...(socketMode === undefined ? {} : { mode: socketMode }), ...(group === undefined ? {} : { group }) } : address));
}

function groupId(name: string): number {
  const { status, stdout } = spawnSync('getent', ['group', name], { encoding: 'utf8' });
  const id = status === 0 ? stdout.split(':')[2] : /^\d{1,9}$/.test(name) ? name : undefined;
  if (id === undefined) throw new BundleError('INPUT_FLAG', { subject: `--socket-group ${name}`, expected: 'a group of this system', actual: 'none' });
  return Number(id);
}

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** What clients may call this machine: its name, the addresses it listens on, and what was named besides. */
export function hostsOf(listen: readonly ListenAddress[], named: readonly string[]): string[] {
  const addresses = listen.flatMap((address) => {
    const host = hostOf(address);
    if (host === undefined) return [];
    return isWildcard(host) ? Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map((one) => one.address)).filter((one) => !one.startsWith('fe80:')) : [host];
  });
  return [...new Set([...named, hostname(), 'localhost', ...addresses])];
}

/** Where a program on this machine reaches it: for net.connect. */
export function ownWayTo(address: TcpAddress | UnixAddress): { readonly path: string } | { readonly host: string; readonly port: number } {
  if ('path' in address) return { path: address.path };
  const host = hostOf(address) ?? '';
  return { host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port: address.port };
}
