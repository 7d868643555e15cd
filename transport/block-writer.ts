import { readSync, write, writeSync } from 'node:fs';
import { blockBytes, blockMemory, refusesBlocks } from '../bom/block-memory.ts';

/** One write: large enough that a disk is not held up by the way to it. */
const bufferBytes = 1024 * 1024;
/** A socket reads so much at a time: it is still in the processor's cache when it is hashed. */
const readBytes = 256 * 1024;
/** While one is written, the other is filled. */
const ringBuffers = 2;

/** A file could not be written, or not be read back: nothing of the network. */
export class SinkError extends Error {}

/** What the system said of a file, as `SinkError`. */
export function sinkErrorOf(cause: unknown): SinkError {
  const { message, code } = cause as NodeJS.ErrnoException;
  return Object.assign(new SinkError(message), code === undefined ? {} : { code });
}

/** What `work` with a file gives. Throws `SinkError`. */
export function ofSink<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw sinkErrorOf(cause);
  }
}

export function writeAll(fd: number, chunk: Uint8Array, position: number): void {
  for (let done = 0; done < chunk.length;) done += ofSink(() => writeSync(fd, chunk, done, chunk.length - done, position + done));
}

type Ring = readonly Uint8Array[];

/** Memory whose pages begin where blocks do, used over and over; so much for all files of a thread together. */
export class BlockBuffers {
  private readonly free: Ring[] = [];
  private left: number;

  constructor(most: number) {
    this.left = most;
  }

  /** undefined where there is no more. */
  take(): Ring | undefined {
    const known = this.free.pop();
    if (known !== undefined || this.left === 0) return known;
    this.left -= 1;
    const memory = blockMemory(ringBuffers * bufferBytes);
    if (memory === undefined) this.left = 0;
    return memory === undefined ? undefined : Array.from({ length: ringBuffers }, (_, at) => memory.subarray(at * bufferBytes, (at + 1) * bufferBytes));
  }

  give(ring: Ring): void {
    this.free.push(ring);
  }
}

export interface BlockFile {
  readonly fd: number;
  /** The same file, opened for writes past the page cache. */
  readonly unbufferedFd: number;
  /** Where the first byte belongs. */
  readonly at: number;
}

export interface BlockEvents {
  /** So many bytes more are in the file. */
  readonly onWritten: (bytes: number) => void;
  /** There is room again. */
  readonly onRoom: () => void;
  readonly onFailed: (error: SinkError) => void;
}

interface Piece { readonly bytes: Uint8Array; readonly position: number; readonly known: number }

/**
 * Content on its way into a file, past the page cache: the processor neither looks for pages nor copies into them, and there is nearly nothing left to be
 * synced. It is written in order, a buffer at a time, so that what a file holds when the process is killed is the beginning of the content. A file system that
 * takes no such writes gets others.
 */
export class BlockWriter {
  private readonly file: BlockFile;
  private readonly ring: Ring;
  private readonly events: BlockEvents;
  private readonly queue: Piece[] = [];
  private isBuffered = false;
  private turn = 0;
  /** Where the buffer that is filled begins in the file, how much it holds, and how much of that lies in the file already. */
  private base: number;
  private filled: number;
  private known: number;
  private failure: SinkError | undefined;
  private onDone: (() => void) | undefined;

  /** Throws `SinkError`. */
  constructor(file: BlockFile, ring: Ring, events: BlockEvents) {
    this.file = file;
    this.ring = ring;
    this.events = events;
    this.filled = file.at % blockBytes;
    this.known = this.filled;
    this.base = file.at - this.filled;
    // A block that was begun is written again as a whole.
    for (let done = 0; done < this.filled;) {
      const read = ofSink(() => readSync(file.fd, this.current, done, this.filled - done, this.base + done));
      if (read === 0) throw new SinkError('the file became shorter');
      done += read;
    }
  }

  private get current(): Uint8Array {
    return this.ring[this.turn] as Uint8Array;
  }

  /** Nothing may be added before there is room. */
  get isFull(): boolean {
    return this.queue.length === this.ring.length;
  }

  /** Where the next bytes go, when it is not full. */
  room(): Uint8Array {
    return this.current.subarray(this.filled, this.filled + readBytes);
  }

  /** Takes the first `count` bytes of {@link room}. */
  add(count: number): void {
    this.filled += count;
    if (this.filled === bufferBytes) this.turnOver();
  }

  /** What was added and waits for more is written now, the usual way: on a slow line that would take long. */
  settle(): void {
    if (this.queue.length > 0 || this.failure !== undefined || this.known === this.filled) return;
    const bytes = this.filled - this.known;
    try {
      writeAll(this.file.fd, this.current.subarray(this.known, this.filled), this.base + this.known);
    } catch (cause) {
      return this.fail(cause as SinkError);
    }
    this.known = this.filled;
    this.events.onWritten(bytes);
  }

  /** Returns when all that was added is in the file. Throws `SinkError`; nothing is written any more in either case. */
  async finish(): Promise<void> {
    if (this.queue.length > 0) await new Promise<void>((resolve) => { this.onDone = resolve; });
    if (this.filled > this.known && this.failure === undefined) {
      this.turnOver();
      await new Promise<void>((resolve) => { this.onDone = resolve; });
    }
    if (this.failure !== undefined) throw this.failure;
  }

  private turnOver(): void {
    this.queue.push({ bytes: this.current.subarray(0, this.filled), position: this.base, known: this.known });
    this.base += this.filled;
    this.filled = 0;
    this.known = 0;
    this.turn = (this.turn + 1) % this.ring.length;
    if (this.queue.length === 1) this.begin();
  }

  private begin(): void {
    const [piece] = this.queue;
    if (piece !== undefined) this.write(piece, piece.known - (piece.known % blockBytes));
  }

  /** Writes the piece from its byte `from` on: whole blocks past the page cache, what is left of one behind them. */
  private write(piece: Piece, from: number): void {
    const { bytes, position } = piece;
    if (from === bytes.length) return this.wrote(piece);
    const blocks = this.isBuffered || from % blockBytes > 0 ? 0 : bytes.length - from - ((bytes.length - from) % blockBytes);
    const [fd, length] = blocks > 0 ? [this.file.unbufferedFd, blocks] : [this.file.fd, bytes.length - from];
    write(fd, bytes, from, length, position + from, (cause, count) => {
      if (cause === null) return this.write(piece, from + count);
      if (blocks === 0 || !refusesBlocks(cause.code)) return this.fail(sinkErrorOf(cause));
      this.isBuffered = true;
      this.write(piece, from);
    });
  }

  private wrote({ bytes, known }: Piece): void {
    const wasFull = this.isFull;
    this.queue.shift();
    this.begin();
    this.events.onWritten(bytes.length - known);
    if (this.queue.length === 0) this.onDone?.();
    if (wasFull) this.events.onRoom();
  }

  private fail(error: SinkError): void {
    this.failure = error;
    this.queue.length = 0;
    this.onDone?.();
    this.events.onFailed(error);
  }
}
