// A strict, fast XML 1.0 (fifth edition) tokenizer over bytes: what repository metadata consists of, without document types.
import { classes, incomplete, lineEnds, XmlCursor } from './xml-cursor.ts';

export const maxXmlDepth = 32;
const maxAttributes = 64;
const maxAttributeBytes = 64 << 10;

const [lt, gt, slash, equals, amp, quote, apostrophe, bang, question, bracket] = [0x3c, 0x3e, 0x2f, 0x3d, 0x26, 0x22, 0x27, 0x21, 0x3f, 0x5d];

export type XmlToken = 'open' | 'close' | 'text' | 'end';

/**
 * Reads tokens one after the other out of a window of bytes. A self-closing element gives `open` and `close`. Text comes in pieces (references,
 * CDATA sections and comments do not end the element). Throws `INTEGRITY_METADATA` for what is not well formed, a document type, an unknown
 * entity, more than 32 levels, 64 attributes or 64 KiB of attribute; {@link incomplete} when the window ends in a token.
 * Values are decoded when they are asked for, so what nobody asks for costs nothing but its check.
 */
export class XmlScanner extends XmlCursor {
  /** Of the element just opened or closed. */
  name = '';
  /** Where the token just read began. */
  tokenStart = 0;
  private readonly ignoresDoctype: boolean;
  private readonly open: string[] = [];
  private selfClosed = false;
  private textStart = 0;
  private textEnd = 0;
  private cdata = false;
  private attributes = 0;
  private readonly attributeNames: string[] = [];
  private readonly spans = new Int32Array(2 * maxAttributes);

  constructor(subject: string, options: { readonly doctype?: 'ignored' } = {}) {
    super(subject);
    this.ignoresDoctype = options.doctype === 'ignored';
  }

  /** Goes on at `from` in another window. The elements open so far stay open. */
  window(bytes: Buffer, from: number, limit: number): void {
    this.bytes = bytes;
    this.at = from;
    this.limit = limit;
  }

  /** Whether the element just opened closed itself: its 'close' comes without further bytes. */
  get isSelfClosed(): boolean {
    return this.selfClosed;
  }

  get depth(): number {
    return this.open.length;
  }

  /** Back to the state of a moment with `depth` open elements, to read from `from` again. */
  rewind(from: number, depth: number): void {
    this.at = from;
    this.open.length = depth;
    this.selfClosed = false;
  }

  /** The next token. 'end' only at the end of the window between two tokens. */
  next(): XmlToken {
    if (this.selfClosed) {
      this.selfClosed = false;
      this.name = this.open.pop() ?? '';
      return 'close';
    }
    while (this.at < this.limit) {
      this.tokenStart = this.at;
      if (this.bytes[this.at] !== lt) return this.text();
      const following = this.at + 1 < this.limit ? this.bytes[this.at + 1] : undefined;
      if (following === undefined) throw incomplete;
      if (following === slash) return this.closing();
      if (following === question) this.instruction();
      else if (following !== bang) return this.opening();
      else if (this.special()) return 'text';
    }
    return 'end';
  }

  /** The text token just read. */
  value(): string {
    return this.cdata ? lineEnds(this.bytes.toString('utf8', this.textStart, this.textEnd)) : this.decode(this.textStart, this.textEnd);
  }

  /** Reads on until only `depth` elements are open. */
  skipTo(depth: number): void {
    while (this.open.length > depth) if (this.next() === 'end') throw incomplete;
  }

  /** Opens the next child of the element that stands open, and says its name; undefined when that element is closed instead. Text between children is passed over. */
  nextChild(): string | undefined {
    for (;;) {
      const token = this.next();
      if (token === 'open') return this.name;
      if (token === 'close') return undefined;
      if (token === 'end') throw incomplete;
    }
  }

  /** The text of the element just opened, up to and with its closing tag. It must not have elements in it. */
  content(): string {
    let text = '';
    for (;;) {
      const token = this.next();
      if (token === 'close') return text;
      if (token === 'text') text += this.value();
      else if (token === 'end') throw incomplete;
      else throw this.fail('text only', `<${this.name}>`);
    }
  }

  /** Whether the text token just read is nothing but white space. */
  isBlank(): boolean {
    for (let at = this.textStart; at < this.textEnd; at += 1) if (((classes[this.bytes[at] ?? 0] ?? 0) & 1) === 0) return false;
    return true;
  }

  /** The value of an attribute of the element just opened, references replaced. */
  attribute(name: string): string | undefined {
    for (let index = 0; index < this.attributes; index += 1) {
      if (this.attributeNames[index] === name) return this.valueAt(index);
    }
    return undefined;
  }

  /** Every attribute of the element just opened. */
  allAttributes(): Record<string, string> {
    const all: Record<string, string> = {};
    for (let index = 0; index < this.attributes; index += 1) all[this.attributeNames[index] ?? ''] = this.valueAt(index);
    return all;
  }

  private valueAt(index: number): string {
    return this.decode(this.spans[2 * index] ?? 0, this.spans[2 * index + 1] ?? 0, true);
  }

  private text(): XmlToken {
    const { bytes, limit } = this;
    let at = this.at;
    let reference = false;
    for (; at < limit; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte === lt) break;
      if (byte === amp) reference = true;
      else if ((classes[byte] ?? 0) === 8) throw this.fail('characters of XML', `control character ${byte}`);
      else if (byte === gt && bytes[at - 1] === bracket && bytes[at - 2] === bracket && at - 2 >= this.at) throw this.fail('text without ]]>', ']]>');
    }
    if (at === limit) throw incomplete;
    this.textStart = this.at;
    this.textEnd = at;
    this.cdata = false;
    this.at = at;
    if (reference) this.decode(this.textStart, this.textEnd);
    return 'text';
  }

  private closing(): XmlToken {
    const nameStart = this.at + 2;
    const nameEnd = this.nameEnd(nameStart);
    const end = this.skipSpace(nameEnd);
    if (this.bytes[end] !== gt) throw this.fail('> after the name of a closing tag', this.excerpt(end));
    const name = this.nameAt(nameStart, nameEnd);
    const opened = this.open[this.open.length - 1];
    if (opened !== name) throw this.fail(opened === undefined ? 'no closing tag here' : `</${opened}>`, `</${name}>`);
    this.open.pop();
    this.name = name;
    this.at = end + 1;
    return 'close';
  }

  private opening(): XmlToken {
    const nameStart = this.at + 1;
    const nameEnd = this.nameEnd(nameStart);
    this.attributes = 0;
    let at = nameEnd;
    for (;;) {
      const next = this.skipSpace(at);
      const byte = this.bytes[next];
      if (byte === gt) {
        at = next + 1;
        break;
      }
      if (byte === slash) {
        if (next + 1 >= this.limit) throw incomplete;
        if (this.bytes[next + 1] !== gt) throw this.fail('/>', this.excerpt(next));
        this.selfClosed = true;
        at = next + 2;
        break;
      }
      if (next === at) throw this.fail('white space before an attribute', this.excerpt(at));
      at = this.readAttribute(next);
    }
    this.name = this.nameAt(nameStart, nameEnd);
    if (this.open.length >= maxXmlDepth) throw this.fail(`at most ${maxXmlDepth} levels of elements`, 'more');
    this.open.push(this.name);
    this.at = at;
    return 'open';
  }

  private readAttribute(start: number): number {
    const { bytes, limit } = this;
    const nameEnd = this.nameEnd(start);
    const equal = this.skipSpace(nameEnd);
    if (bytes[equal] !== equals) throw this.fail('= after the name of an attribute', this.excerpt(equal));
    const open = this.skipSpace(equal + 1);
    const mark = bytes[open];
    if (mark !== quote && mark !== apostrophe) throw this.fail('a quoted attribute value', this.excerpt(open));
    let reference = false;
    let at = open + 1;
    for (; at < limit; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte === mark) break;
      if (byte === amp) reference = true;
      else if (byte === lt || (classes[byte] ?? 0) === 8) throw this.fail('an attribute value without < and control characters', this.excerpt(at));
    }
    if (at - open > maxAttributeBytes) throw this.fail(`attributes of at most ${maxAttributeBytes} bytes`, 'a longer one');
    if (at === limit) throw incomplete;
    if (reference) this.decode(open + 1, at);
    const name = this.nameAt(start, nameEnd);
    if (this.attributes === maxAttributes) throw this.fail(`at most ${maxAttributes} attributes`, 'more');
    for (let index = 0; index < this.attributes; index += 1) if (this.attributeNames[index] === name) throw this.fail('each attribute once', `${name} twice`);
    this.attributeNames[this.attributes] = name;
    this.spans[2 * this.attributes] = open + 1;
    this.spans[2 * this.attributes + 1] = at;
    this.attributes += 1;
    return at + 1;
  }

  /** A comment or CDATA section; true for the latter, whose content is a text token then. */
  private special(): boolean {
    const begin = (text: string): boolean | undefined => {
      const there = this.bytes.toString('latin1', this.at, Math.min(this.at + text.length, this.limit));
      return there === text ? true : text.startsWith(there) ? undefined : false;
    };
    const comment = begin('<!--');
    const cdata = begin('<![CDATA[');
    if (comment === undefined || cdata === undefined) throw incomplete;
    if (this.ignoresDoctype && this.open.length === 0 && begin('<!DOCTYPE ') === true) return this.doctype();
    if (!comment && !cdata) throw this.fail('no document type and no declarations', this.excerpt(this.at));
    const from = this.at + (comment ? 4 : 9);
    const end = this.bytes.indexOf(comment ? '--' : ']]>', from, 'latin1');
    if (end === -1 || end + 3 > this.limit) throw incomplete;
    if (comment && this.bytes[end + 2] !== gt) throw this.fail('a comment without --', '-- inside of it');
    for (let at = from; at < end; at += 1) if ((classes[this.bytes[at] ?? 0] ?? 0) === 8) throw this.fail('characters of XML', `control character ${this.bytes[at] ?? 0}`);
    if (cdata && this.open.length === 0) throw this.fail('no text outside of the root element', 'CDATA');
    this.textStart = from;
    this.textEnd = end;
    this.cdata = true;
    this.at = end + 3;
    return cdata;
  }

  /** Passes over a document type without declarations of its own. */
  private doctype(): false {
    const end = this.bytes.indexOf('>', this.at);
    if (end === -1 || end >= this.limit) throw incomplete;
    if (this.bytes.subarray(this.at, end).includes(0x5b)) throw this.fail('a document type without declarations', this.excerpt(this.at));
    this.at = end + 1;
    return false;
  }

  /** Skips a processing instruction. The XML declaration is one for us: it has to come first and to say UTF-8. */
  private instruction(): void {
    const end = this.bytes.indexOf('?>', this.at + 2, 'latin1');
    if (end === -1 || end + 2 > this.limit) throw incomplete;
    const text = this.bytes.toString('latin1', this.at + 2, end);
    if (/^xml[\s]/i.test(text)) {
      const encoding = /\sencoding\s*=\s*["']([^"']*)["']/.exec(text)?.[1] ?? 'UTF-8';
      if (this.base + this.at !== 0 && !(this.base + this.at === 3 && this.bytes[0] === 0xef)) throw this.fail('an XML declaration at the very beginning only', 'a later one');
      if (!/^(?:utf-?8|us-ascii|ascii)$/i.test(encoding)) throw this.fail('UTF-8', `encoding ${JSON.stringify(encoding.slice(0, 40))}`);
    }
    this.at = end + 2;
  }
}
