import { BundleError } from '../bom/errors.ts';
import type { Bytes } from '../bom/ports.ts';
import { storageError } from '../store/durable-file.ts';

/**
 * Keeps a stdout or stderr that cannot be written from ending the work: whoever reads may stop early, as `head` does, and a disk may be full. Returns
 * what tells, once everything was written, what stdout lost; that nobody reads any more is no loss.
 */
export function watchOutput(): () => Promise<BundleError | undefined> {
  let lost: Error | undefined;
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => { if (cause.code !== 'EPIPE') lost ??= cause; });
  process.stderr.on('error', () => undefined); // There is nowhere to say so; the exit code still tells how the work ended.
  return async () => {
    await new Promise((done) => { process.stdout.write('', done); });
    return lost === undefined ? undefined : storageError('stdout', lost);
  };
}

/** Writes content to stdout. Throws `STORAGE_*` when it does not take all of it, also when its reader went away. */
export async function writeToStdout(bytes: Bytes): Promise<void> {
  for await (const chunk of bytes) {
    await new Promise<void>((done, fail) => {
      process.stdout.write(chunk, (cause) => { if (cause === null || cause === undefined) done(); else fail(notWritten(cause)); });
    });
  }
}

function notWritten(cause: NodeJS.ErrnoException): BundleError {
  if (cause.code !== 'EPIPE') return storageError('stdout', cause);
  return new BundleError('STORAGE_IO', { subject: 'stdout', expected: 'a reader that takes all of it', actual: 'one that stopped early' }, { cause });
}
