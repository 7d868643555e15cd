import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Descriptor, type Digest, digestOf } from '../../bom/digest.ts';
import { BundleError, checkNotAborted, redactUrl } from '../../bom/errors.ts';
import type { BlobReader, BlobWriter, Bytes, FileSink } from '../../bom/ports.ts';
import type { HttpClient } from '../../transport/http-client.ts';
import type { Keeping } from '../keeping.ts';

export interface FetchContext {
  readonly http: HttpClient;
  readonly blobs: BlobReader & BlobWriter;
  /** Takes what is kept, so that nobody waits for each by itself; left out, {@link keep} returns when it is durable. */
  readonly keeping?: Keeping;
}

/** The path that a `file:` or `copy:` uri names; undefined for anything else. */
export function localPath(url: string): string | undefined {
  const match = /^(?:file|copy):(.*)$/.exec(url);
  if (match === null) return undefined;
  const rest = match[1] ?? '';
  return rest.startsWith('//') ? fileURLToPath(`file:${rest}`) : decodeURIComponent(rest);
}

/** The whole of a small local file. Throws `INPUT_MISSING_FILE` when it cannot be read, `INTEGRITY_METADATA` beyond `maxBytes`. */
export async function readLocal(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes) throw new BundleError('INTEGRITY_METADATA', { subject: path, expected: `at most ${maxBytes} bytes`, actual: `${size} bytes` });
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof BundleError) throw cause;
    throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'a file that can be read', actual: (cause as NodeJS.ErrnoException).code ?? String(cause) }, { cause });
  }
}

export interface DocumentOptions {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** What the server of a private repository is asked with. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The document at `url` (http, https or file), or undefined when it is not there. Throws what the client throws. */
export async function fetchDocument(context: FetchContext, url: string, { maxBytes, signal, headers }: DocumentOptions): Promise<Uint8Array | undefined> {
  checkNotAborted(signal, redactUrl(url));
  const path = localPath(url);
  if (path === undefined) {
    const answer = await context.http.get(url, { signal, maxBytes, isFile: true, accept: [404, 410], ...(headers === undefined ? {} : { headers }) });
    return answer.status === 404 || answer.status === 410 ? undefined : answer.body;
  }
  const there = await stat(path).then(() => true, (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false;
    throw new BundleError('STORAGE_IO', { subject: path, expected: 'a file that can be read', actual: error.code ?? error.message }, { cause: error });
  });
  return there ? readLocal(path, maxBytes) : undefined;
}

async function* once(bytes: Uint8Array): Bytes {
  yield bytes;
}

/** Keeps `bytes` in the store under their digest: when this returns, or when `context.keeping` has ended. */
export async function keep(context: FetchContext, mediaType: string, bytes: Uint8Array, signal: AbortSignal): Promise<Descriptor> {
  const blob = { mediaType, digest: digestOf(bytes), size: bytes.length };
  const put = context.blobs.put(blob, once(bytes), signal);
  if (context.keeping === undefined) await put;
  else context.keeping.add(blob.digest, put);
  return blob;
}

/** The blob's bytes. Throws `INTEGRITY_MISSING` when the store does not have it. */
export async function readStored(context: FetchContext, digest: Digest, size: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of context.blobs.open({ mediaType: 'application/octet-stream', digest, size })) parts.push(part);
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, size);
}

async function* readFrom(path: string, offset: number, signal: AbortSignal): Bytes {
  try {
    for await (const chunk of createReadStream(path, { start: offset, highWaterMark: 128 << 10, signal })) yield chunk as Uint8Array;
  } catch (cause) {
    checkNotAborted(signal, path);
    throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'a file that can be read', actual: (cause as NodeJS.ErrnoException).code ?? String(cause) }, { cause });
  }
}

interface StreamFromOptions { readonly offset: number; readonly into?: FileSink | undefined; readonly signal: AbortSignal; readonly headers?: Readonly<Record<string, string>> | undefined }

/** The bytes from `offset` on, from the first address that gives them; a transfer error in the middle goes on with the next address. */
export async function* streamFrom(context: FetchContext, urls: readonly string[], blob: Descriptor, options: StreamFromOptions): Bytes {
  let { offset } = options;
  const { signal, headers, into } = options;
  for (const [index, url] of urls.entries()) {
    const path = localPath(url);
    const bytes = path === undefined ? context.http.stream(url, { signal, offset, expectedSize: blob.size, borrow: true, into, ...(headers === undefined ? {} : { headers }) }) : readFrom(path, offset, signal);
    try {
      for await (const chunk of bytes) {
        offset += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      const more = index + 1 < urls.length && error instanceof BundleError && (error.family === 'transfer' || error.code === 'INPUT_MISSING_FILE');
      if (!more) throw error;
    }
  }
  throw new BundleError('TRANSFER_CONNECT', { subject: blob.digest, expected: 'an address to fetch it from', actual: 'none' });
}
