// A sample of `npm run differential -- rpm` and `-- libsolv`: our choice beside dnf and libsolv themselves.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWithDnf } from '../differential/rpm/compare-dnf.ts';
import { compareShape } from '../differential/rpm/compare-libsolv.ts';
import { compareGiven, compareSites } from '../differential/rpm/compare-sites.ts';
import { type DnfOracle, openDnf, ourDnfAnswer, verdictOf } from '../differential/rpm/dnf.ts';
import { buildHandMade, type HandMade, offerFor } from '../differential/rpm/hand-made.ts';
import { handMade, handMadeRequests } from '../differential/rpm/hand-made-cases.ts';
import { layeredModes, layeredSites } from '../differential/rpm/layered-site.ts';
import { shapes } from '../differential/rpm/shapes.ts';
import { compareProfiles, compareSite } from '../differential/zypper/compare-zypper.ts';
import { suseProfiles, suseSites } from '../differential/zypper/suse-site.ts';

describe('a repository with every feature', () => {
  let made: HandMade;
  let dnf: DnfOracle;
  beforeAll(async () => {
    made = await buildHandMade(handMade);
    dnf = await openDnf([made.repository]);
  });
  afterAll(async () => {
    await dnf?.close();
    await made?.close();
  });

  it('is solved as dnf solves it', async () => {
    const different: unknown[] = [];
    for (const request of handMadeRequests.filter(({ weak, best }) => weak || best)) {
      const theirs = await dnf.ask(request);
      const ours = await offerFor(made, request).then((offer) => ourDnfAnswer(offer, request), (error: unknown) => ({ error: String(error) }));
      if (verdictOf(theirs, ours) === 'different') different.push({ request, theirs, ours });
    }
    expect(different).toEqual([]);
  });
});

describe('random universes', () => {
  it.each(['plain', 'conflicts', 'architectures', 'twins'] as const)('%s: chosen as libsolv chooses', async (name) => {
    const shape = shapes[name];
    if (shape === undefined) throw new Error(`no shape ${name}`);
    const { different, unproved } = await compareShape(shape, 20_000, 100);
    expect([different, unproved]).toEqual([[], []]);
  });
});

describe('several repositories', () => {
  it('are solved as dnf solves them over the same .repo files: priorities, costs, excludes, modules', async () => {
    const { counts, different } = await compareSites(2_000, 30, { isInstalled: false });
    expect(different).toEqual([]);
    expect(counts.same).toBeGreaterThan(40);
  });

  it('are solved as dnf solves them: specs of every form over layers, hotfixes, obsoletes in chains, kernels, twins, groups', async () => {
    const [site] = layeredSites;
    if (site === undefined) throw new Error('no site');
    const { counts, different } = await compareGiven([{ ...site, requests: site.requests.filter((_, index) => index % 6 === 0) }]);
    expect(different).toEqual([]);
    expect(counts.same).toBeGreaterThan(30);
  });

  it('are read as dnf download, repoquery and group install --with-optional read them', async () => {
    const [, site] = layeredModes;
    if (site === undefined) throw new Error('no site');
    const asked = new Set(['download smtpd', 'download *.i686', 'union glibc redhat-rpm-config', 'union openssl-libs.i686 openssl', 'union gen1 gen2', 'alldeps openssl', 'versions openssl-libs', 'versions-closed kernel', 'optional core dev', 'optional nowhere']);
    const { counts, different } = await compareGiven([{ ...site, requests: site.requests.filter(({ mode = '', specs, best }) => best && asked.has(`${mode} ${specs.join(' ')}`)) }]);
    expect(different).toEqual([]);
    expect(counts).toEqual({ same: 9, 'refused by both': 1, different: 0 });
  });
});

describe('a SUSE site', () => {
  it('is solved as zypper solves it: patterns, names for what rpm had no word for, one architecture of a name, no downgrades', async () => {
    const [, site] = suseSites;
    if (site === undefined) throw new Error('no site');
    const asked = new Set(['patterns-base-base', 'desktop branding-upstream', 'rsyslog syslog-ng', 'old-name', 'kernel-default', 'tool', 'app32', 'glibc-locale', 'man']);
    const { counts, different } = await compareSite({ ...site, requests: site.requests.filter(({ specs, weak }) => weak && asked.has(specs.join(' '))) });
    expect(different).toEqual([]);
    expect(counts).toEqual({ same: 5, 'refused by both': 4, different: 0 });
  });

  it('has machines of each profile as zypper makes them', async () => {
    const [site] = suseSites;
    if (site === undefined) throw new Error('no site');
    expect(await compareProfiles(site, suseProfiles)).toEqual({ counts: { same: 4, 'refused by both': 0, different: 0 }, different: [] });
  });
});

describe('the Debian index as rpm-md', () => {
  it.each(['x86_64', 'aarch64'])('is solved as dnf solves it on %s', async (arch) => {
    const lines: string[] = [];
    const tally = await compareWithDnf('sprinkled', { arch, every: 1, random: 0, seed: 1, within: ['nginx', 'postgresql', 'openssh-server', 'chrony'] }, (line) => { lines.push(line); });
    expect([tally.different, lines.slice(1)]).toEqual([0, []]);
    expect(tally.same).toBeGreaterThan(8);
  });
});
