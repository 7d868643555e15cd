// What every BlobReader & BlobWriter promises (bom/ports.ts).
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { BlobReader, BlobWriter } from '../../bom/ports.ts';
import { broken, chunked, collect, noise } from '../support/bytes.ts';

export function blobContract(name: string, make: () => Promise<BlobReader & BlobWriter>): void {
  const content = noise(300_000);
  const blob = { mediaType: 'application/octet-stream', digest: digestOf(content), size: content.length };
  const { signal } = new AbortController();
  const cut = new BundleError('TRANSFER_CUT', { subject: 'body', expected: 'more', actual: 'the end' });

  describe(`blob contract: ${name}`, () => {
    it('has nothing at first and says so by code', async () => {
      const blobs = await make();
      expect(await blobs.has(blob.digest)).toBe(false);
      await expect(collect(blobs.open(blob))).rejects.toMatchObject({ code: 'INTEGRITY_MISSING' });
    });

    it('gives back what was put, whole and in ranges', async () => {
      const blobs = await make();
      expect(await blobs.put(blob, chunked(content), signal)).toBe('stored');
      expect(await blobs.has(blob.digest)).toBe(true);
      expect((await collect(blobs.open(blob))).equals(content)).toBe(true);
      expect((await collect(blobs.open(blob, { start: 1000, end: 200_001 }))).equals(content.subarray(1000, 200_001))).toBe(true);
      expect((await collect(blobs.open(blob, { start: 299_999, end: 300_000 }))).length).toBe(1);
    });

    it('does not read the bytes of a blob it has', async () => {
      const blobs = await make();
      await blobs.put(blob, chunked(content), signal);
      expect(await blobs.put(blob, broken(content, 0, new Error('was read')), signal)).toBe('present');
      expect(await blobs.fill(blob, () => broken(content, 0, new Error('was read')), signal)).toBe('present');
    });

    it('keeps the empty blob', async () => {
      const blobs = await make();
      const empty = { mediaType: 'text/plain', digest: digestOf(''), size: 0 };
      expect(await blobs.put(empty, chunked(new Uint8Array(0)), signal)).toBe('stored');
      expect((await collect(blobs.open(empty))).length).toBe(0);
    });

    it.each([
      ['a wrong byte', Buffer.concat([Buffer.from([content[0]! ^ 1]), content.subarray(1)]), 'INTEGRITY_DIGEST'],
      ['a byte too few', content.subarray(0, -1), 'INTEGRITY_SIZE'],
      ['a byte too many', Buffer.concat([content, Buffer.from([0])]), 'INTEGRITY_SIZE'],
    ] as const)('refuses %s and shows none of it', async (_, bytes, code) => {
      const blobs = await make();
      await expect(blobs.put(blob, chunked(bytes), signal)).rejects.toMatchObject({ code });
      expect(await blobs.has(blob.digest)).toBe(false);
      await expect(blobs.fill(blob, (offset) => chunked(bytes.subarray(offset)), signal)).rejects.toMatchObject({ code });
      expect(await blobs.fill(blob, (offset) => chunked(content.subarray(offset)), signal)).toBe('stored');
    });

    it('continues a fill where the last one was cut', async () => {
      const blobs = await make();
      await expect(blobs.fill(blob, () => broken(content, 100_000, cut), signal)).rejects.toMatchObject({ code: 'TRANSFER_CUT' });
      expect(await blobs.has(blob.digest)).toBe(false);
      const offsets: number[] = [];
      await blobs.fill(blob, (offset) => { offsets.push(offset); return chunked(content.subarray(offset)); }, signal);
      expect(offsets).toEqual([100_000]);
      expect((await collect(blobs.open(blob))).equals(content)).toBe(true);
    });

    it('takes one of several copies brought at once', async () => {
      const blobs = await make();
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => blobs.fill(blob, (offset) => chunked(content.subarray(offset)), signal)));
      expect(outcomes).toContain('stored');
      expect((await collect(blobs.open(blob))).equals(content)).toBe(true);
    });
  });
}
