import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../bom/digest.ts';
import { BundleError } from '../../../bom/errors.ts';
import type { Bytes } from '../../../bom/ports.ts';
import { verified } from '../../../formats/oci/verified.ts';

async function* stream(chunks: readonly Uint8Array[]): Bytes { yield* chunks; }

async function outcome(bytes: Bytes): Promise<string> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of bytes) chunks.push(chunk);
  } catch (error) {
    if (error instanceof BundleError) return error.code;
    throw error;
  }
  return Buffer.concat(chunks).toString('hex');
}

describe('verified', () => {
  it('passes on what is right, whatever the chunks', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 })), async (chunks) => {
      const whole = Buffer.concat(chunks);
      const blob = { mediaType: 'x', digest: digestOf(whole), size: whole.length };
      expect(await outcome(verified(stream(chunks), blob))).toBe(whole.toString('hex'));
    }));
  });

  it('refuses any flipped bit, missing byte or byte too many', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.nat(), async (whole, at) => {
      const blob = { mediaType: 'x', digest: digestOf(whole), size: whole.length };
      const flipped = Uint8Array.from(whole, (byte, index) => (index === at % whole.length ? byte ^ 1 : byte));
      expect(await outcome(verified(stream([flipped]), blob))).toBe('INTEGRITY_DIGEST');
      expect(await outcome(verified(stream([whole.subarray(1)]), blob))).toBe('INTEGRITY_SIZE');
      expect(await outcome(verified(stream([whole, new Uint8Array(1)]), blob))).toBe('INTEGRITY_SIZE');
    }));
  });

  it('stops an endless body at once', async () => {
    let given = 0;
    async function* endless(): Bytes { for (;;) { given += 1; yield new Uint8Array(10); } }
    expect(await outcome(verified(endless(), { mediaType: 'x', digest: digestOf(''), size: 25 }))).toBe('INTEGRITY_SIZE');
    expect(given).toBe(3);
  });

  it('continues a hash', async () => {
    const blob = { mediaType: 'x', digest: digestOf('hello world'), size: 11 };
    const before = { hash: createHash('sha256').update('hello '), bytes: 6 };
    expect(await outcome(verified(stream([Buffer.from('world')]), blob, { before }))).toBe(Buffer.from('world').toString('hex'));
  });
});
