// The YAML that people write for lists of things (block mappings and lists, collections and scalars on one line), as yaml-tree.ts reads it, ten times
// faster. What is unusual in it is left to the YAML reader: this one never says what is wrong, and takes nothing that the other would not.
import { type JsonTree, type Place, type Tree } from './json-tree.ts';

/** Why a text is not read here. Never leaves this file. */
class Unusual extends Error {}

const first = String.raw`(?:[^ \n\-?:,[\]{}#&*!|>'"%@\x60]|-(?=[^ \n,[\]{}]))`;
const blockPlain = new RegExp(String.raw`${first}(?:[^ \n:]+|:(?=[^ \n])| +(?=[^ \n#]))*`, 'y');
const flowPlain = new RegExp(String.raw`${first}(?:[^ \n:,[\]{}]+|:(?=[^ \n,[\]{}])| +(?=[^ \n#:,[\]{}]))*`, 'y');
const quoted = /"([^"\\\n]*)"|'([^'\n]*)'(?!')/y;
const lineEnd = / *\n| +#[^\n]*\n/y;
const emptyLines = /(?: *(?:#[^\n]*)?\n)*/y;
const spaces = / */y;
const plainNull = /^(?:~|null|Null|NULL)$/;
const unusualText = /[^\n\x20-\x7e\xa0-\u2027\u202a-\ufefe\uff00-\uffff]/;
/** YAML allows 1,024 characters from the start of a key to its colon. */
const keyLimit = 1_000;

/**
 * The mapping that `text` is, with the offset of every value. undefined, when the YAML reader has to say what it makes of it: tabs, carriage returns,
 * several documents, anchors, tags, block scalars, escapes, anything over several lines that is no block, a value left out, a key twice, a key `<<`,
 * more values or depth than `limits`, and everything that is wrong.
 */
export function readSimpleYaml(text: string, limits: { readonly depth: number; readonly nodes: number }): JsonTree | undefined {
  if (unusualText.test(text) || !text.isWellFormed()) return undefined;
  try {
    return new Reader(text.endsWith('\n') ? text : `${text}\n`, limits).document();
  } catch (error) {
    if (error instanceof Unusual) return undefined;
    throw error;
  }
}

class Reader {
  private offset = 0;
  /** Of the content at `offset`, when a line was just begun; -1 at the end. */
  private column = 0;
  private nodes = 0;
  private readonly text: string;
  private readonly limits: { readonly depth: number; readonly nodes: number };

  constructor(text: string, limits: { readonly depth: number; readonly nodes: number }) {
    this.text = text;
    this.limits = limits;
  }

  document(): JsonTree {
    this.skip(emptyLines);
    if (this.text.startsWith('---\n', this.offset)) this.offset += 4;
    this.nextLine();
    if (this.column !== 0) throw new Unusual();
    const place: Place = { key: this.offset, value: this.offset };
    const tree = this.mapping(place, 0);
    if (this.offset !== this.text.length) throw new Unusual();
    return { tree, place };
  }

  /** From the end of a line to the next content. */
  private nextLine(): void {
    this.skip(emptyLines);
    const start = this.offset;
    this.skip(spaces);
    this.column = this.offset === this.text.length ? -1 : this.offset - start;
    if (this.column === 0 && (this.text.startsWith('---', start) || this.text.startsWith('...', start))) throw new Unusual();
  }

  private count(depth: number): void {
    this.nodes += 1;
    if (depth > this.limits.depth || this.nodes >= this.limits.nodes) throw new Unusual();
  }

  /** The keys at this line's column, from here on. */
  private mapping(place: Place, depth: number): Tree {
    this.count(depth);
    const { column } = this;
    const children = new Map<string | number, Place>();
    const entries: [string, Tree][] = [];
    place.children = children;
    while (this.column === column) {
      const child = this.key(blockPlain, children);
      const { name } = child;
      const value = this.skip(lineEnd) ? this.below(child, column, depth + 1) : this.inline(child, depth + 1);
      if (value !== undefined) entries.push([name, value]);
    }
    if (this.column > column) throw new Unusual();
    return Object.fromEntries(entries);
  }

  /** A key and its colon, entered in `children`. */
  private key(plain: RegExp, children: Map<string | number, Place>): Place & { readonly name: string } {
    const key = this.offset;
    const name = this.scalarText(plain);
    if (this.text[this.offset] !== ':' || this.offset - key > keyLimit || children.has(name) || name === '<<') throw new Unusual();
    this.offset += 1;
    if (this.text[this.offset] !== ' ' && this.text[this.offset] !== '\n') throw new Unusual();
    const child: Place & { readonly name: string } = { name, key, value: this.offset };
    children.set(name, child);
    return child;
  }

  /** The block below a key at `column`. */
  private below(place: Place, column: number, depth: number): Tree {
    this.nextLine();
    place.value = this.offset;
    const isList = this.isDash();
    if (this.column < column || (this.column === column && !isList)) throw new Unusual();
    return isList ? this.list(place, depth) : this.mapping(place, depth);
  }

  private isDash(): boolean {
    return this.text[this.offset] === '-' && this.text[this.offset + 1] === ' ';
  }

  private list(place: Place, depth: number): Tree {
    this.count(depth);
    const { column } = this;
    const children = new Map<string | number, Place>();
    const items: Tree[] = [];
    place.children = children;
    while (this.column === column && this.isDash()) {
      const dash = this.offset;
      this.offset += 1;
      this.skip(spaces);
      const child: Place = { key: this.offset, value: this.offset };
      children.set(items.length, child);
      items.push(this.item(child, column + this.offset - dash, depth + 1) ?? '');
    }
    if (this.column > column) throw new Unusual();
    return items;
  }

  /** What stands behind a dash, at `column`: a list, a mapping, or a value of one line. */
  private item(place: Place, column: number, depth: number): Tree | undefined {
    const start = this.offset;
    if (this.isDash()) {
      this.column = column;
      return this.list(place, depth);
    }
    if (!'[{'.includes(this.text[start] ?? '')) {
      this.scalarText(blockPlain);
      const isKey = this.text[this.offset] === ':';
      this.offset = start;
      if (isKey) {
        this.column = column;
        return this.mapping(place, depth);
      }
    }
    return this.inline(place, depth);
  }

  /** A value up to the end of its line. */
  private inline(place: Place, depth: number): Tree | undefined {
    this.skip(spaces);
    place.value = this.offset;
    const value = this.value(place, depth, blockPlain);
    if (!this.skip(lineEnd)) throw new Unusual();
    this.nextLine();
    return value;
  }

  /** undefined: null. */
  private value(place: Place, depth: number, plain: RegExp): Tree | undefined {
    const start = this.text[this.offset];
    if (start === '{') return this.flowMapping(place, depth);
    if (start === '[') return this.flowList(place, depth);
    this.count(depth);
    const text = this.scalarText(plain);
    return start !== '"' && start !== "'" && plainNull.test(text) ? undefined : text;
  }

  private flowMapping(place: Place, depth: number): Tree {
    this.count(depth);
    const children = new Map<string | number, Place>();
    const entries: [string, Tree][] = [];
    place.children = children;
    for (this.open(); this.text[this.offset] !== '}'; this.next('}')) {
      const child = this.key(flowPlain, children);
      this.skip(spaces);
      child.value = this.offset;
      const value = this.value(child, depth + 1, flowPlain);
      if (value !== undefined) entries.push([child.name, value]);
    }
    this.offset += 1;
    return Object.fromEntries(entries);
  }

  private flowList(place: Place, depth: number): Tree {
    this.count(depth);
    const children = new Map<string | number, Place>();
    const items: Tree[] = [];
    place.children = children;
    for (this.open(); this.text[this.offset] !== ']'; this.next(']')) {
      const child: Place = { key: this.offset, value: this.offset };
      children.set(items.length, child);
      items.push(this.value(child, depth + 1, flowPlain) ?? '');
    }
    this.offset += 1;
    return items;
  }

  private open(): void {
    this.offset += 1;
    this.skip(spaces);
  }

  /** Past a comma that something follows, or up to `end`. */
  private next(end: ']' | '}'): void {
    this.skip(spaces);
    if (this.text[this.offset] === end) return;
    if (this.text[this.offset] !== ',') throw new Unusual();
    this.open();
    if (this.text[this.offset] === end) throw new Unusual();
  }

  private scalarText(plain: RegExp): string {
    const start = this.text[this.offset];
    const pattern = start === '"' || start === "'" ? quoted : plain;
    pattern.lastIndex = this.offset;
    const found = pattern.exec(this.text);
    if (found === null) throw new Unusual();
    this.offset = pattern.lastIndex;
    const text = found[1] ?? found[2] ?? found[0];
    if (pattern === plain && text.endsWith(' ')) throw new Unusual();
    return text;
  }

  private skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.offset;
    if (!pattern.test(this.text)) return false;
    this.offset = pattern.lastIndex;
    return true;
  }
}
