// What the repository machine serves, and where the bytes lie.
import type { Descriptor, Digest } from '../bom/digest.ts';
import type { Lock } from '../bom/lock.ts';
import type { BlobReader, BlobWriter } from '../bom/ports.ts';

/** One lock that is served: of a generation, or of an archive that is served where it lies. */
export interface Served {
  readonly lock: Lock;
  /** Number of the generation; absent for an archive. */
  readonly generation?: number;
  /** Seconds since 1970 that Release files of this content are dated with. Must not go back from one switch to the next: apt ignores an older Release. */
  readonly date: number;
  /** Locks of earlier generations of the project, newest first: their packages, by-hash indexes and digests stay readable, their names do not. */
  readonly older?: readonly Lock[];
  /** A kept generation of the project by its number, dated with its import; undefined when it is not kept. */
  readonly snapshot?: (generation: number) => Promise<Served | undefined>;
}

/** The file and the offset at which all of a blob lies. */
export interface BlobPlace {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

/** Blobs that can be sent from the file they lie in. `locate` gives undefined for a blob that is absent, or that does not lie in one piece. */
export interface ServedBlobs extends BlobReader {
  locate(digest: Digest): Promise<BlobPlace | undefined>;
}

/** Where pushed content goes: beside `put`, a file on the store's own disk that is written and hashed first and named when its digest is known. */
export interface PushedBlobs extends ServedBlobs, Pick<BlobWriter, 'put'> {
  spoolPath(name: string): string;
  commitSpooled(path: string, digest: Digest): Promise<void>;
}

/** Reads a small blob whole, verified. The caller has checked that `blob.size` is bounded. */
export async function readSmall(blobs: BlobReader, blob: Descriptor): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.open(blob)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
