// Distribution specification 1.1: "Pushing a blob" (monolithic, in chunks, resumed, mounted), "Pushing Manifests".
import { type ByteRange, type Descriptor, digestOf } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import { type Notify, silent } from '../bom/events.ts';
import type { Bytes } from '../bom/ports.ts';
import { statusError } from './http-errors.ts';
import { protocolError, type Send, type WebRequest, type WebResponse } from './http-send.ts';
import { collect } from './http.ts';
import { type Parts, partEnd, partsOf, sendOtherwise, takeSmaller } from './registry-parts.ts';
import { Attempts, defaultRetryPolicy, passingStatuses, type RetryPolicy } from './retry.ts';
import type { RegistrySession } from './registry.ts';
import { withRetryAfter } from './resume.ts';

export interface PushBlob {
  readonly path: string;
  readonly blob: Descriptor;
  /** A chunk may be overwritten once three more were asked for. */
  readonly open: (range?: ByteRange) => Bytes;
  /** A repository of the same registry that has the blob. */
  readonly mountFrom?: string;
  /** Upload even where the registry says that it has the blob. */
  readonly force?: boolean;
  /** Awaited once before the first byte is sent; not called where nothing is. */
  readonly before?: () => Promise<void>;
  readonly signal: AbortSignal;
  readonly notify?: Notify;
  readonly retry?: Partial<RetryPolicy>;
  /** Bytes of a part of a large blob. */
  readonly partBytes?: number;
}

/** A registry that takes everything may still need a while to hash or move it before it answers. */
const answerTimeoutMs = 15 * 60_000;
const answerBytes = 1 << 20;

/**
 * Brings one blob into a repository: nothing where the registry has it, else mounted, else uploaded in one request, a large one in parts where the registry
 * takes them; after a 413 or a broken connection in chunks (no smaller than OCI-Chunk-Min-Length) from where the registry stands. The registry's digest
 * check is what makes it stored. Throws `TARGET_REFUSED` and transfer errors, and what `open` throws.
 */
export async function pushBlob(session: RegistrySession, push: PushBlob): Promise<'stored' | 'mounted' | 'present'> {
  if (push.force !== true && await session.headBlob(push.path, push.blob.digest, push.signal)) return 'present';
  const more = push.mountFrom === undefined ? [] : [`repository:${push.mountFrom}:pull`];
  const send = session.sendFor(push.path, 'pull,push', more);
  const attempts = new Attempts(uploadsUrl(session, push.path), { signal: push.signal, notify: push.notify ?? silent, policy: { ...defaultRetryPolicy, ...push.retry } });
  const upload: Upload = { session, send, push, ...partsOf(push.blob, push.partBytes) };
  let mark = 0;
  let { before } = push;
  for (;;) {
    try {
      if (upload.location === undefined && await begin(upload) === 'mounted') return 'mounted';
      await before?.();
      before = undefined;
      await transfer(upload);
      return 'stored';
    } catch (error) {
      if (sendOtherwise(upload, { error, blob: push.blob, offset: upload.offset ?? 0 })) {
        upload.location = undefined;
        continue;
      }
      // Further than ever: an upload that begins anew each time, and breaks off where it did before, comes to an end.
      if ((upload.offset ?? 0) > mark) attempts.progressed();
      mark = Math.max(mark, upload.offset ?? 0);
      await attempts.failed(error);
      await recover(upload);
    }
  }
}

interface Upload extends Parts {
  readonly session: RegistrySession;
  readonly send: Send;
  readonly push: PushBlob;
  location?: string | undefined;
  /** Bytes that the registry has. */
  offset?: number;
  mountTried?: boolean;
}

function uploadsUrl(session: RegistrySession, path: string): string {
  return `${session.origin}/v2/${path}/blobs/uploads/`;
}

async function begin(upload: Upload): Promise<'mounted' | 'begun'> {
  const { session, send, push } = upload;
  const mount = push.mountFrom === undefined || upload.mountTried === true ? '' : `?mount=${push.blob.digest}&from=${encodeURIComponent(push.mountFrom)}`;
  upload.mountTried = true;
  const url = uploadsUrl(session, push.path) + mount;
  const response = await send({ method: 'POST', url, headers: { 'content-length': '0' }, signal: push.signal });
  if (response.status === 201 && mount !== '') {
    response.discard();
    return 'mounted';
  }
  if (response.status !== 202) throw await refusal(response, url, 'an upload to begin (status 202)');
  response.discard();
  upload.location = locationOf(response, url, session);
  upload.offset = 0;
  const least = Number(response.headers['oci-chunk-min-length'] ?? 0);
  if (Number.isSafeInteger(least) && least > 0) upload.minChunkBytes = least;
  return 'begun';
}

async function transfer(upload: Upload): Promise<void> {
  const { push } = upload;
  const size = push.blob.size;
  if (upload.offset === 0 && upload.chunkBytes >= size) {
    await finish(upload, { body: () => push.open(), bytes: size });
    return;
  }
  while ((upload.offset ?? 0) < size) await sendChunk(upload);
  await finish(upload, { bytes: 0 });
}

async function sendChunk(upload: Upload): Promise<void> {
  const { push, send, session } = upload;
  const start = upload.offset ?? 0;
  const end = partEnd(upload, push.blob, start);
  const url = placeOf(upload);
  const response = await send({
    method: 'PATCH', url, body: () => push.open({ start, end }), answerTimeoutMs, signal: push.signal,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(end - start), 'content-range': `${start}-${end - 1}` },
  });
  if (response.status !== 202) throw await refusal(response, url, 'a chunk to be taken (status 202)');
  response.discard();
  upload.location = locationOf(response, url, session);
  upload.offset = rangeEnd(response) || end;
  if (upload.offset <= start || upload.offset > end) throw protocolError(url, `bytes up to ${end}`, `range ${response.headers['range'] ?? 'not given'}`);
}

async function finish(upload: Upload, content: { readonly body?: () => Bytes; readonly bytes: number }): Promise<void> {
  const { push, send } = upload;
  const place = placeOf(upload);
  const url = `${place}${place.includes('?') ? '&' : '?'}digest=${encodeURIComponent(push.blob.digest)}`;
  const response = await send({
    method: 'PUT', url, ...(content.body === undefined ? {} : { body: content.body }), answerTimeoutMs, signal: push.signal,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(content.bytes) },
  });
  if (response.status !== 201 && response.status !== 204) throw await refusal(response, url, 'the blob to be stored (status 201)');
  response.discard();
}

/**
 * What a registry does with content whose digest is not the one it was announced with ("Pushing a blob": the digest *must* match). `verifies` only where it
 * refuses it as DIGEST_INVALID; `ignores` where it takes it; `unclear` is any other refusal. With `inParts` it comes as a large blob does, and once more
 * whole where that was refused: it has to be refused both ways. Throws transfer errors.
 */
export async function digestCheckOf(session: RegistrySession, path: string, { signal, notify = silent, inParts = false }: { readonly signal: AbortSignal; readonly notify?: Notify; readonly inParts?: boolean }): Promise<'verifies' | 'ignores' | 'unclear'> {
  const content = new TextEncoder().encode('longshore asks whether the registry looks at digests');
  const blob: Descriptor = { mediaType: 'application/octet-stream', digest: digestOf('another content'), size: content.length };
  const open = async function* part(range?: ByteRange): Bytes { yield content.subarray(range?.start ?? 0, range?.end ?? content.length); };
  try {
    await pushBlob(session, { path, blob, open, force: true, signal, notify, ...(inParts ? { partBytes: Math.floor(content.length / 2) - 1 } : {}) });
    return 'ignores';
  } catch (error) {
    const codes = refusalCodes(error);
    if (codes === undefined) throw error;
    return codes.includes('DIGEST_INVALID') ? 'verifies' : 'unclear';
  }
}

/** The registry's codes where it refused something for good; undefined for every other failure. */
export function refusalCodes(error: unknown): readonly string[] | undefined {
  if (!(error instanceof BundleError) || error.code !== 'TARGET_REFUSED') return undefined;
  const codes = error.facts.details?.['errors'];
  return Array.isArray(codes) ? codes.map(String) : [];
}

/**
 * Asks where the registry stands. Where it does not say, or has nothing, the upload begins anew with smaller chunks: a server that refuses
 * a large body often just closes the connection.
 */
async function recover(upload: Upload): Promise<void> {
  const { push, send, session, location } = upload;
  upload.location = undefined;
  if (location === undefined) return;
  const response = await send({ method: 'GET', url: location, signal: push.signal }).catch((error: unknown) => {
    if (error instanceof BundleError && error.family === 'transfer') return undefined; // a new upload is the answer to that
    throw error;
  });
  response?.discard();
  const offset = response?.status === 204 ? rangeEnd(response) : undefined;
  takeSmaller(upload, push.blob);
  if (response === undefined || offset === undefined || offset === 0 || offset > push.blob.size) return;
  upload.location = response.headers['location'] === undefined ? location : locationOf(response, location, session);
  upload.offset = offset;
}

function placeOf(upload: Upload): string {
  if (upload.location === undefined) throw new Error('no upload has begun');
  return upload.location;
}

/** The count of bytes that a Range header of an upload speaks of: `0-N` counts N + 1; `0-0` is what registries say for none. */
function rangeEnd({ headers }: WebResponse): number | undefined {
  const end = /^(?:bytes=)?0-(\d+)$/.exec(headers['range'] ?? '')?.[1];
  if (end === undefined) return undefined;
  return Number(end) === 0 ? 0 : Number(end) + 1;
}

/** Where to go on, as the registry says. Behind a proxy that ends TLS, registries say http for what is https: it stays https. */
function locationOf({ headers }: WebResponse, url: string, session: RegistrySession): string {
  const location = headers['location'];
  if (location === undefined || !URL.canParse(location, url)) throw protocolError(url, 'a Location to continue at', 'none');
  const next = new URL(location, url);
  if (next.protocol === 'http:' && session.origin.startsWith('https:')) next.protocol = 'https:';
  return next.href;
}

export interface PushManifest {
  readonly path: string;
  /** A tag or the manifest's digest. */
  readonly reference: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly signal: AbortSignal;
  readonly notify?: Notify;
  readonly retry?: Partial<RetryPolicy>;
}

/**
 * Stores a manifest under a tag or its digest. `subjectKnown`: the registry tells of it when asked for referrers (OCI-Subject). Throws
 * `TARGET_REFUSED` with `details.errors` (the registry's codes), and transfer errors.
 */
export async function pushManifest(session: RegistrySession, push: PushManifest): Promise<{ readonly subjectKnown: boolean }> {
  const url = `${session.origin}/v2/${push.path}/manifests/${push.reference}`;
  const send = session.sendFor(push.path, 'pull,push');
  const attempts = new Attempts(url, { signal: push.signal, notify: push.notify ?? silent, policy: { ...defaultRetryPolicy, ...push.retry } });
  const request: WebRequest = { method: 'PUT', url, body: push.bytes, headers: { 'content-type': push.mediaType }, answerTimeoutMs, signal: push.signal };
  for (;;) {
    try {
      const response = await send(request);
      if (response.status < 200 || response.status > 299) throw await refusal(response, url, 'the manifest to be stored (status 201)');
      response.discard();
      return { subjectKnown: response.headers['oci-subject'] !== undefined };
    } catch (error) {
      await attempts.failed(error);
    }
  }
}

/** What a registry's no means: a passing trouble stays a transfer error, everything else is its decision. */
async function refusal(response: WebResponse, url: string, expected: string): Promise<BundleError> {
  const body = await collect(response.body(), url, answerBytes);
  const error = withRetryAfter(statusError(response.status, url, { body, expected }), response);
  if (passingStatuses.has(response.status) || response.status === 401 || response.status > 499) return error;
  return new BundleError('TARGET_REFUSED', { ...error.facts, details: { ...error.facts.details, errors: errorCodesOf(body) } });
}

/** The codes of a registry's error document (distribution specification 1.1, "Error Codes"). */
function errorCodesOf(body: Uint8Array): string[] {
  try {
    const { errors } = JSON.parse(new TextDecoder().decode(body)) as { readonly errors?: unknown };
    return Array.isArray(errors) ? errors.flatMap((item: unknown) => (typeof item === 'object' && item !== null && 'code' in item && typeof item.code === 'string' ? [item.code] : [])) : [];
  } catch {
    return []; // the quoted text in the message has to do
  }
}
