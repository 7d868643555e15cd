import { expect, it } from 'vitest';
import { type Digest, digestOf } from '../../bom/digest.ts';
import { planCollection } from '../../store/collection.ts';
import type { PackBlob, PackRecord } from '../../store/packs.ts';

/** Packs of a store of their own; `touched` counts how often anything of a blob's is asked for. */
function packsOf(contents: readonly (readonly string[])[]): { readonly records: readonly PackRecord[]; touched(): number } {
  let touches = 0;
  const digests = new Map<string, Digest>();
  const blobOf = (name: string): PackBlob => {
    const digest = digests.get(name) ?? digestOf(name);
    digests.set(name, digest);
    return { get digest() { touches += 1; return digest; }, volume: 0, offset: 0, size: 10 };
  };
  const records = contents.map((names, number) => ({ archive: digestOf(`pack ${number}`), volumes: [], blobs: names.map(blobOf) }));
  return { records, touched: () => touches };
}

const plan = (records: readonly PackRecord[], live: readonly string[]): ReturnType<typeof planCollection> => planCollection(
  { looseBlobs: async () => [], isLoose: async () => false, packRecords: () => [...records], isOwnPack: () => true }, new Set(live.map((name) => digestOf(name))), { compact: false },
);

it('gives up packs whose needed blobs others hold, and names of the rest what nothing else holds', async () => {
  const { records } = packsOf([['a'], ['a', 'b'], ['b', 'c', 'c'], ['x']]);
  const { packs } = await plan(records, ['a', 'b', 'c']);
  const fates = new Map(packs.map(({ archive, fate }) => [archive, fate]));
  expect(records.map(({ archive }) => fates.get(archive))).toEqual(['remove', 'keep', 'keep', 'remove']);
  expect(packs.find(({ archive }) => archive === records[2]?.archive)?.needed.map(({ digest }) => digest)).toEqual([digestOf('c')]);
});

it('looks at each blob of each pack some times, however many packs there are', async () => {
  const names = Array.from({ length: 20 }, (_, number) => `shared ${number}`);
  const touches: number[] = [];
  for (const count of [20, 200]) {
    const { records, touched } = packsOf(Array.from({ length: count }, (_, number) => [...names, `own ${number}`]));
    await plan(records, [...names, ...records.map((_, number) => `own ${number}`)]);
    touches.push(touched() / count);
  }
  expect(touches[1]).toBe(touches[0]);
});
