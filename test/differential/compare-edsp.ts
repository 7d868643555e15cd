import { BundleError } from '../../bom/errors.ts';
import { solveAptClassic } from '../../downloader/solver/apt-classic.ts';
import { findPackage } from '../../downloader/solver/apt-specs.ts';
import { checkClosure } from '../../downloader/solver/checker.ts';
import { keepReachable } from '../../downloader/solver/garbage.ts';
import { PinPolicy } from '../../downloader/solver/pins.ts';
import { Universe } from '../../downloader/solver/universe.ts';
import { parseStanzas } from '../../formats/deb/deb822.ts';
import { label } from './apt.ts';
import { type AptAnswer, askApt } from './edsp.ts';
import { packagesText, randomUniverse, type RandomUniverse, type Shape } from './random-universe.ts';

export type Verdict = 'same' | 'same after repair' | 'unsolvable for both' | 'only apt solves it' | 'only ours solves it' | 'different' | 'apt gave no answer';
export interface EdspOptions { readonly from: number; readonly count: number; readonly shape: Shape }
export interface Comparison { readonly verdict: Verdict; readonly apt: string | undefined; readonly ours: string }

const nameOf = ({ name, arch }: { readonly name: string; readonly arch: string }, native: string): string => `${name}${arch === native ? '' : `:${arch}`}`;

function universeOf(random: RandomUniverse, architectures: readonly string[]): { readonly universe: Universe; readonly pins: PinPolicy; readonly installed: ReadonlyMap<string, string> } {
  const universe = new Universe(architectures);
  universe.add({ bytes: Buffer.from(packagesText(random)), subject: 'universe', priority: 500 });
  const native = architectures[0] ?? '';
  const preferences = random.packages.filter(({ preferred }) => preferred === true)
    .map((item) => ({ packages: [`${item.name}:${item.arch}`], kind: 'version' as const, value: item.version, priority: 1001 }));
  const installed = new Map(random.packages.filter((item) => item.installed === true).map((item) => [nameOf(item, native), item.version]));
  return { universe, pins: new PinPolicy(universe, { preferences }), installed };
}

/** apt's program leaves what is not needed; the pass that drops it is ours for both sides. */
function withoutGarbage(universe: Universe, { install, remove }: AptAnswer, random: RandomUniverse): string {
  const versions = new Map(Array.from({ length: universe.versionCount }, (_, version) => [label(universe, version), version]));
  const pick = (items: readonly string[]): Map<number, number> => new Map(items.flatMap((item) => {
    const version = versions.get(item);
    return version === undefined ? [] : [[universe.ownerOf(version), version] as const];
  }));
  const gone = pick(remove);
  const before = pick(random.packages.filter(({ installed }) => installed === true).map(({ name, version, arch }) => `${name} ${version} ${arch}`));
  const added = pick(install);
  const selected = new Map([...[...before].filter(([pkg]) => !gone.has(pkg)), ...added]);
  const kept = keepReachable(universe, selected, [...random.wanted.flatMap((name) => findPackage(universe, name) ?? []), ...before.keys()]);
  return answerText([...added].filter(([pkg]) => kept.has(pkg)).map(([, version]) => label(universe, version)), [...gone.keys()].map((pkg) => universe.label(pkg)));
}

const answerText = (install: readonly string[], remove: readonly string[]): string => [...[...install].sort(), ...[...remove].sort().map((item) => `without ${item}`)].join('\n');

/** How both solve one universe. */
export function compareUniverse(random: RandomUniverse, architectures: readonly string[], subject = 'universe'): Comparison {
  const apt = askApt(random, architectures);
  if (apt === 'silent') return { verdict: 'apt gave no answer', apt: undefined, ours: '' };
  return compareAnswers(random, architectures, { apt, subject });
}

/** Ours beside an answer of apt's. */
export function compareAnswers(random: RandomUniverse, architectures: readonly string[], { apt: answer, subject }: { readonly apt: AptAnswer | undefined; readonly subject: string }): Comparison {
  const { universe, pins, installed } = universeOf(random, architectures);
  const apt = answer === undefined ? undefined : withoutGarbage(universe, answer, random);
  try {
    const { chosen, exact, removed = [] } = solveAptClassic(universe, { wanted: random.wanted, recommends: random.recommends, mode: 'closure', pins, installed });
    const stanzas = chosen.flatMap(({ version }) => parseStanzas(universe.stanzaOf(version), { subject: 'chosen' }));
    const there = parseStanzas(packagesText({ ...random, packages: random.packages.filter((item) => item.installed === true) }), { subject: 'installed' });
    const problems = checkClosure(stanzas, { nativeArch: architectures[0] ?? '', installed: there, assumed: new Set(), removed });
    if (problems.length > 0) throw new Error(`${subject}: the checker finds ${problems.join('; ')}`);
    const ours = answerText(chosen.map(({ version }) => label(universe, version)), removed);
    if (apt === undefined) return { verdict: 'only ours solves it', apt, ours };
    return { verdict: ours !== apt ? 'different' : exact ? 'same' : 'same after repair', apt, ours };
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return { verdict: apt === undefined ? 'unsolvable for both' : 'only apt solves it', apt, ours: `refused: ${error.facts.actual}` };
  }
}

/** Seeds by verdict. */
export function compareUniverses({ from, count, shape }: EdspOptions): Map<Verdict, number[]> {
  const seeds = new Map<Verdict, number[]>();
  for (let seed = from; seed < from + count; seed += 1) {
    const { verdict } = compareUniverse(randomUniverse(seed, shape), shape.architectures, `universe ${seed}`);
    seeds.set(verdict, [...(seeds.get(verdict) ?? []), seed]);
  }
  return seeds;
}
