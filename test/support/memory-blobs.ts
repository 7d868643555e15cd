import { createHash } from 'node:crypto';
import { type ByteRange, type Descriptor, type Digest, digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { BlobReader, BlobWriter, Bytes } from '../../bom/ports.ts';
import { verified } from '../../formats/oci/verified.ts';

/** Blobs in memory, for tests of what reads and writes through the ports. */
export class MemoryBlobs implements BlobReader, BlobWriter {
  readonly blobs = new Map<Digest, Uint8Array>();
  private readonly partial = new Map<Digest, Uint8Array>();

  add(mediaType: string, content: Uint8Array | string): Descriptor {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  async has(digest: Digest): Promise<boolean> {
    return this.blobs.has(digest);
  }

  async *open(blob: Descriptor, range?: ByteRange): Bytes {
    const bytes = this.blobs.get(blob.digest);
    if (bytes === undefined) throw new BundleError('INTEGRITY_MISSING', { subject: blob.digest, expected: 'a stored blob', actual: 'nothing' });
    if (range !== undefined) yield bytes.subarray(range.start, range.end);
    else yield* verified((async function* whole() { yield bytes; })(), blob);
  }

  async put(blob: Descriptor, bytes: Bytes, signal: AbortSignal): Promise<'stored' | 'present'> {
    return this.fill(blob, () => bytes, signal);
  }

  async fill(blob: Descriptor, from: (offset: number) => Bytes, signal: AbortSignal): Promise<'stored' | 'present'> {
    if (this.blobs.has(blob.digest)) return 'present';
    let whole = this.partial.get(blob.digest) ?? new Uint8Array(0);
    try {
      for await (const chunk of from(whole.length)) {
        signal.throwIfAborted();
        whole = Buffer.concat([whole, chunk]);
        this.partial.set(blob.digest, whole);
      }
    } catch (error) {
      if (error instanceof BundleError && error.family === 'integrity') this.partial.delete(blob.digest);
      throw error;
    }
    this.partial.delete(blob.digest);
    if (whole.length !== blob.size) throw new BundleError('INTEGRITY_SIZE', { subject: blob.digest, expected: `${blob.size} bytes`, actual: `${whole.length} bytes` });
    const actual = `sha256:${createHash('sha256').update(whole).digest('hex')}`;
    if (actual !== blob.digest) throw new BundleError('INTEGRITY_DIGEST', { subject: blob.digest, expected: blob.digest, actual });
    this.blobs.set(blob.digest, whole);
    return 'stored';
  }
}
