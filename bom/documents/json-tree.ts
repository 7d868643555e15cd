// JSON (RFC 8259) as the tree of text that yaml-tree.ts makes of it, several times faster. What is unusual in it is left to the YAML reader.
/** A parsed document before any schema: text, lists, mappings. Entries whose value is null are left out. */
export type Tree = string | readonly Tree[] | { readonly [key: string]: Tree };

/** Where a value and its key stand: offsets in the text. An item of a list has the same for both. */
export interface Place { readonly key: number; value: number; children?: ReadonlyMap<string | number, Place> }

export interface JsonTree { readonly tree: Tree; readonly place: Place }

/** Why a text is not read here: no JSON object, a key twice, too deep, too many values. Never leaves this file. */
class Unusual extends Error {}

/**
 * The object that `text` is, with the offset of every value. undefined, when the YAML reader has to say what it makes of it: text that is no
 * JSON object, or has a key twice, a key `<<`, half a surrogate pair, a carriage return, more values or depth than `limits`.
 */
export function readJson(text: string, limits: { readonly depth: number; readonly nodes: number }): JsonTree | undefined {
  if (!/^[ \t\n]*\{/.test(text) || text.includes('\r')) return undefined;
  try {
    return new Reader(text, limits).document();
  } catch (error) {
    if (error instanceof Unusual) return undefined;
    throw error;
  }
}

const literal = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const plainText = /[^"\\\x00-\x1f]*/y;
const space = /[ \t\n]*/y;

class Reader {
  private offset = 0;
  private nodes = 0;
  private readonly text: string;
  private readonly limits: { readonly depth: number; readonly nodes: number };

  constructor(text: string, limits: { readonly depth: number; readonly nodes: number }) {
    this.text = text;
    this.limits = limits;
  }

  document(): JsonTree {
    this.skipSpace();
    const place: Place = { key: this.offset, value: this.offset };
    const tree = this.value(place, 0);
    this.skipSpace();
    if (this.offset !== this.text.length || tree === undefined) throw new Unusual();
    return { tree, place };
  }

  /** undefined: null. Fills the children of `place`. */
  private value(place: Place, depth: number): Tree | undefined {
    this.nodes += 1;
    if (depth > this.limits.depth || this.nodes >= this.limits.nodes) throw new Unusual();
    switch (this.text[this.offset]) {
      case '{': return this.mapping(place, depth);
      case '[': return this.list(place, depth);
      case '"': return this.string();
      default: {
        const found = this.match(literal);
        return found === 'null' ? undefined : found;
      }
    }
  }

  private mapping(place: Place, depth: number): Tree {
    const children = new Map<string | number, Place>();
    const entries: [string, Tree][] = [];
    place.children = children;
    this.offset += 1;
    for (this.skipSpace(); this.text[this.offset] !== '}'; this.next('}')) {
      const key = this.offset;
      const name = this.string();
      this.skipSpace();
      if (this.text[this.offset] !== ':' || children.has(name) || name === '<<') throw new Unusual();
      this.offset += 1;
      this.skipSpace();
      const child: Place = { key, value: this.offset };
      children.set(name, child);
      const value = this.value(child, depth + 1);
      if (value !== undefined) entries.push([name, value]);
    }
    this.offset += 1;
    return Object.fromEntries(entries);
  }

  private list(place: Place, depth: number): Tree {
    const children = new Map<string | number, Place>();
    const items: Tree[] = [];
    place.children = children;
    this.offset += 1;
    for (this.skipSpace(); this.text[this.offset] !== ']'; this.next(']')) {
      const child: Place = { key: this.offset, value: this.offset };
      children.set(items.length, child);
      items.push(this.value(child, depth + 1) ?? '');
    }
    this.offset += 1;
    return items;
  }

  /** Past a comma that something follows, or up to `end`. */
  private next(end: ']' | '}'): void {
    this.skipSpace();
    if (this.text[this.offset] === end) return;
    if (this.text[this.offset] !== ',') throw new Unusual();
    this.offset += 1;
    this.skipSpace();
    if (this.text[this.offset] === end) throw new Unusual();
  }

  private string(): string {
    const start = this.offset;
    if (this.text[start] !== '"') throw new Unusual();
    plainText.lastIndex = start + 1;
    plainText.test(this.text);
    const end = plainText.lastIndex;
    if (this.text[end] === '"') {
      this.offset = end + 1;
      return wellFormed(this.text.slice(start + 1, end));
    }
    this.offset = this.endOfString(end);
    return wellFormed(parsedString(this.text.slice(start, this.offset)));
  }

  /** The offset after the quotation mark that ends the string around `offset`: the next one with an even number of backslashes before it. */
  private endOfString(offset: number): number {
    for (let end = this.text.indexOf('"', offset); end !== -1; end = this.text.indexOf('"', end + 1)) {
      let before = end;
      while (this.text[before - 1] === '\\') before -= 1;
      if ((end - before) % 2 === 0) return end + 1;
    }
    throw new Unusual();
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.offset;
    const [found] = pattern.exec(this.text) ?? [];
    if (found === undefined) throw new Unusual();
    this.offset += found.length;
    return found;
  }

  private skipSpace(): void {
    space.lastIndex = this.offset;
    space.test(this.text);
    this.offset = space.lastIndex;
  }
}

function parsedString(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch (error) {
    throw error instanceof SyntaxError ? new Unusual() : error;
  }
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new Unusual();
  return text;
}
