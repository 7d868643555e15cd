import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { unbzip2 } from '../../formats/bzip2.ts';
import { bzip2 } from '../support/bzip2.ts';

const decoded = (bytes: Uint8Array): Buffer => Buffer.concat([...unbzip2(bytes)]);
const text = Buffer.from(Array.from({ length: 30_000 }, (_, line) => `<update id="${line * 7919 % 10_007}">line ${line}</update>\n`).join(''));

describe('unbzip2', () => {
  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)], ['one byte', Buffer.from('a')], ['four equal bytes', Buffer.from('aaaa')], ['runs of every length', Buffer.concat(Array.from({ length: 600 }, (_, length) => Buffer.alloc(length, length & 255)))],
    ['a long run', Buffer.alloc(3_000_000)], ['noise', randomBytes(200_000)], ['text of several blocks', text], ['all bytes', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
  ])('reads %s as bzip2 wrote it, at every level', (_, bytes) => {
    for (const level of [1, 5, 9]) expect(decoded(bzip2(bytes, level)).equals(bytes)).toBe(true);
  });

  it('reads several streams as one', () => {
    expect(decoded(Buffer.concat([bzip2(text), bzip2(Buffer.from('more'), 1), bzip2(Buffer.alloc(0))])).equals(Buffer.concat([text, Buffer.from('more')]))).toBe(true);
  });

  const whole = Buffer.from(bzip2(text.subarray(0, 5000)));

  it('refuses what is cut, at any place', () => {
    for (let length = 0; length < whole.length; length += 1) expect(() => decoded(whole.subarray(0, length))).toThrow();
  });

  it('refuses what is damaged, and neither hangs nor grows over it', () => {
    const plain = text.subarray(0, 5000);
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = (bytes[at] ?? 0) ^ value;
      try {
        // A larger level makes room for larger blocks: the content stays. Bits that fill the last byte stand for nothing.
        expect(decoded(bytes).equals(plain)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        expect((error as Error).message).toMatch(/bzip2/);
      }
    }), { numRuns: 200 });
  });

  it('refuses more after its end that is no bzip2 stream', () => { expect(() => decoded(Buffer.concat([whole, Buffer.from('more')]))).toThrow('bzip2'); });
});
