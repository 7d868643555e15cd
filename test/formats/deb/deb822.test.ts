import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStanzas } from '../../../formats/deb/deb822.ts';
import { runs } from '../../support/runs.ts';

const options = { subject: 'Packages' };
const plain = (text: string | Uint8Array, more = {}): Record<string, string>[] => parseStanzas(text, { ...options, ...more }).map((stanza) => Object.fromEntries(stanza));

describe('parseStanzas', () => {
  it('reads fields, continuation lines and stanzas', () => {
    expect(plain('Package: a\nDescription: one\n two\n .\n three\n\n\nPackage:b\nEmpty:\n')).toEqual([
      { package: 'a', description: 'one\n two\n .\n three' }, { package: 'b', empty: '' },
    ]);
  });

  it('reads CRLF, a missing last newline, blank lines of spaces and nothing at all', () => {
    expect(plain('A: 1\r\nB: 2\r\n\r\nA: 3')).toEqual([{ a: '1', b: '2' }, { a: '3' }]);
    expect(plain('A: 1\n \t\nA: 2\n')).toEqual([{ a: '1' }, { a: '2' }]);
    expect(plain('')).toEqual([]);
    expect(plain('\n\n')).toEqual([]);
  });

  it('keeps UTF-8 and colons in values', () => {
    expect(plain('M: José <j@example.org>\nU: http://example.org:80/\n')).toEqual([{ m: 'José <j@example.org>', u: 'http://example.org:80/' }]);
  });

  it('skips comments only where they are allowed', () => {
    expect(plain('# c\nA: 1\n# d\n 2\n', { comments: true })).toEqual([{ a: '1\n 2' }]);
    expect(() => plain('# c\nA: 1\n')).toThrow(/Packages at byte 0/);
  });

  it.each([[' first line continues nothing\n', 'a continuation line without a field'], ['no colon\n', 'a line without a field name'], [': x\n', 'a line without a field name'],
    ['A: 1\nA: 2\n', 'a second time'], ['A: 1\na: 2\n', 'a second time']])('refuses %j', (text, actual) => {
    expect(() => plain(text)).toThrow(actual);
  });

  it('refuses a stanza that is too long without reading on', () => {
    expect(() => plain(`A: ${'x'.repeat(5000)}\n`, { maxStanzaBytes: 4096 })).toThrow('a stanza of more than 4096 bytes');
    expect(() => plain(`A: 1\n${' y\n'.repeat(2000)}`, { maxStanzaBytes: 4096 })).toThrow('a stanza of more than 4096 bytes');
    expect(() => plain(Buffer.alloc(5 << 20, 'A:x'))).toThrow('4194304');
  });

  it('ends with a value or a coded error on any bytes', () => {
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: fc.constantFrom('A', ':', ' ', '\n', '\r', '#', '\t', 'é') }).map((text) => new TextEncoder().encode(text))), (bytes) => {
      try {
        parseStanzas(bytes, options);
      } catch (error) {
        expect(error).toMatchObject({ code: 'INTEGRITY_METADATA' });
      }
    }), { numRuns: runs(500) });
  });
});
