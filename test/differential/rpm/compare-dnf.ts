// A universe of the machine's Debian index as rpm-md, asked of dnf and of ours.
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { BundleError } from '../../../bom/errors.ts';
import { findOwners } from '../../../formats/rpm/filelists.ts';
import { parseModules } from '../../../formats/rpm/modules.ts';
import { addOwners } from '../../../downloader/solver/solv-files.ts';
import { solveSolvLike } from '../../../downloader/solver/solv-like.ts';
import { prepareOffer, type SolvOffer, streamsOf } from '../../../downloader/solver/solv-offer.ts';
import type { ModuleChoice } from '../../../downloader/solver/solv-modules.ts';
import type { RpmUniverse } from '../../../downloader/solver/solv-universe.ts';
import { packageSets } from '../apt-sets.ts';
import { randomFrom } from '../random-universe.ts';
import { convertStanzas, machineStanzas, sprinkle, subset } from './debian-universe.ts';
import { type DnfAnswer, type DnfOracle, type DnfRequest, type DnfVerdict, openDnf, verdictOf } from './dnf.ts';
import { loadUniverse } from './load-repository.ts';
import { sprinkleModules } from './sprinkle-modules.ts';
import { writeRepository, type WrittenRepository } from './write-repository.ts';

export interface BigOptions {
  /** Take every n-th fixed set, the first of them at `from`. */
  readonly every: number;
  readonly from?: number;
  /** Sets beside the fixed ones: one to six packages picked at random. */
  readonly random: number;
  readonly seed: number;
  readonly only?: string;
  /** Of the machine, as rpm names it; x86_64 when left out. Debian's own amd64 packages are taken to be of it. */
  readonly arch?: string;
  /** Only what these can lead to, and requests of these alone. */
  readonly within?: readonly string[];
}

export type DnfTally = Record<DnfVerdict, number>;

/** One universe in both. */
export class Big {
  private readonly universe: RpmUniverse;
  private readonly files: WrittenRepository;
  private readonly dnf: DnfOracle;
  private readonly arch: string;
  private readonly documents: ModuleChoice['documents'];
  /** By the streams that are enabled; good until the universe learns of further paths. */
  private readonly offers = new Map<string, SolvOffer>();

  constructor(universe: RpmUniverse, files: WrittenRepository, { dnf, modules, arch }: { readonly dnf: DnfOracle; readonly modules: string; readonly arch: string }) {
    this.universe = universe;
    this.files = files;
    this.dnf = dnf;
    this.arch = arch;
    this.documents = [parseModules(Buffer.from(modules), 'modules.yaml')];
  }

  private offerFor({ specs, enable = [] }: DnfRequest): SolvOffer {
    const choice = { documents: this.documents, enabled: enable, platform: 'el9' };
    const enabled = [...enable, ...streamsOf(specs, choice)];
    const offer = this.offers.get(enabled.join()) ?? prepareOffer(this.universe, { arch: this.arch, modules: { ...choice, enabled } });
    this.offers.clear();
    this.offers.set(enabled.join(), offer);
    return offer;
  }

  /** Reads filelists for as long as the answer needs paths of them. */
  async ours(request: DnfRequest): Promise<DnfAnswer> {
    const wanted = request.specs.map((spec) => ({ spec }));
    for (;;) {
      try {
        const offer = this.offerFor(request);
        const { missingPaths: paths, chosen } = solveSolvLike(offer, { wanted, weak: request.weak, best: request.best, mode: 'closure' });
        if (paths.length === 0) return { nevras: chosen.map(({ solvable }) => this.universe.nevra(solvable)).sort() };
        const owners = await findOwners(createReadStream(this.files.filelists).pipe(createGunzip()), paths, { subject: 'filelists', maxBytes: 2 ** 32 });
        addOwners(this.universe, paths, new Map([[0, owners]]));
        this.offers.clear();
      } catch (error) {
        if (error instanceof BundleError && error.family === 'resolve') return { error: `${error.message} (${error.next})` };
        throw error;
      }
    }
  }

  theirs(request: DnfRequest): Promise<DnfAnswer> { return this.dnf.ask(request); }
}

/** Names of one package, or several at blanks. */
function setsOf(universe: RpmUniverse, { every, from = 0, random, seed, only = '', within }: BigOptions): readonly string[] {
  if (within !== undefined) return within;
  const next = randomFrom(seed);
  const picked = Array.from({ length: random }, () => Array.from({ length: next() < 0.6 ? 1 : 2 + Math.floor(next() * 5) }, () => universe.nameText(1 + Math.floor(next() * (universe.count - 1)))).join(' '));
  return [...packageSets.filter((_, index) => index % every === from), ...picked].filter((set) => set.includes(only));
}

function requestsOf(universe: RpmUniverse, options: BigOptions, made: readonly DnfRequest[]): readonly DnfRequest[] {
  const { every, from = 0, only = '' } = options;
  const ofSets = setsOf(universe, options).flatMap((set) => [true, false].flatMap((weak) => [true, false].map((best) => ({ specs: set.split(/\s+/), weak, best }))));
  return [...ofSets, ...made.filter((request, index) => Math.floor(index / 4) % every === from && request.specs.join(' ').includes(only))];
}

function describe({ specs, enable = [], weak, best }: DnfRequest, theirs: DnfAnswer, ours: DnfAnswer): string {
  const title = `${specs.join(' ')}${enable.map((stream) => ` +${stream}`).join('')} (weak ${weak}, best ${best})`;
  if ('error' in theirs) return `${title}\n    dnf refuses: ${theirs.error.split('\n').slice(0, 4).join(' ')}${'error' in ours ? '' : `\n    ours takes ${ours.nevras.length}`}`;
  if ('error' in ours) return `${title}\n    dnf takes ${theirs.nevras.length}, ours refuses: ${ours.error}`;
  const [a, b] = [new Set(theirs.nevras), new Set(ours.nevras)];
  return `${title}\n    only dnf: ${theirs.nevras.filter((item) => !b.has(item)).join(' ') || '-'}\n    only ours: ${ours.nevras.filter((item) => !a.has(item)).join(' ') || '-'}`;
}

/** Every set with and without weak dependencies, best on and off, over the plain universe or the sprinkled one. */
export async function compareWithDnf(kind: 'plain' | 'sprinkled', options: BigOptions, print: (line: string) => void): Promise<DnfTally> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-rpm-differential-'));
  const { arch = 'x86_64' } = options;
  const all = convertStanzas(await machineStanzas(), arch);
  const plain = options.within === undefined ? all : subset(all, options.within);
  const sprinkled = kind === 'plain' ? plain : sprinkle(plain, 8, arch);
  const modular = kind === 'plain' || options.within !== undefined ? { packages: sprinkled, modules: '', requests: [] } : sprinkleModules(sprinkled, { seed: 8, count: 120, arch });
  const files = await writeRepository(folder, modular.packages, modular.modules === '' ? {} : { modules: modular.modules });
  const repository = { id: 'main', path: files.path, primary: files.primary };
  const dnf = await openDnf([repository], arch);
  const tally: DnfTally = { same: 0, 'refused by both': 0, different: 0 };
  try {
    const universe = await loadUniverse([repository]);
    print(`${kind}: ${universe.count - 1} packages`);
    const big = new Big(universe, files, { dnf, modules: modular.modules, arch });
    for (const request of requestsOf(universe, options, modular.requests)) {
      const [theirs, ours] = [await big.theirs(request), await big.ours(request)];
      const verdict = verdictOf(theirs, ours);
      tally[verdict] += 1;
      if (verdict === 'different') print(describe(request, theirs, ours));
    }
  } finally {
    await dnf.close();
    await rm(folder, { recursive: true, force: true });
  }
  return tally;
}
