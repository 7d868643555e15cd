import { describe, expect, it } from 'vitest';
import { checkRpmClosure } from '../../../downloader/solver/rpm-checker.ts';
import { rpm } from './rpms.ts';

const check = (packages: string, options: Partial<Parameters<typeof checkRpmClosure>[1]> = {}): string[] =>
  checkRpmClosure(packages.split('\n').map(rpm), { installed: [], assumed: new Set(), ...options });

describe('checkRpmClosure', () => {
  it.each([
    'a-1-1.noarch; requires: b >= 1, /usr/bin/x, rpmlib(X) <= 1\nb-1-1.noarch; files: /usr/bin/x', 'a-1-1.noarch; requires: (b if c else d)\nd-1-1.noarch', 'a-1-1.noarch; conflicts: a\nb-1-1.noarch; conflicts: a > 1',
    'a-1-1.noarch; requires: (b with c)\nb-1-1.noarch; provides: c', 'a-1-1.x86_64\na-1-1.i686', 'a-1-1.noarch; obsoletes: b < 1\nb-1-1.noarch', 'a-1-1.noarch; conflicts: (b and c)\nb-1-1.noarch',
    'a-1-1.noarch; provides: b; conflicts: ((b without v) if a)',
  ])('finds nothing in %j', (packages) => { expect(check(packages)).toEqual([]); });

  it.each([
    ['a-1-1.noarch; requires: b', 'a-1-1.noarch requires b'], ['a-1-1.noarch; requires: b > 1\nb-1-1.noarch', 'a-1-1.noarch requires b > 1'], ['a-1-1.noarch; conflicts: b\nb-1-1.noarch', 'a-1-1.noarch conflicts with b'],
    ['a-1-1.noarch; obsoletes: b < 2\nb-1-1.noarch', 'a-1-1.noarch obsoletes b-1-1.noarch'], ['a-1-1.noarch\na-2-1.noarch', 'a-1-1.noarch cannot be beside a-2-1.noarch'], ['a-1-1.i586\na-1-1.i686', 'a-1-1.i586 cannot be beside a-1-1.i686'],
    ['a-1-1.noarch; requires: (b with c)\nb-1-1.noarch\nc-1-1.noarch', 'a-1-1.noarch requires (b with c)'], ['a-1-1.noarch; requires: (b or', 'a-1-1.noarch requires (b or'], ['a-1-1.noarch; conflicts: (b and c)\nb-1-1.noarch; provides: c', 'a-1-1.noarch conflicts with (b and c)'],
    ['a-1-1.noarch; requires: (b unless c)\nb-1-1.noarch\nc-1-1.noarch', 'a-1-1.noarch requires (b unless c)'],
    ['a-1-1.noarch; provides: b; conflicts: ((b without v) if a)\nc-1-1.noarch; provides: b', 'a-1-1.noarch conflicts with ((b without v) if a)'],
  ])('%j: %s', (packages, problem) => { expect(check(packages)).toContain(problem); });

  it('counts what is there before, what is assumed, and owners that filelists tell', () => {
    expect(check('a-1-1.noarch; requires: b, c, /usr/lib/x', { installed: [rpm('b-1-1.noarch')], assumed: new Set(['c']), owners: new Map([['/usr/lib/x', new Set(['a-1-1.noarch'])]]) })).toEqual([]);
    expect(check('a-1-1.noarch', { installed: [rpm('b-1-1.noarch; conflicts: a')] })).toEqual([]);
  });
});
