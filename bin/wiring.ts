import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import type { Project } from '../bom/documents/project.ts';
import { BundleError } from '../bom/errors.ts';
import type { LockedFile, LockedGit, LockedPackage, LockedRepository } from '../bom/lock.ts';
import type { BlobReader, BlobWriter, Kind, Source } from '../bom/ports.ts';
import type { Keeping } from '../downloader/keeping.ts';
import type { AptSourceOptions } from '../downloader/sources/apt.ts';
import type { ApartVerifier } from '../downloader/sources/apt-release.ts';
import type { DownloadOptions } from '../downloader/download.ts';
import type { ConfigSource } from '../downloader/sources/config.ts';
import { gitAuthorities } from './git-authorities.ts';
import { helmRepositories } from './helm-repositories.ts';
import { hostAptAuthorization, hostCredential } from './host-apt-auth.ts';
import { createRegistryClient, type RegistryClientOptions } from './registry-client.ts';
import { createCertificates } from './rpm-certificates.ts';

export interface Sources {
  readonly image: Source<'image'>;
  readonly file: Source<'file'>;
  readonly deb: Source<'deb'>;
  readonly chart: Source<'chart'>;
  readonly git: Source<'git'>;
  readonly rpm: Source<'rpm'>;
}

export interface WiringOptions extends RegistryClientOptions {
  readonly blobs: BlobReader & BlobWriter;
  /** Takes what apt repositories' own files are still on their way into `blobs`; left out, a resolution waits for it. */
  readonly keeping?: Keeping;
  readonly verifier?: ApartVerifier;
  readonly concurrency: number;
  readonly now: () => Date;
  /** Of the last lock: metadata that is older than theirs is a replay; and which credential each asks for. */
  readonly previousRepositories?: readonly LockedRepository[];
  /** Of the last lock: who signed them, and where they were found. */
  readonly previousPackages?: readonly LockedPackage[];
  /** Of the last lock: bundles of the same commit stay as they are. */
  readonly previousGit?: readonly LockedGit[];
  /** Where what was worked out of indexes is kept between runs. */
  readonly cacheFolder?: string;
  /** Where content of unknown digest waits for it. */
  readonly spoolFolder: string;
  /** For keyless signatures; see the image source. */
  readonly trustRoot?: string;
  readonly credentials?: NonNullable<NonNullable<Project['spec']>['credentials']>;
}

/** Every source, over one HTTP client; `close` ends its connections. */
export function createSources(options: WiringOptions): { readonly sources: Sources; readonly together: Pick<NonNullable<DownloadOptions['together']>, 'plain' | 'fetchFiles'>; close(): Promise<void> } {
  const { blobs, notify, now, concurrency } = options;
  const { http, registry } = createRegistryClient(options);
  const named = headersFor(options.credentials ?? {});
  const certificates = createCertificates(options, (name) => secretOf(options.credentials ?? {}, name).value);
  const authorities = gitAuthorities(options.caFiles);
  const yum = {
    http, blobs, now, notify, spoolDir: options.spoolFolder, concurrency, headersFor: named, ...certificates.access,
    previous: options.previousRepositories ?? [], previousPackages: options.previousPackages ?? [], ...(options.cacheFolder === undefined ? {} : { cacheFolder: options.cacheFolder }),
  };
  const apt: AptSourceOptions = {
    http, blobs, now, notify, spoolDir: options.spoolFolder, concurrency, ...aptAccess(options),
    httpFor: async (tls) => certificates.access.httpWith(await certificates.access.certificateOf(tls)), ...(options.cacheFolder === undefined ? {} : { cacheFolder: options.cacheFolder }), ...(options.keeping === undefined ? {} : { keeping: options.keeping }), ...(options.verifier === undefined ? {} : { verifier: options.verifier }),
  };
  // What only fetches, without what resolves, which is much more.
  const lockedRpms = once(async () => new (await import('../downloader/sources/yum-received.ts')).LockedRpms(yum));
  const lockedDebs = once(async () => new (await import('../downloader/sources/apt-received.ts')).LockedDebs(apt));
  const sources = {
    image: lazySource(async () => (await import('../downloader/sources/image.ts')).createImageSource({ registry, blobs, notify, concurrency, spoolDir: options.spoolFolder, ...(options.trustRoot === undefined ? {} : { trustRoot: options.trustRoot }) })),
    file: lazySource(async () => (await import('../downloader/sources/file.ts')).createFileSource({
      http, blobs, notify, headersFor: headersFor(options.credentials ?? {}), spoolDir: options.spoolFolder, concurrency, now,
    })),
    chart: lazySource(async () => (await import('../downloader/sources/chart.ts')).createChartSource({
      http, registry, blobs, notify, now, headersFor: headersFor(options.credentials ?? {}), spoolDir: options.spoolFolder, concurrency, aliases: helmRepositories, authorities,
    })),
    git: lazySource(async () => (await import('../downloader/sources/git.ts')).createGitSource({
      blobs, notify, headersFor: headersFor(options.credentials ?? {}), spoolDir: options.spoolFolder, previous: options.previousGit ?? [], authorities,
    })),
    rpm: lazySource(async () => (await import('../downloader/sources/yum.ts')).createYumSource(yum), lockedRpms),
    deb: lazySource(async () => (await import('../downloader/sources/apt.ts')).createAptSource(apt), lockedDebs),
  };
  const together = {
    fetchFiles: http.fetchFiles,
    plain: {
      file: async (artifact: LockedFile) => (await import('../downloader/sources/file.ts')).plainFile(artifact, { headersFor: named }),
      rpm: async (artifact: LockedPackage) => (await lockedRpms()).plain(artifact),
      deb: async (artifact: LockedPackage) => (await lockedDebs()).plain(artifact),
    },
  };
  return { sources, together, close: async () => { await certificates.close(); await http.close(); } };
}

/** What private apt repositories are asked with: credentials of the project, or what this machine's apt has for its own sources. */
function aptAccess(options: WiringOptions): Pick<AptSourceOptions, 'previous' | 'headersFor' | 'accessOf'> {
  const named = headersFor(options.credentials ?? {});
  const previous = options.previousRepositories ?? [];
  return {
    previous,
    headersFor: async (url, names) => {
      const headers: Record<string, string> = {};
      for (const name of names) Object.assign(headers, name === hostCredential ? hostAptAuthorization(url) : await named(name));
      return headers;
    },
    accessOf: ({ target, repo }) => previous.find((repository) => repository.target === target && repository.id === repo) ?? {},
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** A source whose modules are loaded when it is first used: what only fetches, without what resolves where that is much more. */
function lazySource<K extends Kind>(load: () => Promise<Source<K>>, loadFetch: () => Promise<Pick<Source<K>, 'fetch'>> = load): Source<K> {
  let loading: Promise<Source<K>> | undefined;
  let fetching: Promise<Pick<Source<K>, 'fetch'>> | undefined;
  return {
    resolve: async (wanted, signal) => (await (loading ??= load())).resolve(wanted, signal),
    async *fetch(artifact, blob, options) { yield* (await (fetching ??= loading ?? loadFetch())).fetch(artifact, blob, options); },
  };
}

/** Headers of a credential that the project names: its value is read from an environment variable or a file when it is needed, and kept nowhere. */
export function headersFor(known: NonNullable<WiringOptions['credentials']>): (name: string) => Promise<Record<string, string>> {
  return async (name) => {
    const { credential, value } = secretOf(known, name);
    if (credential.user !== undefined) return { authorization: `Basic ${Buffer.from(`${credential.user}:${value}`).toString('base64')}` };
    return { [(credential.header ?? 'authorization').toLowerCase()]: credential.header === undefined ? `Bearer ${value}` : value };
  };
}

type Credentials = NonNullable<WiringOptions['credentials']>;

/** A credential of the project with its value. Throws `INPUT_CREDENTIAL`. */
function secretOf(known: Credentials, name: string): { readonly credential: Credentials[string]; readonly value: string } {
  const credential = known[name];
  if (credential === undefined) throw new BundleError('INPUT_CREDENTIAL', { subject: `credential ${name}`, expected: 'an entry of that name in Project.spec.credentials', actual: 'none' });
  const value = credential.env === undefined ? readSecretFile(name, credential.file ?? '') : process.env[credential.env];
  if (value !== undefined && value !== '') return { credential, value };
  throw new BundleError('INPUT_CREDENTIAL', { subject: `credential ${name}`, expected: `a value in the environment variable ${credential.env}`, actual: 'nothing' });
}

function readSecretFile(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new BundleError('INPUT_CREDENTIAL', { subject: `credential ${name}`, expected: 'a file that can be read', actual: (cause as NodeJS.ErrnoException).code ?? 'an error' }, { cause });
  }
}

/** Site configurations of this machine, for `createLock`. */
export function createConfigs({ blobs, notify, spoolFolder }: Pick<WiringOptions, 'blobs' | 'notify' | 'spoolFolder'>): ConfigSource {
  return {
    resolve: async (wanted, signal) => (await import('../downloader/sources/config.ts')).createConfigSource({ blobs, notify, homeFolder: homedir(), spoolDir: spoolFolder }).resolve(wanted, signal),
  };
}
