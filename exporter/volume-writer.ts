// Writes laid out volumes: into pre-sized files with blobs copied in parallel, or as a stream. formats/archive/FORMAT.md, section 9.
import { type FileHandle, open } from 'node:fs/promises';
import type { Descriptor, Digest } from '../bom/digest.ts';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import type { BlobReader, Bytes } from '../bom/ports.ts';
import { endBytes, type Member, memberHeader, paddingHeader, type VolumeLayout } from '../formats/archive/layout.ts';
import { paddedSize } from '../formats/archive/tar-header.ts';
import type { CopyPiece, CopyPool } from '../store/copy-pool.ts';
import { storageError } from '../store/durable-file.ts';
import type { FinishedBlob, PartialExport } from './partial-export.ts';

export interface BlobPlace {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

/** Where blobs lie as files: the store. */
export interface BlobLocator {
  locate(digest: Digest): Promise<BlobPlace | undefined>;
}

export type NamedBlob = Descriptor & { readonly what: string };

interface BlobCopy { readonly blob: NamedBlob; readonly members: { readonly volume: number; readonly member: Member; readonly from: number }[] }

/** Copies of every blob of the store, each with the members that its bytes go to. */
function copiesOf(layouts: readonly VolumeLayout[], blobs: readonly NamedBlob[]): BlobCopy[] {
  const copies = new Map(blobs.map((blob): [Digest, BlobCopy] => [blob.digest, { blob, members: [] }]));
  for (const { number, members } of layouts) {
    for (const member of members) {
      if (member.content.kind === 'blob') copies.get(member.content.digest)?.members.push({ volume: number, member, from: member.content.from });
    }
  }
  return [...copies.values()].filter((copy) => copy.members.length > 0);
}

export interface WriteOptions {
  readonly layouts: readonly VolumeLayout[];
  readonly blobs: readonly NamedBlob[];
  readonly store: BlobLocator;
  readonly partial: PartialExport;
  readonly pool: CopyPool;
  /** Bytes before the tar in each file. */
  readonly origin: number;
  readonly onBlob: (blob: NamedBlob, how: 'copied' | 'present') => void;
}

/** Fills the volumes of `partial` and syncs them. Blobs are checked against their digest while they are copied. */
export async function writeVolumes(options: WriteOptions): Promise<void> {
  const { layouts, partial, pool } = options;
  const pieces = new Map<string, Digest>();
  const notePieces = (copy: BlobCopy, digests: readonly Digest[]): void => copy.members.forEach(({ member }, index) => {
    const digest = digests[index];
    if (digest !== undefined) pieces.set(member.path, digest);
  });
  const early = new EarlySync();
  const finished = new Map(partial.finished.map((each) => [each.digest, each]));
  await pool.each(copiesOf(layouts, options.blobs), async (copy) => {
    const before = finished.get(copy.blob.digest);
    if (before !== undefined && (partial.trusted || (await isWhole(copy, before, options)))) {
      notePieces(copy, before.pieces);
      options.onBlob(copy.blob, 'present');
      return;
    }
    const result = await copyBlob(copy, options);
    notePieces(copy, result.pieces);
    partial.finish({ digest: copy.blob.digest, pieces: result.pieces });
    for (const { volume, member } of copy.members) early.written(partial.volumePath(volume), member.size);
    options.onBlob(copy.blob, 'copied');
  });
  await early.settled();
  for (const layout of layouts) await writeFrame(partial.volumePath(layout.number), layout, { sums: layout.sums(pieces), origin: options.origin });
}

/** Sends what is written to the disk while more is copied, so that the sync at the end finds little to do. Proves nothing by itself. */
class EarlySync {
  private readonly dirty = new Map<string, number>();
  private running: Promise<void> | undefined;

  written(path: string, bytes: number): void {
    const sum = (this.dirty.get(path) ?? 0) + bytes;
    this.dirty.set(path, sum);
    if (sum < earlySyncBytes || this.running !== undefined) return;
    this.dirty.set(path, 0);
    this.running = this.sync(path).finally(() => { this.running = undefined; });
    // Whoever waits for the end hears of a failure; until then it must not count as unheard.
    this.running.catch(() => undefined);
  }

  async settled(): Promise<void> {
    await this.running;
  }

  private async sync(path: string): Promise<void> {
    const handle = await open(path, 'r+').catch((cause: unknown) => { throw storageError(path, cause); });
    await handle.datasync().catch((cause: unknown) => { throw storageError(path, cause); }).finally(() => handle.close());
  }
}

const earlySyncBytes = 128 << 20;

async function copyBlob({ blob, members }: BlobCopy, { store, partial, pool, origin }: WriteOptions): Promise<FinishedBlob> {
  const place = await store.locate(blob.digest);
  if (place === undefined || place.size !== blob.size) {
    throw new BundleError('INTEGRITY_MISSING', { subject: `${blob.what} (${blob.digest})`, expected: `${blob.size} bytes in the store`, actual: place === undefined ? 'nothing' : `${place.size} bytes` });
  }
  const pieces = members.map(({ volume, member, from }): CopyPiece => ({
    from: { path: place.path, offset: place.offset + from }, to: { path: partial.volumePath(volume), offset: origin + member.contentAt }, size: member.size,
  }));
  const result = await pool.run(pieces);
  if (result.digest !== blob.digest) {
    throw new BundleError('INTEGRITY_DIGEST', {
      subject: `${blob.what} in ${place.path}`, expected: blob.digest, actual: result.digest, next: 'The store holds damaged content: run `longshore store verify`, then `longshore download`, then export again.', details: { digest: blob.digest },
    });
  }
  return { digest: blob.digest, pieces: result.pieces };
}

async function isWhole({ blob, members }: BlobCopy, before: FinishedBlob, { partial, pool, origin }: WriteOptions): Promise<boolean> {
  const result = await pool.hash(...members.map(({ volume, member }) => ({ path: partial.volumePath(volume), offset: origin + member.contentAt, size: member.size })));
  return result.digest === blob.digest && result.pieces.every((digest, index) => digest === before.pieces[index]);
}

/** Everything between the blobs: headers, small members, the end; runs of them in one write each. Then syncs the file. */
async function writeFrame(path: string, layout: VolumeLayout, { sums, origin }: { readonly sums: Uint8Array; readonly origin: number }): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r+');
    for (const run of frameRuns(layout, sums)) {
      for (let done = 0; done < run.bytes.length;) done += (await handle.write(run.bytes, done, run.bytes.length - done, origin + run.at + done)).bytesWritten;
    }
    await handle.sync();
  } catch (cause) {
    throw storageError(path, cause);
  } finally {
    await handle?.close();
  }
}

/** Bytes of the volume that are not content of blobs, as they follow each other; padding inside runs is zeros. */
function* frameRuns(layout: VolumeLayout, sums: Uint8Array): Generator<{ readonly at: number; readonly bytes: Buffer }> {
  const flushBytes = 1024 * 1024;
  let parts: Uint8Array[] = [];
  let start = 0;
  let at = 0;
  const add = (bytes: Uint8Array): void => { parts.push(bytes); at += bytes.length; };
  const take = (): { at: number; bytes: Buffer } => {
    const run = { at: start, bytes: Buffer.concat(parts) };
    parts = [];
    start = at;
    return run;
  };
  for (const member of layout.members) {
    if (at < member.headerAt) add(paddingHeader(layout));
    add(memberHeader(member, layout.time));
    const bytes = smallContent(member, sums);
    if (bytes === undefined) {
      yield take();
      at += paddedSize(member.size);
      start = at;
      continue;
    }
    add(bytes);
    add(Buffer.alloc(paddedSize(member.size) - member.size));
    if (at - start >= flushBytes) yield take();
  }
  add(Buffer.alloc(endBytes));
  yield take();
}

/** Content that is known without the store. */
function smallContent(member: Member, sums: Uint8Array): Uint8Array | undefined {
  switch (member.content.kind) {
    case 'bytes': return member.content.bytes;
    case 'sums': return sums;
    case 'link': return new Uint8Array(0);
    case 'blob': return undefined;
  }
}

/** One volume as a stream, each blob verified on the way. */
export async function* streamVolume(layout: VolumeLayout, blobs: BlobReader, options: { readonly named: ReadonlyMap<Digest, NamedBlob>; readonly signal: AbortSignal }): Bytes {
  let at = 0;
  for (const member of layout.members) {
    checkNotAborted(options.signal, 'export');
    if (at < member.headerAt) yield paddingHeader(layout);
    yield memberHeader(member, layout.time);
    const bytes = smallContent(member, layout.sums(new Map()));
    if (bytes !== undefined) yield bytes;
    else yield* contentOfMember(member, blobs, options);
    yield Buffer.alloc(paddedSize(member.size) - member.size);
    at = member.contentAt + paddedSize(member.size);
  }
  yield Buffer.alloc(endBytes);
}

async function* contentOfMember(member: Member, blobs: BlobReader, { named, signal }: { readonly named: ReadonlyMap<Digest, NamedBlob>; readonly signal: AbortSignal }): Bytes {
  const blob = member.content.kind === 'blob' ? named.get(member.content.digest) : undefined;
  if (blob === undefined) throw new Error(`${member.path} has no source`);
  for await (const chunk of blobs.open(blob)) {
    checkNotAborted(signal, blob.what);
    yield chunk;
  }
}
