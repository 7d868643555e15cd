import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareEvr, compareRpmVersion, formatEvr, parseEvr } from '../../../formats/rpm/evr.ts';
import { runs } from '../../support/runs.ts';

/** Recorded from rpm's own labelCompare by test/differential/rpm/record-evr.py. */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/rpm/version-order.json'), 'utf8')) as readonly [string, string, number][];

describe('compareRpmVersion', () => {
  it('orders as rpm does', () => {
    expect(recorded.length).toBeGreaterThanOrEqual(400);
    const wrong = recorded.filter(([a, b, order]) => Math.sign(compareRpmVersion(a, b)) !== order || Math.sign(compareRpmVersion(b, a)) !== (order === 0 ? 0 : -order));
    expect(wrong).toEqual([]);
  });

  const version = fc.stringMatching(/^[0-9a-c.~^+]{0,8}$/);
  it('is an order', () => {
    fc.assert(fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareRpmVersion(a, b)) + Math.sign(compareRpmVersion(b, a))).toBe(0);
      if (compareRpmVersion(a, b) < 0 && compareRpmVersion(b, c) < 0) expect(compareRpmVersion(a, c)).toBeLessThan(0);
    }), { numRuns: runs(2000) });
  });

  it('takes any text', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => { expect(Number.isNaN(compareRpmVersion(a, b))).toBe(false); }));
  });
});

describe('parseEvr', () => {
  it.each([
    ['1.0-1', { epoch: 0, version: '1.0', release: '1' }], ['3:1.0-1.el8', { epoch: 3, version: '1.0', release: '1.el8' }], ['1.0', { epoch: 0, version: '1.0', release: '' }],
    ['0:1-2-3', { epoch: 0, version: '1-2', release: '3' }], [':1', { epoch: 0, version: '1', release: '' }], ['x:1', { epoch: 0, version: 'x:1', release: '' }],
  ])('reads %s', (text, evr) => { expect(parseEvr(text)).toEqual(evr); });

  it.each(['1.0-1', '3:1.0-1.el8', '1.0'])('is undone by formatEvr: %s', (text) => { expect(formatEvr(parseEvr(text))).toBe(text); });
});

describe('compareEvr', () => {
  it.each([['1.0', '1.0-5', 0], ['1:0-1', '9-9', 1], ['1.0-1', '1.0-2', -1], ['1.0~rc1-9', '1.0-1', -1], ['1.0-1', '1.0^git1-1', -1], ['0:1-1', '1-1', 0]])('%s beside %s', (a, b, order) => {
    expect(Math.sign(compareEvr(parseEvr(a), parseEvr(b)))).toBe(order);
  });
});
