import { expect, it } from 'vitest';
import { digestOf } from '../../../bom/digest.ts';
import { type ContentMember, place } from '../../../formats/archive/place.ts';

const member = (name: string, size: number): ContentMember => ({ path: `blobs/sha256/${name}`, digest: digestOf(name), size, mode: 0o644 });

it('fills what large blobs leave with small ones that come later', () => {
  const room = 1_000_000;
  const large = Array.from({ length: 20 }, (_, at) => member(`large${at}`, 600_000));
  const small = Array.from({ length: 100 }, (_, at) => member(`small${at}`, 70_000));
  const volumes = place({ members: [...large, ...small], tree: new Map() }, { room, firstRoom: room });
  expect(volumes.length).toBe(20);
  expect(volumes.flatMap(({ placed }) => placed).length).toBe(120);
  for (const { placed, size } of volumes) {
    expect(size).toBeLessThanOrEqual(room);
    let end = 0;
    for (const { offset, headerBytes, from, to } of placed) {
      expect(offset - headerBytes).toBe(end);
      end = offset + Math.ceil((to - from) / 512) * 512;
    }
    expect(end).toBe(size);
  }
});

it('cuts what no volume holds, and puts the rest behind its last piece', () => {
  const volumes = place({ members: [member('first', 300_000), member('huge', 2_500_000), member('last', 500_000)], tree: new Map() }, { room: 1_000_000, firstRoom: 1_000_000 });
  const pieces = volumes.map(({ placed }) => placed.map(({ path, from, to }) => `${path.slice('blobs/sha256/'.length)} ${to - from}`));
  expect(pieces.length).toBe(4);
  expect(pieces.flat().filter((piece) => piece.startsWith('huge.')).length).toBeGreaterThan(2);
  expect(pieces.at(-1)?.at(-1)).toMatch(/^last/);
});

it('leaves whole what fits without its names in the tree', () => {
  const blob = member('blob', 998_400);
  const tree = new Map(Array.from({ length: 4 }, (_, at) => [`files/name-${at}`, blob.digest] as const));
  const limits = { room: 1_000_000, firstRoom: 1_000_000 };
  expect(place({ members: [blob], tree }, limits).map(({ placed, links }) => [placed.map(({ path, from, to }) => [path, from, to]), links])).toEqual([[[[blob.path, 0, blob.size]], []]]);
  // With names that fit, they stand there; without room in this volume, it is cut as before.
  expect(place({ members: [blob], tree: new Map([...tree].slice(0, 1)) }, limits).map(({ placed, links }) => [placed.length, links.length])).toEqual([[1, 1]]);
  expect(place({ members: [member('first', 300_000), blob], tree }, limits).flatMap(({ placed }) => placed.map(({ path }) => path.slice(-4)))).toEqual(['irst', '.001', '.002']);
});
