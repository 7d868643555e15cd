/** Sites from a seed: two or three repositories with the same packages in other versions and architectures, their settings as a .repo file says them, modules, something installed. */
import { randomFrom } from '../random-universe.ts';
import type { DnfRequest } from './dnf.ts';
import type { OraclePackage } from './oracle.ts';
import { randomRpms } from './random-rpms.ts';

export interface SiteRepository {
  readonly id: string;
  readonly packages: readonly OraclePackage[];
  /** modules.yaml. */
  readonly modules?: string;
  /** comps.xml. */
  readonly group?: string;
  /** Lines of its section beside its address. */
  readonly settings: readonly string[];
  readonly vendor: string;
}

export interface RandomSite {
  readonly repositories: readonly SiteRepository[];
  /** dnf.conf(5), "excludepkgs" of [main]. */
  readonly mainExcludes: readonly string[];
  readonly requests: readonly DnfRequest[];
  /** Packages of which a closure is installed; empty for an empty root. */
  readonly installed: readonly string[];
  /** Which of what is installed has left the repositories: every n-th. */
  readonly gone: number;
}

export interface SiteShape {
  readonly isInstalled: boolean;
  readonly isGone?: boolean;
  /** Ours is told no more of the machine than `rpm -qa` says; else what rpm's database says. */
  readonly isShort?: boolean;
}

const nevra = ({ n, e, a }: OraclePackage): string => `${n}-${e}.${a}`;
const withEpoch = ({ n, e, a }: OraclePackage): string => `${n}-0:${e}.${a}`;

class SiteMaker {
  private readonly random: () => number;
  private readonly packages: readonly OraclePackage[];
  private readonly count: number;

  constructor(seed: number) {
    this.random = randomFrom(seed ^ 0x5eed);
    this.count = this.chance(0.6) ? 2 : 3;
    const shape = { conflicts: 0.04, obsoletes: 0.08, rich: 0.05, architectures: ['mixed'], repositories: this.count, twins: true };
    const share = this.chance(0.4) ? 0.3 : 0;
    this.packages = randomRpms(seed, shape).packages.flatMap((item) => (item.a === 'x86_64' && this.chance(share) ? [item, { ...item, a: 'i686' }] : [item]));
  }

  below(limit: number): number { return Math.floor(this.random() * limit); }
  chance(share: number): boolean { return this.random() < share; }
  pick<T>(items: readonly T[]): T { return items[this.below(items.length)] as T; }

  /** What an exclude or an include may say; among them what names nothing. */
  private pattern(): string {
    const item = this.pick(this.packages);
    const [version = ''] = item.e.split('-');
    switch (this.below(12)) {
      case 0: case 1: return item.n;
      case 2: return `${item.n}.${item.a}`;
      case 3: return `${item.n}-${version}`;
      case 4: return `${item.n}-${item.e}`;
      case 5: return nevra(item);
      case 6: return withEpoch(item);
      case 7: return `${item.n}-${version}*`;
      case 8: return `${item.n.slice(0, 2)}*`;
      case 9: return '*.i686';
      case 10: return 'v1';
      default: return 'p[1-3]';
    }
  }

  private patterns(most: number): string { return Array.from({ length: 1 + this.below(most) }, () => this.pattern()).join(this.chance(0.5) ? ' ' : ', '); }

  private settings(index: number): string[] {
    const lines: string[] = [];
    if (this.chance(0.4)) lines.push(`priority=${this.pick([10, 20, 99])}`);
    if (this.chance(0.3)) lines.push(`cost=${this.pick([500, 1000, 2000])}`);
    if (this.chance(0.3)) lines.push(`${this.pick(['excludepkgs', 'exclude'])}=${this.patterns(3)}`);
    if (this.chance(0.12)) lines.push(`includepkgs=p*\n  ${this.patterns(2)}`.replace(this.chance(0.5) ? 'p*' : 'p1*', this.chance(0.5) ? 'p[0-5]' : 'p?'));
    if (this.chance(0.2)) lines.push('module_hotfixes=1');
    if (index > 0 && this.chance(0.08)) lines.push('enabled=0');
    return lines;
  }

  private stream(module: string, { stream, version, context }: { readonly stream: string; readonly version: number; readonly context: string }, own: readonly OraclePackage[]): string {
    const artifacts = [...new Set(Array.from({ length: 1 + this.below(3) }, () => this.pick(own)))];
    const other = this.pick(['m', 'n', 'o']);
    const needs = other !== module && this.chance(0.3) ? `\n      ${other}: [${this.pick(['"1"', '"2"', '', '"-1"'])}]` : '';
    const released = this.chance(0.02) ? `  demodularized:\n    rpms: [${this.pick(own).n}]\n` : '';
    return `---\ndocument: modulemd\nversion: 2\ndata:\n  name: ${module}\n  stream: "${stream}"\n  version: ${version}\n  context: ${context}\n  arch: x86_64\n  summary: s\n  description: d\n  license:\n    module: [MIT]\n`
      + `  dependencies:\n  - buildrequires:\n      platform: [el9]\n    requires:\n      platform: [${this.chance(0.95) ? 'el9' : 'el8'}]${needs}\n${released}  artifacts:\n    rpms:\n${artifacts.map((item) => `    - ${withEpoch(item)}\n`).join('')}...\n`;
  }

  /** Streams of one or two modules over packages of the repository, in one or two builds; mostly one of them is the default. */
  private modules(own: readonly OraclePackage[], r: number): string | undefined {
    if (own.length < 4 || !this.chance(0.35)) return undefined;
    const documents: string[] = [];
    for (const module of new Set([this.pick(['m', 'n', 'o']), this.pick(['m', 'n', 'o'])])) {
      for (const stream of ['1', '2']) {
        for (const context of this.chance(0.2) ? ['c0ffee00', 'deadbeef'] : ['c0ffee00']) {
          for (const version of this.chance(0.3) ? [r * 2 + 1, r * 2 + 2] : [r * 2 + 1 + this.below(2)]) documents.push(this.stream(module, { stream, version, context }, own));
        }
      }
      if (this.chance(0.7)) documents.push(`---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: ${module}\n${this.chance(0.3) ? `  modified: ${202001010000 + this.below(3)}\n` : ''}  stream: "${this.pick(['1', '2'])}"\n  profiles: {}\n...\n`);
    }
    return documents.join('');
  }

  private spec(): string {
    const item = this.pick(this.packages);
    const [version = ''] = item.e.split('-');
    switch (this.below(14)) {
      case 0: return `${item.n}.${item.a}`;
      case 1: return `${item.n}-${version}`;
      case 2: return `${item.n}-${item.e}`;
      case 3: return nevra(item);
      case 4: return this.pick(['v0', 'v1', 'v2 >= 2', `/usr/bin/f${this.below(3)}`]);
      case 5: return `${item.n.slice(0, 2)}?`;
      default: return item.n;
    }
  }

  make({ isInstalled, isGone = false }: SiteShape): RandomSite {
    const repositories = Array.from({ length: this.count }, (_, r): SiteRepository => {
      const packages = this.packages.filter((item) => item.r === r);
      const modules = this.modules(packages, r);
      return { id: `repo${this.pick(['a', 'm', 'z'])}${r}`, packages, settings: this.settings(r), vendor: this.pick(['One', 'Other']), ...(modules === undefined ? {} : { modules }) };
    });
    const requests = Array.from({ length: 3 }, (): DnfRequest => ({ specs: [...new Set(Array.from({ length: 1 + this.below(3) }, () => this.spec()))], weak: this.chance(0.5), best: this.chance(0.5) }));
    const installed = isInstalled ? [...new Set(Array.from({ length: 1 + this.below(3) }, () => this.pick(this.packages).n))] : [];
    return { repositories, requests, installed, gone: isGone ? 2 + this.below(2) : 0, mainExcludes: this.chance(0.15) ? [this.pattern()] : [] };
  }
}

export function randomSite(seed: number, shape: SiteShape): RandomSite {
  return new SiteMaker(seed).make(shape);
}
