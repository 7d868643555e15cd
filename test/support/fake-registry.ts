import type { IncomingMessage, ServerResponse } from 'node:http';
import { indexMediaType, manifestMediaType } from '../../bom/bundle.ts';
import { type Descriptor, type Digest, digestOf } from '../../bom/digest.ts';
import { type FaultServer, serveContent, startFaultServer } from './fault-server.ts';

export const configMediaType = 'application/vnd.oci.image.config.v1+json';
export const layerMediaType = 'application/vnd.oci.image.layer.v1.tar+gzip';

export interface FakeAuth {
  readonly kind: 'basic' | 'bearer';
  /** Without them, the token service gives tokens to anybody. */
  readonly user?: string;
  readonly password?: string;
  /** A refresh token that the token service takes. */
  readonly identityToken?: string;
  /** A token is good for so many requests. */
  readonly tokenUses?: number;
  readonly expiresInS?: number;
}

export interface FakeRegistryOptions {
  readonly auth?: FakeAuth;
  /** Sees every request first; true: it was answered. */
  readonly fault?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
}

interface StoredManifest { readonly mediaType: string; readonly bytes: Uint8Array }

/** A registry on loopback with what a test puts into it: pulls, tokens, and whatever fault the test wants. */
export class FakeRegistry {
  readonly server: FaultServer;
  readonly blobs = new Map<string, Uint8Array>();
  readonly manifests = new Map<string, StoredManifest>();
  readonly tags = new Map<string, Digest>();
  readonly scopes: string[] = [];
  /** So many blob bodies are cut, each after `cutAfter` bytes. */
  cuts = 0;
  cutAfter = 70_000;

  constructor(server: FaultServer) {
    this.server = server;
  }

  get host(): string { return this.server.host; }
  close(): Promise<void> { return this.server.close(); }

  addBlob(mediaType: string, bytes: Uint8Array | string): Descriptor {
    const content = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
    const digest = digestOf(content);
    this.blobs.set(digest, content);
    return { mediaType, digest, size: content.length };
  }

  /** A manifest or an index, and with `tag` (`path:tag`) a name for it. */
  addManifest(document: { readonly mediaType: string }, tag?: string): Descriptor {
    const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, ...document }));
    const digest = digestOf(bytes);
    this.manifests.set(digest, { mediaType: document.mediaType, bytes });
    if (tag !== undefined) this.tags.set(tag, digest);
    return { mediaType: document.mediaType, digest, size: bytes.length };
  }

  /** An image of one platform with `layers` in order. */
  addImage(platform: string, layers: readonly (Uint8Array | string)[], tag?: string): Descriptor {
    const [os, architecture, variant] = platform.split('/');
    return this.addManifest({
      mediaType: manifestMediaType,
      config: this.addBlob(configMediaType, JSON.stringify({ os, architecture, variant, rootfs: { type: 'layers', diff_ids: [] } })),
      layers: layers.map((layer) => this.addBlob(layerMediaType, layer)),
    } as { mediaType: string }, tag);
  }

  addIndex(entries: readonly (readonly [Descriptor, string?])[], tag?: string): Descriptor {
    const manifests = entries.map(([descriptor, platform]) => {
      const [os, architecture, variant] = platform?.split('/') ?? [];
      return { ...descriptor, ...(platform === undefined ? {} : { platform: { os, architecture, variant } }) };
    });
    return this.addManifest({ mediaType: indexMediaType, manifests } as { mediaType: string }, tag);
  }
}

export async function startFakeRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const guard = createGuard(options.auth);
  const server = await startFaultServer(async (request, response) => {
    if (await options.fault?.(request, response)) return;
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    if (url.pathname === '/token') guard.token(request, response, { url, registry });
    else if (guard.passes(request, response)) answer(request, response, { url, registry });
  });
  const registry = new FakeRegistry(server);
  return registry;
}

interface Place { readonly url: URL; readonly registry: FakeRegistry }

function answer(request: IncomingMessage, response: ServerResponse, { url, registry }: Place): void {
  const [, path = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(url.pathname) ?? [];
  if (kind === 'tags') return listTags(response, path, { url, registry });
  if (kind === 'blobs') {
    const bytes = registry.blobs.get(reference);
    if (bytes === undefined) return notFound(response, 'BLOB_UNKNOWN');
    const cut = request.method === 'GET' && registry.cuts > 0 ? { cutAfter: registry.cutAfter } : {};
    if (request.method === 'GET' && registry.cuts > 0) registry.cuts -= 1;
    return serveContent(request, response, { bytes, etag: `"${reference}"`, ...cut });
  }
  const digest = reference.startsWith('sha256:') ? reference : registry.tags.get(`${path}:${reference}`) ?? '';
  const manifest = registry.manifests.get(digest);
  if (kind !== 'manifests' || manifest === undefined) return notFound(response, 'MANIFEST_UNKNOWN');
  response.writeHead(200, { 'content-type': manifest.mediaType, 'docker-content-digest': digest, 'content-length': manifest.bytes.length });
  response.end(request.method === 'HEAD' ? undefined : manifest.bytes);
}

function listTags(response: ServerResponse, path: string, { url, registry }: Place): void {
  const all = [...registry.tags.keys()].filter((tag) => tag.startsWith(`${path}:`)).map((tag) => tag.slice(path.length + 1)).sort();
  const rest = all.filter((tag) => tag > (url.searchParams.get('last') ?? ''));
  const page = rest.slice(0, 2);
  if (rest.length > 2) response.setHeader('link', `</v2/${path}/tags/list?n=2&last=${page.at(-1)}>; rel="next"`);
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ name: path, tags: page }));
}

function notFound(response: ServerResponse, code: string): void {
  response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [{ code, message: 'unknown' }] }));
}

interface Guard {
  token(request: IncomingMessage, response: ServerResponse, place: Place): void;
  passes(request: IncomingMessage, response: ServerResponse): boolean;
}

function createGuard(auth: FakeAuth | undefined): Guard {
  const uses = new Map<string, number>();
  const basic = `Basic ${Buffer.from(`${auth?.user}:${auth?.password}`).toString('base64')}`;
  return {
    token(request, response, { url, registry }) {
      registry.scopes.push(...url.searchParams.getAll('scope'));
      const allowed = auth?.user === undefined || request.headers.authorization === basic || (request.method === 'POST' && auth.identityToken !== undefined);
      if (!allowed) { response.writeHead(401).end(); return; }
      const token = `token${uses.size + 1}`;
      uses.set(token, auth?.tokenUses ?? Infinity);
      response.writeHead(200).end(JSON.stringify({ token, expires_in: auth?.expiresInS ?? 300 }));
    },
    passes(request, response) {
      if (auth === undefined) return true;
      const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ');
      if (auth.kind === 'basic' && request.headers.authorization === basic) return true;
      const left = scheme === 'Bearer' ? uses.get(value) ?? 0 : 0;
      if (auth.kind === 'bearer' && left > 0) { uses.set(value, left - 1); return true; }
      const challenge = auth.kind === 'basic' ? 'Basic realm="fake"' : `Bearer realm="http://${request.headers.host}/token",service="fake",scope="repository:x:pull"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
      return false;
    },
  };
}
