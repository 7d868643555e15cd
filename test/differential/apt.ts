import { readFile } from 'node:fs/promises';
import { BundleError } from '../../bom/errors.ts';
import { parseStanzas } from '../../formats/deb/deb822.ts';
import { solveAptClassic } from '../../downloader/solver/apt-classic.ts';
import { checkClosure } from '../../downloader/solver/checker.ts';
import type { Universe } from '../../downloader/solver/universe.ts';
import { kindsOfSets } from './apt-kinds.ts';
import { packageSets } from './apt-sets.ts';
import { randomFrom } from './random-universe.ts';
import { aptAnswer, openPair, type Pair } from './real-apt.ts';

export interface AptDifferentialOptions {
  readonly architectures: readonly string[];
  /** Sets beside the fixed ones: one to six packages picked at random. */
  readonly random: number;
  readonly seed: number;
  /** Path of a dpkg status file that apt and we start from; an empty machine without it. */
  readonly baseline?: string;
  /** Or machines with this profile, as old as their release. */
  readonly profile?: string;
  /** Only sets that contain this text. */
  readonly only?: string;
  /** Take every n-th fixed set. */
  readonly every: number;
  /** Sets of every kind beside them (`apt-kinds.ts`): how many of each. */
  readonly kinds?: number;
  /** A file of sets in place of the fixed ones, one a line as on apt-get's command line; `#` begins a comment. */
  readonly sets?: string;
  /** One of several runs that together compare everything: `K/N`, K from 1. */
  readonly part?: string;
}

export interface Tally { same: number; refusedByBoth: number; readonly different: string[] }

export const label = (universe: Universe, version: number): string =>
  `${universe.names.nameOf(universe.nameOf(universe.ownerOf(version)))} ${universe.versionText(version)} ${universe.archText(version)}`;

/** Ours, in the form of {@link aptAnswer}; a text when it is refused. */
export function ourAnswer({ offer: { universe, installed, installedStanzas } }: Pair, wanted: readonly string[], recommends: boolean): string[] | string {
  try {
    const { chosen, removed = [] } = solveAptClassic(universe, { wanted, recommends, mode: 'closure', installed });
    const stanzas = chosen.flatMap(({ version }) => parseStanzas(universe.stanzaOf(version), { subject: 'chosen' }));
    const problems = checkClosure(stanzas, { nativeArch: universe.architectures[0] ?? '', installed: installedStanzas, assumed: new Set(), removed });
    if (problems.length > 0) throw new Error(`the checker finds: ${problems.join('; ')}`);
    return chosen.map(({ version }) => label(universe, version)).sort();
  } catch (error) {
    if (error instanceof BundleError && error.family === 'resolve') return error.message;
    throw error;
  }
}

function randomSets(universe: Universe, { random, seed }: AptDifferentialOptions): string[] {
  const next = randomFrom(seed);
  return Array.from({ length: random }, () => Array.from({ length: next() < 0.6 ? 1 : 2 + Math.floor(next() * 5) }, () => {
    const owner = universe.ownerOf(Math.floor(next() * universe.versionCount));
    return universe.label(owner);
  }).join(' '));
}

function describe(set: string, recommends: boolean, arch: string, apt: readonly string[] | undefined, ours: readonly string[] | string): string {
  const title = `${arch} ${recommends ? 'with' : 'without'} recommends: ${set}`;
  if (apt === undefined) return `${title}\n    apt refuses, ours takes ${ours.length}`;
  if (typeof ours === 'string') return `${title}\n    apt takes ${apt.length}, ours refuses: ${ours}`;
  const theirs = new Set(apt);
  const own = new Set(ours);
  return `${title}\n    only apt: ${apt.filter((item) => !own.has(item)).join(', ') || '-'}\n    only ours: ${ours.filter((item) => !theirs.has(item)).join(', ') || '-'}`;
}

/** Sets of one part of a run; all of them without `part`. */
function partOf(sets: readonly string[], part = '1/1'): string[] {
  const [, number, count] = /^(\d+)\/(\d+)$/.exec(part) ?? [];
  if (number === undefined || Number(number) < 1 || Number(number) > Number(count)) throw new Error(`${part} is not K/N with K from 1 to N`);
  return sets.filter((_, index) => index % Number(count) === Number(number) - 1);
}

async function statusOf({ baseline, profile }: AptDifferentialOptions, arch: string): Promise<string> {
  if (profile !== undefined) return (await import('./profiles.ts')).profileStatus(profile, arch.split('+')[0] ?? '');
  return baseline === undefined ? '' : readFile(baseline, 'utf8');
}

async function fixedSets({ sets }: AptDifferentialOptions): Promise<readonly string[]> {
  if (sets === undefined) return packageSets;
  return (await readFile(sets, 'utf8')).split('\n').map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '');
}

/** Compares every set, with and without Recommends, on every architecture. */
export async function compareWithApt(options: AptDifferentialOptions, print: (line: string) => void): Promise<Tally> {
  const tally: Tally = { same: 0, refusedByBoth: 0, different: [] };
  for (const arch of options.architectures) {
    const pair = await openPair(arch.split('+'), await statusOf(options, arch));
    try {
      const fixed = (await fixedSets(options)).filter((_, index) => index % options.every === 0);
      const kinds = options.kinds === undefined ? [] : kindsOfSets(pair.offer.universe, options.seed, options.kinds).map(({ specs }) => specs.join(' '));
      const sets = partOf([...fixed, ...randomSets(pair.offer.universe, options), ...kinds].filter((set) => options.only === undefined || set.includes(options.only)), options.part);
      for (const set of sets) {
        for (const recommends of [true, false]) {
          const names = set.split(/\s+/);
          const apt = await aptAnswer(pair, names, recommends);
          const ours = ourAnswer(pair, names, recommends);
          if (apt === undefined && typeof ours === 'string') tally.refusedByBoth += 1;
          else if (apt !== undefined && typeof ours !== 'string' && apt.join('\n') === ours.join('\n')) tally.same += 1;
          else {
            const text = describe(set, recommends, arch, apt, ours);
            tally.different.push(text);
            print(text);
          }
        }
      }
      print(`${arch}: ${sets.length} sets`);
    } finally {
      await pair.close();
    }
  }
  return tally;
}
