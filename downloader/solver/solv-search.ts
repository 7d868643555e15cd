// The search for a set that meets a job: requested packages, then what they need, then what is recommended, then smaller alternatives.
import { Assignment, unsolvableLevel } from './solv-assignment.ts';
import { Policy } from './solv-policy.ts';
import type { Rules } from './solv-rules.ts';
import type { SolvView } from './solv-view.ts';
import { WeakState } from './solv-weak-state.ts';
import { type Outcome, resolveWeak } from './solv-weak.ts';

/** A decision that had alternatives, at the level it was taken from. */
export interface Branch {
  readonly level: number;
  /** What was taken first, and what is taken now. */
  readonly first: number;
  readonly chosen: number;
  /** 0: tried already. */
  readonly others: number[];
  readonly rule: number;
}

export interface SearchOptions {
  readonly weak: boolean;
  readonly notWeak: ReadonlySet<number>;
  /** What is there before: it stays where it can. */
  readonly installed: readonly number[];
  /** 1 for each package that has rules. */
  readonly reached: Uint8Array;
  /** First and one past the last rule of what was asked for. */
  readonly requested: readonly [number, number];
}

export class Search {
  readonly view: SolvView;
  readonly rules: Rules;
  readonly assignment: Assignment;
  readonly weak: WeakState;
  readonly policy: Policy;
  readonly branches: Branch[] = [];
  /** Decisions between several packages, as they stood last. */
  readonly choices: { readonly chosen: number; readonly others: readonly number[]; readonly rule: number }[] = [];
  /** Packages with rules that supplement something. */
  readonly supplementers: readonly number[];
  readonly notWeak: ReadonlySet<number>;
  private readonly scan: number[] = [];
  /** Decisions of a higher level are about what is recommended, and what that needs. */
  private neededLevel = Infinity;
  private scanned = 1;
  /** Where among what is installed something was undone last: the next round begins there. */
  private keptLast = 0;
  private readonly options: SearchOptions;

  constructor(view: SolvView, rules: Rules, options: SearchOptions) {
    this.view = view;
    this.rules = rules;
    this.options = options;
    this.notWeak = options.notWeak;
    this.supplementers = view.weakParts.filter((id) => options.reached[id] === 1);
    this.assignment = new Assignment(rules, view.universe.count);
    this.weak = new WeakState(view, this.assignment, options.installed);
    this.policy = new Policy(view, this.weak);
    this.assignment.onRevert = (level) => {
      while ((this.branches.at(-1)?.level ?? -1) >= level) this.branches.pop();
      this.weak.reverted();
    };
  }

  /** Whether the job can be met; the assignment then says how, or which rules clash. */
  run(): boolean {
    if (!this.assignment.start()) return false;
    let level = 1;
    for (;;) {
      level = this.resolveRequested(level);
      if (level === unsolvableLevel) return false;
      const { level: kept, again } = this.keepInstalled(level);
      level = kept;
      if (level === unsolvableLevel) return false;
      if (again) continue;
      const needed = this.resolveNeeds(kept);
      if (needed === unsolvableLevel) return false;
      level = needed;
      if (needed < kept) continue;
      this.neededLevel = Math.min(this.neededLevel, level);
      if (this.options.weak) {
        const outcome = resolveWeak(this, level);
        level = outcome.level;
        if (level === unsolvableLevel) return false;
        if (outcome.again) continue;
      }
      const smaller = this.minimize();
      if (smaller === unsolvableLevel) return false;
      if (smaller === undefined) return true;
      level = smaller;
    }
  }

  /** Takes the first of `candidates` and remembers the others. */
  take(level: number, candidates: readonly number[], rule: number): number {
    const [chosen = 0, ...others] = candidates;
    if (others.length > 0) {
      this.branches.push({ level, first: chosen, chosen, others, rule });
      this.choices.push({ chosen, others: [...others], rule });
    }
    return this.assignment.take(level, chosen, rule);
  }

  /** The undecided packages that could meet the rule; undefined when it is met or asks for nothing yet. */
  private open(rule: number): number[] | undefined {
    const { levels } = this.assignment;
    const found: number[] = [];
    const isSettled = this.rules.some(rule, (literal) => {
      if (literal < 0) return (levels[-literal] as number) <= 0;
      if ((levels[literal] as number) > 0) return true;
      if (levels[literal] === 0) found.push(literal);
      return false;
    });
    return isSettled || found.length === 0 ? undefined : found;
  }

  private resolveRequested(start: number): number {
    let level = start;
    const [from, to] = this.options.requested;
    for (let rule = from; rule < to; rule += 1) {
      const candidates = this.open(rule);
      if (candidates === undefined) continue;
      const before = level;
      const installed = candidates.filter((id) => this.view.universe.repositoryOf(id).installed === true);
      level = this.take(level, installed.length > 0 ? installed.slice(0, 1) : this.policy.choose(candidates, true), rule);
      if (level === unsolvableLevel) return level;
      // What was undone may be part of what was asked for.
      if (level < before) rule = from - 1;
      if (level === before) rule -= 1;
    }
    return level;
  }

  private keepInstalled(start: number): Outcome {
    const { installed } = this.options;
    let level = start;
    const from = this.keptLast;
    for (let index = 0; index < installed.length; index += 1) {
      const at = (from + index) % installed.length;
      const id = installed[at] ?? 0;
      if (this.assignment.levels[id] !== 0) continue;
      const before = level;
      level = this.assignment.take(level, id, 0);
      if (level < before) {
        this.keptLast = at;
        return { level, again: true };
      }
    }
    return { level, again: false };
  }

  /** Appends the rules that can ever offer a choice: those of which more than one literal is, or may be, a package to take. */
  private extendScan(): void {
    for (; this.scanned < this.rules.count; this.scanned += 1) {
      const first = this.rules.first.at(this.scanned);
      if (first > 0 || this.rules.list.at(this.scanned) > 0) this.scan.push(this.scanned);
    }
  }

  /** Scans the rules round and round: those with one sensible candidate are decided at once, the others wait until nothing else is left. */
  private resolveNeeds(start: number): number {
    const { levels } = this.assignment;
    let level = start;
    let postponed = -1;
    let isLast = false;
    let seen = 0;
    this.extendScan();
    for (let at = 0; ; at += 1, seen += 1) {
      if (seen >= this.scan.length) {
        if (postponed < 0) return level;
        at = postponed;
        postponed = -1;
        isLast = true;
        seen = 0;
      }
      if (at >= this.scan.length) at = 0;
      const rule = this.scan[at] ?? 0;
      const first = this.rules.first.at(rule);
      if (first < 0 && (levels[-first] as number) <= 0) continue;
      const candidates = this.open(rule);
      if (candidates === undefined) continue;
      let left = candidates;
      if (candidates.length > 1 && !isLast) {
        left = this.policy.choose(candidates, false);
        if (left.length > 1) {
          if (postponed < 0) postponed = at;
          continue;
        }
      } else left = this.policy.choose(candidates, true);
      level = this.take(level, left, rule);
      if (level < start) return level;
      seen = -1;
      this.extendScan();
    }
  }

  /**
   * Goes back to a decision of which another alternative came to be taken anyway, or is recommended while the chosen one is not, and takes that
   * one. One that what is needed keeps out, and that comes after what was tried already, is compared with what was taken first. Undefined when there is none.
   */
  private minimize(): number | undefined {
    const { levels } = this.assignment;
    const isWanted = (id: number): boolean => this.weak.isRecommended(id) || this.weak.isSupplementing(id);
    const isTaken = (id: number, branch: Branch): boolean => id > 0 && (levels[id] as number) > branch.level;
    const isKeptOut = (id: number, { others }: Branch): boolean => (levels[id] as number) < 0 && -(levels[id] as number) <= this.neededLevel && others.slice(0, others.indexOf(id)).includes(0);
    const isBetter = (id: number, branch: Branch): boolean => id > 0 && isWanted(id)
      && (((levels[id] as number) <= 0 && !isWanted(branch.chosen)) || (isKeptOut(id, branch) && !isWanted(branch.first)));
    for (const branch of this.branches) {
      for (const applies of [isTaken, isBetter]) {
        const other = branch.others.find((id) => applies(id, branch));
        if (other === undefined) continue;
        const others = branch.others.map((id) => (id === other ? 0 : id));
        this.assignment.revert(branch.level);
        this.branches.push({ ...branch, chosen: other, others });
        this.neededLevel = Infinity;
        return this.assignment.take(branch.level, other, branch.rule);
      }
    }
    return undefined;
  }
}
