// A sample of `npm run differential`: a few real sets beside apt-get, some hundred random universes beside apt's solver program, and the recorded tricky cases.
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compareWithApt } from '../differential/apt.ts';
import { askTrickyCases } from '../differential/ask-tricky.ts';
import { compareUniverses } from '../differential/compare-edsp.ts';
import { solverProgram } from '../differential/edsp.ts';
import { comparePins } from '../differential/pins.ts';
import { compareProfiles } from '../differential/profiles.ts';
import { compareUbuntu } from '../differential/ubuntu/compare.ts';
import { machineSources } from '../support/apt-root.ts';

const hasApt = existsSync('/usr/bin/apt-get');
const hasSources = hasApt && (await machineSources()).trim() !== '';

describe.skipIf(!hasSources)('closures of real repositories', () => {
  it('are what apt-get would install', { timeout: 300_000 }, async () => {
    const tally = await compareWithApt({ architectures: ['amd64'], random: 5, seed: 11, every: 16 }, () => undefined);
    expect(tally.different).toEqual([]);
    expect(tally.same).toBeGreaterThan(15);
  });

  it('are so on a machine that is as old as its release', { timeout: 300_000 }, async () => {
    const tally = await compareWithApt({ architectures: ['amd64'], random: 0, seed: 11, every: 40, profile: 'important' }, () => undefined);
    expect(tally.different).toEqual([]);
    expect(tally.same).toBeGreaterThan(6);
  });

  it('of profiles are what mmdebstrap would install', { timeout: 300_000 }, async () => {
    const lines: string[] = [];
    expect(await compareProfiles('amd64', (line) => lines.push(line), ['minimal', 'important']), lines.join('\n')).toBe(0);
  });
});

describe.skipIf(!hasApt)('recorded answers', () => {
  it('are what apt-get says today', async () => { expect(await askTrickyCases()).toEqual([]); });
});

describe.skipIf(!hasApt)('random preferences', () => {
  it('give every version the priority that apt-cache policy tells, and every package its candidate', { timeout: 300_000 }, async () => {
    const { compared, different } = await comparePins(9_000_000, 30);
    expect(different).toEqual([]);
    expect(compared).toBeGreaterThan(150);
  });
});

describe.skipIf(!hasApt)("an archive in Ubuntu's layout", () => {
  it('gives what apt-get takes from it, pockets, ports and what lies beside it included', { timeout: 300_000 }, async () => {
    const { same, different } = await compareUbuntu({ seed: 40, sites: 1, setups: 2, requests: 4 }, () => undefined);
    expect(different).toEqual([]);
    expect(same).toBeGreaterThan(4);
  });
});

describe.skipIf(!existsSync(solverProgram))('random universes', () => {
  it.each([[0, ['amd64'], 300], [0.1, ['amd64'], 300], [0, ['amd64', 'i386'], 100]] as const)('with conflicts %d on %j are solved as apt solves them', (conflicts, architectures, count) => {
    const verdicts = compareUniverses({ from: 5_000_000, count, shape: { conflicts, architectures } });
    const equal = ['same', 'same after repair', 'unsolvable for both'] as const;
    const agreed = equal.reduce((sum, verdict) => sum + (verdicts.get(verdict)?.length ?? 0), 0);
    expect(agreed / count, JSON.stringify([...verdicts])).toBeGreaterThanOrEqual(0.98);
  });
});
