// zypper and ours: a SUSE site on disk as a whole, from its .repo file to the lock's entries, and the machine's Debian index as rpm-md.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BundleError } from '../../../bom/errors.ts';
import { silent } from '../../../bom/events.ts';
import type { Target } from '../../../bom/requirement.ts';
import { prepareOffer } from '../../../downloader/solver/solv-offer.ts';
import type { YumContext } from '../../../downloader/sources/yum-access.ts';
import { createYumSource } from '../../../downloader/sources/yum.ts';
import { loadYumOffer } from '../../../downloader/sources/yum-offer.ts';
import { profilePackages } from '../../../downloader/sources/yum-profile.ts';
import { asZypper } from '../../../downloader/sources/yum-question.ts';
import { set } from '../../downloader/yum-world.ts';
import { clientOver } from '../../support/apt-repository.ts';
import { MemoryBlobs } from '../../support/memory-blobs.ts';
import { packageSets } from '../apt-sets.ts';
import { convertStanzas, machineStanzas, sprinkle } from '../rpm/debian-universe.ts';
import { type DnfAnswer, type DnfRequest, type DnfVerdict, ourDnfAnswer, verdictOf } from '../rpm/dnf.ts';
import { loadUniverse } from '../rpm/load-repository.ts';
import type { RandomSite } from '../rpm/random-site.ts';
import { requirementOf, writeSite, type WrittenSite } from '../rpm/sites.ts';
import { writeRepository } from '../rpm/write-repository.ts';
import { openZypper } from './zypper.ts';

const target: Target = { id: 'leap', family: 'suse', os: 'opensuse-leap', release: '15.6', arch: 'amd64', releasever: '15.6', basearch: 'x86_64' };

function contextOf({ installed }: WrittenSite): YumContext {
  const list = installed.map(({ n, e, a }) => `${n}-${e}.${a}`).join('\n');
  return { http: clientOver(new Map()), blobs: new MemoryBlobs(), now: () => new Date('2026-03-01T00:00:00Z'), notify: silent, headersFor: async () => ({}), readFile: async () => Buffer.from(list) };
}

async function askOurs(written: WrittenSite, request: DnfRequest): Promise<DnfAnswer> {
  const yum = createYumSource(contextOf(written));
  const wanted = set(request.specs, {
    target, repositories: [requirementOf(written)], weakDependencies: request.weak, ...(written.installed.length === 0 ? {} : { assumeInstalled: { path: '/list', written: 'list' } }),
  });
  try {
    const { artifacts } = await yum.resolve([wanted], new AbortController().signal);
    return { nevras: artifacts.map(({ name, version, arch }) => `${name}-${version}.${arch}`).sort() };
  } catch (error) {
    if (error instanceof BundleError && error.family === 'resolve') return { error: `${error.message} (${error.next})` };
    throw error;
  }
}

function describe({ specs, weak }: DnfRequest, theirs: DnfAnswer, ours: DnfAnswer): string {
  const title = `${specs.join(' ')} (weak ${weak})`;
  if ('error' in theirs) return `${title}: zypper refuses: ${theirs.error.replaceAll('\n', ' ').slice(0, 300)}; ours takes ${'nevras' in ours ? ours.nevras.join(', ') || 'nothing' : '-'}`;
  if ('error' in ours) return `${title}: zypper takes ${theirs.nevras.join(', ') || 'nothing'}; ours refuses: ${ours.error.slice(0, 300)}`;
  const only = (a: readonly string[], b: readonly string[]): string => a.filter((item) => !b.includes(item)).join(', ') || '-';
  return `${title}: only zypper: ${only(theirs.nevras, ours.nevras)}; only ours: ${only(ours.nevras, theirs.nevras)}`;
}

export interface ZypperTally { readonly counts: Readonly<Record<DnfVerdict, number>>; readonly different: readonly string[] }

type Ask = (request: DnfRequest) => DnfAnswer | Promise<DnfAnswer>;

async function compare(requests: readonly DnfRequest[], theirs: Ask, ours: Ask): Promise<ZypperTally> {
  const counts = { same: 0, 'refused by both': 0, different: 0 };
  const different: string[] = [];
  for (const request of requests) {
    const [a, b] = [await theirs(request), await ours(request)];
    const verdict = verdictOf(a, b);
    counts[verdict] += 1;
    if (verdict === 'different') different.push(describe(request, a, b));
  }
  return { counts, different };
}

/** Every request of a site. */
export async function compareSite(site: RandomSite): Promise<ZypperTally> {
  const written = await writeSite(site);
  const zypper = await openZypper(site.repositories.map(({ id, settings }) => ({ id, path: join(written.folder, id), settings })), written.rpms);
  try {
    return await compare(site.requests, (request) => zypper.ask(request), (request) => askOurs(written, request));
  } finally {
    await zypper.close();
    await written.close();
  }
}

/** What machines of a profile have, beside what zypper installs for the packages and patterns that the profile is made of. The site is one without anything installed. */
export async function compareProfiles(site: RandomSite, profiles: Readonly<Record<string, string>>): Promise<ZypperTally> {
  const written = await writeSite(site);
  const zypper = await openZypper(site.repositories.map(({ id, settings }) => ({ id, path: join(written.folder, id), settings })));
  const requests = Object.values(profiles).map((specs) => ({ specs: specs.split(' '), weak: false, best: true }));
  const { signal } = new AbortController();
  try {
    return await compare(requests, (request) => zypper.ask(request), async ({ specs }) => {
      const wanted = set([], { target, repositories: [requirementOf(written)] });
      const offer = await loadYumOffer(contextOf(written), wanted, signal);
      const profile = Object.keys(profiles).find((name) => profiles[name] === specs.join(' ')) ?? '';
      return { nevras: (await profilePackages(wanted, offer, profile, signal)).map((solvable) => offer.universe.nevra(solvable)).sort() };
    });
  } finally {
    await zypper.close();
    await written.close();
  }
}

/** Every n-th fixed set over the sprinkled universe, with and without what is recommended. */
export async function compareUniverse(every: number, from: number): Promise<ZypperTally> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-zypper-universe-'));
  try {
    const { path, primary } = await writeRepository(folder, sprinkle(convertStanzas(await machineStanzas()), 8));
    const repository = { id: 'main', path, primary };
    const zypper = await openZypper([repository]);
    try {
      const offer = prepareOffer(await loadUniverse([repository]), { arch: 'x86_64', ...asZypper });
      const sets = packageSets.filter((_, index) => index % every === from);
      const requests = sets.flatMap((set) => [true, false].map((weak) => ({ specs: set.split(/\s+/), weak, best: true })));
      return await compare(requests, (request) => zypper.ask(request), (request) => ourDnfAnswer(offer, request));
    } finally {
      await zypper.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
