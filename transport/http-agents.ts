import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { BundleError } from '../bom/errors.ts';

export interface ClientCertificate {
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
}

export interface AgentOptions {
  /** PEM files of further CAs, beside Node's and the system's. */
  readonly caFiles?: readonly string[];
  /** host[:port] -> certificate to show there, and a CA that counts only there. */
  readonly clientCertificates?: Readonly<Record<string, ClientCertificate>>;
  readonly stallTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Where HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY stand, in either case. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Connections, one pool for each origin; closed once, by `close`. Never retries, never follows redirects. */
export interface Agents {
  dispatcherFor(url: URL): Dispatcher;
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
  const tlsFor = (host: string): Record<string, unknown> => {
    commonCa ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')]), ...(options.caFiles ?? []).map(readText)];
    const own = options.clientCertificates?.[host];
    return {
      ca: own?.caFile === undefined ? commonCa : [...commonCa, readText(own.caFile)],
      ...(own?.certFile === undefined ? {} : { cert: readText(own.certFile) }),
      ...(own?.keyFile === undefined ? {} : { key: readText(own.keyFile) }),
    };
  };
  return {
    dispatcherFor(url) {
      const proxy = isLoopback(url.hostname) ? undefined : url.protocol === 'https:' ? httpsProxy : httpProxy;
      const own = options.clientCertificates?.[url.host] === undefined ? '' : url.host;
      const key = [url.protocol, own, proxy === undefined ? 'direct' : 'proxy'].join(' ');
      let agent = made.get(key);
      if (agent === undefined) {
        const tls = url.protocol === 'https:' || proxy?.startsWith('https:') === true ? tlsFor(url.host) : {};
        agent = makeAgent(options, { tls, proxy, noProxy: envOf('no_proxy') });
        made.set(key, agent);
      }
      return agent;
    },
    async close() {
      await Promise.all([...made.values()].map((agent) => agent.destroy()));
    },
  };
}

function makeAgent(options: AgentOptions, way: { readonly tls: object; readonly proxy: string | undefined; readonly noProxy: string | undefined }): Dispatcher {
  const common = {
    allowH2: false,
    headersTimeout: options.stallTimeoutMs,
    bodyTimeout: options.stallTimeoutMs,
    connectTimeout: options.connectTimeoutMs,
    connections: 64,
    autoSelectFamily: true,
    connect: { ...way.tls, timeout: options.connectTimeoutMs },
  };
  if (way.proxy === undefined) return new Agent(common);
  const proxy = /^[a-z0-9]+:\/\//i.test(way.proxy) ? way.proxy : `http://${way.proxy}`;
  return new EnvHttpProxyAgent({
    ...common, httpProxy: proxy, httpsProxy: proxy, noProxy: way.noProxy ?? '', requestTls: way.tls, proxyTls: way.tls,
  } as ConstructorParameters<typeof EnvHttpProxyAgent>[0]);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'a PEM file', actual: (cause as Error).message }, { cause });
  }
}
