// The repository machine's HTTP service: README "Repository machine". RFC 9110, RFC 9112.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { BundleError } from '../bom/errors.ts';
import { Access, type Identity } from './access.ts';
import { type Answer, jsonAnswer, send, textAnswer } from './answer.ts';
import { apiAnswer, catalogPage } from './catalog/catalog.ts';
import type { PushedBlobs, Served, ServedBlobs } from './content.ts';
import { type Exchange, isHost, segmentsOf } from './exchange.ts';
import { checkAddress, closeServer, type ListenAddress, listenOn, originOf, type TlsFiles } from './listen.ts';
import type { Signer } from './mirror/signer.ts';
import { PasswordFile } from './password-file.ts';
import { registryError } from './registry/grammar.ts';
import { Registry } from './registry/registry.ts';
import { View } from './view.ts';

/** One answered request. `path` is without the query. */
export interface AccessRecord {
  readonly time: string;
  readonly address: string;
  readonly user: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Of the body, as sent. */
  readonly bytes: number;
  readonly milliseconds: number;
  /** What went wrong on our side, or that the client left. */
  readonly failure?: string;
}

export interface ServeOptions {
  /** What is served now. Asked at every request: it must be cheap, and give the same lock objects while nothing changed. */
  readonly contents: () => readonly Served[];
  readonly blobs: ServedBlobs;
  /** Where pushes go; absent: read-only, as when an archive is served where it lies. */
  readonly push?: { readonly blobs: PushedBlobs; readonly state: string };
  /** Default: 127.0.0.1:5000. */
  readonly listen?: readonly ListenAddress[];
  readonly tls?: TlsFiles;
  readonly insecureHttp?: boolean;
  /** An htpasswd file with bcrypt hashes; without it nobody can write. */
  readonly htpasswd?: string;
  /** true: reading needs a password too. */
  readonly readAuth?: boolean;
  readonly signer?: Signer;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly log?: (record: AccessRecord) => void;
}

export interface Service {
  /** `http://host:port` of every address, in the order of `listen`. */
  readonly addresses: readonly string[];
  /** Resolves when what is being switched to (if anything) is served. */
  settled(): Promise<void>;
  /** Stops listening and waits for answers in flight, at most `graceMs` (default 10 s). */
  close(graceMs?: number): Promise<void>;
}

/** How much of a body that nobody wanted is read, so that the client sees the answer, before the connection is cut. */
const unwantedLimitBytes = 8 * 1024 * 1024;

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
  const registry = await Registry.open({ blobs: options.push?.blobs ?? options.blobs, access, now, ...(options.push === undefined ? {} : { push: options.push }) });
  const machine = new Machine({ ...options, now }, access, registry);
  const servers: Server[] = [];
  try {
    for (const address of listen) servers.push(await listenOn(address, (request, response) => { void machine.handle(request, response); }, options.tls));
  } catch (cause) {
    for (const server of servers) await closeServer(server, 0);
    throw cause;
  }
  return {
    addresses: servers.map((server) => originOf(server, options.tls !== undefined)),
    settled: () => machine.settled(),
    close: async (graceMs = 10_000) => {
      await Promise.all(servers.map((server) => closeServer(server, graceMs)));
      await registry.close();
    },
  };
}

class Machine {
  private readonly options: ServeOptions & { readonly now: () => number };
  private readonly access: Access;
  private readonly registry: Registry;
  private view: View;
  private switching: Promise<void> | undefined;

  constructor(options: ServeOptions & { readonly now: () => number }, access: Access, registry: Registry) {
    this.options = options;
    this.access = access;
    this.registry = registry;
    this.view = new View(options.contents(), options.signer);
  }

  async settled(): Promise<void> {
    this.current();
    await this.switching;
  }

  /** The view to answer from. When the content changed, the next view is made whole behind the scenes and then swapped in. */
  private current(): View {
    const served = this.options.contents();
    if (this.switching === undefined && !this.view.isOf(served)) {
      const next = new View(served, this.options.signer, this.view);
      this.switching = next.apt.prepare()
        .then(() => { this.view.retire(); this.view = next; })
        // What is served stays; the next request tries again.
        .catch((cause: unknown) => { this.report('switch', cause); })
        .finally(() => { this.switching = undefined; });
    }
    return this.view;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = this.options.now();
    const rawPath = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const gone = new AbortController();
    response.once('close', () => { gone.abort(); });
    let user: string | undefined;
    let bytes = 0;
    let failure: string | undefined;
    try {
      const identity = await this.access.identify(request.headers.authorization, request.socket.remoteAddress ?? '');
      if (identity.kind === 'known') user = identity.user;
      const answer = await this.answer(request, rawPath, identity, gone.signal);
      drain(request);
      bytes = await send(request, response, answer);
    } catch (cause) {
      failure = describe(cause);
      if (response.headersSent || response.destroyed) response.destroy();
      else bytes = await this.sendFailure(request, response, cause);
    }
    this.options.log?.({
      time: new Date(started).toISOString(), address: request.socket.remoteAddress ?? '', user, method: request.method ?? '', path: rawPath,
      status: response.statusCode, bytes, milliseconds: this.options.now() - started, ...(failure === undefined ? {} : { failure }),
    });
  }

  private async sendFailure(request: IncomingMessage, response: ServerResponse, cause: unknown): Promise<number> {
    const full = cause instanceof BundleError && cause.code === 'STORAGE_SPACE';
    const text = full ? 'the disk of this machine is full' : 'this machine failed; its log says why';
    drain(request);
    const failed = (request.url ?? '').startsWith('/v2') ? jsonAnswer(full ? 507 : 500, { errors: [{ code: 'UNKNOWN', message: text }] }) : textAnswer(full ? 507 : 500, `${text}\n`);
    return send(request, response, failed);
  }

  private report(path: string, cause: unknown): void {
    this.options.log?.({ time: new Date(this.options.now()).toISOString(), address: '', user: undefined, method: '', path, status: 0, bytes: 0, milliseconds: 0, failure: describe(cause) });
  }

  private async answer(request: IncomingMessage, rawPath: string, identity: Identity, signal: AbortSignal): Promise<Answer> {
    const segments = segmentsOf(rawPath);
    const forRegistry = rawPath === '/v2' || rawPath.startsWith('/v2/');
    const host = request.headers.host;
    const scheme = this.options.tls === undefined ? 'http' : 'https';
    const exchange: Exchange = {
      request, rawPath, signal, method: request.method ?? '', segments: segments ?? [],
      query: new URLSearchParams((request.url ?? '').slice(rawPath.length + 1)),
      origin: host !== undefined && isHost(host) ? `${scheme}://${host}` : undefined,
      user: identity.kind === 'known' ? identity.user : undefined,
    };
    if (identity.kind === 'waiting') {
      const headers = { 'retry-after': String(identity.seconds) };
      return forRegistry ? registryError('TOOMANYREQUESTS', 'too many wrong passwords', { headers }) : textAnswer(429, 'too many wrong passwords\n', headers);
    }
    if (identity.kind === 'refused') return forRegistry ? this.registry.refuse(exchange) : unauthorized();
    if (segments === undefined) return forRegistry ? registryError('NAME_INVALID', 'not a path of this registry') : textAnswer(400, 'not a path of this machine\n');
    if (forRegistry) return this.registry.answer(exchange, this.current().libraries);
    if (exchange.method !== 'GET' && exchange.method !== 'HEAD') return textAnswer(405, 'only GET and HEAD\n', { allow: 'GET, HEAD' });
    if (rawPath === '/healthz') return textAnswer(200, 'ok\n', { 'cache-control': 'no-store' });
    if (this.access.readAuth && exchange.user === undefined) return unauthorized();
    return (await this.page(exchange)) ?? textAnswer(404, 'nothing here has that name; the page at / lists everything\n');
  }

  private async page(exchange: Exchange): Promise<Answer | undefined> {
    const view = this.current();
    const { blobs, signer } = this.options;
    const [top, ...rest] = exchange.segments;
    const facts = { view, exchange, pushed: this.registry.pushed?.names() ?? [], hasKey: signer !== undefined };
    switch (top) {
      case '': return catalogPage(facts);
      case 'apt': return view.aptFile(rest, blobs);
      case 'files': return rest.length === 0 ? redirect('/files/') : view.files.answer(rest, blobs);
      case 'charts': return view.charts.answer(rest, blobs);
      case 'keys': return rest.length === 1 && rest[0] === 'longshore.asc' && signer !== undefined
        ? textAnswer(200, signer.publicKeyArmored, { 'content-type': 'application/pgp-keys' }) : undefined;
      case 'api': return rest[0] === 'v1' ? apiAnswer(facts, rest.slice(1)) : undefined;
      default: return undefined;
    }
  }
}

function redirect(location: string): Answer {
  return textAnswer(308, `${location}\n`, { location });
}

function unauthorized(): Answer {
  return textAnswer(401, 'a password is needed\n', { 'www-authenticate': 'Basic realm="longshore"' });
}

/** Reads what is left of a body that the answer does not need, within limits. */
function drain(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let unwanted = 0;
  request.on('data', (chunk: Buffer) => {
    unwanted += chunk.length;
    if (unwanted > unwantedLimitBytes) request.socket.destroy();
  });
}

function describe(cause: unknown): string {
  if (cause instanceof BundleError) return `${cause.code} ${cause.message}`;
  return cause instanceof Error ? `${(cause as NodeJS.ErrnoException).code ?? cause.name}: ${cause.message}` : String(cause);
}
