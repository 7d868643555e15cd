export interface NameTableParts {
  readonly slots: Int32Array<ArrayBufferLike>;
  readonly hashes: Int32Array<ArrayBufferLike>;
  readonly starts: Int32Array<ArrayBufferLike>;
  readonly arena: Buffer;
}

/** Names by number, in order of first mention: bytes in, no string made. Holds some 100,000 names in a few MB. */
export class NameTable {
  private slots: Int32Array<ArrayBufferLike> = new Int32Array(1 << 16).fill(-1);
  private hashes: Int32Array<ArrayBufferLike> = new Int32Array(1 << 15);
  private starts: Int32Array<ArrayBufferLike> = new Int32Array(1 << 15);
  private arena: Buffer = Buffer.allocUnsafe(1 << 20);
  private arenaEnd = 0;
  private count = 0;

  /** The table that {@link NameTable.parts} took apart. The arrays are kept and may be written to. */
  static from({ slots, hashes, starts, arena }: NameTableParts): NameTable {
    const table = new NameTable();
    table.slots = slots;
    table.hashes = hashes;
    table.starts = starts;
    table.arena = arena;
    table.arenaEnd = arena.length;
    table.count = hashes.length;
    return table;
  }

  /** Views, not copies. */
  parts(): NameTableParts {
    return { slots: this.slots, hashes: this.hashes.subarray(0, this.count), starts: this.starts.subarray(0, this.count), arena: this.arena.subarray(0, this.arenaEnd) };
  }

  get size(): number { return this.count; }

  /** The number of the name in `bytes` from `start` to `end`; a new one when it was not mentioned before. */
  intern(bytes: Buffer, start: number, end: number): number {
    let hash = 0x811c9dc5 | 0;
    for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
    const mask = this.slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const id = this.slots[slot] as number;
      if (id < 0) break;
      if (this.hashes[id] === hash && this.equals(id, bytes, start, end)) return id;
      slot = (slot + 1) & mask;
    }
    return this.add(hash, slot, bytes, start, end);
  }

  /** The number of `name`, or -1 when it was never mentioned. */
  find(name: string): number {
    const bytes = Buffer.from(name, 'latin1');
    let hash = 0x811c9dc5 | 0;
    for (const code of bytes) hash = Math.imul(hash ^ code, 0x01000193);
    const mask = this.slots.length - 1;
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const id = this.slots[slot] as number;
      if (id < 0) return -1;
      if (this.hashes[id] === hash && this.equals(id, bytes, 0, bytes.length)) return id;
    }
  }

  nameOf(id: number): string {
    return this.arena.toString('latin1', this.starts[id], this.endOf(id));
  }

  private endOf(id: number): number {
    return id + 1 < this.count ? this.starts[id + 1] as number : this.arenaEnd;
  }

  private equals(id: number, bytes: Buffer, start: number, end: number): boolean {
    const from = this.starts[id] as number;
    if (this.endOf(id) - from !== end - start) return false;
    for (let at = start, own = from; at < end; at += 1, own += 1) if (bytes[at] !== this.arena[own]) return false;
    return true;
  }

  private add(hash: number, slot: number, bytes: Buffer, start: number, end: number): number {
    const id = this.count;
    if (id >= this.hashes.length) {
      this.hashes = grown(this.hashes);
      this.starts = grown(this.starts);
    }
    const length = end - start;
    if (this.arenaEnd + length > this.arena.length) this.arena = Buffer.concat([this.arena], Math.max(this.arena.length * 2, this.arenaEnd + length, 1 << 12));
    this.hashes[id] = hash;
    this.starts[id] = this.arenaEnd;
    bytes.copy(this.arena, this.arenaEnd, start, end);
    this.arenaEnd += length;
    this.count += 1;
    this.slots[slot] = id;
    if (this.count * 2 > this.slots.length) this.rehash();
    return id;
  }

  private rehash(): void {
    this.slots = new Int32Array(this.slots.length * 2).fill(-1);
    const mask = this.slots.length - 1;
    for (let id = 0; id < this.count; id += 1) {
      const hash = this.hashes[id] as number;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while ((this.slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      this.slots[slot] = id;
    }
  }
}

/** `array` with twice the room. */
export function grown(array: Int32Array<ArrayBufferLike>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(array.length * 2, 64));
  larger.set(array);
  return larger;
}
