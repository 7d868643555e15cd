/** Texts by number, in order of first mention. None of them may hold a NUL: XML has none. */
export class TextTable {
  private readonly texts: string[];
  private ids: Map<string, number> | undefined;

  constructor(texts: string[] = []) { this.texts = texts; }

  /** What {@link TextTable.bytes} gave. */
  static from(bytes: Buffer): TextTable {
    const texts = bytes.toString('utf8').split('\0');
    texts.pop();
    return new TextTable(texts);
  }

  bytes(): Buffer { return Buffer.from(this.texts.map((text) => `${text}\0`).join('')); }

  get size(): number { return this.texts.length; }
  text(id: number): string { return this.texts[id] ?? ''; }
  all(): readonly string[] { return this.texts; }

  intern(text: string): number {
    const ids = this.numbers();
    const known = ids.get(text);
    if (known !== undefined) return known;
    ids.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }

  /** Undefined when it was never mentioned. */
  find(text: string): number | undefined { return this.numbers().get(text); }

  /** A table that was read back is often only asked by number. */
  private numbers(): Map<string, number> {
    if (this.ids !== undefined) return this.ids;
    const ids = new Map<string, number>();
    for (let id = 0; id < this.texts.length; id += 1) ids.set(this.texts[id] as string, id);
    this.ids = ids;
    return ids;
  }
}
