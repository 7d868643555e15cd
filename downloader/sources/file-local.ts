import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Digest, digestFromHex } from '../../bom/digest.ts';
import { BundleError, checkNotAborted } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import { type Evidence, EvidenceCheck } from './file-evidence.ts';

export interface Hashed { readonly digest: Digest; readonly size: number }

export interface Hashing { readonly subject: string; readonly checks: readonly Evidence[]; readonly signal: AbortSignal }

/** The path of a `file:` address on this machine; undefined for everything else. */
export function localPathOf(url: string): string | undefined {
  return /^file:\/\/(?:localhost)?\//i.test(url) && URL.canParse(url) ? fileURLToPath(new URL(url.replace(/^file:\/\/localhost/i, 'file://'))) : undefined;
}

/** The bytes of a local file from `offset` on. */
export function openFile(path: string, offset: number): Bytes {
  return createReadStream(path, { start: offset, highWaterMark: 128 * 1024 });
}

/** Digest and size of a regular file. Throws `INPUT_MISSING_FILE`, and `INTEGRITY_DIGEST` when evidence does not match. */
export async function hashFile(path: string, hashing: Hashing): Promise<Hashed> {
  try {
    const handle = await open(path);
    const regular = (await handle.stat()).isFile();
    await handle.close();
    if (!regular) throw new BundleError('INPUT_MISSING_FILE', { subject: hashing.subject, expected: 'a regular file', actual: path });
    return await hashBytes(openFile(path, 0), hashing);
  } catch (cause) {
    if (cause instanceof BundleError) throw cause;
    throw new BundleError('INPUT_MISSING_FILE', { subject: hashing.subject, expected: 'a file that can be read', actual: (cause as Error).message }, { cause });
  }
}

/** Reads all of `bytes`. Throws `INTEGRITY_DIGEST` when evidence does not match. */
export async function hashBytes(bytes: Bytes, { subject, checks, signal }: Hashing): Promise<Hashed> {
  const hash = createHash('sha256');
  const evidence = new EvidenceCheck(checks);
  let size = 0;
  for await (const chunk of bytes) {
    checkNotAborted(signal, subject);
    hash.update(chunk);
    evidence.update(chunk);
    size += chunk.length;
  }
  evidence.verify(subject);
  return { digest: digestFromHex(hash.digest('hex')), size };
}

/** Writes `bytes` to a private file under `folder`, hashes them on the way, and gives the file to `use`; it is gone when this returns. */
export async function spooled<T>(bytes: Bytes, options: Hashing & { readonly folder: string }, use: (path: string, content: Hashed) => Promise<T>): Promise<T> {
  const folder = await storing(options.subject, () => mkdtemp(join(options.folder, 'longshore-')));
  try {
    const path = join(folder, 'content');
    const file = await storing(options.subject, () => open(path, 'wx', 0o600));
    try {
      return await use(path, await hashBytes(written(bytes, (chunk) => storing(options.subject, () => file.writeFile(chunk))), options));
    } finally {
      await file.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* written(bytes: Bytes, write: (chunk: Uint8Array) => Promise<void>): Bytes {
  for await (const chunk of bytes) {
    await write(chunk);
    yield chunk;
  }
}

/** `work` on a temporary copy, its failures as storage errors. */
export async function storing<T>(subject: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof BundleError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new BundleError(code === 'ENOSPC' || code === 'EDQUOT' ? 'STORAGE_SPACE' : 'STORAGE_IO', { subject, expected: 'room for a temporary copy', actual: message }, { cause });
  }
}
