import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkDocument } from '../../bom/documents/document.ts';
import { isRange } from '../../bom/version-range.ts';
import { operatorAliases, type Operator } from '../../bom/documents/module-bom.ts';
import { relate } from '../../bom/relations.ts';
import { compareSemver, inRange } from '../../bom/relations-versions.ts';
import { type Facts, matches, normalise } from '../../bom/selector.ts';
import { bom, refusal } from './support/documents.ts';
import { runs } from '../support/runs.ts';

const facts = (labels: Record<string, string>): Facts => ({ name: 'm', labels: new Map(Object.entries(labels)), versionScheme: 'semver' });

describe('versions', () => {
  const ascending = ['0.0.1', '0.2', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1', 'v1.0.1', '1.9', '1.10', '2.8.1', '10', '123456789012345678901'];
  it('are ordered as numbers', () => {
    for (const [index, a] of ascending.entries()) for (const [other, b] of ascending.entries()) expect([a, b, Math.sign(compareSemver(a, b))]).toEqual([a, b, Math.sign(index - other)]);
  });
  it('have a total order over any text', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^v?\d{1,3}(\.\d{1,3}){0,3}(-[a-z0-9.]{1,6})?$/));
    fc.assert(fc.property(text, text, text, (a, b, c) => {
      expect(Math.sign(compareSemver(a, b))).toBe(-Math.sign(compareSemver(b, a)) || 0);
      expect(compareSemver(a, a)).toBe(0);
      if (compareSemver(a, b) <= 0 && compareSemver(b, c) <= 0) expect(compareSemver(a, c)).toBeLessThanOrEqual(0);
    }), { numRuns: runs(500) });
  });
  it.each([
    ['2.8.0', '>=2.7 <2.8.1', true], ['2.8.1', '>=2.7 <2.8.1', false], ['2.6.0', '2.6.0', true], ['9', '*', true], ['1.4.9', '^1.2', true], ['2.0', '^1.2', false], ['2.0.0-rc.1', '^1.2', false],
    ['0.3.0', '^0.2.1', false], ['1.2.9', '~1.2.3', true], ['1.3.0', '~1.2.3', false], ['1.9', '~1', true], ['3', '<1 || >=3', true], ['2', '<1 || >=3', false], ['1.5', '> 1, < 2', true], ['1', '', false],
    ['1.9.3', '1.x', true], ['1', '1.*', true], ['2.0.0', '1.x', false], ['2.0.0-rc.1', '1.x', false], ['0.9', '1.X', false], ['v1.2.7', '=v1.2.x', true], ['1.3', '1.2.x', false], ['1.2', '1.x.x', true],
    ['1.5', '!=1.x', false], ['2', '!=1.x', true], ['1.5', '>1.x', false], ['2', '>1.x', true], ['1.5', '<=1.x', true], ['2', '<=1.x', false], ['1', '<1.x', false], ['0.9', '<1.x', true], ['1', '>=1.x <3', true], ['0.4', '^0.x', true], ['1.2.9', '~1.2.x', true], ['1.3', '~1.2.x', false], ['10.1', '1.x', false],
  ])('%s in %s: %s', (version, range, expected) => {
    expect(inRange(version, range, compareSemver)).toBe(expected);
  });
});

describe('ranges', () => {
  it.each(['*', '2.6.0', '>=2.7 <2.8.1', '>= 2.7, < 3', '^1.2 || ~0.3', '=1', '==1', '!=2', '1.x', '>=1.2.* <2.x', 'v1-beta', '1.0-x', '1:2.3-4'])('%j is one', (range) => { expect(isRange(range)).toBe(true); });
  it.each([' ', 'bogus >', '>', '>=>1', '1 ||', '|| 1', '1 | 2', '^', '1*', '1.x.3', '1.*.3', 'x.1', '.x', '>x', '1.**'])('%j is none, and a BOM may not say it', (range) => {
    expect(isRange(range)).toBe(false);
    const problems = checkDocument(JSON.stringify({ apiVersion: 'longshore.dev/v1alpha1', kind: 'ModuleBOM', metadata: { name: 'a' }, spec: { upgrades: { from: ['1', range] } } }), 'a.yaml');
    expect(problems.map(({ code, position: { line } }) => [code, line])).toEqual([['INPUT_FIELD', 1]]);
    const relation = (operator: string): object => ({ apiVersion: 'longshore.dev/v1alpha1', kind: 'ModuleBOM', metadata: { name: 'a' }, spec: { requires: { strong: [[{ key: 'version', operator, values: ['1', range] }]] } } });
    expect(checkDocument(JSON.stringify(relation('~')), 'a.yaml')).toMatchObject([{ code: 'INPUT_FIELD', expected: expect.stringContaining('spec.requires.strong[0][0].values') }]);
    expect(checkDocument(JSON.stringify(relation('in')), 'a.yaml')).toEqual([]);
  });
});

describe('expressions', () => {
  it.each<[string, Operator, string[], boolean]>([
    ['a', 'eq', ['1'], true], ['a', 'eq', ['2'], false], ['a', 'in', ['0', '1'], true], ['a', 'ne', ['1'], false], ['a', 'notIn', ['2'], true], ['a', 'exists', [], true], ['a', 'notExists', [], false],
    ['b', 'eq', ['1'], false], ['b', 'ne', ['1'], true], ['b', 'notIn', ['1'], true], ['b', 'exists', [], false], ['b', 'notExists', [], true], ['b', 'gt', ['0'], false], ['b', 'lt', ['9'], false],
    ['v', 'gt', ['1.9'], true], ['v', 'ge', ['1.10'], true], ['v', 'lt', ['1.10'], false], ['v', 'le', ['1.10.0'], true], ['v', 'range', ['>=1.9 <2'], true], ['v', 'range', ['<1'], false], ['v', 'gt', [], false],
  ])('%s %s %j: %s', (key, operator, values, expected) => {
    expect(matches({ key, operator, values }, facts({ a: '1', v: '1.10' }))).toBe(expected);
  });

  it('have one meaning in every spelling, with or without a comma', () => {
    for (const [spelling, operator] of Object.entries(operatorAliases)) {
      expect(normalise({ key: 'a', operator: spelling, values: ['1'] })).toEqual({ expression: { key: 'a', operator, values: ['1'] } });
      expect(normalise({ key: 'a,', operator: `${spelling},` })).toMatchObject({ expression: { key: 'a', operator }, lint: expect.stringContaining('comma') as string });
    }
  });

  it('keep the laws of the language', () => {
    const key = fc.constantFrom('a', 'b', 'version');
    const value = fc.constantFrom('1', '1.0', '2', '1.10', 'x', 'true');
    const labels = fc.dictionary(key, value);
    fc.assert(fc.property(labels, key, fc.array(value, { minLength: 1, maxLength: 3 }), (all, name, values) => {
      const meets = (operator: Operator): boolean => matches({ key: name, operator, values }, facts(all));
      expect(meets('ne')).toBe(!meets('eq'));
      expect(meets('notIn')).toBe(!meets('in'));
      expect(meets('eq')).toBe(meets('in'));
      expect(meets('notExists')).toBe(!meets('exists'));
      if (!meets('exists')) for (const operator of ['eq', 'in', 'gt', 'ge', 'lt', 'le', 'range'] as const) expect(meets(operator)).toBe(false);
      else {
        expect(meets('ge')).toBe(!meets('lt'));
        expect(meets('le')).toBe(!meets('gt'));
        expect(meets('ge') && meets('le')).toBe(compareSemver(all[name] ?? '', values[0] ?? '') === 0);
      }
    }), { numRuns: runs(1000) });
  });
});

describe('modules', () => {
  const needs = (kind: string, strength = 'strong'): string => `requires: {${strength}: [[{key: kind, operator: eq, values: [${kind}]}]]}`;
  const of = (name: string, kind: string, spec = ''): ReturnType<typeof bom> => bom(name, spec, `version: 1.0, labels: {kind: ${kind}}`);

  it('stand after what they require, ties by name', () => {
    expect(relate([of('a', 'app', needs('db')), of('c', 'x'), of('z', 'db'), of('b', 'x')]).order).toEqual(['b', 'c', 'z', 'a']);
    expect(relate([of('a', 'app', needs('db', 'weak')), of('z', 'db')]).order).toEqual(['z', 'a']);
  });

  it('need one module that meets a whole group', () => {
    const spec = 'requires:\n  strong:\n    - - {key: kind, operator: eq, values: [db]}\n      - {key: version, operator: ">=", values: ["2"]}';
    const error = refusal(() => relate([of('a', 'app', spec), of('b', 'db'), bom('c', '', 'version: 3, labels: {kind: cache}')]));
    expect(error).toMatchObject({ code: 'RESOLVE_UNMET', exitCode: 3 });
    expect(error.facts).toMatchObject({ subject: 'a.yaml:7:9: module a', expected: 'a module with kind eq db and version ge 2' });
    expect(error.facts.actual).toBe('none; nearest: b (not version ge 2: it has 1.0); c (not kind eq db: it has cache)');
    expect(refusal(() => relate([of('a', 'app', spec)], { known: [bom('d', '', 'version: 2.1, labels: {kind: db}')] })).next).toBe('Add one of: d 2.1.');
  });

  it('warn about weak ones that are missing', () => {
    expect(relate([of('a', 'app', needs('monitoring', 'weak'))]).warnings).toEqual(['module a: nothing meets the weak requirement kind eq monitoring']);
  });

  it('are known by their labels, then by name and version of their metadata, and cannot speak for the destination', () => {
    const needing = (key: string, value: string): ReturnType<typeof bom> => bom('a', `requires: {strong: [[{key: ${key}, operator: eq, values: ["${value}"]}]]}`);
    const other = bom('acme-kafka', '', 'version: 1.10, labels: {name: Acme Kafka, cluster.x: "true"}');
    for (const [key, value] of [['name', 'Acme Kafka'], ['version', '1.10']] as const) expect(relate([needing(key, value), other]).order).toEqual(['acme-kafka', 'a']);
    expect(relate([needing('name', 'plain'), bom('plain', '')]).order).toEqual(['plain', 'a']);
    expect(refusal(() => relate([needing('cluster.x', 'true'), other])).code).toBe('RESOLVE_UNMET');
  });

  it('do not meet their own requirement', () => {
    expect(refusal(() => relate([of('a', 'db', needs('db'))])).code).toBe('RESOLVE_UNMET');
  });

  it('may need facts of the destination', () => {
    const module = bom('a', 'requires: {strong: [[{key: cluster.shared-storage, operator: exists}]]}');
    expect(relate([module], { cluster: { 'shared-storage': 'true' } }).order).toEqual(['a']);
    expect(refusal(() => relate([module])).next).toContain('spec.cluster');
  });

  it('in a cycle are shown as a path', () => {
    const error = refusal(() => relate([of('a', 'a', needs('b')), of('b', 'b', needs('c')), of('c', 'c', needs('a')), of('d', 'd', needs('a'))]));
    expect(error).toMatchObject({ code: 'RESOLVE_CYCLE', facts: { actual: 'a -> b -> c -> a' } });
  });

  it('are no cycle when one of several candidates is free, or one link is weak', () => {
    expect(relate([of('a', 'x', needs('db')), of('b', 'db'), of('c', 'db', needs('x'))]).order).toEqual(['b', 'a', 'c']);
    expect(relate([of('a', 'a', needs('b', 'weak')), of('b', 'b', needs('a'))]).order).toEqual(['a', 'b']);
  });

  it('exclude and influence each other', () => {
    expect(refusal(() => relate([of('a', 'x', 'conflicts: [[{key: kind, operator: eq, values: [y]}]]'), of('b', 'y')]))).toMatchObject({ code: 'RESOLVE_CONFLICT', facts: { actual: 'module b' } });
    expect(relate([of('a', 'x', 'influences: [[{key: kind, operator: exists}]]'), of('b', 'y'), of('c', 'z')]).influences).toEqual([{ module: 'a', influences: 'b' }, { module: 'a', influences: 'c' }]);
  });

  it('with deb versions need whoever can compare them', () => {
    const boms = [of('a', 'app', 'requires: {strong: [[{key: version, operator: ge, values: ["1:1"]}]]}'), bom('b', '', 'version: "2:1", versionScheme: deb')];
    expect(refusal(() => relate(boms)).code).toBe('RESOLVE_UNSUPPORTED');
    expect(relate(boms, { comparators: { deb: (x, y) => Number(x[0]) - Number(y[0]) } }).order).toEqual(['b', 'a']);
  });
});
