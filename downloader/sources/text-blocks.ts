// A long text in a file that is not synced: written in blocks, each with its CRC-32, and read again by place.
import { crc32 } from 'node:zlib';
import type { CachedFile } from '../../store/cached-files.ts';
import { bytesOf } from '../solver/table-image.ts';

const blockBytes = 1 << 16;
/** So much is written at once. */
const batchBytes = 1 << 20;

/** What is added goes to `write` in large pieces, from byte 0 of the file on. */
export class TextBlocks {
  private readonly write: (part: Uint8Array) => Promise<void>;
  private readonly checks: number[] = [];
  private batch = Buffer.allocUnsafe(batchBytes);
  /** What is being written, while more is added to the other one. */
  private resting = Buffer.allocUnsafe(batchBytes);
  private writing: Promise<void> = Promise.resolve();
  private filled = 0;
  private written = 0;

  constructor(write: (part: Uint8Array) => Promise<void>) { this.write = write; }

  get length(): number { return this.written + this.filled; }

  async add(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.length;) {
      const some = piece.subarray(at, at + batchBytes - this.filled);
      this.batch.set(some, this.filled);
      this.filled += some.length;
      at += some.length;
      if (this.filled === batchBytes) await this.flush();
    }
  }

  /** To be called after everything was added. */
  async end(): Promise<void> {
    if (this.filled > 0) await this.flush();
    await this.writing;
  }

  /** Of each block. */
  sums(): Buffer { return bytesOf(Uint32Array.from(this.checks)); }

  private async flush(): Promise<void> {
    const bytes = this.batch.subarray(0, this.filled);
    for (let at = 0; at < bytes.length; at += blockBytes) this.checks.push(crc32(bytes.subarray(at, at + blockBytes)));
    await this.writing;
    this.writing = this.write(bytes);
    // Whoever adds or ends next is told.
    this.writing.catch(() => undefined);
    [this.batch, this.resting] = [this.resting, this.batch];
    this.written += this.filled;
    this.filled = 0;
  }
}

/** Reads what {@link TextBlocks} wrote; the block read last stays at hand. */
export class TextReader {
  private readonly file: CachedFile;
  private readonly sums: Uint32Array;
  private readonly bytes: number;
  private last: { readonly block: number; readonly bytes: Buffer } | undefined;

  constructor(file: CachedFile, text: { readonly sums: Buffer; readonly bytes: number }) {
    this.file = file;
    this.sums = new Uint32Array(text.sums.buffer, text.sums.byteOffset, text.sums.length / 4);
    this.bytes = text.bytes;
  }

  /** Undefined when a block is not what was written, or lies beyond the end. */
  read(start: number, end: number): Buffer | undefined {
    if (end > this.bytes || this.file.size < this.bytes) return undefined;
    const parts: Buffer[] = [];
    for (let block = Math.floor(start / blockBytes); block * blockBytes < end; block += 1) {
      const from = block * blockBytes;
      const bytes = this.last?.block === block ? this.last.bytes : this.file.read(from, Math.min(this.bytes, from + blockBytes));
      if (crc32(bytes) !== this.sums[block]) return undefined;
      this.last = { block, bytes };
      parts.push(bytes.subarray(Math.max(0, start - from), end - from));
    }
    return Buffer.concat(parts);
  }
}
