// Documents that are JSON: the quick reader says what the YAML reader says, of the tree and of places, or leaves them to it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from '../../bom/documents/json-tree.ts';
import { readTrees, type Tree, treeLimits, type TreePath } from '../../bom/documents/yaml-tree.ts';
import { runs } from '../support/runs.ts';

/** The same document, of which the quick reader takes no notice. */
const asYaml = (text: string): string => `${text}\n# YAML\n`;

function pathsOf(tree: Tree, path: TreePath = []): TreePath[] {
  if (typeof tree === 'string') return [path];
  return [path, ...Object.entries(tree).flatMap(([key, value]) => pathsOf(value as Tree, [...path, Array.isArray(tree) ? Number(key) : key]))];
}

function expectSame(text: string): void {
  expect(readJson(text, treeLimits)).toBeDefined();
  const [quick] = readTrees(text, 'a').documents;
  const { documents: [slow], problems } = readTrees(asYaml(text), 'a');
  expect(problems).toEqual([]);
  expect(quick?.tree).toEqual(slow?.tree);
  for (const path of [...pathsOf(quick?.tree ?? ''), ['none'], ['none', 1]]) {
    for (const part of ['key', 'value'] as const) expect(quick?.positionOf(path, part)).toEqual(slow?.positionOf(path, part));
  }
}

describe('JSON is read as YAML is', () => {
  it.each([
    ['numbers as they are written', '{"a": 1.10, "b": -0, "c": 1e5, "d": [020.5e0]}'.replace('020.5', '20.5')],
    ['literals', '{"a": true, "b": false, "c": null, "d": [null, "null", "~"]}'],
    ['escapes', String.raw`{"a\u0041": "\"\\\/\b\f\n\r\t\u00e4", "\u005f_proto__": "x"}`],
    ['lines and spaces', '  {\n  "a" : [ 1 ,\n {} , [] ]\n ,"b":{"c":\n"d"}}\n'],
    ['an empty object', '{}'],
  ])('%s', (_, text) => {
    expectSame(text);
  });

  it('for any value', () => {
    fc.assert(fc.property(fc.dictionary(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 4 })), fc.constantFrom(undefined, 1, 4), (value, indent) => {
      fc.pre(!JSON.stringify(value).includes('"<<"'));
      expectSame(JSON.stringify(value, null, indent));
    }), { numRuns: runs(200) });
  });

  it('and a surrogate pair may be written as two escapes', () => {
    expect(readTrees(String.raw`{"a": "\ud83d\ude00"}`, 'a').documents[0]?.tree).toEqual({ a: '\u{1F600}' });
  });
});

describe('the YAML reader gets', () => {
  it.each([
    ['a list', '[1]'], ['a text', '"a"'], ['nothing', ''], ['a key twice', '{"a": 1, "\\u0061": 2}'], ['a comma at the end', '{"a": 1,}'], ['a comma in a list', '[1,]'], ['a comment', '{"a": 1} # x'],
    ['two documents', '{"a": 1}\n---\n{"a": 1}'], ['a number with zeros', '{"a": 020}'], ['a word', '{"a": yes}'], ['a key without quotes', '{a: 1}'], ['no end', '{"a": "'], ['no value', '{"a": }'],
    ['half a surrogate pair', '{"a": "\\ud800"}'], ['a merge key', '{"<<": {"a": 1}}'], ['a line end inside', '{"a": "x\ny"}'], ['a carriage return', '{"a":\r1}'],
    ['depth', `${'{"a":'.repeat(80)}1${'}'.repeat(80)}`], ['an unknown escape', String.raw`{"a": "\x41"}`],
  ])('%s', (_, text) => {
    expect(readJson(text, treeLimits)).toBeUndefined();
  });

  it('more values than fit', () => {
    expect(readJson('{"a": [1, 2, 3]}', { depth: 9, nodes: 4 })).toBeUndefined();
    expect(readJson('{"a": [1, 2, 3]}', { depth: 9, nodes: 9 })).toBeDefined();
  });

  it('text that is long, without trouble', () => {
    expect(readJson(`{"a": "${'\\n'.repeat(1_000_000)}"}`, treeLimits)?.tree).toEqual({ a: '\n'.repeat(1_000_000) });
  });
});
