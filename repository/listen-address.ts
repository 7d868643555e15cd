// What the service may listen on: TCP addresses, Unix sockets of its own, and sockets that systemd opened for it.
import { isIP } from 'node:net';
import { BundleError } from '../bom/errors.ts';
import type { PassedSocket } from './passed-sockets.ts';

export interface TcpAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** Spoken to without TLS: a proxy on this machine ends it. */
export interface UnixAddress {
  /** Absolute, at most 107 bytes (unix(7)). */
  readonly path: string;
  /** Permissions of the socket. Default: 0o660. */
  readonly mode?: number;
  /** Group of the socket, by number. */
  readonly group?: number;
}

export type ListenAddress = TcpAddress | UnixAddress | PassedSocket;

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Whether every client is on this machine. */
export function isLocal(address: ListenAddress): boolean {
  const host = hostOf(address);
  return host === undefined || isLoopback(host);
}

/** Undefined for a Unix socket. */
export function hostOf(address: ListenAddress): string | undefined {
  if ('host' in address) return address.host.replace(/^\[(.*)\]$/, '$1');
  return 'passed' in address ? address.passed.host : undefined;
}

export function describeAddress(address: ListenAddress): string {
  if ('host' in address) return `${address.host}:${address.port}`;
  return 'path' in address ? `unix:${address.path}` : `socket ${address.passed.fd} of systemd`;
}

/** Throws `INPUT_FLAG` for an address that others can reach without TLS, unless plain http was asked for. */
export function checkAddress(address: ListenAddress, options: { readonly tls: boolean; readonly insecureHttp: boolean }): void {
  if (options.tls || options.insecureHttp || isLocal(address)) return;
  throw new BundleError('INPUT_FLAG', {
    subject: `--listen ${describeAddress(address)}`,
    expected: 'TLS for an address that other machines reach',
    actual: 'plain http',
    next: 'Give --tls-cert and --tls-key, or --insecure-http when this network is trusted.',
  });
}

/** Whether an IPv4 address of the same port is listened on besides: then `[::]` must not take IPv4 as well, as it does alone. */
export function isBesideIpv4(address: TcpAddress, all: readonly ListenAddress[]): boolean {
  return isIP(hostOf(address) ?? '') === 6 && address.port !== 0 && all.some((other) => 'host' in other && other.port === address.port && isIP(other.host) === 4);
}
