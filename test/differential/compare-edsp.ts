import { BundleError } from '../../bom/errors.ts';
import { solveAptClassic } from '../../downloader/solver/apt-classic.ts';
import { checkClosure } from '../../downloader/solver/checker.ts';
import { keepReachable } from '../../downloader/solver/garbage.ts';
import { Universe } from '../../downloader/solver/universe.ts';
import { parseStanzas } from '../../formats/deb/deb822.ts';
import { label } from './apt.ts';
import { askApt } from './edsp.ts';
import { packagesText, randomUniverse, type Shape } from './random-universe.ts';

export type Verdict = 'same' | 'same after repair' | 'unsolvable for both' | 'only apt solves it' | 'only ours solves it' | 'different';
export interface EdspOptions { readonly from: number; readonly count: number; readonly shape: Shape }

/** apt's program leaves what is not needed; the pass that drops it is ours for both sides. */
function withoutGarbage(universe: Universe, answer: readonly string[], wanted: readonly string[]): string {
  const versions = new Map(Array.from({ length: universe.versionCount }, (_, version) => [label(universe, version), version]));
  const selected = new Map(answer.flatMap((item) => {
    const version = versions.get(item);
    return version === undefined ? [] : [[universe.ownerOf(version), version] as const];
  }));
  const kept = keepReachable(universe, selected, wanted.map((name) => universe.packageOf(universe.names.find(name), 0)));
  return [...selected].filter(([pkg]) => kept.has(pkg)).map(([, version]) => label(universe, version)).sort().join('\n');
}

/** The verdict on one random universe. */
export function compareUniverse(seed: number, shape: Shape): Verdict {
  const random = randomUniverse(seed, shape);
  const universe = new Universe(shape.architectures);
  universe.add({ bytes: Buffer.from(packagesText(random)), subject: `universe ${seed}`, priority: 500 });
  const apt = askApt(random, shape.architectures);
  try {
    const { chosen, exact } = solveAptClassic(universe, { wanted: random.wanted, recommends: random.recommends, mode: 'closure' });
    const stanzas = chosen.flatMap(({ version }) => parseStanzas(universe.stanzaOf(version), { subject: 'chosen' }));
    const problems = checkClosure(stanzas, { nativeArch: shape.architectures[0] ?? '', installed: [], assumed: new Set() });
    if (problems.length > 0) throw new Error(`universe ${seed}: the checker finds ${problems.join('; ')}`);
    if (apt === undefined) return 'only ours solves it';
    const ours = chosen.map(({ version }) => label(universe, version)).sort().join('\n');
    if (ours !== withoutGarbage(universe, apt, random.wanted)) return 'different';
    return exact ? 'same' : 'same after repair';
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return apt === undefined ? 'unsolvable for both' : 'only apt solves it';
  }
}

/** Seeds by verdict. */
export function compareUniverses({ from, count, shape }: EdspOptions): Map<Verdict, number[]> {
  const seeds = new Map<Verdict, number[]>();
  for (let seed = from; seed < from + count; seed += 1) {
    const verdict = compareUniverse(seed, shape);
    seeds.set(verdict, [...(seeds.get(verdict) ?? []), seed]);
  }
  return seeds;
}
