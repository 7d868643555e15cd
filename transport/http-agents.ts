import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Dispatcher } from 'undici';
import type DirectAgent from 'undici/lib/dispatcher/agent.js';
import { BundleError } from '../bom/errors.ts';
import { parseNoProxy } from './no-proxy.ts';

/** As PEM files, or as PEM text. */
export interface ClientCertificate {
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
}

export interface AgentOptions {
  /** PEM files of further CAs, beside Node's and the system's. */
  readonly caFiles?: readonly string[];
  /** host[:port], or `*` for every host -> certificate to show there, and a CA that counts only there. */
  readonly clientCertificates?: Readonly<Record<string, ClientCertificate>>;
  /** Folders with one folder for each host[:port], as Docker and podman keep them: `*.crt` are CAs, `X.cert` with `X.key` a client certificate. */
  readonly certificateDirs?: readonly string[];
  readonly stallTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Where HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY stand, in either case. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Connections, one pool for each origin; closed once, by `close`. Never retries, never follows redirects. */
export interface Agents {
  dispatcherFor(url: URL): Dispatcher;
  /** TLS options for a connection of the caller's own; undefined where a proxy stands in between. */
  directTls(url: URL): object | undefined;
  close(): Promise<void>;
}

/** Loopback is never asked for through a proxy, as in curl and Go. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || /^127\./.test(hostname) || hostname === '[::1]';
}

/** Files are read at the first https request, so that a bad CA file is named there, as `INPUT_MISSING_FILE`. */
export function createAgents(options: AgentOptions): Agents {
  const made = new Map<string, Dispatcher>();
  const envOf = (name: string): string | undefined => options.env[name] || options.env[name.toUpperCase()] || undefined;
  const httpProxy = envOf('http_proxy') ?? envOf('all_proxy');
  const httpsProxy = envOf('https_proxy') ?? envOf('all_proxy');
  let commonCa: readonly string[] | undefined;
  const ownOf = (host: string): OwnTls | undefined => {
    const named = options.clientCertificates?.[host] ?? options.clientCertificates?.['*'];
    if (named === undefined) return inFolders(options.certificateDirs ?? [], host);
    const { caFile, ...rest } = named;
    return { ...rest, caFiles: caFile === undefined ? [] : [caFile] };
  };
  const owns = new Map<string, OwnTls | undefined>();
  const tlsFor = (own: OwnTls | undefined): Record<string, unknown> => {
    commonCa ??= authorities(options.caFiles ?? []);
    return {
      ca: own === undefined ? commonCa : [...commonCa, ...own.caFiles.map(readText), ...(own.ca === undefined ? [] : [own.ca])],
      ...(own?.cert === undefined ? {} : { cert: own.cert }),
      ...(own?.key === undefined ? {} : { key: own.key }),
      ...(own?.certFile === undefined ? {} : { cert: readText(own.certFile) }),
      ...(own?.keyFile === undefined ? {} : { key: readText(own.keyFile) }),
    };
  };
  const ownFor = (url: URL): OwnTls | undefined => {
    if (url.protocol === 'https:' && !owns.has(url.host)) owns.set(url.host, ownOf(url.host));
    return owns.get(url.host);
  };
  const noProxy = parseNoProxy(envOf('no_proxy') ?? '');
  const proxyFor = (url: URL): string | undefined => (isLoopback(url.hostname) || noProxy(url) ? undefined : url.protocol === 'https:' ? httpsProxy : httpProxy);
  return {
    dispatcherFor(url) {
      const proxy = proxyFor(url);
      const own = ownFor(url);
      const key = [url.protocol, own === undefined ? '' : url.host, proxy === undefined ? 'direct' : 'proxy'].join(' ');
      let agent = made.get(key);
      if (agent === undefined) {
        agent = makeAgent(options, { tls: url.protocol === 'https:' ? tlsFor(own) : {}, proxy, proxyTls: proxy !== undefined && /^https:/i.test(proxy) ? tlsFor(undefined) : {} });
        made.set(key, agent);
      }
      return agent;
    },
    directTls(url) {
      if (proxyFor(url) !== undefined) return undefined;
      return url.protocol === 'https:' ? tlsFor(ownFor(url)) : {};
    },
    async close() {
      await Promise.all([...made.values()].map((agent) => agent.destroy()));
    },
  };
}

const load = createRequire(import.meta.url);

function makeAgent(options: AgentOptions, way: { readonly tls: object; readonly proxy: string | undefined; /** Never with the certificate that is for the server behind it. */ readonly proxyTls: object }): Dispatcher {
  const common = {
    allowH2: false,
    headersTimeout: options.stallTimeoutMs,
    bodyTimeout: options.stallTimeoutMs,
    connectTimeout: options.connectTimeoutMs,
    connections: 64,
    autoSelectFamily: true,
    connect: { ...way.tls, timeout: options.connectTimeoutMs },
  };
  // Bodies that threads fetch need neither: with what it loads, a tenth of the start of a command.
  if (way.proxy === undefined) return new (load('undici/lib/dispatcher/agent.js') as typeof DirectAgent)(common);
  const proxy = /^[a-z0-9]+:\/\//i.test(way.proxy) ? way.proxy : `http://${way.proxy}`;
  // Tunnels need what only the whole of undici sets up; see undici-parts.d.ts.
  const { ProxyAgent } = load('undici') as typeof import('undici');
  return new ProxyAgent({ ...common, uri: proxy, requestTls: way.tls, proxyTls: way.proxyTls });
}

type OwnTls = Omit<ClientCertificate, 'caFile'> & { readonly caFiles: readonly string[] }

/** The first folder that has something for `host` (containers-certs.d(5)). */
function inFolders(folders: readonly string[], host: string): OwnTls | undefined {
  for (const folder of folders.map((root) => join(root, host))) {
    const names = existsSync(folder) ? readdirSync(folder).sort() : [];
    const cert = names.find((name) => name.endsWith('.cert') && names.includes(name.replace(/cert$/, 'key')));
    const caFiles = names.filter((name) => name.endsWith('.crt')).map((name) => join(folder, name));
    if (cert !== undefined) return { caFiles, certFile: join(folder, cert), keyFile: join(folder, cert.replace(/cert$/, 'key')) };
    if (caFiles.length > 0) return { caFiles };
  }
  return undefined;
}

/** PEM of everybody who may vouch for a server: Node's and the system's authorities, and those of `caFiles`. Throws `INPUT_MISSING_FILE`. */
export function authorities(caFiles: readonly string[]): string[] {
  const { getCACertificates } = process.getBuiltinModule('node:tls');
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')]), ...caFiles.map(readText)];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'a PEM file', actual: (cause as Error).message }, { cause });
  }
}
