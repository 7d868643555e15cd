// The quick reader of plain YAML says what the YAML reader says, of the tree and of places, or leaves the text to it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSimpleYaml } from '../../bom/documents/simple-yaml.ts';
import { templateText } from '../../bom/template.ts';
import { readTrees, type Tree, treeLimits, type TreePath } from '../../bom/documents/yaml-tree.ts';
import { sampleBom } from '../bench/aggregate.bench.ts';
import { runs } from '../support/runs.ts';

/** The same document, of which the quick reader takes no notice. */
const leftAlone = (text: string): string => `${text}${text.endsWith('\n') ? '' : '\n'}...\n`;

function pathsOf(tree: Tree, path: TreePath = []): TreePath[] {
  if (typeof tree === 'string') return [path];
  return [path, ...Object.entries(tree).flatMap(([key, value]) => pathsOf(value as Tree, [...path, Array.isArray(tree) ? Number(key) : key]))];
}

/** Whether the quick reader takes `text`; then the other has to agree. */
function takenAlike(text: string): boolean {
  if (readSimpleYaml(text, treeLimits) === undefined) return false;
  expect(readSimpleYaml(leftAlone(text), treeLimits)).toBeUndefined();
  const [quick] = readTrees(text, 'a').documents;
  const { documents, problems } = readTrees(leftAlone(text), 'a');
  expect({ problems, count: documents.length }, text).toEqual({ problems: [], count: 1 });
  const [slow] = documents;
  expect(quick?.tree, text).toEqual(slow?.tree);
  for (const path of [...pathsOf(quick?.tree ?? ''), ['none'], ['none', 1]]) {
    for (const part of ['key', 'value'] as const) expect({ text, path, part, at: quick?.positionOf(path, part) }).toEqual({ text, path, part, at: slow?.positionOf(path, part) });
  }
  return true;
}

describe('read quickly, and as YAML is', () => {
  it.each([
    ['a mapping', 'a: b\nc: 1.10\n'], ['no line end', 'a: b'], ['a document start', '# x\n---\n# y\na: b\n'],
    ['lists and mappings', 'a:\n  - b: c\n    d: e\n  -   f: g\n      h:\n      - 1\n      - 2\n  - - x\n    - y\ni: z\n'],
    ['a list at the column of its key', 'a:\n- b\n- c: d\n  e: f\nx: y\n'],
    ['comments and empty lines', '\n# top\na: b # c\n\n   # deep\nc: # none\n  # below\n  d: e#f\n  \n# last'],
    ['collections on a line', 'a: {b: [c, "d", {}, []], e: {f: g}}\nh: [ {i: j , k: "l"} , [m,n] ]\n'],
    ['quotation marks', `"a b": "c: d # e"\n'f': 'g "h"'\ni: {"j": 'k', l: "m"}\nn: ["", '']\n`],
    ['plain text of all kinds', 'a: https://example.org:8080/x?y=z&w#f\nb: -1\nc: a b  c\nd: a, b [c] {d}\ne: -x\nf: a#b\ng: ${x}\nh: x &y *z !w\ni: {j: a-b:c, k: -1, l: x y}\n'],
    ['nothing', 'a: ~\nb: null\nc: [~, Null, "null"]\nd: {e: NULL}\n'],
    ['keys that are no words', '1.0: a\nnull: b\n~: c\na b: d\n__proto__: {__proto__: e}\nx:y: z\n/a/b: c\n'],
    ['other alphabets', 'ä: ö\n名: [前, "\u{1F600}"]\n'.replace(/\u{1F600}/u, 'ß')],
  ])('%s', (_, text) => {
    expect(takenAlike(text)).toBe(true);
  });

  it('documents that longshore writes and reads', () => {
    expect(takenAlike(sampleBom(7))).toBe(true);
    takenAlike(templateText(true));
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    const [, bom = ''] = /```yaml\n(apiVersion[\s\S]*?)```/.exec(readme) ?? [];
    expect(takenAlike(bom)).toBe(true);
  });

  it('whatever is written', () => {
    let taken = 0;
    fc.assert(fc.property(document, (text) => {
      if (takenAlike(text)) taken += 1;
    }), { numRuns: runs(500) });
    expect(taken).toBeGreaterThan(50);
  });

  it('however it is damaged', () => {
    fc.assert(fc.property(document, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 3 }), fc.constantFrom(...pieces)), { maxLength: 3 }), (text, damages) => {
      let damaged = text;
      for (const [where, length, piece] of damages) {
        const at = where % (damaged.length + 1);
        damaged = damaged.slice(0, at) + piece + damaged.slice(at + length);
      }
      takenAlike(damaged);
    }), { numRuns: runs(1_000) });
  });
});

const pieces = ['', ' ', '  ', '\n', '\n  ', '-', '- ', ': ', ':', ',', ', ', '#', ' #', ' # x', '"', "'", '[', ']', '{', '}', '?', '? ', '!', '&a ', '*a', '|', '>', '%', '@', '`', '~', '---', '---\n', '...', '\\', '\t', '\r', '\r\n', 'a', '<<', '\u0085', '\u2028', '\uFEFF', '\u0000', '😀'];
const word = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('a', 'b1', 'x.y/z:1', '"q"', "'s'") }, { weight: 1, arbitrary: fc.constantFrom('a', 'b', 'c1', 'd e', 'x-y', 'http://a/b:c', '1.10', 'null', '~', '-1', 'a#b', '"q: #"', "'s, [x]'", '""', 'é', 'k:v', '__proto__', '"a" b', 'a "b"', 'x  y', 'true', '=', '$a', '${b}', '(c)', 'a]', 'b}', 'c,d') });
const key = fc.oneof({ weight: 6, arbitrary: fc.stringMatching(/^[a-z][a-z0-9.-]{1,3}$/) }, { weight: 1, arbitrary: word });
const flow: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 3, depthSize: 'small' }, word,
    fc.tuple(fc.array(tie('value'), { maxLength: 3 }), fc.constantFrom(', ', ',', ' , ')).map(([items, comma]) => `[${items.join(comma)}]`),
    fc.tuple(fc.array(fc.tuple(key, tie('value')), { maxLength: 3 }), fc.constantFrom(', ', ',', ' , ')).map(([items, comma]) => `{${items.map(([name, value]) => `${name}: ${value}`).join(comma)}}`)),
})).value;

type Block = { readonly lines: readonly string[] };
const block: fc.Arbitrary<Block> = fc.letrec<{ block: Block }>((tie) => {
  const indented = (lines: readonly string[], by: number): string[] => lines.map((line) => `${' '.repeat(by)}${line}`);
  const value = fc.oneof({ maxDepth: 4, depthSize: 'small' }, flow.map((text): string | Block => text), tie('block'));
  const ending = fc.constantFrom('', '', '', ' ', ' # x', '  #');
  return {
    block: fc.oneof(
      fc.array(fc.tuple(key, value, fc.nat({ max: 3 }), ending), { minLength: 1, maxLength: 4 }).map((entries): Block => ({
        lines: entries.flatMap(([name, item, by, end]) => (typeof item === 'string' ? [`${name}: ${item}${end}`] : [`${name}:${end}`, ...indented(item.lines, by)])),
      })),
      fc.array(fc.tuple(value, fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 4 }).map((items): Block => ({
        lines: items.flatMap(([item, by]) => (typeof item === 'string' ? [`-${' '.repeat(by)}${item}`] : indented(item.lines, by + 1).map((line, index) => (index === 0 ? `-${line.slice(1)}` : line)))),
      })),
    ),
  };
}).block;
const document = fc.tuple(block, fc.constantFrom('', '\n', '# c\n', '---\n')).map(([{ lines }, head]) => `${head}${lines.join('\n')}\n`);

describe('the YAML reader gets', () => {
  it.each([
    ['nothing', ''], ['a list', '- a\n'], ['a text', 'a\n'], ['JSON', '{"a": 1}'], ['a tab', 'a:\tb\n'], ['a carriage return', 'a: b\r\n'], ['a key twice', 'a: b\na: c\n'], ['a merge key', '<<: b\n'],
    ['an anchor', 'a: &x b\n'], ['an alias', 'a: *x\n'], ['a tag', 'a: !x b\n'], ['a block scalar', 'a: |\n  b\n'], ['a folded one', 'a: >-\n  b\n'], ['no value', 'a:\nb: c\n'], ['an item without value', 'a:\n  -\n  - b\n'],
    ['an escape', 'a: "\\n"\n'], ['a doubled mark', "a: 'b''c'\n"], ['text over two lines', 'a: b\n  c\n'], ['a collection over two lines', 'a: [b,\n c]\n'], ['a question mark', '? a\n: b\n'], ['two documents', 'a: b\n---\nc: d\n'],
    ['a directive', '%YAML 1.2\n---\na: b\n'], ['a pair in a list', 'a: [b: c]\n'], ['a comma at the end', 'a: [b,]\n'], ['a key alone', 'a: {b}\n'], ['bad indentation', 'a:\n  b: c\n d: e\n'], ['a mark inside', 'a: "b" c\n'],
    ['two colons', 'a: b: c\n'], ['a byte order mark inside', 'a: \uFEFFb\n'], ['half a surrogate pair', 'a: \uD800\n'], ['depth', `a: ${'['.repeat(80)}${']'.repeat(80)}\n`], ['a long key', `${'k'.repeat(1_100)}: a\n`],
  ])('%s', (_, text) => {
    expect(readSimpleYaml(text, treeLimits)).toBeUndefined();
  });

  it('more values than fit', () => {
    expect(readSimpleYaml('a: [1, 2, 3]\n', { depth: 64, nodes: 5 })).toBeUndefined();
    expect(readSimpleYaml('a: [1, 2, 3]\n', { depth: 64, nodes: 6 })).toBeDefined();
  });
});
