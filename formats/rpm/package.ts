// What repository metadata says of one package: rpm-md "primary" (createrepo_c(8), "primary.xml").
import type { Evr } from './evr.ts';
import type { RpmRelation } from './relation.ts';
import type { RecordPlace } from './xml-records.ts';

/** `sha256`, `sha512`, `sha1`, … with lower-case hex digits. */
export interface RpmChecksum {
  readonly type: string;
  readonly value: string;
}

/** A path that a package owns; `dir` and `ghost` as the metadata marks them, a plain file otherwise. */
export interface RpmFile {
  readonly path: string;
  readonly type?: 'dir' | 'ghost';
}

/** The relations of a package. Equal ones are one object within one index, rich ones keep their text in `name`. */
export interface RpmRelations {
  readonly provides: readonly RpmRelation[];
  readonly requires: readonly RpmRelation[];
  readonly conflicts: readonly RpmRelation[];
  readonly obsoletes: readonly RpmRelation[];
  readonly recommends: readonly RpmRelation[];
  readonly suggests: readonly RpmRelation[];
  readonly supplements: readonly RpmRelation[];
  readonly enhances: readonly RpmRelation[];
}

export const relationKinds = ['provides', 'requires', 'conflicts', 'obsoletes', 'recommends', 'suggests', 'supplements', 'enhances'] as const satisfies readonly (keyof RpmRelations)[];

export interface RpmPackage extends RpmRelations {
  readonly name: string;
  readonly evr: Evr;
  /** As rpm names it: x86_64, noarch, … */
  readonly arch: string;
  readonly checksum: RpmChecksum;
  /** Bytes of the file, and of what it installs. */
  readonly size: number;
  readonly installedSize: number;
  /** Relative to the repository (or to `base`), never leaving it. */
  readonly location: string;
  /** `xml:base`: an address of its own. */
  readonly base?: string;
  readonly summary?: string;
  /** Seconds since 1970. */
  readonly buildTime: number;
  readonly sourceRpm: string;
  readonly vendor?: string;
  readonly licence?: string;
  /** What primary lists: programs, /etc and the like; every path only where filelists says so. */
  readonly files: readonly RpmFile[];
  /** Bytes of the rpm that hold its main header. */
  readonly headerRange?: { readonly start: number; readonly end: number };
  /** Of its `<package>` element in the decompressed index. */
  readonly place: RecordPlace;
  /**
   * Its `<package>` element verbatim, but for `<location href=""/>`: what `LockedPackage.stanza` holds. Only while the package is being handed
   * over; later `cutStanzas` gives it from `place`.
   */
  slice(): string;
}
