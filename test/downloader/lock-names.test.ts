import { describe, expect, it } from 'vitest';
import { alikeNames } from '../../downloader/lock-names.ts';

const alike = (...names: string[]): string[] => alikeNames(names.map((name) => ({ name, usedBy: [], at: [] }))).map(({ file, other }) => `${other.name} | ${file.name}`);

describe('names that are one name on another file system', () => {
  it.each<[string[], string[]]>([
    [['A.bin', 'a.bin'], ['A.bin | a.bin']],
    [['Tools/x', 'tools/x', 'tools/y'], ['Tools/x | tools/x']],
    [['caf\u00e9', 'cafe\u0301'], ['caf\u00e9 | cafe\u0301']],
    [['CAF\u00c9', 'cafe\u0301'], ['CAF\u00c9 | cafe\u0301']],
    [['Data', 'data/x'], ['Data | data/x']],
    [['data/x/y', 'DATA/X'], ['data/x/y | DATA/X']],
    [['a', 'b', 'a.b', 'a-b', 'cafe'], []],
  ])('%j', (names, expected) => {
    expect(alike(...names)).toEqual(expected);
  });
});
