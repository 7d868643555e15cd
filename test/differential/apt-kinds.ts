// Package sets of every kind, made by a seed from what an index offers: by section, across sections, virtual names, versions, releases, globs, architectures, removals, names by glob and expression.
import type { Universe } from '../../downloader/solver/universe.ts';
import { randomFrom } from './random-universe.ts';

export interface KindOfSet {
  readonly kind: string;
  /** As on apt-get's command line. */
  readonly specs: readonly string[];
}

const sectionOf = (universe: Universe, version: number): string => /^section:[ \t]*(?:[^\s/]+\/)?(\S+)/im.exec(universe.stanzaOf(version))?.[1] ?? 'none';

interface Named { readonly pkg: number; readonly version: number }

class KindMaker {
  private readonly universe: Universe;
  private readonly random: () => number;
  private readonly bySection: ReadonlyMap<string, Named[]>;

  constructor(universe: Universe, seed: number) {
    this.universe = universe;
    this.random = randomFrom(seed);
    const native = Array.from({ length: universe.versionCount }, (_, version) => ({ version, pkg: universe.ownerOf(version) })).filter(({ pkg, version }) => universe.archOf(pkg) === 0 && universe.versionsOf(pkg)[0] === version);
    this.bySection = Map.groupBy(native, ({ version }) => sectionOf(universe, version));
  }

  private pick<T>(items: readonly T[]): T { return items[Math.floor(this.random() * items.length)] as T; }
  private name(): string { return this.universe.label(this.pick(this.pick([...this.bySection.values()])).pkg); }

  sections(count: number): KindOfSet[] {
    return [...this.bySection].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([section, items]) =>
      Array.from({ length: count }, (_, index) => ({ kind: `section ${section}`, specs: Array.from({ length: index === 0 ? 1 : 3 }, () => this.universe.label(this.pick(items).pkg)) })));
  }

  private matching(kind: string, count: number, fits: (name: string, item: Named) => boolean): KindOfSet[] {
    const items = [...this.bySection.values()].flat().filter((item) => fits(this.universe.label(item.pkg), item));
    if (items.length === 0) return [];
    return Array.from({ length: count }, (_, index) => ({ kind, specs: Array.from({ length: 1 + (index % 3) }, () => this.universe.label(this.pick(items).pkg)) }));
  }

  named(count: number): KindOfSet[] {
    const { universe } = this;
    return [
      ...this.matching('task', count, (name) => name.startsWith('task-')), ...this.matching('r-cran', count, (name) => name.startsWith('r-cran-')),
      ...this.matching('metapackage', count, (name) => /-(all|full|desktop|standard|meta|core)$/.test(name)), ...this.matching('debug', count, (name) => /-dbg(sym)?$/.test(name)),
      ...this.matching('kernel', count, (name) => /^linux-(image|headers)-/.test(name)), ...this.matching('daemon', count, (_, { version }) => /^(?:pre-)?depends:.*(?:init-system-helpers|lsb-base|sysvinit)/im.test(universe.stanzaOf(version))),
      ...this.matching('conflicts', count, (_, { version }) => universe.relationsOf(version, 'Conflicts').length > 1),
    ];
  }

  virtual(count: number): KindOfSet[] {
    const { universe } = this;
    const names = Array.from({ length: universe.names.size }, (_, name) => name).filter((name) => universe.versionsOf(universe.packageOf(name, 0)).length === 0 && universe.providersOf(name).length > 0);
    return Array.from({ length: count }, (_, index) => ({ kind: 'virtual', specs: [universe.names.nameOf(this.pick(names)), ...(index % 2 === 0 ? [] : [this.name()])] }));
  }

  /** Packages that stand in several versions, pinned to one of them; and globs. */
  versions(count: number): KindOfSet[] {
    const { universe } = this;
    const several = [...this.bySection.values()].flat().filter(({ pkg }) => universe.versionsOf(pkg).length > 1);
    if (several.length === 0) return [];
    return Array.from({ length: count }, (_, index) => {
      const { pkg } = this.pick(several);
      const version = universe.versionText(this.pick(universe.versionsOf(pkg)));
      const written = index % 3 === 0 ? version : index % 3 === 1 ? `${version.replace(/[^.:+-]+$/, '')}*` : `${version.slice(0, -1)}?`;
      return { kind: index % 3 === 0 ? 'version' : 'glob', specs: [`${universe.label(pkg)}=${written}`, ...(index % 2 === 0 ? [] : [this.name()])] };
    });
  }

  releases(count: number): KindOfSet[] {
    const { universe } = this;
    const several = [...this.bySection.values()].flat().filter(({ pkg }) => universe.versionsOf(pkg).length > 1);
    if (several.length === 0) return [];
    return Array.from({ length: count }, (_, index) => {
      const { pkg } = this.pick(several);
      const input = universe.input(this.pick(universe.versionsOf(pkg)));
      const release = (index % 2 === 0 ? input.release?.codename : input.release?.suite) ?? '';
      return { kind: 'release', specs: [`${universe.label(pkg)}/${release}`, ...(index % 3 === 0 ? [this.name()] : [])] };
    });
  }

  /** Three to six packages of as many sections. */
  mixed(count: number): KindOfSet[] {
    return Array.from({ length: count }, (_, index) => ({ kind: 'mixed', specs: Array.from({ length: 3 + (index % 4) }, () => this.name()) }));
  }

  private neededBy(version: number, field: 'Depends' | 'Recommends'): string | undefined {
    const groups = this.universe.relationsOf(version, field);
    const name = groups.length === 0 ? -1 : this.pick(this.pick(groups)).name;
    return name < 0 ? undefined : this.universe.names.nameOf(name);
  }

  /** `name-` of something that another package of the set needs or recommends, or of anything; `name+`. */
  signed(count: number): KindOfSet[] {
    const items = [...this.bySection.values()].flat().filter(({ version }) => this.universe.relationsOf(version, 'Depends').length > 0);
    return Array.from({ length: count }, (_, index) => {
      const item = this.pick(items);
      const other = this.neededBy(item.version, index % 2 === 0 ? 'Depends' : 'Recommends') ?? this.name();
      const [first, second] = [`${this.universe.label(item.pkg)}${index % 3 === 0 ? '+' : ''}`, `${other}-`];
      return { kind: 'signed', specs: index % 4 < 2 ? [first, second] : [second, first, this.name()] };
    });
  }

  /** Globs and expressions that match some names. */
  patterns(count: number): KindOfSet[] {
    const cut = (name: string): string => name.slice(0, Math.max(5, name.length - 2));
    return Array.from({ length: count }, (_, index) => {
      const name = this.name();
      const escaped = name.replace(/[.+]/g, '\\$&');
      const spec = [`${cut(name)}*`, `${name.slice(0, -1)}?`, `^${escaped}$`, `^${cut(escaped)}.*-dev$`, `${name.slice(0, -1)}[a-z0-9]`, `^(${escaped}|hello)$`][index % 6] ?? name;
      return { kind: 'pattern', specs: index % 2 === 0 ? [spec] : [spec, this.name()] };
    });
  }

  /** Version patterns of every form, over packages of one version as well. */
  versionPatterns(count: number): KindOfSet[] {
    const { universe } = this;
    const items = [...this.bySection.values()].flat();
    return Array.from({ length: count }, (_, index) => {
      const { pkg } = this.pick(items);
      const version = universe.versionText(this.pick(universe.versionsOf(pkg)));
      const patterns = [`${version.slice(0, 3)}*`, `*${version.slice(-3)}`, `${version.slice(0, 1)}*${version.slice(-1)}`, '*', version.slice(0, 3), `${version.toUpperCase()}*`];
      return { kind: 'version pattern', specs: [`${universe.label(pkg)}=${patterns[index % patterns.length]}`] };
    });
  }

  foreign(count: number): KindOfSet[] {
    const { universe } = this;
    if (universe.architectures.length < 2) return [];
    const items = Array.from({ length: universe.versionCount }, (_, version) => universe.ownerOf(version)).filter((pkg) => universe.archOf(pkg) === 1);
    return Array.from({ length: count }, (_, index) => ({ kind: 'foreign', specs: [universe.label(this.pick(items)), ...(index % 2 === 0 ? [] : [this.name()])] }));
  }
}

/** About `count` sets of each kind; three kinds for every two sections. */
export function kindsOfSets(universe: Universe, seed: number, count: number): KindOfSet[] {
  const maker = new KindMaker(universe, seed);
  return [...maker.sections(Math.ceil(count / 4)), ...maker.named(count), ...maker.virtual(count), ...maker.versions(count), ...maker.releases(count), ...maker.foreign(count * 2),
    ...maker.mixed(count), ...maker.signed(count), ...maker.patterns(count), ...maker.versionPatterns(count)];
}
