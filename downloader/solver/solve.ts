import type { PinPolicy } from './pins.ts';
import type { RelationField, Universe } from './universe.ts';

export interface SolveRequest {
  /** `name`, `name:arch`, `name=version` (a glob is allowed), `name/suite`, in the order of the command line. */
  readonly wanted: readonly string[];
  readonly recommends: boolean;
  /** `none`: only what was named; `direct`: and what it depends on itself; `closure`: everything. */
  readonly mode: 'none' | 'direct' | 'closure';
  /** What the machines have already: name (or name:arch) to version; without one, any version is assumed to do. */
  readonly installed?: ReadonlyMap<string, string | undefined>;
  /** Those of them that keep their version, whatever is newer: `apt-mark hold`. */
  readonly held?: ReadonlySet<string>;
  /** Priorities of versions; those of their indexes without it. */
  readonly pins?: PinPolicy;
  /** Packages that a pinned version needs in one exact version are pinned to that too. Without it such a set is refused, as apt does. */
  readonly followExact?: boolean;
}

/** Why a version was taken. */
export interface Chosen {
  readonly version: number;
  /** `upgrade`: it is installed, and would break in its old version. */
  readonly reason: 'requested' | 'upgrade' | Lowercase<RelationField>;
  /** The version whose relation it was. */
  readonly requiredBy?: number;
}

/** An option that was offered and passed over. */
export interface Rejection {
  readonly for: string;
  readonly relation: string;
  readonly chosen?: string;
  readonly option: string;
  readonly because: string;
}

export interface Decision {
  /** In the order of choice; nothing that was installed before. */
  readonly chosen: readonly Chosen[];
  readonly rejected: readonly Rejection[];
  /** Whether the target's own solver gives the same; false when a repair was needed, with the reason in `notes`. */
  readonly exact: boolean;
  readonly notes: readonly string[];
  /** What the machines have and lose: name or name:arch. */
  readonly removed?: readonly string[];
}

/**
 * Solves one package set as a whole. Pure: the same universe and request give the same decision. Throws `RESOLVE_NOT_FOUND` for a spec
 * that names nothing and `RESOLVE_UNSOLVABLE` with the shortest chain that leads to what cannot be met.
 */
export type Solve = (universe: Universe, request: SolveRequest) => Decision;
