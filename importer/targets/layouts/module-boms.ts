import type { Descriptor } from '../../../bom/digest.ts';
import { moduleBomFrom, type ParsedBom } from '../../../bom/documents/document.ts';
import { BundleError } from '../../../bom/errors.ts';
import type { Lock, LockedBom } from '../../../bom/lock.ts';
import type { BlobReader } from '../../../bom/ports.ts';

const maxBytes = 64 * 1024 * 1024;

/** A blob of at most 64 MiB, verified. Throws `INTEGRITY_METADATA` for a larger one. */
export async function wholeBlob(blobs: BlobReader, blob: Descriptor): Promise<Uint8Array> {
  if (blob.size > maxBytes) throw new BundleError('INTEGRITY_METADATA', { subject: blob.digest, expected: `a document of at most ${maxBytes} bytes`, actual: `${blob.size} bytes` });
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.open(blob)) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

/** The BOMs that travel with a lock, in its order. */
export async function moduleBoms(lock: Lock, blobs: BlobReader): Promise<readonly { readonly locked: LockedBom; readonly bom: ParsedBom }[]> {
  return Promise.all(lock.spec.boms.map(async (locked) => {
    const bytes = await wholeBlob(blobs, { mediaType: 'application/json', digest: locked.digest, size: locked.size });
    return { locked, bom: moduleBomFrom(JSON.parse(new TextDecoder().decode(bytes)), `BOM of ${locked.name}`) };
  }));
}
