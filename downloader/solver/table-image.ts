// Tables as bytes and back. A private form, for one machine: the numbers stand in its own byte order, and another version is simply not read.
import { crc32 } from 'node:zlib';

const headerBytes = 1024;
/** Sections begin at a multiple of it, so that numbers of any width can be looked at where they lie. */
const alignment = 8;
const order = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'le' : 'be';

interface Header {
  /** Lengths in bytes of the sections, in order. */
  readonly sections: readonly number[];
  readonly crc: number;
}

const padding = (length: number): number => (alignment - (length % alignment)) % alignment;
const beginning = (name: string): string => `longshore ${name} ${order}\n`;

/** The bytes of a typed array, not a copy. */
export function bytesOf(view: ArrayBufferView<ArrayBufferLike>): Buffer { return Buffer.from(view.buffer, view.byteOffset, view.byteLength); }

/** The numbers that lie in `bytes`, which begin at a multiple of 4; not a copy. */
export function numbersIn(bytes: Buffer): Int32Array<ArrayBufferLike> { return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4); }

/** The parts of an image, in order; views where they can be. `name` says what it is and in which version. At most some 80 sections. */
export function tableImage(name: string, sections: readonly Buffer[]): Buffer[] {
  const parts = sections.flatMap((section) => (padding(section.length) === 0 ? [section] : [section, Buffer.alloc(padding(section.length))]));
  const header: Header = { sections: sections.map(({ length }) => length), crc: parts.reduce((crc, part) => crc32(part, crc), 0) };
  const head = Buffer.alloc(headerBytes, ' ');
  const text = beginning(name) + JSON.stringify(header);
  if (text.length > headerBytes) throw new Error(`${sections.length} sections are too many`);
  head.write(text);
  return [head, ...parts];
}

/** The `count` sections of an image; undefined when it is of another version or damaged. Views, which may be written to. */
export function sectionsFrom(image: Buffer, name: string, count: number): Buffer[] | undefined {
  const magic = beginning(name);
  const head = image.toString('latin1', 0, headerBytes);
  if (image.byteOffset % alignment !== 0 || image.length < headerBytes || !head.startsWith(magic)) return undefined;
  const text = head.slice(magic.length).trim();
  if (!/^\{"sections":\[[\d,]+\],"crc":\d+\}$/.test(text)) return undefined;
  const header = JSON.parse(text) as Header;
  const wanted = header.sections.reduce((sum, length) => sum + length + padding(length), headerBytes);
  if (image.length !== wanted || header.sections.length !== count || crc32(image.subarray(headerBytes)) !== header.crc) return undefined;
  let at = headerBytes;
  return header.sections.map((length) => {
    const section = image.subarray(at, at + length);
    at += length + padding(length);
    return section;
  });
}
