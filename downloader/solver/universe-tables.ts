// What a universe is made of: numbers in typed arrays and texts in one buffer, so that it can be kept in a file and read back in one piece.
import { grown, NameTable } from './name-table.ts';

/** A list of numbers that grows; reading beyond what was set gives -1. */
export class Numbers {
  private items: Int32Array<ArrayBufferLike>;
  private end: number;

  constructor(items: Int32Array<ArrayBufferLike> = new Int32Array(1 << 12).fill(-1), end = 0) {
    this.items = items;
    this.end = end;
  }

  get(index: number): number { return index < this.end ? this.items[index] ?? -1 : -1; }

  set(index: number, value: number): void {
    while (index >= this.items.length) {
      const { length } = this.items;
      this.items = length === 0 ? new Int32Array(1 << 12) : grown(this.items);
      this.items.fill(-1, length);
    }
    this.items[index] = value;
    if (index >= this.end) this.end = index + 1;
  }

  /** How many were set, gaps included. */
  get length(): number { return this.end; }
  /** A view, not a copy. */
  view(): Int32Array<ArrayBufferLike> { return this.items.subarray(0, this.end); }
}

/** Bytes that are only added to. */
export class Texts {
  private bytes: Buffer;
  private end: number;

  constructor(bytes: Buffer = Buffer.allocUnsafe(1 << 16), end = 0) {
    this.bytes = bytes;
    this.end = end;
  }

  get length(): number { return this.end; }

  add(from: Buffer, start: number, end: number): void {
    const wanted = this.end + (end - start);
    if (wanted > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(wanted, Math.ceil(this.bytes.length * 1.6)));
      this.bytes.copy(larger, 0, 0, this.end);
      this.bytes = larger;
    }
    from.copy(this.bytes, this.end, start, end);
    this.end = wanted;
  }

  text(start: number, end: number): string { return this.bytes.toString('latin1', start, end); }
  view(): Buffer { return this.bytes.subarray(0, this.end); }
}

/** Every list of a universe by name. Versions, packages, names and indexes are numbers. */
export interface UniverseTables {
  readonly names: NameTable;
  /** Values of the fields that solving reads, one version after the other. */
  readonly texts: Texts;
  /** By version and slot where its text begins; it ends where the next one begins. */
  readonly offsets: Numbers;
  /** By version its package. */
  readonly owners: Numbers;
  /** By version the index it was read from. */
  readonly indexes: Numbers;
  /** By version start and end of its stanza in that index. */
  readonly bounds: Numbers;
  /** By version the CRC-32 of its stanza. */
  readonly checks: Numbers;
  readonly flags: Numbers;
  /** By package its version read last; by version the one before it. */
  readonly lastVersion: Numbers;
  readonly previousVersion: Numbers;
  /** By name the last link of those who provide it; links are pairs (version, link before). */
  readonly lastProvider: Numbers;
  readonly providerLinks: Numbers;
  /** Pairs (version, index) of indexes that have a version once more. */
  readonly repeats: Numbers;
  /** By package when it was first mentioned, with several architectures. */
  readonly mentions: Numbers;
  /** By version how many packages had been mentioned when its relations were read, with several architectures. */
  readonly mentionedAt: Numbers;
}

export const numberTables = ['offsets', 'owners', 'indexes', 'bounds', 'checks', 'flags', 'lastVersion', 'previousVersion', 'lastProvider', 'providerLinks', 'repeats', 'mentions', 'mentionedAt'] as const;

export function emptyTables(): UniverseTables {
  return {
    names: new NameTable(), texts: new Texts(), offsets: new Numbers(), owners: new Numbers(), indexes: new Numbers(), bounds: new Numbers(), checks: new Numbers(),
    flags: new Numbers(), lastVersion: new Numbers(), previousVersion: new Numbers(), lastProvider: new Numbers(), providerLinks: new Numbers(), repeats: new Numbers(), mentions: new Numbers(), mentionedAt: new Numbers(),
  };
}
