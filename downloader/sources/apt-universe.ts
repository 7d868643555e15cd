// The universe of some indexes: read from them, or found again as it was built the last time.
import { createHash } from 'node:crypto';
import { type Digest, hexOf } from '../../bom/digest.ts';
import { type CachedFile, CachedFiles } from '../../store/cached-files.ts';
import { Universe, type IndexFacts } from '../solver/universe.ts';
import { universeFrom, universeImage } from '../solver/universe-image.ts';

export interface UniverseIndex {
  /** Of the index as it was fetched. */
  readonly digest: Digest;
  readonly facts: IndexFacts;
  /** Its decoded bytes, in pieces. */
  load(): AsyncIterable<Uint8Array>;
}

export interface LoadedUniverse { readonly universe: Universe; close(): void }

/** Universes kept, of debs and rpms together; each is about as large as its indexes decoded. */
export const keptUniverses = 6;
const trailerBytes = 16;
/** More than any stanza may have: what is longer goes on to be refused. */
const maxWaitingBytes = 8 << 20;

/** What has to be the same for a universe to be the same. */
function keyOf(architectures: readonly string[], indexes: readonly UniverseIndex[]): string {
  const hash = createHash('sha256').update(JSON.stringify(architectures));
  for (const { digest } of indexes) hash.update(`\n${hexOf(digest)}`);
  return `${hash.digest('hex').slice(0, 32)}.universe`;
}

/** By index where its text begins; one more: where the tables begin. */
function startsOf(file: CachedFile, count: number): readonly number[] | undefined {
  const room = (count + 1) * 8 + trailerBytes;
  if (file.size < room) return undefined;
  const bytes = file.read(file.size - room, file.size);
  if (bytes.toString('latin1', bytes.length - trailerBytes) !== 'longshore-starts') return undefined;
  const starts = Array.from({ length: count + 1 }, (_, index) => Number(bytes.readBigUInt64LE(index * 8)));
  return starts.every((start, index) => start >= (starts[index - 1] ?? 0) && start <= file.size - room) ? starts : undefined;
}

function restore(kept: { readonly file: CachedFile; readonly forget: () => void }, architectures: readonly string[], indexes: readonly UniverseIndex[]): Universe | undefined {
  const { file } = kept;
  const starts = startsOf(file, indexes.length);
  const from = starts?.at(-1);
  if (starts === undefined || from === undefined) return undefined;
  const tables = universeFrom(file.read(from, file.size - (indexes.length + 1) * 8 - trailerBytes));
  if (tables === undefined) return undefined;
  const inputs = indexes.map(({ facts }, index) => ({ ...facts, read: readerOf(file, starts[index] ?? 0), forget: kept.forget }));
  return new Universe(architectures, { tables, inputs });
}

/** The same bytes, cut between stanzas wherever there is an empty line; a piece without one waits for the next. */
async function* wholeStanzas(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for await (const bare of pieces) {
    const piece = Buffer.from(bare.buffer, bare.byteOffset, bare.byteLength);
    const end = bytes > maxWaitingBytes ? piece.length : piece.lastIndexOf('\n\n') + 2;
    if (end < 2) {
      waiting.push(piece);
      bytes += piece.length;
      continue;
    }
    yield Buffer.concat([...waiting, piece.subarray(0, end)]);
    waiting = [piece.subarray(end)];
    bytes = piece.length - end;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

const readerOf = (file: CachedFile, from: number) => (start: number, end: number): Buffer => file.read(from + start, from + end);

/** Texts, tables, where each text begins. */
async function build(cache: CachedFiles, name: string, architectures: readonly string[], indexes: readonly UniverseIndex[]): Promise<LoadedUniverse> {
  const universe = new Universe(architectures);
  const starts: number[] = [];
  const file = await cache.write(name, async (add) => {
    let at = 0;
    for (const { facts, load } of indexes) {
      starts.push(at);
      const feed = universe.begin({ ...facts, read: unwritten });
      for await (const piece of wholeStanzas(load())) {
        feed(piece);
        await add(piece);
        at += piece.length;
      }
    }
    for (const part of universeImage(universe.tables)) await add(part);
    const trailer = Buffer.alloc((starts.length + 1) * 8 + trailerBytes);
    for (const [index, start] of [...starts, at].entries()) trailer.writeBigUInt64LE(BigInt(start), index * 8);
    trailer.write('longshore-starts', trailer.length - trailerBytes);
    await add(trailer);
  });
  for (const [index, start] of starts.entries()) universe.readFrom(index, { read: readerOf(file, start), forget: () => { cache.forget(name); } });
  return { universe, close: () => { file.close(); } };
}

/** While the universe is being built nothing reads stanzas of an index before. */
function unwritten(): never {
  throw new Error('a stanza was read before it was kept');
}

/**
 * The universe of `indexes` in order, kept below `folder` by the digests of the indexes; without a folder it is built in memory each time. A file that
 * is damaged or of another version is built again. Throws what `load` throws, `INTEGRITY_METADATA` for malformed indexes, `STORAGE_*`.
 */
export async function loadUniverse(folder: string | undefined, architectures: readonly string[], indexes: readonly UniverseIndex[]): Promise<LoadedUniverse> {
  if (folder === undefined) {
    const universe = new Universe(architectures);
    for (const { facts, load } of indexes) {
      const pieces: Uint8Array[] = [];
      for await (const piece of load()) pieces.push(piece);
      universe.add({ ...facts, bytes: Buffer.concat(pieces) });
    }
    return { universe, close: () => undefined };
  }
  const cache = new CachedFiles(folder, keptUniverses);
  const name = keyOf(architectures, indexes);
  const file = await cache.open(name);
  if (file !== undefined) {
    const universe = restore({ file, forget: () => { cache.forget(name); } }, architectures, indexes);
    if (universe !== undefined) return { universe, close: () => { file.close(); } };
    file.close();
  }
  return build(cache, name, architectures, indexes);
}
