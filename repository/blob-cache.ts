import type { ByteRange, Descriptor, Digest } from '../bom/digest.ts';
import type { Bytes } from '../bom/ports.ts';
import { type BlobPlace, readSmall, type ServedBlobs } from './content.ts';

/** Manifests, configs, indexes and the like. */
export const smallBytes = 64 * 1024;
const cacheBytes = 32 * 1024 * 1024;

/** Small blobs stay in memory once they were read and verified, the least used ones leave first: thousands of clients ask for the same few. */
export class BlobCache implements ServedBlobs {
  private readonly blobs: ServedBlobs;
  private readonly cached = new Map<Digest, Buffer>();
  private bytes = 0;

  constructor(blobs: ServedBlobs) {
    this.blobs = blobs;
  }

  async has(digest: Digest): Promise<boolean> {
    return this.cached.has(digest) || this.blobs.has(digest);
  }

  async locate(digest: Digest): Promise<BlobPlace | undefined> {
    return this.blobs.locate(digest);
  }

  async *open(blob: Descriptor, range?: ByteRange): Bytes {
    if (blob.size > smallBytes) {
      yield* this.blobs.open(blob, range);
      return;
    }
    const content = this.cached.get(blob.digest) ?? await readSmall(this.blobs, blob);
    this.keep(blob.digest, content);
    yield range === undefined ? content : content.subarray(range.start, range.end);
  }

  private keep(digest: Digest, content: Buffer): void {
    if (!this.cached.delete(digest)) this.bytes += content.length;
    this.cached.set(digest, content);
    for (const [oldest, { length }] of this.cached) {
      if (this.bytes <= cacheBytes) break;
      this.cached.delete(oldest);
      this.bytes -= length;
    }
  }
}
