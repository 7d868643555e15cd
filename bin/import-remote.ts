// Sources of `import` that are no files: an archive behind http(s), a bundle in a registry.
import { BundleError } from '../bom/errors.ts';
import { parseReference } from '../bom/reference.ts';
import { checkNoCredential } from '../bom/url-credential.ts';
import type { PgpKey } from '../formats/pgp/keys.ts';
import { importBundle } from '../importer/import-registry.ts';
import { importUrl } from '../importer/import-url.ts';
import type { ServedResult } from '../importer/serve-lock.ts';
import type { Store } from '../store/store.ts';
import { type CommandContext, networkOf, type NetworkFlags } from './context.ts';
import { createRegistryClient } from './registry-client.ts';

export interface RemoteImport extends NetworkFlags {
  readonly address: string;
  readonly store: Store;
  readonly keys: readonly PgpKey[];
  readonly allowUnsigned: boolean;
  readonly allowDowngrade: boolean;
  readonly allowUpgradePath: boolean;
  readonly facts?: Readonly<Record<string, string>>;
}

export type RemoteResult = ServedResult & { readonly fetched: number; readonly fetchedBytes: number };

export function isRemote(name: string): boolean {
  return /^(https?|oci):\/\//i.test(name);
}

const concurrency = 8;

/** Brings what is missing and serves it. For http(s), `LONGSHORE_URL_USER` with `LONGSHORE_URL_PASSWORD`, or `LONGSHORE_URL_TOKEN`, are sent; registries have their own logins. */
export async function importRemote(context: CommandContext, options: RemoteImport): Promise<RemoteResult> {
  const { address, store, keys, allowUnsigned, allowDowngrade, allowUpgradePath } = options;
  const { http, registry } = createRegistryClient({ notify: context.notify, ...networkOf(options) });
  const common = { ...(options.facts === undefined ? {} : { facts: options.facts }), store, keys, allowUnsigned, allowDowngrade, allowUpgradePath, concurrency, now: context.now(), notify: context.notify, signal: context.signal };
  try {
    if (!/^oci:/i.test(address)) return await importUrl({ ...common, url: plainUrl(address), http: http.over(http.send), headers: urlHeaders() });
    checkNoCredential(address, 'import');
    const reference = parseReference(address.slice('oci://'.length));
    return await importBundle({ ...common, session: registry.session(reference.host), reference });
  } finally {
    await http.close();
  }
}

function plainUrl(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '') {
    throw new BundleError('INPUT_URL', { subject: 'import', expected: 'https://host/path without user and password', actual: url === undefined ? address : 'a URL with credentials', next: 'Set LONGSHORE_URL_USER and LONGSHORE_URL_PASSWORD, or LONGSHORE_URL_TOKEN.' });
  }
  return url.href;
}

function urlHeaders(): Readonly<Record<string, string>> {
  const { LONGSHORE_URL_TOKEN: token, LONGSHORE_URL_USER: user, LONGSHORE_URL_PASSWORD: password } = process.env;
  if (token !== undefined && token !== '') return { authorization: `Bearer ${token}` };
  return user === undefined || user === '' ? {} : { authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}` };
}
