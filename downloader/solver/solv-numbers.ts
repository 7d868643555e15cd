/** A list of whole numbers that grows. */
export class NumberList {
  private items: Int32Array<ArrayBufferLike>;
  length: number;

  /** With these numbers, which are kept and may be written to. */
  constructor(items: Int32Array<ArrayBufferLike> = new Int32Array(1 << 10), length = 0) {
    this.items = items;
    this.length = length;
  }

  at(index: number): number { return this.items[index] as number; }
  set(index: number, value: number): void { this.items[index] = value; }

  push(value: number): void {
    if (this.length === this.items.length) {
      const larger = new Int32Array(Math.max(this.items.length * 2, 1 << 10));
      larger.set(this.items);
      this.items = larger;
    }
    this.items[this.length] = value;
    this.length += 1;
  }

  slice(from: number, to: number): Int32Array<ArrayBufferLike> { return this.items.subarray(from, to); }
}

export interface TripleParts { readonly slots: Int32Array<ArrayBufferLike>; readonly keys: NumberList }

/** Numbers for triples of whole numbers, in order of first mention. */
export class TripleTable {
  private slots: Int32Array<ArrayBufferLike>;
  private readonly keys: NumberList;

  constructor(parts: TripleParts = { slots: new Int32Array(1 << 12).fill(-1), keys: new NumberList() }) {
    this.slots = parts.slots;
    this.keys = parts.keys;
  }

  /** What a table can be made of again; views. */
  parts(): TripleParts { return { slots: this.slots, keys: this.keys }; }

  get size(): number { return this.keys.length / 3; }
  part(id: number, index: 0 | 1 | 2): number { return this.keys.at(id * 3 + index); }

  intern(a: number, b: number, c: number): number {
    const mask = this.slots.length - 1;
    for (let slot = hashOf(a, b, c) & mask; ; slot = (slot + 1) & mask) {
      const id = this.slots[slot] as number;
      if (id < 0) return this.add(slot, a, b, c);
      if (this.keys.at(id * 3) === a && this.keys.at(id * 3 + 1) === b && this.keys.at(id * 3 + 2) === c) return id;
    }
  }

  private add(slot: number, a: number, b: number, c: number): number {
    const id = this.size;
    this.slots[slot] = id;
    for (const part of [a, b, c]) this.keys.push(part);
    if (this.size * 2 > this.slots.length) this.rehash();
    return id;
  }

  private rehash(): void {
    this.slots = new Int32Array(this.slots.length * 2).fill(-1);
    const mask = this.slots.length - 1;
    for (let id = 0; id < this.size; id += 1) {
      let slot = hashOf(this.part(id, 0), this.part(id, 1), this.part(id, 2)) & mask;
      while ((this.slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      this.slots[slot] = id;
    }
  }
}

function hashOf(a: number, b: number, c: number): number {
  const mixed = Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b) ^ Math.imul(c + 7, 0xc2b2ae35);
  return mixed ^ (mixed >>> 15);
}
