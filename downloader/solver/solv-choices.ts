// On a machine that has something: where one of several packages is needed, rather another version of what is there than one more package.
import type { Rules } from './solv-rules.ts';
import type { SolvView } from './solv-view.ts';

/** A rule that leaves out some of what the rule that it was made from would take. */
interface Choice { readonly rule: number; readonly offered: readonly number[]; readonly left: ReadonlySet<number> }

/** Rules of preference. They give way: to the job when it cannot be met with them, and where what they leave out came to be taken for another reason. */
export class Choices {
  private readonly view: SolvView;
  private readonly rules: Rules;
  private readonly here: ReadonlySet<number>;
  /** By package that is there: what may come instead of it, itself included. */
  private readonly updates: ReadonlyMap<number, readonly number[]>;
  /** Packages that may not be there whatever happens. */
  private readonly refused = new Set<number>();
  private readonly replaced = new Map<number, number | undefined>();
  private open: Choice[] = [];

  /** Adds a rule of preference for each of the rules before `end` that leaves room for one. To be called when all other rules are there. */
  constructor(view: SolvView, rules: Rules, { installed, updates, end }: { readonly installed: readonly number[]; readonly updates: ReadonlyMap<number, readonly number[]>; readonly end: number }) {
    this.view = view;
    this.rules = rules;
    this.here = new Set(installed);
    this.updates = updates;
    if (installed.length === 0) return;
    const { count } = rules;
    for (let rule = end; rule < count; rule += 1) {
      if (rules.isKind(rule, 'inferior-arch')) this.refused.add(-rules.first.at(rule));
    }
    for (let rule = 1; rule < end; rule += 1) if (!rules.isKind(rule, 'twin') && rules.first.at(rule) < 0 && rules.list.at(rule) > 0) this.prefer(rule);
  }

  private prefer(rule: number): void {
    const literals = this.rules.literalsOf(rule);
    const offered = literals.filter((literal) => literal > 0);
    if (offered.every((id) => this.replacedBy(id) !== undefined)) return;
    const kept = literals.filter((literal) => literal < 0 || (!this.refused.has(literal) && this.replacedBy(literal) !== undefined));
    const own = kept.filter((literal) => literal > 0);
    // Where the rule has all that may come instead of what is there, there is nothing to prefer.
    const isCovered = own.every((id) => (this.updates.get(this.replacedBy(id) ?? 0) ?? []).every((other) => offered.includes(other)));
    if (own.length === 0 || isCovered) return;
    const [first = 0, ...rest] = kept;
    const added = this.rules.count;
    this.rules.addList(first, this.rules.keepList(rest), { kind: 'choice' });
    this.open.push({ rule: added, offered, left: new Set(offered.filter((id) => !kept.includes(id))) });
  }

  /** What is there and is it, or would go for it: another version of the same, or what it obsoletes. */
  private replacedBy(id: number): number | undefined {
    if (!this.replaced.has(id)) this.replaced.set(id, this.here.has(id) ? id : this.findReplaced(id));
    return this.replaced.get(id);
  }

  private findReplaced(id: number): number | undefined {
    const { universe } = this.view;
    const own = universe.archOf(id);
    const isOut = (other: number): boolean => this.here.has(other) && (own === 'noarch' || [own, 'noarch'].includes(universe.archOf(other)));
    const named = this.view.named(universe.nameOf(id)).find(isOut);
    if (named !== undefined) return named;
    for (const relation of universe.dependenciesOf(id, 'obsoletes')) {
      const obsoleted = this.view.namedMeeting(relation).find(isOut);
      if (obsoleted !== undefined) return obsoleted;
    }
    return undefined;
  }

  /** Takes one back, with all others that stand in the way of a package that it leaves out. */
  private drop(gone: Choice): void {
    const isGone = (choice: Choice): boolean => choice === gone || choice.offered.some((id) => gone.left.has(id));
    for (const choice of this.open) if (isGone(choice)) this.rules.drop(choice.rule);
    this.open = this.open.filter((choice) => !isGone(choice));
  }

  /** Takes back the last of those that `clash`. False when none of them has part in it. */
  giveWay(clash: readonly number[]): boolean {
    const last = this.open.findLast(({ rule }) => clash.includes(rule));
    if (last !== undefined) this.drop(last);
    return last !== undefined;
  }

  /** Takes back those of which a package that they leave out is taken all the same. False when there are none. */
  dropUnneeded(isTaken: (id: number) => boolean): boolean {
    const unneeded = this.open.filter(({ left }) => [...left].some(isTaken));
    for (const choice of unneeded) if (this.open.includes(choice)) this.drop(choice);
    return unneeded.length > 0;
  }
}
