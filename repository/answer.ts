// What a request is answered with, and how it is sent. RFC 9110: sections 13 (conditional requests) and 14 (range requests).
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ByteRange, Descriptor } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import type { Bytes } from '../bom/ports.ts';
import { smallBytes } from './blob-cache.ts';
import { readSmall, type ServedBlobs } from './content.ts';
import { readSizeBytes, sendFile } from './send-file.ts';

export type Headers = Readonly<Record<string, string>>;

/** Bytes from memory, or a blob that is streamed from where it lies and may be asked for in parts. */
export type Body = { readonly kind: 'bytes'; readonly bytes: Uint8Array } | { readonly kind: 'blob'; readonly blob: Descriptor; readonly from: ServedBlobs };

export interface Answer {
  readonly status: number;
  readonly headers?: Headers;
  readonly body?: Body;
  /** Of `body`; enables conditional requests. Without quotes. */
  readonly etag?: string;
}

export function textAnswer(status: number, text: string, headers: Headers = {}): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: { kind: 'bytes', bytes: Buffer.from(text) } };
}

export function jsonAnswer(status: number, value: unknown, headers: Headers = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: { kind: 'bytes', bytes: Buffer.from(`${JSON.stringify(value)}\n`) } };
}

export function blobAnswer(blob: Descriptor, from: ServedBlobs, headers: Headers = {}): Answer {
  return { status: 200, headers: { 'content-type': blob.mediaType, ...headers }, body: { kind: 'blob', blob, from }, etag: blob.digest };
}

/**
 * Sends `answer`. Memory stays at one read per answer whatever the size; what was opened is closed when the client leaves. Throws when the
 * content could not be sent to its end: once headers are out, the caller must cut the connection; before, it may answer otherwise ({@link isGone}).
 */
export async function send(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<number> {
  const planned = conditional(request, answer);
  const { status, body, range } = planned;
  const size = body === undefined ? 0 : body.kind === 'bytes' ? body.bytes.length : body.blob.size;
  const sent = range === undefined ? size : range.end - range.start;
  response.statusCode = status;
  response.setHeader('x-content-type-options', 'nosniff');
  for (const [name, value] of Object.entries(planned.headers)) response.setHeader(name, value);
  if (status !== 204 && status !== 304) response.setHeader('content-length', sent);
  if (body === undefined || request.method === 'HEAD' || sent === 0) {
    response.end();
    return 0;
  }
  if (body.kind === 'bytes') response.end(range === undefined ? body.bytes : body.bytes.subarray(range.start, range.end));
  else await sendBlob(response, body, range ?? { start: 0, end: size });
  return sent;
}

async function sendBlob(response: ServerResponse, body: Body & { readonly kind: 'blob' }, range: ByteRange): Promise<void> {
  try {
    await sendFromPlace(response, body, range);
  } catch (cause) {
    // Between asking where it lies and opening it, a collection may have moved it.
    if (!isGone(cause) || response.headersSent || response.destroyed) throw cause;
    await sendFromPlace(response, body, range);
  }
}

async function sendFromPlace(response: ServerResponse, { blob, from }: Body & { readonly kind: 'blob' }, range: ByteRange): Promise<void> {
  if (blob.size <= smallBytes) {
    response.end((await readSmall(from, blob)).subarray(range.start, range.end));
    return;
  }
  const place = await from.locate(blob.digest);
  if (place !== undefined) return sendFile(response, place.path, { start: place.offset + range.start, end: place.offset + range.end });
  const chunks = from.open(blob, range)[Symbol.asyncIterator]();
  // What cannot be opened shows here, while the status can still say so.
  const first = await chunks.next();
  const all = async function* whole(): Bytes {
    try {
      for (let next = first; next.done !== true; next = await chunks.next()) yield next.value;
    } finally {
      await chunks.return?.();
    }
  };
  await pipeline(Readable.from(all(), { objectMode: false, highWaterMark: readSizeBytes }), response);
}

/** Whether content that was here is not any more: collected since the question whether it is. */
export function isGone(cause: unknown): boolean {
  if (!(cause instanceof BundleError)) return false;
  return cause.code === 'INTEGRITY_MISSING' || (cause.code === 'STORAGE_IO' && cause.cause instanceof Error && 'code' in cause.cause && cause.cause.code === 'ENOENT');
}

interface Planned {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body?: Body | undefined;
  readonly range?: ByteRange | undefined;
}

/** Applies If-None-Match and Range to a 200 answer. */
function conditional(request: IncomingMessage, answer: Answer): Planned {
  const headers: Record<string, string> = { ...answer.headers };
  if (answer.status !== 200 || answer.body === undefined || answer.etag === undefined) return { ...answer, headers };
  const etag = `"${answer.etag}"`;
  headers['etag'] = etag;
  headers['accept-ranges'] = 'bytes';
  if (isUnchanged(request, etag, headers['last-modified'])) return { status: 304, headers };
  const ifRange = request.headers['if-range'];
  if (ifRange !== undefined && ifRange !== etag && ifRange !== headers['last-modified']) return { ...answer, headers };
  const size = answer.body.kind === 'bytes' ? answer.body.bytes.length : answer.body.blob.size;
  const range = request.method === 'GET' ? parseRange(request.headers.range, size) : undefined;
  if (range === undefined) return { ...answer, headers };
  if (range === 'unsatisfiable') return { status: 416, headers: { 'content-range': `bytes */${size}` } };
  headers['content-range'] = `bytes ${range.start}-${range.end - 1}/${size}`;
  return { status: 206, headers, body: answer.body, range };
}

/** If-None-Match where it is sent, else If-Modified-Since (RFC 9110, section 13.2.2). */
function isUnchanged(request: IncomingMessage, etag: string, modified: string | undefined): boolean {
  const header = request.headers['if-none-match'];
  const since = request.headers['if-modified-since'];
  if (header === undefined) return since !== undefined && modified !== undefined && Date.parse(since) >= Date.parse(modified);
  return header.split(',').map((item) => item.trim().replace(/^W\//, '')).some((item) => item === etag || item === '*');
}

/** The one range asked for (RFC 9110, section 14.1.2). Several ranges, other units and broken syntax are ignored, as section 14.2 allows: undefined. */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/.exec(header ?? '');
  if (match === null) return undefined;
  const [first, last] = [match[1] ?? '', match[2] ?? ''];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size };
  }
  const start = Number(first);
  if (start >= size || (last !== '' && Number(last) < start)) return 'unsatisfiable';
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) };
}
