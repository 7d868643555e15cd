import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRelation, parseRelation, parseRelations } from '../../../formats/deb/relation.ts';
import { processorTime } from '../../support/processor-time.ts';

describe('parseRelations', () => {
  it('reads groups, alternatives, versions, architectures', () => {
    expect(parseRelations('libc6 (>= 2.34), a | b (<<1) | c:any, ,d(=1:2-3)[amd64] <!nocheck>,\n e')).toEqual([
      [{ name: 'libc6', operator: '>=', version: '2.34' }],
      [{ name: 'a' }, { name: 'b', operator: '<<', version: '1' }, { name: 'c', arch: 'any' }],
      [{ name: 'd', operator: '=', version: '1:2-3' }],
      [{ name: 'e' }],
    ]);
    expect(parseRelations('')).toEqual([]);
  });

  it('takes the obsolete operators for what they mean', () => {
    expect(parseRelation('a (< 1)')).toEqual({ name: 'a', operator: '<=', version: '1' });
    expect(parseRelation('a (> 1)')).toEqual({ name: 'a', operator: '>=', version: '1' });
  });

  it.each(['', '(>= 1)', 'a (>=)', 'a (1)', 'a b', 'a (>= 1', '-a', 'a:', '${shlibs:Depends}'])('knows that %j is no relation', (text) => {
    expect(parseRelation(text)).toBeUndefined();
  });

  it('gives back what it formats', () => {
    const relation = fc.record({ name: fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{0,8}$/), version: fc.stringMatching(/^[0-9][0-9a-z.+~]{0,6}$/), operator: fc.constantFrom('<<', '<=', '=', '>=', '>>') });
    fc.assert(fc.property(relation, (item) => { expect(parseRelation(formatRelation(item as never))).toEqual(item); }));
  });

  it('is quick on long hostile text', () => {
    const spent = processorTime();
    parseRelations(`${'a '.repeat(50_000)}, ${'<'.repeat(20_000)}, a ${'<x> '.repeat(10_000)}(`);
    expect(spent()).toBeLessThan(2000);
  });
});
