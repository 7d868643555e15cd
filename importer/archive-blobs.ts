import type { ByteRange, Descriptor, Digest } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import type { BlobReader, Bytes, ReadHow } from '../bom/ports.ts';
import { type ManifestBlob, piecesOf } from '../formats/archive/manifest.ts';
import { verified } from '../formats/oci/verified.ts';
import type { FileRange } from '../store/copy-pool.ts';
import { readPieces } from '../store/read-file.ts';
import type { Archive } from './archive-file.ts';

/** The blobs of an archive, read where they lie. Nothing is kept open. Blobs whose volume is missing are not there. */
export class ArchiveBlobs implements BlobReader {
  readonly archive: Archive;
  private readonly blobs: ReadonlyMap<Digest, ManifestBlob>;

  constructor(archive: Archive) {
    this.archive = archive;
    this.blobs = new Map(archive.manifest.blobs.map((blob) => [blob.digest, blob]));
  }

  async has(digest: Digest): Promise<boolean> {
    return this.rangesOf(digest) !== undefined;
  }

  /** Where the blob lies in one piece; `undefined` when it is cut over volumes or not there. */
  async locate(digest: Digest): Promise<FileRange | undefined> {
    const ranges = this.rangesOf(digest);
    return ranges?.length === 1 ? ranges[0] : undefined;
  }

  /** Every piece in order; `undefined` when the blob is not carried or one of its volumes is missing. */
  rangesOf(digest: Digest): readonly FileRange[] | undefined {
    const blob = this.blobs.get(digest);
    if (blob === undefined) return undefined;
    const ranges: FileRange[] = [];
    for (const { volume: number, offset, size } of piecesOf(blob)) {
      const volume = this.archive.volumes.get(number);
      if (volume === undefined) return undefined;
      ranges.push({ path: volume.path, offset: volume.contentStart + offset, size });
    }
    return ranges;
  }

  async *open(blob: Descriptor, range?: ByteRange, how?: ReadHow): Bytes {
    const ranges = this.rangesOf(blob.digest);
    if (ranges === undefined) {
      throw new BundleError('INTEGRITY_MISSING', { subject: blob.digest, expected: `the blob in the archive of ${this.archive.manifest.project}`, actual: 'nothing', next: 'Name every volume of the archive; a delta also needs what it builds on.' });
    }
    if (range === undefined) yield* verified(readPieces(ranges, undefined, how), blob);
    else yield* readPieces(ranges, range, how);
  }
}
