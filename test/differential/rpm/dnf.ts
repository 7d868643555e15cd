// Real dnf and ours over the same repositories.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BundleError } from '../../../bom/errors.ts';
import { solveSolvLike } from '../../../downloader/solver/solv-like.ts';
import { type SolvOffer } from '../../../downloader/solver/solv-offer.ts';
import type { RepositoryFiles } from './load-repository.ts';

/** What is asked instead of `dnf install`: `dnf download [--resolve [--alldeps]]`, `dnf repoquery --show-duplicates`, an installation of each package that this names, `dnf group install --with-optional`. */
export type DnfMode = 'download' | 'union' | 'alldeps' | 'versions' | 'versions-closed' | 'optional';
export interface DnfRequest { readonly mode?: DnfMode; readonly specs: readonly string[]; readonly weak: boolean; readonly best: boolean; readonly enable?: readonly string[] }
export type DnfAnswer = { readonly nevras: readonly string[] } | { readonly error: string };

export interface DnfOracle {
  ask(request: DnfRequest): Promise<DnfAnswer>;
  close(): Promise<void>;
}

/** dnf's library in a process of its own, over `repositories` and nothing else, with an empty root. */
export async function openDnf(repositories: readonly (RepositoryFiles & { readonly path: string })[], arch = 'x86_64'): Promise<DnfOracle> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-dnf-'));
  const config = join(folder, 'repositories.json');
  await writeFile(config, JSON.stringify(repositories.map(({ excludes, ...facts }) => ({ ...facts, excludepkgs: excludes }))));
  const child = spawn('/usr/bin/python3', [join(import.meta.dirname, 'dnf-oracle.py'), folder, arch, config], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error('dnf ended early');
      return JSON.parse(value) as DnfAnswer;
    },
    close: async () => {
      child.stdin.end();
      child.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Ours, in the form of dnf's answer. */
export function ourDnfAnswer(offer: SolvOffer, { specs, weak, best }: DnfRequest): DnfAnswer {
  try {
    const { chosen } = solveSolvLike(offer, { wanted: specs.map((spec) => ({ spec })), weak, best, mode: 'closure' });
    return { nevras: chosen.map(({ solvable }) => offer.view.universe.nevra(solvable)).sort() };
  } catch (error) {
    if (error instanceof BundleError && error.family === 'resolve') return { error: `${error.message} (${error.next})` };
    throw error;
  }
}

export type DnfVerdict = 'same' | 'refused by both' | 'different';

export function verdictOf(theirs: DnfAnswer, ours: DnfAnswer): DnfVerdict {
  if ('error' in theirs) return 'error' in ours ? 'refused by both' : 'different';
  return 'nevras' in ours && [...ours.nevras].sort().join('\n') === [...theirs.nevras].sort().join('\n') ? 'same' : 'different';
}
