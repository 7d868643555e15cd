// HTTP semantics: RFC 9110, sections 10.2.2 (Location), 15.4 (redirection), 11 (credentials stay with the origin they were meant for).
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { BundleError, checkNotAborted, redactUrl } from '../bom/errors.ts';
import type { Bytes, FileSink } from '../bom/ports.ts';
import type { Answering, Direct } from './direct.ts';
import { NotDirect } from './direct-connection.ts';
import { type FetchThreads, SinkFailure } from './fetch-threads.ts';
import type { Agents } from './http-agents.ts';
import { type Head, Incoming } from './http-body.ts';
import { transferError } from './http-errors.ts';
import type { HostGate, HostGates, Outcome } from './host-gate.ts';
import { type RateLimit, unlimited } from './rate-limit.ts';
import { retryAfterMs } from './retry.ts';

export interface WebRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A body to send; made anew for each attempt, and then with a `content-length` among the headers. Such a request is not redirected. */
  readonly body?: Uint8Array | (() => Bytes);
  /** How long the server may take to answer once it has everything; the stall timeout when left out. */
  readonly answerTimeoutMs?: number;
  /** For a GET: each chunk of the body may be overwritten once three more were read. Faster, and leaner by far. */
  readonly borrow?: boolean;
  /** With `borrow`: where the body may be written instead, and how much of the content lies there already. */
  readonly into?: { readonly sink: FileSink; readonly at: number };
  readonly signal: AbortSignal;
}

export interface WebResponse extends Head {
  /** Where the answer came from, after redirects; may hold secrets of the server (signed addresses). */
  readonly url: string;
  /** Content-Length, where the server says it. */
  readonly length?: number;
  /** To be read once. Ending the iteration early ends the exchange. Throws `transfer` errors. */
  body(): Bytes;
  /** Must be called when the body is not read. */
  discard(): void;
}

/** One exchange with its redirects. No retry, no judgement of the status. Throws `transfer` errors. */
export type Send = (request: WebRequest) => Promise<WebResponse>;

const maxRedirects = 10;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
/** What may follow a redirect to another origin; all else could be a credential. */
const harmless = new Set(['accept', 'accept-encoding', 'range', 'if-range', 'user-agent']);

export interface SendOptions {
  readonly agents: Agents;
  readonly direct: Direct;
  readonly threads: FetchThreads;
  readonly gates: HostGates;
  readonly connectTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly userAgent: string;
  readonly rate: RateLimit;
}

export function createSend(options: SendOptions): Send {
  return async (request) => {
    let url = parseUrl(request.url);
    let headers = standingHeaders(options.userAgent, request.headers);
    for (let hops = 0; ; hops += 1) {
      const response = await exchange({ ...request, url: url.href, headers }, url, { ...options, gate: options.gates.of(url) });
      const location = response.headers['location'];
      const follow = redirectStatuses.has(response.status) && location !== undefined && (request.method === 'GET' || request.method === 'HEAD');
      if (!follow) return response;
      response.discard();
      const next = redirectTarget(url, location, request.url);
      if (hops >= maxRedirects) throw protocolError(request.url, `at most ${maxRedirects} redirects`, 'a loop of them');
      if (!sameOrigin(url, next)) headers = Object.fromEntries(Object.entries(headers).filter(([name]) => harmless.has(name)));
      url = next;
    }
  };
}

async function exchange(request: WebRequest, url: URL, options: SendOptions & { readonly gate: HostGate }): Promise<WebResponse> {
  checkWanted(request.signal, url);
  if (request.into !== undefined) await Promise.all([request.into.sink.ready(), options.threads.quiet(request.into.sink)]);
  await options.gate.enter(request.signal);
  let answering: Answering | undefined;
  const stop = (): void => answering?.abort(new Error('stopped'));
  request.signal.addEventListener('abort', stop);
  let left = false;
  const leave = (outcome: Outcome): void => {
    if (left) return;
    left = true;
    request.signal.removeEventListener('abort', stop);
    options.gate.leave(outcome);
  };
  try {
    checkWanted(request.signal, url);
    answering = startDirect(request, url, options) ?? startPooled(request, url, options);
    const head = await answering.head.catch((error: unknown) => {
      if (!(error instanceof NotDirect)) throw error;
      if (error.always) options.direct.avoid(url);
      answering = startPooled(request, url, options);
      return answering.head;
    });
    const incoming = answering;
    if (head.status === 429 || head.status === 503) leave(busyOf(head));
    const length = lengthOf(head);
    return {
      ...head,
      url: url.href,
      ...(length === undefined ? {} : { length }),
      body: () => bodyOf(incoming, { request, leave, rate: options.rate }),
      discard: () => { leave({ kind: 'neutral' }); incoming.discard(request.method === 'HEAD' ? 0 : length); },
    };
  } catch (error) {
    if (error instanceof SinkFailure) {
      leave({ kind: 'neutral' });
      throw error;
    }
    const failure = transferError(error, url.href, request.signal);
    leave({ kind: failure.code === 'TRANSFER_CUT' ? 'busy' : 'neutral' });
    throw failure;
  }
}

/** Redacting an address takes as long as all else that is done for a small exchange. */
function checkWanted(signal: AbortSignal, url: URL): void {
  if (signal.aborted) checkNotAborted(signal, redactUrl(url.href));
}

function startPooled(request: WebRequest, url: URL, { agents, rate }: SendOptions): Answering {
  const incoming = new Incoming();
  agents.dispatcherFor(url).dispatch({ origin: `${url.protocol}//${url.host}`, path: url.pathname + url.search, ...sent(request, url, rate) }, incoming);
  return incoming;
}

function startDirect(request: WebRequest, url: URL, { agents, direct, threads, connectTimeoutMs, stallTimeoutMs }: SendOptions): Answering | undefined {
  if (request.borrow !== true || request.method !== 'GET' || !direct.speaksWith(url)) return undefined;
  const tls = agents.directTls(url);
  if (tls === undefined) return undefined;
  const headers = { ...authorizationIn(url), ...request.headers };
  const { into } = request;
  const inThread = into === undefined ? undefined : threads.get(url, headers, { into, tls: url.protocol === 'https:' ? () => tls : undefined, connectTimeoutMs, stallTimeoutMs });
  return inThread ?? direct.get(url, headers, { tls, connectTimeoutMs, stallTimeoutMs });
}

/** What stands in the address itself. */
export function authorizationIn(url: URL): Record<string, string> {
  return url.username === '' ? {} : { authorization: basicAuthorization(decodeURIComponent(url.username), decodeURIComponent(url.password)) };
}

function sent(request: WebRequest, url: URL, rate: RateLimit): Pick<Dispatcher.DispatchOptions, 'method' | 'headers' | 'body' | 'headersTimeout'> {
  const { method, headers, body, answerTimeoutMs } = request;
  return {
    method,
    headers: { ...authorizationIn(url), ...headers },
    body: typeof body === 'function' ? Readable.from(limited(body(), rate, request.signal), { objectMode: false }) : body ?? null,
    ...(answerTimeoutMs === undefined ? {} : { headersTimeout: answerTimeoutMs }),
  };
}

/** `bytes` no faster than `rate`. */
function limited(bytes: Bytes, rate: RateLimit, signal: AbortSignal): Bytes {
  return rate === unlimited ? bytes : held(bytes, rate, signal);
}

async function* held(bytes: Bytes, rate: RateLimit, signal: AbortSignal): Bytes {
  for await (const chunk of bytes) {
    const wait = rate.take(chunk.length, signal);
    if (wait !== undefined) await wait;
    yield chunk;
  }
}

function busyOf({ headers }: Head): Outcome {
  const waitMs = retryAfterMs(headers['retry-after'], Date.now());
  return { kind: 'busy', ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) };
}

async function* bodyOf(incoming: Answering, context: { readonly request: WebRequest; readonly leave: (outcome: Outcome) => void; readonly rate: RateLimit }): Bytes {
  const { request, leave, rate } = context;
  let bytes = 0;
  try {
    for await (const chunk of limited(incoming.body(), rate, request.signal)) {
      bytes += chunk.length;
      yield chunk;
    }
  } catch (error) {
    leave({ kind: error instanceof SinkFailure ? 'neutral' : 'busy' });
    if (error instanceof SinkFailure) throw error;
    throw transferError(error, request.url, request.signal);
  } finally {
    leave({ kind: 'fine', bytes });
  }
}

function lengthOf({ headers, status }: Head): number | undefined {
  const text = headers['content-length'];
  return status !== 204 && text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

function redirectTarget(from: URL, location: string, asked: string): URL {
  if (!URL.canParse(location, from.href)) throw protocolError(asked, 'a redirect to an address', JSON.stringify(location.slice(0, 200)));
  const next = new URL(location, from.href);
  if (next.protocol !== 'https:' && (next.protocol !== 'http:' || from.protocol === 'https:')) {
    throw protocolError(asked, 'a redirect that stays on https', `a redirect to ${redactUrl(next.href)}`);
  }
  next.hash = '';
  return next;
}

/** Whether credentials may follow: the same origin, or the same host and port default moved from http to https. */
function sameOrigin(from: URL, to: URL): boolean {
  return from.origin === to.origin || (from.hostname === to.hostname && from.protocol === 'http:' && to.protocol === 'https:' && from.port === '' && to.port === '');
}

function parseUrl(url: string): URL {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new BundleError('INPUT_URL', { subject: redactUrl(url), expected: 'an http or https address', actual: 'something else' });
  }
  return new URL(url);
}

export function basicAuthorization(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
}

export function protocolError(url: string, expected: string, actual: string): BundleError {
  return new BundleError('TRANSFER_PROTOCOL', { subject: redactUrl(url), expected, actual });
}

/** Of every request; lower-case names. */
export function standingHeaders(userAgent: string, headers: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return { 'user-agent': userAgent, 'accept-encoding': 'identity', ...Object.fromEntries(own) };
}
