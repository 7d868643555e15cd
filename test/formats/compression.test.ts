import { gunzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Compression, decompress, decompressInPieces, gzip, xzCompress } from '../../formats/compression.ts';
import { bzip2 } from '../support/bzip2.ts';
import { runs } from '../support/runs.ts';

const options = { subject: 'Packages', maxBytes: 1 << 20 };
const text = new TextEncoder().encode('Package: a\nVersion: 1\n\n'.repeat(200));
const encoders: Readonly<Record<Compression, (bytes: Uint8Array) => Uint8Array>> = { plain: (bytes) => bytes, gz: gzip, xz: xzCompress, zst: zstdCompressSync, bz2: bzip2 };
const all = Object.entries(encoders) as [Compression, (bytes: Uint8Array) => Uint8Array][];

describe('decompress', () => {
  it.each(all)('gives back what %s took', async (compression, encode) => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
      expect(Buffer.from(await decompress(encode(bytes), compression, options))).toEqual(Buffer.from(bytes));
    }), { numRuns: runs(30) });
  });

  it.each(all)('stops %s at its bound', async (compression, encode) => {
    const bomb = encode(new Uint8Array((1 << 20) + 1));
    await expect(decompress(bomb, compression, options)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA', facts: { expected: 'at most 1048576 bytes when decompressed' } });
    await expect(decompress(encode(new Uint8Array(1 << 20)), compression, options)).resolves.toHaveLength(1 << 20);
  });

  it.each(all.filter(([compression]) => compression !== 'plain'))('refuses %s that is cut or damaged', async (compression, encode) => {
    const whole = encode(text);
    for (const length of [0, 1, 5, 11, 13, whole.length >> 1, whole.length - 1]) {
      if (length === 0 && compression !== 'gz') continue;
      await expect(decompress(whole.subarray(0, length), compression, options)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
    }
    await expect(decompress(new TextEncoder().encode('Package: a\n'), compression, options)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
  });

  it('reads xz in several streams with padding', async () => {
    const [a, b] = [xzCompress(text), xzCompress(new Uint8Array([1, 2, 3]))];
    const bytes = await decompress(Buffer.concat([a, new Uint8Array(8), b]), 'xz', options);
    expect(bytes).toEqual(Buffer.concat([text, new Uint8Array([1, 2, 3])]));
  });

  it('refuses an xz bomb without decoding it', async () => {
    const stream = xzCompress(new Uint8Array(4 << 20));
    const bomb = Buffer.concat(Array.from({ length: 128 }, () => stream));
    expect(bomb.length).toBeLessThan(200_000);
    const before = process.memoryUsage().rss;
    await expect(decompress(bomb, 'xz', { ...options, maxBytes: 8 << 20 })).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  });

  it('refuses an xz dictionary that is larger than any metadata needs', async () => {
    const bytes = Buffer.from(xzCompress(text));
    const properties = bytes.indexOf(Buffer.from([0x21, 0x01]), 12) + 2;
    bytes[properties] = 40;
    await expect(decompress(bytes, 'xz', options)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA', facts: { actual: 'a dictionary of 4294967295 bytes' } });
  });
});

describe('decompressInPieces', () => {
  async function pieces(bytes: Uint8Array, compression: Compression, maxBytes = 4 << 20): Promise<Uint8Array[]> {
    const found: Uint8Array[] = [];
    for await (const piece of decompressInPieces(bytes, compression, { subject: 'primary', maxBytes })) found.push(piece);
    return found;
  }

  it.each(all)('gives back what %s took, in pieces', async (compression, encode) => {
    let state = 1;
    const large = new Uint8Array(3 << 20).map(() => (state = (Math.imul(state, 1_103_515_245) + 12_345) | 0) >>> 16);
    const found = await pieces(encode(large), compression);
    expect(Buffer.concat(found).equals(large)).toBe(true);
    // The thread that decodes xz may be done before anybody asks.
    expect(found.length).toBeGreaterThan(compression === 'xz' ? 0 : 3);
    expect(Buffer.concat(await pieces(encode(text), compression)).equals(text)).toBe(true);
  });

  it.each(all)('stops %s at its bound', async (compression, encode) => {
    await expect(pieces(encode(new Uint8Array((4 << 20) + 1)), compression)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA', facts: { expected: 'at most 4194304 bytes when decompressed' } });
  });

  it.each(all.filter(([compression]) => compression !== 'plain'))('refuses %s that is cut or damaged', async (compression, encode) => {
    const whole = encode(text);
    for (const length of [0, 5, 13, whole.length >> 1, whole.length - 1]) await expect(pieces(whole.subarray(0, length), compression)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
    await expect(pieces(new TextEncoder().encode('<metadata/>'), compression)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
  });

  it('lets go when nobody reads on', async () => {
    for (const [compression, encode] of all) {
      for await (const piece of decompressInPieces(encode(new Uint8Array(2 << 20)), compression, { subject: 'primary', maxBytes: 4 << 20 })) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
    }
  });
});

describe('gzip and xz', () => {
  it('give the same bytes for the same content, without time and host', () => {
    expect(gzip(text)).toEqual(gzip(text));
    expect([...gzip(text).subarray(4, 8)]).toEqual([0, 0, 0, 0]);
    expect(gzip(text)[9]).toBe(3);
    expect(gunzipSync(gzip(text))).toEqual(Buffer.from(text));
    expect(xzCompress(text)).toEqual(xzCompress(text));
  });
});
