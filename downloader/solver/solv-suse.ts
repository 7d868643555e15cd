// How SUSE's packages write what rpm had no word for: libsolv reads these names as relations, for dnf as for zypper.
import type { RpmRelation } from '../../formats/rpm/relation.ts';
import type { DependencyKind } from './solv-tables.ts';

/** Names that stand inside: no blanks, no parentheses. */
const together = /^packageand\(([^()\s]+)\)$/;
const others = /^otherproviders\(([^()\s]+)\)$/;

/**
 * `Supplements: packageand(a:b)` is `(a and b)`; `Conflicts: otherproviders(x)` is `x`, which no package says of itself. Everything else stays as it is: `locale(…)`, `modalias(…)` and `filesystem(…)` are names that
 * nothing provides, as on a machine with no language and no hardware of its own.
 */
export function meantBy(kind: DependencyKind, relation: RpmRelation): RpmRelation {
  if (kind === 'conflicts') {
    const [, name] = others.exec(relation.name) ?? [];
    return name === undefined ? relation : { name };
  }
  const [, list] = kind === 'supplements' ? together.exec(relation.name) ?? [] : [];
  const names = list?.split(':') ?? [''];
  if (names.includes('')) return relation;
  return { name: names.length === 1 ? names.join() : `(${names.join(' and ')})` };
}
