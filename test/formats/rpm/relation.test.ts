import { describe, expect, it } from 'vitest';
import { parseEvr } from '../../../formats/rpm/evr.ts';
import { parseRich, relationText, type RichRelation } from '../../../formats/rpm/relation.ts';

/** Fully bracketed. */
function show(rich: RichRelation): string {
  switch (rich.kind) {
    case 'plain': return relationText(rich.relation);
    case 'if': case 'unless': return `(${show(rich.then)} ${rich.kind} ${show(rich.condition)}${rich.otherwise === undefined ? '' : ` else ${show(rich.otherwise)}`})`;
    default: return `(${show(rich.left)} ${rich.kind} ${show(rich.right)})`;
  }
}

describe('parseRich', () => {
  it.each([
    ['(a or b)', '(a or b)'], ['(a)', 'a'], ['(a and b and c)', '(a and (b and c))'], ['(a >= 1:2-3 with a < 2)', '(a >= 1:2-3 with a < 2)'],
    ['(a if b)', '(a if b)'], ['(a if b else c)', '(a if b else c)'], ['(a unless b else (c or d))', '(a unless b else (c or d))'],
    ['(libx.so.1()(64bit) or (b without c))', '(libx.so.1()(64bit) or (b without c))'], ['((a or b) and  c)', '((a or b) and c)'],
    ['(/usr/bin/x if systemd == 3)', '(/usr/bin/x if systemd = 3)'], ['(a or b or (c and d))', '(a or (b or (c and d)))'],
  ])('reads %s', (text, shown) => {
    const rich = parseRich(text);
    expect(rich === undefined ? undefined : show(rich)).toBe(shown);
  });

  it.each(['a', '', '(', '()', '(a', '(a or)', '(a or b', '(a or b) c', '(or b)', '(a >= )', '(a or b and c)', '(a if b if c)', '(a else b)', '(a b)', '(a without b without c)'])('refuses %j', (text) => {
    expect(parseRich(text)).toBeUndefined();
  });

  it('refuses what nests too deep, however long', () => {
    expect(parseRich(`${'('.repeat(40)}a${')'.repeat(40)}`)).toBeDefined();
    expect(parseRich(`${'('.repeat(200_000)}a${')'.repeat(200_000)}`)).toBeUndefined();
    expect(parseRich(`(a${' or a'.repeat(200_000)})`)).toBeUndefined();
  });
});

describe('relationText', () => {
  it('writes what clients write', () => {
    expect(relationText({ name: 'a' })).toBe('a');
    expect(relationText({ name: 'a', op: '>=', evr: parseEvr('0:1-2') })).toBe('a >= 1-2');
    expect(relationText({ name: '(a or b)' })).toBe('(a or b)');
  });
});
