import { homedir } from 'node:os';
import type { Notify } from '../bom/events.ts';
import { createCredentials } from '../transport/credentials.ts';
import { createHttpClient, type Http } from '../transport/http.ts';
import { createRegistryPool, type RegistryPool } from '../transport/registry.ts';
import { registryRules } from './registries-conf.ts';
import { version } from './version.ts';

export interface RegistryClientOptions {
  readonly notify: Notify;
  readonly insecureRegistry: readonly string[];
  readonly limitRateBytesPerS?: number;
  readonly caFiles: readonly string[];
}

/** The one HTTP client of a run, and registries over it with the credentials that other tools left on this machine. */
export function createRegistryClient(options: RegistryClientOptions): { readonly http: Http; readonly registry: RegistryPool } {
  const http = createHttpClient({
    notify: options.notify, userAgent: `longshore/${version}`, caFiles: options.caFiles, ...(options.limitRateBytesPerS === undefined ? {} : { limitRateBytesPerS: options.limitRateBytesPerS }),
  });
  const credentials = createCredentials({ env: process.env, homeDir: homedir() });
  return { http, registry: createRegistryPool({ http, credentials, insecureHosts: options.insecureRegistry, rules: registryRules() }) };
}
