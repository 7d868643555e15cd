// Relations between rpm packages: the RPM reference manual, "Dependencies Basics" and "Boolean Dependencies" (rich relations).
import { type Evr, formatEvr, parseEvr } from './evr.ts';

export type RpmOperator = '=' | '<' | '<=' | '>' | '>=';

/** A capability, perhaps with a version. A rich relation keeps its text in `name`, which then begins with `(`; see {@link parseRich}. */
export interface RpmRelation {
  readonly name: string;
  readonly op?: RpmOperator;
  readonly evr?: Evr;
  /** Needed before the package itself is installed (`Requires(pre)`). */
  readonly pre?: boolean;
}

/** A boolean relation. `and`, `or` and `with` chains of more than two stand nested to the right. */
export type RichRelation =
  | { readonly kind: 'plain'; readonly relation: RpmRelation }
  | { readonly kind: 'and' | 'or' | 'with' | 'without'; readonly left: RichRelation; readonly right: RichRelation }
  | { readonly kind: 'if' | 'unless'; readonly then: RichRelation; readonly condition: RichRelation; readonly otherwise?: RichRelation };

/** Deeper nesting than this is refused: no package needs it, and hostile text must not end the process. */
const deepest = 50;
const operators: Readonly<Record<string, RpmOperator>> = { '=': '=', '==': '=', '<': '<', '<=': '<=', '=<': '<=', '>': '>', '>=': '>=', '=>': '>=' };
const words = new Set(['and', 'or', 'if', 'unless', 'else', 'with', 'without']);

class Malformed extends Error {}

class Reader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) { this.text = text; }

  get isAtEnd(): boolean { return this.at >= this.text.length; }

  skipBlanks(): void {
    while (this.text[this.at] === ' ' || this.text[this.at] === '\t') this.at += 1;
  }

  takes(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  /** Up to a blank or an unmatched `)`: names carry parentheses of their own, as in `libfoo.so.1()(64bit)`. */
  token(): string {
    const start = this.at;
    let open = 0;
    for (; this.at < this.text.length; this.at += 1) {
      const sign = this.text[this.at];
      if (sign === ' ' || sign === '\t' || (sign === ')' && open === 0)) break;
      if (sign === '(') open += 1;
      if (sign === ')') open -= 1;
    }
    return this.text.slice(start, this.at);
  }

  /** The next token when `accepts` says so; else nothing is taken. */
  tokenIf(accepts: (token: string) => boolean): string | undefined {
    const start = this.at;
    this.skipBlanks();
    const token = this.token();
    if (accepts(token)) return token;
    this.at = start;
    return undefined;
  }
}

function readOperand(reader: Reader, depth: number): RichRelation {
  reader.skipBlanks();
  if (reader.takes('(')) return readGroup(reader, depth + 1);
  const name = reader.token();
  if (name === '' || words.has(name)) throw new Malformed();
  const sign = reader.tokenIf((token) => operators[token] !== undefined);
  if (sign === undefined) return { kind: 'plain', relation: { name } };
  reader.skipBlanks();
  const evr = reader.token();
  const op = operators[sign];
  if (evr === '' || op === undefined) throw new Malformed();
  return { kind: 'plain', relation: { name, op, evr: parseEvr(evr) } };
}

/** What follows the first operand, up to its `)`. Only `and`, `or` and `with` may be chained, each with itself. */
function readRest(reader: Reader, left: RichRelation, place: { readonly depth: number; readonly chain?: string }): RichRelation {
  if (place.depth > deepest) throw new Malformed();
  reader.skipBlanks();
  if (reader.takes(')')) return left;
  const word = reader.tokenIf((token) => words.has(token) && token !== 'else');
  if (word === undefined || (place.chain !== undefined && word !== place.chain)) throw new Malformed();
  const right = readOperand(reader, place.depth);
  if (word === 'if' || word === 'unless') {
    const otherwise = reader.tokenIf((token) => token === 'else') === undefined ? undefined : readOperand(reader, place.depth);
    reader.skipBlanks();
    if (!reader.takes(')')) throw new Malformed();
    return { kind: word, then: left, condition: right, ...(otherwise === undefined ? {} : { otherwise }) };
  }
  if (word === 'without') {
    reader.skipBlanks();
    if (!reader.takes(')')) throw new Malformed();
    return { kind: word, left, right };
  }
  if (word !== 'and' && word !== 'or' && word !== 'with') throw new Malformed();
  return { kind: word, left, right: readRest(reader, right, { depth: place.depth + 1, chain: word }) };
}

function readGroup(reader: Reader, depth: number): RichRelation {
  if (depth > deepest) throw new Malformed();
  return readRest(reader, readOperand(reader, depth), { depth });
}

/**
 * A rich relation, or undefined when the text is none: it has to begin with `(`, end with its `)`, chain one operator only, and nest at most
 * 50 deep. What cannot be read can never be met; that is the caller's to say.
 */
export function parseRich(text: string): RichRelation | undefined {
  const reader = new Reader(text.trim());
  if (!reader.takes('(')) return undefined;
  try {
    const relation = readGroup(reader, 1);
    return reader.isAtEnd ? relation : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

/** As spec files and clients write it: `name`, `name >= 1:2-3`, or the rich text itself. */
export function relationText({ name, op, evr }: RpmRelation): string {
  return op === undefined || evr === undefined ? name : `${name} ${op} ${formatEvr(evr)}`;
}
