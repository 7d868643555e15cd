// Random machines that have something: whole, as dpkg leaves them, and mostly older than what the universe offers.
import { BundleError } from '../../bom/errors.ts';
import { compareVersions } from '../../formats/deb/version.ts';
import { solveAptClassic } from '../../downloader/solver/apt-classic.ts';
import { checkClosure } from '../../downloader/solver/checker.ts';
import { Universe } from '../../downloader/solver/universe.ts';
import { parseStanzas } from '../../formats/deb/deb822.ts';
import { packagesText, randomFrom, type RandomPackage, type RandomUniverse } from './random-universe.ts';

const keyOf = ({ name, arch }: RandomPackage): string => `${name}:${arch}`;

/** The oldest version of each package, and of a fourth of them the newest. */
function earlier({ packages }: RandomUniverse, random: () => number): RandomPackage[] {
  return [...Map.groupBy(packages, keyOf).values()].flatMap((versions) => {
    const sorted = [...versions].sort((a, b) => compareVersions(a.version, b.version));
    const item = random() < 0.75 ? sorted[0] : sorted.at(-1);
    return item === undefined ? [] : [item];
  });
}

function closureOf(packages: readonly RandomPackage[], wanted: readonly string[], architectures: readonly string[]): RandomPackage[] | undefined {
  const universe = new Universe(architectures);
  universe.add({ bytes: Buffer.from(packagesText({ packages, wanted, recommends: false })), subject: 'machine', priority: 500 });
  try {
    const { chosen } = solveAptClassic(universe, { wanted, recommends: false, mode: 'closure' });
    const stanzas = chosen.flatMap(({ version }) => parseStanzas(universe.stanzaOf(version), { subject: 'machine' }));
    if (checkClosure(stanzas, { nativeArch: architectures[0] ?? '', installed: [], assumed: new Set() }).length > 0) return undefined;
    const there = new Set(chosen.map(({ version }) => `${universe.names.nameOf(universe.nameOf(universe.ownerOf(version)))}:${universe.archText(version)}`));
    return packages.filter((item) => there.has(keyOf(item)));
  } catch (error) {
    if (error instanceof BundleError) return undefined;
    throw error;
  }
}

/** The universe, with up to `most` packages and what they need installed before. What is asked for stays as it is. */
export function withMachine(universe: RandomUniverse, seed: number, { architectures, most }: { readonly architectures: readonly string[]; readonly most: number }): RandomUniverse {
  const random = randomFrom(seed ^ 0x5eed);
  const offered = earlier(universe, random);
  const labels = offered.map(({ name, arch }) => `${name}${arch === architectures[0] ? '' : `:${arch}`}`);
  let there: readonly RandomPackage[] = [];
  let wanted: string[] = [];
  for (let count = 0; count < most; count += 1) {
    const next = [...wanted, labels[Math.floor(random() * labels.length)] ?? ''];
    const closure = closureOf(offered, next, architectures);
    if (closure === undefined) continue;
    wanted = next;
    there = closure;
  }
  return { ...universe, packages: universe.packages.map((item) => (there.includes(item) ? { ...item, installed: true as const } : item)) };
}
