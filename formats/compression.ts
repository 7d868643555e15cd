// gzip (RFC 1952), zstd (RFC 8878), xz (The .xz File Format 1.1.0) and bzip2 of metadata, with bounds: nothing here is for content of artifacts.
import { constants, createGunzip, createZstdDecompress, gunzip, gzip as deflate, gzipSync, zstdDecompress } from 'node:zlib';
import { xz, XzDecompressor } from '@napi-rs/lzma';
import { BundleError } from '../bom/errors.ts';
import { unbzip2 } from './bzip2.ts';
import { xzDecodedSize } from './xz-size.ts';

export type Compression = 'plain' | 'gz' | 'xz' | 'zst' | 'bz2';

/** Extensions as file names carry them, best first for reading: cheap to decode, then small. */
export const compressionByExtension: Readonly<Record<string, Compression>> = { '.gz': 'gz', '.zst': 'zst', '.xz': 'xz', '': 'plain', '.bz2': 'bz2' };

export interface DecompressOptions {
  /** Whose bytes they are, for messages. */
  readonly subject: string;
  /** Most bytes that may come out. */
  readonly maxBytes: number;
  /** What will probably come out: room for it is made at once instead of in pieces. */
  readonly expectedBytes?: number;
}

function tooLong({ subject, maxBytes }: DecompressOptions): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject, expected: `at most ${maxBytes} bytes when decompressed`, actual: 'more' });
}

function damaged(compression: Compression, options: DecompressOptions, cause: unknown): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject: options.subject, expected: `whole ${compression} data`, actual: cause instanceof Error ? cause.message : String(cause) }, { cause });
}

type Callback = (error: Error | null, result: Buffer) => void;

function withZlib(compression: Compression, run: (done: Callback) => void, options: DecompressOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    run((error, result) => {
      if (error === null) resolve(result);
      else reject((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLong(options) : damaged(compression, options, error));
    });
  });
}

async function unxz(bytes: Uint8Array, options: DecompressOptions): Promise<Buffer> {
  if (xzDecodedSize(bytes, options.maxBytes, options.subject) > options.maxBytes) throw tooLong(options);
  try {
    return await xz.decompress(bytes);
  } catch (error) {
    throw damaged('xz', options, error);
  }
}

function* unbzip2Pieces(bytes: Uint8Array, options: DecompressOptions): Generator<Uint8Array> {
  let total = 0;
  try {
    for (const piece of unbzip2(bytes)) {
      total += piece.length;
      if (total > options.maxBytes) throw tooLong(options);
      yield piece;
    }
  } catch (error) {
    throw error instanceof BundleError ? error : damaged('bz2', options, error);
  }
}

/**
 * `bytes` decoded, whole. Concatenated gzip members and xz streams count as one. Throws `INTEGRITY_METADATA` when the data is damaged or
 * cut, and when more than `maxBytes` come out; memory stays bounded by `maxBytes` in either case.
 */
export async function decompress(bytes: Uint8Array, compression: Compression, options: DecompressOptions): Promise<Buffer> {
  const { maxBytes, expectedBytes } = options;
  const limits = { maxOutputLength: maxBytes, ...(expectedBytes === undefined || expectedBytes > maxBytes ? {} : { chunkSize: Math.max(expectedBytes + 64, 1 << 14) }) };
  switch (compression) {
    case 'plain':
      if (bytes.length > maxBytes) throw tooLong(options);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    case 'gz': return withZlib('gz', (done) => gunzip(bytes, limits, done), options);
    case 'zst': return withZlib('zst', (done) => zstdDecompress(bytes, limits, done), options);
    case 'xz': return unxz(bytes, options);
    case 'bz2': return Buffer.concat([...unbzip2Pieces(bytes, options)]);
  }
}

const sliceBytes = 64 << 10;

function* slicesOf(bytes: Uint8Array, sizeBytes: number): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += sizeBytes) yield bytes.subarray(from, from + sizeBytes);
}

/** A small piece of xz can give thousands of times its size at once, so the pieces are small. */
async function* unxzSlices(bytes: Uint8Array, options: DecompressOptions): AsyncGenerator<Uint8Array> {
  if (xzDecodedSize(bytes, options.maxBytes, options.subject) > options.maxBytes) throw tooLong(options);
  const decoder = new XzDecompressor();
  try {
    for (const slice of slicesOf(bytes, 4 << 10)) {
      const piece = decoder.update(slice);
      if (piece.length > 0) yield piece;
    }
    yield await decoder.finish();
  } catch (error) {
    throw damaged('xz', options, error);
  }
}

async function* unzipSlices(bytes: Uint8Array, compression: 'gz' | 'zst', options: DecompressOptions): AsyncGenerator<Uint8Array> {
  const decoder = compression === 'gz' ? createGunzip({ chunkSize: 4 * sliceBytes }) : createZstdDecompress({ chunkSize: 4 * sliceBytes });
  let total = 0;
  try {
    decoder.end(bytes);
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > options.maxBytes) throw tooLong(options);
      yield chunk;
    }
  } catch (error) {
    throw error instanceof BundleError ? error : damaged(compression, options, error);
  } finally {
    decoder.destroy();
  }
}

/**
 * What `bytes` hold when decoded, piece by piece, for indexes that are too large to be held whole. Throws as {@link decompress}, when it comes
 * to the place; what was given before is to be thrown away then. Of zstd only the first frame is read, which is what generators write.
 */
export async function* decompressInPieces(bytes: Uint8Array, compression: Compression, options: DecompressOptions): AsyncGenerator<Uint8Array> {
  switch (compression) {
    case 'plain':
      if (bytes.length > options.maxBytes) throw tooLong(options);
      yield* slicesOf(bytes, 4 * sliceBytes);
      return;
    case 'xz': yield* unxzSlices(bytes, options); return;
    case 'bz2': yield* unbzip2Pieces(bytes, options); return;
    default: yield* unzipSlices(bytes, compression, options);
  }
}

/**
 * `bytes` as one gzip member without time and name. Deterministic: the header says "Unix" on every host, and the memory level is the one at
 * which zlib's variants use the same hash table.
 */
export function gzip(bytes: Uint8Array): Uint8Array {
  return withPlainHead(gzipSync(bytes, gzipOptions));
}

/** The same bytes, made in a thread of its own. */
export function gzipApart(bytes: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => { deflate(bytes, gzipOptions, (error, result) => { if (error === null) resolve(withPlainHead(result)); else reject(error); }); });
}

const gzipOptions = { level: 9, memLevel: 9, strategy: constants.Z_DEFAULT_STRATEGY };

function withPlainHead(member: Buffer): Buffer {
  member.fill(0, 4, 8);
  member[9] = 3;
  return member;
}

/** `bytes` as one xz stream at the default preset. Deterministic. */
export function xzCompress(bytes: Uint8Array): Uint8Array {
  return xz.compressSync(bytes);
}

/** The same bytes, made in a thread of its own. */
export function xzApart(bytes: Uint8Array): Promise<Uint8Array> {
  return xz.compress(bytes);
}
