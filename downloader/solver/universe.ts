// What the indexes of a target offer, as numbers: packages, versions, relations. Debian Policy 4.7, chapters 5 and 7.
import { scanStanzas } from '../../formats/deb/deb822.ts';
import { parseRelations } from '../../formats/deb/relation.ts';
import { compareVersions, type VersionOperator } from '../../formats/deb/version.ts';
import { grown, NameTable } from './name-table.ts';
import { eachName, flagged, type MultiArch, packFlags, type RelationField, relationFields, slotCount, slotOf, slots } from './stanza-fields.ts';

export type { RelationField } from './stanza-fields.ts';

/** One Packages index, decoded. Order matters: numbers are handed out by first mention, and the first of equal versions gives the file. */
export interface IndexInput {
  /** Kept and read lazily: must not change. */
  readonly bytes: Buffer;
  readonly subject: string;
  /** apt's pin of everything in it: 500, 100 (NotAutomatic with ButAutomaticUpgrades), 1 (NotAutomatic), or a preference. */
  readonly priority: number;
  /** What `name/suite` compares with. */
  readonly suites?: readonly string[];
}

/** One alternative, with its name as a number. `arch` as written: `any`, or an architecture. */
export interface Dependency {
  readonly name: number;
  readonly arch?: string;
  readonly operator?: VersionOperator;
  readonly version?: string;
}
export type DependencyGroup = readonly Dependency[];

export interface Provider { readonly version: number; readonly provided?: string }

/** A list of numbers that grows; reading beyond what was set gives -1. */
class Numbers {
  private items = new Int32Array(1 << 12).fill(-1);

  get(index: number): number { return this.items[index] ?? -1; }
  set(index: number, value: number): void {
    while (index >= this.items.length) {
      const { length } = this.items;
      this.items = grown(this.items);
      this.items.fill(-1, length);
    }
    this.items[index] = value;
  }
}

/**
 * Versions and packages are numbers. A package is a name in one architecture; `all` counts as the native one. Stanzas are read where they lie:
 * offsets are kept, texts are made when they are asked for.
 */
export class Universe {
  readonly names = new NameTable();
  readonly architectures: readonly string[];
  /** Versions in order of reading. */
  versionCount = 0;
  /** Offsets of the fields of each version, in pairs (start, end) by slot. */
  private readonly fields = new Numbers();
  private readonly owners = new Numbers();
  private readonly indexes = new Numbers();
  private readonly bounds = new Numbers();
  private readonly flags = new Numbers();
  /** By package its version read last; by version the one before it. */
  private readonly lastVersion = new Numbers();
  private readonly previousVersion = new Numbers();
  /** By name the last link of those who provide it; links are pairs (version, link before). */
  private readonly lastProvider = new Numbers();
  private readonly providerLinks = new Numbers();
  private providerCount = 0;
  private readonly inputs: IndexInput[] = [];
  private readonly relations = new Map<number, readonly DependencyGroup[]>();
  private readonly providers = new Map<number, readonly Provider[]>();
  private readonly versionTexts = new Map<number, string>();
  private readonly sorted = new Map<number, readonly number[]>();
  private readonly archCodes: readonly Buffer[];

  /** The first architecture is the native one. */
  constructor(architectures: readonly string[]) {
    this.architectures = architectures;
    this.archCodes = [...architectures, 'all'].map((arch) => Buffer.from(arch));
  }

  /** Reads one index. Stanzas of other architectures are mentioned in the order of names, but offer nothing. Throws `INTEGRITY_METADATA` for malformed text. */
  add(input: IndexInput): void {
    const { bytes } = input;
    const index = this.inputs.push(input) - 1;
    const current = new Int32Array(slotCount * 2).fill(-1);
    scanStanzas(bytes, {
      field: (start, nameEnd, valueStart, valueEnd) => {
        const slot = slotOf(bytes, start, nameEnd);
        if (slot < 0) return;
        current[slot * 2] = valueStart;
        current[slot * 2 + 1] = valueEnd;
      },
      stanza: (start, end) => {
        this.addStanza(bytes, index, current, start, end);
        current.fill(-1);
      },
    }, { subject: input.subject });
    this.sorted.clear();
    this.providers.clear();
    this.relations.clear();
  }

  private addStanza(bytes: Buffer, index: number, current: Int32Array, start: number, end: number): void {
    const at = (slot: number): number => current[slot * 2] as number;
    const endOf = (slot: number): number => current[slot * 2 + 1] as number;
    if (at(slots.package) < 0 || at(slots.version) < 0) return;
    const name = this.names.intern(bytes, at(slots.package), endOf(slots.package));
    for (let slot: number = slots.relations; slot < slotCount; slot += 1) {
      if (at(slot) >= 0) eachName(bytes, at(slot), endOf(slot), (from, to) => { this.names.intern(bytes, from, to); });
    }
    const arch = this.archIndex(bytes, at(slots.architecture), endOf(slots.architecture));
    const isAll = arch === this.architectures.length;
    const owner = arch < 0 ? -1 : this.packageOf(name, isAll ? 0 : arch);
    const version = owner < 0 || this.isKnown(owner, bytes, at(slots.version), endOf(slots.version)) ? -1 : this.versionCount;
    if (at(slots.provides) >= 0) {
      eachName(bytes, at(slots.provides), endOf(slots.provides), (from, to) => { this.link(this.names.intern(bytes, from, to), version); });
    }
    if (version < 0) return;
    this.versionCount += 1;
    for (let field = 0; field < current.length; field += 1) this.fields.set(version * slotCount * 2 + field, current[field] as number);
    this.owners.set(version, owner);
    this.indexes.set(version, index);
    this.bounds.set(version * 2, start);
    this.bounds.set(version * 2 + 1, end);
    this.flags.set(version, packFlags(bytes, at, isAll));
    this.previousVersion.set(version, this.lastVersion.get(owner));
    this.lastVersion.set(owner, version);
  }

  private link(name: number, version: number): void {
    if (version < 0) return;
    this.providerLinks.set(this.providerCount * 2, version);
    this.providerLinks.set(this.providerCount * 2 + 1, this.lastProvider.get(name));
    this.lastProvider.set(name, this.providerCount);
    this.providerCount += 1;
  }

  /** Number of the architecture; one more than the last for `all` or none, -1 for another. */
  private archIndex(bytes: Buffer, start: number, end: number): number {
    if (start < 0) return this.architectures.length;
    return this.archCodes.findIndex((codes) => codes.length === end - start && codes.every((code, at) => bytes[start + at] === code));
  }

  private isKnown(owner: number, bytes: Buffer, start: number, end: number): boolean {
    if (this.lastVersion.get(owner) < 0) return false;
    const text = bytes.toString('latin1', start, end);
    return this.versionsInOrder(owner).some((known) => this.versionText(known) === text);
  }

  packageOf(name: number, arch: number): number { return name * this.architectures.length + arch; }
  nameOf(pkg: number): number { return Math.floor(pkg / this.architectures.length); }
  archOf(pkg: number): number { return pkg % this.architectures.length; }
  /** Name as people write it: with `:arch` unless native. */
  label(pkg: number): string {
    const arch = this.archOf(pkg);
    return `${this.names.nameOf(this.nameOf(pkg))}${arch === 0 ? '' : `:${this.architectures[arch]}`}`;
  }

  /** Read last first. */
  private versionsInOrder(pkg: number): number[] {
    const result: number[] = [];
    for (let version = this.lastVersion.get(pkg); version >= 0; version = this.previousVersion.get(version)) result.push(version);
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

  ownerOf(version: number): number { return this.owners.get(version); }
  versionText(version: number): string {
    let text = this.versionTexts.get(version);
    if (text === undefined) {
      text = this.text(version, slots.version);
      this.versionTexts.set(version, text);
    }
    return text;
  }

  /** The architecture as the index says it; `all` stays `all`. */
  archText(version: number): string { return flagged.all(this.flags.get(version)) ? 'all' : this.architectures[this.archOf(this.ownerOf(version))] ?? ''; }
  /** Of the package: any of its versions says so. */
  isEssential(pkg: number): boolean { return this.versionsOf(pkg).some((version) => flagged.essential(this.flags.get(version))); }
  isImportant(pkg: number): boolean { return this.versionsOf(pkg).some((version) => flagged.important(this.flags.get(version))); }
  /** 0 required … 4 extra, 5 unknown. */
  priorityOf(version: number): number { return flagged.priority(this.flags.get(version)); }
  multiArchOf(version: number): MultiArch { return flagged.multiArch(this.flags.get(version)); }
  pinOf(version: number): number { return this.input(version).priority; }
  input(version: number): IndexInput { return this.inputs[this.indexOf(version)] as IndexInput; }
  indexOf(version: number): number { return this.indexes.get(version); }

  /** The stanza as upstream wrote it. */
  stanzaOf(version: number): string {
    return this.input(version).bytes.toString('utf8', this.bounds.get(version * 2), this.bounds.get(version * 2 + 1));
  }

  private text(version: number, slot: number): string {
    const at = (version * slotCount + slot) * 2;
    const start = this.fields.get(at);
    return start < 0 ? '' : this.input(version).bytes.toString('latin1', start, this.fields.get(at + 1));
  }

  /** The groups of one field in order. An alternative that cannot be read is left out; a group of nothing but such is empty and never met. */
  relationsOf(version: number, field: RelationField): readonly DependencyGroup[] {
    const slot = slots.relations + relationFields.indexOf(field);
    const key = version * slotCount + slot;
    let groups = this.relations.get(key);
    if (groups === undefined) {
      groups = parseRelations(this.text(version, slot)).map((group) => group.flatMap((relation) =>
        (relation === undefined ? [] : [{ ...relation, name: this.names.find(relation.name) }])));
      this.relations.set(key, groups);
    }
    return groups;
  }

  /** Names that the version provides, in order. */
  providedBy(version: number): number[] {
    return parseRelations(this.text(version, slots.provides)).flatMap((group) => (group[0] === undefined ? [] : [this.names.find(group[0].name)]));
  }

  /** Versions that provide the name, in order of reading, with the version they give it. */
  providersOf(name: number): readonly Provider[] {
    let known = this.providers.get(name);
    if (known === undefined) {
      const versions: number[] = [];
      for (let link = this.lastProvider.get(name); link >= 0; link = this.providerLinks.get(link * 2 + 1)) versions.unshift(this.providerLinks.get(link * 2));
      known = [...new Set(versions)].flatMap((version) => this.readProvides(version, this.names.nameOf(name)));
      this.providers.set(name, known);
    }
    return known;
  }

  private readProvides(version: number, name: string): Provider[] {
    return parseRelations(this.text(version, slots.provides)).flatMap((group) => {
      const [relation] = group;
      if (relation === undefined || group.length !== 1 || relation.name !== name) return [];
      return [{ version, ...(relation.version === undefined || relation.operator !== '=' ? {} : { provided: relation.version }) }];
    });
  }
}
