// The lexical layer of an XML 1.0 (fifth edition) reader over bytes: white space, names, values.
import { BundleError } from '../../bom/errors.ts';
import { XmlNames } from './xml-names.ts';
import { decodeReferences } from './xml-text.ts';

const maxNameBytes = 256;
const amp = 0x26;

/** The bytes end inside of a token: more are needed, or the document is cut. One object, since it is thrown where chunks meet. */
export const incomplete = new Error('the bytes end inside of a token');

/** 1: white space, 2: may start a name, 4: may continue a name, 8: not a character of XML. */
export const classes = new Uint8Array(256);
for (let byte = 0; byte < 0x20; byte += 1) classes[byte] = 8;
for (const byte of [9, 10, 13, 32]) classes[byte] = 1;
for (let byte = 0; byte < 256; byte += 1) {
  const letter = (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || byte === 58 || byte === 95 || byte >= 0x80;
  if (letter) classes[byte] = 6;
  else if ((byte >= 48 && byte <= 57) || byte === 45 || byte === 46) classes[byte] = 4;
}

/** Section 2.11. */
export const lineEnds = (text: string): string => text.replace(/\r\n?/g, '\n');

/** A place in a window of bytes, and what is read there. */
export class XmlCursor {
  private readonly subject: string;
  private readonly names = new XmlNames();
  bytes: Buffer = Buffer.alloc(0);
  /** Where the next token begins. */
  at = 0;
  protected limit = 0;
  /** Of `bytes[0]` in the document, for messages. */
  base = 0;

  constructor(subject: string) {
    this.subject = subject;
  }

  get windowEnd(): number {
    return this.limit;
  }

  fail(expected: string, actual: string): BundleError {
    return new BundleError('INTEGRITY_METADATA', { subject: `${this.subject}, byte ${this.base + this.at}`, expected, actual });
  }

  protected decode(from: number, to: number, attribute = false): string {
    let high = false;
    let reference = false;
    let breaks = false;
    for (let at = from; at < to; at += 1) {
      const byte = this.bytes[at] ?? 0;
      if (byte >= 0x80) high = true;
      else if (byte === amp) reference = true;
      else if (byte === 13 || (attribute && byte < 32)) breaks = true;
    }
    const raw = high ? this.bytes.toString('utf8', from, to) : this.bytes.toString('latin1', from, to);
    const text = !breaks ? raw : attribute ? lineEnds(raw).replace(/[\t\n]/g, ' ') : lineEnds(raw);
    if (!reference) return text;
    const decoded = decodeReferences(text);
    if (decoded === undefined) throw this.fail('references to predefined entities and characters only', JSON.stringify(text.slice(0, 80)));
    return decoded;
  }

  protected skipSpace(from: number): number {
    let at = from;
    while (at < this.limit && ((classes[this.bytes[at] ?? 0] ?? 0) & 1) !== 0) at += 1;
    if (at >= this.limit) throw incomplete;
    return at;
  }

  protected nameEnd(from: number): number {
    if (from >= this.limit) throw incomplete;
    if (((classes[this.bytes[from] ?? 0] ?? 0) & 2) === 0) throw this.fail('a name', this.excerpt(from));
    let at = from + 1;
    while (at < this.limit && ((classes[this.bytes[at] ?? 0] ?? 0) & 4) !== 0) at += 1;
    if (at - from > maxNameBytes) throw this.fail(`names of at most ${maxNameBytes} bytes`, 'a longer one');
    if (at >= this.limit) throw incomplete;
    return at;
  }

  protected nameAt(from: number, to: number): string {
    return this.names.at(this.bytes, from, to);
  }

  protected excerpt(from: number): string {
    return JSON.stringify(this.bytes.toString('utf8', from, Math.min(from + 24, this.limit)));
  }
}
