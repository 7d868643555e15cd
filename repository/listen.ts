// Addresses, ports and TLS of the service, and what a client may cost it.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import { BundleError } from '../bom/errors.ts';
import { describeAddress, hostOf, isBesideIpv4, type ListenAddress, type TcpAddress } from './listen-address.ts';
import { defaultPairMs } from './mirror/signed-pairs.ts';
import { bindUnixSocket } from './unix-socket.ts';

/** PEM texts. */
export interface TlsFiles {
  /** The server's certificate, then those above it. */
  readonly cert: string;
  readonly key: string;
  /** The authority that clients have to trust, when it is the machine's own: served as /keys/ca.pem. */
  readonly ca?: string;
}

/** What a client may cost. Slow but living ones are never cut: there is no limit on the length of a request or an answer. */
export interface Limits {
  /** For the headers of a request, from its first byte. */
  readonly headersMs: number;
  /** Without one byte in either direction, in the middle of a request or an answer. */
  readonly silenceMs: number;
  /** Connections at once to one address; more are closed when they come. */
  readonly connections: number;
  /** That a client which has one half of a signed pair is waited for at a switch: `SignedPairs`. */
  readonly pairMs: number;
}

export const defaultLimits: Limits = { headersMs: 30_000, silenceMs: 120_000, connections: 4096, pairMs: defaultPairMs };

/** Takes renewed certificates for connections to come. Throws `INPUT_FLAG` for files that do not fit each other; then those before stay. */
export function renewTls(server: Server, { cert, key }: TlsFiles): void {
  checkTls({ cert, key });
  if (server instanceof TlsServer) server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' });
}

/**
 * Starts one server on one address of `all`. Throws `TARGET_LISTEN` when the address cannot be had, `INPUT_FLAG` for a certificate or key that is none, and what
 * {@link bindUnixSocket} throws.
 */
export async function listenOn(address: ListenAddress, handler: RequestListener, options: { readonly all: readonly ListenAddress[]; readonly tls?: TlsFiles; readonly limits: Limits }): Promise<Server> {
  const { tls, limits: { headersMs, silenceMs, connections } } = options;
  const limits = { headersTimeout: headersMs, requestTimeout: 0, connectionsCheckingInterval: Math.min(5_000, headersMs), keepAliveTimeout: 75_000, maxHeaderSize: 16_384, noDelay: true };
  const server = tls === undefined || hostOf(address) === undefined ? createServer(limits, handler) : makeTlsServer({ ...limits, ...tls }, handler);
  server.maxConnections = connections;
  server.maxRequestsPerSocket = 0;
  server.setTimeout(silenceMs);
  if ('passed' in address) address.passed.handOver(server);
  else if ('path' in address) await bindUnixSocket(server, address);
  else await listenOnTcp(server, address, isBesideIpv4(address, options.all));
  return server;
}

const cannotListen: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there', EADDRNOTAVAIL: 'no interface of this machine has it', EACCES: 'a port that this user may not take',
  ENOTFOUND: 'a host name that has no address', EAI_AGAIN: 'a host name that has no address (no name server answers)',
};

async function listenOnTcp(server: Server, address: TcpAddress, ipv6Only: boolean): Promise<void> {
  await new Promise<void>((done, fail) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      fail(new BundleError('TARGET_LISTEN', { subject: describeAddress(address), expected: 'a free address of this machine', actual: cannotListen[cause.code ?? ''] ?? cause.message }, { cause }));
    });
    server.listen({ host: hostOf(address) ?? '', port: address.port, ipv6Only }, () => { done(); });
  });
}

/** Node takes an empty text for no certificate at all, listens, and fails at each connection. */
function checkTls({ cert, key }: TlsFiles): void {
  const refused = (actual: string, cause?: unknown): BundleError => new BundleError('INPUT_FLAG', { subject: 'TLS', expected: 'a certificate and its key, as PEM', actual }, { cause });
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw refused((cause as Error).message, cause);
  }
  if (!fits) throw refused('a key of another certificate');
}

function makeTlsServer({ ca, ...options }: TlsFiles & object, handler: RequestListener): Server {
  checkTls(options);
  try {
    return createTlsServer({ ...options, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] }, handler);
  } catch (cause) {
    throw new BundleError('INPUT_FLAG', { subject: 'TLS', expected: 'a certificate and its key, as PEM', actual: (cause as Error).message }, { cause });
  }
}

/** Where a server listens, as a URL without path; a Unix socket as `unix:<path>`. */
export function originOf(server: Server, wanted: ListenAddress): string {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') return 'passed' in wanted ? `unix:${wanted.passed.path ?? ''}` : describeAddress(wanted);
  const { address, port, family } = bound;
  return `${server instanceof TlsServer ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** Stops listening, lets answers in flight end, and cuts what is left after `graceMs`. */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((done) => { server.close(() => { done(); }); });
  server.closeIdleConnections();
  // A connection that was busy becomes idle when its answer ends.
  const idle = setInterval(() => { server.closeIdleConnections(); }, 100);
  const timer = setTimeout(() => { server.closeAllConnections(); }, graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(timer);
}
