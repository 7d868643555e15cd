// What a universe is read from, and what it says of relations.
import type { ReleaseFacts } from '../../formats/deb/preferences.ts';
import type { VersionOperator } from '../../formats/deb/version.ts';

/** One Packages index, decoded. Order matters: numbers are handed out by first mention, and the first of equal versions gives the file. */
export interface IndexFacts {
  readonly subject: string;
  /** apt's pin of everything in it: 500, 100 (NotAutomatic with ButAutomaticUpgrades), 1 (NotAutomatic), or a preference. */
  readonly priority: number;
  /** What `name/suite` and preferences compare with; without it they match nothing of the index. */
  readonly release?: ReleaseFacts;
  /** What it names is what other indexes have under the same version, even if it says less or something else of it: what is installed. */
  readonly namesOnly?: true;
}

/** Bytes that are kept elsewhere. */
export interface KeptBytes {
  readonly bytes?: never;
  readonly read: (start: number, end: number) => Buffer;
  /** Told when `read` gave other bytes than were kept. */
  readonly forget?: () => void;
}

/** Its bytes are kept and read lazily, and must not change; or they are read from where they are kept. */
export type IndexInput = IndexFacts & ({ readonly bytes: Buffer } | KeptBytes);

/** One alternative, with its name as a number. `arch` as written: `any`, or an architecture. */
export interface Dependency {
  readonly name: number;
  readonly arch?: string;
  readonly operator?: VersionOperator;
  readonly version?: string;
}
export type DependencyGroup = readonly Dependency[];

export interface Provider { readonly version: number; readonly provided?: string }
