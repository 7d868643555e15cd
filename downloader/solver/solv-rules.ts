// Clauses that have to hold, with the two literals of each that are watched. A literal is a package, or a package below 0 for its absence.
import { NumberList } from './solv-numbers.ts';

export const ruleKinds = ['requires', 'nothing-provides', 'hidden', 'conflicts', 'obsoletes', 'same-name', 'inferior-arch', 'twin', 'heir', 'requested', 'best', 'installed', 'choice', 'learnt'] as const;
export type RuleKind = (typeof ruleKinds)[number];

/** Why a rule stands: what kind, and for relations whose and which. */
export interface RuleOrigin {
  readonly kind: RuleKind;
  readonly solvable?: number;
  readonly relation?: number;
}

/** Numbers of rules are below it: far more than fit into memory. */
const maxRules = 2 ** 28;

/** Rules are numbered from 1. A rule has a first literal, and either one more or a list (`list` > 0). */
export class Rules {
  readonly first = new NumberList();
  readonly second = new NumberList();
  readonly list = new NumberList();
  readonly watch1 = new NumberList();
  readonly watch2 = new NumberList();
  readonly next1 = new NumberList();
  readonly next2 = new NumberList();
  /** Lists of literals, each ended by 0. Position 0 is never a list. */
  readonly literals = new NumberList();
  private readonly kinds = new NumberList();
  private readonly solvables = new NumberList();
  private readonly relations = new NumberList();

  constructor() {
    this.literals.push(0);
    this.append(0, 0, 0);
    this.describe({ kind: 'learnt' });
  }

  /** One more than the last rule's number. */
  get count(): number { return this.first.length; }

  originOf(rule: number): RuleOrigin {
    const solvable = this.solvables.at(rule);
    const relation = this.relations.at(rule);
    return { kind: ruleKinds[this.kinds.at(rule)] ?? 'learnt', ...(solvable < 0 ? {} : { solvable }), ...(relation < 0 ? {} : { relation }) };
  }

  isKind(rule: number, kind: RuleKind): boolean { return ruleKinds[this.kinds.at(rule)] === kind; }

  private append(first: number, second: number, list: number): number {
    this.first.push(first);
    this.second.push(second);
    this.list.push(list);
    this.watch1.push(first);
    this.watch2.push(list > 0 ? this.literals.at(list) : second);
    this.next1.push(0);
    this.next2.push(0);
    return this.count - 1;
  }

  private describe({ kind, solvable = -1, relation = -1 }: RuleOrigin): void {
    this.kinds.push(ruleKinds.indexOf(kind));
    this.solvables.push(solvable);
    this.relations.push(relation);
  }

  /** Keeps a list for {@link addList}; several rules may share it. */
  keepList(literals: ArrayLike<number>): number {
    const at = this.literals.length;
    for (let index = 0; index < literals.length; index += 1) this.literals.push(literals[index] as number);
    this.literals.push(0);
    return at;
  }

  /** `first` alone (`second` 0) or one of two. Nothing is added for what always holds. */
  add(first: number, second: number, origin: RuleOrigin): void {
    if (first === -second && second !== 0) return;
    const isSwapped = second !== 0 && first > second;
    const other = first === second ? 0 : second;
    this.append(isSwapped ? other : first, isSwapped ? first : other, 0);
    this.describe(origin);
  }

  /** `first`, or one of a list of at least one. */
  addList(first: number, list: number, origin: RuleOrigin): void {
    const head = this.literals.at(list);
    if (head === 0) this.add(first, 0, origin);
    else if (this.literals.at(list + 1) === 0) this.add(first, head, origin);
    else {
      this.append(first, 0, list);
      this.describe(origin);
    }
  }

  /** A rule of any literals; gives its number. Literals keep their order. */
  addLearnt(first: number, rest: readonly number[]): number {
    if (rest.length === 1 && (rest[0] as number) < 0 || rest.length === 0) this.append(first, rest[0] ?? 0, 0);
    else this.append(first, 0, this.keepList(rest));
    this.describe({ kind: 'learnt' });
    return this.count - 1;
  }

  /** Has the rule, which has a first literal below 0, say nothing any more. */
  drop(rule: number): void {
    this.second.set(rule, -this.first.at(rule));
    this.list.set(rule, 0);
  }

  /** As before any search: without what was learnt from rule `count` on, watching what was watched at first. */
  rewind(count: number): void {
    for (const column of [this.first, this.second, this.list, this.watch1, this.watch2, this.next1, this.next2, this.kinds, this.solvables, this.relations]) column.length = count;
    for (let rule = 0; rule < count; rule += 1) {
      this.watch1.set(rule, this.first.at(rule));
      this.watch2.set(rule, this.list.at(rule) > 0 ? this.literals.at(this.list.at(rule)) : this.second.at(rule));
      this.next1.set(rule, 0);
      this.next2.set(rule, 0);
    }
  }

  /** Calls until `visit` gives true; gives whether it did. */
  some(rule: number, visit: (literal: number) => boolean): boolean {
    if (visit(this.first.at(rule))) return true;
    let at = this.list.at(rule);
    if (at === 0) return this.second.at(rule) !== 0 && visit(this.second.at(rule));
    for (let literal = this.literals.at(at); literal !== 0; literal = this.literals.at(at)) {
      if (visit(literal)) return true;
      at += 1;
    }
    return false;
  }

  literalsOf(rule: number): number[] {
    const found: number[] = [];
    this.some(rule, (literal) => { found.push(literal); return false; });
    return found;
  }

  /** Of two rules with the same first literal. */
  private compare(a: number, b: number): number {
    let i = this.list.at(a);
    let j = this.list.at(b);
    if (i === 0 && j === 0) return this.second.at(a) - this.second.at(b);
    if (i === 0) return this.second.at(a) - this.literals.at(j) || -1;
    if (j === 0) return this.literals.at(i) - this.second.at(b) || 1;
    if (i === j) return 0;
    for (; this.literals.at(j) !== 0; i += 1, j += 1) {
      const difference = this.literals.at(i) - this.literals.at(j);
      if (difference !== 0) return difference;
    }
    return this.literals.at(i);
  }

  /** By first literal as plain numbers, which sort without a function; by the rest where that is the same. */
  private order(): Int32Array {
    const keys = Float64Array.from({ length: this.count - 1 }, (_, index) => this.first.at(index + 1) * maxRules + index + 1).sort();
    const order = Int32Array.from(keys, (key) => key - Math.floor(key / maxRules) * maxRules);
    for (let from = 0, to = 1; from < order.length; from = to, to += 1) {
      while (to < order.length && this.first.at(order[to] as number) === this.first.at(order[from] as number)) to += 1;
      if (to - from > 1) order.subarray(from, to).sort((a, b) => this.compare(a, b));
    }
    return order;
  }

  /** Puts all rules in order of their literals and drops repeated ones, of which the first stays. To be called once, before any other use. */
  sort(): void {
    const order = this.order();
    const kept = order.filter((rule, index) => index === 0 || this.first.at(order[index - 1] as number) !== this.first.at(rule) || this.compare(order[index - 1] as number, rule) !== 0);
    for (const column of [this.first, this.second, this.list, this.watch1, this.watch2, this.kinds, this.solvables, this.relations]) {
      const values = kept.map((rule) => column.at(rule));
      for (let index = 0; index < values.length; index += 1) column.set(index + 1, values[index] as number);
      column.length = values.length + 1;
    }
    for (const column of [this.next1, this.next2]) column.length = kept.length + 1;
  }
}
