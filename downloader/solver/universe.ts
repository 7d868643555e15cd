// What the indexes of a target offer, as numbers: packages, versions, relations. Debian Policy 4.7, chapters 5 and 7.
import { scanStanzas } from '../../formats/deb/deb822.ts';
import { parseRelations } from '../../formats/deb/relation.ts';
import { compareVersions, type VersionOperator } from '../../formats/deb/version.ts';
import { grown, NameTable } from './name-table.ts';

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

export const relationFields = ['Pre-Depends', 'Depends', 'Conflicts', 'Breaks', 'Recommends', 'Suggests', 'Replaces', 'Enhances'] as const;
export type RelationField = (typeof relationFields)[number];

/** One alternative, with its name as a number. `arch` as written: `any`, or an architecture. */
export interface Dependency {
  readonly name: number;
  readonly arch?: string;
  readonly operator?: VersionOperator;
  readonly version?: string;
}
export type DependencyGroup = readonly Dependency[];

export interface Provider { readonly version: number; readonly provided?: string }

export type MultiArch = 'no' | 'same' | 'foreign' | 'allowed';
const multiArchKinds: readonly MultiArch[] = ['no', 'same', 'foreign', 'allowed'];
const priorities = ['required', 'important', 'standard', 'optional', 'extra'];

const essentialFlag = 1;
const importantFlag = 2;

/** Fields that are read, by lower-case name. Others are skipped by length and first letter. */
const interesting = ['package', 'version', 'architecture', 'priority', 'essential', 'important', 'protected', 'multi-arch', 'provides',
  ...relationFields.map((field) => field.toLowerCase())];
const byLength: readonly (readonly { readonly name: string; readonly codes: readonly number[]; readonly index: number }[])[] = Array.from({ length: 16 }, (_, length) =>
  interesting.map((name, index) => ({ name, codes: [...Buffer.from(name)], index })).filter(({ name }) => name.length === length));
const providesField = interesting.indexOf('provides');
const firstRelation = providesField + 1;
const fieldSlots = interesting.length * 2;

function fieldIndex(bytes: Buffer, start: number, end: number): number {
  const candidates = byLength[end - start];
  if (candidates === undefined) return -1;
  search: for (const { codes, index } of candidates) {
    for (let at = 0; at < codes.length; at += 1) if (((bytes[start + at] as number) | 0x20) !== ((codes[at] as number) | 0x20)) continue search;
    return index;
  }
  return -1;
}

const isNameEnd = (code: number): boolean => code <= 32 || code === 40 || code === 44 || code === 124 || code === 58 || code === 91 || code === 60;

/** Versions and packages are numbers. A package is a name in one architecture; `all` counts as the native one. */
export class Universe {
  readonly names = new NameTable();
  readonly architectures: readonly string[];
  /** Versions in order of reading. */
  versionCount = 0;
  /** Offsets of the fields of each version, in pairs (start, end) by field. */
  private fields = new Int32Array(1 << 16);
  private owners = new Int32Array(1 << 12);
  private indexes = new Int32Array(1 << 12);
  private bounds = new Int32Array(1 << 13);
  private nextVersions = new Int32Array(1 << 12);
  private flags = new Int32Array(1 << 12);
  private firstVersion = new Map<number, number>();
  private readonly providers = new Map<number, Provider[]>();
  private readonly inputs: IndexInput[] = [];
  private readonly relations = new Map<number, readonly DependencyGroup[]>();
  private readonly versionTexts = new Map<number, string>();
  private readonly sorted = new Map<number, readonly number[]>();

  /** The first architecture is the native one. */
  constructor(architectures: readonly string[]) {
    this.architectures = architectures;
  }

  /** Reads one index. Stanzas of other architectures are mentioned in the order of names, but offer nothing. Throws `INTEGRITY_METADATA` for malformed text. */
  add(input: IndexInput): void {
    const { bytes } = input;
    const index = this.inputs.push(input) - 1;
    const current = new Int32Array(fieldSlots).fill(-1);
    scanStanzas(bytes, {
      field: (start, nameEnd, valueStart, valueEnd) => {
        const field = fieldIndex(bytes, start, nameEnd);
        if (field < 0) return;
        current[field * 2] = valueStart;
        current[field * 2 + 1] = valueEnd;
      },
      stanza: (start, end) => {
        this.addStanza(input, index, current, start, end);
        current.fill(-1);
      },
    }, { subject: input.subject });
    this.sorted.clear();
  }

  private addStanza({ bytes }: IndexInput, index: number, current: Int32Array, start: number, end: number): void {
    if ((current[0] as number) < 0 || (current[2] as number) < 0) return;
    const name = this.names.intern(bytes, current[0] as number, current[1] as number);
    for (let field = firstRelation; field < interesting.length; field += 1) this.mention(bytes, current[field * 2] as number, current[field * 2 + 1] as number);
    this.mention(bytes, current[providesField * 2] as number, current[providesField * 2 + 1] as number);
    const written = (current[4] as number) < 0 ? 'all' : bytes.toString('latin1', current[4], current[5]);
    const arch = written === 'all' ? 0 : this.architectures.indexOf(written);
    if (arch < 0) return;
    const owner = this.packageOf(name, arch);
    const text = bytes.toString('latin1', current[2], current[3]);
    if (this.versionsInOrder(owner).some((known) => this.versionText(known) === text)) return;
    const version = this.versionCount;
    this.grow(version);
    this.versionCount += 1;
    this.fields.set(current, version * fieldSlots);
    this.owners[version] = owner;
    this.indexes[version] = index;
    this.bounds[version * 2] = start;
    this.bounds[version * 2 + 1] = end;
    this.flags[version] = this.flagsOf(bytes, current) | (written === 'all' ? 256 : 0);
    this.nextVersions[version] = this.firstVersion.get(owner) ?? -1;
    this.firstVersion.set(owner, version);
    if ((current[providesField * 2] as number) >= 0) this.addProvides(version, bytes.toString('latin1', current[providesField * 2], current[providesField * 2 + 1]));
  }

  private grow(version: number): void {
    if (version * fieldSlots + fieldSlots > this.fields.length) this.fields = grown(this.fields);
    if (version < this.owners.length) return;
    this.owners = grown(this.owners);
    this.indexes = grown(this.indexes);
    this.bounds = grown(this.bounds);
    this.nextVersions = grown(this.nextVersions);
    this.flags = grown(this.flags);
  }

  private flagsOf(bytes: Buffer, current: Int32Array): number {
    const text = (field: number): string => ((current[field * 2] as number) < 0 ? '' : bytes.toString('latin1', current[field * 2], current[field * 2 + 1]).trim().toLowerCase());
    const priority = priorities.indexOf(text(3));
    const kind = Math.max(0, multiArchKinds.indexOf(text(7) as MultiArch));
    return (text(4) === 'yes' ? essentialFlag : 0) | (text(5) === 'yes' || text(6) === 'yes' ? importantFlag : 0)
      | ((priority < 0 ? 5 : priority) << 2) | (kind << 6);
  }

  /** Numbers every name in a relation field, in order. */
  private mention(bytes: Buffer, start: number, end: number): void {
    if (start < 0) return;
    let at = start;
    while (at < end) {
      while (at < end && ((bytes[at] as number) <= 32 || bytes[at] === 44 || bytes[at] === 124)) at += 1;
      const from = at;
      while (at < end && !isNameEnd(bytes[at] as number)) at += 1;
      if (at > from) this.names.intern(bytes, from, at);
      while (at < end && bytes[at] !== 44 && bytes[at] !== 124) at += 1;
    }
  }

  private addProvides(version: number, value: string): void {
    for (const group of parseRelations(value)) {
      const [relation] = group;
      if (relation === undefined || group.length !== 1) continue;
      const name = this.names.find(relation.name);
      const entry: Provider = { version, ...(relation.version === undefined || relation.operator !== '=' ? {} : { provided: relation.version }) };
      const known = this.providers.get(name);
      if (known === undefined) this.providers.set(name, [entry]);
      else known.push(entry);
    }
  }

  packageOf(name: number, arch: number): number { return name * this.architectures.length + arch; }
  nameOf(pkg: number): number { return Math.floor(pkg / this.architectures.length); }
  archOf(pkg: number): number { return pkg % this.architectures.length; }
  /** Name as people write it: with `:arch` unless native. */
  label(pkg: number): string {
    const arch = this.archOf(pkg);
    return `${this.names.nameOf(this.nameOf(pkg))}${arch === 0 ? '' : `:${this.architectures[arch]}`}`;
  }

  private versionsInOrder(pkg: number): number[] {
    const result: number[] = [];
    for (let version = this.firstVersion.get(pkg) ?? -1; version >= 0; version = this.nextVersions[version] as number) result.push(version);
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

  ownerOf(version: number): number { return this.owners[version] as number; }
  versionText(version: number): string {
    let text = this.versionTexts.get(version);
    if (text === undefined) {
      text = this.text(version, 1);
      this.versionTexts.set(version, text);
    }
    return text;
  }

  /** The architecture as the index says it; `all` stays `all`. */
  archText(version: number): string { return ((this.flags[version] as number) & 256) !== 0 ? 'all' : this.architectures[this.archOf(this.ownerOf(version))] ?? ''; }
  /** Of the package: any of its versions says so. */
  isEssential(pkg: number): boolean { return this.versionsOf(pkg).some((version) => ((this.flags[version] as number) & essentialFlag) !== 0); }
  isImportant(pkg: number): boolean { return this.versionsOf(pkg).some((version) => ((this.flags[version] as number) & importantFlag) !== 0); }
  /** 0 required … 4 extra, 5 unknown. */
  priorityOf(version: number): number { return ((this.flags[version] as number) >> 2) & 7; }
  multiArchOf(version: number): MultiArch { return multiArchKinds[((this.flags[version] as number) >> 6) & 3] ?? 'no'; }
  pinOf(version: number): number { return this.input(version).priority; }
  input(version: number): IndexInput { return this.inputs[this.indexes[version] as number] as IndexInput; }
  indexOf(version: number): number { return this.indexes[version] as number; }

  /** The stanza as upstream wrote it. */
  stanzaOf(version: number): string {
    return this.input(version).bytes.toString('utf8', this.bounds[version * 2], this.bounds[version * 2 + 1]);
  }

  private text(version: number, field: number): string {
    const at = version * fieldSlots + field * 2;
    const start = this.fields[at] as number;
    return start < 0 ? '' : this.input(version).bytes.toString('latin1', start, this.fields[at + 1]);
  }

  /** The groups of one field in order. An alternative that cannot be read is left out; a group of nothing but such is empty and never met. */
  relationsOf(version: number, field: RelationField): readonly DependencyGroup[] {
    const slot = firstRelation + relationFields.indexOf(field);
    const key = version * interesting.length + slot;
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
    return parseRelations(this.text(version, providesField)).flatMap((group) => (group[0] === undefined ? [] : [this.names.find(group[0].name)]));
  }

  /** Versions that provide the name, in order of reading, with the version they give it. */
  providersOf(name: number): readonly Provider[] { return this.providers.get(name) ?? []; }
}
