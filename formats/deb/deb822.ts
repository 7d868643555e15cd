// Paragraphs of fields: deb822(5), Debian Policy 4.7, section 5.1 ("Syntax of control files"). The one stanza parser.
import { BundleError } from '../../bom/errors.ts';

/** What a scan reports. All numbers are byte offsets into the scanned bytes; a value ends before its line's end and may span lines. */
export interface StanzaVisitor {
  /** One field. `start` is where its name begins. */
  field(start: number, nameEnd: number, valueStart: number, valueEnd: number): void;
  /** After the last field of a stanza; `end` is behind its last newline, without the empty line. */
  stanza(start: number, end: number): void;
}

export interface ScanOptions {
  /** Whose text it is, for messages. */
  readonly subject: string;
  /** Bytes that one stanza may have; 4 MiB unless told. */
  readonly maxStanzaBytes?: number;
  /** Lines that begin with `#` are skipped (deb822 sources, control files), not refused. */
  readonly comments?: boolean;
  /** The error for a line that is none; `INTEGRITY_METADATA` naming the byte unless told. */
  readonly malformed?: (at: number, actual: string) => BundleError;
}

const newline = 10;

function malformed(options: ScanOptions, at: number, actual: string): BundleError {
  if (options.malformed !== undefined) return options.malformed(at, actual);
  return new BundleError('INTEGRITY_METADATA', { subject: `${options.subject} at byte ${at}`, expected: 'a "Name: value" field, a continuation line or an empty line', actual });
}

const isBlank = (code: number | undefined): boolean => code === 32 || code === 9 || code === 13;

function isEmptyLine(bytes: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at += 1) if (!isBlank(bytes[at])) return false;
  return true;
}

/**
 * Visits every stanza of `bytes` in order. Throws `INTEGRITY_METADATA` for a line that is no field and for a stanza that is too long.
 * Bytes are not decoded; field names are not compared.
 */
export function scanStanzas(bytes: Buffer, visitor: StanzaVisitor, options: ScanOptions): void {
  const limit = options.maxStanzaBytes ?? 4 << 20;
  const length = bytes.length;
  let stanzaStart = -1;
  let nameStart = -1;
  let nameEnd = -1;
  let valueEnd = -1;
  let lineStart = 0;
  const closeField = (): void => {
    if (nameStart < 0) return;
    let from = nameEnd + 1;
    while (from < valueEnd && isBlank(bytes[from])) from += 1;
    visitor.field(nameStart, nameEnd, from, valueEnd);
    nameStart = -1;
  };
  while (lineStart < length) {
    let lineEnd = bytes.indexOf(newline, lineStart);
    if (lineEnd < 0) lineEnd = length;
    const first = bytes[lineStart] as number;
    const continues = first === 32 || first === 9;
    if (lineEnd === lineStart || ((continues || first === 13) && isEmptyLine(bytes, lineStart, lineEnd))) {
      closeField();
      if (stanzaStart >= 0) visitor.stanza(stanzaStart, lineStart);
      stanzaStart = -1;
    } else if (first === 35 && options.comments === true) {
      // A comment stands between lines of a field without ending it.
    } else {
      if (stanzaStart < 0) stanzaStart = lineStart;
      if (lineEnd - stanzaStart > limit) throw malformed(options, stanzaStart, `a stanza of more than ${limit} bytes`);
      if (continues) {
        if (nameStart < 0) throw malformed(options, lineStart, 'a continuation line without a field');
      } else {
        closeField();
        let colon = lineStart;
        while (colon < lineEnd && bytes[colon] !== 58) colon += 1;
        if (colon === lineEnd || colon === lineStart) throw malformed(options, lineStart, 'a line without a field name');
        nameStart = lineStart;
        nameEnd = colon;
      }
      valueEnd = lineEnd > lineStart && bytes[lineEnd - 1] === 13 ? lineEnd - 1 : lineEnd;
    }
    lineStart = lineEnd + 1;
  }
  closeField();
  if (stanzaStart >= 0) visitor.stanza(stanzaStart, length);
}

/** Fields of one stanza by lower-case name; values decoded as UTF-8, continuation lines joined by newlines as they stand. */
export type Stanza = ReadonlyMap<string, string>;

/** Comments that stand between the lines of a value are no part of it. */
const withoutComments = (value: string): string => value.replace(/\n#[^\n]*/g, '');

/** Every stanza of a small document. A field that stands twice is refused with `INTEGRITY_METADATA`. Throws like {@link scanStanzas}. */
export function parseStanzas(content: Uint8Array | string, options: ScanOptions & { readonly fieldAt?: (stanza: number, name: string, start: number) => void }): Stanza[] {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const stanzas: Stanza[] = [];
  let fields = new Map<string, string>();
  scanStanzas(bytes, {
    field(start, nameEnd, valueStart, valueEnd) {
      const name = bytes.toString('latin1', start, nameEnd).toLowerCase();
      if (fields.has(name)) throw malformed(options, start, `the field ${name} a second time`);
      const value = bytes.toString('utf8', valueStart, valueEnd);
      fields.set(name, options.comments === true ? withoutComments(value) : value);
      options.fieldAt?.(stanzas.length, name, start);
    },
    stanza() {
      stanzas.push(fields);
      fields = new Map();
    },
  }, options);
  return stanzas;
}
