import type { ByteRange, Descriptor, Digest } from './digest.ts';
import type { LockedChart, LockedFile, LockedGit, LockedImage, LockedPackage, LockedPackageSet, LockedRepository } from './lock.ts';
import type { ChartRequirement, FileRequirement, GitRequirement, ImageRequirement, PackageSetRequirement, Wanted } from './requirement.ts';

export type Bytes = AsyncIterable<Uint8Array>;

/**
 * Where blobs are read. A whole read is verified: `open` throws `INTEGRITY_DIGEST` or `INTEGRITY_SIZE` before its end when the bytes are
 * wrong, so a consumer must not act on them before the iteration ended. A read of a range is not verified; it relies on the last full one.
 * `open` throws `INTEGRITY_MISSING` for a blob that is not there. Ending the iteration early closes whatever is open.
 */
export interface BlobReader {
  has(digest: Digest): Promise<boolean>;
  open(blob: Descriptor, range?: ByteRange, how?: ReadHow): Bytes;
}

export interface ReadHow {
  /** The reader is done with a chunk before it has asked for three more: the memory of chunks may be used again then. For whole transfers. */
  readonly borrow?: boolean;
}

/**
 * The file that a content is received into, for whoever can write there itself while it receives: what it wrote it yields as chunks of
 * {@link FileSink.written}, which count and are not to be read. Whoever cannot yields the bytes, at any time, and leaves the sink alone.
 */
export interface FileSink {
  /** Open for reading and writing; what was received before lies in it from its beginning. */
  readonly fd: number;
  /** The same file for writes past the page cache: whole blocks at their places. undefined where that is not to be had, or the content is too short to gain by it. */
  readonly unbufferedFd: number | undefined;
  /** Of the whole content: nothing may be written beyond it. */
  readonly sizeBytes: number;
  /** Resolves when all that was yielded and asked on from lies in the file, and may be read there. Rejects when it could not be written. */
  ready(): Promise<void>;
  /** A chunk that stands for `length` bytes, which lie in the file where they belong. */
  written(length: number): Uint8Array;
  /** sha256 (hex) of the whole content as it was written, and of its tail where one is wanted: told before the iteration ends. */
  digested(hex: string, tailHex?: string): void;
  /** The tail that the source of the bytes wants to know, asked for with {@link FileSink.wantTail}; `hex` once it was told. */
  readonly tail: { readonly from: number; readonly hex?: string } | undefined;
  /** Whoever writes tells the sha256 of what lies from byte `from` on too, where it can. To be asked before the content is asked for. */
  wantTail(from: number): void;
  /** The file stays open until `settled` resolves: from then on nothing is written to it any more. */
  holdFor(settled: () => Promise<void>): void;
}

/**
 * Where blobs are kept. When `put` or `fill` return, the blob is durable and whole; when they throw, no reader sees any of it.
 */
export interface BlobWriter {
  /** Takes all of `bytes`, verifying digest and size on the way. 'present': it was there already and `bytes` was not read. */
  put(blob: Descriptor, bytes: Bytes, signal: AbortSignal): Promise<'stored' | 'present'>;
  /**
   * Like `put`, but continues what an earlier, interrupted `fill` of the same blob left: `from(offset)` gives the bytes from `offset` on.
   * What was received when it throws with a `transfer` error or is killed stays for the next `fill`; after an `integrity` error nothing stays.
   * A chunk may be overwritten once three more were asked for: whoever keeps one longer copies it. `from` may be given a sink and use it.
   * With nothing left to bring, `from` is asked all the same: a source may have something to check.
   * The bytes may have ended well before `fill` returns: being durable takes longer than being received.
   */
  fill(blob: Descriptor, from: (offset: number, into?: FileSink) => Bytes, signal: AbortSignal): Promise<'stored' | 'present'>;
}

/** A file with a content in it, for whoever looks at it there. */
export type ContentFile = Pick<FileSink, 'fd' | 'sizeBytes' | 'tail'>;

/** One GET that gives a whole content as it is, as its source tells whoever fetches many at once. What it does not give so is asked for with {@link Source.fetch}. */
export interface PlainFetch {
  /** http or https. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The sha256 of what lies from this byte on is wanted for {@link PlainFetch.check}. */
  readonly tailFrom?: number;
  /** What has to be true of the content beside its digest. Throws `INTEGRITY_*`. */
  readonly check?: (file: ContentFile) => Promise<void>;
}

/** A content that is to come into a new file at `path`. */
export interface FileOrder extends Omit<PlainFetch, 'check'> {
  readonly path: string;
  readonly blob: Descriptor;
}

/**
 * `whole`: the content, verified, lies in the file, which is open as `fd` since before it was written, and not synced. `left`: it did not come in this way; `bytes` what
 * came may lie in the file, which nobody has open any more; of another content no file is left. `untried`: nobody asked for it, because of what another one met.
 */
export type FileResult =
  | { readonly kind: 'whole'; readonly order: FileOrder; readonly fd: number; readonly tailHex?: string }
  | { readonly kind: 'left'; readonly order: FileOrder; readonly bytes: number }
  | { readonly kind: 'untried'; readonly order: FileOrder };

/**
 * Fetches contents of one origin one after another, in one place among all that is asked of that host. Every order is told of once, before this resolves; it does not
 * reject. Once `signal` is aborted, what is not whole is left.
 */
export type FetchFiles = (orders: readonly FileOrder[], options: { readonly signal: AbortSignal; readonly onResults: (results: readonly FileResult[]) => void }) => Promise<void>;

/** The part of a store that takes files which others wrote. */
export interface FileTaker {
  /** Where a blob may be written that nobody else writes and of which nothing is there yet; undefined otherwise. Ends with {@link FileTaker.take} or {@link FileTaker.leave}. */
  reserve(blob: Descriptor): Promise<string | undefined>;
  /** The blob is not taken in this way. What lies in its file stays for `fill`; but a file that is handed over open, as `fd`, is closed and removed. */
  leave(blob: Descriptor, fd?: number): Promise<void>;
  /** Takes over files whose content was verified as it was written: durable and whole when this resolves, but those that it returns, with their `STORAGE_*`. Closes all. */
  take(files: readonly { readonly blob: Descriptor; readonly fd: number }[]): Promise<ReadonlyMap<Digest, unknown>>;
}

export interface RequirementOf {
  readonly image: ImageRequirement;
  readonly file: FileRequirement;
  readonly deb: PackageSetRequirement;
  readonly rpm: PackageSetRequirement;
  readonly chart: ChartRequirement;
  readonly git: GitRequirement;
}

export interface ArtifactOf {
  readonly image: LockedImage;
  readonly file: LockedFile;
  readonly deb: LockedPackage;
  readonly rpm: LockedPackage;
  readonly chart: LockedChart;
  readonly git: LockedGit;
}

export type Kind = keyof RequirementOf;

/** An image that an artifact names: asked for like one of a document. */
export interface FoundImage extends Wanted {
  readonly ref: string;
  readonly platforms: readonly string[];
  /** What named it, for messages. */
  readonly by: string;
}

/** What a whole set of requirements became. */
export interface Resolution<K extends Kind> {
  readonly artifacts: readonly ArtifactOf[K][];
  /** Package sources only: the repositories used, and how each set was solved. */
  readonly repositories?: readonly LockedRepository[];
  readonly packageSets?: readonly LockedPackageSet[];
  /** Chart sources only: images that charts say they need. */
  readonly images?: readonly FoundImage[];
  readonly warnings?: readonly string[];
  /** What only a hash covers that can be forged (sha1), in words; also among the warnings. */
  readonly weak?: readonly string[];
  readonly dropped?: readonly { readonly what: string; readonly because: string }[];
}

/**
 * Where artifacts come from. What `resolve` has to fetch to decide (manifests, metadata, keys, first-use content) it puts into the
 * writer it was made with; `fetch` gives the bytes of one blob of an artifact it resolved, from `offset` (bytes, default 0) to the end,
 * unverified: the writer verifies; a source that does not look at them passes `into` on to the transport. Both retry what is worth it, and stop soon after `signal` is aborted.
 */
export interface Source<K extends Kind> {
  /** The whole set at once, so that closures are joint. Same order and same result for the same input. */
  resolve(wanted: readonly RequirementOf[K][], signal: AbortSignal): Promise<Resolution<K>>;
  fetch(artifact: ArtifactOf[K], blob: Descriptor, options: { readonly offset?: number; readonly into?: FileSink | undefined; readonly signal: AbortSignal }): Bytes;
}

/** Where artifacts go. `publish` sends content; nothing is visible by name before `commit`, which comes last. */
export interface Target<K extends Kind> {
  publish(artifact: ArtifactOf[K], blobs: BlobReader, signal: AbortSignal): Promise<'published' | 'present'>;
  commit(signal: AbortSignal): Promise<void>;
}
