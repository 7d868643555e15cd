import { type FileHandle, open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { BundleError } from '../bom/errors.ts';
import { storageError } from '../store/durable-file.ts';

/** 128 KiB: bigger reads leave the processor's cache, smaller ones cost calls. */
export const readSizeBytes = 128 * 1024;
/** Idle buffers that are kept for the next answer. */
const spareLimit = 64;
const spare: Buffer[] = [];

/**
 * Writes bytes `start` to `end` of a file as the body of `response`, which is ended. Reads one buffer while the other one is sent, and holds those
 * two only, whatever the size and however slow the client. Throws when the file is too short or cannot be read, or the client leaves; the file is
 * closed in any case.
 */
export async function sendFile(response: ServerResponse, path: string, range: { readonly start: number; readonly end: number }): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (cause) {
    throw storageError(path, cause);
  }
  const buffers: [Buffer, Buffer] = [spare.pop() ?? Buffer.allocUnsafeSlow(readSizeBytes), spare.pop() ?? Buffer.allocUnsafeSlow(readSizeBytes)];
  const gone = leaving(response);
  let sent: Promise<unknown> = Promise.resolve();
  let whole = false;
  try {
    for (let position = range.start, turn = 0; position < range.end; turn ^= 1) {
      const buffer = buffers[turn] ?? buffers[0];
      const { bytesRead } = await file.read(buffer, 0, Math.min(readSizeBytes, range.end - position), position);
      if (bytesRead === 0) throw new BundleError('INTEGRITY_SIZE', { subject: path, expected: `bytes up to ${range.end}`, actual: `an end at ${position}` });
      await sent;
      sent = Promise.race([write(response, buffer.subarray(0, bytesRead)), gone.promise]);
      sent.catch(() => undefined);
      position += bytesRead;
    }
    await sent;
    response.end();
    whole = true;
  } finally {
    gone.stop();
    // After an early end, the system may still be sending from them.
    if (whole && spare.length + 2 <= spareLimit) spare.push(...buffers);
    await file.close();
  }
}

function write(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((done, fail) => { response.write(chunk, (cause) => { if (cause) fail(cause); else done(); }); });
}

/** Rejects when the client leaves before the end. */
function leaving(response: ServerResponse): { readonly promise: Promise<never>; stop(): void } {
  let listener = (): void => undefined;
  const promise = new Promise<never>((_, fail) => {
    listener = () => { fail(new BundleError('TRANSFER_CUT', { subject: 'client', expected: 'to take the whole answer', actual: 'it left' })); };
    response.once('close', listener);
  });
  promise.catch(() => undefined);
  return { promise, stop: () => { response.off('close', listener); } };
}
