// Bytes of packages: only their headers, by Range, while locking; and the check of what a signature covers while a whole package passes.
import { open } from 'node:fs/promises';
import type { Descriptor } from '../../bom/digest.ts';
import { BundleError, redactUrl } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import type { RpmKeyring } from '../../formats/rpm/keyring.ts';
import { parseRpmHead, readRpmHead, type RpmHead, rpmHeadBytes } from '../../formats/rpm/package-head.ts';
import { type RpmVerification, RpmVerifier } from '../../formats/rpm/signature.ts';
import type { HttpClient } from '../../transport/http-client.ts';
import { localPath, streamFrom } from './apt-fetch.ts';
import { firstGood } from './in-order.ts';
import type { YumContext } from './yum-access.ts';

/** Headers of real packages have up to some megabytes; beyond this the whole package is fetched instead. */
const maxRangeBytes = 32 << 20;
const guessBytes = 32 << 10;

export interface WantedHead {
  readonly urls: readonly string[];
  readonly blob: Descriptor;
  readonly subject: string;
  /** Where the index says that the headers end; 0 for unknown. */
  readonly headerEnd: number;
}

interface Range { readonly start: number; readonly end: number }

async function localRange(path: string, { start, end }: Range): Promise<Uint8Array> {
  try {
    await using handle = await open(path);
    const bytes = Buffer.alloc(end - start);
    const { bytesRead } = await handle.read(bytes, 0, end - start, start);
    return bytes.subarray(0, bytesRead);
  } catch (cause) {
    throw new BundleError('RESOLVE_NOT_FOUND', { subject: path, expected: 'a package that can be read', actual: (cause as NodeJS.ErrnoException).code ?? String(cause) }, { cause });
  }
}

/** Bytes `start` to `end`, or undefined when the server gives only the whole. */
async function remoteRange(http: HttpClient, url: string, { start, end }: Range, signal: AbortSignal): Promise<Uint8Array | undefined> {
  if (end - start > maxRangeBytes) return undefined;
  try {
    const { status, body } = await http.get(url, { signal, maxBytes: end - start, headers: { range: `bytes=${start}-${end - 1}` }, accept: [404, 410, 416] });
    if (status === 404 || status === 410) throw new BundleError('RESOLVE_NOT_FOUND', { subject: redactUrl(url), expected: 'the package that its index lists', actual: `status ${status}` });
    if (status === 206) return body;
    return status === 200 && start === 0 ? body : undefined;
  } catch (error) {
    if (error instanceof BundleError && error.code === 'TRANSFER_PROTOCOL') return undefined;
    throw error;
  }
}

/** Bytes of a stored package. */
export async function rangeOf(context: Pick<YumContext, 'blobs'>, blob: Descriptor, { start, end }: Range): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of context.blobs.open(blob, { start, end: Math.min(end, blob.size) })) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

async function headFrom(context: YumContext, url: string, { blob, subject, headerEnd }: WantedHead, signal: AbortSignal): Promise<RpmHead> {
  const options = { subject, sizeBytes: blob.size, guessBytes: headerEnd > 0 && headerEnd <= maxRangeBytes ? headerEnd : guessBytes };
  if (await context.blobs.has(blob.digest)) return readRpmHead((start, end) => rangeOf(context, blob, { start, end }), options);
  const path = localPath(url);
  return readRpmHead(async (start, end) => {
    const part = path === undefined ? await remoteRange(context.http, url, { start, end }, signal) : await localRange(path, { start, end });
    if (part !== undefined) return part;
    await context.blobs.fill(blob, (offset) => streamFrom(context, [url], blob, { offset, signal }), signal);
    return rangeOf(context, blob, { start, end });
  }, options);
}

/**
 * The headers of a package, from the store, by Range, or out of the whole package where a server has no ranges. An address that gives no
 * headers is passed over for the next. Throws `INTEGRITY_METADATA`, `RESOLVE_NOT_FOUND`, integrity and transfer errors.
 */
export function fetchHead(context: YumContext, wanted: WantedHead, signal: AbortSignal): Promise<RpmHead> {
  return firstGood({ subject: wanted.subject, sources: wanted.urls, nameOf: redactUrl }, (url) => headFrom(context, url, wanted, signal));
}

export interface CheckOptions {
  readonly keyring: RpmKeyring;
  readonly subject: string;
  readonly now: Date;
  /** The key that the lock names; any key of the keyring without it. */
  readonly signer?: string;
  /** Told at the end who signed. */
  readonly onSigner?: (fingerprint: string) => void;
}

/**
 * `bytes` of a whole package, passed on unchanged. The signature over its headers is checked before more than them is passed on, what it says
 * of the payload in place of the end. Throws `INTEGRITY_SIGNATURE` and `INTEGRITY_DIGEST`: a consumer must not act on the bytes before the end.
 */
export async function* checkedPackage(bytes: Bytes, { keyring, subject, now, signer, onSigner }: CheckOptions): Bytes {
  let head: Uint8Array = new Uint8Array(0);
  let verifier: RpmVerifier | undefined;
  for await (const chunk of bytes) {
    if (verifier !== undefined) verifier.update(chunk);
    else {
      head = Buffer.concat([head, chunk]);
      const needed = rpmHeadBytes(head, subject);
      if (needed > head.length) continue;
      verifier = await RpmVerifier.start(parseRpmHead(head, subject), keyring, { subject, now });
      verifier.headerSigner();
      verifier.update(head.subarray(needed));
      yield head;
      continue;
    }
    yield chunk;
  }
  if (verifier === undefined) throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'a whole rpm package', actual: `${head.length} bytes` });
  const found = verifier.finish();
  checkSigner(found, { subject, signer });
  onSigner?.(found.signer);
}

/** Throws `INTEGRITY_SIGNATURE` when the lock names another key. */
export function checkSigner(found: RpmVerification, { subject, signer }: { readonly subject: string; readonly signer: string | undefined }): void {
  if (signer !== undefined && found.signer !== signer) throw new BundleError('INTEGRITY_SIGNATURE', { subject, expected: `a signature by ${signer}, as the lock says`, actual: `one by ${found.signer}` });
}
