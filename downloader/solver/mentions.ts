// The order in which packages come up while indexes are read, by which apt numbers them. Found by asking apt 2.6: test/differential/README.md.
import { relationFields, saysForeign, slots } from './stanza-fields.ts';
import type { UniverseTables } from './universe-tables.ts';

/** Bounds of a name in a relation, and where its `:architecture` ends. */
export interface NameBounds { readonly from: number; readonly to: number; readonly whole: number }

const isNegative = relationFields.map((field) => field === 'Conflicts' || field === 'Breaks' || field === 'Replaces');

export class Mentions {
  private readonly architectures: readonly string[];
  private readonly tables: UniverseTables;
  /** More than any number given before. */
  count: number;

  constructor(architectures: readonly string[], tables: UniverseTables) {
    this.architectures = architectures;
    this.tables = tables;
    this.count = tables.mentions.length;
  }

  /** With one architecture that is the order of names; `arch` is -1 for one that is none of the target's. */
  mention(name: number, arch: number): void {
    const { mentions } = this.tables;
    const pkg = name * this.architectures.length + arch;
    if (this.architectures.length === 1 || arch < 0 || mentions.get(pkg) >= 0) return;
    mentions.set(pkg, this.count);
    this.count += 1;
  }

  /** What speaks of every architecture numbers a package only where none of that name has a number. */
  private mentionAny(name: number, arch: number): void {
    for (let each = 0; each < this.architectures.length; each += 1) if (this.tables.mentions.get(name * this.architectures.length + each) >= 0) return;
    this.mention(name, arch);
  }

  /** A plain name in the relation field of a stanza of architecture `own`. */
  inRelation(name: number, slot: number, own: number): void {
    if (this.architectures.length === 1) return;
    if (isNegative[slot - slots.relations] === true) this.mentionAny(name, own);
    else this.mention(name, own);
  }

  /** A name with `:any` or an architecture: the whole is a name of its own to apt; of these only an architecture of the target's mentions the package, too. */
  qualified(bytes: Buffer, { from, to, whole }: NameBounds, own: number): void {
    const { names } = this.tables;
    const suffix = bytes.toString('latin1', to + 1, whole);
    const arch = suffix === 'native' ? 0 : this.architectures.indexOf(suffix);
    if (suffix !== 'native') this.mention(names.intern(bytes, from, whole), Math.min(own, 0));
    if (arch >= 0) this.mention(names.intern(bytes, from, to), own < 0 ? -1 : arch);
  }

  /** A name that a stanza of architecture `own` provides; `at` says where the stanza's fields begin. */
  provided(name: number, own: number, bytes: Buffer, at: (slot: number) => number): void {
    if (own >= 0 && saysForeign(bytes, at)) this.mentionAny(name, 0);
    else this.mention(name, own);
  }

  /** The higher, the later the package was first mentioned by a stanza of its architecture; -1 for one that never was. */
  idOf(pkg: number): number { return this.architectures.length === 1 ? pkg : this.tables.mentions.get(pkg); }
}
