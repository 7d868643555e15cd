import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, globToRegExp, isVersion, versionMatches } from '../../../formats/deb/version.ts';
import { runs } from '../../support/runs.ts';

describe('compareVersions', () => {
  it.each([
    ['1.0~rc1', '1.0'], ['1.0', '1.0+b1'], ['1.0~~', '1.0~'], ['1.0~~a', '1.0~'], ['1.0~', '1.0'], ['1.0', '1.0a'], ['1.0a', '1.0+'], ['9', '10'],
    ['1.2.3', '1.10'], ['2.0', '1:0.1'], ['1:9', '2:1'], ['1.0-1', '1.0-2'], ['1.0-1', '1.0-1+deb12u1'], ['1.0-9', '1.0-10'], ['1.0', '1.0-0.1'],
    ['1.0-1~bpo12+1', '1.0-1'], ['1.22.1-9+deb12u9', '1.22.1-9+deb12u10'], ['0.0.1', '0.0.1.1'], ['1.a', '1.+'], ['1.Z', '1.a'],
  ])('%s is older than %s', (older, newer) => {
    expect(Math.sign(compareVersions(older, newer))).toBe(-1);
    expect(Math.sign(compareVersions(newer, older))).toBe(1);
  });

  it.each([['1.0', '1.0-0'], ['0:1.0', '1.0'], ['29+007', '29+00007'], ['1.0', '1.00'], ['0-.', '0-.0'], ['1.0-0', '1.0-00'], ['00:1', '1']])('%s equals %s', (a, b) => {
    expect(Math.abs(compareVersions(a, b))).toBe(0);
  });

  const version = fc.stringMatching(/^(?:[0-2]:)?[0-9][0-9a-z.+~]{0,6}(?:-[0-9a-z.+~]{1,4})?$/);
  it('is an order', () => {
    fc.assert(fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareVersions(a, b)) + Math.sign(compareVersions(b, a))).toBe(0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
    }), { numRuns: runs(2000) });
  });

  it('takes any text without throwing', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => { expect(Number.isNaN(compareVersions(a, b))).toBe(false); }));
  });
});

describe('versionMatches', () => {
  it.each([['1', '<<', '2', true], ['2', '<<', '2', false], ['2', '<=', '2', true], ['2', '=', '2-0', true], ['3', '>=', '2', true], ['2', '>>', '2', false]] as const)('%s %s %s is %s', (version, operator, wanted, result) => {
    expect(versionMatches(version, operator, wanted)).toBe(result);
  });
});

describe('isVersion', () => {
  it.each(['1', '1:1.0-1', '5:20.10.8~3-0~debian-bullseye', '1.0+dfsg-1'])('accepts %s', (text) => { expect(isVersion(text)).toBe(true); });
  it.each(['', 'a b', '1/2', ':1', 'x:1', '../1', '1\n2'])('refuses %j', (text) => { expect(isVersion(text)).toBe(false); });
});

describe('globToRegExp', () => {
  it.each([['1.22*', '1.22.1-9', true], ['1.22.*', '1.22.1-9', true], ['1.22', '1.22.1-9', false], ['5:20.10.8*', '5:20.10.8~3', true], ['20.10.8*', '5:20.10.8~3', false],
    ['1.?', '1.9', true], ['1.[89]', '1.9', true], ['1.[!89]', '1.9', false], ['1+2', '1+2', true], ['1.2', '1x2', false]] as const)('%s on %s is %s', (glob, text, result) => {
    expect(globToRegExp(glob).test(text)).toBe(result);
  });
});
