// What the indexes of a target offer, as numbers: packages, versions, relations. Debian Policy 4.7, chapters 5 and 7.
import { crc32 } from 'node:zlib';
import { BundleError } from '../../bom/errors.ts';
import { scanStanzas } from '../../formats/deb/deb822.ts';
import { parseRelations } from '../../formats/deb/relation.ts';
import { compareVersions } from '../../formats/deb/version.ts';
import { Mentions } from './mentions.ts';
import type { NameTable } from './name-table.ts';
import { contentOf, eachName, flagged, kept, keptSlots, type MultiArch, noPriority, packFlags, type RelationField, relationFields, slotCount, slotOf, slots } from './stanza-fields.ts';
import type { DependencyGroup, IndexFacts, IndexInput, KeptBytes, Provider } from './universe-input.ts';
import { emptyTables, type UniverseTables } from './universe-tables.ts';

export type { RelationField } from './stanza-fields.ts';
export type { Dependency, DependencyGroup, IndexFacts, IndexInput, Provider } from './universe-input.ts';

/**
 * Versions and packages are numbers. A package is a name in one architecture; `all` counts as the native one. Stanzas are read where they lie:
 * offsets are kept, texts are made when they are asked for.
 */
export class Universe {
  readonly architectures: readonly string[];
  readonly tables: UniverseTables;
  private readonly inputs: IndexInput[] = [];
  /** By version the further indexes that have it. */
  private readonly repeats = new Map<number, number[]>();
  private readonly relations = new Map<number, readonly DependencyGroup[]>();
  private readonly providers = new Map<number, readonly Provider[]>();
  private readonly versionTexts = new Map<number, string>();
  private readonly sorted = new Map<number, readonly number[]>();
  private readonly archCodes: readonly Buffer[];
  /** By version what tells its build apart; only of versions that this object read itself. */
  private readonly contents: (number | undefined)[] = [];
  private readonly mentions: Mentions;

  /** The first architecture is the native one. With `built`, what was built before for the same architectures, and its indexes in order. */
  constructor(architectures: readonly string[], built?: { readonly tables: UniverseTables; readonly inputs: readonly IndexInput[] }) {
    this.architectures = architectures;
    this.archCodes = [...architectures, 'all'].map((arch) => Buffer.from(arch));
    this.tables = built?.tables ?? emptyTables();
    this.inputs.push(...built?.inputs ?? []);
    this.mentions = new Mentions(architectures, this.tables);
    const { repeats } = this.tables;
    for (let at = 0; at < repeats.length; at += 2) this.addRepeat(repeats.get(at), repeats.get(at + 1));
  }

  get names(): NameTable { return this.tables.names; }
  get versionCount(): number { return this.tables.owners.length; }

  /** Reads one index. Stanzas of other architectures are mentioned in the order of names, but offer nothing. Throws `INTEGRITY_METADATA` for malformed text. */
  add(input: IndexFacts & { readonly bytes: Buffer }): void {
    this.begin(input)(input.bytes);
  }

  /** Begins an index that comes in pieces of whole stanzas: each is handed to the function given back, in order, and not kept. */
  begin(input: IndexInput): (piece: Buffer) => void {
    const index = this.inputs.push(input) - 1;
    const current = new Int32Array(slotCount * 2).fill(-1);
    let base = 0;
    this.sorted.clear();
    this.providers.clear();
    this.relations.clear();
    return (bytes) => {
      scanStanzas(bytes, {
        field: (start, nameEnd, valueStart, valueEnd) => {
          const slot = slotOf(bytes, start, nameEnd);
          if (slot < 0) return;
          current[slot * 2] = valueStart;
          current[slot * 2 + 1] = valueEnd;
        },
        stanza: (start, end) => {
          const version = this.addStanza(bytes, index, current);
          if (version >= 0) this.place(version, bytes.subarray(start, end), base + start);
          current.fill(-1);
        },
      }, { subject: input.subject });
      base += bytes.length;
    };
  }

  /** From now on the stanzas of an index are read where they are kept. */
  readFrom(index: number, kept: Omit<KeptBytes, 'bytes'>): void {
    const { subject, priority, release } = this.inputAt(index);
    this.inputs[index] = { subject, priority, ...(release === undefined ? {} : { release }), ...kept };
  }

  /** The number of the version, or -1 when it is none or known already. */
  private addStanza(bytes: Buffer, index: number, current: Int32Array): number {
    const at = (slot: number): number => current[slot * 2] as number;
    const endOf = (slot: number): number => current[slot * 2 + 1] as number;
    if (at(slots.package) < 0 || at(slots.version) < 0) return -1;
    const { names, offsets, texts, owners, indexes, flags, previousVersion, lastVersion } = this.tables;
    const name = names.intern(bytes, at(slots.package), endOf(slots.package));
    const arch = this.archIndex(bytes, at(slots.architecture), endOf(slots.architecture));
    const isAll = arch === this.architectures.length;
    const own = isAll ? 0 : arch;
    this.mentions.mention(name, own);
    for (let slot: number = slots.relations; slot < slotCount; slot += 1) {
      if (at(slot) >= 0) eachName(bytes, at(slot), endOf(slot), (from, to, whole) => {
        if (to === whole) this.mentions.inRelation(names.intern(bytes, from, to), slot, own);
        else this.mentions.qualified(bytes, { from, to, whole }, own);
      });
    }
    const owner = arch < 0 ? -1 : this.packageOf(name, own);
    const content = this.inputAt(index).namesOnly === true || owner < 0 ? undefined : contentOf(bytes, at, endOf);
    const repeats = owner >= 0 && lastVersion.get(owner) >= 0 && this.isKnown(owner, index, { text: bytes.toString('latin1', at(slots.version), endOf(slots.version)), content });
    const version = owner < 0 || repeats ? -1 : this.versionCount;
    if (version >= 0) this.contents[version] = content;
    if (version >= 0 && this.architectures.length > 1) this.tables.mentionedAt.set(version, this.mentions.count);
    if (at(slots.provides) >= 0) {
      eachName(bytes, at(slots.provides), endOf(slots.provides), (from, to) => {
        const provided = names.intern(bytes, from, to);
        this.mentions.provided(provided, own, bytes, at);
        this.link(provided, version);
      });
    }
    if (version < 0) return -1;
    for (let slot = 0; slot < keptSlots.length; slot += 1) {
      const from = keptSlots[slot] as number;
      offsets.set(version * keptSlots.length + slot, texts.length);
      if (at(from) >= 0) texts.add(bytes, at(from), endOf(from));
    }
    offsets.set((version + 1) * keptSlots.length, texts.length);
    owners.set(version, owner);
    indexes.set(version, index);
    flags.set(version, packFlags(bytes, at, isAll));
    previousVersion.set(version, lastVersion.get(owner));
    lastVersion.set(owner, version);
    return version;
  }

  /** apt's number of a package: the higher, the later it was first mentioned; -1 for one that never was. */
  idOf(pkg: number): number { return this.mentions.idOf(pkg); }

  /** Whether the package was first mentioned only after the relations of the version were read. */
  isLater(pkg: number, version: number): boolean { return this.architectures.length > 1 && this.idOf(pkg) >= this.tables.mentionedAt.get(version); }

  private place(version: number, stanza: Buffer, at: number): void {
    this.tables.bounds.set(version * 2, at);
    this.tables.bounds.set(version * 2 + 1, at + stanza.length);
    this.tables.checks.set(version, crc32(stanza) | 0);
  }

  private link(name: number, version: number): void {
    if (version < 0) return;
    const { lastProvider, providerLinks } = this.tables;
    const count = providerLinks.length / 2;
    providerLinks.set(count * 2, version);
    providerLinks.set(count * 2 + 1, lastProvider.get(name));
    lastProvider.set(name, count);
  }

  /** Number of the architecture; one more than the last for `all` or none, -1 for another. */
  private archIndex(bytes: Buffer, start: number, end: number): number {
    if (start < 0) return this.architectures.length;
    return this.archCodes.findIndex((codes) => codes.length === end - start && codes.every((code, at) => bytes[start + at] === code));
  }

  /** Several builds of one version are several versions, as with apt. */
  private isKnown(owner: number, index: number, { text, content }: { readonly text: string; readonly content: number | undefined }): boolean {
    const same = this.versionsInOrder(owner).filter((version) => this.versionText(version) === text);
    const known = content === undefined ? same.at(-1) : same.find((version) => (this.contents[version] ?? content) === content);
    if (known === undefined) return false;
    const { repeats } = this.tables;
    repeats.set(repeats.length, known);
    repeats.set(repeats.length, index);
    this.addRepeat(known, index);
    return true;
  }

  private addRepeat(version: number, index: number): void { this.repeats.set(version, [...(this.repeats.get(version) ?? []), index]); }

  packageOf(name: number, arch: number): number { return name * this.architectures.length + arch; }
  nameOf(pkg: number): number { return Math.floor(pkg / this.architectures.length); }
  archOf(pkg: number): number { return pkg % this.architectures.length; }
  /** Name as people write it: with `:arch` unless native. */
  label(pkg: number): string { return `${this.names.nameOf(this.nameOf(pkg))}${this.archOf(pkg) === 0 ? '' : `:${this.architectures[this.archOf(pkg)]}`}`; }

  /** Read last first. */
  private versionsInOrder(pkg: number): number[] {
    const result: number[] = [];
    for (let version = this.tables.lastVersion.get(pkg); version >= 0; version = this.tables.previousVersion.get(version)) result.push(version);
    return result;
  }

  /** Newest first. */
  versionsOf(pkg: number): readonly number[] {
    let known = this.sorted.get(pkg);
    if (known === undefined) {
      known = this.versionsInOrder(pkg).sort((a, b) => compareVersions(this.versionText(b), this.versionText(a)) || a - b);
      this.sorted.set(pkg, known);
    }
    return known;
  }

  ownerOf(version: number): number { return this.tables.owners.get(version); }
  versionText(version: number): string {
    let text = this.versionTexts.get(version);
    if (text === undefined) {
      text = this.text(version, kept.version);
      this.versionTexts.set(version, text);
    }
    return text;
  }

  /** The architecture as the index says it; `all` stays `all`. */
  archText(version: number): string { return flagged.all(this.tables.flags.get(version)) ? 'all' : this.architectures[this.archOf(this.ownerOf(version))] ?? ''; }
  /** Of the package: any of its versions says so. */
  isEssential(pkg: number): boolean { return this.versionsOf(pkg).some((version) => flagged.essential(this.tables.flags.get(version))); }
  /** By its field; and apt itself, which apt treats so whatever its stanza says. */
  isImportant(pkg: number): boolean { return (this.nameOf(pkg) === this.names.find('apt') && this.versionsOf(pkg).length > 0) || this.versionsOf(pkg).some((version) => flagged.important(this.tables.flags.get(version))); }
  /** In apt's order of options: a version without the field comes first. */
  priorityRankOf(version: number): number { return this.priorityOf(version) === noPriority ? -1 : this.priorityOf(version); }
  /** 0 required … 4 extra, 5 unknown, 6 none. */
  priorityOf(version: number): number { return flagged.priority(this.tables.flags.get(version)); }
  multiArchOf(version: number): MultiArch { return flagged.multiArch(this.tables.flags.get(version)); }
  /** The best of the indexes that have it, without preferences. */
  pinOf(version: number): number { return Math.max(...this.indexesOf(version).map((index) => this.inputAt(index).priority)); }
  input(version: number): IndexInput { return this.inputAt(this.indexOf(version)); }
  inputAt(index: number): IndexInput { return this.inputs[index] as IndexInput; }
  /** Every index that has the version; its file is that of the first. */
  indexesOf(version: number): readonly number[] { return [this.indexOf(version), ...(this.repeats.get(version) ?? [])]; }
  indexOf(version: number): number { return this.tables.indexes.get(version); }

  /** The stanza as upstream wrote it. Throws `INTEGRITY_METADATA` when where it is kept gives other bytes than were read from the index. */
  stanzaOf(version: number): string {
    const input = this.input(version);
    const [start, end] = [this.tables.bounds.get(version * 2), this.tables.bounds.get(version * 2 + 1)];
    const bytes = input.bytes === undefined ? input.read(start, end) : input.bytes.subarray(start, end);
    if ((crc32(bytes) | 0) !== this.tables.checks.get(version)) {
      if (input.bytes === undefined) input.forget?.();
      throw new BundleError('INTEGRITY_METADATA', { subject: `${input.subject} at byte ${start}`, expected: 'the stanza that was read before', actual: 'other bytes', next: 'Run the command again: what was kept of this index is forgotten.' });
    }
    return bytes.toString('utf8');
  }

  private text(version: number, slot: number): string {
    const at = version * keptSlots.length + slot;
    return this.tables.texts.text(this.tables.offsets.get(at), this.tables.offsets.get(at + 1));
  }

  /** Name of the source package. */
  sourceOf(version: number): string { return this.sourceVersionOf(version).split(' ')[0] ?? ''; }

  /** Name and version of the source package, with a blank between them. */
  sourceVersionOf(version: number): string {
    const [, name, own] = /^source:[ \t]*(\S+)(?:[ \t]+\(([^)\s]+)\))?/im.exec(this.stanzaOf(version)) ?? [];
    return `${name ?? this.names.nameOf(this.nameOf(this.ownerOf(version)))} ${own ?? this.versionText(version)}`;
  }

  /** The groups of one field in order. An alternative that cannot be read is left out; a group of nothing but such is empty and never met. */
  relationsOf(version: number, field: RelationField): readonly DependencyGroup[] {
    const slot = kept.relations + relationFields.indexOf(field);
    const key = version * keptSlots.length + slot;
    let groups = this.relations.get(key);
    if (groups === undefined) {
      groups = parseRelations(this.text(version, slot)).map((group) => group.flatMap((relation) =>
        (relation === undefined ? [] : [{ ...relation, name: this.nameMeant(relation) }])));
      this.relations.set(key, groups);
    }
    return groups;
  }

  /** What only `name:architecture` mentions has that for a name, and is no package. */
  private nameMeant({ name, arch }: { readonly name: string; readonly arch?: string }): number {
    const id = this.names.find(name);
    return id < 0 && arch !== undefined ? this.names.find(`${name}:${arch}`) : id;
  }

  /** Names that the version provides, in order. */
  providedBy(version: number): number[] {
    return parseRelations(this.text(version, kept.provides)).flatMap((group) => (group[0] === undefined ? [] : [this.names.find(group[0].name)]));
  }

  /** Versions that provide the name, in order of reading, with the version they give it. */
  providersOf(name: number): readonly Provider[] {
    let known = this.providers.get(name);
    const { lastProvider, providerLinks } = this.tables;
    if (known === undefined) {
      const versions: number[] = [];
      for (let link = lastProvider.get(name); link >= 0; link = providerLinks.get(link * 2 + 1)) versions.unshift(providerLinks.get(link * 2));
      known = [...new Set(versions)].flatMap((version) => this.readProvides(version, this.names.nameOf(name)));
      this.providers.set(name, known);
    }
    return known;
  }

  private readProvides(version: number, name: string): Provider[] {
    return parseRelations(this.text(version, kept.provides)).flatMap((group) => {
      const [relation] = group;
      if (relation === undefined || group.length !== 1 || relation.name !== name) return [];
      return [{ version, ...(relation.version === undefined || relation.operator !== '=' ? {} : { provided: relation.version }) }];
    });
  }
}
