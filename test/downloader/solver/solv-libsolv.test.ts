import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { holds } from '../../differential/rpm/compare-libsolv.ts';
import { type OracleAnswer, ourAnswer } from '../../differential/rpm/oracle.ts';
import { randomRpms } from '../../differential/rpm/random-rpms.ts';
import { shapes } from '../../differential/rpm/shapes.ts';

/** libsolv's answers, recorded by test/differential/rpm/record-libsolv.ts. */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/rpm/libsolv-answers.json'), 'utf8')) as Readonly<Record<string, { readonly seed: number; readonly answers: readonly OracleAnswer[] }>>;

describe('small universes', () => {
  it.each(Object.entries(shapes))('%s: chosen as libsolv chose', (name, shape) => {
    const { seed = 0, answers = [] } = recorded[name] ?? {};
    expect(answers.length).toBe(40);
    for (const [index, answer] of answers.entries()) {
      const document = randomRpms(seed + index, shape);
      const ours = ourAnswer(document);
      expect({ seed: seed + index, answer: ours }).toEqual({ seed: seed + index, answer });
      for (const taken of ours) if (taken !== null) expect(holds(document, taken)).toBe(true);
    }
  });
});
