// In how many requests a blob is uploaded: distribution specification 1.1, "Pushing a blob in chunks".
import type { Descriptor } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import { statusOf } from './http-errors.ts';

/** What is longer than two of these is sent in parts: a registry that writes one to its disk leaves the time to another, and keeps what it has when a line breaks. */
const largePartBytes = 256 << 20;
/** First size of a chunk, where a whole blob in one request was refused or broke off. */
const firstChunkBytes = 64 << 20;
const leastChunkBytes = 1 << 20;

export interface Parts {
  /** Of the next request; Infinity: all in one. */
  chunkBytes: number;
  /** In chunks for the time that it saves: a registry that takes none gets the blob whole. */
  byChoice: boolean;
  /** OCI-Chunk-Min-Length. */
  minChunkBytes?: number;
}

/** Whether a blob of that size is sent in parts. */
export const isLarge = (size: number, partBytes = largePartBytes): boolean => size > 2 * partBytes;

export function partsOf({ size }: Descriptor, partBytes = largePartBytes): Parts {
  return isLarge(size, partBytes) ? { chunkBytes: partBytes, byChoice: true } : { chunkBytes: Infinity, byChoice: false };
}

/**
 * Where the part that begins at `start` ends. The first is shorter, by the blob's digest: of blobs that are sent together, the parts then end at different times.
 * What is left for the last is sent in halves: nobody works while the registry writes the very last to its disk.
 */
export function partEnd({ chunkBytes, byChoice, minChunkBytes = 0 }: Parts, { digest, size }: Descriptor, start: number): number {
  const less = byChoice && start === 0 ? Math.floor((chunkBytes / 32) * (1 + Number.parseInt(digest.slice(-1), 16))) : 0;
  const left = size - start;
  const half = byChoice && left <= chunkBytes && left > chunkBytes / 4 ? Math.ceil(left / 2) : chunkBytes - less;
  return Math.min(size, start + Math.max(half, minChunkBytes));
}

/** What a registry says of the caller or of its own load, not of the way the blob is sent. */
const notOfParts: ReadonlySet<number> = new Set([401, 403, 408, 425, 429]);

/**
 * Whether the blob is to be sent anew in another way: in smaller chunks after a 413, as long as there are any (what was refused may have been kept in part);
 * whole after a part was refused that nobody had to send. `offset`: bytes that the registry had before.
 */
export function sendOtherwise(parts: Parts, { error, blob, offset }: { readonly error: unknown; readonly blob: Descriptor; readonly offset: number }): boolean {
  const status = statusOf(error);
  if (status === 413) {
    if (parts.chunkBytes <= leastChunk(parts)) return false;
    takeSmaller(parts, blob);
    parts.byChoice = false;
    return true;
  }
  const garbled = error instanceof BundleError && error.code === 'TRANSFER_PROTOCOL';
  const ofParts = garbled || (status !== undefined && !notOfParts.has(status) && (status < 500 || offset === 0));
  if (!parts.byChoice || !ofParts) return false;
  parts.byChoice = false;
  parts.chunkBytes = Infinity;
  return true;
}

export function takeSmaller(parts: Parts, { size }: Descriptor): void {
  const next = parts.chunkBytes === Infinity ? Math.min(firstChunkBytes, Math.ceil(size / 2)) : Math.floor(parts.chunkBytes / 4);
  parts.chunkBytes = Math.max(leastChunk(parts), next);
}

function leastChunk({ minChunkBytes }: Parts): number {
  return Math.max(leastChunkBytes, minChunkBytes ?? 0);
}
