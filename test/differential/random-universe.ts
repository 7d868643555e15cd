/** Small package universes from a seed: dangling and versioned relations, virtual names, conflicts, every field that a solver reads. */
export interface RandomPackage {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly fields: Readonly<Record<string, string>>;
  /** The machine has it already. */
  readonly installed?: true;
  /** Wins over other versions of its name, whatever their numbers (a preference). */
  readonly preferred?: true;
}

export interface RandomUniverse {
  readonly packages: readonly RandomPackage[];
  readonly wanted: readonly string[];
  readonly recommends: boolean;
}

export interface Shape {
  /** 0 to 1: share of packages with Conflicts or Breaks. */
  readonly conflicts: number;
  readonly architectures: readonly string[];
  /** 0 to 1: share of packages that the machine has already, in one of their versions. */
  readonly installed?: number;
  /** 0 to 1: share of packages of several versions of which a preference takes one. */
  readonly preferred?: number;
  /** More of everything that is rare else: long lists of alternatives, many providers, exact versions, Essential and Important packages. */
  readonly rich?: boolean;
}

/** mulberry32: numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const priorities = ['required', 'important', 'standard', 'optional', 'optional', 'optional', 'extra'];
const operators = ['<<', '<=', '=', '>=', '>>', '>=', '>='];

class Maker {
  private readonly random: () => number;
  private readonly count: number;
  private readonly shape: Shape;

  constructor(seed: number, shape: Shape) {
    this.random = randomFrom(seed);
    this.shape = shape;
    this.count = 8 + this.below(18);
  }

  private below(limit: number): number { return Math.floor(this.random() * limit); }
  private chance(share: number): boolean { return this.random() < share; }
  private pick<T>(items: readonly T[]): T { return items[this.below(items.length)] as T; }

  private relation(): string {
    const name = this.chance(this.shape.rich === true ? 0.3 : 0.15) ? `v${this.below(5)}` : this.chance(0.04) ? `x${this.below(3)}` : `p${this.below(this.count)}`;
    const foreign = this.shape.architectures.length > 1 && this.chance(0.15) ? ':any' : '';
    return this.chance(0.25) ? `${name}${foreign} (${this.pick(operators)} ${1 + this.below(3)})` : name + foreign;
  }

  private groups(most: number, alternatives: number): string {
    return Array.from({ length: this.below(most + 1) }, () => Array.from({ length: 1 + this.below(alternatives) }, () => this.relation()).join(' | ')).join(', ');
  }

  private provides(): string {
    return Array.from({ length: 1 + this.below(2) }, () => {
      const name = this.chance(0.8) ? `v${this.below(5)}` : `p${this.below(this.count)}`;
      return this.chance(0.35) ? `${name} (= ${1 + this.below(3)})` : name;
    }).join(', ');
  }

  private fields(): Record<string, string> {
    const fields: Record<string, string> = { Priority: this.pick(priorities) };
    const put = (name: string, share: number, value: () => string): void => {
      const text = this.chance(share) ? value() : '';
      if (text !== '') fields[name] = text;
    };
    const rich = this.shape.rich === true;
    put('Essential', rich ? 0.1 : 0.04, () => 'yes');
    put('Important', rich ? 0.1 : 0.03, () => 'yes');
    if (this.shape.architectures.length > 1) put('Multi-Arch', rich ? 0.8 : 0.5, () => this.pick(['same', 'foreign', 'allowed']));
    put('Pre-Depends', rich ? 0.25 : 0.15, () => this.groups(1, 2));
    put('Depends', 0.75, () => this.groups(3, rich ? 4 : 3));
    put('Conflicts', this.shape.conflicts, () => this.groups(2, 1));
    put('Breaks', this.shape.conflicts, () => this.groups(2, 1));
    put('Recommends', rich ? 0.5 : 0.35, () => this.groups(2, 2));
    put('Suggests', 0.2, () => this.groups(2, 2));
    if (rich) put('Replaces', 0.2, () => this.groups(2, 1));
    put('Provides', rich ? 0.5 : 0.25, () => this.provides());
    return fields;
  }

  make(): RandomUniverse {
    const packages: RandomPackage[] = [];
    for (let index = 0; index < this.count; index += 1) {
      for (const arch of this.shape.architectures) {
        if (this.shape.architectures.length > 1 && this.chance(0.3)) continue;
        const versions = this.chance(this.shape.rich === true || this.shape.installed !== undefined ? 0.4 : 0.2) ? [1, 2] : [1 + this.below(3)];
        const own = versions.map((version): RandomPackage => ({ name: `p${index}`, version: String(version), arch, fields: this.fields() }));
        const there = this.shape.installed !== undefined && this.chance(this.shape.installed) ? this.below(own.length) : -1;
        const first = this.shape.preferred !== undefined && own.length > 1 && this.chance(this.shape.preferred) ? this.below(own.length) : -1;
        packages.push(...own.map((item, at) => ({ ...item, ...(at === there ? { installed: true as const } : {}), ...(at === first ? { preferred: true as const } : {}) })));
      }
    }
    const names = [...new Set(packages.filter((item) => item.arch === this.shape.architectures[0]).map((item) => item.name))];
    const wanted = [...new Set(Array.from({ length: 1 + this.below(3) }, () => this.pick(names)))];
    return { packages, wanted, recommends: this.chance(0.5) };
  }
}

export function randomUniverse(seed: number, shape: Shape): RandomUniverse {
  return new Maker(seed, shape).make();
}

/** As a Packages index. */
export function packagesText({ packages }: RandomUniverse): string {
  return packages.map(({ name, version, arch, fields }) =>
    [`Package: ${name}`, `Version: ${version}`, `Architecture: ${arch}`, ...Object.entries(fields).map(([field, value]) => `${field}: ${value}`)].join('\n')).join('\n\n') + '\n';
}
