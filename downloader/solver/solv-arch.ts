// Which architectures a machine takes, and which it prefers: rpm's architecture classes as libsolv's solver ranks them.

/** Groups of equal rank are divided by `:`; those further right are taken only when nothing of the groups before is offered under the name. */
const policies: Readonly<Record<string, readonly string[]>> = {
  x86_64: ['x86_64', 'i686', 'i586', 'i486', 'i386'],
  i686: ['i686', 'i586', 'i486', 'i386'],
  i586: ['i586', 'i486', 'i386'],
  i386: ['i386'],
  ppc64: ['ppc64', 'ppc'],
  s390x: ['s390x', 's390'],
  armv7hl: ['armv7hl', 'armv6hl'],
  sparc64: ['sparc64', 'sparcv9', 'sparcv8', 'sparc'],
};

const wide = new Set(['x86_64', 'ppc64', 's390x', 'sparc64']);

export interface ArchPolicy {
  /** 0: not for this machine; 1: noarch; from 2 on the smaller the better. */
  scoreOf(arch: string): number;
  /** Whether packages of one name in these two architectures share files, so that only one of them can be there: not a 32-bit and a 64-bit one. */
  collide(a: string, b: string): boolean;
}

/** Packages of `arch` and of what it runs beside it, such as i686 on x86_64. With `only`, of nothing else than those. */
export function archPolicy(arch: string, only?: readonly string[]): ArchPolicy {
  const order = (policies[arch] ?? [arch]).filter((item) => only === undefined || only.includes(item));
  const scores = new Map(order.map((item, index) => [item, index + 2]));
  scores.set('noarch', 1);
  const is64 = (item: string): boolean => wide.has(item);
  return {
    scoreOf: (item) => scores.get(item) ?? 0,
    collide: (a, b) => a === b || a === 'noarch' || b === 'noarch' || !wide.has(arch) || is64(a) === is64(b),
  };
}
