import { formatPosition } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import type { Position } from './requirement.ts';

/** One of two sides that disagree. */
export interface Side {
  readonly module: string;
  readonly at: Position;
  readonly says: string;
}

/** `RESOLVE_CONFLICT` that names both sides with file and line; `settle` says how the project decides it. */
export function conflictOf(what: string, expected: string, [first, second]: readonly [Side, Side], settle: string): BundleError {
  const text = ({ module, at, says }: Side): string => `${says} (module ${module}, ${formatPosition(at)})`;
  return new BundleError('RESOLVE_CONFLICT', {
    subject: `${formatPosition(second.at)}: ${what}`,
    expected,
    actual: `${text(first)} and ${text(second)}`,
    next: settle,
    details: { sides: [first, second].map(({ module, at, says }) => ({ module, says, ...at })) },
  });
}

export function sortedUnique(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}

/** Positions, each once, in order of first mention. */
export function uniquePositions(positions: readonly Position[]): Position[] {
  return [...new Map(positions.map((position) => [formatPosition(position), position])).values()];
}

/** The licence field of a requirement that came from these: each named once. */
export function unitedLicence(...licences: readonly (string | undefined)[]): { readonly licence?: string } {
  const named = sortedUnique(licences.flatMap((licence) => licence?.split(' AND ') ?? []));
  return named.length === 0 ? {} : { licence: named.join(' AND ') };
}
