import { describe, expect, it } from 'vitest';
import { BundleError } from '../../../bom/errors.ts';
import { parseEvr } from '../../../formats/rpm/evr.ts';
import { addOwners } from '../../../downloader/solver/solv-files.ts';
import { type SolvRequest, solveSolvLike } from '../../../downloader/solver/solv-like.ts';
import { type SolvOffer, type SolvSettings } from '../../../downloader/solver/solv-offer.ts';
import { nevrasOf, offerOf, universeOf, type RpmText } from './rpms.ts';

const ask = (offer: SolvOffer, specs: string, request: Partial<SolvRequest> = {}) =>
  solveSolvLike(offer, { wanted: specs.split(' ').map((spec) => ({ spec })), weak: true, best: false, mode: 'closure', ...request });
const solve = (packages: string | RpmText | readonly (string | RpmText)[], specs: string, request: Partial<SolvRequest> = {}, settings: Partial<SolvSettings> = {}): string => {
  const offer = offerOf(universeOf(...(typeof packages === 'string' || 'packages' in packages ? [packages] : packages)), settings);
  return nevrasOf(offer, ask(offer, specs, request)).map((nevra) => nevra.replace(/\.noarch$/, '')).join(' ');
};
function failure(run: () => unknown): BundleError {
  try {
    run();
  } catch (error) {
    if (error instanceof BundleError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

const versions = `foo-1-1.noarch
foo-2-1.noarch
foo-1:0.5-3.noarch
foo-devel-2-1.x86_64
foo-devel-2-1.i686
foobar-3-1.noarch; provides: cap = 7, other; files: /usr/bin/foobar`;

describe('specs', () => {
  it.each([
    ['foo', 'foo-1:0.5-3'], ['foo-1', 'foo-1-1'], ['foo-2-1', 'foo-2-1'], ['foo-2-1.noarch', 'foo-2-1'], ['foo-1:0.5-3', 'foo-1:0.5-3'], ['foo.noarch', 'foo-1:0.5-3'],
    ['foo-1*', 'foo-1-1'], ['foo-devel', 'foo-devel-2-1.x86_64'], ['foo-devel.i686', 'foo-devel-2-1.i686'], ['cap', 'foobar-3-1'], ['other', 'foobar-3-1'], ['/usr/bin/foobar', 'foobar-3-1'],
    ['/usr/bin/foo*', 'foobar-3-1'], ['foo*', 'foo-1:0.5-3 foo-devel-2-1.x86_64 foobar-3-1'], ['foo-?-1', 'foo-2-1'],
  ])('%s', (spec, chosen) => { expect(solve(versions, spec, {}, spec.endsWith('.i686') ? { twins: false } : {})).toBe(chosen); });

  it('takes a relation', () => {
    const offer = offerOf(universeOf(versions));
    expect(nevrasOf(offer, solveSolvLike(offer, { wanted: [{ spec: 'cap >= 7' }], weak: true, best: false, mode: 'closure' }))).toEqual(['foobar-3-1.noarch']);
    expect(failure(() => solveSolvLike(offer, { wanted: [{ spec: 'cap > 7' }], weak: true, best: false, mode: 'closure' })).code).toBe('RESOLVE_NOT_FOUND');
  });

  it('takes rich relations, globs with versions and globs of paths as dnf does', () => {
    const one = (packages: string, spec: string): string => {
      const offer = offerOf(universeOf(packages));
      return nevrasOf(offer, solveSolvLike(offer, { wanted: [{ spec }], weak: true, best: false, mode: 'closure' })).join(' ');
    };
    expect(['(cap and gone)', '(gone if cap else cap)', 'c* >= 7', 'foo* = 1:0.5-3'].map((spec) => one(versions, spec))).toEqual(['foobar-3-1.noarch', 'foobar-3-1.noarch', 'foobar-3-1.noarch', 'foo-1:0.5-3.noarch']);
    expect(failure(() => one(versions, 'c* > 7')).code).toBe('RESOLVE_NOT_FOUND');
    // A path that nobody speaks of is asked for as a path alone; one that is spoken of, and that nobody owns, hides no other.
    expect(one(versions, '*/foobar')).toBe('foobar-3-1.noarch');
    expect(failure(() => one(versions, '*bin/foobar')).code).toBe('RESOLVE_NOT_FOUND');
    expect(one(`${versions}\nuser-1-1.noarch; enhances: (cap if /usr/bin/foobar)`, '*bin/foobar')).toBe('foobar-3-1.noarch');
    expect(one(`${versions}\nuser-1-1.noarch; enhances: /usr/bin/gone`, '/usr/bin/*')).toBe('foobar-3-1.noarch');
  });

  it('takes what obsoletes the name for the name, but not for a version of it', () => {
    const packages = 'old-1-1.noarch\nnew-2-1.noarch; obsoletes: old < 2';
    expect(solve(packages, 'old')).toBe('new-2-1');
    expect(solve(packages, 'old-1-1')).toBe('old-1-1');
  });

  it('says what comes near, and what is hidden', () => {
    expect(failure(() => solve(versions, 'fooba')).facts.actual).toContain('foobar');
    const hidden = failure(() => solve(versions, 'foobar', {}, { excludes: ['foobar'] }));
    expect([hidden.code, hidden.facts.actual.includes('excludes or modules hide')]).toEqual(['RESOLVE_NOT_FOUND', true]);
    expect(failure(() => solve(versions, '@nothing')).code).toBe('RESOLVE_NOT_FOUND');
  });
});

describe('relations', () => {
  it.each([
    ['an unversioned Provides meets any version', 'a-1-1.noarch; requires: foo >= 2\nb-1-1.noarch; provides: foo', 'a', 'a-1-1 b-1-1'],
    ['(plugin if gcc) without gcc', 'lt-1-1.noarch; requires: (plugin if gcc)\nplugin-1-1.noarch\ngcc-1-1.noarch', 'lt', 'lt-1-1'],
    ['(plugin if gcc) with gcc in the same list', 'lt-1-1.noarch; requires: (plugin if gcc)\nplugin-1-1.noarch\nrb-1-1.noarch; requires: gcc\ngcc-1-1.noarch', 'lt rb', 'gcc-1-1 lt-1-1 plugin-1-1 rb-1-1'],
    ['a tilde is older, a caret newer', 'a-1.0~rc1-1.noarch\na-1.0-1.noarch\na-1.0^git1-1.noarch', 'a', 'a-1.0^git1-1'],
    ['rpmlib is there', 'a-1-1.noarch; requires: rpmlib(PayloadIsZstd) <= 5.4.18-1', 'a', 'a-1-1'],
    ['with: one package for both', 'a-1-1.noarch; requires: (b >= 2 with b < 3)\nb-1-1.noarch\nb-2-1.noarch\nb-3-1.noarch', 'a', 'a-1-1 b-2-1'],
    ['a path of primary', 'a-1-1.noarch; requires: /usr/sbin/x\nb-1-1.noarch; files: /usr/sbin/x', 'a', 'a-1-1 b-1-1'],
    ['a recommendation that conflicts is dropped', 'a-1-1.noarch; requires: c; recommends: b\nb-1-1.noarch; conflicts: c\nc-1-1.noarch', 'a', 'a-1-1 c-1-1'],
    ['a recommendation of two parts is looked at as one', 'q-1-1.noarch; recommends: ((l < 2 if q) and v)\nb-1-1.noarch; provides: v; requires: l\nl-1-1.noarch\nl-2-1.noarch', 'q', 'b-1-1 l-2-1 q-1-1'],
    ['a recommendation on a condition counts once the condition holds', 'p-1-1.noarch; requires: n\nn-1-1.noarch; recommends: ((v or g) if d else w)\np2-1-1.noarch; requires: p, d\nd-1-1.noarch\nb-1-1.noarch; provides: v\nc-1-1.noarch; provides: v = 1, w', 'p2', 'b-1-1 d-1-1 n-1-1 p-1-1 p2-1-1'],
    ['a condition that does not hold supplements beside what holds', 'a-1-1.noarch\ns-1-1.noarch; supplements: ((g if h) and a)', 'a', 'a-1-1 s-1-1'],
    ['a condition that does not hold supplements nothing as an alternative', 'a-1-1.noarch\ns-1-1.noarch; supplements: (g or (i if h))', 'a', 'a-1-1'],
    ['after a clash the next rule is looked at', `t-1-1.noarch; requires: h, n
h-1-1.noarch; requires: l
l-1-1.noarch
l-2-1.x86_64; requires: /usr/bin/f
e-1-1.noarch; requires: v >= 3; conflicts: v; files: /usr/bin/f
d-1-1.noarch; provides: v
m-2-1.noarch; provides: n = 1; obsoletes: n
n-1-1.x86_64; files: /usr/bin/f`, 't', 'h-1-1 l-2-1.x86_64 n-1-1.x86_64 t-1-1'],
    ['a supplement comes with its package', 'a-1-1.noarch\nb-1-1.noarch; supplements: a', 'a', 'a-1-1 b-1-1'],
  ])('%s', (_, packages, specs, chosen) => { expect(solve(packages, specs)).toBe(chosen); });

  it('leaves weak ones out unless asked for', () => {
    expect(solve('a-1-1.noarch; recommends: b\nb-1-1.noarch\nc-1-1.noarch; supplements: a', 'a', { weak: false })).toBe('a-1-1');
  });

  it('asks for the owners of paths that primary does not list, then solves', () => {
    const universe = universeOf('a-1-1.noarch; requires: /usr/lib/x/y\nb-1-1.noarch\nc-1-1.noarch');
    const first = ask(offerOf(universe), 'a');
    expect([first.missingPaths, first.chosen]).toEqual([['/usr/lib/x/y'], []]);
    addOwners(universe, first.missingPaths, new Map([[0, new Map([['/usr/lib/x/y', ['b', 'c'].map((name) => ({ name, evr: parseEvr('1-1'), arch: 'noarch' }))]])]]));
    const offer = offerOf(universe);
    const second = ask(offer, 'a');
    expect([second.missingPaths, nevrasOf(offer, second)]).toEqual([[], ['a-1-1.noarch', 'b-1-1.noarch']]);
  });
});

describe('policies', () => {
  const newest = 'a-1-1.noarch\na-2-1.noarch; requires: gone';
  it('best: the newest or nothing', () => {
    expect(solve(newest, 'a')).toBe('a-1-1');
    const error = failure(() => solve(newest, 'a', { best: true }));
    expect([error.code, error.next]).toEqual(['RESOLVE_UNSOLVABLE', 'Set `best: false` to take an older version, or name the version that is meant.']);
  });

  it('lets the lower priority number win outright, then the lower cost for equal packages', () => {
    expect(solve([{ priority: 10, packages: 'a-1-1.noarch' }, { packages: 'a-2-1.noarch' }], 'a')).toBe('a-1-1');
    const offer = offerOf(universeOf({ cost: 500, packages: 'a-1-1.noarch' }, { cost: 900, packages: 'a-1-1.noarch' }));
    expect(ask(offer, 'a').chosen.map(({ solvable }) => solvable)).toEqual([1]);
  });

  it('has what is hidden make others old or inferior, as dnf does', () => {
    const old = 'a-1-1.noarch; provides: x\na-2-1.noarch\nb-1-1.noarch; provides: x\nq-1-1.noarch; requires: x';
    expect(solve(old.replace('a-2-1.noarch\n', ''), 'q')).toBe('a-1-1 q-1-1');
    expect(solve({ excludes: ['a-2*'], packages: old }, 'q')).toBe('b-1-1 q-1-1');
    const twins = 'foo-2-1.x86_64; provides: wide\nfoo-1-1.i686; provides: narrow\nq-1-1.noarch; requires: foo\nr-1-1.noarch; requires: narrow';
    expect(failure(() => solve({ excludes: ['foo.x86_64'], packages: twins }, 'q')).code).toBe('RESOLVE_UNSOLVABLE');
    expect(solve({ excludes: ['foo.x86_64'], packages: twins }, 'r')).toBe('foo-1-1.i686 r-1-1');
    const hidden = failure(() => solve({ excludes: ['foo'], packages: twins }, 'q'));
    expect(hidden.facts.actual).toBe('q-1-1.noarch requires foo, while excludes or modules hide foo-2-1.x86_64, foo-1-1.i686');
  });

  it('keeps excludes and includepkgs of a repository', () => {
    expect(solve({ excludes: ['a-2*'], packages: 'a-1-1.noarch\na-2-1.noarch' }, 'a')).toBe('a-1-1');
    expect(failure(() => solve({ includepkgs: ['b'], packages: 'a-1-1.noarch\nb-1-1.noarch' }, 'a')).code).toBe('RESOLVE_NOT_FOUND');
  });

  const twins = 'lib-1-1.x86_64\nlib-1-1.i686; provides: lib.so.1\nlib-2-1.x86_64\nuse-1-1.i686; requires: lib.so.1';
  it('lets an i686 package stand beside the x86_64 one of its version only', () => {
    expect(solve(twins, 'use.i686')).toBe('lib-1-1.i686 lib-1-1.x86_64 use-1-1.i686');
    expect(failure(() => solve(twins, 'use.i686 lib-2-1')).code).toBe('RESOLVE_UNSOLVABLE');
    expect(solve(twins, 'use.i686', {}, { twins: false })).toBe('lib-1-1.i686 use-1-1.i686');
    expect(failure(() => solve(twins, 'use', {}, { only: ['x86_64'] })).code).toBe('RESOLVE_NOT_FOUND');
  });

  it('takes several kernels, and all versions of what is asked for so', () => {
    const kernels = 'kernel-5-1.x86_64\nkernel-6-1.x86_64\na-1-1.noarch; requires: kernel = 5-1';
    expect(solve(kernels, 'a kernel')).toBe('a-1-1 kernel-5-1.x86_64');
    expect(solve(kernels, 'a kernel-6-1')).toBe('a-1-1 kernel-5-1.x86_64 kernel-6-1.x86_64');
    const offer = offerOf(universeOf('a-1-1.noarch; requires: b\na-2-1.noarch\na-3-1.noarch; requires: gone\nb-1-1.noarch'));
    const decision = solveSolvLike(offer, { wanted: [{ spec: 'a', versions: 'all' }], weak: true, best: false, mode: 'closure' });
    expect(nevrasOf(offer, decision)).toEqual(['a-1-1.noarch', 'a-2-1.noarch', 'b-1-1.noarch']);
    expect([decision.exact, decision.notes]).toEqual([false, ['a-3-1.noarch is left out: a-3-1.noarch requires gone, which nothing offers']]);
  });
});

describe('modes', () => {
  const packages = 'a-1-1.noarch; requires: b\nb-1-1.noarch; requires: c\nc-1-1.noarch\nx-1-1.noarch; requires: (p if y)\ny-1-1.noarch\np-1-1.noarch';
  it.each([['none', 'a', 'a-1-1'], ['direct', 'a', 'a-1-1 b-1-1'], ['closure', 'a', 'a-1-1 b-1-1 c-1-1']] as const)('%s', (mode, specs, chosen) => { expect(solve(packages, specs, { mode })).toBe(chosen); });

  it('reads a spec as dnf download does where each is solved alone: both architectures, every name, nothing that obsoletes it', () => {
    const apart = 'multi-1-1.x86_64\nmulti-2-1.x86_64\nmulti-1-1.i686\nold-1-1.noarch\nnew-1-1.noarch; obsoletes: old; provides: cap\nother-1-1.noarch; provides: cap';
    expect(solve(apart, 'multi', { isUnion: true }, { twins: false })).toBe('multi-1-1.i686 multi-2-1.x86_64');
    expect(solve(apart, 'old', { isUnion: true })).toBe('old-1-1');
    expect(solve(apart, 'cap', { mode: 'alldeps' })).toBe('new-1-1 other-1-1');
    expect(solve([{ priority: 10, packages: 'a-1-1.noarch' }, { packages: 'a-2-1.noarch' }], 'a', { isUnion: true })).toBe('a-1-1');
    const offer = offerOf(universeOf({ cost: 900, packages: 'a-1-1.noarch' }, { cost: 500, packages: 'a-1-1.noarch' }, { installed: true, packages: 'a-1-1.noarch' }));
    for (const mode of ['none', 'closure'] as const) {
      const { chosen } = solveSolvLike(offer, { wanted: [{ spec: 'a', versions: 'all' }], weak: true, best: false, mode });
      expect(chosen.map(({ solvable }) => solvable)).toEqual([2]);
    }
    expect(ask(offer, 'a', { mode: 'none' }).chosen).toEqual([]);
  });

  it('takes the members of a group that are of the types behind a slash', () => {
    const packages = [{ name: 'must', type: 'mandatory' }, { name: 'may', type: 'optional' }, { name: 'also', type: 'conditional', requires: 'must' }] as const;
    const groups = [{ groups: [{ id: 'g', name: 'G', isDefault: true, isVisible: true, packages, text: '' }], environments: [], others: [] }];
    const asked = (spec: string): string => solve('must-1-1.noarch\nmay-1-1.noarch\nalso-1-1.noarch', spec, {}, { groups });
    expect([asked('@g'), asked('@g/optional'), asked('@g/mandatory,optional')]).toEqual(['also-1-1 must-1-1', 'may-1-1', 'may-1-1 must-1-1']);
    expect(failure(() => asked('@g/nothing')).code).toBe('RESOLVE_NOT_FOUND');
  });

  it('takes what the machine has for what a package requires itself', () => {
    expect(solve(['a-1-1.noarch; requires: b\nb-2-1.noarch', { installed: true, packages: 'b-1-1.noarch' }], 'a', { mode: 'direct' })).toBe('a-1-1');
  });

  it('solves a list as one, or each alone and joins them', () => {
    expect(solve(packages, 'x y')).toBe('p-1-1 x-1-1 y-1-1');
    expect(solve(packages, 'x y', { isUnion: true })).toBe('x-1-1 y-1-1');
    expect(solve(packages, 'x y', { mode: 'alldeps' })).toBe('x-1-1 y-1-1');
  });

  it('refuses a direct need that nothing meets', () => {
    expect(failure(() => solve('a-1-1.noarch; requires: gone', 'a', { mode: 'direct' })).code).toBe('RESOLVE_UNSOLVABLE');
  });
});

describe('what is installed', () => {
  const repository = 'a-1-1.noarch; requires: b\nb-1-1.noarch\nb-2-1.noarch\nc-1-1.noarch; requires: b >= 2\nalt-1-1.noarch; provides: cap\nzap-1-1.noarch; provides: cap\nu-1-1.noarch; requires: cap; recommends: r\nr-1-1.noarch\nfoe-1-1.noarch; conflicts: b';
  const world = (packages: string) => [repository, { installed: true, packages }];
  it.each([
    ['b-1-1.noarch', 'a', 'a-1-1'], ['b-1-1.noarch', 'c', 'b-2-1 c-1-1'], ['zap-1-1.noarch; provides: cap', 'u', 'r-1-1 u-1-1'], ['u-1-1.noarch; requires: cap; recommends: r\nzap-1-1.noarch; provides: cap', 'b', 'b-2-1'],
    ['old-1-1.noarch; requires: gone', 'b', 'b-2-1'], ['b-1-1.noarch', 'b', ''],
  ])('%j: %s', (packages, specs, chosen) => { expect(solve(world(packages), specs)).toBe(chosen); });

  it('is not taken away', () => {
    expect(failure(() => solve(world('b-1-1.noarch'), 'foe')).code).toBe('RESOLVE_UNSOLVABLE');
  });
  it('has no twin left behind', () => {
    expect(failure(() => solve(['p-2-1.x86_64; provides: wide\nr-1-1.noarch; requires: wide', { installed: true, packages: 'p-1-1.x86_64\np-1-1.i686' }], 'r')).code).toBe('RESOLVE_UNSOLVABLE');
  });
  const choice = 'x-1-1.noarch; requires: cap\nalt-1-1.noarch; provides: cap\nup-2-1.noarch; provides: cap';
  it.each([
    ['comes in another version rather than one more package', choice, 'up-1-1.noarch', 'x', 'up-2-1 x-1-1'],
    ['but not where what stays needs its version', choice, 'up-1-1.noarch\npin-1-1.noarch; requires: up = 1-1', 'x', 'alt-1-1 x-1-1'],
    ['nor where the other package comes anyway', choice, 'up-1-1.noarch', 'x alt', 'alt-1-1 x-1-1'],
    ['nor of another architecture', 'lang-1-1.noarch; requires: g = 1-1\ng-1-1.x86_64\ng-1-1.i686', 'g-2-1.x86_64', 'lang', 'g-1-1.x86_64 lang-1-1'],
    ['is left as it is by what is only recommended', 'x-1-1.noarch; recommends: lang\nlang-1-1.noarch; requires: g = 1-1\ng-1-1.x86_64\ng-1-1.i686', 'g-2-1.x86_64\npin-1-1.noarch; requires: g = 2-1', 'x', 'x-1-1'],
    ['is enhanced before anything is decided about it', 'a-1-1.noarch; provides: x\nb-1-1.noarch; provides: x; enhances: i\ni-2-1.noarch', 'i-1-1.noarch', 'x', 'b-1-1'],
    ['that was split comes in all its parts', 'a-1-1.noarch; obsoletes: old\nb-1-1.noarch; obsoletes: old\nb-2-1.noarch; obsoletes: old', 'old-1-1.noarch', 'a', 'a-1-1 b-2-1'],
    ['is no part where another part obsoletes it', 'a-1-1.noarch; obsoletes: old\nb-1-1.noarch; obsoletes: old, a', 'old-1-1.noarch', 'a-1', 'a-1-1'],
    ['may come in its own architecture though a better one is offered', 'p-2-1.i686; provides: narrow\np-3-1.x86_64\nq-1-1.noarch; requires: narrow', 'p-1-1.i686', 'q', 'p-2-1.i686 q-1-1'],
    ['has its name come first in another architecture', 'a-1-1.i686; provides: x\nb-1-1.i686; provides: x\nq-1-1.noarch; requires: x', 'b-2-1.x86_64', 'q', 'b-1-1.i686 q-1-1'],
    ['keeps its twins in one version', 'p-2-1.x86_64; provides: wide\np-2-1.i686\nr-1-1.noarch; requires: wide', 'p-1-1.x86_64\np-1-1.i686', 'r', 'p-2-1.i686 p-2-1.x86_64 r-1-1'],
    ['is no twin in another version', 'p-2-1.x86_64; provides: wide\np-2-1.i686\nr-1-1.noarch; requires: wide', 'p-0-1.x86_64\np-1-1.i686', 'r', 'p-2-1.x86_64 r-1-1'],
    ['brings no twin to what is there without', 'p-2-1.x86_64\np-2-1.i686; provides: narrow\nr-1-1.noarch; requires: narrow', 'p-1-1.i686', 'r', 'p-2-1.i686 r-1-1'],
    ['goes for what was asked for alone', 'a-1-1.i686; obsoletes: old', 'old-1-1.x86_64', 'a', 'a-1-1.i686'],
    ['suggests before anything is decided about it', 'a-1-1.noarch; provides: x\nb-1-1.noarch; provides: x\ni-2-1.noarch', 'i-1-1.noarch; suggests: (b if i)', 'x', 'b-1-1'],
  ])('%s', (_, packages, there, specs, chosen) => { expect(solve([packages, { installed: true, packages: there }], specs)).toBe(chosen); });

  it('is left aside by alldeps', () => {
    expect(solve(world('b-1-1.noarch'), 'a', { mode: 'alldeps' })).toBe('a-1-1 b-2-1');
  });
});

describe('the decision', () => {
  it('says why each is there and what was passed over', () => {
    const offer = offerOf(universeOf('a-1-1.noarch; requires: cap; recommends: r\nb-1-1.noarch; provides: cap\nc-1-1.noarch; provides: cap\nr-1-1.noarch\ns-1-1.noarch; supplements: r'));
    const decision = ask(offer, 'a');
    const name = (id: number): string => offer.view.universe.nameText(id);
    expect(decision.chosen.map(({ solvable, reason, requiredBy }) => [name(solvable), reason, requiredBy === undefined ? '' : name(requiredBy)])).toEqual([
      ['a', 'requested', ''], ['b', 'requires', 'a'], ['r', 'recommends', 'a'], ['s', 'supplements', 'r']]);
    expect(decision.rejected).toEqual([{ for: 'a', relation: 'cap', chosen: 'b-1-1.noarch', option: 'c-1-1.noarch', because: 'another comes first: recommended, of a higher version, or by name' }]);
  });

  it.each([
    ['a-1-1.noarch; requires: b\nb-1-1.noarch; requires: c\nc-1-1.noarch; requires: gone >= 2', 'a', 'a-1-1.noarch requires b; b-1-1.noarch requires c; c-1-1.noarch requires gone >= 2, which nothing offers'],
    ['a-1-1.noarch; requires: b > 1\nb-1-1.noarch', 'a', 'a-1-1.noarch requires b > 1, while there is only b-1-1.noarch'],
    ['a-1-1.noarch; requires: b\nb-1-1.noarch; conflicts: c\nc-1-1.noarch', 'a c', 'conflicts with c'],
    ['a-1-1.noarch\na-2-1.noarch', 'a-1-1 a-2-1', 'cannot be beside'],
    ['runc-1-1.noarch\nci-1-1.noarch; obsoletes: runc; conflicts: runc', 'ci runc-1-1', 'ci-1-1.noarch'],
  ])('explains %j', (packages, specs, text) => {
    const error = failure(() => solve(packages, specs));
    expect(error.code).toBe('RESOLVE_UNSOLVABLE');
    expect(error.facts.actual).toContain(text);
  });
});

describe('as zypper chooses', () => {
  const suse = { twins: false, filelists: false, obsoleters: false, downgrades: false };
  it.each([
    ['what supplements two together comes with both', 'a-1-1.noarch\nb-1-1.noarch\nab-1-1.noarch; supplements: packageand(a:b)', 'a b', 'a-1-1 ab-1-1 b-1-1'],
    ['and not with one of the two', 'a-1-1.noarch\nb-1-1.noarch\nab-1-1.noarch; supplements: packageand(a:b)', 'a', 'a-1-1'],
    ['languages are nobody\'s', 'a-1-1.noarch\nde-1-1.noarch; supplements: locale(a:de)', 'a', 'a-1-1'],
    ['a name is not what obsoletes it', 'old-1-1.noarch\nnew-1-1.noarch; obsoletes: old', 'old', 'old-1-1'],
  ])('%s', (_, text, spec, chosen) => { expect(solve(text, spec, { weak: true }, suse)).toBe(chosen); });

  it('refuses what other providers of a name stand against, older versions of what is there, and paths of filelists', () => {
    expect(failure(() => solve('s-1-1.noarch; provides: svc; conflicts: otherproviders(svc)\nt-1-1.noarch; provides: svc', 's t', {}, suse)).code).toBe('RESOLVE_UNSOLVABLE');
    expect(failure(() => solve(['use-1-1.noarch; requires: a = 1\na-1-1.noarch', { installed: true, packages: 'a-2-1.noarch' }], 'use', {}, suse)).code).toBe('RESOLVE_UNSOLVABLE');
    expect(failure(() => solve('want-1-1.noarch; requires: /opt/x', 'want', {}, suse)).code).toBe('RESOLVE_UNSOLVABLE');
  });
});
