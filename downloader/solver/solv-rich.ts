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
  return both(either(whenHeld, notHeld), either(whenNot, held));
}

/** Whether the relation needs more than one set of packages to say: `or`, `with` and `without` of plain ones do not. */
export function isConditional(rich: RichRelation): boolean {
  if (rich.kind === 'plain' || rich.kind === 'with' || rich.kind === 'without') return false;
  return rich.kind !== 'or' || isConditional(rich.left) || isConditional(rich.right);
}

/** Whether what is there (`holds`) meets the relation of a Supplements or Enhances; `a if b` without `else` then means `a`, as in libsolv. */
export function isMetBy(view: SolvView, rich: RichRelation, holds: (solvable: number) => boolean): boolean {
  switch (rich.kind) {
    case 'and': return isMetBy(view, rich.left, holds) && isMetBy(view, rich.right, holds);
    case 'or': return isMetBy(view, rich.left, holds) || isMetBy(view, rich.right, holds);
    case 'if': return isMetBy(view, rich.condition, holds) || rich.otherwise === undefined ? isMetBy(view, rich.then, holds) : isMetBy(view, rich.otherwise, holds);
    case 'unless': return isMetBy(view, rich.condition, holds) ? rich.otherwise !== undefined && isMetBy(view, rich.otherwise, holds) : isMetBy(view, rich.then, holds);
    default: {
      const providers = view.richProviders(rich);
      return providers === always || providers.some(holds);
    }
  }
}
