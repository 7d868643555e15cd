// Repository metadata as a stream: one root element with a long row of records (`<package>…</package>`) in it.
import { isUtf8 } from 'node:buffer';
import { BundleError } from '../../bom/errors.ts';
import { incomplete } from './xml-cursor.ts';
import { XmlScanner, type XmlToken } from './xml-scanner.ts';

export interface RecordOptions {
  /** Whose bytes they are, for messages. */
  readonly subject: string;
  readonly root: string;
  readonly record: string;
  /** Most bytes that one record may have; 64 MiB unless given. */
  readonly maxRecordBytes?: number;
  /** Most bytes of the whole document; 4 GiB unless given. */
  readonly maxBytes?: number;
}

/** Where a record lies in the decompressed document: bytes `offset` to `offset + length`. */
export interface RecordPlace {
  readonly offset: number;
  readonly length: number;
}

export interface RecordHandler {
  /** The root's opening tag was read: its attributes can be asked for. */
  root?(scanner: XmlScanner): void;
  /**
   * The record's opening tag was read; reads on to its closing tag. May be called again for the same record when the window ended inside of it,
   * so it keeps nothing before {@link RecordHandler.finish}.
   */
  record(scanner: XmlScanner): void;
  /** The record just read is whole and well formed, and lies at `place`; its bytes stand in the scanner's window until this returns. */
  finish(place: RecordPlace, scanner: XmlScanner): void;
}

const windowBytes = 1 << 20;

/**
 * Takes the document in chunks of any size and hands over record by record. Memory: the largest record and one chunk. Throws
 * `INTEGRITY_METADATA` for what {@link XmlScanner} refuses, bytes that are not UTF-8, another root, other elements or text between the records,
 * an end before the root's, text after it, and sizes above the limits.
 */
export class RecordReader {
  private readonly options: Required<RecordOptions>;
  private readonly handler: RecordHandler;
  private readonly scanner: XmlScanner;
  private readonly mark: Buffer;
  private window = Buffer.allocUnsafe(windowBytes);
  private filled = 0;
  /** Of `window[0]` in the document. */
  private base = 0;
  private start = 0;
  private state: 'before' | 'inside' | 'after' = 'before';
  /** Where a record seems to end, and from where on nobody looked for that yet. */
  private foundEnd = -1;
  private searchFrom = 0;

  constructor(options: RecordOptions, handler: RecordHandler) {
    this.options = { maxRecordBytes: 64 << 20, maxBytes: 2 ** 32, ...options };
    this.handler = handler;
    this.scanner = new XmlScanner(options.subject);
    this.mark = Buffer.from(`</${options.record}`);
  }

  push(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length; from += windowBytes) this.take(chunk.subarray(from, from + windowBytes));
  }

  /** The document is over. */
  end(): void {
    this.read(true);
    if (this.state !== 'after' || this.start < this.filled) throw this.refused(`a whole document, to </${this.options.root}>`, `its end after ${this.base + this.filled} bytes`);
  }

  private take(chunk: Uint8Array): void {
    if (this.base + this.filled + chunk.length > this.options.maxBytes) throw this.refused(`at most ${this.options.maxBytes} bytes`, 'more');
    if (this.filled + chunk.length > this.window.length) this.makeRoom(chunk.length);
    this.window.set(chunk, this.filled);
    this.filled += chunk.length;
    this.read(false);
    this.checkRecord();
  }

  /** What is not read yet belongs to one record. */
  private checkRecord(): void {
    if (this.filled - this.start > this.options.maxRecordBytes) throw this.refused(`each ${this.options.record} of at most ${this.options.maxRecordBytes} bytes`, 'a longer one');
  }

  private refused(expected: string, actual: string): BundleError {
    return new BundleError('INTEGRITY_METADATA', { subject: this.options.subject, expected, actual });
  }

  private makeRoom(bytes: number): void {
    const kept = this.filled - this.start;
    const room = kept + bytes <= this.window.length ? this.window : Buffer.allocUnsafe(2 * (kept + bytes));
    this.window.copy(room, 0, this.start, this.filled);
    this.window = room;
    this.base += this.start;
    this.searchFrom = Math.max(0, this.searchFrom - this.start);
    this.foundEnd -= this.start;
    this.start = 0;
    this.filled = kept;
  }

  private read(last: boolean): void {
    const { scanner, window } = this;
    if (this.base + this.start === 0) {
      if (this.filled < 3 && !last) return;
      if (window[0] === 0xef && window[1] === 0xbb && window[2] === 0xbf) this.start = 3;
    }
    scanner.base = this.base;
    scanner.window(window, this.start, this.filled);
    while (this.step(last)) this.start = scanner.at;
  }

  /** Reads one token, or one record. False when that needs more bytes. */
  private step(last: boolean): boolean {
    const { scanner, start } = this;
    const { depth } = scanner;
    if (this.state === 'inside' && !last && this.opensElement(start) && !this.endsLater(start)) return false;
    let place: RecordPlace | undefined;
    try {
      const token = scanner.next();
      if (token === 'end') return false;
      place = this.token(token);
    } catch (error) {
      if (error !== incomplete) throw error;
      scanner.rewind(start, depth);
      this.foundEnd = -1;
      // Blank text after the root has no end of its own.
      if (last && this.state === 'after' && this.window.toString('latin1', start, this.filled).trim() === '') scanner.at = this.start = this.filled;
      return false;
    }
    if (!isUtf8(this.window.subarray(start, scanner.at))) throw this.refused('UTF-8', `other bytes after byte ${this.base + start}`);
    if (place !== undefined) this.handler.finish(place, scanner);
    return true;
  }

  private token(token: XmlToken): RecordPlace | undefined {
    const { scanner, options } = this;
    if (token === 'text') {
      if (!scanner.isBlank()) throw scanner.fail(`nothing between the ${options.record} elements`, 'text');
    } else if (token === 'close') {
      this.state = 'after';
    } else if (this.state === 'before') {
      if (scanner.name !== options.root) throw scanner.fail(`<${options.root}>`, `<${scanner.name}>`);
      this.handler.root?.(scanner);
      this.state = 'inside';
    } else if (this.state === 'inside' && scanner.name === options.record) {
      const from = scanner.tokenStart;
      this.handler.record(scanner);
      if (scanner.depth !== 1) throw new Error(`a reader of ${options.record} left it at depth ${scanner.depth}`);
      return { offset: this.base + from, length: scanner.at - from };
    } else {
      throw scanner.fail(this.state === 'inside' ? `<${options.record}>` : 'nothing after the root element', `<${scanner.name}>`);
    }
    return undefined;
  }

  private opensElement(at: number): boolean {
    const next = this.window[at + 1] ?? 0;
    return at + 1 < this.filled && this.window[at] === 0x3c && next !== 0x2f && next !== 0x21 && next !== 0x3f;
  }

  /** Whether a record's closing tag seems to be in the window, so that reading it is worth a try. Each byte is searched once. */
  private endsLater(at: number): boolean {
    if (this.foundEnd > at) return true;
    const from = Math.max(at, this.searchFrom);
    this.foundEnd = this.window.subarray(0, this.filled).indexOf(this.mark, from);
    this.searchFrom = this.foundEnd === -1 ? Math.max(from, this.filled - this.mark.length + 1) : this.foundEnd + 1;
    return this.foundEnd !== -1;
  }
}
