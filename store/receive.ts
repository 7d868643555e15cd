import { fstatSync } from 'node:fs';
import type { Descriptor } from '../bom/digest.ts';
import { checkNotAborted } from '../bom/errors.ts';
import type { Bytes, FileSink } from '../bom/ports.ts';
import { Verifier } from '../formats/oci/verified.ts';
import { ReceivingSink } from './file-sink.ts';
import { readFileRange } from './read-file.ts';
import type { ReceivedFile } from './received-file.ts';

export interface ReceiveOptions {
  readonly blob: Descriptor;
  readonly temporary: string;
  readonly from: (offset: number, into: FileSink) => Bytes;
  readonly signal: AbortSignal;
}

/**
 * Continues the file behind `handle` to the whole blob: what is there is hashed, the rest comes from `from`, as bytes or written by the transport.
 * When this returns or throws, nobody but the caller writes to the file any more. Throws `INTEGRITY_*`, and what `from` throws.
 */
export async function appendVerified(handle: ReceivedFile, options: ReceiveOptions): Promise<void> {
  const { blob, from } = options;
  const there = fstatSync(handle.fd).size;
  const position = there > blob.size ? 0 : there;
  if (position !== there) handle.truncate(position);
  const verifier = new Verifier(blob);
  verifier.count(position);
  const sink = new ReceivingSink(handle.fd, blob.size, () => handle.unbufferedFd());
  try {
    await take(from(position, sink), { ...options, handle, verifier, sink });
  } catch (error) {
    await sink.release();
    // What the transport wrote and did not vouch for.
    if (fstatSync(handle.fd).size > verifier.length) handle.truncate(verifier.length);
    throw error;
  }
  await sink.release();
  if (sink.hex === undefined) await catchUp(verifier, options.temporary);
  verifier.end(sink.hex);
}

/** Hashes what lies in the file and was not hashed on the way. */
async function catchUp(verifier: Verifier, path: string): Promise<void> {
  for await (const chunk of readFileRange(path, verifier.hashed, verifier.length, { borrow: true })) verifier.hash(chunk);
}

interface Taking extends ReceiveOptions { readonly handle: ReceivedFile; readonly verifier: Verifier; readonly sink: ReceivingSink }

async function take(bytes: Bytes, taking: Taking): Promise<void> {
  const { handle, verifier, sink, signal, blob, temporary } = taking;
  // Each chunk is written while the next one is received and hashed.
  let writing: Promise<unknown> = Promise.resolve();
  try {
    for await (const chunk of bytes) {
      const position = verifier.length;
      handle.grew(position);
      if (sink.owns(chunk)) {
        // Counted in any case: it lies in the file.
        verifier.count(chunk.length);
        checkNotAborted(signal, blob.digest);
        continue;
      }
      checkNotAborted(signal, blob.digest);
      sink.forget();
      if (verifier.hashed < position) await catchUp(verifier, temporary);
      verifier.count(chunk.length);
      verifier.hash(chunk);
      await writing;
      writing = handle.write(chunk, position);
      writing.catch(() => undefined);
      sink.writing = writing;
    }
  } finally {
    await writing;
  }
}
