import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import { type Compression, gzip, xzCompress } from '../../formats/compression.ts';
import { decompressed } from '../../formats/decompress-stream.ts';
import { bzip2 } from '../support/bzip2.ts';

const text = Buffer.from(Array.from({ length: 40_000 }, (_, line) => `line ${line * 7919}\n`).join(''));
const encoded: Readonly<Record<Compression, Uint8Array>> = { plain: text, gz: gzip(text), xz: xzCompress(text), zst: zstdCompressSync(text), bz2: bzip2(text) };

async function* pieces(bytes: Uint8Array, length = 1000): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
}

async function decode(bytes: AsyncIterable<Uint8Array>, compression: Compression, maxBytes = 1 << 30): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of decompressed(bytes, compression, { subject: 'index', maxBytes })) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

describe('decompressed', () => {
  for (const compression of Object.keys(encoded) as Compression[]) {
    it(`decodes ${compression} in pieces of any size`, async () => {
      for (const size of [997, 4096, 1 << 24]) expect((await decode(pieces(encoded[compression], size), compression)).equals(text)).toBe(true);
    });

    it(`bounds what comes out of ${compression}`, async () => {
      await expect(decode(pieces(encoded[compression]), compression, text.length - 1)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA', facts: { actual: 'more' } });
      expect((await decode(pieces(encoded[compression]), compression, text.length)).length).toBe(text.length);
    });

    it(`passes on errors of what ${compression} is read from, and ends it when the reader stops`, async () => {
      const failing = async function* (): AsyncIterable<Uint8Array> { yield encoded[compression].slice(0, 100); throw new BundleError('TRANSFER_CUT', { subject: 'a', expected: 'b', actual: 'c' }); };
      await expect(decode(failing(), compression)).rejects.toMatchObject({ code: 'TRANSFER_CUT' });
      let ended = false;
      const endless = async function* (): AsyncIterable<Uint8Array> { try { for (;;) yield* pieces(text); } finally { ended = true; } };
      for await (const _ of decompressed(compression === 'plain' ? endless() : (async function* () { try { yield* pieces(encoded[compression], 50); } finally { ended = true; } })(), compression, { subject: 'index', maxBytes: 1e9 })) break;
      expect(ended).toBe(true);
    });
  }

  it.each(['gz', 'xz', 'zst', 'bz2'] as const)('refuses %s that is cut or damaged', async (compression) => {
    const whole = encoded[compression];
    for (const bytes of [whole.slice(0, -9), whole.slice(0, 40), Uint8Array.from(whole, (byte, index) => (index === whole.length >> 1 ? byte ^ 0x55 : byte)), Buffer.from('something else')]) {
      await expect(decode(pieces(bytes), compression)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
    }
  });

  it('takes concatenated members as one, and refuses a bomb early', async () => {
    expect((await decode(pieces(Buffer.concat([encoded.gz, encoded.gz])), 'gz')).length).toBe(2 * text.length);
    expect((await decode(pieces(Buffer.concat([encoded.xz, encoded.xz])), 'xz')).length).toBe(2 * text.length);
    expect((await decode(pieces(Buffer.concat([encoded.bz2, encoded.bz2])), 'bz2')).length).toBe(2 * text.length);
    const zeros = Buffer.alloc(8 << 20);
    for (const [compression, bomb] of [['gz', gzip(zeros)], ['xz', xzCompress(zeros)], ['zst', zstdCompressSync(zeros)], ['bz2', bzip2(zeros)]] as const) {
      await expect(decode(pieces(bomb), compression, 1 << 20)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA', facts: { actual: 'more' } });
    }
  });
});
