import { type DnfVerdict } from './dnf.ts';
import { type RandomSite, randomSite, type SiteShape } from './random-site.ts';
import { askOurs, longList, openSiteOracle, shortList, type SiteAnswer, writeSite } from './sites.ts';

export interface SiteDifference { readonly seed: number; readonly text: string }
export interface SiteTally { readonly counts: Readonly<Record<DnfVerdict, number>>; readonly different: readonly SiteDifference[] }

function verdictOf(theirs: SiteAnswer, ours: SiteAnswer): DnfVerdict {
  if ('error' in theirs) return 'error' in ours ? 'refused by both' : 'different';
  return 'chosen' in ours && ours.chosen.join('\n') === theirs.chosen.join('\n') ? 'same' : 'different';
}

function describe(theirs: SiteAnswer, ours: SiteAnswer): string {
  if ('error' in theirs) return `dnf refuses: ${theirs.error.replaceAll('\n', ' ').slice(0, 300)}; ours takes ${'chosen' in ours ? ours.chosen.join(', ') || 'nothing' : '-'}`;
  if ('error' in ours) return `dnf takes ${theirs.chosen.join(', ') || 'nothing'}; ours refuses: ${ours.error.slice(0, 300)}`;
  const only = (a: readonly string[], b: readonly string[]): string => a.filter((item) => !b.includes(item)).join(', ') || '-';
  return `only dnf: ${only(theirs.chosen, ours.chosen)}; only ours: ${only(ours.chosen, theirs.chosen)}`;
}

/** `count` sites from a seed on, every request of each. */
export function compareSites(seed: number, count: number, shape: SiteShape): Promise<SiteTally> {
  return compareAll(Array.from({ length: count }, (_, index) => ({ seed: seed + index, make: () => randomSite(seed + index, shape) })), shape.isShort);
}

/** The sites themselves; they are numbered from 0. */
export function compareGiven(sites: readonly RandomSite[]): Promise<SiteTally> {
  return compareAll(sites.map((site, seed) => ({ seed, make: () => site })));
}

async function compareAll(sites: readonly { readonly seed: number; readonly make: () => RandomSite }[], isShort = false): Promise<SiteTally> {
  const counts = { same: 0, 'refused by both': 0, different: 0 };
  const different: SiteDifference[] = [];
  const dnf = openSiteOracle();
  try {
    for (const { seed, make } of sites) {
      const site = make();
      const written = await writeSite(site);
      try {
        const answers = await dnf.ask(written);
        const list = isShort || site.installed.length === 0 ? shortList(written) : longList(written);
        for (const [index, request] of site.requests.entries()) {
          const theirs = answers[index];
          if (theirs === undefined) throw new Error('dnf gave too few answers');
          const ours = await askOurs(written, request, list);
          const verdict = verdictOf(theirs, ours);
          counts[verdict] += 1;
          if (verdict === 'different') different.push({ seed, text: `${request.mode ?? 'install'} ${request.specs.join(' ')} (weak ${request.weak}, best ${request.best}): ${describe(theirs, ours)}` });
        }
      } finally {
        await written.close();
      }
    }
  } finally {
    dnf.close();
  }
  return { counts, different };
}
