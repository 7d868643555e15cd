import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lintBom } from '../../bom/lint.ts';
import { checkDocument, checkedDocuments, moduleBomFrom, parseDocuments, parseModuleBom, parseProject } from '../../bom/documents/document.ts';
import { editorSchemas } from '../../bom/documents/editor-schema.ts';
import { nearest } from '../../bom/documents/suggest.ts';
import { readTrees, treeLimits } from '../../bom/documents/yaml-tree.ts';
import { toYaml } from '../../bom/documents/yaml-writer.ts';
import { templateText } from '../../bom/template.ts';
import { refusal } from './support/documents.ts';
import { runs } from '../support/runs.ts';
import { processorTime } from '../support/processor-time.ts';

const head = 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: a}\n';

describe('scalars', () => {
  it('keeps versions, tags and digests as their source text', () => {
    const { value } = parseModuleBom(`apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: a, version: 1.10, labels: {a: 0.2, b: 020, c: true, d: 1e3, e: 0x10}}
spec:
  files: [{urls: ["https://example.org/x"], weakDigests: [sha1:${'1234567890'.repeat(3)}123456e890]}]
  packages: [{manager: deb, target: t, include: [{name: x, version: 1.20}]}]
`, 'a.yaml');
    expect(value.metadata.version).toBe('1.10');
    expect(value.metadata.labels).toEqual({ a: '0.2', b: '020', c: 'true', d: '1e3', e: '0x10' });
    expect(value.spec?.packages?.[0]?.include?.[0]?.version).toBe('1.20');
  });

  it('reads sizes, flags and modes as what they are', () => {
    const { value } = parseModuleBom(`${head}spec: {files: [{path: x, size: 12, mode: 0755}], packages: [{manager: deb, target: t, weakDependencies: true}]}`, 'a.yaml');
    expect(value.spec?.files?.[0]).toMatchObject({ size: 12, mode: '0755' });
    expect(value.spec?.packages?.[0]?.weakDependencies).toBe(true);
  });

  it('treats "" and nothing as not given', () => {
    const { value } = parseModuleBom(`${head}spec: {images: [{ref: x, digest: "", as: }], files: }`, 'a.yaml');
    expect(value.spec).toEqual({ images: [{ ref: 'x', digest: undefined }] });
  });

  it('takes JSON, also with tabs', () => {
    const text = JSON.stringify({ apiVersion: 'longshore.dev/v1alpha1', kind: 'ModuleBOM', metadata: { name: 'a', version: '1.10' } }, undefined, '\t');
    expect(parseModuleBom(text, 'a.json').value.metadata.version).toBe('1.10');
  });
});

describe('problems', () => {
  const cases: readonly (readonly [string, string, Record<string, unknown>])[] = [
    ['an unknown key', `${head}spec:\n  imags: []\n`, { code: 'INPUT_UNKNOWN_KEY', subject: 'a.yaml:5:3', actual: 'imags', next: 'Did you mean images?' }],
    ['an unknown key in a list', `${head}spec:\n  images:\n    - ref: x\n      platform: [a]\n`, { code: 'INPUT_UNKNOWN_KEY', subject: 'a.yaml:7:7', next: 'Did you mean platforms?' }],
    ['a duplicate key', `${head}metadata: {name: b}\n`, { code: 'INPUT_SYNTAX', subject: 'a.yaml:4:1' }],
    ['a missing field', `${head}spec:\n  images:\n    - {}\n`, { code: 'INPUT_FIELD', subject: 'a.yaml:6:7', actual: 'nothing' }],
    ['a wrong word', `${head}spec:\n  images: [{ref: x, role: bootstrp}]\n`, { code: 'INPUT_FIELD', subject: 'a.yaml:5:27', next: 'Did you mean bootstrap?' }],
    ['text for a list', `${head}spec: {files: [{urls: x}]}\n`, { code: 'INPUT_FIELD', subject: 'a.yaml:4:23', expected: 'a list in spec.files[0].urls' }],
    ['a short digest', `${head}spec: {files: [{path: x, digest: sha256:12}]}\n`, { code: 'INPUT_FIELD', subject: 'a.yaml:4:34' }],
    ['YAML 1.1 booleans', `${head}spec: {packages: [{manager: deb, target: t, weakDependencies: yes}]}\n`, { code: 'INPUT_FIELD', expected: 'one of true, false in spec.packages[0].weakDependencies' }],
    ['broken YAML', `${head}spec: [`, { code: 'INPUT_SYNTAX' }],
    ['a tag', `${head}spec: !!binary aGk=\n`, { code: 'INPUT_SYNTAX', actual: 'tag:yaml.org,2002:binary' }],
    ['an alias without anchor', `${head}spec: *x\n`, { code: 'INPUT_SYNTAX' }],
    ['another kind', 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBom\n', { code: 'INPUT_FIELD', subject: 'a.yaml:2:7', next: 'Did you mean ModuleBOM?' }],
    ['another format', 'apiVersion: v1\nkind: Pod\n', { code: 'INPUT_FIELD', subject: 'a.yaml:1:13' }],
    ['an empty file', '', { code: 'INPUT_SYNTAX' }],
    ['a comment only', '# nothing\n', { code: 'INPUT_SYNTAX' }],
    ['a merge key', `${head}spec:\n  files:\n    - &f {path: x}\n    - {<<: *f}\n`, { code: 'INPUT_UNKNOWN_KEY', actual: '<<' }],
    ['a bad operator', `${head}spec: {conflicts: [[{key: a, operator: like, values: [b]}]]}\n`, { code: 'INPUT_FIELD' }],
  ];
  it.each(cases)('%s', (_, text, expected) => {
    expect(checkDocument(text, 'a.yaml')[0]).toMatchObject(expected);
    expect(refusal(() => parseDocuments(text, 'a.yaml')).code).toBe(expected['code']);
  });

  it('lists all of them at once, by line', () => {
    const problems = checkDocument(`${head}spec:\n  images: [{ref: x, rol: y}, {}]\n  foo: 1\n---\napiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {nam: x}\n`, 'a.yaml');
    expect(problems.map(({ subject }) => subject)).toEqual(['a.yaml:5:21', 'a.yaml:5:30', 'a.yaml:6:3', 'a.yaml:10:11', 'a.yaml:10:12']);
  });

  it('lists what stands behind unknown keys and refused entries too, where it stands', () => {
    const text = `${head}spec:
  images: [{ref: x, digest: no}, {ref: "Upper/x"}]
  charts: [{repo: r}, {id: b, source: {repo: u, git: g}, a: 1}, {source: {repo: u, git: g}}]
  tools: [{file: f, a: 1, role: other}]
  upgrades: {fro: 1, from: ["1", ">>1"]}
`;
    const { problems, documents, partial } = checkedDocuments(text, 'a.yaml');
    expect(problems.map(({ subject, actual }) => [subject, actual])).toEqual([
      ['a.yaml:5:29', '"no"'], ['a.yaml:6:12', 'nothing'], ['a.yaml:6:13', 'repo'], ['a.yaml:6:39', 'a mapping'], ['a.yaml:6:58', 'a'], ['a.yaml:6:74', 'a mapping'],
      ['a.yaml:7:21', 'a'], ['a.yaml:7:27', 'role'], ['a.yaml:8:14', 'fro'], ['a.yaml:8:34', '">>1"'],
    ]);
    expect(problems.find(({ subject }) => subject === 'a.yaml:6:39')?.expected).toContain('spec.charts[1].source');
    const [left] = documents.boms;
    expect(partial.has(left)).toBe(true);
    expect(lintBom(left ?? expect.fail(), true)).toMatchObject([{ subject: 'a.yaml:5:40', actual: '"Upper/x"' }]);
    // What is missing cannot be left out: nothing is said about the rest.
    expect(checkedDocuments('apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {}\n', 'a.yaml')).toMatchObject({ problems: [{ subject: 'a.yaml:3:11' }], documents: { boms: [] } });
  });

  it('refuses what is made to exhaust memory or stack', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]', ...'bcdefghi'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(9)}*${'abcdefgh'[index]}]`)].join('\n');
    expect(checkDocument(`${head}x-bomb:\n${bomb.replace(/^/gm, '  ')}`, 'a.yaml')[0]).toMatchObject({ code: 'INPUT_SYNTAX', actual: 'more' });
    expect(checkDocument(`${head}x-bomb: {a: &a [*a]}`, 'a.yaml')[0]).toMatchObject({ code: 'INPUT_SYNTAX' });
    expect(checkDocument('['.repeat(100_000), 'a.yaml')[0]).toMatchObject({ code: 'INPUT_SYNTAX' });
    expect(checkDocument(`${'{a: '.repeat(80)}x${'}'.repeat(80)}`, 'a.yaml').some(({ expected }) => expected.includes(String(treeLimits.depth)))).toBe(true);
  });

  it('is quick with many keys', () => {
    const spent = processorTime();
    readTrees(Array.from({ length: 50_000 }, (_, index) => `k${index}: 1`).join('\n'), 'a.yaml');
    expect(spent()).toBeLessThan(10_000);
  });
});

describe('own keys and positions', () => {
  it('keeps x- keys and annotations in the canonical form', () => {
    const { canonical } = parseModuleBom(`${head}x-team: {a: 1}\nspec: {images: [{ref: x, x-note: hi, annotations: {any: [1, 2]}}]}`, 'a.yaml');
    expect(JSON.parse(new TextDecoder().decode(canonical))).toEqual({
      'apiVersion': 'longshore.dev/v1alpha1', 'kind': 'ModuleBOM', 'metadata': { name: 'a' }, 'x-team': { a: '1' },
      'spec': { images: [{ 'ref': 'x', 'x-note': 'hi', 'annotations': { any: ['1', '2'] } }] },
    });
  });

  it('knows where everything stands', () => {
    const parsed = parseModuleBom(`${head}spec:\n  images:\n    - ref: x\n`, 'a.yaml');
    expect(parsed.positionOf(['spec', 'images', 0, 'ref'])).toEqual({ file: 'a.yaml', line: 6, column: 12 });
    expect(parsed.positionOf(['spec', 'images', 0, 'ref'], 'key')).toEqual({ file: 'a.yaml', line: 6, column: 7 });
    expect(parsed.positionOf(['spec', 'images', 0, 'digest'])).toEqual({ file: 'a.yaml', line: 6, column: 7 });
  });
});

describe('round trip', () => {
  it('a document, its canonical JSON and the value give the same digest', () => {
    const parsed = parseModuleBom(templateText(true).split('---\n')[1] ?? '', 'a.yaml');
    const again = parseModuleBom(new TextDecoder().decode(parsed.canonical), 'b.json');
    expect(again.digest).toBe(parsed.digest);
    expect(moduleBomFrom(parsed.value, 'c').digest).toBe(parsed.digest);
  });

  it('holds for every kind of document', () => {
    const { projects: [project] } = parseDocuments(templateText(true), 't.yaml');
    const again = parseProject(new TextDecoder().decode(project?.canonical), 'p.json');
    expect(again.digest).toBe(project?.digest);
    const list = parseDocuments('apiVersion: longshore.dev/v1alpha1\nkind: ModuleRepository\nmetadata: {name: r}\nspec: {modules: [{name: a, version: 1.10, commands: [{name: init, args: [""]}]}]}', 'r.yaml').repositories[0];
    expect(parseDocuments(new TextDecoder().decode(list?.canonical), 'r.json').repositories[0]?.digest).toBe(list?.digest);
  });

  it('any texts survive', () => {
    const text = fc.string({ minLength: 1, unit: 'grapheme' });
    fc.assert(fc.property(fc.array(fc.record({ ref: text, mirrors: fc.array(text), annotations: fc.dictionary(text, text) })), fc.dictionary(text, text), (images, labels) => {
      const value = { apiVersion: 'longshore.dev/v1alpha1', kind: 'ModuleBOM', metadata: { name: 'a', labels }, spec: { images } };
      const parsed = parseModuleBom(JSON.stringify(value), 'a.json');
      expect(JSON.parse(new TextDecoder().decode(parsed.canonical))).toEqual(value);
    }), { numRuns: runs(200), examples: [[[], JSON.parse('{"__proto__":"a"}') as Record<string, string>]] });
  });

  it('a key __proto__ is a key like any other', () => {
    const text = '{"apiVersion":"longshore.dev/v1alpha1","kind":"ModuleBOM","metadata":{"annotations":{"__proto__":{"__proto__":"1"}},"labels":{"__proto__":"2","a":"3"},"name":"a"},"spec":{"images":[{"annotations":{"__proto__":"4"},"ref":"x","x-own":{"__proto__":{"x-b":"5"}}}]}}';
    const parsed = parseModuleBom(text, 'a.json');
    expect(new TextDecoder().decode(parsed.canonical)).toBe(text);
    expect(parseModuleBom(toYaml(JSON.parse(text)), 'a.yaml').digest).toBe(parsed.digest);
    expect(moduleBomFrom(parsed.value, 'b').value.metadata.labels).toEqual(parsed.value.metadata.labels);
    expect(Object.entries(parsed.value.metadata.labels ?? {})).toEqual([['__proto__', '2'], ['a', '3']]);
  });

  it('and neither brings in fields nor reaches what all objects share', () => {
    expect(checkDocument(`${head}spec:\n  images:\n    - {__proto__: {ref: x}}\n`, 'a.yaml')).toMatchObject([{ code: 'INPUT_FIELD', subject: 'a.yaml:6:7' }, { code: 'INPUT_UNKNOWN_KEY', subject: 'a.yaml:6:8', actual: '__proto__' }]);
    const { value } = parseProject('apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: p}\nspec: {overlays: [{match: {image: x}, set: {__proto__: {x-evil: "1"}}}]}\n', 'p.yaml');
    expect(Object.keys(value.spec?.overlays?.[0]?.set ?? {})).toEqual(['__proto__']);
    expect('x-evil' in {}).toBe(false);
  });
});

describe('the template', () => {
  it.each([false, true])('passes its own check (all: %s)', (all) => {
    expect(checkDocument(templateText(all), 'template.yaml')).toEqual([]);
    const { boms, projects } = parseDocuments(templateText(all), 'template.yaml');
    expect([boms.length, projects.length]).toEqual([1, 1]);
  });
});

describe('JSON Schemas for editors', () => {
  it('are current: node scripts/generate-schemas.ts writes them', () => {
    for (const [name, text] of editorSchemas()) expect(readFileSync(join(resolve(import.meta.dirname, '../../bom/schema'), name), 'utf8')).toBe(text);
  });
});

describe('a project', () => {
  it('is read with all of its fields', () => {
    const { value } = parseProject(templateText(true).split('---\n')[0] ?? '', 'p.yaml');
    expect(value.spec?.credentials).toEqual({ vendor: { env: 'VENDOR_TOKEN', hosts: ['downloads.example.org', 'mirror.example.org'] } });
    expect(value.spec?.policy?.unpinned).toBe('resolve');
  });
});

describe('suggestions', () => {
  it.each([['imags', 'images'], ['urls', 'urls'], ['saevAs', 'saveAs'], ['zzzzzz', undefined]] as const)('%s -> %s', (word, expected) => {
    expect(nearest(word, ['images', 'files', 'urls', 'saveAs'])).toBe(expected);
  });
});

