import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareEvr, parseEvr } from '../../../formats/rpm/evr.ts';
import { readLibsolvCase } from '../../differential/rpm/libsolv-case.ts';
import { ourRules } from '../../differential/rpm/libsolv-rules.ts';
import { ourAnswer } from '../../differential/rpm/oracle.ts';

const folder = join(import.meta.dirname, '../../fixtures/libsolv');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.t')).sort();

describe("libsolv's own cases", () => {
  it('are there', () => { expect(files.length).toBeGreaterThanOrEqual(35); });

  it.each(files)('%s', (file) => {
    const read = readLibsolvCase(readFileSync(join(folder, file), 'utf8'));
    if ('leftOut' in read) throw new Error(read.leftOut);
    for (const { document, expected } of read.steps) {
      const [answer] = ourAnswer(document);
      const names = answer?.flatMap((index) => { const item = document.packages[index]; return item === undefined ? [] : [`${item.n}-${item.e}.${item.a}`]; }).sort();
      expect(names).toEqual(expected);
    }
    for (const { document, wanted, expected } of read.rules) expect(ourRules(document, wanted)).toEqual(expected);
    for (const { a, op, b } of read.comparisons) expect([a, ['<', '=', '>'][Math.sign(compareEvr(parseEvr(a), parseEvr(b))) + 1], b]).toEqual([a, op, b]);
  });
});
