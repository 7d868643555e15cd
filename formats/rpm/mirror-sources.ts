// What a yum mirror is rendered from besides the lock: upstream's documents, and heads of packages that no file holds in one piece.
import type { Descriptor } from '../../bom/digest.ts';
import type { LockedRepository } from '../../bom/lock.ts';
import type { BlobReader } from '../../bom/ports.ts';
import { type Compression, decompress } from '../compression.ts';
import type { RpmDetails, YumDocuments } from './mirror.ts';
import { packageEntry } from './package-entry.ts';
import { readRpmHead } from './package-head.ts';

const maxDocumentBytes = 256 << 20;
const compressions: Readonly<Record<string, Compression>> = { 'application/gzip': 'gz', 'application/x-xz': 'xz', 'application/zstd': 'zst', 'application/x-bzip2': 'bz2' };

async function readAll(blobs: BlobReader, blob: Descriptor, range?: { readonly start: number; readonly end: number }): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.open(blob, range)) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

/** modules.yaml, comps.xml and updateinfo.xml of the repositories, in their order, decompressed. A repository without one, or whose document is not at hand, adds none. */
export async function readYumDocuments(repositories: readonly LockedRepository[], blobs: BlobReader): Promise<YumDocuments> {
  const read = async (kind: 'modules' | 'groups' | 'updateinfo'): Promise<Uint8Array[]> => {
    const found: Uint8Array[] = [];
    for (const repository of repositories) {
      const blob = repository[kind];
      if (blob === undefined || !(await blobs.has(blob.digest))) continue;
      found.push(await decompress(await readAll(blobs, blob), compressions[blob.mediaType] ?? 'plain', { subject: `${kind} of ${repository.id}`, maxBytes: maxDocumentBytes }));
    }
    return found;
  };
  return { modules: await read('modules'), groups: await read('groups'), updateinfo: await read('updateinfo') };
}

/** What mirrors need of the head of one package, through the port. */
export async function readDetails(blob: Descriptor, what: string, blobs: BlobReader): Promise<RpmDetails> {
  const head = await readRpmHead((start, end) => readAll(blobs, blob, { start, end }), { subject: what, sizeBytes: blob.size, guessBytes: 32 << 10 });
  const { files, changelogs } = packageEntry(head);
  return { files, changelogs };
}
