// Which of several packages that would do is taken: the order that libsolv was seen to follow (see README.md in this folder).
import { compareEvr } from '../../formats/rpm/evr.ts';
import { versionBits } from './solv-universe.ts';
import type { SolvView } from './solv-view.ts';
import type { WeakState } from './solv-weak-state.ts';

export const byBytes = (a: string, b: string): number => (a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** Without what another candidate obsoletes, unless both obsolete each other. */
export function withoutObsoleted(view: SolvView, ids: readonly number[]): number[] {
  const { universe } = view;
  const obsoleted = new Map(ids.map((id) => [id, new Set([...universe.dependenciesOf(id, 'obsoletes')].flatMap((relation) => view.namedMeeting(relation)))]));
  return ids.filter((id) => !ids.some((other) => universe.nameOf(other) !== universe.nameOf(id) && obsoleted.get(other)?.has(id) === true && obsoleted.get(id)?.has(other) !== true));
}

export class Policy {
  private readonly view: SolvView;
  private readonly weak: WeakState;

  constructor(view: SolvView, weak: WeakState) {
    this.view = view;
    this.weak = weak;
  }

  private evr(id: number) { return this.view.universe.evr(this.view.universe.evrOf(id)); }
  private isInstalled(id: number): boolean { return this.view.universe.repositoryOf(id).installed === true; }
  private priority(id: number): number { return this.view.universe.repositoryOf(id).priority ?? 99; }

  /** Those of the best repository, architecture and version of each name; sorted by name. */
  best(candidates: readonly number[]): number[] {
    let left = [...candidates];
    if (left.length > 1) left = this.bestPriority(left);
    if (left.length > 1) left = this.bestArch(left);
    if (left.length > 1) left = this.bestVersion(left);
    return left;
  }

  /** What a rule with a choice takes: the first. What is installed is enough; only recommended or supplementing ones stay when there are any. */
  choose(candidates: readonly number[], isOrdered: boolean): number[] {
    const there = candidates.filter((id) => this.isInstalled(id));
    if (there.length > 0) return there.slice(0, 1);
    let left = this.best(candidates);
    if (left.length > 1) left = this.recommendedOnly(left);
    return left.length > 1 && isOrdered ? this.order(left) : left;
  }

  /** Old versions last, then lower versions of what all provide, then names that the machine has in another architecture first, then suggested ones first. */
  order(candidates: readonly number[]): number[] {
    const current = this.moveBack(candidates, (id) => this.isOld(id));
    const known = this.moveBack(this.byCommonProvides(current), (id) => !this.hasInstalledName(id));
    return this.moveBack(known, (id) => !this.weak.isSuggested(id));
  }

  private hasInstalledName(id: number): boolean { return this.view.named(this.view.universe.nameOf(id)).some((other) => this.isInstalled(other)); }

  private moveBack(ids: readonly number[], isBack: (id: number) => boolean): number[] {
    const back = new Set(ids.filter(isBack));
    return [...ids.filter((id) => !back.has(id)), ...back];
  }

  private bestPriority(ids: readonly number[]): number[] {
    const best = Math.min(...ids.map((id) => (this.isInstalled(id) ? Infinity : this.priority(id))));
    return ids.filter((id) => this.isInstalled(id) || this.priority(id) === best);
  }

  private bestArch(ids: readonly number[]): number[] {
    const { universe, arch } = this.view;
    const scores = ids.map((id) => arch.scoreOf(universe.archOf(id)));
    const best = Math.min(...scores.filter((score) => score > 1));
    return ids.filter((_, index) => scores[index] === 1 || scores[index] === best);
  }

  private compareNames(a: number, b: number): number {
    const { universe } = this.view;
    return universe.nameOf(a) === universe.nameOf(b) ? 0 : byBytes(universe.nameText(a), universe.nameText(b));
  }

  private bestVersion(ids: readonly number[]): number[] {
    const { universe } = this.view;
    const cost = (id: number): number => universe.repositoryOf(id).cost ?? 1000;
    const sorted = [...ids].sort((a, b) => this.compareNames(a, b) || compareEvr(this.evr(b), this.evr(a)) || Number(this.isInstalled(b)) - Number(this.isInstalled(a)) || cost(a) - cost(b));
    const kept: number[] = [];
    for (const id of sorted) {
      if (universe.nameOf(kept.at(-1) ?? 0) !== universe.nameOf(id)) kept.push(id);
    }
    return kept.length > 1 ? withoutObsoleted(this.view, kept) : kept;
  }

  private recommendedOnly(ids: readonly number[]): number[] {
    const wanted = ids.filter((id) => this.weak.isRecommended(id) || this.weak.isSupplementing(id));
    return wanted.length > 0 ? wanted : [...ids];
  }

  private isOld(id: number): boolean {
    const { universe } = this.view;
    if (this.isInstalled(id)) return false;
    return this.view.named(universe.nameOf(id)).some((other) => {
      if (other === id || universe.archOf(other) !== universe.archOf(id) || this.isInstalled(other)) return false;
      if (this.priority(id) !== this.priority(other)) return this.priority(id) > this.priority(other);
      return compareEvr(this.evr(other), this.evr(id)) > 0;
    });
  }

  private compareBounds(a: number, b: number): number {
    const { universe } = this.view;
    const isEqual = (relation: number): number => universe.relationBits(relation) & versionBits.equal;
    return compareEvr(universe.evr(universe.relationEvr(a)), universe.evr(universe.relationEvr(b))) || isEqual(a) - isEqual(b);
  }

  /** By how far each stays behind in the versions that it gives to names which others provide as well, added up over its provides. */
  private byCommonProvides(ids: readonly number[]): number[] {
    const { universe } = this.view;
    const isBounded = (relation: number): boolean => universe.relationBits(relation) !== 0 && (universe.relationBits(relation) & versionBits.greater) === 0;
    const provided = ids.flatMap((id) => [...universe.dependenciesOf(id, 'provides')].filter(isBounded).map((relation) => ({ id, relation })));
    const behind = new Map(ids.map((id) => [id, 0]));
    for (const shared of Map.groupBy(provided, ({ relation }) => universe.relationName(relation)).values()) if (shared.length > 1) this.addRanks(shared, behind);
    return ids.toSorted((x, y) => (behind.get(x) ?? 0) - (behind.get(y) ?? 0));
  }

  /** Ranks of one name: 0 for the highest version, one more for each lower one; what only the package itself gives between two of its own counts for nothing. */
  private addRanks(shared: { readonly id: number; readonly relation: number }[], behind: Map<number, number>): void {
    let rank = 0;
    let before: number | undefined;
    let owners = new Set<number>();
    for (const { id, relation } of shared.sort((x, y) => this.compareBounds(y.relation, x.relation))) {
      const isOther = owners.size > 1 || (owners.size === 1 && !owners.has(id));
      if (before !== undefined && isOther && this.compareBounds(before, relation) !== 0) {
        rank += 1;
        owners = new Set();
      }
      before = relation;
      owners.add(id);
      behind.set(id, (behind.get(id) ?? 0) + rank);
    }
  }
}
