import { checkRpmClosure } from '../../../downloader/solver/rpm-checker.ts';
import { installedRpms } from './installed-universe.ts';
import { askLibsolv, type OracleAnswer, type OracleDocument, ourAnswer, packageOf } from './oracle.ts';
import { randomRpms, type RpmShape } from './random-rpms.ts';

export type LibsolvVerdict = 'same' | 'refused by both' | 'libsolv gives what cannot be installed' | 'different';

/** Whether packages can be installed together, by the checker. */
export function holds(document: OracleDocument, taken: readonly number[]): boolean {
  const chosen = taken.flatMap((index) => { const item = document.packages[index]; return item === undefined ? [] : [packageOf(item)]; });
  return checkRpmClosure(chosen, { installed: [], assumed: new Set() }).length === 0;
}

function verdictOf(document: OracleDocument, theirs: readonly number[] | null | undefined, ours: readonly number[] | null | undefined): LibsolvVerdict {
  if (JSON.stringify(theirs) === JSON.stringify(ours)) return theirs === null ? 'refused by both' : 'same';
  return theirs !== null && theirs !== undefined && !holds(document, theirs) ? 'libsolv gives what cannot be installed' : 'different';
}

export interface LibsolvTally {
  readonly counts: Readonly<Record<LibsolvVerdict, number>>;
  readonly different: readonly number[];
  /** Answers of ours that the checker refuses. */
  readonly unproved: readonly number[];
  readonly answers: Readonly<Record<number, OracleAnswer>>;
}

/** `count` universes of a shape from `seed` on, each with its jobs; with `isInstalled` of machines that have something. */
export async function compareShape(shape: RpmShape, seed: number, count: number, isInstalled = false): Promise<LibsolvTally> {
  const counts = { same: 0, 'refused by both': 0, 'libsolv gives what cannot be installed': 0, different: 0 };
  const different: number[] = [];
  const unproved: number[] = [];
  const answers: Record<number, OracleAnswer> = {};
  const made = Array.from({ length: count }, (_, index) => (isInstalled ? installedRpms(seed + index, shape) : randomRpms(seed + index, shape)));
  const seeds = made.flatMap((document, index) => (document === undefined || document.jobs[0]?.install.length === 0 ? [] : [seed + index]));
  const documents = seeds.flatMap((each) => made[each - seed] ?? []);
  let turn = 0;
  for await (const { document, answer } of askLibsolv(documents)) {
    const ours = ourAnswer(document);
    const at = seeds[turn] ?? seed;
    for (const index of document.jobs.keys()) {
      const verdict = verdictOf(document, answer[index], ours[index]);
      counts[verdict] += 1;
      if (verdict === 'different') different.push(at);
      const taken = ours[index];
      if (!isInstalled && taken !== null && taken !== undefined && !holds(document, taken)) unproved.push(at);
    }
    answers[at] = answer;
    turn += 1;
  }
  return { counts, different, unproved, answers };
}
