// Large pieces of what a CopyPool reads and writes, past the page cache: looking for pages, and copying into them, takes longer than hashing what is in them.
import { readSync, writeSync } from 'node:fs';
import { blockBytes, refusesBlocks } from '../bom/block-memory.ts';

/** From here on it gains. */
export const worthBlocksBytes = 4 * 1024 * 1024;
/** One read or write of blocks: large enough that a disk is not held up by the way to it. */
const windowBytes = 1024 * 1024;
/** What comes out of the page cache is hashed while it is in the processor's. */
const cachedBytes = 128 * 1024;
/** Before the window lies what is left of a block that was begun. */
export const blockCopyBytes = blockBytes + windowBytes;
/** The page cache gives {@link cachedBytes} in less. What is in there is not read from the disk. */
const usualColdMs = 0.12;

/** Descriptors of a file; undefined for one past the page cache that is not to be had. */
export interface BlockFiles {
  cached(): number;
  unbuffered(): number | undefined;
}

export interface BlockCopy {
  readonly from: BlockFiles & { readonly offset: number };
  readonly to?: BlockFiles & { readonly offset: number };
  readonly size: number;
  /** {@link blockCopyBytes} that begin where a page does. */
  readonly memory: Uint8Array;
  /** Told of each chunk before it is written. It stays as it is only until this returns. */
  readonly take: (chunk: Uint8Array) => void;
  /** What takes longer to come is on its way from the disk, and is read past the page cache from there on. For tests. */
  readonly coldMs?: number;
}

/** Copies (or only reads) `size` bytes; the bytes that were there: fewer when the file is shorter. Throws what the system says. */
export function copyBlocks({ from, to, size, memory, take, coldMs = usualColdMs }: BlockCopy): number {
  const reader = new BlockReader(from, memory, coldMs);
  const writer = to === undefined ? undefined : new BlockTarget(to, memory);
  let end = blockBytes;
  let done = 0;
  while (done < size) {
    const place = reader.read({ at: end, position: from.offset + done, left: size - done });
    if (place.length === 0) return done;
    take(memory.subarray(place.at, place.at + place.length));
    done += place.length;
    end = place.at + place.length;
    writer?.grew(place.at, end);
    // A read past the page cache takes all of the window.
    if (done < size && !reader.isUnbuffered && end < memory.length) continue;
    writer?.flush(done === size);
    end = blockBytes;
  }
  return done;
}

interface Place { readonly at: number; readonly length: number }

class BlockReader {
  isUnbuffered: boolean | undefined;
  private readonly file: BlockFiles;
  private readonly memory: Uint8Array;
  private readonly coldMs: number;

  constructor(file: BlockFiles, memory: Uint8Array, coldMs: number) {
    this.file = file;
    this.memory = memory;
    this.coldMs = coldMs;
  }

  /** At most `left` bytes of the file from `position` on, put at `at` or, past the page cache, where the blocks of the window begin. */
  read({ at, position, left }: { readonly at: number; readonly position: number; readonly left: number }): Place {
    return (this.isUnbuffered === true ? this.readBlocks(position, left) : undefined) ?? this.readCached(at, position, left);
  }

  private readBlocks(position: number, left: number): Place | undefined {
    const fd = this.file.unbuffered();
    this.isUnbuffered = fd !== undefined;
    if (fd === undefined) return undefined;
    const before = position % blockBytes;
    try {
      const read = readSync(fd, this.memory, blockBytes, windowBytes, position - before);
      return { at: blockBytes + before, length: Math.max(0, Math.min(read - before, left)) };
    } catch (cause) {
      if (!refusesBlocks((cause as NodeJS.ErrnoException).code)) throw cause;
      this.isUnbuffered = false;
      return undefined;
    }
  }

  private readCached(at: number, position: number, left: number): Place {
    const startMs = performance.now();
    const length = readSync(this.file.cached(), this.memory, at, Math.min(cachedBytes, left, this.memory.length - at), position);
    this.isUnbuffered ??= performance.now() - startMs > this.coldMs;
    return { at, length };
  }
}

class BlockTarget {
  private readonly file: BlockFiles;
  private readonly memory: Uint8Array;
  private isUnbuffered = true;
  /** What is to be written of the memory, and where its first byte belongs. */
  private start = blockBytes;
  private end = blockBytes;
  private position: number;

  constructor(file: BlockFiles & { readonly offset: number }, memory: Uint8Array) {
    this.file = file;
    this.memory = memory;
    this.position = file.offset;
  }

  /** Bytes `at` to `end` follow what is to be written. */
  grew(at: number, end: number): void {
    if (at > this.end) {
      // Blocks were read that begin before what was wanted of them.
      this.memory.copyWithin(at - (this.end - this.start), this.start, this.end);
      this.start += at - this.end;
    }
    this.end = end;
  }

  /** Writes whole blocks past the page cache; what is left of the last one is kept before the window, or written too when nothing follows. */
  flush(isLast: boolean): void {
    const head = Math.min((blockBytes - (this.position % blockBytes)) % blockBytes, this.end - this.start);
    this.write(head, false);
    const rest = (this.end - this.start) % blockBytes;
    this.write(this.end - this.start - rest, true);
    if (isLast) return this.write(rest, false);
    this.memory.copyWithin(blockBytes - rest, this.start, this.end);
    this.start = blockBytes - rest;
    this.end = blockBytes;
  }

  private write(length: number, isBlocks: boolean): void {
    for (const stop = this.start + length; this.start < stop;) {
      const fd = isBlocks && this.isUnbuffered && this.position % blockBytes === 0 ? this.file.unbuffered() : undefined;
      const count = this.writeOnce(fd, stop);
      this.start += count;
      this.position += count;
    }
  }

  private writeOnce(fd: number | undefined, stop: number): number {
    const { memory, start, position } = this;
    if (fd !== undefined) {
      try {
        return writeSync(fd, memory, start, stop - start, position);
      } catch (cause) {
        if (!refusesBlocks((cause as NodeJS.ErrnoException).code)) throw cause;
        this.isUnbuffered = false;
      }
    }
    return writeSync(this.file.cached(), memory, start, stop - start, position);
  }
}
