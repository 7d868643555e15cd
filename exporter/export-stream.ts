import { BundleError } from '../bom/errors.ts';
import type { BlobReader, Bytes } from '../bom/ports.ts';
import { type ExportOptions, type ExportResult, planArchive } from './export.ts';
import { streamVolume } from './volume-writer.ts';

export interface ArchiveStream {
  /** `paths` is empty: where the bytes go is the caller's. */
  readonly result: ExportResult;
  readonly bytes: Bytes;
}

/**
 * The same bytes as {@link exportArchive} writes, in order, for a pipe. Everything is planned, and the store looked through, before this returns; the
 * stream throws where a blob turns out damaged, and a reader refuses what came before. Throws `INTEGRITY_MISSING` naming what the store lacks,
 * and `INPUT_FLAG` with a volume size: a stream is one file.
 */
export async function exportStream(options: Omit<ExportOptions, 'store' | 'output' | 'concurrency'> & { readonly store: BlobReader }): Promise<ArchiveStream> {
  if (options.split !== undefined) throw new BundleError('INPUT_FLAG', { subject: '--split', expected: 'a file name with -o', actual: 'a stream, which is one file' });
  const { content, layouts, bytes } = await planArchive(options);
  const missing = [];
  for (const blob of content.fromStore) if (!(await options.store.has(blob.digest))) missing.push(blob);
  const [first] = missing;
  if (first !== undefined) {
    throw new BundleError('INTEGRITY_MISSING', {
      subject: first.what, expected: `all ${content.fromStore.length} blobs of the lock in the store`, actual: `${missing.length} not there`,
      details: { missing: missing.slice(0, 1000).map(({ digest, size, what }) => ({ digest, size, what })) },
    });
  }
  const [layout] = layouts;
  if (layout === undefined) throw new Error('a plan without a volume');
  const named = new Map(content.fromStore.map((blob) => [blob.digest, blob]));
  options.notify({ kind: 'plan', phase: 'export', items: 1, bytes, presentItems: 0, presentBytes: 0 });
  return {
    result: { paths: [], bytes, blobs: content.manifest.blobs.length, archive: content.archive, resumed: 0 },
    bytes: counted(streamVolume(layout, options.store, { named, signal: options.signal }), options),
  };
}

async function* counted(bytes: Bytes, { notify }: Pick<ExportOptions, 'notify'>): Bytes {
  for await (const chunk of bytes) {
    if (chunk.length === 0) continue;
    notify({ kind: 'bytes', phase: 'export', bytes: chunk.length });
    yield chunk;
  }
}
