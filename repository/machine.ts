// What each request is answered with: README "Repository machine". RFC 9110.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BundleError } from '../bom/errors.ts';
import type { Access, Identity } from './access.ts';
import type { AccessRecord } from './access-record.ts';
import { type Answer, isGone, jsonAnswer, send, textAnswer } from './answer.ts';
import { AuditLog, isWrite } from './audit.ts';
import { apiAnswer } from './catalog/api.ts';
import { artifactPage } from './catalog/artifact-page.ts';
import { changesPage, historyOf } from './catalog/changes.ts';
import { artifactsPage, catalogPage } from './catalog/catalog.ts';
import { notFoundPage } from './catalog/html.ts';
import { clientAddress, isByTls, isThisMachine } from './client-address.ts';
import { clientAnswer } from './client-route.ts';
import { SeenClients } from './clients.ts';
import type { ServedBlobs } from './content.ts';
import { type Exchange, isHost, segmentsOf } from './exchange.ts';
import { freeBytes, healthAnswer } from './health.ts';
import { keyAnswer } from './keys-route.ts';
import { Metrics } from './metrics.ts';
import { mirrorAnswer } from './mirror/mirror-route.ts';
import { SignedPairs } from './mirror/signed-pairs.ts';
import { registryError } from './registry/grammar.ts';
import type { Registry } from './registry/registry.ts';
import type { ServeOptions } from './serve-options.ts';
import { View } from './view.ts';

/** How much of a body that nobody wanted is read, so that the client sees the answer, before the connection is cut. */
const unwantedLimitBytes = 8 * 1024 * 1024;

export class Machine {
  private readonly options: ServeOptions & { readonly now: () => number };
  private readonly blobs: ServedBlobs;
  private readonly access: Access;
  private readonly registry: Registry;
  private readonly metrics = new Metrics();
  private readonly clients = new SeenClients();
  private readonly pairs: SignedPairs;
  private readonly audit: AuditLog | undefined;
  /** PEM of the machine's own authority, when it has one. */
  ca: string | undefined;
  private view: View;
  private switching: Promise<void> | undefined;

  constructor(options: ServeOptions & { readonly now: () => number }, parts: { readonly access: Access; readonly registry: Registry; readonly blobs: ServedBlobs }) {
    const { access, registry, blobs } = parts;
    this.blobs = blobs;
    this.options = options;
    this.access = access;
    this.registry = registry;
    this.pairs = new SignedPairs(options.limits?.pairMs);
    this.audit = options.push === undefined ? undefined : new AuditLog(options.push.state);
    this.ca = options.tls?.ca;
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
      this.switching = next.prepare(this.blobs)
        .then(() => {
          this.view.retire();
          this.view = next;
          this.metrics.switched(this.options.now());
        })
        // What is served stays; the next request tries again.
        .catch((cause: unknown) => { this.report('switch', cause); })
        .finally(() => { this.switching = undefined; });
    }
    return this.view;
  }

  /** Answers that wait for the end of a switch are given now. */
  stopWaiting(): void {
    this.pairs.stop();
  }

  /** Answers one request. Never throws: what goes wrong ends this request, not the service. */
  take(request: IncomingMessage, response: ServerResponse): void {
    this.handle(request, response).catch((cause: unknown) => {
      response.destroy();
      this.report('answer', cause);
    });
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = this.options.now();
    const rawPath = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const address = clientAddress(request);
    const gone = new AbortController();
    response.once('close', () => { gone.abort(); });
    let user: string | undefined;
    let bytes = 0;
    let failure: string | undefined;
    this.metrics.inFlight += 1;
    try {
      const identity = await this.access.identify(request.headers.authorization, address);
      if (identity.kind === 'known') user = identity.user;
      const answer = await this.answer(request, rawPath, identity, gone.signal);
      drain(request);
      bytes = await send(request, response, answer);
    } catch (cause) {
      failure = describe(cause);
      if (response.headersSent || response.destroyed) response.destroy();
      else bytes = await this.sendFailure(request, response, cause);
    }
    this.metrics.inFlight -= 1;
    this.note(request, {
      time: new Date(started).toISOString(), address, user, method: request.method ?? '', path: rawPath,
      status: response.statusCode, bytes, milliseconds: this.options.now() - started, ...(failure === undefined ? {} : { failure }),
    });
  }

  private note(request: IncomingMessage, record: AccessRecord): void {
    this.metrics.request(record);
    this.clients.note(record, request.headers['user-agent'] ?? '');
    this.options.log?.(record);
    if (this.audit !== undefined && isWrite(record)) this.audit.write(record).catch((cause: unknown) => { this.report('audit', cause); });
  }

  private async sendFailure(request: IncomingMessage, response: ServerResponse, cause: unknown): Promise<number> {
    drain(request);
    // Those of the answer that was begun.
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    return send(request, response, failureAnswer(request.url ?? '', cause));
  }

  async closeLogs(): Promise<void> {
    await this.audit?.settled();
  }

  private report(path: string, cause: unknown): void {
    this.options.log?.({ time: new Date(this.options.now()).toISOString(), address: '', user: undefined, method: '', path, status: 0, bytes: 0, milliseconds: 0, failure: describe(cause) });
  }

  private async answer(request: IncomingMessage, rawPath: string, identity: Identity, signal: AbortSignal): Promise<Answer> {
    const segments = segmentsOf(rawPath);
    const forRegistry = rawPath === '/v2' || rawPath.startsWith('/v2/');
    const host = request.headers.host;
    const scheme = isByTls(request) ? 'https' : 'http';
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
    const free = (): Promise<number | undefined> => freeBytes(this.options.push?.state);
    if (rawPath === '/healthz') return healthAnswer(this.current(), this.options.blobs, await free());
    if (this.access.readAuth && exchange.user === undefined) return unauthorized();
    if (rawPath === '/metrics') return this.metrics.answer(this.current(), { freeBytes: await free(), uploads: this.registry.openUploads });
    if (rawPath === '/api/v1/clients') return this.listClients(exchange);
    return (await this.page(exchange)) ?? (isBrowser(request) ? notFoundPage() : textAnswer(404, 'nothing here has that name; the page at / lists everything\n'));
  }

  /** Addresses of other machines are for those who may write, and for this machine itself. */
  private listClients(exchange: Exchange): Answer {
    const allowed = exchange.user !== undefined || isThisMachine(exchange.request);
    return allowed ? jsonAnswer(200, { clients: this.clients.list() }, { 'cache-control': 'no-store' }) : unauthorized();
  }

  private changes(view: View, project: string): Answer | undefined {
    const served = view.served.find(({ lock }) => lock.metadata.name === project);
    const steps = served === undefined ? [] : historyOf(served);
    return steps.length === 0 ? undefined : changesPage(project, steps);
  }

  private async page(exchange: Exchange): Promise<Answer | undefined> {
    const view = this.current();
    const { signer } = this.options;
    const { blobs } = this;
    const [top, ...rest] = exchange.segments;
    const facts = { view, exchange, pushed: this.registry.pushed?.names() ?? [], hasKey: signer !== undefined, hasAuthority: this.ca !== undefined, version: this.options.version ?? 'unknown' };
    switch (top) {
      case '': return catalogPage(facts);
      case 'changes': return rest.length === 1 ? this.changes(view, rest[0] ?? '') : undefined;
      case 'artifacts': return rest.length === 0 ? artifactsPage(facts) : undefined;
      case 'artifact': return rest.length === 1 ? artifactPage(facts, rest[0] ?? '') : undefined;
      case 'apt': case 'yum': return mirrorAnswer(top, { view: () => this.current(), blobs, pairs: this.pairs, exchange }, rest);
      case 'files': return rest.length === 0 ? redirect('/files/') : view.files.answer(rest, blobs);
      case 'charts': return view.chartFile(rest, blobs);
      case 'git': return rest.length === 0 ? redirect('/git/') : view.git.answer(rest, blobs);
      case 'client': return clientAnswer({ view, exchange, publicKey: signer?.publicKeyArmored, ca: this.ca }, rest);
      case 'keys': return rest.length === 1 ? keyAnswer(rest[0] ?? '', { view, blobs, signer, ca: this.ca }) : undefined;
      case 'api': return rest[0] === 'v1' ? apiAnswer(facts, rest.slice(1)) : undefined;
      default: return undefined;
    }
  }
}

function failureAnswer(path: string, cause: unknown): Answer {
  const forRegistry = path.startsWith('/v2');
  if (isGone(cause)) {
    const text = 'what has this name was collected just now';
    return forRegistry ? registryError(path.includes('/manifests/') ? 'MANIFEST_UNKNOWN' : 'BLOB_UNKNOWN', text) : textAnswer(404, `${text}\n`);
  }
  const isFull = cause instanceof BundleError && cause.code === 'STORAGE_SPACE';
  const [status, text] = isFull ? [507, 'the disk of this machine is full'] as const : [500, 'this machine failed; its log says why'] as const;
  return forRegistry ? jsonAnswer(status, { errors: [{ code: 'UNKNOWN', message: text }] }) : textAnswer(status, `${text}\n`);
}

const isBrowser = ({ headers: { accept = '' } }: IncomingMessage): boolean => accept.includes('text/html');

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
