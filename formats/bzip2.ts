// bzip2, as bzip2(1) 1.0 writes it (no standard describes it): some repositories still have indexes in it. Blocks of at most 900,000 bytes before run lengths,
// each with a Burrows-Wheeler transform, a move to front and up to six Huffman tables. Deprecated "randomised" blocks are refused.

const chunkBytes = 1 << 18;
const groupSymbols = 50;
const maxCodeBits = 20;
const blockMagic = 0x3141_5926_5359;
const endMagic = 0x1772_4538_5090;

/** Most significant bit first. */
class Bits {
  private readonly bytes: Uint8Array;
  private at = 0;
  private held = 0;
  private count = 0;

  constructor(bytes: Uint8Array) { this.bytes = bytes; }

  /** The next `count` bits, at most 24. */
  read(count: number): number {
    while (this.count < count) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw new Error('bzip2 data that is cut');
      this.at += 1;
      this.held = (this.held << 8) | byte;
      this.count += 8;
    }
    this.count -= count;
    const value = this.held >>> this.count;
    this.held &= (1 << this.count) - 1;
    return value;
  }

  read48(): number { return this.read(24) * 0x100_0000 + this.read(24); }

  read32(): number { return ((this.read(16) << 16) | this.read(16)) >>> 0; }

  /** To the next whole byte. Says whether anything is left. */
  align(): boolean {
    this.count -= this.count % 8;
    this.held &= (1 << this.count) - 1;
    return this.count > 0 || this.at < this.bytes.length;
  }
}

/** A canonical code: of each length the last code and where its symbols begin. */
interface Code { readonly limits: Int32Array; readonly offsets: Int32Array; readonly symbols: Uint16Array }

function codeOf(lengths: Uint8Array): Code {
  const [limits, offsets, symbols] = [new Int32Array(maxCodeBits + 1).fill(-1), new Int32Array(maxCodeBits + 1), new Uint16Array(lengths.length)];
  let code = 0;
  let place = 0;
  for (let bits = 1; bits <= maxCodeBits; bits += 1) {
    offsets[bits] = place - code;
    for (let symbol = 0; symbol < lengths.length; symbol += 1) {
      if (lengths[symbol] !== bits) continue;
      symbols[place] = symbol;
      place += 1;
      code += 1;
    }
    if (code > 1 << bits) throw new Error('a bzip2 code with too many symbols');
    limits[bits] = code - 1;
    code <<= 1;
  }
  return { limits, offsets, symbols };
}

function readSymbol(bits: Bits, { limits, offsets, symbols }: Code): number {
  let code = 0;
  for (let length = 1; length <= maxCodeBits; length += 1) {
    code = (code << 1) | bits.read(1);
    if (code > (limits[length] ?? -1)) continue;
    const symbol = symbols[code + (offsets[length] ?? 0)];
    if (symbol !== undefined) return symbol;
  }
  throw new Error('a bzip2 code that stands for nothing');
}

/** The bytes that occur in a block, in order. */
function readAlphabet(bits: Bits): Uint8Array {
  const rows = bits.read(16);
  const found: number[] = [];
  for (let row = 0; row < 16; row += 1) {
    if ((rows & (0x8000 >> row)) === 0) continue;
    const columns = bits.read(16);
    for (let column = 0; column < 16; column += 1) if ((columns & (0x8000 >> column)) !== 0) found.push(row * 16 + column);
  }
  if (found.length === 0) throw new Error('a bzip2 block without bytes');
  return Uint8Array.from(found);
}

/** Takes the item at `index` to the front and gives it. */
function toFront(list: Uint8Array, index: number): number {
  const item = list[index];
  if (item === undefined) throw new Error('bzip2 data that names a place outside of its list');
  list.copyWithin(1, 0, index);
  list[0] = item;
  return item;
}

function readSelectors(bits: Bits, tables: number): Uint8Array {
  const selectors = new Uint8Array(bits.read(15));
  const order = Uint8Array.from({ length: tables }, (_, index) => index);
  for (let index = 0; index < selectors.length; index += 1) {
    let place = 0;
    while (bits.read(1) === 1) place += 1;
    selectors[index] = toFront(order, place);
  }
  return selectors;
}

function readLengths(bits: Bits, count: number): Uint8Array {
  const lengths = new Uint8Array(count);
  let length = bits.read(5);
  for (let symbol = 0; symbol < count; symbol += 1) {
    while (bits.read(1) === 1) length += bits.read(1) === 0 ? 1 : -1;
    if (length < 1 || length > maxCodeBits) throw new Error(`a bzip2 code of ${length} bits`);
    lengths[symbol] = length;
  }
  return lengths;
}

/** The sorted bytes of a block into `block`, and how many. */
function readSorted(bits: Bits, block: Uint32Array): number {
  const alphabet = readAlphabet(bits);
  const tables = bits.read(3);
  if (tables < 2 || tables > 6) throw new Error(`a bzip2 block with ${tables} tables`);
  const selectors = readSelectors(bits, tables);
  const codes = Array.from({ length: tables }, () => codeOf(readLengths(bits, alphabet.length + 2)));
  const end = alphabet.length + 1;
  let [length, run, weight] = [0, 0, 1];
  for (let taken = 0; ; taken += 1) {
    const code = codes[selectors[Math.floor(taken / groupSymbols)] ?? tables];
    if (code === undefined) throw new Error('a bzip2 block without its end');
    const symbol = readSymbol(bits, code);
    if (symbol < 2) {
      run += weight << symbol;
      weight <<= 1;
      if (run > block.length - length) throw new Error('a bzip2 block that is too long');
      continue;
    }
    if (run > 0) { block.fill(alphabet[0] ?? 0, length, length + run); length += run; [run, weight] = [0, 1]; }
    if (symbol === end) return length;
    if (length >= block.length) throw new Error('a bzip2 block that is too long');
    block[length] = toFront(alphabet, symbol - 1);
    length += 1;
  }
}

/** Turns sorted bytes into links: each entry has its byte below and the place of the next above. */
function link(block: Uint32Array, length: number): void {
  const starts = new Uint32Array(257);
  for (let index = 0; index < length; index += 1) { const next = ((block[index] ?? 0) & 255) + 1; starts[next] = (starts[next] ?? 0) + 1; }
  for (let byte = 0; byte < 256; byte += 1) starts[byte + 1] = (starts[byte + 1] ?? 0) + (starts[byte] ?? 0);
  for (let index = 0; index < length; index += 1) {
    const byte = (block[index] ?? 0) & 255;
    const place = starts[byte] ?? 0;
    starts[byte] = place + 1;
    block[place] = (block[place] ?? 0) | (index << 8);
  }
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value < 0 ? (value << 1) ^ 0x04c1_1db7 : value << 1;
  return value >>> 0;
});

/** One block, in chunks; its check is made at its end. Four equal bytes are followed by how many more there are. */
function* unpack(block: Uint32Array, { length, origin, crc }: { readonly length: number; readonly origin: number; readonly crc: number }): Generator<Uint8Array> {
  if (origin >= length) throw new Error('a bzip2 block that begins outside of itself');
  link(block, length);
  let [place, previous, equal, sum, filled] = [(block[origin] ?? 0) >>> 8, -1, 0, -1, 0];
  let out = new Uint8Array(chunkBytes + 256);
  for (let index = 0; index < length; index += 1) {
    const entry = block[place] ?? 0;
    const byte = entry & 255;
    place = entry >>> 8;
    const isCount = equal === 4;
    const times = isCount ? byte : 1;
    if (!isCount) [equal, previous] = [byte === previous ? equal + 1 : 1, byte];
    for (let time = 0; time < times; time += 1) {
      out[filled] = previous;
      filled += 1;
      sum = (sum << 8) ^ (crcTable[(sum >>> 24) ^ previous] ?? 0);
    }
    if (isCount) [equal, previous] = [0, -1];
    if (filled >= chunkBytes) { yield out.subarray(0, filled); out = new Uint8Array(chunkBytes + 256); filled = 0; }
  }
  yield out.subarray(0, filled);
  if (~sum >>> 0 !== crc) throw new Error('a bzip2 block whose check is wrong');
}

/**
 * What `bytes`, one or more bzip2 streams, hold, in chunks of some 256 KiB. Throws an `Error` where they are damaged or cut, at the latest in place of
 * the end. Holds one block (4 MB) besides. How much comes out is the caller's to bound.
 */
export function* unbzip2(bytes: Uint8Array): Generator<Uint8Array> {
  const bits = new Bits(bytes);
  do {
    if (bits.read(24) !== 0x42_5a68) throw new Error('no bzip2 data');
    const level = bits.read(8) - 0x30;
    if (level < 1 || level > 9) throw new Error('a bzip2 stream of an unknown level');
    const block = new Uint32Array(level * 100_000);
    let combined = 0;
    for (let magic = bits.read48(); magic !== endMagic; magic = bits.read48()) {
      if (magic !== blockMagic) throw new Error('bzip2 data that is damaged');
      const crc = bits.read32();
      if (bits.read(1) === 1) throw new Error('a randomised bzip2 block, which nobody writes any more');
      const origin = bits.read(24);
      yield* unpack(block, { length: readSorted(bits, block), origin, crc });
      combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0;
    }
    if (bits.read32() !== combined) throw new Error('a bzip2 stream whose check is wrong');
  } while (bits.align());
}
