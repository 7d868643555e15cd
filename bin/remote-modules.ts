// Modules that are published elsewhere: `-f`, and `bom` and `from` of a project, may be addresses.
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { type Documents, type DocumentOrigin, parseDocuments } from '../bom/documents/document.ts';
import type { Project } from '../bom/documents/project.ts';
import { documentText } from '../bom/documents/utf8.ts';
import { redactUrl } from '../bom/errors.ts';
import { silent } from '../bom/events.ts';
import { checkNoCredential } from '../bom/url-credential.ts';
import type { Found } from '../downloader/sources/module.ts';
import { commitFile } from '../store/durable-file.ts';
import type { CommandContext, NetworkFlags } from './context.ts';
import { networkOf } from './context.ts';
import { gitAuthorities } from './git-authorities.ts';
import type { RegistryClientOptions } from './registry-client.ts';
import { scratchFolder } from './scratch.ts';

/** Whether `name` is an address that modules are read from, and no path. */
export function isModuleAddress(name: string): boolean {
  return /^(?:oci|https?|git\+[a-z]+):\/\//.test(name);
}

/** What reading from elsewhere needs; without it, defaults: no plain http registries, no further authorities. */
export interface RemoteAccess extends RegistryClientOptions {
  readonly signal: AbortSignal;
}

export function accessOf(context: CommandContext, flags: Partial<NetworkFlags>): RemoteAccess {
  return { notify: context.notify, signal: context.signal, ...networkOf({ insecureRegistry: flags.insecureRegistry ?? [], caFile: flags.caFile ?? [], ...(flags.limitRate === undefined ? {} : { limitRate: flags.limitRate }) }) };
}

const plain = (): RemoteAccess => ({ notify: silent, signal: new AbortController().signal, insecureRegistry: [], caFiles: [] });

type Credentials = NonNullable<NonNullable<Project['spec']>['credentials']>;

/** What one address led to. `place` is a file or folder of this run, below `root`. */
export type RemoteModule = { readonly kind: 'documents'; readonly documents: Documents } | { readonly kind: 'place'; readonly place: string; readonly root: string; readonly origin: DocumentOrigin };

/** Fetches addresses, each once. */
export class RemoteModules {
  private readonly access: RemoteAccess;
  private readonly found = new Map<string, Promise<Found>>();

  constructor(access: RemoteAccess = plain()) {
    this.access = access;
  }

  /** Documents of ours, or a place with files for an adapter (`asFiles`). */
  async read(address: string, options: { readonly asFiles?: boolean; readonly headersFrom?: readonly string[]; readonly credentials?: Credentials } = {}): Promise<RemoteModule> {
    const found = await this.fetch(address, options);
    if (found.kind === 'folder') return { kind: 'place', place: found.path, root: found.root, origin: found.at };
    if (options.asFiles !== true) return { kind: 'documents', documents: parseDocuments(documentText(found.bytes, redactUrl(address)), address, { origin: found.at }) };
    const root = await mkdtemp(join(await scratchFolder(), 'document-'));
    const place = join(root, decodeURIComponent(address.replace(/[?#].*$/s, '').split('/').at(-1) ?? '').replace(/[^\w.-]/g, '_') || 'document');
    await commitFile(place, found.bytes);
    return { kind: 'place', place, root, origin: found.at };
  }

  private fetch(address: string, { headersFrom = [], credentials = {} }: { readonly headersFrom?: readonly string[]; readonly credentials?: Credentials }): Promise<Found> {
    const known = this.found.get(address);
    if (known !== undefined) return known;
    const fetching = this.fetchOnce(address, headersFrom, credentials);
    this.found.set(address, fetching);
    return fetching;
  }

  private async fetchOnce(address: string, names: readonly string[], credentials: Credentials): Promise<Found> {
    checkNoCredential(address, 'address of a module');
    // Loaded here: most documents are files of this machine.
    const [{ createRegistryClient }, { fetchModule }, { headersFor }] = await Promise.all([import('./registry-client.ts'), import('../downloader/sources/module.ts'), import('./wiring.ts')]);
    const { http, registry } = createRegistryClient(this.access);
    try {
      this.access.notify({ kind: 'step', phase: 'lock', message: `reading ${address.replace(/\?[^#]*/, '')}` });
      const headers = Object.assign({}, ...await Promise.all(names.map(headersFor(credentials)))) as Readonly<Record<string, string>>;
      return await fetchModule(address, { http, registry, folder: scratchFolder, authorities: gitAuthorities(this.access.caFiles), signal: this.access.signal }, headers);
    } finally {
      await http.close();
    }
  }
}
