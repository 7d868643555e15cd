// The tricky cases of choosing Debian packages. What apt itself answers to each is told by `npm run differential -- tricky`.
import { describe, expect, it } from 'vitest';
import { solveAptClassic } from '../../../downloader/solver/apt-classic.ts';
import { checkClosure } from '../../../downloader/solver/checker.ts';
import { tableOrder } from '../../../downloader/solver/apt-order.ts';
import { parseInstalled } from '../../../downloader/solver/installed.ts';
import { Universe } from '../../../downloader/solver/universe.ts';
import { parseStanzas } from '../../../formats/deb/deb822.ts';
import { statusOfIndex, tableCases, trickyCases } from '../../differential/tricky-cases.ts';

function universeOf(text: string, architectures: readonly string[] = ['amd64'], priority = 500): Universe {
  const universe = new Universe(architectures);
  universe.add({ bytes: Buffer.from(text), subject: 'test', priority });
  return universe;
}

function solve(universe: Universe, wanted: readonly string[], more: { readonly recommends?: boolean; readonly installed?: ReadonlyMap<string, string | undefined> } = {}): string[] {
  const { chosen } = solveAptClassic(universe, { wanted, recommends: false, mode: 'closure', ...more });
  return chosen.map(({ version }) => `${universe.label(universe.ownerOf(version))} ${universe.versionText(version)}`).sort();
}

describe("apt's package table", () => {
  it.each(tableCases)('$order', ({ packages, architectures, order }) => {
    const universe = universeOf(packages, architectures);
    const table = tableOrder(universe).map((pkg) => (pkg < 0 ? '-' : universe.label(pkg)));
    const known = new Set(table);
    expect(table).toEqual(order.map((name) => (known.delete(name) ? name : '-')));
  });
});

describe('what apt answers', () => {
  it.each(trickyCases)('$name', ({ packages, architectures = ['amd64'], wanted, recommends = false, installed: there = [], answer, removed: gone = [] }) => {
    const universe = universeOf(packages, architectures);
    const installed = new Map(there.map((item) => item.split(' ') as [string, string]));
    if (answer === undefined) {
      expect(() => solve(universe, wanted, { recommends, installed })).toThrow(expect.objectContaining({ name: 'BundleError' }) as Error);
      return;
    }
    expect(solve(universe, wanted, { recommends, installed })).toEqual([...answer]);
    const { chosen, removed = [] } = solveAptClassic(universe, { wanted, recommends, mode: 'closure', installed });
    expect(removed).toEqual([...gone]);
    const stanzas = chosen.flatMap(({ version }) => parseStanzas(universe.stanzaOf(version), { subject: 'chosen' }));
    expect(checkClosure(stanzas, { nativeArch: 'amd64', installed: parseStanzas(statusOfIndex(packages, there), { subject: 'there' }), assumed: new Set(), removed })).toEqual([]);
  });
});

describe('machines that are broken before', () => {
  it.each([
    ['a need that was met is met afterwards, or what has it goes', 'Package: p0\nVersion: 1\nArchitecture: amd64\nProvides: p14\n\nPackage: p0\nVersion: 2\nArchitecture: amd64\n\nPackage: p7\nVersion: 1\nArchitecture: amd64\nDepends: p5, p14\n', ['p0 1', 'p7 1'], 'p0', ['p0 2'], ['p7']],
    ['what does not bear what comes goes', 'Package: p5\nVersion: 2\nArchitecture: amd64\n\nPackage: p11\nVersion: 2\nArchitecture: amd64\nDepends: p2\nBreaks: p5\n', ['p11 2'], 'p5', ['p5 2'], ['p11']],
    ['what was missing before is not asked for', 'Package: p5\nVersion: 2\nArchitecture: amd64\n\nPackage: p11\nVersion: 2\nArchitecture: amd64\nDepends: p2\n\nPackage: p2\nVersion: 1\nArchitecture: amd64\n', ['p11 2'], 'p5', ['p5 2'], []],
  ])('%s', (_, packages, there, wanted, answer, gone) => {
    const universe = universeOf(packages);
    const installed = new Map(there.map((item) => item.split(' ') as [string, string]));
    const { chosen, removed = [] } = solveAptClassic(universe, { wanted: [wanted], recommends: false, mode: 'closure', installed });
    expect(chosen.map(({ version }) => `${universe.label(universe.ownerOf(version))} ${universe.versionText(version)}`)).toEqual(answer);
    expect(removed).toEqual(gone);
    const stanzas = chosen.flatMap(({ version }) => parseStanzas(universe.stanzaOf(version), { subject: 'chosen' }));
    expect(checkClosure(stanzas, { nativeArch: 'amd64', installed: parseStanzas(statusOfIndex(packages, there), { subject: 'there' }), assumed: new Set(), removed })).toEqual([]);
  });
});

describe('order and installed state', () => {
  const tie = (first: string, second: string): string => `Package: a\nVersion: 1\nArchitecture: amd64\nDepends: v\n\n${first}\n${second}`;
  const provider = (name: string): string => `Package: ${name}\nVersion: 1\nArchitecture: amd64\nProvides: v\nPriority: optional\n`;

  it('breaks a tie by what was mentioned last', () => {
    expect(solve(universeOf(tie(provider('x'), provider('y'))), ['a'])).toEqual(['a 1', 'y 1']);
    expect(solve(universeOf(tie(provider('y'), provider('x'))), ['a'])).toEqual(['a 1', 'x 1']);
  });

  it('takes the newest of several indexes, and the higher pin before it', () => {
    const item = (version: string): string => `Package: a\nVersion: ${version}\nArchitecture: amd64\n`;
    const universe = universeOf(item('1'));
    universe.add({ bytes: Buffer.from(item('2')), subject: 'security', priority: 500 });
    universe.add({ bytes: Buffer.from(item('3')), subject: 'backports', priority: 100 });
    expect(solve(universe, ['a'])).toEqual(['a 2']);
    expect(solve(universe, ['a=3'])).toEqual(['a 3']);
    universe.add({ bytes: Buffer.from(item('0')), subject: 'pinned', priority: 990 });
    expect(solve(universe, ['a'])).toEqual(['a 0']);
  });

  it('upgrades what is installed only where it has to, and never takes back a version', () => {
    const universe = universeOf('Package: a\nVersion: 1\nArchitecture: amd64\nDepends: b (>= 2), c\n\nPackage: b\nVersion: 2\nArchitecture: amd64\n\nPackage: c\nVersion: 2\nArchitecture: amd64\n');
    const installed = parseInstalled('Package: b\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\nPackage: c\nStatus: install ok installed\nVersion: 3\nArchitecture: amd64\n', 'status', 'amd64');
    universe.add({ bytes: installed.stanzas, subject: 'status', priority: 100 });
    expect(solve(universe, ['a'], { installed: installed.packages })).toEqual(['a 1', 'b 2']);
    expect(solve(universe, ['c'], { installed: installed.packages })).toEqual([]);
  });
});

describe('parseInstalled', () => {
  it('reads names, versions and selections', () => {
    const { packages } = parseInstalled('# base\nlibc6\nbash=5.2\nlib:i386\nperl\tinstall\nold\tdeinstall\nzlib1g:amd64 install\npkg:deb/debian/curl@7.88.1-10%2Bdeb12u8?arch=amd64&distro=bookworm\n', 'list', 'amd64');
    expect([...packages]).toEqual([['libc6', undefined], ['bash', '5.2'], ['lib:i386', undefined], ['perl', undefined], ['zlib1g', undefined], ['curl', '7.88.1-10+deb12u8']]);
  });
});

describe('checkClosure', () => {
  const stanza = (name: string, more = ''): ReadonlyMap<string, string> => parseStanzas(`Package: ${name}\nVersion: 1\nArchitecture: amd64\n${more}`, { subject: name })[0] ?? new Map();
  const check = (...texts: (readonly [string, string?])[]): string[] => checkClosure(texts.map(([name, more]) => stanza(name, more)), { nativeArch: 'amd64', installed: [], assumed: new Set(['assumed']) });

  it.each([
    [[['a', 'Depends: b | c\n'], ['c']], []],
    [[['a', 'Depends: b (>= 2)\n'], ['b']], ['a 1 amd64 needs b (>= 2)']],
    [[['a', 'Depends: v (= 1)\n'], ['b', 'Provides: v\n']], ['a 1 amd64 needs v (= 1)']],
    [[['a', 'Depends: v (= 1)\n'], ['b', 'Provides: v (= 1)\n']], []],
    [[['a', 'Pre-Depends: b:any\n'], ['b']], ['a 1 amd64 needs b']],
    [[['a', 'Depends: b:any\n'], ['b', 'Multi-Arch: allowed\n']], []],
    [[['a', 'Depends: assumed (>= 99)\n']], []],
    [[['a', 'Breaks: b (<< 2)\n'], ['b']], ['a 1 amd64 cannot be beside b 1 amd64']],
    [[['a', 'Conflicts: v\nProvides: v\n'], ['b', 'Provides: v\n']], ['a 1 amd64 cannot be beside b 1 amd64']],
    [[['a', 'Conflicts: a\n']], []],
  ] as const)('judges %j', (texts, problems) => { expect(check(...texts)).toEqual(problems); });
});

describe('newer versions that are not taken', () => {
  const item = (version: string): string => `Package: a\nVersion: ${version}\nArchitecture: amd64\n`;
  const twoReleases = (): Universe => {
    const universe = universeOf(item('1'));
    universe.add({ bytes: Buffer.from(item('2')), subject: 'backports', priority: 100, release: { suite: 'stable-backports' } });
    return universe;
  };
  const rejectedOf = (wanted: string): readonly unknown[] => solveAptClassic(twoReleases(), { wanted: [wanted], recommends: false, mode: 'closure' }).rejected;

  it('are told with the priorities that decided', () => {
    expect(rejectedOf('a')).toEqual([{ for: 'a', relation: 'a', chosen: 'a 1', option: 'a 2', because: 'its priority in stable-backports is 100, and that of what was taken is 500' }]);
  });

  it('are told to be other than what the set asks for', () => {
    expect(rejectedOf('a=1')).toEqual([expect.objectContaining({ option: 'a 2', because: 'the set asks for another version' })]);
    expect(rejectedOf('a=2')).toEqual([]);
  });
});

describe('what is on hold', () => {
  it('keeps its version: what needs a newer one is refused, as apt-get refuses it', () => {
    const universe = universeOf('Package: a\nVersion: 2\nArchitecture: amd64\n\nPackage: b\nVersion: 1\nArchitecture: amd64\nDepends: a (>= 2)\n');
    const { packages: installed, held, stanzas } = parseInstalled('Package: a\nStatus: hold ok installed\nVersion: 1\nArchitecture: amd64\n', 'status', 'amd64');
    universe.add({ bytes: stanzas, subject: 'status', priority: 100 });
    const ask = (more: object): unknown => solveAptClassic(universe, { wanted: ['b'], recommends: false, mode: 'closure', installed, ...more }).chosen.length;
    expect(() => ask({ held })).toThrow(expect.objectContaining({ code: 'RESOLVE_UNSOLVABLE' }) as Error);
    expect(ask({})).toBe(2);
  });
});

describe('what cannot be met', () => {
  const told = (text: string, wanted: readonly string[], architectures: readonly string[] = ['amd64']): string => {
    try {
      return solve(universeOf(text, architectures), wanted).join();
    } catch (error) {
      return (error as { facts: { actual: string } }).facts.actual;
    }
  };
  const index = (...lines: readonly string[]): string => lines.map((line) => {
    const [name, ...fields] = line.split('; ');
    return `Package: ${name}\nVersion: 1\n${fields.some((field) => field.startsWith('Architecture')) ? '' : 'Architecture: amd64\n'}${fields.map((field) => `${field}\n`).join('')}`;
  }).join('\n');

  it.each([
    ['a breaks what is asked for', index('a; Breaks: c (<< 2)', 'c'), ['a', 'c'], 'a 1 breaks c (<< 2), and c 1 is asked for too'],
    ['two needs that do not bear each other', index('a; Depends: v, w', 'x; Provides: v; Conflicts: y', 'y; Provides: w'), ['a'], 'a needs v and w, but x 1 conflicts with y, which is y 1'],
    ['nothing offers it', index('a; Depends: b', 'b; Depends: gone'), ['a'], 'a needs b; b needs gone, which nothing offers'],
  ] as const)('%s', (_, text, wanted, actual) => { expect(told(text, wanted)).toBe(actual); });

  it('another architecture has it', () => {
    expect(told(index('a; Depends: b', 'b; Architecture: i386'), ['a'], ['amd64', 'i386'])).toBe('a needs b, while there is only b:i386 1, which does not serve amd64');
  });
});
