// What is decided, what follows from it, and what is learnt when decisions clash: unit propagation over two watched literals, first unique
// implication point, backjumping (Silva and Sakallah, "GRASP", 1996; Moskewicz et al., "Chaff", 2001). Orders are those of libsolv: they decide.
import { NumberList } from './solv-numbers.ts';
import type { Rules } from './solv-rules.ts';

export const unsolvableLevel = 0;

/** Levels: 1 is what follows from the job, each free decision opens the next. */
export class Assignment {
  readonly rules: Rules;
  /** By package: 0 undecided, its level when taken, minus its level when refused. */
  readonly levels: Int32Array;
  /** Literals in order of decision, and for each the rule that forced it, or 0 for a free decision. */
  readonly trail = new NumberList();
  readonly why = new NumberList();
  private readonly watches: Int32Array;
  private readonly offset: number;
  private propagated = 0;
  /** Rules that cannot all hold, when the job cannot be met. */
  clash: readonly number[] = [];
  /** For each learnt rule the rules that it came from. */
  readonly learntFrom = new Map<number, readonly number[]>();
  onRevert: (level: number) => void = () => undefined;

  constructor(rules: Rules, solvables: number) {
    this.rules = rules;
    this.offset = solvables;
    this.levels = new Int32Array(solvables);
    this.watches = new Int32Array(solvables * 2);
  }

  private addWatches(rule: number): void {
    const { rules, watches, offset } = this;
    const first = offset + rules.watch1.at(rule);
    rules.next1.set(rule, watches[first] as number);
    watches[first] = rule;
    const second = offset + rules.watch2.at(rule);
    rules.next2.set(rule, watches[second] as number);
    watches[second] = rule;
  }

  isTrue(literal: number): boolean { return literal > 0 ? (this.levels[literal] as number) > 0 : (this.levels[-literal] as number) < 0; }
  isFalse(literal: number): boolean { return literal > 0 ? (this.levels[literal] as number) < 0 : (this.levels[-literal] as number) > 0; }

  private decide(literal: number, level: number, rule: number): void {
    this.levels[Math.abs(literal)] = literal > 0 ? level : -level;
    this.trail.push(literal);
    this.why.push(rule);
  }

  /** Decides what rules of one literal say, then all that follows. False when that cannot be. */
  start(): boolean {
    for (let rule = this.rules.count - 1; rule > 0; rule -= 1) if (this.rules.watch2.at(rule) !== 0) this.addWatches(rule);
    for (let rule = 1; rule < this.rules.count; rule += 1) {
      if (this.rules.watch2.at(rule) !== 0) continue;
      const literal = this.rules.first.at(rule);
      if (this.isTrue(literal)) continue;
      if (this.isFalse(literal)) {
        this.explainClash(rule);
        return false;
      }
      this.decide(literal, 1, rule);
    }
    const rule = this.propagate(1);
    if (rule > 0) this.explainClash(rule);
    return rule === 0;
  }

  /** Gives a rule that cannot hold any more, or 0. */
  private propagate(level: number): number {
    const { rules, watches, offset } = this;
    while (this.propagated < this.trail.length) {
      const falsified = -this.trail.at(this.propagated);
      this.propagated += 1;
      // The link to the rule at hand stands in the watch list's head or in a rule before it.
      let holder = -1;
      let isFirstOfHolder = false;
      let rule = watches[offset + falsified] as number;
      while (rule !== 0) {
        const isFirst = rules.watch1.at(rule) === falsified;
        const next = isFirst ? rules.next1.at(rule) : rules.next2.at(rule);
        const other = isFirst ? rules.watch2.at(rule) : rules.watch1.at(rule);
        const moved = this.isTrue(other) ? 0 : this.watchable(rule, other);
        if (moved !== 0) {
          if (holder < 0) watches[offset + falsified] = next;
          else if (isFirstOfHolder) rules.next1.set(holder, next);
          else rules.next2.set(holder, next);
          if (isFirst) {
            rules.watch1.set(rule, moved);
            rules.next1.set(rule, watches[offset + moved] as number);
          } else {
            rules.watch2.set(rule, moved);
            rules.next2.set(rule, watches[offset + moved] as number);
          }
          watches[offset + moved] = rule;
          rule = next;
          continue;
        }
        if (this.isFalse(other)) return rule;
        if (!this.isTrue(other)) this.decide(other, level, rule);
        holder = rule;
        isFirstOfHolder = isFirst;
        rule = next;
      }
    }
    return 0;
  }

  /** Another literal of the rule that is not false; 0 when there is none. */
  private watchable(rule: number, other: number): number {
    const { rules } = this;
    let at = rules.list.at(rule);
    if (at === 0) return 0;
    const first = rules.first.at(rule);
    if (first !== other && !this.isFalse(first)) return first;
    for (let literal = rules.literals.at(at); literal !== 0; literal = rules.literals.at(at)) {
      if (literal !== other && !this.isFalse(literal)) return literal;
      at += 1;
    }
    return 0;
  }

  /**
   * Takes `literal` (0: nothing) one level up and all that follows; what clashes is learnt and undone. Gives the level reached: the next one
   * when all went well, a lower one after undoing, {@link unsolvableLevel} when the job cannot be met.
   */
  take(level: number, literal: number, rule: number): number {
    let current = level;
    if (literal !== 0) {
      current += 1;
      this.decide(literal, current, -rule);
    }
    for (let failed = this.propagate(current); failed > 0; failed = this.propagate(current)) {
      if (current === 1) {
        this.explainClash(failed);
        return unsolvableLevel;
      }
      current = this.learn(failed, current);
    }
    return current;
  }

  private learn(failed: number, level: number): number {
    const { first, rest, target, from } = this.analyze(failed, level);
    this.revert(target);
    const rule = this.rules.addLearnt(first, rest);
    this.learntFrom.set(rule, from);
    if (rest.length > 0) {
      this.watchHighest(rule);
      this.addWatches(rule);
    }
    this.decide(first, target, rule);
    return target;
  }

  /** The watched literals of a learnt rule: its first, and of the others the one decided last. */
  private watchHighest(rule: number): void {
    let highest = -1;
    for (const literal of this.rules.literalsOf(rule).slice(1)) {
      const level = Math.abs(this.levels[Math.abs(literal)] as number);
      if (level > highest) {
        this.rules.watch2.set(rule, literal);
        highest = level;
      }
    }
  }

  private analyze(failed: number, level: number): { readonly first: number; readonly rest: readonly number[]; readonly target: number; readonly from: readonly number[] } {
    const seen = new Set<number>();
    const rest: number[] = [];
    const from = [failed];
    let target = 1;
    let open = 0;
    let index = this.trail.length;
    for (let rule = failed; ;) {
      for (const literal of this.rules.literalsOf(rule)) {
        const solvable = Math.abs(literal);
        if (this.isTrue(literal) || seen.has(solvable)) continue;
        const at = Math.abs(this.levels[solvable] as number);
        seen.add(solvable);
        if (at === level) open += 1;
        else if (at > 1) {
          rest.push(literal);
          target = Math.max(target, at);
        }
      }
      let literal = 0;
      let reason = 0;
      do {
        index -= 1;
        literal = this.trail.at(index);
        reason = this.why.at(index);
      } while (!seen.has(Math.abs(literal)) || Math.abs(this.levels[Math.abs(literal)] as number) !== level);
      open -= 1;
      if (open === 0) return { first: -literal, rest, target, from: [...from, ...this.reasonsBelow(seen)] };
      rule = reason;
      from.push(rule);
    }
  }

  /** The rules behind what is decided for good (level 1) among `seen`. */
  private reasonsBelow(seen: ReadonlySet<number>): number[] {
    const wanted = new Set([...seen].filter((solvable) => Math.abs(this.levels[solvable] as number) === 1));
    return this.trace(wanted);
  }

  private trace(wanted: Set<number>): number[] {
    const found: number[] = [];
    for (let index = this.trail.length - 1; index >= 0 && wanted.size > 0; index -= 1) {
      const solvable = Math.abs(this.trail.at(index));
      if (!wanted.delete(solvable)) continue;
      const rule = this.why.at(index);
      if (rule <= 0) continue;
      found.push(rule);
      for (const literal of this.rules.literalsOf(rule)) if (Math.abs(literal) !== solvable) wanted.add(Math.abs(literal));
    }
    return found;
  }

  private explainClash(failed: number): void {
    const first = [failed, ...this.trace(new Set(this.rules.literalsOf(failed).map(Math.abs)))];
    const all = new Set(first);
    for (const rule of all) for (const source of this.learntFrom.get(rule) ?? []) all.add(source);
    this.clash = [...all].filter((rule) => !this.learntFrom.has(rule));
  }

  /** Undoes every decision above `level`. */
  revert(level: number): void {
    while (this.trail.length > 0) {
      const solvable = Math.abs(this.trail.at(this.trail.length - 1));
      if (Math.abs(this.levels[solvable] as number) <= level) break;
      this.levels[solvable] = 0;
      this.trail.length -= 1;
      this.why.length -= 1;
      this.propagated = this.trail.length;
    }
    this.onRevert(level);
  }
}
