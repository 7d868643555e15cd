/** Small rpm universes from a seed: every kind of relation, rich ones, paths, twins, several versions and repositories. */
import { randomFrom } from '../random-universe.ts';
import type { OracleDocument, OracleJob, OraclePackage } from './oracle.ts';

export interface RpmShape {
  /** 0 to 1: share of packages with Conflicts. */
  readonly conflicts: number;
  readonly obsoletes: number;
  readonly rich: number;
  readonly architectures: readonly string[];
  readonly repositories: number;
  readonly twins: boolean;
}

const operators = ['<', '<=', '=', '>=', '>', '>=', '>='];

class Maker {
  private readonly random: () => number;
  private readonly count: number;
  private readonly shape: RpmShape;

  constructor(seed: number, shape: RpmShape) {
    this.random = randomFrom(seed);
    this.shape = shape;
    this.count = 6 + this.below(16);
  }

  private below(limit: number): number { return Math.floor(this.random() * limit); }
  private chance(share: number): boolean { return this.random() < share; }
  private pick<T>(items: readonly T[]): T { return items[this.below(items.length)] as T; }

  private plain(): string {
    const name = this.chance(0.2) ? `v${this.below(4)}` : this.chance(0.01) ? `x${this.below(3)}` : this.chance(0.08) ? `/usr/bin/f${this.below(3)}` : `p${this.below(this.count)}`;
    return !name.startsWith('/') && this.chance(0.12) ? `${name} ${this.pick(operators)} ${1 + this.below(3)}${this.chance(0.4) ? '-1' : ''}` : name;
  }

  private relation(depth = 0): string {
    if (depth > 2 || !this.chance(this.shape.rich)) return this.plain();
    const part = (): string => this.relation(depth + 1);
    switch (this.below(8)) {
      case 0: return `(${part()} and ${part()})`;
      case 1: case 2: return `(${part()} or ${part()})`;
      case 3: return `(${part()} if ${part()})`;
      case 4: return `(${part()} if ${part()} else ${part()})`;
      case 5: return `(${part()} unless ${part()})`;
      case 6: return `(${this.plain()} with ${this.plain()})`;
      default: return `(${this.plain()} without ${this.plain()})`;
    }
  }

  private some(share: number, most: number, make: () => string): string[] {
    return this.chance(share) ? Array.from({ length: 1 + this.below(most) }, make) : [];
  }

  private deps(): Record<string, readonly string[]> {
    const provided = (): string => {
      const name = this.chance(0.85) ? `v${this.below(4)}` : `p${this.below(this.count)}`;
      return this.chance(0.5) ? `${name} = ${1 + this.below(3)}${this.chance(0.3) ? '-1' : ''}` : name;
    };
    const deps: Record<string, string[]> = {
      provides: this.some(0.45, 2, provided),
      requires: this.some(0.7, 3, () => this.relation()),
      conflicts: this.some(this.shape.conflicts, 2, () => this.relation(1)),
      obsoletes: this.some(this.shape.obsoletes, 1, () => { const name = `p${this.below(this.count)}`; return this.chance(0.5) ? `${name} < ${1 + this.below(3)}` : name; }),
      recommends: this.some(0.3, 2, () => this.relation()),
      suggests: this.some(0.2, 2, () => this.relation()),
      supplements: this.some(0.12, 1, () => this.relation()),
      enhances: this.some(0.1, 1, () => this.relation()),
    };
    return Object.fromEntries(Object.entries(deps).filter(([, texts]) => texts.length > 0));
  }

  make(): OracleDocument {
    const packages: OraclePackage[] = [];
    for (let r = 0; r < this.shape.repositories; r += 1) {
      for (let index = 0; index < this.count; index += 1) {
        for (const a of this.shape.architectures) {
          if ((this.shape.architectures.length > 1 || r > 0) && this.chance(0.4)) continue;
          const versions = this.chance(0.25) ? [1, 2] : [1 + this.below(3)];
          for (const version of versions) {
            packages.push({ n: `p${index}`, e: `${version}-${1 + this.below(2)}`, a: a === 'mixed' ? this.pick(['x86_64', 'noarch']) : a, r, deps: this.deps(), files: this.some(0.25, 1, () => `/usr/bin/f${this.below(3)}`) });
          }
        }
      }
    }
    const jobs: OracleJob[] = [];
    for (let turn = 0; turn < 2; turn += 1) {
      const wanted = Array.from({ length: 1 + this.below(3) }, () => this.pick(packages).n);
      const install = [...new Set(wanted)].map((name) => packages.flatMap(({ n }, index) => (n === name ? [index] : []))).map((all) => (this.chance(0.2) ? [this.pick(all)] : all));
      jobs.push({ install, weak: this.chance(0.6), best: this.chance(0.4) });
    }
    const priority = this.chance(0.3);
    return {
      arch: 'x86_64', twins: this.shape.twins, packages, jobs,
      repositories: Array.from({ length: this.shape.repositories }, () => ({ priority: priority ? 10 + this.below(3) : 99, cost: this.chance(0.2) ? 900 : 1000 })),
    };
  }
}

export function randomRpms(seed: number, shape: RpmShape): OracleDocument {
  return new Maker(seed, shape).make();
}
