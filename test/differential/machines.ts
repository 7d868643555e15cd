// Random universes on random machines, with what apt-get itself would install and remove there: its solver program leaves out what apt-get does for machines that have something.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeAptRoot } from '../support/apt-root.ts';
import { compareAnswers, type Verdict } from './compare-edsp.ts';
import type { AptAnswer } from './edsp.ts';
import { removedIn } from './real-apt.ts';
import { withMachine } from './random-machine.ts';
import { packagesText, randomUniverse, type RandomUniverse, type Shape } from './random-universe.ts';

const stanzasOf = (universe: RandomUniverse): string[] => (universe.packages.length === 0 ? [] : packagesText(universe).trim().split('\n\n'));

/** What `apt-get install` says; undefined when it refuses. `more` are options, whose output goes to stderr. */
export async function askAptGet(universe: RandomUniverse, architectures: readonly string[], more: readonly string[] = []): Promise<AptAnswer | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-machine-'));
  try {
    const repository = join(folder, 'repository');
    await mkdir(repository);
    const file = (number: number): string => `Size: 1\nSHA256: ${'0'.repeat(64)}\nFilename: ${number}.deb`;
    await writeFile(join(repository, 'Packages'), stanzasOf(universe).map((stanza, number) => `${stanza}\n${file(number)}\n`).join('\n'));
    const there = stanzasOf({ ...universe, packages: universe.packages.filter(({ installed }) => installed === true) });
    const root = await makeAptRoot(folder, {
      architecture: architectures[0] ?? '', sources: `Types: deb\nURIs: file:${repository}\nSuites: ./\nTrusted: yes\n`,
      extra: [`APT::Architectures { ${architectures.map((arch) => `"${arch}";`).join(' ')} };`], status: there.map((stanza) => `${stanza}\nStatus: install ok installed\n`).join('\n'),
    });
    await root.mustApt(['update', '-qq']);
    const outcome = await root.apt(['install', '--print-uris', '-y', '--allow-remove-essential', ...more, universe.recommends ? '--install-recommends' : '--no-install-recommends', ...universe.wanted]);
    if (more.length > 0) process.stderr.write(outcome.stdout + outcome.stderr);
    if (outcome.status !== 0) return undefined;
    const install = [...outcome.stdout.matchAll(/^'[^']+' (\S+)_(\S+)_(\S+)\.deb \d+/gm)].map(([, name, version = '', arch]) => `${name} ${decodeURIComponent(version)} ${arch}`);
    const labels = new Set(removedIn(outcome.stdout));
    const labelOf = ({ name, arch }: RandomUniverse['packages'][number]): string => (arch === architectures[0] ? name : `${name}:${arch}`);
    return { install: install.sort(), remove: universe.packages.filter((item) => item.installed === true && labels.has(labelOf(item))).map(({ name, version, arch }) => `${name} ${version} ${arch}`) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface MachineOptions { readonly from: number; readonly count: number; readonly shape: Shape }

/** Seeds by verdict. */
export async function compareMachines({ from, count, shape }: MachineOptions): Promise<Map<Verdict, number[]>> {
  const seeds = new Map<Verdict, number[]>();
  for (let seed = from; seed < from + count; seed += 1) {
    const universe = withMachine(randomUniverse(seed, { installed: 0, ...shape }), seed, { architectures: shape.architectures, most: 5 });
    const { verdict } = compareAnswers(universe, shape.architectures, { apt: await askAptGet(universe, shape.architectures), subject: `machine ${seed}` });
    seeds.set(verdict, [...(seeds.get(verdict) ?? []), seed]);
  }
  return seeds;
}
