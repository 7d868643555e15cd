// Package sets of every kind, made by a seed from what an index offers: by section, virtual names, versions, releases, globs, architectures.
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
  return [...maker.sections(Math.ceil(count / 4)), ...maker.named(count), ...maker.virtual(count), ...maker.versions(count), ...maker.releases(count), ...maker.foreign(count * 2)];
}
