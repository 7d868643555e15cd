// What the writer writes, the reader takes: for any name and size. formats/archive/FORMAT.md, section 3.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeHeader, encodeEntry } from '../../../formats/archive/tar-header.ts';
import { runs } from '../../support/runs.ts';

const time = 1_700_000_000;
const segment = fc.oneof(fc.stringMatching(/^[a-zA-Z0-9_.+~-]{1,90}$/), fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }).map((text) => text.normalize().replace(/[/\\\0-\x1f\x7f]/g, 'x')))
  .filter((text) => text !== '.' && text !== '..' && text.isWellFormed() && text.trim() === text);
const path = fc.array(segment, { minLength: 1, maxLength: 6 }).map((parts) => `files/${parts.join('/')}`);
const size = fc.oneof(fc.nat(), fc.constantFrom(0, 8_589_934_591, 8_589_934_592, 9_663_676_416));

it('any entry comes back as it was', () => {
  fc.assert(fc.property(path, size, fc.constantFrom(0o644, 0o755), (name, bytes, mode) => {
    const header = encodeEntry({ path: name, type: 'File', size: bytes, mode }, time);
    expect(decodeHeader(header, 'test', time)).toMatchObject({ kind: 'entry', headerBytes: header.length, entry: { path: name, type: 'File', size: bytes, mode } });
  }), { numRuns: runs(400) });
});

it.each([120, 150, 240].map((length) => `files/${'n'.repeat(length)}`).concat([`files/${'ü'.repeat(60)}`, `charts/${'ü'.repeat(60)}`, Array.from({ length: 6 }, () => 'd'.repeat(90)).join('/')]))('the long name %s', (name) => {
  const header = encodeEntry({ path: name, type: 'File', size: 3, mode: 0o644 }, time);
  expect(decodeHeader(header, 'test', time)).toMatchObject({ entry: { path: name } });
});

/** Prefix, name and whether an extended header comes first, as section 3 says it. */
function fieldsOf(name: string): { readonly prefix: string; readonly name: string; readonly extended: boolean } {
  const bytes = (text: string): number => Buffer.byteLength(text);
  const isAscii = bytes(name) === name.length;
  if (bytes(name) < 100) return { prefix: '', name, extended: !isAscii };
  const segments = name.split('/');
  let count = 0;
  while (count + 1 < segments.length && bytes(segments.slice(0, count + 1).join('/')) <= 155) count += 1;
  const [prefix, rest] = [segments.slice(0, count).join('/'), segments.slice(count).join('/')];
  if (bytes(rest) <= 100) return { prefix, name: rest, extended: !isAscii };
  const whole = [...rest.slice(0, 99)];
  while (bytes(whole.join('')) > 100) whole.pop();
  return { prefix, name: whole.join(''), extended: true };
}

it('any path stands in prefix, name and extended header as FORMAT.md says', () => {
  fc.assert(fc.property(fc.oneof(path, fc.tuple(path, path).map((parts) => parts.join('/'))), (name) => {
    const header = encodeEntry({ path: name, type: 'File', size: 3, mode: 0o644 }, time);
    const block = header.subarray(-512);
    const field = (at: number, length: number): string => block.toString('utf8', at, at + length).replace(/\0+$/, '');
    expect({ prefix: field(345, 155), name: field(0, 100), extended: header.length > 512 }).toEqual(fieldsOf(name));
    if (header.length > 512) expect(header.toString('utf8', 512, 512 + Number.parseInt(header.toString('latin1', 124, 136), 8))).toMatch(/^\d+ path=[^\n]*\n\d+ size=3\n$/u);
  }), { numRuns: runs(400) });
});
