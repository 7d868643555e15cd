// A universe's tables as bytes and back. A private form, for one machine: the numbers stand in its own byte order, and another version is simply not read.
import { crc32 } from 'node:zlib';
import { NameTable } from './name-table.ts';
import { Numbers, numberTables, Texts, type UniverseTables } from './universe-tables.ts';

/** Changes whenever what is kept, or how it is made, changes. */
const magic = `longshore universe 2 ${new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'le' : 'be'}\n`;
const headerBytes = 1024;

interface Header {
  /** Lengths in bytes of the sections, in order; each begins at a multiple of 4. */
  readonly sections: readonly number[];
  readonly crc: number;
}

const bytesOf = (view: Int32Array<ArrayBufferLike>): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
const padding = (length: number): number => (4 - (length % 4)) % 4;

/** The parts of the image, in order; views where they can be. */
export function universeImage(tables: UniverseTables): Buffer[] {
  const names = tables.names.parts();
  const sections = [bytesOf(names.slots), bytesOf(names.hashes), bytesOf(names.starts), names.arena, tables.texts.view(), ...numberTables.map((name) => bytesOf(tables[name].view()))];
  const parts = sections.flatMap((section) => (padding(section.length) === 0 ? [section] : [section, Buffer.alloc(padding(section.length))]));
  const header: Header = { sections: sections.map(({ length }) => length), crc: parts.reduce((crc, part) => crc32(part, crc), 0) };
  const head = Buffer.alloc(headerBytes, ' ');
  head.write(magic + JSON.stringify(header));
  return [head, ...parts];
}

/** The tables of an image; undefined when it is of another version or damaged. The bytes are kept and may be written to. */
export function universeFrom(image: Buffer): UniverseTables | undefined {
  const head = image.toString('latin1', 0, headerBytes);
  if (image.byteOffset % 4 !== 0 || image.length < headerBytes || !head.startsWith(magic)) return undefined;
  const text = head.slice(magic.length).trim();
  if (!/^\{"sections":\[[\d,]+\],"crc":\d+\}$/.test(text)) return undefined;
  const header = JSON.parse(text) as Header;
  const wanted = header.sections.reduce((sum, length) => sum + length + padding(length), headerBytes);
  if (image.length !== wanted || header.sections.length !== 5 + numberTables.length || crc32(image.subarray(headerBytes)) !== header.crc) return undefined;
  let at = headerBytes;
  const next = (): Buffer => {
    const length = header.sections[index] ?? 0;
    index += 1;
    at += length + padding(length);
    return image.subarray(at - length - padding(length), at - padding(length));
  };
  let index = 0;
  const numbers = (): Int32Array<ArrayBufferLike> => { const bytes = next(); return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4); };
  const names = NameTable.from({ slots: numbers(), hashes: numbers(), starts: numbers(), arena: next() });
  const texts = next();
  const table = (): Numbers => { const view = numbers(); return new Numbers(view, view.length); };
  return {
    names, texts: new Texts(texts, texts.length), offsets: table(), owners: table(), indexes: table(), bounds: table(), checks: table(),
    flags: table(), lastVersion: table(), previousVersion: table(), lastProvider: table(), providerLinks: table(), repeats: table(),
  };
}
