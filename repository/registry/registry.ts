// The registry API below /v2/: OCI distribution specification 1.1, "Endpoints".
import type { Access } from '../access.ts';
import { type Answer, jsonAnswer } from '../answer.ts';
import type { ServedBlobs } from '../content.ts';
import type { Exchange } from '../exchange.ts';
import type { PushOptions } from '../serve-options.ts';
import { isRepositoryName, lexically, registryError } from './grammar.ts';
import { Library } from './library.ts';
import { getBlob, getManifest, listReferrers, listTags, pagedAnswer, unknownName } from './pull.ts';
import { appendChunk, cancelUpload, deleteBlob, deleteManifest, type Desk, finishUpload, putManifest, startUpload, uploadStatus } from './push.ts';
import { Pushed } from './pushed.ts';
import { isUnknown, type Shelf, shelfOf } from './shelf.ts';
import { Uploads } from './uploads.ts';

export interface RegistryOptions {
  readonly blobs: ServedBlobs;
  /** Where pushes go; absent: read-only. */
  readonly push?: PushOptions;
  readonly access: Access;
  readonly now: () => number;
}

type Kind = 'manifests' | 'blobs' | 'referrers' | 'tags' | 'uploads';
interface Route { readonly kind: Kind; readonly name: string; readonly reference: string }

const routes: readonly (readonly [Kind, RegExp])[] = [
  ['uploads', /^\/v2\/(.+)\/blobs\/uploads(?:\/([^/]*))?$/],
  ['manifests', /^\/v2\/(.+)\/manifests\/([^/]+)$/],
  ['blobs', /^\/v2\/(.+)\/blobs\/([^/]+)$/],
  ['referrers', /^\/v2\/(.+)\/referrers\/([^/]+)$/],
  ['tags', /^\/v2\/(.+)\/tags\/(list)$/],
];

export class Registry {
  private readonly blobs: ServedBlobs;
  private readonly access: Access;
  private readonly desk: Desk | undefined;

  private constructor(options: RegistryOptions, desk: Desk | undefined) {
    this.blobs = options.blobs;
    this.access = options.access;
    this.desk = desk;
  }

  static async open(options: RegistryOptions): Promise<Registry> {
    if (options.push === undefined) return new Registry(options, undefined);
    const { blobs, state, hold = async (work) => work() } = options.push;
    const uploads = new Uploads(blobs, options.now);
    await uploads.removeStale();
    return new Registry(options, { blobs, pushed: await Pushed.open(state), uploads, hold });
  }

  /** What was pushed; undefined when nothing can be. */
  get pushed(): Pushed | undefined {
    return this.desk?.pushed;
  }

  get openUploads(): number {
    return this.desk?.uploads.count ?? 0;
  }

  async close(): Promise<void> {
    await this.desk?.uploads.close();
  }

  /** `libraries`: what is served now, then what was before, of which digests stay readable. */
  async answer(exchange: Exchange, libraries: readonly Library[]): Promise<Answer> {
    const [library = new Library([]), ...older] = libraries;
    const answer = await this.decide(exchange, library, older);
    return { ...answer, headers: { 'docker-distribution-api-version': 'registry/2.0', ...answer.headers } };
  }

  /** To a password or token that is not good. Clients fetch a new token when they see the challenge. */
  refuse(exchange: Exchange): Answer {
    return this.challenge(exchange, undefined);
  }

  private async decide(exchange: Exchange, library: Library, older: readonly Library[]): Promise<Answer> {
    const { rawPath, method } = exchange;
    if (rawPath === '/v2/token') return this.token(exchange);
    const reads = method === 'GET' || method === 'HEAD';
    if (rawPath === '/v2' || rawPath === '/v2/') return this.ping(exchange, reads);
    if (rawPath === '/v2/_catalog') {
      if (this.access.readAuth && exchange.user === undefined) return this.challenge(exchange, 'registry:catalog:*');
      return reads ? this.catalog(exchange, library) : unsupported(method);
    }
    const route = routeOf(rawPath);
    if (route === undefined) return registryError('UNSUPPORTED', 'no such endpoint', { status: 404 });
    if (!isRepositoryName(route.name)) return registryError('NAME_INVALID', 'not a repository name', { detail: { name: route.name } });
    const shelf = shelfOf(route.name, exchange, library, this.pushed, older);
    const forReading = reads && route.kind !== 'uploads';
    if (exchange.user === undefined && (this.access.readAuth || (!forReading && this.desk !== undefined && this.access.canWrite))) {
      return this.challenge(exchange, `repository:${route.name}:${forReading ? 'pull' : 'pull,push'}`);
    }
    if (forReading) return this.read(exchange, route, shelf);
    if (this.desk === undefined || !this.access.canWrite) {
      return registryError('UNSUPPORTED', 'this registry is read-only: it was started without a password file or without a place to write');
    }
    return this.write(this.desk, exchange, route, library);
  }

  private ping(exchange: Exchange, reads: boolean): Answer {
    if (!reads) return unsupported(exchange.method);
    // Clients learn here whether to bring a password, so a registry that takes pushes asks for (maybe anonymous) tokens at once.
    const asks = this.access.readAuth || (this.access.canWrite && this.desk !== undefined);
    if (asks && exchange.user === undefined && exchange.request.headers.authorization === undefined) return this.challenge(exchange, undefined);
    if (this.access.readAuth && exchange.user === undefined) return this.challenge(exchange, undefined);
    return jsonAnswer(200, {});
  }

  private challenge(exchange: Exchange, scope: string | undefined): Answer {
    const realm = exchange.origin === undefined ? 'Basic realm="longshore"' : `Bearer realm="${exchange.origin}/v2/token",service="longshore"${scope === undefined ? '' : `,scope="${scope}"`}`;
    return registryError('UNAUTHORIZED', 'a password is needed', { headers: { 'www-authenticate': realm } });
  }

  private token(exchange: Exchange): Answer {
    if (exchange.method !== 'GET') return unsupported(exchange.method);
    if (exchange.user === undefined && this.access.readAuth) {
      return registryError('UNAUTHORIZED', 'a password is needed', { headers: { 'www-authenticate': 'Basic realm="longshore"' } });
    }
    const { token, expiresInSeconds } = this.access.issueToken(exchange.user);
    return jsonAnswer(200, { token, access_token: token, expires_in: expiresInSeconds }, { 'cache-control': 'no-store' });
  }

  private catalog(exchange: Exchange, library: Library): Answer {
    const names = new Set([...library.list().map(({ name }) => name), ...(this.pushed?.names() ?? [])]);
    return pagedAnswer([...names].sort(lexically), { query: exchange.query, path: '/v2/_catalog', wrap: (repositories) => ({ repositories }) });
  }

  private async read(exchange: Exchange, route: Route, shelf: Shelf): Promise<Answer> {
    switch (route.kind) {
      case 'manifests': return getManifest(shelf, route.reference, this.blobs);
      case 'blobs': return getBlob(shelf, route.reference, this.blobs);
      case 'referrers': return listReferrers(shelf, route.reference, exchange.query, this.blobs);
      default: return listTags(shelf, exchange.query, exchange.rawPath);
    }
  }

  /** Every repository, for a mount that names none. */
  private *everyShelf(library: Library): Iterable<Shelf> {
    for (const name of this.pushed?.names() ?? []) yield { name, served: undefined, pushed: this.pushed?.get(name), older: [], ambiguous: [] };
    for (const served of library.list()) yield { name: served.name, served, pushed: undefined, older: [], ambiguous: [] };
  }

  /** Writes go to the name as it was written: neither `?ns=` nor an alias redirects them. */
  private async write(desk: Desk, exchange: Exchange, route: Route, library: Library): Promise<Answer> {
    const { method } = exchange;
    const named = (name: string): Shelf => ({ name, served: library.get(name), pushed: desk.pushed.get(name), older: [], ambiguous: [] });
    const shelf = named(route.name);
    if (route.kind === 'uploads' && route.reference === '') {
      return method === 'POST' ? startUpload(desk, shelf, exchange, (from) => (from === null ? this.everyShelf(library) : [shelfOf(from, exchange, library, desk.pushed, [])])) : unsupported(method);
    }
    if (route.kind === 'uploads') {
      const session = desk.uploads.get(route.name, route.reference);
      if (session === undefined) return registryError('BLOB_UPLOAD_UNKNOWN', 'no such upload; it ended, or the registry was started anew');
      switch (method) {
        case 'GET': return uploadStatus(shelf, session);
        case 'PATCH': return appendChunk(desk, shelf, exchange, session);
        case 'PUT': return finishUpload(desk, shelf, exchange, session);
        case 'DELETE': return cancelUpload(desk, session);
        default: return unsupported(method);
      }
    }
    if (route.kind === 'manifests' && method === 'PUT') return putManifest(desk, shelf, exchange, route.reference);
    if (method === 'DELETE' && isUnknown(shelf)) return unknownName(shelf);
    if (route.kind === 'manifests' && method === 'DELETE') return deleteManifest(desk, shelf, route.reference);
    if (route.kind === 'blobs' && method === 'DELETE') return deleteBlob(desk, shelf, route.reference);
    return unsupported(method);
  }
}

function unsupported(method: string): Answer {
  return registryError('UNSUPPORTED', `${method} is not possible here`);
}

function routeOf(rawPath: string): Route | undefined {
  for (const [kind, pattern] of routes) {
    const match = pattern.exec(rawPath);
    if (match === null) continue;
    const reference = match[2] ?? '';
    // Some clients encode the colon of a digest.
    return { kind, name: match[1] ?? '', reference: /^[\w.:%-]*$/.test(reference) ? reference.replaceAll(/%3a/gi, ':') : reference };
  }
  return undefined;
}
