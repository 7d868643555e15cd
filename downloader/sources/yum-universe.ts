// The universe of some primary indexes: read from them, or found again as it was built the last time.
import { createHash } from 'node:crypto';
import { hexOf } from '../../bom/digest.ts';
import type { Bytes } from '../../bom/ports.ts';
import { cutStanzas, readPrimary, stanzasAt } from '../../formats/rpm/primary.ts';
import type { RecordPlace } from '../../formats/rpm/xml-records.ts';
import { type CachedFile, CachedFiles } from '../../store/cached-files.ts';
import { sectionsOf, solvSections, tablesOf } from '../solver/solv-tables.ts';
import { RpmUniverse, type SolvRepository } from '../solver/solv-universe.ts';
import { bytesOf, sectionsFrom, tableImage } from '../solver/table-image.ts';
import { keptUniverses } from './apt-universe.ts';
import { factSections, FactTable } from './yum-facts.ts';
import { TextBlocks, TextReader } from './text-blocks.ts';
import type { YumIndex } from './yum-index.ts';

export interface LoadedRpms {
  readonly universe: RpmUniverse;
  readonly facts: FactTable;
  /** The stanzas of packages of the repository of that number, in the order of `places`. Throws as `cutStanzas`. */
  stanzas(repository: number, places: readonly RecordPlace[]): Promise<readonly string[]>;
}

export interface RpmIndex { readonly repository: SolvRepository; readonly primary: Pick<YumIndex, 'blob' | 'subject' | 'open'> }

/** Changes whenever what is kept, or how it is made, changes. */
const version = 'rpm universe 2';
const trailerBytes = 32;
const trailerName = 'longshore-tables';

/** What has to be the same for a universe to be the same: settings of repositories are not in it, but decide their order. */
function keyOf(indexes: readonly RpmIndex[]): string {
  const hash = createHash('sha256').update(version);
  for (const { primary } of indexes) hash.update(`\n${hexOf(primary.blob.digest)} ${primary.blob.mediaType}`);
  return `${hash.digest('hex').slice(0, 32)}.rpms`;
}

/** Reads one index into the universe, behind those before it, and hands its text on. Throws `INTEGRITY_METADATA` for what is no primary.xml. */
async function read({ universe, facts }: Pick<LoadedRpms, 'universe' | 'facts'>, { repository, primary }: RpmIndex, add?: (text: Uint8Array) => Promise<void>): Promise<void> {
  const insert = universe.open(repository);
  const text = async function* handedOn(): Bytes {
    for await (const piece of primary.open()) {
      yield piece;
      await add?.(piece);
    }
  };
  await readPrimary(add === undefined ? primary.open() : text(), { subject: primary.subject }, (item) => {
    if (item.arch === 'src' || item.arch === 'nosrc') return;
    facts.set(insert(item), item);
  });
}

/** Texts, tables, where the tables begin. */
async function build(cache: CachedFiles, name: string, indexes: readonly RpmIndex[]): Promise<LoadedRpms> {
  const [universe, facts] = [new RpmUniverse(), new FactTable()];
  const starts: number[] = [];
  let [sums, bytes]: [Buffer, number] = [Buffer.alloc(0), 0];
  const file = await cache.write(name, async (add) => {
    const blocks = new TextBlocks(add);
    for (const index of indexes) {
      starts.push(blocks.length);
      await read({ universe, facts }, index, (piece) => blocks.add(piece));
    }
    await blocks.end();
    [sums, bytes] = [blocks.sums(), blocks.length];
    const sections = [bytesOf(Float64Array.from(starts)), sums, ...sectionsOf(universe.tables()), ...facts.sections()];
    for (const part of tableImage(version, sections)) await add(part);
    const trailer = Buffer.alloc(trailerBytes);
    trailer.writeBigUInt64LE(BigInt(bytes), 0);
    trailer.write(trailerName, 16);
    await add(trailer);
  });
  file.close();
  return { universe, facts, stanzas: stanzasIn({ cache, name, sums, bytes, starts }, indexes) };
}

/** The texts of `indexes` in a kept file: `starts` says where each begins, `bytes` where they all end. */
interface KeptTexts { readonly cache: CachedFiles; readonly name: string; readonly sums: Buffer; readonly bytes: number; readonly starts: ArrayLike<number> }

/** Out of what is kept; out of the index itself, read anew, when that is gone or damaged. */
function stanzasIn({ cache, name, sums, bytes, starts }: KeptTexts, indexes: readonly RpmIndex[]): LoadedRpms['stanzas'] {
  return async (repository, places) => {
    const index = indexes[repository];
    const kept = await cache.open(name);
    try {
      const reader = kept === undefined ? undefined : new TextReader(kept, { sums, bytes });
      const from = starts[repository] ?? 0;
      const texts = places.map(({ offset, length }) => reader?.read(from + offset, from + offset + length)?.toString('utf8'));
      if (index !== undefined && texts.every((text) => text !== undefined)) return stanzasAt(texts, places, { subject: index.primary.subject });
    } finally {
      kept?.close();
    }
    cache.forget(name);
    return cutStanzasOf(index, places);
  };
}

function tablesIn(file: CachedFile): { readonly sections: readonly Buffer[]; readonly textBytes: number } | undefined {
  if (file.size < trailerBytes) return undefined;
  const trailer = file.read(file.size - trailerBytes, file.size);
  const textBytes = Number(trailer.readBigUInt64LE(0));
  if (trailer.toString('latin1', 16) !== trailerName || textBytes > file.size - trailerBytes) return undefined;
  const sections = sectionsFrom(file.read(textBytes, file.size - trailerBytes), version, 2 + solvSections + factSections);
  return sections === undefined ? undefined : { sections, textBytes };
}

/** Undefined when the file is damaged or of another version. */
function restore(cache: CachedFiles, { name, file }: { readonly name: string; readonly file: CachedFile }, indexes: readonly RpmIndex[]): LoadedRpms | undefined {
  const found = tablesIn(file);
  if (found === undefined) return undefined;
  const [starts = Buffer.alloc(0), sums = Buffer.alloc(0), ...rest] = found.sections;
  const begins = new Float64Array(starts.buffer, starts.byteOffset, starts.length / 8);
  const universe = new RpmUniverse(tablesOf(rest.slice(0, solvSections)), indexes.map(({ repository }) => repository));
  return { universe, facts: new FactTable(rest.slice(solvSections)), stanzas: stanzasIn({ cache, name, sums, bytes: found.textBytes, starts: begins }, indexes) };
}

function cutStanzasOf(index: RpmIndex | undefined, places: readonly RecordPlace[]): Promise<readonly string[]> {
  if (index === undefined) throw new Error('stanzas of no repository');
  return cutStanzas(index.primary.open(), places, { subject: index.primary.subject });
}

/**
 * The universe of `indexes` in order, kept below `folder` by the digests of the indexes; without a folder it is built in memory each time. A file that
 * is damaged or of another version is built again. Throws what `open` throws, `INTEGRITY_METADATA` for malformed indexes, `STORAGE_*`.
 */
export async function loadRpms(folder: string | undefined, indexes: readonly RpmIndex[]): Promise<LoadedRpms> {
  if (folder === undefined) {
    const loaded = { universe: new RpmUniverse(), facts: new FactTable() };
    for (const index of indexes) await read(loaded, index);
    return { ...loaded, stanzas: (repository, places) => cutStanzasOf(indexes[repository], places) };
  }
  const cache = new CachedFiles(folder, keptUniverses);
  const name = keyOf(indexes);
  const file = await cache.open(name);
  if (file !== undefined) {
    try {
      const loaded = restore(cache, { name, file }, indexes);
      if (loaded !== undefined) return loaded;
    } finally {
      file.close();
    }
  }
  return build(cache, name, indexes);
}
