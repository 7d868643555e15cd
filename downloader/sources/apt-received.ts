// Packages as a lock names them, from the repositories that they were found in.
import type { Descriptor } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { LockedPackage, LockedRepository } from '../../bom/lock.ts';
import type { Bytes, FileSink, PlainFetch } from '../../bom/ports.ts';
import type { RepositoryRequirement } from '../../bom/requirement.ts';
import type { HttpClient } from '../../transport/http-client.ts';
import { type FetchContext, localPath, streamFrom } from './apt-fetch.ts';

/** Names of credentials: a client certificate, its key, and the authority of the server. */
export type RepositoryTls = NonNullable<RepositoryRequirement['tls']>;

export interface AptAccess {
  /** Headers of credentials by name, for a request to this address. Throws `INPUT_CREDENTIAL`. */
  readonly headersFor?: (url: string, names: readonly string[]) => Promise<Readonly<Record<string, string>>>;
  /** A client that shows the certificates of these credentials. Throws `INPUT_CREDENTIAL`. */
  readonly httpFor?: (tls: RepositoryTls) => Promise<HttpClient>;
}

/** `context` with the client that a repository asks for. */
export async function withTls<C extends FetchContext & Pick<AptAccess, 'httpFor'>>(context: C, tls: RepositoryTls | undefined, subject: string): Promise<C> {
  if (tls === undefined) return context;
  if (context.httpFor === undefined) throw new BundleError('RESOLVE_UNSUPPORTED', { subject, expected: 'a repository without client certificates', actual: 'tls' });
  return { ...context, http: await context.httpFor(tls) };
}

export interface LockedDebsOptions extends FetchContext, AptAccess {
  /** What the repository of a locked package asks for: names of credentials. */
  readonly accessOf?: (artifact: LockedPackage) => Pick<LockedRepository, 'headersFrom' | 'tls'>;
}

/** Packages of a lock: `fetch` gives the bytes of one from `offset` on, `plain` how its first address is asked for all of it. */
export class LockedDebs {
  private readonly options: LockedDebsOptions;

  constructor(options: LockedDebsOptions) {
    this.options = options;
  }

  async *fetch(artifact: LockedPackage, blob: Descriptor, { offset = 0, into, signal }: { readonly offset?: number; readonly into?: FileSink | undefined; readonly signal: AbortSignal }): Bytes {
    const [url = ''] = artifact.urls;
    const { headersFrom = [], tls } = this.options.accessOf?.(artifact) ?? {};
    const headers = await this.options.headersFor?.(url, headersFrom);
    const own = await withTls(this.options, withoutUndefined(tls), `package ${artifact.name}`);
    yield* streamFrom(own, artifact.urls, blob, { offset, into, signal, headers });
  }

  /** undefined where it is no matter of one GET that anybody may make. */
  async plain(artifact: LockedPackage): Promise<PlainFetch | undefined> {
    const [url] = artifact.urls;
    const { headersFrom = [], tls } = this.options.accessOf?.(artifact) ?? {};
    if (url === undefined || tls !== undefined || localPath(url) !== undefined) return undefined;
    const headers = await this.options.headersFor?.(url, headersFrom);
    return { url, ...(headers === undefined ? {} : { headers }) };
  }
}

/** The lock says `undefined` where a requirement leaves out. */
function withoutUndefined(tls: LockedRepository['tls']): RepositoryTls | undefined {
  return tls === undefined ? undefined : Object.fromEntries(Object.entries(tls).filter(([, name]) => name !== undefined));
}
