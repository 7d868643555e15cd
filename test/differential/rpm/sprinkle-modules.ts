/** Modules over a universe, by a fixed seed: streams with packages of their own, defaults, needs, contexts, profiles, names that are free again. */
import { type Evr, formatEvr } from '../../../formats/rpm/evr.ts';
import { randomFrom } from '../random-universe.ts';
import type { MadePackage } from './debian-universe.ts';
import type { DnfRequest } from './dnf.ts';

export interface Modular {
  readonly packages: readonly MadePackage[];
  /** modules.yaml. */
  readonly modules: string;
  /** What is asked of the streams: each with and without weak dependencies, best on and off. */
  readonly requests: readonly DnfRequest[];
}

interface Build { readonly stream: string; readonly version: number; readonly context: string; readonly members: readonly MadePackage[] }

const nevra = ({ name, evr, arch }: MadePackage): string => `${name}-${evr.epoch}:${evr.version}-${evr.release}.${arch}`;

/** The same package in another version; what it says of the other members' exact versions follows. With `isCompatible` it still provides the version that others require. */
function rebuilt(item: MadePackage, evrs: ReadonlyMap<string, Evr>, isCompatible: boolean): MadePackage {
  const own = evrs.get(item.name) ?? item.evr;
  const follow = (relations: MadePackage['deps']['requires']): MadePackage['deps']['requires'] => relations.map((relation) => {
    const evr = evrs.get(relation.name.replace(/^deb\((.*)\)$/, '$1'));
    return evr === undefined || relation.op !== '=' ? relation : { ...relation, evr };
  });
  return { ...item, evr: own, deps: { ...item.deps, provides: [...follow(item.deps.provides), ...(isCompatible ? item.deps.provides.filter(({ op }) => op === '=') : [])], requires: follow(item.deps.requires) } };
}

/** Where more packages than this stand on one, its stream not being the default would have most of the universe refused, by dnf as by ours. */
const mostUsers = 60;

/** By name or capability the packages that require it, rich relations included. */
function usersOf(packages: readonly MadePackage[]): ReadonlyMap<string, ReadonlySet<string>> {
  const users = new Map<string, Set<string>>();
  for (const { name: user, deps } of packages) {
    for (const { name } of deps.requires) {
      for (const part of name.startsWith('(') ? name.match(/[^\s()]+(?:\([^\s()]*\))*/g) ?? [] : [name]) {
        const plain = part.replace(/^deb\((.*)\)$/, '$1');
        users.set(plain, (users.get(plain) ?? new Set()).add(user));
      }
    }
  }
  return users;
}

/** How many packages stand on one, directly or not; counted up to `mostUsers`. */
function reach(users: ReadonlyMap<string, ReadonlySet<string>>, name: string): number {
  const found = new Set([name]);
  for (const each of found) {
    for (const user of users.get(each) ?? []) found.add(user);
    if (found.size > mostUsers) break;
  }
  return found.size - 1;
}

class Sprinkler {
  private readonly random: () => number;
  private readonly byName: ReadonlyMap<string, MadePackage>;
  /** Names that others require, and any name: what a module is made around. Nothing that much of the universe stands on. */
  private readonly needed: readonly MadePackage[];
  private readonly all: readonly MadePackage[];
  private readonly made: MadePackage[] = [];
  private readonly taken = new Set<string>();
  private readonly requests: DnfRequest[] = [];
  /** The default stream, or the one that default streams of other modules may need: defaults that contradict each other would have dnf refuse every request that names a module. */
  private readonly preferred = new Map<string, string>();

  private readonly arch: string;

  constructor(packages: readonly MadePackage[], seed: number, arch: string) {
    this.random = randomFrom(seed);
    this.arch = arch;
    const native = packages.filter((item) => item.arch === arch || item.arch === 'noarch');
    const users = usersOf(native);
    const reachOf = new Map(native.map(({ name }) => [name, reach(users, name)]));
    this.all = native.filter(({ name }) => (reachOf.get(name) ?? 0) < mostUsers);
    this.byName = new Map(this.all.map((item) => [item.name, item]));
    this.needed = this.all.filter(({ name }) => (reachOf.get(name) ?? 0) > 2);
  }

  private chance(share: number): boolean { return this.random() < share; }
  private pick<T>(items: readonly T[]): T { return items[Math.floor(this.random() * items.length)] as T; }

  /** A package and some of what it requires by name, but nothing that half of the universe stands on. */
  private members(): MadePackage[] {
    const first = this.pick(this.chance(0.6) && this.needed.length > 0 ? this.needed : this.all);
    const near = first.deps.requires.flatMap(({ name }) => this.byName.get(name) ?? []).filter((item) => this.needed.includes(item) && this.chance(0.4)).slice(0, 3);
    const found = [...new Set([first, ...near])].filter(({ name }) => !this.taken.has(name));
    for (const { name } of found) this.taken.add(name);
    return found;
  }

  /** The members of one build: stream 1 mostly has the universe's own versions, the others older or newer ones. */
  private build(members: readonly MadePackage[], stream: string, version: number): readonly MadePackage[] {
    if (stream === '1' && version === 1 && this.chance(0.6)) return members;
    const mark = this.chance(0.5) ? { version: `${stream}.${version}` } : {};
    const evrs = new Map(members.map(({ name, evr }) => [name, { ...evr, ...('version' in mark ? { version: `${evr.version}.${mark.version}` } : {}), release: `${version}.el9.${stream}` }]));
    const own = members.filter((_, index) => index === 0 || this.chance(0.85)).map((item) => rebuilt(item, evrs, this.chance(0.9)));
    this.made.push(...own);
    return own;
  }

  private builds(members: readonly MadePackage[]): Build[] {
    return (this.chance(0.7) ? ['1', '2'] : ['1', '2', '3']).flatMap((stream) =>
      (this.chance(0.2) ? [1, 2] : [1]).flatMap((version) => {
        const own = this.build(members, stream, version);
        return (this.chance(0.15) ? ['c0ffee00', 'deadbeef'] : ['c0ffee00']).map((context) => ({ stream, version, context, members: own }));
      }));
  }

  private document(name: string, { stream, version, context, members }: Build, others: readonly string[]): string {
    const other = this.pick(others);
    const isPreferred = this.preferred.get(name) === stream;
    const streams = isPreferred ? [`"${this.preferred.get(other) ?? '1'}"`, '"1", "2"', ''] : ['"1"', '"2"', '"1", "2"', '', '"-1"'];
    const needs = other !== name && this.chance(0.12) ? `\n      ${other}: [${this.pick(streams)}]` : '';
    const platform = isPreferred || this.chance(0.95) ? 'el9' : 'el8';
    const [first] = members;
    const free = this.chance(0.04) && first !== undefined ? `  demodularized:\n    rpms: [${first.name}]\n` : '';
    return `---\ndocument: modulemd\nversion: 2\ndata:\n  name: ${name}\n  stream: "${stream}"\n  version: ${version}\n  context: ${context}\n  arch: ${this.arch}\n  summary: s\n  description: d\n  license:\n    module: [MIT]\n`
      + `  dependencies:\n  - buildrequires:\n      platform: [el9]\n    requires:\n      platform: [${platform}]${needs}\n${free}  profiles:\n    common:\n      rpms: [${members.map((item) => item.name).join(', ')}]\n`
      + `    minimal:\n      rpms: [${first?.name ?? ''}]\n  artifacts:\n    rpms:\n${members.map((item) => `    - ${nevra(item)}\n`).join('')}...\n`;
  }

  private defaults(name: string): string {
    return `---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: ${name}\n  stream: "${this.preferred.get(name) ?? '1'}"\n  profiles:\n    "1": [${this.pick(['common', 'minimal'])}]\n    "2": [common]\n...\n`;
  }

  private ask(name: string, members: readonly MadePackage[]): void {
    const [first] = members;
    if (first === undefined) return;
    const user = this.all.find(({ deps }) => deps.requires.some((relation) => relation.name === first.name));
    const stream = this.pick(['1', '2']);
    const choices: readonly [Pick<DnfRequest, 'specs' | 'enable'>, ...Pick<DnfRequest, 'specs' | 'enable'>[]] = [
      { specs: [`@${name}:${stream}`] }, { specs: [`@${name}`] }, { specs: [`@${name}:${stream}/minimal`] }, { specs: [first.name], enable: [`${name}:${stream}`] },
      { specs: [user?.name ?? first.name], enable: [`${name}:${stream}`] }, { specs: [`@${name}:${stream}/common`, this.pick(this.all).name] }, { specs: members.map((item) => item.name) },
      { specs: [`${first.name}-${formatEvr(first.evr)}`] }, { specs: [user?.name ?? first.name] }, { specs: [`@${name}:1`, `@${name}:2`] }, { specs: [`@${name}:9`] },
    ];
    const chosen = choices[Math.floor(this.random() ** 2.2 * choices.length)] ?? choices[0];
    for (const weak of [true, false]) for (const best of [true, false]) this.requests.push({ ...chosen, weak, best });
  }

  make(packages: readonly MadePackage[], count: number): Modular {
    const names = Array.from({ length: count }, (_, index) => `mod${index}`);
    const documents: string[] = [];
    for (const name of names) this.preferred.set(name, this.pick(['1', '2']));
    for (const name of names) {
      const members = this.members();
      if (members.length === 0) continue;
      documents.push(...this.builds(members).map((build) => this.document(name, build, names)), ...(this.chance(0.85) ? [this.defaults(name)] : []));
      if (this.chance(0.7)) this.ask(name, members);
    }
    return { packages: [...new Map([...packages, ...this.made].map((item) => [nevra(item), item])).values()], modules: documents.join(''), requests: this.requests };
  }
}

/** `count` modules; the same for the same seed. */
export function sprinkleModules(packages: readonly MadePackage[], { seed, count, arch = 'x86_64' }: { readonly seed: number; readonly count: number; readonly arch?: string | undefined }): Modular {
  return new Sprinkler(packages, seed, arch).make(packages, count);
}
