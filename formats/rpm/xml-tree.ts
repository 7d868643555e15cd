// A small XML document as a tree: repomd.xml, comps.xml, metalinks. What is long is read with `RecordReader` instead.
import { isUtf8 } from 'node:buffer';
import { BundleError } from '../../bom/errors.ts';
import { incomplete } from './xml-cursor.ts';
import { XmlScanner } from './xml-scanner.ts';

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Character data directly in this element, joined. */
  readonly text: string;
  /** Bytes `start` to `end` of the document. */
  readonly start: number;
  readonly end: number;
}

export interface XmlTreeOptions {
  /** Whose document it is, for messages. */
  readonly subject: string;
  readonly root: string;
  readonly maxBytes: number;
  /** Pass over a document type that declares nothing itself: comps files name an external one, which is never read. */
  readonly doctype?: 'ignored';
}

function readElement(scanner: XmlScanner): XmlElement {
  const { name, tokenStart: start } = scanner;
  const attributes = scanner.allAttributes();
  const children: XmlElement[] = [];
  let text = '';
  for (;;) {
    const token = scanner.next();
    if (token === 'close') return { name, attributes, children, text, start, end: scanner.at };
    if (token === 'open') children.push(readElement(scanner));
    else if (token === 'text') text += scanner.value();
    else throw incomplete;
  }
}

/** The root element. Throws `INTEGRITY_METADATA`: too long, not UTF-8, not well formed (see `XmlScanner`), cut, another root, more after it. */
export function parseXml(bytes: Uint8Array, options: XmlTreeOptions): XmlElement {
  const { subject, root, maxBytes } = options;
  const refused = (expected: string, actual: string): BundleError => new BundleError('INTEGRITY_METADATA', { subject, expected, actual });
  if (bytes.length > maxBytes) throw refused(`at most ${maxBytes} bytes`, `${bytes.length}`);
  if (!isUtf8(bytes)) throw refused('UTF-8', 'other bytes');
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // So that white space at the very end belongs to a finished token.
  const end = buffer.toString('latin1').trimEnd().length;
  const scanner = new XmlScanner(subject, options.doctype === undefined ? {} : { doctype: options.doctype });
  scanner.window(buffer, buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? 3 : 0, end);
  let found: XmlElement | undefined;
  try {
    for (let token = scanner.next(); token !== 'end'; token = scanner.next()) {
      if (token === 'open' && found === undefined && scanner.name === root) found = readElement(scanner);
      else if (token !== 'text' || !scanner.isBlank()) throw scanner.fail(found === undefined ? `<${root}>` : 'nothing after the root element', token === 'open' ? `<${scanner.name}>` : token);
    }
  } catch (error) {
    if (error === incomplete) throw refused('a whole document', 'one that is cut');
    throw error;
  }
  if (found === undefined) throw refused(`<${root}>`, 'an empty document');
  return found;
}

/** The first child of that name. */
export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

/** Trimmed text of the first child of that name; undefined when there is none or it is empty. */
export function childText(element: XmlElement, name: string): string | undefined {
  const text = childOf(element, name)?.text.trim();
  return text === '' ? undefined : text;
}
