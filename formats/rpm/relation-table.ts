// `<rpm:entry>` of rpm-md: one object for each relation of an index, found again by the bytes of its tag.
import type { Evr } from './evr.ts';
import type { RpmOperator, RpmRelation } from './relation.ts';
import type { XmlScanner } from './xml-scanner.ts';

const operators: Readonly<Record<string, RpmOperator>> = { EQ: '=', LT: '<', LE: '<=', GT: '>', GE: '>=' };

/** Beyond this, tags are read anew each time: the tables stay bounded whatever the index holds. */
const maxKeyBytes = 256 << 20;

const [lt, gt, slash] = [0x3c, 0x3e, 0x2f];
const tagStart = Buffer.from('<rpm:entry ');

/** A table that someone filled with colliding tags is searched no further than this. */
const maxProbes = 64;
const crowded = Number.NEGATIVE_INFINITY;

/** A whole number that a double holds exactly, or undefined. */
export function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}

/** `epoch`, `ver` and `rel` of the element just opened. Throws `INTEGRITY_METADATA` for an epoch that is none. */
export function readEvr(scanner: XmlScanner): Evr {
  const epochText = scanner.attribute('epoch');
  const epoch = epochText === undefined || epochText === '' ? 0 : wholeNumber(epochText);
  if (epoch === undefined || epoch > 0xffff_ffff) throw scanner.fail('an epoch from 0 to 4294967295', JSON.stringify(epochText));
  return { epoch, version: scanner.attribute('ver') ?? '', release: scanner.attribute('rel') ?? '' };
}

function readEntry(scanner: XmlScanner): RpmRelation {
  const name = scanner.attribute('name');
  if (name === undefined || name === '') throw scanner.fail('a relation with a name', 'none');
  const flags = scanner.attribute('flags');
  const pre = scanner.attribute('pre') === '1' ? { pre: true } : {};
  if (flags === undefined) return { name, ...pre };
  const op = operators[flags];
  if (op === undefined) throw scanner.fail('flags EQ, LT, LE, GT or GE', JSON.stringify(flags.slice(0, 40)));
  return { name, op, evr: readEvr(scanner), ...pre };
}

/**
 * The relations of one index. Most tags stand there hundreds of times: their bytes are hashed and compared, and only what is new is read as XML.
 * The bytes of a tag are remembered only after the scanner took them for a whole, well-formed tag, so finding them again needs no second check.
 */
export class RelationTable {
  private keys = Buffer.allocUnsafe(1 << 20);
  private keysEnd = 0;
  /** Position in `relations` + 1; 0 is free. */
  private slots = new Int32Array(1 << 14);
  private readonly hashes: number[] = [];
  private readonly keyStarts: number[] = [0];
  private readonly relations: RpmRelation[] = [];

  /** The entries of the element just opened, up to and with its closing tag. */
  read(scanner: XmlScanner): RpmRelation[] {
    const found: RpmRelation[] = [];
    for (;;) {
      const known = this.known(scanner);
      if (known !== undefined) {
        found.push(known);
        continue;
      }
      if (scanner.nextChild() === undefined) return found;
      if (scanner.name !== 'rpm:entry') throw scanner.fail('<rpm:entry>', `<${scanner.name}>`);
      const from = scanner.tokenStart;
      const to = scanner.at;
      const relation = readEntry(scanner);
      found.push(relation);
      const depth = scanner.depth;
      scanner.skipTo(depth - 1);
      if (scanner.at === to) this.keep(scanner.bytes, { from, to, relation });
    }
  }

  /** The relation whose tag comes next, when that tag was read before; the scanner then stands behind it. */
  private known(scanner: XmlScanner): RpmRelation | undefined {
    if (scanner.isSelfClosed) return undefined;
    const { bytes } = scanner;
    let from = scanner.at;
    while (bytes[from] === 10 || bytes[from] === 32 || bytes[from] === 9) from += 1;
    for (let index = 0; index < tagStart.length; index += 1) if (bytes[from + index] !== tagStart[index]) return undefined;
    let hash = 0;
    let to = from + tagStart.length;
    for (let byte = bytes[to] ?? gt; byte !== gt && byte !== lt; byte = bytes[to] ?? gt) {
      hash = (Math.imul(hash, 31) + byte) | 0;
      to += 1;
    }
    to += 1;
    if (to > scanner.windowEnd || bytes[to - 2] !== slash) return undefined;
    const index = this.find(bytes, { from, to, hash });
    if (index < 0) return undefined;
    scanner.at = to;
    return this.relations[index];
  }

  /** Position of the relation, -1 - (the slot where it would stand), or `crowded`. */
  private find(bytes: Buffer, { from, to, hash }: { readonly from: number; readonly to: number; readonly hash: number }): number {
    const mask = this.slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let probe = 0; probe < maxProbes; probe += 1) {
      const index = (this.slots[slot] ?? 0) - 1;
      if (index < 0) return -1 - slot;
      if (this.hashes[index] === hash && this.sameKey(index, bytes, { from, to })) return index;
      slot = (slot + 1) & mask;
    }
    return crowded;
  }

  private sameKey(index: number, bytes: Buffer, { from, to }: { readonly from: number; readonly to: number }): boolean {
    const start = this.keyStarts[index] ?? 0;
    const { keys } = this;
    if ((this.keyStarts[index + 1] ?? 0) - start !== to - from) return false;
    for (let at = from, key = start; at < to; at += 1, key += 1) if (bytes[at] !== keys[key]) return false;
    return true;
  }

  private keep(bytes: Buffer, { from, to, relation }: { readonly from: number; readonly to: number; readonly relation: RpmRelation }): void {
    const length = to - from;
    if (this.keysEnd + length > maxKeyBytes) return;
    let hash = 0;
    for (let at = from + tagStart.length; at < to - 1; at += 1) hash = (Math.imul(hash, 31) + (bytes[at] ?? 0)) | 0;
    const place = this.find(bytes, { from, to, hash });
    if (place >= 0 || place === crowded) return;
    if (this.keysEnd + length > this.keys.length) {
      const keys = Buffer.allocUnsafe(Math.max(2 * this.keys.length, this.keysEnd + length));
      this.keys.copy(keys, 0, 0, this.keysEnd);
      this.keys = keys;
    }
    bytes.copy(this.keys, this.keysEnd, from, to);
    this.keysEnd += length;
    this.keyStarts.push(this.keysEnd);
    this.hashes.push(hash);
    this.relations.push(relation);
    this.slots[-1 - place] = this.relations.length;
    if (this.relations.length * 2 > this.slots.length) this.grow();
  }

  private grow(): void {
    const slots = new Int32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (const [index, hash] of this.hashes.entries()) {
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.slots = slots;
  }
}
