// Range requests: RFC 9110, sections 13.1.5 (If-Range), 14 (Range, Content-Range), 8.8 (validators).
import { BundleError, redactUrl } from '../bom/errors.ts';
import type { Bytes, FileSink } from '../bom/ports.ts';
import { statusError } from './http-errors.ts';
import { isPlain } from './http-body.ts';
import { protocolError, type Send, type WebResponse } from './http-send.ts';
import { Attempts, type DownHosts, retryAfterMs, type RetryPolicy } from './retry.ts';
import type { Notify } from '../bom/events.ts';
import type { ContentIdentity } from './http-client.ts';

/** Progress that earns a fresh set of retries: a server that gives a few bytes a time must not keep us for ever. */
const progressBytes = 64 * 1024;

export interface ResumeOptions {
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  readonly offset?: number;
  /** Where to end (exclusive), before the end of the content; only from a server that gives parts. */
  readonly end?: number;
  readonly expectedSize?: number;
  readonly borrow?: boolean;
  readonly into?: FileSink | undefined;
  readonly onIdentity?: (identity: ContentIdentity) => void;
  readonly known?: ContentIdentity;
  readonly policy: RetryPolicy;
  readonly notify: Notify;
  readonly stallTimeoutMs: number;
  readonly down?: DownHosts;
}

/** The body of `url` from `options.offset` to its end, over as many answers as it takes. The contract is `HttpClient.stream`. */
export async function* resumable(send: Send, url: string, options: ResumeOptions): Bytes {
  let at = options.offset ?? 0;
  let first = options.known;
  let isTold = false;
  let mark = at;
  const attempts = new Attempts(url, options);
  for (;;) {
    try {
      const into = options.into === undefined ? {} : { into: { sink: options.into, at } };
      const response = await send({ method: 'GET', url, borrow: options.borrow === true, ...into, headers: { ...options.headers, ...rangeHeaders(at, first, options.end) }, signal: options.signal });
      const part = openPart(response, url, { at, first, expectedSize: options.expectedSize, end: options.end, isStrict: options.known !== undefined });
      if (!isTold) options.onIdentity?.(part.identity);
      isTold = true;
      first ??= part.identity;
      for await (const chunk of paced(part.bytes, options.stallTimeoutMs, url)) {
        at += chunk.length;
        if (options.expectedSize !== undefined && at > options.expectedSize) throw sizeError(url, options.expectedSize, `${at} or more`);
        if (options.end !== undefined && at > options.end) throw protocolError(url, `bytes up to ${options.end}`, 'more');
        if (at - mark >= progressBytes) { attempts.progressed(); mark = at; }
        yield chunk;
      }
      const end = options.end ?? part.identity.total ?? options.expectedSize;
      if (end === undefined || at >= end) return;
      throw new BundleError('TRANSFER_CUT', { subject: redactUrl(url), expected: `${end} bytes`, actual: `the end after ${at} bytes` });
    } catch (error) {
      await attempts.failed(error);
    }
  }
}

function rangeHeaders(at: number, first: ContentIdentity | undefined, end: number | undefined): Record<string, string> {
  if (at === 0 && end === undefined) return {};
  const validator = first?.etag ?? first?.lastModified;
  return { range: `bytes=${at}-${end === undefined ? '' : end - 1}`, ...(validator === undefined ? {} : { 'if-range': validator }) };
}

interface Part { readonly bytes: Bytes; readonly identity: ContentIdentity }
interface Place {
  readonly at: number; readonly first: ContentIdentity | undefined; readonly expectedSize: number | undefined; readonly end: number | undefined;
  /** An answer that does not name the validator of `first` is another content. */
  readonly isStrict: boolean;
}

/** The bytes from `place.at` on that an answer gives, once it is sure that they belong to the same content. */
function openPart(response: WebResponse, url: string, place: Place): Part {
  try {
    if (response.status === 206) return partial(response, url, place);
    if (response.status === 416 && place.at > 0) return atEnd(response, url, place);
    if (response.status < 200 || response.status > 299) throw withRetryAfter(statusError(response.status, url), response);
    if (response.status !== 200) throw protocolError(url, 'status 200 or 206 with the content', `status ${response.status}`);
    checkPlain(response, url);
    if (place.end !== undefined) throw noRanges(url);
    const identity = identityOf(response, response.length);
    checkSame(identity, url, place);
    return { bytes: place.at === 0 ? response.body() : skip(response.body(), place.at), identity };
  } catch (error) {
    response.discard();
    throw error;
  }
}

function noRanges(url: string): BundleError {
  return new BundleError('TRANSFER_PROTOCOL', { subject: redactUrl(url), expected: 'a part of the content (status 206)', actual: 'all of it (status 200)', details: { noRanges: true } });
}

/** A body that was encoded, although none was asked for, is not the content. */
function checkPlain(response: WebResponse, url: string): void {
  if (!isPlain(response, url)) throw protocolError(url, 'the content as it is (Accept-Encoding: identity)', `content-encoding ${response.headers['content-encoding']}`);
}

function partial(response: WebResponse, url: string, place: Place): Part {
  checkPlain(response, url);
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '');
  const start = Number(match?.[1] ?? Number.NaN);
  if (match === null || start !== place.at) {
    throw protocolError(url, `bytes from ${place.at}`, `content-range ${response.headers['content-range'] ?? 'not given'}`);
  }
  const identity = identityOf(response, match[3] === '*' ? undefined : Number(match[3]));
  checkSame(identity, url, place);
  return { bytes: response.body(), identity };
}

function atEnd(response: WebResponse, url: string, place: Place): Part {
  const total = /^bytes \*\/(\d+)$/.exec(response.headers['content-range'] ?? '')?.[1];
  const size = total === undefined ? place.first?.total ?? place.expectedSize : Number(total);
  if (size !== place.at || place.isStrict) throw changed(url, `at least ${place.at} bytes`, `${size ?? 'fewer'} bytes`);
  response.discard();
  return { bytes: none(), identity: { total: place.at } };
}

function checkSame(now: ContentIdentity, url: string, { first, expectedSize, isStrict }: Place): void {
  if (expectedSize !== undefined && now.total !== undefined && now.total !== expectedSize) {
    throw sizeError(url, expectedSize, String(now.total));
  }
  if (first === undefined) return;
  for (const key of ['etag', 'lastModified', 'total'] as const) {
    const [before, after] = [first[key], now[key]];
    if (before === undefined || before === after || (after === undefined && !isStrict)) continue;
    throw changed(url, `the content with ${key} ${before}`, after === undefined ? `no ${key}` : `${key} ${after}`);
  }
}

function sizeError(url: string, expected: number, actual: string): BundleError {
  return new BundleError('INTEGRITY_SIZE', { subject: redactUrl(url), expected: `${expected} bytes`, actual: `${actual} bytes` });
}

function changed(url: string, expected: string, actual: string): BundleError {
  return new BundleError('TRANSFER_CUT', {
    subject: redactUrl(url), expected, actual, details: { changed: true }, next: 'The content changed while it was read; run the command again.',
  });
}

function identityOf({ headers }: WebResponse, total: number | undefined): ContentIdentity {
  const { etag, date } = headers;
  const lastModified = headers['last-modified'];
  return {
    ...(etag === undefined || etag.startsWith('W/') ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
    ...(date === undefined ? {} : { date }),
    ...(total === undefined ? {} : { total }),
  };
}

/** `error` with the wait that the server asked for. */
export function withRetryAfter(error: BundleError, response: { readonly headers: Readonly<Record<string, string>> }): BundleError {
  const waitMs = retryAfterMs(response.headers['retry-after'], Date.now());
  if (waitMs === undefined) return error;
  return new BundleError(error.code, { ...error.facts, details: { ...error.facts.details, retryAfterMs: waitMs } }, { cause: error.cause });
}

async function* skip(bytes: Bytes, count: number): Bytes {
  let left = count;
  for await (const chunk of bytes) {
    if (left >= chunk.length) { left -= chunk.length; continue; }
    yield left === 0 ? chunk : chunk.subarray(left);
    left = 0;
  }
}

async function* none(): Bytes { /* nothing is left to read */ }

/** Fewer bytes than this in a whole stall timeout is a stall too: a drip keeps a connection alive without ever ending. */
const dripBytes = 1024;

async function* paced(bytes: Bytes, stallTimeoutMs: number, url: string): Bytes {
  let windowBytes = 0;
  let windowStartMs = performance.now();
  for await (const chunk of bytes) {
    windowBytes += chunk.length;
    yield chunk;
    if (windowBytes >= dripBytes) {
      windowBytes = 0;
      windowStartMs = performance.now();
    } else if (performance.now() - windowStartMs > stallTimeoutMs) {
      throw new BundleError('TRANSFER_STALL', {
        subject: redactUrl(url), expected: `more than ${dripBytes} bytes in ${stallTimeoutMs / 1000} s`, actual: `${windowBytes} bytes`,
      });
    }
  }
}
