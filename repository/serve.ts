// The repository machine's HTTP service: README "Repository machine". RFC 9112.
import type { Server } from 'node:http';
import { BundleError } from '../bom/errors.ts';
import { Access } from './access.ts';
import { BlobCache } from './blob-cache.ts';
import { closeServer, defaultLimits, listenOn, originOf, renewTls, type TlsFiles } from './listen.ts';
import { checkAddress } from './listen-address.ts';
import { Machine } from './machine.ts';
import { PasswordFile } from './password-file.ts';
import { Registry } from './registry/registry.ts';
import type { ServeOptions } from './serve-options.ts';

export type { AccessRecord } from './access-record.ts';
export type { ServeOptions } from './serve-options.ts';

export interface Service {
  /** `http://host:port` or `unix:<path>` of every address, in the order of `listen`. */
  readonly addresses: readonly string[];
  /** Takes renewed certificates; connections that are open keep the old ones. Without effect when the service has no TLS. */
  renewTls(tls: TlsFiles): void;
  /** Resolves when what is being switched to (if anything) is served. */
  settled(): Promise<void>;
  /** Stops listening and waits for answers in flight, at most `graceMs` (default 10 s). */
  close(graceMs?: number): Promise<void>;
}

/**
 * Serves until closed. Throws before it listens anywhere: `INPUT_FLAG` (an address or TLS files that cannot be), `INPUT_MISSING_FILE` or `INPUT_FIELD`
 * (htpasswd), `TARGET_LISTEN` (port in use), `STORAGE_IO` (damaged state). A request in flight finishes on the content it began with.
 */
export async function serve(options: ServeOptions): Promise<Service> {
  const now = options.now ?? Date.now;
  const listen = options.listen ?? [{ host: '127.0.0.1', port: 5000 }];
  for (const address of listen) checkAddress(address, { tls: options.tls !== undefined, insecureHttp: options.insecureHttp === true });
  const passwords = options.htpasswd === undefined ? undefined : new PasswordFile(options.htpasswd);
  await passwords?.refresh();
  if (options.readAuth === true && passwords === undefined) {
    throw new BundleError('INPUT_FLAG', { subject: '--read-auth', expected: 'a password file (--htpasswd)', actual: 'none' });
  }
  const access = new Access({ ...(passwords === undefined ? {} : { passwords }), readAuth: options.readAuth === true, now });
  const blobs = new BlobCache(options.blobs);
  const registry = await Registry.open({ blobs, access, now, ...(options.push === undefined ? {} : { push: options.push }) });
  const machine = new Machine({ ...options, now }, { access, registry, blobs });
  const servers: Server[] = [];
  const addresses: string[] = [];
  try {
    const limits = { ...defaultLimits, ...options.limits };
    for (const address of listen) {
      const server = await listenOn(address, (request, response) => machine.take(request, response), { limits, all: listen, ...(options.tls === undefined ? {} : { tls: options.tls }) });
      servers.push(server);
      addresses.push(originOf(server, address));
    }
  } catch (cause) {
    for (const server of servers) await closeServer(server, 0);
    throw cause;
  }
  options.watch?.(() => { void machine.settled(); });
  return {
    addresses,
    renewTls: (tls) => {
      for (const server of servers) renewTls(server, tls);
      machine.ca = tls.ca;
    },
    settled: () => machine.settled(),
    close: async (graceMs = 10_000) => {
      machine.stopWaiting();
      await Promise.all(servers.map((server) => closeServer(server, graceMs)));
      await registry.close();
      await machine.closeLogs();
    },
  };
}
