import type { XmlScanner } from './xml-scanner.ts';

const [lt, amp] = [0x3c, 0x26];
const openTags = [Buffer.from('<file>'), Buffer.from('<file type="dir">'), Buffer.from('<file type="ghost">')];
const closeTag = Buffer.from('</file>');

function hashOf(bytes: Uint8Array): number {
  let hash = 0;
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  return hash;
}

function startsAt(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let index = 0; index < prefix.length; index += 1) if (bytes[at + index] !== prefix[index]) return false;
  return true;
}

/** Finds a few paths among the millions of a filelists.xml by the hash of their bytes, so that only what may be one of them is read as XML. */
export class PathFinder {
  private readonly paths: ReadonlySet<string>;
  private readonly hashes: ReadonlySet<number>;

  constructor(paths: Iterable<string>) {
    this.paths = new Set(paths);
    this.hashes = new Set([...this.paths].map((path) => hashOf(Buffer.from(path))));
  }

  has(path: string): boolean {
    return this.paths.has(path);
  }

  /**
   * Moves over `<file>` elements as generators write them, up to the first that may be wanted or looks different in any way: that one is the
   * scanner's to judge. Control characters and references are.
   */
  pass(scanner: XmlScanner): void {
    if (scanner.isSelfClosed) return;
    const { bytes, windowEnd } = scanner;
    for (;;) {
      let at = scanner.at;
      while (bytes[at] === 10 || bytes[at] === 32) at += 1;
      const tag = openTags.find((each) => startsAt(bytes, at, each));
      if (tag === undefined) return;
      at += tag.length;
      let hash = 0;
      for (let byte = bytes[at] ?? lt; byte !== lt; byte = bytes[at] ?? lt) {
        if (byte === amp || byte === 0x5d || byte < 32) return;
        hash = (Math.imul(hash, 31) + byte) | 0;
        at += 1;
      }
      if (at + closeTag.length > windowEnd || !startsAt(bytes, at, closeTag) || this.hashes.has(hash)) return;
      scanner.at = at + closeTag.length;
    }
  }
}
