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

/** One entry that both sides have, and what each would say of it: fields with their values, as an overlay writes them. */
export interface Choice { readonly module: string; readonly name: string; readonly set: string }

/** The next step that decides for one side or the other. Each overlay works as it is written. */
export function eitherSide(kind: 'image' | 'file' | 'chart' | 'git' | 'packages', [first, second]: readonly [Choice, Choice]): string {
  const overlay = (changed: Choice, kept: Choice): string => `overlays: [{match: {module: ${changed.module}, ${kind}: "${changed.name}"}, set: {${kept.set}}}]`;
  return `Settle it in the project, for ${first.module}'s: ${overlay(second, first)}; for ${second.module}'s: ${overlay(first, second)}.`;
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
