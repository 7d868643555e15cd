import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import { isLoopback } from './listen-address.ts';

/** What stands for an address where somebody on this machine came by a Unix socket. */
export const localClient = 'local';

/**
 * The address of who asks. A proxy on this machine (by loopback or a Unix socket) is believed about who stands in front of it: the last entry of
 * X-Forwarded-For, which is the one that it wrote itself. Others are not.
 */
export function clientAddress(request: IncomingMessage): string {
  const own = peerOf(request);
  if (own !== localClient && !isLoopback(own)) return own;
  const forwarded = request.headers['x-forwarded-for'];
  const last = (Array.isArray(forwarded) ? forwarded.join(',') : forwarded ?? '').split(',').at(-1)?.trim() ?? '';
  return isIP(last) === 0 ? own : last;
}

/** Whether a program on this machine asks for itself. */
export function isThisMachine(request: IncomingMessage): boolean {
  const address = clientAddress(request);
  return address === localClient || isLoopback(address) || address === plain(request.socket.localAddress ?? '');
}

/** Whether the client speaks TLS: with this service, or with a proxy on this machine that says so. */
export function isByTls(request: IncomingMessage): boolean {
  if (request.socket instanceof TLSSocket) return true;
  const own = peerOf(request);
  return request.headers['x-forwarded-proto'] === 'https' && (own === localClient || isLoopback(own));
}

function peerOf(request: IncomingMessage): string {
  const { remoteAddress } = request.socket;
  return remoteAddress === undefined ? localClient : plain(remoteAddress);
}

/** IPv4 clients of a socket that takes both come as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). */
function plain(address: string): string {
  return address.replace(/^::ffff:/, '');
}
