import { createHash, type Hash } from 'node:crypto';
import type { BodyTaker } from './direct-connection.ts';
import { type BlockBuffers, BlockWriter, type SinkError, writeAll } from './block-writer.ts';

/** What the beginning of a sink's content hashes to, and of it what lies from `tailFrom` on. */
export class Hashed {
  position = 0;
  readonly tailFrom: number | undefined;
  private readonly whole = createHash('sha256');
  private readonly tail: Hash | undefined;

  constructor(tailFrom: number | undefined) {
    this.tailFrom = tailFrom;
    this.tail = tailFrom === undefined ? undefined : createHash('sha256');
  }

  take(chunk: Uint8Array): void {
    const before = Math.max(0, (this.tailFrom ?? 0) - this.position);
    this.whole.update(chunk);
    if (before < chunk.length) this.tail?.update(before === 0 ? chunk : chunk.subarray(before));
    this.position += chunk.length;
  }

  /** Once. */
  digests(): { readonly hex: string; readonly tailHex?: string } {
    const tailHex = this.tail?.digest('hex');
    return { hex: this.whole.digest('hex'), ...(tailHex === undefined ? {} : { tailHex }) };
  }
}

/** Who is told of an order: `end` or `fail` last, once. */
export interface Told {
  /** So many bytes of the body are in the file, or not wanted there. */
  wrote(bytes: number): void;
  /** Nothing has been told for a while. */
  readonly isDue: boolean;
  end(digests?: { readonly hex?: string; readonly tailHex?: string }): void;
  fail(error: Error): void;
  /** Ends the exchange, if it still runs. */
  stop(error: Error): void;
  /** The exchange is over; `end` or `fail` is still to come. */
  left(): void;
}

export interface Taking {
  readonly told: Told;
  readonly hashed: Hashed;
  readonly sink: { readonly fd: number; readonly sizeBytes: number };
  /** How much of the body lies in the file already. */
  readonly known: number;
}

/** Content that goes into its file at once, out of one small buffer that stays in the processor's cache. */
export function contentTaker({ told, hashed, sink, known }: Taking, buffer: Uint8Array): BodyTaker {
  let toSkip = known;
  return {
    room: () => buffer,
    received(count) {
      // More than the content has is not written, only told of.
      const skipped = Math.min(count, toSkip);
      toSkip -= skipped;
      const chunk = buffer.subarray(skipped, Math.min(count, skipped + sink.sizeBytes - hashed.position));
      writeAll(sink.fd, chunk, hashed.position);
      hashed.take(chunk);
      told.wrote(count);
      return true;
    },
    ended: () => told.end(hashed.position === sink.sizeBytes ? hashed.digests() : {}),
    failed: (error) => told.fail(error),
  };
}

/** What is received waits so long, or twice, for enough to be written at once. */
const settleMs = 200;

export interface ByBlocks {
  readonly buffers: BlockBuffers;
  readonly unbufferedFd: number;
  /** Goes on with a body of which no more was wanted for a while. */
  readonly resume: () => void;
}

/** The same for large content, past the page cache; undefined when there is no memory for it. Throws `SinkError`. */
export function blockTaker({ told, hashed, sink, known }: Taking, { buffers, unbufferedFd, resume }: ByBlocks): BodyTaker | undefined {
  const ring = buffers.take();
  if (ring === undefined) return undefined;
  const writer = new BlockWriter({ fd: sink.fd, unbufferedFd, at: hashed.position }, ring, { onWritten: (bytes) => told.wrote(bytes), onRoom: resume, onFailed: (error) => told.stop(error) });
  let toSkip = known;
  // Not with the bytes that come: what came before a silence would wait for its end.
  const settling = setInterval(() => { if (told.isDue) writer.settle(); }, settleMs);
  const leave = (then: () => void): void => {
    clearInterval(settling);
    told.left();
    writer.finish().then(then, (error: SinkError) => told.fail(error)).finally(() => buffers.give(ring));
  };
  return {
    room: () => writer.room(),
    received(count) {
      const room = writer.room();
      const skipped = Math.min(count, toSkip);
      toSkip -= skipped;
      if (skipped > 0) room.copyWithin(0, skipped, count);
      const wanted = Math.min(count - skipped, sink.sizeBytes - hashed.position);
      if (wanted < count) told.wrote(count - wanted);
      hashed.take(room.subarray(0, wanted));
      writer.add(wanted);
      return !writer.isFull;
    },
    ended: () => leave(() => told.end(hashed.position === sink.sizeBytes ? hashed.digests() : {})),
    failed: (error) => leave(() => told.fail(error)),
  };
}
