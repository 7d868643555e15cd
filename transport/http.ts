import { homedir } from 'node:os';
import { join } from 'node:path';
import { redactUrl } from '../bom/errors.ts';
import { type Notify, silent } from '../bom/events.ts';
import type { Bytes, FetchFiles } from '../bom/ports.ts';
import { contentSize } from './content-size.ts';
import { Direct } from './direct.ts';
import { FetchThreads } from './fetch-threads.ts';
import { HostGates } from './host-gate.ts';
import { type ClientCertificate, createAgents } from './http-agents.ts';
import type { Answer, GetOptions, HttpClient, StreamOptions } from './http-client.ts';
import { statusError } from './http-errors.ts';
import { createSend, protocolError, type Send, type WebResponse } from './http-send.ts';
import { inRanges, type RangeSource, type RangeTuning, Segments } from './ranges.ts';
import { rateLimit, unlimited } from './rate-limit.ts';
import { resumable, withRetryAfter } from './resume.ts';
import { createFetchFiles } from './series.ts';
import { Attempts, defaultRetryPolicy, DownHosts, passingStatuses, type RetryPolicy } from './retry.ts';

export interface HttpOptions {
  /** Told of every retry. */
  readonly notify?: Notify;
  /** PEM files of CAs to trust beside Node's and the system's. */
  readonly caFiles?: readonly string[];
  /** host[:port] -> client certificate. */
  readonly clientCertificates?: Readonly<Record<string, ClientCertificate>>;
  /** Folders of certificates by host, where Docker and podman look for them when left out. */
  readonly certificateDirs?: readonly string[];
  /** How long a connection may be silent, or drip, before it counts as stalled. There is no limit on the whole. */
  readonly stallTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  readonly userAgent?: string;
  /** All bodies together. */
  readonly limitRateBytesPerS?: number;
  /** When large contents are read over several connections; for tests and measurements. */
  readonly ranges?: Partial<RangeTuning>;
  /** Proxy settings; the process's environment when left out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A client, and the bare exchange under it for protocols that need more than GET and HEAD. */
export interface Http extends HttpClient {
  readonly send: Send;
  readonly fetchFiles: FetchFiles;
  /** The same client over another exchange, e.g. one that adds credentials. Closing it is the owner's, of the first one. */
  over(send: Send): HttpClient;
}

export function createHttpClient(options: HttpOptions = {}): Http {
  const stallTimeoutMs = options.stallTimeoutMs ?? 60_000;
  const connectTimeoutMs = options.connectTimeoutMs ?? 20_000;
  const direct = new Direct();
  const threads = new FetchThreads();
  const agents = createAgents({
    caFiles: options.caFiles ?? [],
    clientCertificates: options.clientCertificates ?? {},
    certificateDirs: options.certificateDirs ?? [join(homedir(), '.config/containers/certs.d'), '/etc/containers/certs.d', '/etc/docker/certs.d'],
    stallTimeoutMs,
    connectTimeoutMs,
    env: options.env ?? process.env,
  });
  const exchange = {
    agents,
    gates: new HostGates(),
    direct,
    threads,
    connectTimeoutMs,
    stallTimeoutMs,
    userAgent: options.userAgent ?? 'longshore/0.1',
    rate: options.limitRateBytesPerS === undefined ? unlimited : rateLimit(options.limitRateBytesPerS),
  };
  const send = createSend(exchange);
  const busy = new Map<string, number>();
  const segments = new Segments(10, 8 << 20);
  let askedBytes = 0;
  const stream = (send: Send, url: string, request: StreamOptions): Bytes => {
    const { expectedSize, borrow, onIdentity: _, known: __, into, ...rest } = request;
    askedBytes += (expectedSize ?? 0) + eachBytes;
    // A rate is kept by whoever reads; and a few small contents are here before a thread is.
    const all = { ...way, ...request, into: options.limitRateBytesPerS === undefined && askedBytes >= worthThreadsBytes ? into : undefined };
    // Only what is known, large and read in one go; a rate that was asked for is not to be had by more connections.
    if (expectedSize === undefined || borrow !== true || options.limitRateBytesPerS !== undefined) return resumable(send, url, all);
    const source: RangeSource = {
      whole: (offset) => resumable(send, url, { ...all, offset }),
      part: (offset, end, signal) => resumable(send, url, { ...way, ...rest, expectedSize, borrow, offset, end, signal }),
    };
    return counted(busy, hostOf(url), inRanges(source, {
      offset: request.offset ?? 0, sizeBytes: expectedSize, signal: request.signal, segments, nowMs: () => performance.now(),
      mayTry: () => (busy.get(hostOf(url)) ?? 0) <= fewStreams, ...(options.ranges === undefined ? {} : { tuning: options.ranges }),
    }));
  };
  const way: Way = { policy: { ...defaultRetryPolicy, ...options.retry }, notify: options.notify ?? silent, stallTimeoutMs, down: new DownHosts() };
  const over = (other: Send): HttpClient => ({
    get: (url, request) => get(other, url, { ...way, ...request }),
    head: (url, request) => head(other, url, { ...way, ...request }),
    size: (url, request) => contentSize(other, url, { ...way, ...request }),
    stream: (url, request) => stream(other, url, request),
    close: async () => undefined,
  });
  return { ...over(send), send, over, fetchFiles: createFetchFiles(exchange), close: async () => { direct.close(); await threads.close(); await agents.close(); } };
}

/** Contents of one client together from which on threads are worth their start; what each counts for beside its bytes. */
const worthThreadsBytes = 2 * 1024 * 1024;
const eachBytes = 64 * 1024;

/** With more contents under way, a host has as many connections as it is good for. */
const fewStreams = 3;

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

async function* counted(busy: Map<string, number>, host: string, bytes: Bytes): Bytes {
  busy.set(host, (busy.get(host) ?? 0) + 1);
  try {
    yield* bytes;
  } finally {
    busy.set(host, (busy.get(host) ?? 1) - 1);
  }
}

interface Way { readonly policy: RetryPolicy; readonly notify: Notify; readonly stallTimeoutMs: number; readonly down: DownHosts }
type Request<T> = Way & { readonly signal: AbortSignal; readonly headers?: Readonly<Record<string, string>> } & T;

async function get(send: Send, url: string, request: Request<Pick<GetOptions, 'maxBytes' | 'accept' | 'isFile'>>): Promise<Answer> {
  const attempts = new Attempts(url, request);
  for (;;) {
    try {
      const borrow = request.isFile === true;
      const response = await send({ method: 'GET', url, signal: request.signal, borrow, ...(request.headers === undefined ? {} : { headers: request.headers }) });
      const body = await readAll(response, url, { maxBytes: request.maxBytes, borrow });
      const { status, headers } = response;
      const fine = (status >= 200 && status <= 299) || request.accept?.includes(status) === true;
      if (!fine) throw withRetryAfter(statusError(status, url, { body }), response);
      return { status, headers, body, url: redactUrl(response.url) };
    } catch (error) {
      await attempts.failed(error);
    }
  }
}

async function head(send: Send, url: string, request: Request<object>): Promise<{ status: number; size?: number; headers: Readonly<Record<string, string>> }> {
  const attempts = new Attempts(url, request);
  for (;;) {
    try {
      const response = await send({ method: 'HEAD', url, signal: request.signal, ...(request.headers === undefined ? {} : { headers: request.headers }) });
      response.discard();
      const { status, headers, length } = response;
      if (passingStatuses.has(status)) throw withRetryAfter(statusError(status, url), response);
      if (status >= 500) throw statusError(status, url);
      return { status, headers, ...(length === undefined ? {} : { size: length }) };
    } catch (error) {
      await attempts.failed(error);
    }
  }
}

/** A whole body, at most `maxBytes` of it. Throws `TRANSFER_PROTOCOL` beyond that. */
export async function readAll(response: WebResponse, url: string, { maxBytes, borrow = false }: { readonly maxBytes: number; readonly borrow?: boolean }): Promise<Uint8Array> {
  if ((response.length ?? 0) > maxBytes) {
    response.discard();
    throw protocolError(url, `at most ${maxBytes} bytes`, `${response.length} bytes`);
  }
  return collect(borrow ? copied(response.body()) : response.body(), url, maxBytes);
}

/** What is overwritten while the rest comes. */
async function* copied(bytes: Bytes): Bytes {
  for await (const chunk of bytes) yield Buffer.from(chunk);
}

export async function collect(bytes: Bytes, url: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    length += chunk.length;
    if (length > maxBytes) throw protocolError(url, `at most ${maxBytes} bytes`, 'more');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

