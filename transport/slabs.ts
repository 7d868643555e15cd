/** Bytes of one slab. */
const slabBytes = 256 * 1024;
/** Less room than this is not worth a read of the socket. */
const leastRoomBytes = 128 * 1024;
/** How many chunks stay untouched after the one that was taken last. */
const keptChunks = 3;

interface Slab { readonly bytes: Uint8Array; outstanding: number; current: boolean }

/**
 * Memory that a socket fills and a reader takes, used over and over: allocating a buffer for each read costs more than the read itself.
 * Invariant: what was taken *must* stay untouched until three more chunks were taken. Bytes that arrive while the reader works are taken together.
 */
export class Slabs {
  private slab: Slab;
  private filled = 0;
  private start = 0;
  private ready: { readonly slab: Slab; readonly bytes: Uint8Array }[] = [];
  private readonly lent: Slab[] = [];
  private readonly free: Slab[];
  private waiting = 0;
  /** Bytes of the body that are still to come. */
  private left: number;

  /**
   * For a body of `length` bytes; a short one gets no more memory than that. `before`: what the body before it used, to be used again where
   * nobody can still look at it.
   */
  constructor(length: number, before?: Slabs) {
    this.left = length;
    this.free = before?.free.splice(0) ?? [];
    this.slab = length < slabBytes ? newSlab(length) : this.free.pop() ?? newSlab();
    this.slab.current = true;
  }

  /** Bytes that were received and not taken. */
  get waitingBytes(): number { return this.waiting; }

  /** Where the next bytes go. */
  room(): Uint8Array {
    if (this.slab.bytes.length - this.filled < Math.min(leastRoomBytes, this.left)) this.turn();
    return this.slab.bytes.subarray(this.filled);
  }

  /** `count` bytes were put at the start of {@link room}. */
  received(count: number): void {
    this.filled += count;
    this.waiting += count;
    this.left -= count;
  }

  /** The received bytes that come next, as many as lie together; undefined when there are none. */
  take(): Uint8Array | undefined {
    const first = this.ready.shift();
    const slab = first?.slab ?? this.slab;
    const bytes = first?.bytes ?? this.slab.bytes.subarray(this.start, this.filled);
    if (first === undefined) this.start = this.filled;
    if (bytes.length === 0) return undefined;
    slab.outstanding += 1;
    this.lent.push(slab);
    if (this.lent.length > keptChunks + 1) this.release(this.lent.shift() as Slab);
    this.waiting -= bytes.length;
    return bytes;
  }

  private turn(): void {
    const old = this.slab;
    if (this.filled > this.start) this.ready.push({ slab: old, bytes: old.bytes.subarray(this.start, this.filled) });
    old.current = false;
    this.slab = this.free.pop() ?? newSlab();
    this.slab.current = true;
    this.filled = 0;
    this.start = 0;
    this.reuse(old);
  }

  private release(slab: Slab): void {
    slab.outstanding -= 1;
    this.reuse(slab);
  }

  private reuse(slab: Slab): void {
    if (slab.bytes.length === slabBytes && !slab.current && slab.outstanding === 0 && !this.ready.some((item) => item.slab === slab) && !this.free.includes(slab)) this.free.push(slab);
  }
}

function newSlab(bytes = slabBytes): Slab {
  return { bytes: Buffer.allocUnsafeSlow(bytes), outstanding: 0, current: true };
}
