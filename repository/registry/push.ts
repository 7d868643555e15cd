// Writing. OCI distribution specification 1.1: "Push", "Content Management".
import { BundleError } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import type { Answer, Headers } from '../answer.ts';
import type { PushedBlobs } from '../content.ts';
import type { Exchange } from '../exchange.ts';
import { type Address, addressLike, isAddress, isTag, registryError } from './grammar.ts';
import { manifestLimitBytes, type ParsedManifest, parseManifest } from './manifest.ts';
import type { Pushed } from './pushed.ts';
import { findBlob, findManifest, type Shelf } from './shelf.ts';
import type { Session, Uploads } from './uploads.ts';

export interface Desk {
  readonly blobs: PushedBlobs;
  readonly pushed: Pushed;
  readonly uploads: Uploads;
  /** Garbage collection waits until `work` has ended. */
  readonly hold: <T>(work: () => Promise<T>) => Promise<T>;
}

const octets = 'application/octet-stream';

// ---- blobs

/** POST …/blobs/uploads/: a session; or, at once, a mount or a whole blob. `sources`: the repositories that a mount may be from; null stands for any. */
export async function startUpload(desk: Desk, shelf: Shelf, exchange: Exchange, sources: (from: string | null) => Iterable<Shelf>): Promise<Answer> {
  const { query } = exchange;
  const mount = query.get('mount');
  if (mount !== null) {
    if (!isAddress(mount)) return registryError('DIGEST_INVALID', 'blobs are mounted by digest', { detail: { mount } });
    for (const source of sources(query.get('from'))) {
      const blob = findBlob(source, mount);
      const linked = blob !== undefined && await desk.hold(async () => {
        if (!(await desk.blobs.has(blob.digest))) return false;
        await desk.pushed.linkBlob(shelf.name, mount, { ...blob, mediaType: octets });
        return true;
      });
      if (linked) return blobCreated(shelf, mount);
    }
  }
  const algorithm = query.get('digest-algorithm');
  if (algorithm !== null && algorithm !== 'sha256' && algorithm !== 'sha512') return registryError('DIGEST_INVALID', 'content is addressed by sha256 or sha512 here', { detail: { algorithm } });
  const digest = query.get('digest');
  if (digest !== null && !isAddress(digest)) return registryError('DIGEST_INVALID', 'not a sha256 or sha512 digest', { detail: { digest } });
  const session = await desk.uploads.start(shelf.name);
  if (session === undefined) return registryError('TOOMANYREQUESTS', 'too many uploads are open', { headers: { 'retry-after': '60' } });
  if (digest !== null) return finishUpload(desk, shelf, exchange, session);
  return { status: 202, headers: { ...sessionHeaders(shelf, session), 'oci-chunk-min-length': '1', 'content-length': '0' } };
}

/** PATCH: one chunk, or all of it in one stream. */
export async function appendChunk(desk: Desk, shelf: Shelf, exchange: Exchange, session: Session): Promise<Answer> {
  const refused = await append(desk, shelf, exchange, session);
  return refused ?? { status: 202, headers: sessionHeaders(shelf, desk.uploads.get(shelf.name, session.id) ?? session) };
}

export function uploadStatus(shelf: Shelf, session: Session): Answer {
  return { status: 204, headers: sessionHeaders(shelf, session) };
}

/** PUT: the last chunk, if any, and the digest of the whole. */
export async function finishUpload(desk: Desk, shelf: Shelf, exchange: Exchange, session: Session): Promise<Answer> {
  const digest = exchange.query.get('digest') ?? '';
  if (!isAddress(digest)) return registryError('DIGEST_INVALID', 'an upload ends with the digest of the blob', { detail: { digest } });
  const refused = await append(desk, shelf, exchange, session);
  if (refused !== undefined) return refused;
  try {
    await desk.hold(async () => {
      const blob = await desk.uploads.finish(session.id, digest);
      await desk.pushed.linkBlob(shelf.name, digest, { mediaType: octets, ...blob });
    });
  } catch (cause) {
    if (!(cause instanceof BundleError) || cause.code !== 'INTEGRITY_DIGEST') throw cause;
    return registryError('DIGEST_INVALID', 'the content has another digest', { detail: { expected: digest, actual: cause.facts.actual } });
  }
  return blobCreated(shelf, digest);
}

export async function cancelUpload(desk: Desk, session: Session): Promise<Answer> {
  await desk.uploads.drop(session.id);
  return { status: 204 };
}

/** Takes in the request's body; an answer only when it is refused. */
async function append(desk: Desk, shelf: Shelf, exchange: Exchange, session: Session): Promise<Answer | undefined> {
  const header = exchange.request.headers['content-range'];
  let expected: number | undefined;
  if (header !== undefined) {
    const [, first = '', last = ''] = /^(?:bytes )?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(header) ?? [];
    if (first === '' || Number(last) < Number(first)) return registryError('BLOB_UPLOAD_INVALID', 'Content-Range is START-END, both inclusive', { detail: { range: header } });
    if (Number(first) !== session.size) return outOfOrder(shelf, session);
    expected = Number(last) - Number(first) + 1;
  }
  try {
    const outcome = await desk.uploads.append(session.id, exchange.request as Bytes, expected);
    return outcome === 'busy' ? outOfOrder(shelf, session) : undefined;
  } catch (cause) {
    if (!(cause instanceof BundleError) || cause.code !== 'INTEGRITY_SIZE') throw cause;
    return registryError('SIZE_INVALID', 'the chunk is not as long as its Content-Range', { detail: { expected: cause.facts.expected, actual: cause.facts.actual } });
  }
}

function outOfOrder(shelf: Shelf, session: Session): Answer {
  return registryError('BLOB_UPLOAD_INVALID', 'chunks come in order, one at a time', { status: 416, headers: sessionHeaders(shelf, session) });
}

function sessionHeaders(shelf: Shelf, session: Session): Headers {
  return { location: `/v2/${shelf.name}/blobs/uploads/${session.id}`, range: `0-${Math.max(session.size - 1, 0)}`, 'docker-upload-uuid': session.id };
}

function blobCreated(shelf: Shelf, digest: Address): Answer {
  return { status: 201, headers: { location: `/v2/${shelf.name}/blobs/${digest}`, 'docker-content-digest': digest } };
}

export async function deleteBlob(desk: Desk, shelf: Shelf, digest: string): Promise<Answer> {
  if (!isAddress(digest)) return registryError('DIGEST_INVALID', 'blobs are deleted by digest', { detail: { digest } });
  if (await desk.pushed.deleteBlob(shelf.name, digest)) return { status: 202 };
  return findBlob(shelf, digest) === undefined ? registryError('BLOB_UNKNOWN', 'no such blob here', { detail: { digest } }) : belongsToLock(shelf);
}

// ---- manifests

export async function putManifest(desk: Desk, shelf: Shelf, exchange: Exchange, reference: string): Promise<Answer> {
  if (!isAddress(reference) && !isTag(reference)) {
    return reference.includes(':')
      ? registryError('DIGEST_INVALID', 'manifests are addressed by sha256 or sha512 here', { detail: { reference } })
      : registryError('MANIFEST_INVALID', 'not a tag', { detail: { reference } });
  }
  const tags = isAddress(reference) ? exchange.query.getAll('tag') : [reference];
  const wrong = tags.find((tag) => !isTag(tag));
  if (wrong !== undefined) return registryError('MANIFEST_INVALID', 'not a tag', { detail: { tag: wrong } });
  const held = tags.find((tag) => shelf.served?.tags.has(tag) === true);
  if (held !== undefined) return { ...belongsToLock(shelf) };
  const bytes = await readBody(exchange);
  if (bytes === undefined) return registryError('SIZE_INVALID', `manifests are at most ${manifestLimitBytes} bytes`, { status: 413 });
  let parsed: ParsedManifest;
  try {
    parsed = parseManifest(bytes, exchange.request.headers['content-type']);
  } catch (cause) {
    if (!(cause instanceof BundleError) || cause.code !== 'INPUT_FIELD') throw cause;
    return registryError('MANIFEST_INVALID', cause.message);
  }
  const address = addressLike(isAddress(reference) ? reference : 'sha256:', bytes);
  if (isAddress(reference) && reference !== address) {
    return registryError('DIGEST_INVALID', 'the manifest has another digest', { detail: { expected: reference, actual: address } });
  }
  return desk.hold(() => recordManifest(desk, shelf, { parsed, bytes, tags, reference, address }));
}

async function recordManifest(desk: Desk, shelf: Shelf, put: {
  readonly parsed: ParsedManifest; readonly bytes: Uint8Array; readonly tags: readonly string[]; readonly reference: string; readonly address: Address;
}): Promise<Answer> {
  const { parsed: { manifest, blobs }, bytes, tags, reference, address } = put;
  await desk.blobs.put(manifest, (async function* whole() { yield bytes; })(), new AbortController().signal);
  try {
    await desk.pushed.putManifest(shelf.name, { address, manifest, tags }, async () => {
      const now = { ...shelf, pushed: desk.pushed.get(shelf.name) };
      for (const digest of blobs) {
        const blob = findBlob(now, digest);
        if (blob !== undefined && (await desk.blobs.has(blob.digest))) continue;
        throw new BundleError('INTEGRITY_MISSING', { subject: digest, expected: `a blob of ${shelf.name}`, actual: 'nothing' });
      }
    });
  } catch (cause) {
    if (!(cause instanceof BundleError) || cause.code !== 'INTEGRITY_MISSING') throw cause;
    return registryError('MANIFEST_BLOB_UNKNOWN', 'the manifest names a blob that is not in the repository', { detail: { digest: cause.facts.subject } });
  }
  return {
    status: 201,
    headers: {
      location: `/v2/${shelf.name}/manifests/${reference}`,
      'docker-content-digest': address,
      ...(manifest.subject === undefined ? {} : { 'oci-subject': manifest.subject }),
      ...(isAddress(reference) && tags.length > 0 ? { 'oci-tag': tags.join(', ') } : {}),
    },
  };
}

/** The request's body, or undefined when it is too long for a manifest. */
async function readBody(exchange: Exchange): Promise<Uint8Array | undefined> {
  if (Number(exchange.request.headers['content-length'] ?? 0) > manifestLimitBytes) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of exchange.request as Bytes) {
    size += chunk.length;
    if (size > manifestLimitBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export async function deleteManifest(desk: Desk, shelf: Shelf, reference: string): Promise<Answer> {
  if (isAddress(reference)) {
    if (await desk.pushed.deleteManifest(shelf.name, reference)) return { status: 202 };
  } else if (await desk.pushed.deleteTag(shelf.name, reference)) return { status: 202 };
  if (findManifest(shelf, reference) !== undefined) return belongsToLock(shelf);
  return registryError('MANIFEST_UNKNOWN', 'no such manifest here', { detail: { reference } });
}

function belongsToLock(shelf: Shelf): Answer {
  const projects = [...(shelf.served?.projects ?? [])].join(', ');
  return registryError('DENIED', `this content belongs to project ${projects}; it changes with the next import only`, { detail: { name: shelf.name } });
}
