// An archive behind http(s), of which only what is missing here is read: RFC 9110, section 14 (Range Requests).
import { open, rm, truncate } from 'node:fs/promises';
import { bundleOf } from '../bom/bundle.ts';
import { BundleError, redactUrl } from '../bom/errors.ts';
import type { Bytes } from '../bom/ports.ts';
import { type ManifestBlob, piecesOf } from '../formats/archive/manifest.ts';
import type { HttpClient } from '../transport/http-client.ts';
import { statusError } from '../transport/http-errors.ts';
import { type Archive, openArchive } from './archive-file.ts';
import { checkBase } from './base.ts';
import { fetchMissing } from './fetch-missing.ts';
import { readLock } from './archive-lock.ts';
import { pinKeys, pinnedKeys } from './pinned-keys.ts';
import { type ServedResult, serveLock, type ServeLockOptions } from './serve-lock.ts';
import { checkSignature, type SignatureState, type TrustOptions } from './signature.ts';
import { storageError } from '../store/durable-file.ts';
import { Generations } from '../store/generations.ts';

export interface ImportUrlOptions extends ServeLockOptions, TrustOptions {
  readonly url: string;
  readonly http: HttpClient;
  /** For the server, such as Authorization. */
  readonly headers: Readonly<Record<string, string>>;
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

const otherWays = 'Fetch the archive first, or stream it whole: curl URL | longshore import -';
/** The head is a manifest, an index and small files: read in steps of this size until it is whole. */
const headStepBytes = 1 << 20;
const maxHeadBytes = 256 << 20;

/**
 * Reads an archive's head, checks its signature, and then brings only the blobs that the store lacks, each verified by its digest, which the signature covers. A
 * cut connection is continued, and a run that was stopped too. One file only: volumes are imported as files. Throws what import throws, and `TRANSFER_*`.
 */
export async function importUrl(options: ImportUrlOptions): Promise<ServedResult & { readonly fetched: number; readonly fetchedBytes: number; readonly signature: SignatureState }> {
  const { url, store, http, headers, signal, notify } = options;
  const subject = redactUrl(url);
  const total = await http.size(url, { signal, headers });
  if (total === undefined) throw await withoutSize(options);
  const archive = await openHead(options, total);
  const { manifest } = archive;
  if (manifest.volumes.length > 1) throw new BundleError('INPUT_ARCHIVE_FORMAT', { subject, expected: 'an archive in one file', actual: `volume of ${manifest.volumes.length}`, next: 'Fetch every volume and import the files.' });
  const pinned = await pinnedKeys(store.root, manifest.project);
  const keys = options.keys.length > 0 ? options.keys : pinned;
  const signature = await checkSignature(archive, { ...options, keys });
  const highest = await new Generations(store.root).highestSequence(manifest.project);
  if (manifest.sequence < highest && !options.allowDowngrade) throw new BundleError('TARGET_REPLAY', { subject, expected: `sequence ${highest} of ${manifest.project} or a later one`, actual: `sequence ${manifest.sequence}` });
  const start = [...archive.volumes.values()][0]?.contentStart ?? 0;
  const places = new Map(manifest.blobs.map((blob) => [blob.digest, blob]));
  const read = (blob: ManifestBlob, offset: number, each: AbortSignal): Bytes => rangeOf(options, { from: start + (piecesOf(blob)[0]?.offset ?? 0) + offset, to: start + (piecesOf(blob)[0]?.offset ?? 0) + blob.size, total, signal: each });
  const fetching = { store, concurrency: options.concurrency, notify, signal, open: (blob: { readonly digest: ManifestBlob['digest'] }, offset: number, each: AbortSignal): Bytes => {
    const place = places.get(blob.digest);
    if (place === undefined) throw new Error(`${blob.digest} is not in the manifest`);
    return read(place, offset, each);
  } };
  const asBlob = (blob: ManifestBlob): { mediaType: string; digest: ManifestBlob['digest']; size: number } => ({ mediaType: 'application/octet-stream', digest: blob.digest, size: blob.size });
  // The lock first: a delta whose base is not here is refused before anything else is fetched.
  await fetchMissing({ ...fetching, blobs: manifest.blobs.filter(({ digest }) => digest === manifest.lock.digest).map(asBlob) });
  const lock = await readLock(archive, store);
  const bundle = bundleOf(lock);
  if (bundle.index.digest !== manifest.bundle.digest) throw new BundleError('INTEGRITY_ARCHIVE', { subject, expected: `bundle ${manifest.bundle.digest}, by the manifest`, actual: bundle.index.digest });
  const held = { has: async (digest: ManifestBlob['digest']) => places.has(digest) || store.has(digest) };
  await checkBase(archive, held, { repairable: (await new Generations(store.root).current(manifest.project)) !== undefined, lock });
  const done = await fetchMissing({ ...fetching, blobs: manifest.blobs.map(asBlob) });
  if (signature.state === 'signed') await pinKeys(store.root, manifest.project, { keys, signers: signature.signers });
  return { ...(await serveLock(lock, options)), ...done, signature };
}

/** Why the server says no size: the archive is not there, or not for us; else it cannot tell. */
async function withoutSize({ url, http, headers, signal }: ImportUrlOptions): Promise<BundleError> {
  const { status } = await http.head(url, { signal, headers });
  if ([401, 403, 404, 410].includes(status)) return statusError(status, url);
  return new BundleError('TRANSFER_PROTOCOL', { subject: redactUrl(url), expected: 'a server that says how long the archive is', actual: 'no length', next: otherWays });
}

async function* rangeOf({ url, http, headers }: ImportUrlOptions, { from, to, total, signal }: { readonly from: number; readonly to: number; readonly total: number; readonly signal: AbortSignal }): Bytes {
  if (from >= to) return;
  try {
    yield* http.stream(url, { signal, headers, offset: from, end: to, expectedSize: total });
  } catch (cause) {
    if (!(cause instanceof BundleError) || cause.facts.details?.['noRanges'] !== true) throw cause;
    throw new BundleError(cause.code, { ...cause.facts, expected: 'a server that gives parts of the archive (Range requests)', next: otherWays }, { cause });
  }
}

/** The archive as far as its head tells it: a file of the right length in the store's spool that holds nothing but the head. */
async function openHead(options: ImportUrlOptions, total: number): Promise<Archive> {
  const path = options.store.spoolPath('head');
  const handle = await open(path, 'w+').catch((cause: unknown) => { throw storageError(path, cause); });
  let length = 0;
  try {
    for (;;) {
      for await (const chunk of rangeOf(options, { from: length, to: Math.min(total, length + headStepBytes), total, signal: options.signal })) {
        await handle.write(chunk, 0, chunk.length, length).catch((cause: unknown) => { throw storageError(path, cause); });
        length += chunk.length;
      }
      // What begins with a script says how long it is; the rest of it is not needed to read the head.
      const start = Buffer.alloc(2);
      await handle.read(start, 0, 2, 0);
      await truncate(path, start.toString('latin1') === '#!' ? total : length);
      const archive = await openArchive([path]).catch((cause: unknown) => {
        // A head that goes on behind what was read ends too early for the reader.
        if (cause instanceof BundleError && cause.code === 'INTEGRITY_ARCHIVE' && length < Math.min(total, maxHeadBytes)) return undefined;
        throw cause instanceof BundleError ? new BundleError(cause.code, { ...cause.facts, subject: cause.facts.subject.replaceAll(path, redactUrl(options.url)) }, { cause }) : cause;
      });
      if (archive !== undefined) return archive;
    }
  } finally {
    await handle.close();
    await rm(path, { force: true });
  }
}
