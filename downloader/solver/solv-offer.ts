// What the parts of choosing rpm packages hand each other.
import type { Comps } from '../../formats/rpm/comps.ts';
import type { ActiveModules, ModuleChoice } from './solv-modules.ts';
import type { SolvView } from './solv-view.ts';

export interface SolvSettings {
  /** Of the machine: x86_64, aarch64, … */
  readonly arch: string;
  /** Take packages of no other architectures than these (and noarch). */
  readonly only?: readonly string[];
  /** Specs that are not to be chosen from any repository; those of one repository stand with it. */
  readonly excludes?: readonly string[];
  readonly modules?: ModuleChoice;
  readonly groups?: readonly Comps[];
  /** false: a 32-bit package never stands beside the 64-bit one of its name, as in a libsolv built without support for that (Debian's). */
  readonly twins?: boolean;
}

/** What may be chosen, after excludes and modules; good for any number of requests. */
export interface SolvOffer {
  readonly view: SolvView;
  readonly settings: SolvSettings;
  readonly modules?: ActiveModules;
  /** 0: left out; by package. */
  readonly considered: Uint8Array;
}

export interface Wanted {
  readonly spec: string;
  readonly versions: 'newest' | 'all';
  /** Of each line one package. */
  readonly requests: readonly (readonly number[])[];
  /** Clauses for members of a group that depend on another package. */
  readonly conditions: readonly (readonly number[])[];
}
