import { open } from 'node:fs/promises';
import { BundleError } from '../bom/errors.ts';
import { type Lock, parseLock } from '../bom/lock.ts';
import { type Holdings, holdingsOfLock, holdingsOfReceipt } from '../formats/archive/holdings.ts';
import { parseReceipt, type Receipt } from '../formats/archive/receipt.ts';
import { openArchive } from '../importer/archive-file.ts';
import { readLock as lockInArchive } from '../importer/archive-lock.ts';
import type { TrustOptions } from '../importer/signature.ts';
import { readInput, readInputBytes } from './context.ts';

/** What a file that says what a site has, or should have, turned out to be. */
export type SiteState = { readonly kind: 'lock' | 'archive'; readonly lock: Lock } | { readonly kind: 'receipt'; readonly receipt: Receipt };

/** A lock, an archive or a receipt, told apart by how the file begins. Throws what reading each of them throws. */
export async function readSiteState(path: string, trust: TrustOptions): Promise<SiteState> {
  const start = await startOf(path);
  if (start.startsWith('longshore/manifest.json\0')) return { kind: 'archive', lock: await lockInArchive(await openArchive([path])) };
  if (start.startsWith('-----BEGIN PGP SIGNED MESSAGE-----') || /"kind"\s*:\s*"Receipt"/.test(start)) {
    return { kind: 'receipt', receipt: await parseReceipt(readInputBytes(path), { subject: path, ...trust }) };
  }
  if (start.trimStart().startsWith('{')) return { kind: 'lock', lock: parseLock(readInput(path), path) };
  throw new BundleError('INPUT_FLAG', { subject: path, expected: 'a lock, an archive or a receipt', actual: 'something else' });
}

export async function readHoldings(path: string, trust: TrustOptions): Promise<Holdings> {
  const state = await readSiteState(path, trust);
  return state.kind === 'receipt' ? holdingsOfReceipt(state.receipt, path) : holdingsOfLock(state.lock, path);
}

async function startOf(path: string): Promise<string> {
  try {
    const handle = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'a file that can be read', actual: (cause as NodeJS.ErrnoException).code ?? String(cause) }, { cause });
  }
}
