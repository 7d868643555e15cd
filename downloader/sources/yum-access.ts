// How a repository's server is asked: headers of named credentials, a login of this machine's .repo file, client certificates.
import { readFile } from 'node:fs/promises';
import { BundleError } from '../../bom/errors.ts';
import type { Notify } from '../../bom/events.ts';
import type { LockedRepository } from '../../bom/lock.ts';
import type { ClientCertificate } from '../../transport/http-agents.ts';
import type { HttpClient } from '../../transport/http-client.ts';
import type { FetchContext } from './apt-fetch.ts';
import type { FileSourceOptions } from './file.ts';
import { type RepoSecrets, secretsOfSection, type YumRepository } from './yum-entry.ts';

/** Names of credentials whose values are PEM text or files. */
export interface TlsNames { readonly clientCert?: string | undefined; readonly clientKey?: string | undefined; readonly caFile?: string | undefined }

export interface YumContext extends FetchContext, Pick<FileSourceOptions, 'headersFor' | 'spoolDir' | 'concurrency'> {
  readonly now: () => Date;
  readonly notify: Notify;
  /** Reads a key, a .repo file or a list of installed packages that a requirement names; from the disk unless told. */
  readonly readFile?: (path: string) => Promise<Uint8Array>;
  /** Where universes are kept between runs. */
  readonly cacheFolder?: string;
  /** Repositories of the last lock: metadata that is older than theirs is a replay; keys and credentials of what is fetched. */
  readonly previous?: readonly LockedRepository[];
  /** A client that shows this certificate and trusts this CA, whatever the host; it lives as long as its maker. */
  readonly httpWith?: (certificate: ClientCertificate) => HttpClient;
  /** What a named credential means as a certificate. Throws `INPUT_CREDENTIAL`. */
  readonly certificateOf?: (names: TlsNames) => Promise<ClientCertificate>;
}

type Headers = Readonly<Record<string, string>>;

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : '');

/** `http` with `headers` added to requests to `hosts` alone. */
function withHeaders(http: HttpClient, headers: Headers, hosts: ReadonlySet<string>): HttpClient {
  if (Object.keys(headers).length === 0) return http;
  const own = <O extends { readonly headers?: Headers }>(url: string, options: O): O => (hosts.has(hostOf(url)) ? { ...options, headers: { ...headers, ...options.headers } } : options);
  return {
    get: (url, options) => http.get(url, own(url, options)),
    head: (url, options) => http.head(url, own(url, options)),
    size: (url, options) => http.size(url, own(url, options)),
    stream: (url, options) => http.stream(url, own(url, options)),
    close: async () => undefined,
  };
}

interface Access {
  readonly subject: string;
  readonly urls: readonly string[];
  readonly headersFrom: readonly string[];
  readonly tls?: TlsNames;
  readonly tlsFiles?: YumRepository['tlsFiles'];
  readonly login?: YumRepository['login'];
}

async function clientFor(context: YumContext, access: Access): Promise<HttpClient> {
  const named = access.tls === undefined ? {} : await context.certificateOf?.(access.tls);
  const certificate = { ...access.tlsFiles, ...named };
  const wants = access.tls !== undefined || access.tlsFiles !== undefined;
  if (!wants) return context.http;
  if (context.httpWith === undefined || named === undefined) throw new BundleError('INPUT_CREDENTIAL', { subject: access.subject, expected: 'a way to show a client certificate', actual: 'none here' });
  return context.httpWith(certificate);
}

async function contextWith(context: YumContext, access: Access): Promise<YumContext> {
  const headers: Record<string, string> = {};
  if (access.login !== undefined) headers.authorization = `Basic ${Buffer.from(`${access.login.user}:${access.login.password}`).toString('base64')}`;
  for (const name of access.headersFrom) Object.assign(headers, await context.headersFor(name));
  const http = await clientFor(context, access);
  return { ...context, http: withHeaders(http, headers, new Set(access.urls.map(hostOf))) };
}

/** `context` as the repository's servers are to be asked. Throws `INPUT_CREDENTIAL` for a name that the project does not declare. */
export function contextFor(context: YumContext, repository: YumRepository): Promise<YumContext> {
  const { requirement, baseurls, mirrorlist, metalink, tlsFiles, login } = repository;
  return contextWith(context, {
    subject: `repository ${repository.id}`, headersFrom: requirement.headersFrom ?? [],
    urls: [...baseurls, mirrorlist ?? '', metalink ?? ''],
    ...(requirement.tls === undefined ? {} : { tls: requirement.tls }), ...(tlsFiles === undefined ? {} : { tlsFiles }), ...(login === undefined ? {} : { login }),
  });
}

/** What the .repo file that a lock names says now: certificates of subscriptions are renewed under other names. Throws `INPUT_CREDENTIAL` where it is not as it was. */
async function secretsNow(context: YumContext, { id, repoFile, tlsFiles }: LockedRepository): Promise<RepoSecrets> {
  if (repoFile === undefined) return tlsFiles === undefined ? {} : { tlsFiles: withoutUndefined(tlsFiles) };
  const { path, section } = repoFile;
  const refused = (actual: string, cause?: unknown): BundleError => new BundleError('INPUT_CREDENTIAL', {
    subject: `repository ${id}`, expected: `the login or client certificate in [${section}] of ${path}, as when it was locked`, actual,
    next: 'Download on the machine that locked, from the same folder; or declare what the server wants as credentials of the project, name them in tls: {clientCert, clientKey, caFile} or headersFrom, and lock again.',
  }, { cause });
  const text = await readText(context, path, 4 << 20).catch((error: unknown) => {
    if (error instanceof BundleError) throw refused(error.facts.actual, error);
    throw error;
  });
  const secrets = secretsOfSection(text, section);
  if (secrets === undefined || Object.keys(secrets).length === 0) throw refused(secrets === undefined ? 'no such section' : 'neither in it');
  return secrets;
}

/**
 * The same for packages of a lock. Headers go to the addresses that the project named, not to mirrors and hosts that only the metadata names. Throws
 * `INPUT_CREDENTIAL` for a login or a certificate that this machine does not have.
 */
export async function contextForLocked(context: YumContext, repository: LockedRepository): Promise<YumContext> {
  const { headersFrom = [], tls, tlsFiles, repoFile } = repository;
  if (headersFrom.length === 0 && tls === undefined && tlsFiles === undefined && repoFile === undefined) return context;
  return contextWith(context, {
    subject: `repository ${repository.id}`, headersFrom, urls: [repository.uri, ...repository.alsoAt ?? []],
    ...(tls === undefined ? {} : { tls }), ...await secretsNow(context, repository),
  });
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** A text file of this machine, at most `maxBytes` of it; through the context's reader when it has one. */
export async function readText(context: Pick<YumContext, 'readFile'>, path: string, maxBytes = 64 << 20): Promise<string> {
  try {
    const bytes = await (context.readFile ?? readFile)(path);
    if (bytes.length > maxBytes) throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: `at most ${maxBytes} bytes`, actual: `${bytes.length}` });
    return Buffer.from(bytes).toString('utf8');
  } catch (cause) {
    if (cause instanceof BundleError) throw cause;
    throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'a file that can be read', actual: (cause as NodeJS.ErrnoException).code ?? String(cause) }, { cause });
  }
}
