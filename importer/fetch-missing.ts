import PQueue from 'p-queue';
import type { Descriptor } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import type { Bytes } from '../bom/ports.ts';
import type { Store } from '../store/store.ts';

export interface FetchMissing {
  readonly store: Store;
  readonly blobs: readonly Descriptor[];
  /** Bytes of a blob from `offset` on, unverified. */
  readonly open: (blob: Descriptor, offset: number, signal: AbortSignal) => Bytes;
  readonly concurrency: number;
  readonly notify: Notify;
  readonly signal: AbortSignal;
}

/** Room that stays free beside what is fetched. */
const reserveBytes = 16 << 20;

/** Brings blobs that the store lacks, each verified, several at once; what an earlier run began is continued. Returns how many and their bytes. Throws `STORAGE_SPACE` before the first byte. */
export async function fetchMissing({ store, blobs, open, concurrency, notify, signal }: FetchMissing): Promise<{ readonly fetched: number; readonly fetchedBytes: number }> {
  const missing: Descriptor[] = [];
  for (const blob of blobs) if (!(await store.has(blob.digest))) missing.push(blob);
  const fetchedBytes = missing.reduce((sum, { size }) => sum + size, 0);
  const all = blobs.reduce((sum, { size }) => sum + size, 0);
  const free = (await store.freeBytes()) + (await store.partialBytes());
  if (missing.length > 0 && fetchedBytes + reserveBytes > free) {
    throw new BundleError('STORAGE_SPACE', { subject: store.root, expected: `${fetchedBytes + reserveBytes} bytes free`, actual: `${free} bytes`, details: { neededBytes: fetchedBytes, freeBytes: free } });
  }
  notify({ kind: 'plan', phase: 'import', items: blobs.length, bytes: all, presentItems: blobs.length - missing.length, presentBytes: all - fetchedBytes });
  const stop = new AbortController();
  const queue = new PQueue({ concurrency });
  const each = AbortSignal.any([signal, stop.signal]);
  const results = await Promise.allSettled(missing.map((blob) => queue.add(async () => {
    try {
      await store.fill(blob, (offset) => counted(open(blob, offset, each), notify), each);
      notify({ kind: 'done', phase: 'import', item: blob.digest, bytes: blob.size });
    } catch (cause) {
      stop.abort();
      throw cause;
    }
  })));
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const first = failures.find((error) => !(error instanceof BundleError) || error.code !== 'INTERRUPTED') ?? failures[0];
  if (first !== undefined) throw first;
  return { fetched: missing.length, fetchedBytes };
}

async function* counted(bytes: Bytes, notify: Notify): Bytes {
  for await (const chunk of bytes) {
    notify({ kind: 'bytes', phase: 'import', bytes: chunk.length });
    yield chunk;
  }
}
