// How much an .xz file will give, read from its chunk headers: The .xz File Format 1.1.0, sections 2 to 4; LZMA2 chunks as in XZ for Java, "LZMA2 format".
import { BundleError } from '../bom/errors.ts';

/** The dictionary of `xz -9`; a larger one would be memory that no metadata needs. */
const maxDictionaryBytes = 64 << 20;

class Cursor {
  at = 0;
  private readonly bytes: Uint8Array;
  private readonly subject: string;

  constructor(bytes: Uint8Array, subject: string) {
    this.bytes = bytes;
    this.subject = subject;
  }

  get atEnd(): boolean { return this.at >= this.bytes.length; }
  damaged(actual: string): BundleError { return new BundleError('INTEGRITY_METADATA', { subject: this.subject, expected: 'whole xz data', actual }); }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw this.damaged('an end in the middle');
    this.at += 1;
    return value;
  }

  peek(): number { return this.bytes[this.at] ?? -1; }
  short(): number { return (this.byte() << 8) | this.byte(); }

  skip(count: number): void {
    this.at += count;
    if (this.at > this.bytes.length) throw this.damaged('an end in the middle');
  }

  /** Section 1.2: seven bits a byte, low ones first. */
  multibyte(): number {
    let value = 0;
    for (let index = 0; index < 9; index += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (index * 7);
      if ((byte & 0x80) === 0) return value;
    }
    throw this.damaged('a number of more than nine bytes');
  }
}

const checkSizes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

/** Section 3.1; the cursor stands behind the header afterwards. */
function readBlockHeader(cursor: Cursor): void {
  const start = cursor.at;
  const size = (cursor.byte() + 1) * 4;
  const flags = cursor.byte();
  if ((flags & 0x40) !== 0) cursor.multibyte();
  if ((flags & 0x80) !== 0) cursor.multibyte();
  for (let filter = 0; filter <= (flags & 3); filter += 1) {
    const id = cursor.multibyte();
    const length = cursor.multibyte();
    if (id === 0x21) {
      const bits = cursor.peek() & 0x3f;
      const dictionary = bits === 40 ? 2 ** 32 - 1 : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11);
      if (bits > 40 || dictionary > maxDictionaryBytes) throw cursor.damaged(`a dictionary of ${dictionary} bytes`);
    }
    cursor.skip(length);
  }
  cursor.at = start;
  cursor.skip(size);
}

/** Adds up the chunks of one block. */
function readChunks(cursor: Cursor, room: number): number {
  let total = 0;
  for (let control = cursor.byte(); control !== 0; control = cursor.byte()) {
    if (control >= 0x80) {
      total += (((control & 0x1f) << 16) | cursor.short()) + 1;
      const packed = cursor.short() + 1;
      cursor.skip(packed + (control >= 0xc0 ? 1 : 0));
    } else {
      if (control > 2) throw cursor.damaged(`the chunk type ${control}`);
      const size = cursor.short() + 1;
      total += size;
      cursor.skip(size);
    }
    if (total > room) return total;
  }
  return total;
}

/** Sections 4.1 to 4.4: records, padding and check are the decoder's to verify. */
function skipIndex(cursor: Cursor): void {
  const start = cursor.at;
  cursor.byte();
  for (let records = cursor.multibyte(); records > 0; records -= 1) {
    cursor.multibyte();
    cursor.multibyte();
  }
  cursor.skip((4 - ((cursor.at - start) % 4)) % 4 + 4);
}

/**
 * The bytes that decoding `bytes` gives, exactly, without decoding; a number above `maxBytes` as soon as it is passed. A decoder cannot give
 * more than the chunk headers say. Throws `INTEGRITY_METADATA` for what is no whole .xz file and for a dictionary above 64 MiB.
 */
export function xzDecodedSize(bytes: Uint8Array, maxBytes: number, subject: string): number {
  const cursor = new Cursor(bytes, subject);
  let total = 0;
  while (!cursor.atEnd) {
    const magic = Array.from({ length: 6 }, () => cursor.byte());
    if (magic.join() !== '253,55,122,88,90,0') throw cursor.damaged('other bytes');
    cursor.byte();
    const checkSize = checkSizes[cursor.byte() & 15] ?? 0;
    cursor.skip(4);
    while (cursor.peek() !== 0) {
      readBlockHeader(cursor);
      const start = cursor.at;
      total += readChunks(cursor, maxBytes - total);
      if (total > maxBytes) return total;
      cursor.skip((4 - ((cursor.at - start) % 4)) % 4 + checkSize);
    }
    skipIndex(cursor);
    cursor.skip(12);
    while (!cursor.atEnd && cursor.peek() === 0) cursor.skip(4);
  }
  return total;
}
