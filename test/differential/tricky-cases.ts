export interface TrickyCase {
  readonly name: string;
  /** A Packages index. */
  readonly packages: string;
  readonly architectures?: readonly string[];
  readonly wanted: readonly string[];
  readonly recommends?: boolean;
  /** What the machine has before: `name version`, as in the index. */
  readonly installed?: readonly string[];
  /** What apt takes; undefined when it refuses. */
  readonly answer: readonly string[] | undefined;
  /** What it takes away. */
  readonly removed?: readonly string[];
}

/** `name version[/arch]; Field: value; …` a line, as stanzas. */
function index(lines: string): string {
  return lines.trim().split('\n').map((line) => {
    const [head = '', ...fields] = line.trim().split(/;\s*/);
    const [name, full = '1'] = head.split(' ');
    const [version, arch = 'amd64'] = full.split('/');
    return [`Package: ${name}`, `Version: ${version}`, `Architecture: ${arch}`, ...fields].join('\n');
  }).join('\n\n') + '\n';
}

/** An index as the status file of a machine that has what is in it and is named (`name version`). */
export function statusOfIndex(packages: string, installed: readonly string[]): string {
  return packages.trim().split('\n\n').filter((stanza) => installed.includes(`${/^Package: (.*)$/m.exec(stanza)?.[1]} ${/^Version: (.*)$/m.exec(stanza)?.[1]}`))
    .map((stanza) => `${stanza}\nStatus: install ok installed\n`).join('\n');
}

export const trickyCases: readonly TrickyCase[] = [
  { name: 'a real package beats a provider of its name, even with lower priority', packages: index('a 1; Depends: v\nv 1; Priority: extra\nx 1; Provides: v; Priority: required'), wanted: ['a'], answer: ['a 1', 'v 1'] },
  { name: 'providers go by priority', packages: index('a 1; Depends: v\nx 1; Provides: v; Priority: standard\ny 1; Provides: v; Priority: optional'), wanted: ['a'], answer: ['a 1', 'x 1'] },
  { name: 'an alternative that is chosen already is enough', packages: index('a 1; Depends: b | c\nb 1\nc 1'), wanted: ['a', 'c'], answer: ['a 1', 'c 1'] },
  { name: 'the first alternative whose own needs can be met', packages: index('a 1; Depends: b | c\nb 1; Depends: left, gone\nleft 1\nc 1'), wanted: ['a'], answer: ['a 1', 'c 1'] },
  { name: 'leftovers of an alternative that failed vanish', packages: index('a 1; Depends: b | c\nb 1; Depends: left, deep\nleft 1\ndeep 1; Depends: gone\nc 1'), wanted: ['a'], answer: ['a 1', 'c 1'] },
  { name: 'a versioned relation is not met by an unversioned Provides', packages: index('a 1; Depends: v (>= 2)\nx 1; Provides: v'), wanted: ['a'], answer: undefined },
  { name: 'a versioned relation is met by a versioned Provides', packages: index('a 1; Depends: v (>= 2)\nx 1; Provides: v (= 3)'), wanted: ['a'], answer: ['a 1', 'x 1'] },
  { name: 'a Recommends that conflicts with a need is dropped', packages: index('a 1; Depends: b; Recommends: c\nb 1; Conflicts: c\nc 1; Conflicts: b'), wanted: ['a'], recommends: true, answer: ['a 1', 'b 1'] },
  { name: 'Recommends come after all needs of their package', packages: index('a 1; Recommends: x | y; Depends: b\nb 1; Depends: y\nx 1\ny 1'), wanted: ['a'], recommends: true, answer: ['a 1', 'b 1', 'y 1'] },
  { name: 'a sibling with an exact relation is not taken back with a pin', packages: index('a 1; Depends: a-common (= 1)\na 2; Depends: a-common (= 2)\na-common 1\na-common 2'), wanted: ['a=1'], answer: undefined },
  { name: 'both pinned go together', packages: index('a 1; Depends: a-common (= 1)\na 2; Depends: a-common (= 2)\na-common 1\na-common 2'), wanted: ['a=1', 'a-common=1'], answer: ['a 1', 'a-common 1'] },
  { name: 'an epoch counts in a glob', packages: index('a 5:20.10.8~3\na 5:20.10.9~3'), wanted: ['a=5:20.10.8*'], answer: ['a 5:20.10.8~3'] },
  { name: 'a bare prefix is no version', packages: index('a 1.22.1'), wanted: ['a=1.22'], answer: undefined },
  { name: 'two requested packages that conflict are refused', packages: index('a 1; Conflicts: b\nb 1'), wanted: ['a', 'b'], answer: undefined },
  { name: 'a package does not conflict with its own Provides', packages: index('a 1; Provides: v; Conflicts: v'), wanted: ['a'], answer: ['a 1'] },
  { name: 'a provider of what is provided and conflicted is not added', packages: index('a 1; Depends: mta; Recommends: mailer\nx 1; Provides: mta; Conflicts: mta\nmailer 1; Depends: y | mta\ny 1; Provides: mta; Conflicts: mta'), wanted: ['a'], recommends: true, answer: ['a 1', 'mailer 1', 'y 1'] },
  { name: 'a conflict that comes up late is repaired by scores', packages: index('a 1; Depends: b, c\nb 1; Depends: init | other; Priority: optional\ninit 1; Priority: important; Breaks: other\nother 1; Priority: optional\nc 1; Depends: other | init'), wanted: ['a'], answer: ['a 1', 'b 1', 'c 1', 'init 1'] },
  { name: ':any is met by Multi-Arch: allowed only', packages: index('a 1; Depends: p:any\np 1; Multi-Arch: allowed'), wanted: ['a'], answer: ['a 1', 'p 1'] },
  { name: ':any is not met by a plain package', packages: index('a 1; Depends: p:any\np 1'), wanted: ['a'], answer: undefined },
  { name: 'a foreign tool serves another architecture', packages: index('a 1/i386; Depends: t\nt 1/amd64; Multi-Arch: foreign'), architectures: ['amd64', 'i386'], wanted: ['a:i386'], answer: ['a:i386 1', 't 1'] },
  { name: 'a plain library has to be of the same architecture', packages: index('a 1/i386; Depends: l\nl 1/amd64\nl 1/i386'), architectures: ['amd64', 'i386'], wanted: ['a:i386'], answer: ['a:i386 1', 'l:i386 1'] },
  { name: 'the same name twice needs Multi-Arch: same', packages: index('a 1/i386; Depends: l\nb 1/amd64; Depends: l\nl 1/amd64\nl 1/i386'), architectures: ['amd64', 'i386'], wanted: ['b', 'a:i386'], answer: undefined },
  { name: 'Multi-Arch: same lives twice in one version', packages: index('a 1/i386; Depends: l\nb 1/amd64; Depends: l\nl 1/amd64; Multi-Arch: same\nl 1/i386; Multi-Arch: same'), architectures: ['amd64', 'i386'], wanted: ['b', 'a:i386'], answer: ['a:i386 1', 'b 1', 'l 1', 'l:i386 1'] },
  { name: 'Essential packages are not added by themselves', packages: index('a 1\ne 1; Essential: yes'), wanted: ['a'], answer: ['a 1'] },
  { name: 'a cycle of needs ends', packages: index('a 1; Depends: b\nb 1; Depends: c\nc 1; Depends: a'), wanted: ['a'], answer: ['a 1', 'b 1', 'c 1'] },
  { name: 'an obsolete operator means "or equal"', packages: index('a 1; Depends: b (> 1)\nb 1'), wanted: ['a'], answer: ['a 1', 'b 1'] },
  { name: 'what says no Priority comes before what says one', packages: index('a 1; Depends: v\nx 1; Provides: v; Priority: required\ny 1; Provides: v'), wanted: ['a'], answer: ['a 1', 'y 1'] },
  { name: 'Conflicts speak of every architecture', packages: index('a 1/amd64; Conflicts: b\nb 1/i386'), architectures: ['amd64', 'i386'], wanted: ['a', 'b:i386'], answer: undefined },
  { name: 'Conflicts with an architecture speak of that one', packages: index('a 1/amd64; Conflicts: b:amd64\nb 1/i386'), architectures: ['amd64', 'i386'], wanted: ['a', 'b:i386'], answer: ['a 1', 'b:i386 1'] },
  { name: 'a foreign tool that denies what is wanted is passed over', packages: index('a 1/amd64; Depends: t | u; Provides: v\nt 1/i386; Multi-Arch: foreign; Conflicts: v\nu 1/amd64'), architectures: ['amd64', 'i386'], wanted: ['a'], answer: ['a 1', 'u 1'] },
  { name: 'what was there when a package was looked at is not looked for again', packages: index('p0 2; Breaks: p12; Recommends: p15 | p12\np2 1; Depends: p7\np7 2; Depends: p13 | p11 (>= 1)\np11 2; Depends: p12 | p15, p0\np12 2\np13 3; Pre-Depends: p17\np15 2'), wanted: ['p2'], recommends: true, answer: undefined },
  { name: 'repair passes over a provider that is one in an older version only', packages: index('a 1; Depends: c | b, v\nc 1; Depends: b\nb 1; Breaks: d\nd 1\no 1; Provides: v\nx 1; Provides: v\nx 2\ny 1; Depends: d; Provides: v'), wanted: ['a'], answer: undefined },
  { name: 'repair prefers the provider that was read last', packages: index('e 1; Breaks: g\nn 1; Provides: v\ng 1\nb 1; Depends: g (>= 1) | v\nm 1; Provides: v\na 1; Depends: b'), wanted: ['a', 'e'], answer: ['a 1', 'b 1', 'e 1', 'm 1'] },
  { name: 'a Recommends that stays broken is not left out for the rest', packages: index('a 1; Recommends: c\nc 1; Depends: d; Breaks: d\nb 1; Pre-Depends: e\ne 1\nd 1; Breaks: e'), wanted: ['a', 'b'], recommends: true, answer: undefined },
  { name: 'a virtual name of which each architecture has one provider', packages: index('p 1/amd64; Provides: v; Multi-Arch: same\np 1/i386; Provides: v; Multi-Arch: same'), architectures: ['amd64', 'i386'], wanted: ['v'], answer: ['p 1'] },
  { name: 'leftovers that are Essential stay', packages: index('a 1; Depends: b | c\nb 1; Depends: left, deep\nleft 1; Essential: yes\ndeep 1; Depends: gone\nc 1'), wanted: ['a'], answer: ['a 1', 'c 1', 'left 1'] },
  { name: 'leftovers that are Important stay', packages: index('a 1; Depends: b | c\nb 1; Depends: left, deep\nleft 1; Important: yes\ndeep 1; Depends: gone\nc 1'), wanted: ['a'], answer: ['a 1', 'c 1', 'left 1'] },
  { name: 'leftovers that are Protected stay', packages: index('a 1; Depends: b | c\nb 1; Depends: left, deep\nleft 1; Protected: yes\ndeep 1; Depends: gone\nc 1'), wanted: ['a'], answer: ['a 1', 'c 1', 'left 1'] },
  { name: 'what an Essential leftover needs stays', packages: index('a 1; Depends: b | c\nb 1; Depends: left, deep\nleft 1; Essential: yes; Depends: low\ndeep 1; Depends: gone\nc 1\nlow 1'), wanted: ['a'], answer: ['a 1', 'c 1', 'left 1', 'low 1'] },
  { name: 'what is excluded is not taken', packages: index('a 1; Depends: b | c\nb 1\nc 1'), wanted: ['a', 'b-'], answer: ['a 1', 'c 1'] },
  { name: 'what is excluded and needed is refused', packages: index('a 1; Depends: b\nb 1'), wanted: ['a', 'b-'], answer: undefined },
  { name: 'what is asked for and excluded is refused', packages: index('a 1; Depends: b | c\nb 1\nc 1'), wanted: ['a', 'b-', 'b'], answer: undefined },
  { name: 'a Recommends that is excluded is left out', packages: index('a 1; Recommends: b\nb 1'), wanted: ['a', 'b-'], recommends: true, answer: ['a 1'] },
  { name: 'to exclude a virtual name says nothing', packages: index('a 1; Depends: v | z\nx 1; Provides: v\nz 1'), wanted: ['a', 'v-'], answer: ['a 1', 'x 1'] },
  { name: 'to exclude what is unknown is refused', packages: index('a 1'), wanted: ['a', 'nosuch-'], answer: undefined },
  { name: 'a name may end in a plus', packages: index('g++ 1\ng 1'), wanted: ['g++'], answer: ['g++ 1'] },
  { name: 'a plus behind a name asks for it', packages: index('a 1'), wanted: ['a+'], answer: ['a 1'] },
  { name: 'a task is what says so', packages: index('a 1; Task: t1, t2\nb 1; Task: t2\nc 1; Depends: d; Task: t2\nd 1'), wanted: ['t2^'], answer: ['a 1', 'b 1', 'c 1', 'd 1'] },
  { name: 'a task of the candidate counts', packages: index('a 1; Task: t1\na 2'), wanted: ['t1^'], answer: undefined },
  { name: 'a part of a task is none', packages: index('a 1; Task: t1-x\nb 1; Task: xt1'), wanted: ['t1^'], answer: undefined },
  { name: 'a package of a task cannot be excluded', packages: index('a 1; Task: t1, t2\nb 1; Task: t2'), wanted: ['t2^', 'a-'], answer: undefined },
  { name: 'a glob over names takes what only others mention', packages: index('aab 1\naac 1\nx 1; Depends: aad\naad 1'), wanted: ['aa?'], answer: ['aab 1', 'aac 1', 'aad 1'] },
  { name: 'a glob over names that matches none', packages: index('aab 1'), wanted: ['zz*'], answer: undefined },
  { name: 'globs over names exclude', packages: index('aab 1\naac 1\nx 1; Recommends: aab, aac'), wanted: ['x', 'aa?-'], recommends: true, answer: ['x 1'] },
  { name: 'a version glob ends where its last star stood', packages: index('a 1.2.3\na 1.9'), wanted: ['a=1.?*'], answer: ['a 1.9'] },
  { name: 'a version glob with two stars', packages: index('a 1b\na 2b3'), wanted: ['a=*b*'], answer: ['a 1b'] },
  { name: 'the beginning of a version in any case', packages: index('a 1RC1\na 1RC2'), wanted: ['a=1rc*'], answer: ['a 1RC2'] },
  { name: 'a version glob in any case', packages: index('a 1RC1'), wanted: ['a=?rc1'], answer: ['a 1RC1'] },
  { name: 'a glob takes a foreign package that nothing native mentions', packages: index('ap 1\nb 1/arm64'), architectures: ['arm64', 'amd64'], wanted: ['a*', 'b'], answer: ['ap:amd64 1', 'b 1'] },
  { name: 'a glob means the native package where something native needs it', packages: index('ap 1\nb 1/arm64; Suggests: ap'), architectures: ['arm64', 'amd64'], wanted: ['a*', 'b'], answer: ['b 1'] },
  { name: 'a plain name does not', packages: index('ap 1\nb 1/arm64; Suggests: ap'), architectures: ['arm64', 'amd64'], wanted: ['ap', 'b'], answer: ['ap:amd64 1', 'b 1'] },
  { name: 'a glob means what something native provides', packages: index('ap 1\nb 1/arm64; Provides: ap'), architectures: ['arm64', 'amd64'], wanted: ['a*'], answer: ['b 1'] },
  { name: 'a glob means nothing where two provide it', packages: index('ap 1\nb 1/arm64; Provides: ap\nc 1/arm64; Provides: ap\nd 1/arm64'), architectures: ['arm64', 'amd64'], wanted: ['a*', 'd'], answer: ['d 1'] },
  { name: 'a foreign package for every architecture provides its name natively', packages: index('ap 1; Multi-Arch: foreign\nb 1/arm64; Depends: ap'), architectures: ['arm64', 'amd64'], wanted: ['a*'], answer: ['ap:amd64 1'] },
  { name: 'beside another provider it is one of two', packages: index('ap 1; Multi-Arch: foreign\nb 1/arm64; Provides: ap\nd 1/arm64'), architectures: ['arm64', 'amd64'], wanted: ['a*', 'd'], answer: ['d 1'] },
  { name: 'a glob that only names without a package match takes nothing', packages: index('b 1; Depends: zzx\nd 1'), wanted: ['zz*', 'd'], answer: ['d 1'] },
  { name: 'so does an expression', packages: index('b 1; Provides: zzx\nc 1; Provides: zzx\nd 1'), wanted: ['^zzx$', 'd'], answer: ['d 1'] },
  { name: 'packages of a task go by the first mention of their names', packages: index('a 1; Suggests: zf\nzb 1; Task: x; Depends: v1 | v2\nzf 1; Task: x; Depends: v2 | v1\nv1 1\nv2 1'), wanted: ['x^'], answer: ['v2 1', 'zb 1', 'zf 1'] },
  { name: 'packages of a task go by the first mention in their own architecture', packages: index('zf 1; Depends: zb\nzb 1/arm64; Task: x; Depends: v1 | v2\nzf 1/arm64; Task: x; Depends: v2 | v1\nv1 1/arm64\nv2 1/arm64'), architectures: ['arm64', 'amd64'], wanted: ['x^'], answer: ['v1 1', 'zb 1', 'zf 1'] },
  { name: 'of providers the one that its own architecture mentioned later', packages: index('y 1; Depends: z\nx 1/arm64; Provides: v\nz 1/arm64; Provides: v\ny 1/arm64; Provides: v\na 1/arm64; Depends: v'), architectures: ['arm64', 'amd64'], wanted: ['a'], answer: ['a 1', 'y 1'] },
  { name: 'what the machine has in an older version comes before what is new, of any alternative', packages: index('w 1; Depends: p | u (>= 2)\np 1\nu 1\nu 2'), installed: ['u 1'], wanted: ['w'], answer: ['u 2', 'w 1'] },
  { name: 'what breaks an installed version has it upgraded, with what that needs', packages: index('a 1; Breaks: x (<< 2)\nx 1\nx 2; Depends: y\ny 1'), installed: ['x 1'], wanted: ['a'], answer: ['a 1', 'x 2', 'y 1'] },
  { name: 'what cannot be upgraded out of the way goes', packages: index('a 1; Conflicts: x (<< 2)\nx 1\nx 2; Depends: nope'), installed: ['x 1'], wanted: ['a'], answer: ['a 1'], removed: ['x'] },
  { name: 'what needs the old version is upgraded, even if it would have another', packages: index('x 1\nx 2\ny 1; Depends: x (<= 1) | z\ny 2\nz 1'), installed: ['x 1', 'y 1', 'z 1'], wanted: ['x'], answer: ['x 2', 'y 2'] },
  { name: 'what recommends the old version is upgraded', packages: index('x 1\nx 2\ny 1; Recommends: x (<= 1)\ny 2'), installed: ['x 1', 'y 1'], recommends: true, wanted: ['x'], answer: ['x 2', 'y 2'] },
  { name: 'what needs the old version and cannot be upgraded goes, with what needs that', packages: index('x 1\nx 2\ny 1; Depends: x (<= 1)\nz 1; Depends: y'), installed: ['x 1', 'y 1', 'z 1'], wanted: ['x'], answer: ['x 2'], removed: ['y', 'z'] },
  { name: 'what is Essential is not taken away for an upgrade', packages: index('w 1; Depends: x (>= 2) | c\nc 1\nx 1\nx 2\ny 1; Essential: yes; Depends: x (<= 1)'), installed: ['x 1', 'y 1'], wanted: ['w'], answer: ['c 1', 'w 1'] },
  { name: 'what is Essential is not taken away for a conflict', packages: index('b 1; Depends: a | c\na 1; Conflicts: p\np 1; Essential: yes\nc 1'), installed: ['p 1'], wanted: ['b'], answer: ['b 1', 'c 1'] },
  { name: 'what cannot be had after all takes nothing away', packages: index('b 1; Recommends: a\na 1; Conflicts: p; Depends: d\nd 1; Depends: nope\np 1'), installed: ['p 1'], recommends: true, wanted: ['b'], answer: ['b 1'] },
  { name: 'what is built from one source is upgraded together', packages: index('x 1; Source: s\nx 2; Source: s\ny 1; Source: s\ny 2; Source: s; Depends: q\nq 1'), installed: ['x 1', 'y 1'], wanted: ['x'], answer: ['q 1', 'x 2', 'y 2'] },
  { name: 'an installed package that breaks what comes is upgraded', packages: index('x 1\nx 2\ny 1; Breaks: x (>= 2)\ny 2; Depends: q\nq 1'), installed: ['x 1', 'y 1'], wanted: ['x'], answer: ['q 1', 'x 2', 'y 2'] },
  { name: 'an installed package that loses a provider is upgraded, with what it needs then', packages: index('a 1; Conflicts: p\np 1; Provides: v\nr 1; Depends: v\nr 2; Depends: k\nk 1; Depends: m\nm 1'), installed: ['p 1', 'r 1'], wanted: ['a'], answer: ['a 1', 'k 1', 'm 1', 'r 2'], removed: ['p'] },
  { name: 'one that cannot be upgraded goes, although another would help', packages: index('a 1; Conflicts: p\np 1; Priority: extra\nr 1; Priority: extra; Depends: p | q\nq 1; Priority: extra'), installed: ['p 1', 'r 1'], wanted: ['a'], answer: ['a 1'], removed: ['p', 'r'] },
  { name: 'one that cannot be upgraded stays when another helps and it is worth more', packages: index('a 1; Conflicts: p\np 1\nr 1; Depends: p | q\nq 1'), installed: ['p 1', 'r 1'], wanted: ['a'], answer: ['a 1', 'q 1'], removed: ['p'] },
  { name: 'what is asked for and there holds the version that it needs', packages: index('w 1; Depends: x (>= 2) | c\nc 1\nx 1\nx 2\ny 1; Depends: x (<= 1)'), installed: ['x 1', 'y 1'], wanted: ['y', 'w'], answer: ['c 1', 'w 1'] },
  { name: 'an upgrade that breaks what was asked for is taken back', packages: index('y 1; Depends: x (<= 1)\nx 1\nx 2\np 1; Provides: x (= 1)\nw 1; Depends: x (>= 2) | c\nc 1'), installed: ['x 1'], wanted: ['y', 'w'], answer: ['c 1', 'w 1', 'y 1'] },
  { name: 'what the machine has and asks for strikes out what it does not bear', packages: index('a 1; Provides: v\nb 1; Depends: v\nc 1; Conflicts: d\nd 1; Provides: v'), installed: ['c 1'], wanted: ['c', 'b'], answer: ['a 1', 'b 1'] },
  { name: 'a name provided by its own package counts twice where that is Multi-Arch: foreign', packages: index('a 1; Depends: k, m\nk 1; Depends: l | x\nl 1; Provides: l; Multi-Arch: foreign; Breaks: x\nm 1; Recommends: x\nx 1'), recommends: true, wanted: ['a'], answer: ['a 1', 'k 1', 'l 1', 'm 1'] },
  { name: 'a name provided by its own package does not else', packages: index('a 1; Depends: k, m\nk 1; Depends: l | x\nl 1; Provides: l; Breaks: x\nm 1; Recommends: x\nx 1'), recommends: true, wanted: ['a'], answer: ['a 1', 'k 1', 'm 1', 'x 1'] },
  { name: 'what brings something back for a need with :any is any of Multi-Arch: allowed', packages: index('a 1; Depends: k (>> 2) | x; Conflicts: n\nd 1; Breaks: m\nx 1; Depends: m | k:any\nk 3; Multi-Arch: foreign; Depends: m | n\nk 2/i386; Multi-Arch: allowed\nm 1\nn 1'), architectures: ['amd64', 'i386'], wanted: ['a', 'd'], answer: ['a 1', 'd 1', 'k:i386 2', 'x 1'] },
  { name: 'a name with :any is no name of a package: of those that provide it the one that was mentioned later', packages: index('a 1; Depends: p:any\np 1; Multi-Arch: allowed\nq 1; Multi-Arch: allowed; Provides: p'), wanted: ['a'], answer: ['a 1', 'q 1'] },
  { name: 'a name with an architecture is no name of a package either', packages: index('a 1; Depends: p:amd64\np 1\nq 1; Provides: p'), wanted: ['a'], answer: ['a 1', 'q 1'] },
  { name: 'a name with :any is no mention of a package', packages: index('z 1; Suggests: p:any\nq 1; Provides: v\np 1; Provides: v\na 1; Depends: v'), architectures: ['amd64', 'i386'], wanted: ['a'], answer: ['a 1', 'p 1'] },
  { name: 'a glob takes a foreign package that something native mentions with :any', packages: index('ap 1\nb 1/arm64; Suggests: ap:any'), architectures: ['arm64', 'amd64'], wanted: ['a*', 'b'], answer: ['ap:amd64 1', 'b 1'] },
  { name: 'what is Multi-Arch: foreign and denied is denied in each architecture', packages: index('p4 2; Priority: optional; Provides: p5\np5 2; Priority: extra; Pre-Depends: v2; Depends: p24\np8 2; Priority: optional; Depends: p5, p11\np11 1/i386; Priority: important; Multi-Arch: foreign; Depends: v0; Provides: v0, v2\np24 2; Priority: required; Conflicts: p11'), architectures: ['amd64', 'i386'], wanted: ['p8'], answer: undefined },
  { name: 'a name with :any is no mention with one architecture either', packages: index('z 1; Suggests: p:any\nq 1; Provides: v\np 1; Provides: v\na 1; Depends: v'), wanted: ['a'], answer: ['a 1', 'p 1'] },
  { name: 'nor is a name with an architecture that the target has not', packages: index('z 1; Suggests: p:i386\nq 1; Provides: v\np 1; Provides: v\na 1; Depends: v'), wanted: ['a'], answer: ['a 1', 'p 1'] },
  { name: 'a name with the architecture of the target is a mention', packages: index('z 1; Suggests: p:amd64\nq 1; Provides: v\np 1; Provides: v\na 1; Depends: v'), wanted: ['a'], answer: ['a 1', 'q 1'] },
  { name: 'what every architecture may use mentions what it provides natively', packages: index('z 1/i386; Provides: p; Multi-Arch: foreign\nq 1; Provides: v\np 1; Provides: v\na 1; Depends: v'), architectures: ['amd64', 'i386'], wanted: ['a'], answer: ['a 1', 'q 1'] },
  { name: 'but not where a package of that name was mentioned', packages: index('y 1/i386; Depends: p\nz 1; Provides: p; Multi-Arch: foreign\nq 1; Provides: v\np 1; Provides: v\na 1; Depends: v'), architectures: ['amd64', 'i386'], wanted: ['a'], answer: ['a 1', 'p 1'] },
  { name: 'Conflicts mention no package whose name was mentioned for another architecture', packages: index('y 1; Depends: p\nz 1/i386; Conflicts: p\nq 1/i386; Provides: v; Multi-Arch: foreign\np 1/i386; Provides: v; Multi-Arch: foreign\na 1; Depends: v'), architectures: ['amd64', 'i386'], wanted: ['a'], answer: ['a 1', 'p:i386 1'] },
  { name: 'Replaces neither', packages: index('y 1/i386; Depends: p\nz 1; Replaces: p\nq 1; Provides: v\np 1; Provides: v\na 1; Depends: v'), architectures: ['amd64', 'i386'], wanted: ['a'], answer: ['a 1', 'p 1'] },
  { name: 'a glob matches no name with an architecture', packages: index('x 1; Multi-Arch: allowed\ny 1; Depends: x:any'), wanted: ['*any'], answer: undefined },
  { name: 'of several that provide what is denied none goes when one has to stay', packages: index('x 1; Provides: v\nr 1; Provides: v; Recommends: x, y, n\ny 1; Provides: v\nn 1; Conflicts: v'), wanted: ['r'], recommends: true, answer: ['r 1', 'x 1', 'y 1'] },
  { name: 'what provides the name of what has to stay does not go before it', packages: index('r 1; Recommends: x, n\nx 1; Provides: r\nn 1; Conflicts: r'), wanted: ['r'], recommends: true, answer: ['r 1', 'x 1'] },
  { name: 'what another relation denies goes before', packages: index('r 1; Recommends: x, n\nx 1\nn 1; Conflicts: x, r'), wanted: ['r'], recommends: true, answer: ['r 1'] },
  { name: 'a relation denies the architecture first that was mentioned first', packages: index('r 1/i386; Provides: v\nx 1; Provides: v\nn 1; Conflicts: v\na 1; Recommends: x, n'), architectures: ['amd64', 'i386'], wanted: ['a', 'r:i386'], recommends: true, answer: ['a 1', 'r:i386 1', 'x 1'] },
  { name: 'and the other one after it', packages: index('x 1; Provides: v\nr 1/i386; Provides: v\nn 1; Conflicts: v\na 1; Recommends: x, n'), architectures: ['amd64', 'i386'], wanted: ['a', 'r:i386'], recommends: true, answer: ['a 1', 'r:i386 1'] },
  { name: 'what is brought back may deny something protected that only provides the name of another', packages: index('p1 3/i386; Conflicts: p15\np2 2\np3 2; Multi-Arch: allowed; Provides: p15\np3 2/i386; Multi-Arch: foreign\np10 2; Depends: p15:any\np13 2/i386; Multi-Arch: foreign; Depends: p1 (>> 1) | v1\np14 2; Depends: p3, p13 | p2; Recommends: v0; Provides: v0\np15 2; Multi-Arch: foreign; Provides: v1'), architectures: ['amd64', 'i386'], wanted: ['p14', 'p10'], answer: ['p10 2', 'p14 2', 'p2 2', 'p3 2'] },
  { name: 'the same name in another architecture is worth less, there or not', packages: index('p1 2/i386; Multi-Arch: foreign; Depends: v0; Provides: v4\np7 2/i386; Depends: v2:any; Provides: v0\np9 3; Essential: yes; Multi-Arch: allowed; Depends: p20; Provides: v2, p6\np10 3; Conflicts: p6\np11 2; Pre-Depends: v4; Recommends: p10\np14 1/i386; Multi-Arch: foreign; Provides: p16\np14 2/i386; Priority: optional; Multi-Arch: foreign; Depends: p16; Provides: v4\np16 2; Priority: extra; Multi-Arch: allowed\np16 3/i386\np20 2; Pre-Depends: p16:any'), architectures: ['amd64', 'i386'], wanted: ['p11'], recommends: true, answer: ['p11 2', 'p16 2', 'p1:i386 2', 'p20 2', 'p7:i386 2', 'p9 3'] },
  { name: 'what is asked for is not brought back with another alternative', packages: index('p1 2/i386; Multi-Arch: foreign; Depends: v0 | v1; Provides: v4\np7 2; Multi-Arch: foreign; Provides: v1\np7 2/i386; Depends: v2:any; Provides: v0\np9 3; Multi-Arch: allowed; Provides: v2, p6\np10 3; Priority: optional; Conflicts: p6\np11 1; Provides: v4\np11 2; Pre-Depends: v4 | v2; Recommends: p10\np20 3/i386; Depends: p15; Provides: v0'), architectures: ['amd64', 'i386'], wanted: ['p11'], recommends: true, answer: ['p10 3', 'p11 2', 'p1:i386 2', 'p7 2'] },
  { name: 'what was struck out and is taken away then counts no more when others look ahead', packages: index('s 1; Source: src\ns 2; Source: src\nb 2; Source: src; Depends: s (= 2)\nu 1; Source: src\nu 2; Source: src\ne 1; Conflicts: s; Depends: f\nf 1; Conflicts: s\nw 1; Recommends: b (>= 2) | c\nc 1'), installed: ['s 1', 'u 1'], recommends: true, wanted: ['e', 'w'], answer: ['c 1', 'e 1', 'f 1', 'w 1'], removed: ['s'] },
  { name: 'what was struck out and stays does', packages: index('s 1; Source: src\ns 2; Source: src\nb 2; Source: src; Depends: s (= 2)\nu 1; Source: src\nu 2; Source: src\ne 1; Conflicts: s\nf 1; Conflicts: s\nw 1; Recommends: b (>= 2) | c\nc 1'), installed: ['s 1', 'u 1'], recommends: true, wanted: ['e', 'w'], answer: ['c 1', 'e 1', 'u 2', 'w 1'], removed: ['s'] },
  { name: 'what is asked for looks again for what it recommends when that had to go', packages: index('k 1; Recommends: o\no 1\nn 1\nm 1\np 1; Conflicts: o; Recommends: o | m | n'), recommends: true, wanted: ['k', 'p'], answer: ['k 1', 'm 1', 'p 1'] },
  { name: 'what is marked and has lost what it needs is marked once more', packages: index('p0 3; Depends: p16 | v0\np2 1; Conflicts: v4, p16\np4 1; Provides: v4\np11 2; Depends: v4; Provides: v0\np15 2; Priority: standard; Provides: v4\np16 2; Depends: v0, p2'), wanted: ['p0'], answer: ['p0 3', 'p11 2', 'p4 1'] },
  { name: 'of what is denied what came up after the relation was read goes last', packages: index('p0 3; Multi-Arch: allowed; Depends: p16 | v0\np2 1; Conflicts: v4, p16\np4 1/i386; Provides: v4\np11 2/i386; Multi-Arch: foreign; Depends: v4; Provides: v0\np13 2; Depends: p14:any\np14 3; Multi-Arch: allowed; Depends: p0:any\np15 2/i386; Priority: standard; Provides: v4\np16 2; Depends: v0, p2'), architectures: ['amd64', 'i386'], wanted: ['p13'], answer: ['p0 3', 'p11:i386 2', 'p13 2', 'p14 3', 'p4:i386 1'] },
  { name: 'what another architecture may no longer use is no reason to upgrade what named it', packages: index('x 1; Multi-Arch: foreign\nx 2; Multi-Arch: allowed\ny 1/i386; Depends: x | z\ny 2/i386\nz 1/i386'), architectures: ['amd64', 'i386'], installed: ['x 1', 'y 1', 'z 1'], wanted: ['x'], answer: ['x 2'] },
  { name: 'what lives in two architectures does not come in another version than the machine may have', packages: index('x 2; Multi-Arch: same\nx 1/i386; Multi-Arch: same\na 1/i386; Depends: x | y; Multi-Arch: foreign\ny 1/i386'), architectures: ['amd64', 'i386'], installed: ['x 2'], wanted: ['a:i386'], answer: ['a:i386 1', 'y:i386 1'] },
  { name: 'where nothing else would do it is refused', packages: index('x 2; Multi-Arch: same\nx 1/i386; Multi-Arch: same\na 1/i386; Depends: x; Multi-Arch: foreign'), architectures: ['amd64', 'i386'], installed: ['x 2'], wanted: ['a:i386'], answer: undefined },
  { name: 'what is asked for by itself drives the other version out', packages: index('x 2; Multi-Arch: same\nx 1/i386; Multi-Arch: same'), architectures: ['amd64', 'i386'], installed: ['x 2'], wanted: ['x:i386'], answer: ['x:i386 1'], removed: ['x'] },
  { name: 'what is asked for looks again for what it needs when that had to go, also with a choice', packages: index('p1 1; Essential: yes\np1 2; Provides: v0\np3 2; Pre-Depends: v0\np10 3; Provides: v0\np12 1; Essential: yes\np12 2; Provides: v0\np13 2; Depends: v0; Conflicts: p12'), wanted: ['p3', 'p13'], answer: ['p1 2', 'p13 2', 'p3 2'] },
];

/** An index and the names of apt's package table over it in their order, as `apt-cache dump` prints them. */
export interface TableCase { readonly packages: string; readonly architectures: readonly string[]; readonly order: readonly string[] }

export const tableCases: readonly TableCase[] = [
  { packages: index('gobjc++-11-multilib-mipsel-linux-gnu 1\nlibrust-glib-sys-0.14+default-dev 1\nr-bioc-snpstats 1; Depends: r-cran-egg'), architectures: ['amd64'], order: ['librust-glib-sys-0.14+default-dev', 'gobjc++-11-multilib-mipsel-linux-gnu', 'r-cran-egg', 'r-bioc-snpstats'] },
  { packages: index('p 1/i386\np 1; Multi-Arch: allowed; Provides: v\nq 1/i386; Depends: p, r:any, s:sparc, s\nr 1; Conflicts: q\nlinux-image-6.1.0-13-amd64 1'), architectures: ['amd64', 'i386'], order: 'p:any r:any v:any linux-image-6.1.0-13-amd64 s:sparc p:i386 p q:i386 r s:sparc s:i386 v $kernel $kernel:$kernel'.split(' ') },
];
