// Proves that rpm packages can be installed together: the RPM reference manual, "Dependencies". It shares nothing with the engine but the parsers,
// so that a mistake of the engine does not repeat here.
import { compareEvr, type Evr, formatEvr } from '../../formats/rpm/evr.ts';
import { parseRich, relationText, type RichRelation, type RpmOperator, type RpmRelation } from '../../formats/rpm/relation.ts';
import type { SolvPackage } from './solv-universe.ts';

export interface RpmCheckOptions {
  /** What is there before; what it needs itself is not judged. */
  readonly installed: readonly SolvPackage[];
  /** Capabilities that are there before in whatever version. */
  readonly assumed: ReadonlySet<string>;
  /** Owners of paths that only filelists tell, as {@link rpmLabel} writes them. */
  readonly owners?: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether several versions of the package may be there. */
  readonly isMultiversion?: (item: SolvPackage) => boolean;
}

interface Offer { readonly by: SolvPackage; readonly op?: RpmOperator; readonly evr?: Evr }

/** `name-[epoch:]version-release.arch` */
export const rpmLabel = ({ name, evr, arch }: SolvPackage): string => `${name}-${formatEvr(evr)}.${arch}`;

const accepts: Readonly<Record<RpmOperator, { readonly below: boolean; readonly same: boolean; readonly above: boolean }>> = {
  '<': { below: true, same: false, above: false }, '<=': { below: true, same: true, above: false }, '=': { below: false, same: true, above: false },
  '>=': { below: false, same: true, above: true }, '>': { below: false, same: false, above: true },
};

/** Whether some version is within both ranges. A range without version holds every version; a version without release all its releases. */
function overlap(a: { readonly op?: RpmOperator; readonly evr?: Evr }, b: { readonly op?: RpmOperator; readonly evr?: Evr }): boolean {
  if (a.op === undefined || a.evr === undefined || b.op === undefined || b.evr === undefined) return true;
  const [x, y] = [accepts[a.op], accepts[b.op]];
  if ((x.below && y.below) || (x.above && y.above)) return true;
  const order = compareEvr(a.evr, b.evr);
  if (order < 0) return x.above || y.below;
  if (order > 0) return x.below || y.above;
  if ((a.evr.release === '') !== (b.evr.release === '')) return a.evr.release === '' ? x.same : y.same;
  return x.same && y.same;
}

class Present {
  readonly all: readonly SolvPackage[];
  private readonly offers = new Map<string, Offer[]>();
  private readonly options: RpmCheckOptions;

  constructor(all: readonly SolvPackage[], options: RpmCheckOptions) {
    this.all = all;
    this.options = options;
    for (const by of all) {
      this.put(by.name, { by, op: '=', evr: by.evr });
      for (const { name, op, evr } of by.provides) this.put(name, { by, ...(op === undefined || evr === undefined ? {} : { op, evr }) });
      for (const { path } of by.files) this.put(path, { by });
    }
    const byLabel = new Map(all.map((item) => [rpmLabel(item), item]));
    for (const [path, labels] of options.owners ?? []) {
      for (const label of labels) {
        const by = byLabel.get(label);
        if (by !== undefined) this.put(path, { by });
      }
    }
  }

  private put(name: string, offer: Offer): void {
    const known = this.offers.get(name);
    if (known === undefined) this.offers.set(name, [offer]);
    else known.push(offer);
  }

  providers(relation: RpmRelation): SolvPackage[] {
    return [...new Set((this.offers.get(relation.name) ?? []).filter((offer) => overlap(offer, relation)).map(({ by }) => by))];
  }

  private isSystem({ name }: RpmRelation): boolean { return name.startsWith('rpmlib(') || this.options.assumed.has(name); }

  /** Packages that meet it, as far as single packages can; for `with` and `without`. */
  private set(rich: RichRelation, except?: SolvPackage): SolvPackage[] {
    if (rich.kind === 'plain') return this.providers(rich.relation).filter((item) => item !== except);
    if ('then' in rich) return [];
    const left = this.set(rich.left, except);
    const right = this.set(rich.right, except);
    if (rich.kind === 'or') return [...left, ...right];
    return left.filter((item) => right.includes(item) !== (rich.kind === 'without'));
  }

  /** With `except` by others than that package. Conditions look at everything: without it they would say something else. */
  isMet(rich: RichRelation, except?: SolvPackage): boolean {
    switch (rich.kind) {
      case 'plain': return this.isSystem(rich.relation) || this.set(rich, except).length > 0;
      case 'and': return this.isMet(rich.left, except) && this.isMet(rich.right, except);
      case 'or': return this.isMet(rich.left, except) || this.isMet(rich.right, except);
      case 'with': case 'without': return this.set(rich, except).length > 0;
      case 'if': return this.isMet(rich.condition) ? this.isMet(rich.then, except) : rich.otherwise === undefined || this.isMet(rich.otherwise, except);
      case 'unless': return this.isMet(rich.condition) ? rich.otherwise !== undefined && this.isMet(rich.otherwise, except) : this.isMet(rich.then, except);
    }
  }

  relationIsMet(relation: RpmRelation, except?: SolvPackage): boolean {
    if (!relation.name.startsWith('(')) return this.isMet({ kind: 'plain', relation }, except);
    const rich = parseRich(relation.name);
    return rich !== undefined && this.isMet(rich, except);
  }
}

const is64 = (arch: string): boolean => /64|s390x/.test(arch);

function clashes(item: SolvPackage, present: Present, options: RpmCheckOptions): string[] {
  const found: string[] = [];
  for (const relation of item.conflicts) {
    const others = relation.name.startsWith('(') ? [] : present.providers(relation).filter((other) => other !== item);
    const isRichMet = relation.name.startsWith('(') && present.relationIsMet(relation) && present.relationIsMet(relation, item);
    if (others.length > 0 || isRichMet) found.push(`${rpmLabel(item)} conflicts with ${relationText(relation)}`);
  }
  for (const relation of item.obsoletes) {
    const other = present.all.find((each) => each !== item && each.name === relation.name && overlap({ op: '=', evr: each.evr }, relation));
    if (other !== undefined) found.push(`${rpmLabel(item)} obsoletes ${rpmLabel(other)}`);
  }
  if (options.isMultiversion?.(item) !== true) {
    const twin = present.all.find((other) => other !== item && other.name === item.name
      && (other.arch === item.arch || other.arch === 'noarch' || item.arch === 'noarch' || is64(other.arch) === is64(item.arch)));
    if (twin !== undefined) found.push(`${rpmLabel(item)} cannot be beside ${rpmLabel(twin)}`);
  }
  return found;
}

/** Another version (or architecture where one is noarch), or what obsoletes it; several versions of a kernel stay. */
function replaces(item: SolvPackage, old: SolvPackage, options: RpmCheckOptions): boolean {
  const isSame = item.name === old.name && (item.arch === old.arch || item.arch === 'noarch' || old.arch === 'noarch') && options.isMultiversion?.(item) !== true;
  return isSame || item.obsoletes.some((relation) => relation.name === old.name && overlap({ op: '=', evr: old.evr }, relation));
}

/** What stands in the way of installing `chosen` together; empty when nothing does. */
export function checkRpmClosure(chosen: readonly SolvPackage[], options: RpmCheckOptions): string[] {
  const before = options.installed.filter((old) => !chosen.some((item) => replaces(item, old, options)));
  const present = new Present([...chosen, ...before], options);
  const unmet = chosen.flatMap((item) => item.requires.filter((relation) => !present.relationIsMet(relation)).map((relation) => `${rpmLabel(item)} requires ${relationText(relation)}`));
  const once = new Present(options.installed, options);
  const broken = before.flatMap((item) => item.requires.filter((relation) => once.relationIsMet(relation) && !present.relationIsMet(relation)).map((relation) => `${rpmLabel(item)}, which is installed, requires ${relationText(relation)}`));
  return [...unmet, ...broken, ...chosen.flatMap((item) => clashes(item, present, options))];
}
