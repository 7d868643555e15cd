import type { Command } from 'commander';
import type { Lock } from '../../bom/lock.ts';
import { exists } from '../files.ts';
import { Store } from '../../store/store.ts';
import { cacheStore, defineCommand, lockOption, storeOption } from '../context.ts';
import { kindsOf, readLock, stockOf } from '../documents.ts';
import { formatBytes, table } from '../render.ts';

export function registerPlan(program: Command): void {
  defineCommand<{ readonly lock: string; readonly store: string }>(program, 'plan', {
    description: 'what download and export would move, and the disk they need',
    flags: [lockOption(), storeOption(cacheStore())],
    action: async (context, options) => {
      const { document, text } = await planOf(readLock(options.lock), options.store);
      context.print(document, text);
    },
  });
}

/** What download and export of a lock would move, against what the store at `root` has. */
export async function planOf(lock: Lock, root: string): Promise<{ readonly document: Readonly<Record<string, unknown>>; readonly text: string }> {
  const store = (await exists(root)) ? await Store.open(root, { create: false }) : undefined;
  try {
    const stock = await stockOf(lock, store);
    const generatedBytes = stock.bundle.generated.reduce((total, blob) => total + blob.size, 0);
    const archiveBytes = stock.bytes + generatedBytes;
    const kinds = kindsOf(lock);
    const deduplicatedBytes = kinds.reduce((total, kind) => total + kind.bytes, 0) - stock.bytes + lock.spec.boms.reduce((total, bom) => total + bom.size, 0);
    const document = {
      project: lock.metadata.name, sequence: lock.metadata.sequence, kinds,
      blobs: stock.items, bytes: stock.bytes, presentBlobs: stock.presentItems, presentBytes: stock.presentBytes,
      toDownload: { blobs: stock.items - stock.presentItems, bytes: stock.missingBytes },
      deduplicatedBytes: Math.max(0, deduplicatedBytes),
      disk: { store: stock.missingBytes, archive: archiveBytes, importInPlace: Math.ceil(archiveBytes * 0.02), importCopied: archiveBytes },
    };
    return {
      document,
      text: [
        `${lock.metadata.name}, sequence ${lock.metadata.sequence}`,
        table(kinds.filter((kind) => kind.count > 0).map((kind) => [`  ${kind.kind}`, String(kind.count), formatBytes(kind.bytes)])),
        `to download: ${document.toDownload.blobs} blobs, ${formatBytes(stock.missingBytes)}   in the store already: ${stock.presentItems} blobs, ${formatBytes(stock.presentBytes)}`,
        `disk: ${formatBytes(stock.missingBytes)} in the store, ${formatBytes(archiveBytes)} for the archive; inside, ${formatBytes(document.disk.importInPlace)} when it is served in place, ${formatBytes(archiveBytes)} more when it is copied`,
      ].join('\n'),
    };
  } finally {
    store?.close();
  }
}
