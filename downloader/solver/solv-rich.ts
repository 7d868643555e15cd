// Rich relations as clauses: the RPM reference manual, "Boolean Dependencies".
import { BundleError } from '../../bom/errors.ts';
import type { RichRelation } from '../../formats/rpm/relation.ts';
import { always, type SolvView } from './solv-view.ts';

/** Literals: a package, or a package below 0 for its absence. One of them has to hold. */
export type Clause = readonly number[];
/** All clauses have to hold: none means always, an empty clause never. */
export type Clauses = readonly Clause[];

/** Relations of real packages make a handful; hostile text could make any number. */
const mostLiterals = 1_000_000;

const met: Clauses = [];

function simplified(clause: readonly number[]): Clause | undefined {
  const literals = [...new Set(clause)].sort((a, b) => a - b);
  return literals.some((literal) => literal < 0 && literals.includes(-literal)) ? undefined : literals;
}

const never: Clauses = [[]];
const isNever = (clauses: Clauses): boolean => clauses.some((clause) => clause.length === 0);
const both = (a: Clauses, b: Clauses): Clauses => (isNever(a) || isNever(b) ? never : [...a, ...b]);

function either(a: Clauses, b: Clauses): Clauses {
  const size = a.length * b.reduce((sum, clause) => sum + clause.length, 0) + b.length * a.reduce((sum, clause) => sum + clause.length, 0);
  if (size > mostLiterals) {
    throw new BundleError('INTEGRITY_METADATA', { subject: 'a rich relation', expected: 'one of a size that real packages have', actual: `${size} parts when written out` });
  }
  return a.flatMap((one) => b.flatMap((other) => {
    const clause = simplified([...one, ...other]);
    return clause === undefined ? [] : [clause];
  }));
}

/** What has to hold for the relation to be met, or with `negated` for it not to be. */
export function clausesOf(view: SolvView, rich: RichRelation, negated = false): Clauses {
  switch (rich.kind) {
    case 'and':
    case 'or': {
      const join = (rich.kind === 'and') === negated ? either : both;
      return join(clausesOf(view, rich.left, negated), clausesOf(view, rich.right, negated));
    }
    case 'if':
    case 'unless': return conditional(view, rich, negated);
    default: {
      const providers = rich.kind === 'plain' ? view.providers(view.universe.relationId(rich.relation)) : view.richProviders(rich);
      if (providers === always) return negated ? never : met;
      return negated ? [...providers].map((id) => [-id]) : [[...providers]];
    }
  }
}

/** With `else`, both read: when the condition holds the one, otherwise the other. */
function conditional(view: SolvView, rich: Extract<RichRelation, { readonly kind: 'if' | 'unless' }>, negated: boolean): Clauses {
  const held = clausesOf(view, rich.condition);
  const notHeld = clausesOf(view, rich.condition, true);
  const then = clausesOf(view, rich.then, negated);
  if (rich.otherwise === undefined) {
    if (rich.kind === 'if') return negated ? both(then, held) : either(then, notHeld);
    return negated ? either(then, held) : both(then, notHeld);
  }
  const otherwise = clausesOf(view, rich.otherwise, negated);
  const [whenHeld, whenNot] = rich.kind === 'if' ? [then, otherwise] : [otherwise, then];
  const clauses = both(either(whenHeld, notHeld), either(whenNot, held));
  // What follows from both is said too where libsolv multiplies it out: it decides sooner.
  return (rich.kind === 'if') === negated ? both(either(whenHeld, whenNot), clauses) : clauses;
}

/** Whether the relation needs more than one set of packages to say: `or`, `with` and `without` of plain ones do not. */
export function isConditional(rich: RichRelation): boolean {
  if (rich.kind === 'plain' || rich.kind === 'with' || rich.kind === 'without') return false;
  return rich.kind !== 'or' || isConditional(rich.left) || isConditional(rich.right);
}

/** Whether what is reached can lead to the relation being met; of a condition nobody knows before the search. */
export function mayBeMet(rich: RichRelation, isReached: (part: RichRelation) => boolean): boolean {
  if (rich.kind === 'if' || rich.kind === 'unless') return true;
  if (rich.kind === 'and') return mayBeMet(rich.left, isReached) && mayBeMet(rich.right, isReached);
  if (rich.kind === 'or') return mayBeMet(rich.left, isReached) || mayBeMet(rich.right, isReached);
  return isReached(rich);
}

/** Every package that a part of the relation names. */
export function mentioned(view: SolvView, rich: RichRelation): readonly number[] {
  if (rich.kind === 'plain') return [...view.providers(view.universe.relationId(rich.relation))];
  if ('left' in rich) return [...mentioned(view, rich.left), ...mentioned(view, rich.right)];
  return [rich.then, rich.condition, ...(rich.otherwise === undefined ? [] : [rich.otherwise])].flatMap((part) => mentioned(view, part));
}

export interface MetOptions {
  readonly holds: (solvable: number) => boolean;
  /** Whether `a if b` is met when neither is there. */
  readonly vacuous: boolean;
}

/** `vacuous`: nothing but conditions that do not hold. */
type Met = 'no' | 'vacuous' | 'yes';

/** Whether what is there meets the relation. */
export function isMetBy(view: SolvView, rich: RichRelation, { holds, vacuous }: MetOptions): boolean {
  const met = howMet(view, rich, holds);
  return met === 'yes' || (vacuous && met === 'vacuous');
}

function howMet(view: SolvView, rich: RichRelation, holds: MetOptions['holds']): Met {
  const met = (part: RichRelation): Met => howMet(view, part, holds);
  switch (rich.kind) {
    case 'and': {
      const parts = [met(rich.left), met(rich.right)];
      return parts.includes('no') ? 'no' : parts.includes('yes') ? 'yes' : 'vacuous';
    }
    case 'or': {
      const parts = [met(rich.left), met(rich.right)];
      return parts.includes('yes') ? 'yes' : parts.includes('vacuous') ? 'vacuous' : 'no';
    }
    case 'if':
      if (met(rich.condition) !== 'no') return met(rich.then);
      if (rich.otherwise !== undefined) return met(rich.otherwise);
      return met(rich.then) === 'yes' ? 'yes' : 'vacuous';
    case 'unless': return met(rich.condition) === 'no' ? met(rich.then) : rich.otherwise === undefined ? 'no' : met(rich.otherwise);
    default: {
      const providers = view.richProviders(rich);
      return providers === always || providers.some(holds) ? 'yes' : 'no';
    }
  }
}
