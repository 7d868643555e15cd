// What indexes say of packages beside what choosing needs, as columns that can be kept in a file.
import type { RpmChecksum, RpmPackage } from '../../formats/rpm/package.ts';
import type { RecordPlace } from '../../formats/rpm/xml-records.ts';
import { bytesOf } from '../solver/table-image.ts';

/** What the index says of a package beside what choosing needs. */
export interface PackageFacts {
  /** Of its element in the decompressed primary. */
  readonly place: RecordPlace;
  readonly checksum: RpmChecksum;
  readonly size: number;
  readonly location: string;
  readonly base: string | undefined;
  /** Where its headers end, as the index says; 0 when it does not. */
  readonly headerEnd: number;
}

export const factSections = 4;

/** Columns by package number: a row as an object would cost four times as much. */
export class FactTable {
  private readonly numbers: NumberColumns;
  private readonly checksums: TextColumn;
  private readonly locations: TextColumn;
  private readonly bases: Map<number, string>;

  /** Empty, or of the sections that {@link FactTable.sections} gave. */
  constructor(sections: readonly Buffer[] = []) {
    const [numbers, checksums, locations, bases] = sections;
    this.numbers = new NumberColumns(4, numbers);
    this.checksums = new TextColumn(checksums);
    this.locations = new TextColumn(locations);
    const texts = textsIn(bases);
    this.bases = new Map(Array.from({ length: texts.length / 2 }, (_, index) => [Number(texts[index * 2]), texts[index * 2 + 1] ?? '']));
  }

  sections(): Buffer[] {
    return [this.numbers.bytes(this.checksums.length), this.checksums.bytes(), this.locations.bytes(), bytesOfTexts([...this.bases].flatMap(([id, base]) => [String(id), base]))];
  }

  set(id: number, { place, size, checksum, location, base, headerRange }: RpmPackage): void {
    this.numbers.set(id, [place.offset, place.length, size, headerRange?.end ?? 0]);
    this.checksums.set(id, `${checksum.type}:${checksum.value}`);
    this.locations.set(id, location);
    if (base !== undefined) this.bases.set(id, base);
  }

  of(id: number): PackageFacts {
    const [offset = 0, length = 0, size = 0, headerEnd = 0] = this.numbers.of(id);
    const [type = '', value = ''] = this.checksums.at(id).split(':');
    return { place: { offset, length }, size, headerEnd, checksum: { type, value }, location: this.locations.at(id), base: this.bases.get(id) };
  }
}

/** Rows of `width` numbers below 2^53. */
class NumberColumns {
  private values: Float64Array<ArrayBufferLike>;
  private readonly width: number;

  constructor(width: number, bytes?: Buffer) {
    this.width = width;
    this.values = bytes === undefined ? new Float64Array(1 << 14) : new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
  }

  bytes(rows: number): Buffer { return bytesOf(this.values.subarray(0, rows * this.width)); }

  set(row: number, numbers: readonly number[]): void {
    const at = row * this.width;
    if (at + this.width > this.values.length) {
      const more = new Float64Array(Math.max(this.values.length * 2, at + this.width));
      more.set(this.values);
      this.values = more;
    }
    this.values.set(numbers, at);
  }

  of(row: number): Float64Array { return this.values.subarray(row * this.width, (row + 1) * this.width); }
}

/** Texts by row. Of those that were read back most are never asked for, so each is decoded when it is. */
class TextColumn {
  private readonly kept: Buffer | undefined;
  private readonly fresh: string[] = [];
  private starts: Int32Array | undefined;

  constructor(kept?: Buffer) { this.kept = kept; }

  get length(): number { return this.kept === undefined ? this.fresh.length : this.keptStarts(this.kept).length - 1; }

  bytes(): Buffer { return this.kept ?? bytesOfTexts(this.fresh); }

  set(row: number, text: string): void {
    if (this.kept !== undefined) throw new Error('rows that were read back do not change');
    this.fresh[row] = text;
  }

  at(row: number): string {
    if (this.kept === undefined) return this.fresh[row] ?? '';
    const starts = this.keptStarts(this.kept);
    return this.kept.toString('utf8', starts[row], (starts[row + 1] ?? 1) - 1);
  }

  /** Of each row, and one more. */
  private keptStarts(kept: Buffer): Int32Array {
    if (this.starts !== undefined) return this.starts;
    const found = [0];
    for (let at = kept.indexOf(0); at !== -1; at = kept.indexOf(0, at + 1)) found.push(at + 1);
    this.starts = Int32Array.from(found);
    return this.starts;
  }
}

/** Each ends with a NUL, which XML does not have. A number that stands for no package has an empty text. */
function bytesOfTexts(texts: readonly string[]): Buffer { return Buffer.from(Array.from(texts, (text: string | undefined) => `${text ?? ''}\0`).join('')); }

function textsIn(bytes: Buffer | undefined): string[] { return bytes === undefined ? [] : bytes.toString('utf8').split('\0').slice(0, -1); }
