import { describe, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { assemble, forge, type LooseManifest, resum, withManifest } from './archive-forge.ts';

const { segments, refuses } = forge();
type Blob = LooseManifest['blobs'][number];

/** The archive whose manifest says something else about the blob of a.txt. */
const lying = (change: (blob: Blob, manifest: LooseManifest) => void): Buffer => assemble(resum(withManifest(segments(), (manifest) => {
  const blob = manifest.blobs.find((each) => each.digest === digestOf('hello'));
  if (blob !== undefined) change(blob, manifest);
})));

describe('offsets and sizes that lie', () => {
  it.each<[string, (blob: Blob, manifest: LooseManifest) => void]>([
    ['an offset of another blob', (blob, { blobs }) => { blob.offset = blobs.find((each) => each.digest === digestOf('jello'))?.offset ?? 0; }],
    ['an overlap', (blob, { blobs }) => { blob.offset = (blobs.find((each) => each.digest === digestOf('jello'))?.offset ?? 0) + 1; }],
    ['an offset in between', (blob) => { blob.offset += 1; }],
    ['an offset behind the content', (blob, { volumes }) => { blob.offset = volumes[0]?.size ?? 0; }],
    ['a negative offset', (blob) => { blob.offset = -512; }],
    ['a fractional offset', (blob) => { blob.offset = 0.5; }],
    ['an offset of 2^53', (blob) => { blob.offset = 2 ** 53; }],
    ['an offset that overflows with its size', (blob) => { blob.offset = Number.MAX_SAFE_INTEGER - 1; }],
    ['a size of 0', (blob) => { blob.size = 0; }],
    ['a size too small', (blob) => { blob.size = 4; }],
    ['a size too large', (blob) => { blob.size = 6; }],
    ['a size of 2^40', (blob) => { blob.size = 2 ** 40; }],
    ['another volume', (blob) => { blob.volume = 2; }],
    ['volume 0', (blob) => { blob.volume = 0; }],
    ['more volumes', (_, { volumes }) => { volumes.push({ ...(volumes[0] as object), number: 2 } as LooseManifest['volumes'][number]); }],
    ['a longer content', (_, { volumes }) => { if (volumes[0] !== undefined) volumes[0].size += 512; }],
    ['a shorter content', (_, { volumes }) => { if (volumes[0] !== undefined) volumes[0].size -= 1024; }],
    ['a content of 2^50 bytes', (_, { volumes }) => { if (volumes[0] !== undefined) volumes[0].size = 2 ** 50; }],
  ])('%s', async (_, change) => refuses(lying(change), 'INTEGRITY_ARCHIVE'));
});
