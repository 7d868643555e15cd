// Metadata that is too long to be held whole: gzip (RFC 1952), zstd (RFC 8878), xz (The .xz File Format 1.1.0) and bzip2, chunk by chunk.
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { XzDecompressor } from '@napi-rs/lzma';
import { BundleError } from '../bom/errors.ts';
import type { Bytes } from '../bom/ports.ts';
import { unbzip2 } from './bzip2.ts';
import type { Compression, DecompressOptions } from './compression.ts';
import { xzDecodedSize } from './xz-size.ts';

type ZlibDecoder = ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>;

/** So much comes out at once: large enough that the hand-over costs nothing. */
const chunkBytes = 1 << 18;
/** So much xz is decoded at once: it gives 7,000 times as much at most. */
const xzSliceBytes = 1 << 12;
/** An xz file is looked through before it is decoded, a bzip2 file read at once. */
const maxHeldBytes = 256 << 20;

function damaged(options: DecompressOptions, compression: Compression, cause: unknown): BundleError {
  if (cause instanceof BundleError) return cause;
  return new BundleError('INTEGRITY_METADATA', { subject: options.subject, expected: `whole ${compression} data`, actual: cause instanceof Error ? cause.message : String(cause) }, { cause });
}

/**
 * Writes all of `bytes`; each chunk is used up before the next is asked for. An error of `bytes` ends the decoder with it. A decoder that
 * failed or was stopped calls nobody back, it only closes.
 */
async function feed(decoder: ZlibDecoder, bytes: Bytes): Promise<void> {
  const closed = new Promise<void>((resolve) => { decoder.once('close', resolve); });
  try {
    for await (const chunk of bytes) {
      if (decoder.destroyed) return;
      await Promise.race([closed, new Promise<void>((resolve, reject) => { decoder.write(chunk, (error) => { if (error == null) resolve(); else reject(error); }); })]);
    }
    if (decoder.destroyed) return;
    decoder.end();
  } catch (error) {
    decoder.destroy(error as Error);
  }
}

async function* throughZlib(decoder: ZlibDecoder, bytes: Bytes): Bytes {
  const feeding = feed(decoder, bytes);
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array;
  } finally {
    decoder.destroy();
    await feeding;
  }
}

async function held(bytes: Bytes, compression: Compression, { subject }: DecompressOptions): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    length += chunk.length;
    if (length > maxHeldBytes) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `at most ${maxHeldBytes} bytes of ${compression}`, actual: 'more' });
    parts.push(Uint8Array.from(chunk));
  }
  return Buffer.concat(parts, length);
}

async function* throughXz(bytes: Bytes, options: DecompressOptions): Bytes {
  const { subject, maxBytes } = options;
  const whole = await held(bytes, 'xz', options);
  xzDecodedSize(whole, maxBytes, subject);
  yield* unxzContent((async function* one() { yield whole; })());
}

/** xz of any length, decoded as it comes; what comes out is not bounded. Throws what the decoder throws, also at the end of data that is cut. */
export async function* unxzContent(bytes: Bytes): Bytes {
  const decoder = new XzDecompressor();
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; at += xzSliceBytes) {
      const out = decoder.update(chunk.subarray(at, at + xzSliceBytes));
      if (out.length > 0) yield out;
    }
  }
  const last = await decoder.finish();
  if (last.length > 0) yield last;
}

async function* throughBzip2(bytes: Bytes, options: DecompressOptions): Bytes {
  yield* unbzip2(await held(bytes, 'bz2', options));
}

function decoded(bytes: Bytes, compression: Compression, options: DecompressOptions): Bytes {
  switch (compression) {
    case 'plain': return bytes;
    case 'gz': return throughZlib(createGunzip({ chunkSize: chunkBytes }), bytes);
    case 'zst': return throughZlib(createZstdDecompress({ chunkSize: chunkBytes }), bytes);
    case 'xz': return throughXz(bytes, options);
    case 'bz2': return throughBzip2(bytes, options);
  }
}

/**
 * `bytes` decoded on the way. Throws `INTEGRITY_METADATA` when they are damaged or cut (at the latest in place of the end) and when more than
 * `maxBytes` come out. Holds a few chunks, of xz and bzip2 the whole compressed file. Errors of `bytes` pass through; ending early ends `bytes`.
 */
export async function* decompressed(bytes: Bytes, compression: Compression, options: DecompressOptions): Bytes {
  let length = 0;
  let failed = false;
  try {
    for await (const chunk of decoded(bytes, compression, options)) {
      length += chunk.length;
      if (length > options.maxBytes) throw new BundleError('INTEGRITY_METADATA', { subject: options.subject, expected: `at most ${options.maxBytes} bytes when decompressed`, actual: 'more' });
      failed = true;
      yield chunk;
      failed = false;
    }
  } catch (error) {
    if (failed) throw error;
    throw damaged(options, compression, error);
  }
}
