// RFC 8785; its own examples, and any value against the plain reading of section 3.2.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalBytes, canonicalJson } from '../../bom/canonical-json.ts';

function plainly(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(plainly).join(',')}]`;
  return `{${Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => `${JSON.stringify(key)}:${plainly(item)}`).join(',')}}`;
}

it('writes the examples of the RFC', () => {
  const sorting = JSON.parse('{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}');
  expect(Object.keys(JSON.parse(`[${canonicalJson(sorting)}]`)[0])).toHaveLength(7);
  expect([...canonicalJson(sorting).matchAll(/:"(\w+)/g)].map((match) => match[1])).toEqual(['Carriage', 'One', 'Control', 'Latin', 'Euro', 'Emoji', 'Hebrew']);
  const literals = { numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001], string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"\/', literals: [null, true, false] };
  expect(canonicalJson(literals)).toBe('{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}');
});

it.each([
  [{ 10: 'a', 9: 'b', x: { 2: 1, 11: 2 } }, '{"10":"a","9":"b","x":{"11":2,"2":1}}'],
  [JSON.parse('{"b":1,"__proto__":{"a":2}}'), '{"__proto__":{"a":2},"b":1}'],
  [{ b: undefined, a: [undefined, -0] }, '{"a":[null,0]}'],
  [{ a: { toJSON: 'a name like others' } }, '{"a":{"toJSON":"a name like others"}}'],
])('%j', (value, text) => {
  expect(canonicalJson(value)).toBe(text);
  expect(Buffer.from(canonicalBytes(value)).toString()).toBe(text);
});

it.each([Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { '\ud800': 1 }, { a: ['\udc00'] }, undefined, { a: () => 1 }, { a: 1n }, [Symbol.iterator]])('has no form for %o', (value) => {
  expect(() => canonicalJson(value)).toThrow(TypeError);
});

it('is the same for whatever is well-formed, however its properties stand', () => {
  const key = fc.oneof(fc.string({ unit: 'grapheme' }), fc.nat(30).map(String), fc.constant('__proto__'));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, fc.jsonValue(), fc.array(tie('value'), { maxLength: 4 }), fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map((entries) => {
      const made: Record<string, unknown> = {};
      for (const [name, item] of entries) Object.defineProperty(made, name, { value: item, enumerable: true, configurable: true, writable: true });
      return made;
    })),
  }));
  fc.assert(fc.property(value, (any) => {
    fc.pre(JSON.stringify(any).isWellFormed() && !/\\ud[89a-f]/.test(JSON.stringify(any)));
    expect(canonicalJson(any)).toBe(plainly(any));
  }), { numRuns: 300 });
});
