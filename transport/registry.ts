// Distribution specification 1.1: "Pulling manifests", "Pulling blobs".
import { type Descriptor, type Digest, digestOf, isDigest } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import type { Bytes, FileSink } from '../bom/ports.ts';
import { canonicalReference, type Reference } from '../bom/reference.ts';
import { manifestMediaTypes } from '../formats/oci/manifest.ts';
import { endpointsOf, type RegistryRule } from '../formats/oci/registries-conf.ts';
import { anonymous, type Credentials } from './credentials.ts';
import type { Http } from './http.ts';
import type { HttpClient } from './http-client.ts';
import { statusError } from './http-errors.ts';
import type { Send } from './http-send.ts';
import { type Authorizer, createAuthorizer } from './registry-auth.ts';

/** A manifest or an index as a registry gives it. */
export interface FetchedManifest extends Descriptor {
  readonly bytes: Uint8Array;
}

/**
 * One registry. `path` is a repository, `reference` a tag or a digest. A 404 is a `TRANSFER_STATUS` with `details.status` 404; a 401 that no
 * credential cures is `TRANSFER_AUTH`.
 */
export interface RegistrySession {
  readonly host: string;
  readonly origin: string;
  /** Bytes of at most 8 MiB whose digest is `reference` when that is one, and the registry's own Docker-Content-Digest. */
  getManifest(path: string, reference: string, signal: AbortSignal): Promise<FetchedManifest>;
  /** What the registry says; it may be wrong. */
  headBlob(path: string, digest: Digest, signal: AbortSignal): Promise<boolean>;
  /** The blob from `offset` (default 0) to its end, over cuts and redirects; unverified. A chunk may be overwritten once three more were read. */
  streamBlob(path: string, blob: Descriptor, options: { readonly offset?: number; readonly into?: FileSink | undefined; readonly signal: AbortSignal }): Bytes;
  /** GET and HEAD with credentials that may pull `path`; for what is asked beside manifests and blobs. */
  client(path: string): HttpClient;
  /** The bare exchange with credentials for `path`, for pushes. */
  sendFor: Authorizer['sendFor'];
}

/** Where one name is asked for. `insecure` (plain http) is said of this place alone: another name of the same host is not asked that way. */
export interface RegistryPlace extends Reference {
  readonly insecure: boolean;
}

export interface RegistryPool {
  /** A bare host is spoken to in https unless it is one of `insecureHosts`. */
  session(at: string | RegistryPlace): RegistrySession;
  /** Where to ask for `name`, in order: mirrors of this machine's settings first, `name` itself when there are none. */
  endpoints(name: Reference, by: 'digest' | 'tag'): readonly RegistryPlace[];
}

export interface RegistryPoolOptions {
  readonly http: Http;
  readonly credentials?: Credentials;
  /** host[:port] that are spoken to in plain http; all others, loopback too, in https. */
  readonly insecureHosts?: readonly string[];
  /** Mirrors, as registries.conf says them. */
  readonly rules?: readonly RegistryRule[];
}

const manifestBytes = 8 << 20;

/** Sessions by origin, one each: what is asked over plain http and over https shares no token and no credential. */
export function createRegistryPool(options: RegistryPoolOptions): RegistryPool {
  const sessions = new Map<string, RegistrySession>();
  const insecureHosts = new Set(options.insecureHosts);
  return {
    session(at) {
      const { host, insecure } = typeof at === 'string' ? { host: at, insecure: false } : at;
      const isPlain = insecure || insecureHosts.has(host);
      const key = `${isPlain ? 'http' : 'https'}://${host}`;
      let session = sessions.get(key);
      if (session === undefined) {
        session = createSession(host, options, isPlain);
        sessions.set(key, session);
      }
      return session;
    },
    endpoints(name, by) {
      const places = endpointsOf(options.rules ?? [], name, by);
      if (places.length === 0) throw new BundleError('RESOLVE_NOT_FOUND', { subject: canonicalReference(name), expected: 'a registry that may be asked', actual: 'blocked by registries.conf' });
      return places.map((place) => ({ ...name, ...place }));
    },
  };
}

function createSession(host: string, options: RegistryPoolOptions, insecure: boolean): RegistrySession {
  const origin = `${insecure ? 'http' : 'https'}://${host === 'docker.io' ? 'registry-1.docker.io' : host}`;
  const send: Send = insecure ? options.http.send : hinting(options.http.send, host);
  const authorizer = createAuthorizer({ host, origin, send, credentials: options.credentials ?? anonymous });
  const clients = new Map<string, HttpClient>();
  const clientFor = (path: string): HttpClient => {
    let client = clients.get(path);
    if (client === undefined) {
      client = options.http.over(authorizer.sendFor(path, 'pull'));
      clients.set(path, client);
    }
    return client;
  };
  const urlOf = (path: string, what: string): string => `${origin}/v2/${path}/${what}`;
  return {
    host,
    origin,
    sendFor: authorizer.sendFor,
    async getManifest(path, reference, signal) {
      const url = urlOf(path, `manifests/${reference}`);
      const { body, headers } = await clientFor(path).get(url, { signal, headers: { accept }, maxBytes: manifestBytes });
      const digest = digestOf(body);
      for (const expected of [reference, headers['docker-content-digest']]) {
        if (expected === undefined || !isDigest(expected) || expected === digest) continue;
        throw new BundleError('INTEGRITY_DIGEST', { subject: `manifest ${host}/${path} ${reference}`, expected, actual: digest });
      }
      return { mediaType: (headers['content-type'] ?? '').split(';')[0]?.trim() ?? '', digest, size: body.length, bytes: body };
    },
    async headBlob(path, digest, signal) {
      const url = urlOf(path, `blobs/${digest}`);
      const { status } = await clientFor(path).head(url, { signal });
      if (status === 200) return true;
      if (status === 404) return false;
      throw statusError(status, url);
    },
    streamBlob(path, blob, { offset, into, signal }) {
      return clientFor(path).stream(urlOf(path, `blobs/${blob.digest}`), { signal, expectedSize: blob.size, borrow: true, into, ...(offset === undefined ? {} : { offset }) });
    },
    client: clientFor,
  };
}

const accept = `${manifestMediaTypes.join(', ')}, */*;q=0.1`;
/** `send`, whose TLS errors say what to do about a registry that speaks plain http. */
function hinting(send: Send, host: string): Send {
  return (request) => send(request).catch((error: unknown) => {
    if (!(error instanceof BundleError) || error.code !== 'TRANSFER_TLS') throw error;
    throw new BundleError(error.code, {
      ...error.facts,
      next: `Give the CA of the server; or, when plain http is meant, --insecure-registry ${host} (loopback hosts need it as well).`,
    }, { cause: error.cause });
  });
}
