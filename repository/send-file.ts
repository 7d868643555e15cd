import { closeSync, openSync, read } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { BundleError } from '../bom/errors.ts';
import { storageError } from '../store/durable-file.ts';

/** 128 KiB: bigger reads leave the processor's cache, smaller ones cost calls. */
export const readSizeBytes = 128 * 1024;
/** Of bodies that are sent in a few reads, where the calls cost more than the cache gains. */
const shortReadBytes = 256 * 1024;
const shortBytes = 1024 * 1024;
/** Idle buffers that are kept for the next answers, by their size, so many bytes of each. */
const spareBytes = 8 * 1024 * 1024;
const spare = new Map<number, Buffer[]>([[readSizeBytes, []], [shortReadBytes, []]]);

/**
 * Writes bytes `start` to `end` of a file as the body of `response`, which is ended. Reads one buffer while the other one is sent, and holds those
 * two only (one for a short body), whatever the size and however slow the client. Throws when the file is too short or cannot be read, or the client
 * leaves; the file is closed in any case.
 */
export async function sendFile(response: ServerResponse, path: string, range: { readonly start: number; readonly end: number }): Promise<void> {
  const fd = openLooked(path);
  const readBytes = range.end - range.start <= shortBytes ? shortReadBytes : readSizeBytes;
  const body = new SentBody(response);
  const buffers: Buffer[] = [];
  let sent: Promise<void> = Promise.resolve();
  let whole = false;
  try {
    for (let position = range.start, turn = 0; position < range.end; turn ^= 1) {
      const buffer = (buffers[turn] ??= spare.get(readBytes)?.pop() ?? Buffer.allocUnsafeSlow(readBytes));
      const count = await readAt(fd, buffer, { position, length: Math.min(readBytes, range.end - position) });
      if (count === 0) throw new BundleError('INTEGRITY_SIZE', { subject: path, expected: `bytes up to ${range.end}`, actual: `an end at ${position}` });
      await sent;
      sent = body.write(buffer.subarray(0, count));
      position += count;
    }
    await sent;
    response.end();
    whole = true;
  } finally {
    body.stop();
    // After an early end, the system may still be sending from them.
    if (whole) keep(readBytes, buffers);
    closeSync(fd);
  }
}

function keep(readBytes: number, buffers: readonly Buffer[]): void {
  const kept = spare.get(readBytes);
  if (kept !== undefined && (kept.length + buffers.length) * readBytes <= spareBytes) kept.push(...buffers);
}

/** Without a turn over another thread: whoever asks has just looked where the file lies. */
function openLooked(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw storageError(path, cause);
  }
}

/** Callbacks: a handle that gives promises takes as long again as the reading of what lies in memory. */
function readAt(fd: number, buffer: Buffer, { position, length }: { readonly position: number; readonly length: number }): Promise<number> {
  return new Promise((done, fail) => { read(fd, buffer, 0, length, position, (cause, count) => { if (cause) fail(cause); else done(count); }); });
}

/** A body on its way to a client, which may leave at any time. */
class SentBody {
  private readonly response: ServerResponse;
  private left: BundleError | undefined;
  /** Ends the wait for what is being sent. */
  private fail: ((cause: Error) => void) | undefined;

  constructor(response: ServerResponse) {
    this.response = response;
    response.once('close', this.closed);
  }

  /** Returns when the chunk was handed to the system; rejects when it cannot be, or the client leaves before. One at a time. */
  write(chunk: Uint8Array): Promise<void> {
    const sent = new Promise<void>((done, fail) => {
      if (this.left !== undefined) return fail(this.left);
      this.fail = fail;
      this.response.write(chunk, (cause) => { if (cause) fail(cause); else done(); });
    });
    // Looked at after the next read.
    sent.catch(() => undefined);
    return sent;
  }

  stop(): void {
    this.response.off('close', this.closed);
  }

  private readonly closed = (): void => {
    this.left = new BundleError('TRANSFER_CUT', { subject: 'client', expected: 'to take the whole answer', actual: 'it left' });
    this.fail?.(this.left);
  };
}
