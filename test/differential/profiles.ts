// Profiles beside what mmdebstrap would install for the variants of those names, with the machine's own sources.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { profileBaseline, profilePackages } from '../../downloader/solver/profiles.ts';
import { machineSources } from '../support/apt-root.ts';
import { must } from '../support/command.ts';
import { label } from './apt.ts';
import { openPair } from './real-apt.ts';

/** profile -> mmdebstrap's variant (mmdebstrap(1), "VARIANTS") */
const variants: Readonly<Record<string, string>> = { essential: 'essential', apt: 'apt', minimal: 'minbase', container: 'minbase', buildd: 'buildd', important: 'important', standard: 'standard' };

/** `name version arch` of everything that it would install. */
async function mmdebstrapAnswer(folder: string, variant: string, arch: string): Promise<string[]> {
  const sources = join(folder, 'profile.sources');
  await writeFile(sources, await machineSources());
  const output = await must('sh', ['-c', 'mmdebstrap --variant="$1" --architectures="$2" --mode=root --simulate --verbose "" - "$3" 2>&1', 'sh', variant, arch, sources]);
  return [...new Set([...output.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+) [^)]*\[(\S+)\]\)/gm)].map(([, name, version, own]) => `${name} ${version} ${own}`))].sort();
}

/** A line for each profile; how many differ. */
export async function compareProfiles(arch: string, print: (line: string) => void, profiles: readonly string[] = Object.keys(variants)): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-profiles-'));
  const pair = await openPair([arch]);
  const { universe } = pair.offer;
  let different = 0;
  try {
    for (const [profile, variant] of Object.entries(variants).filter(([name]) => profiles.includes(name))) {
      const ours = [...profilePackages(universe, profile).values()].map((version) => label(universe, version)).sort();
      const theirs = await mmdebstrapAnswer(folder, variant, arch);
      const [more, less] = [ours.filter((item) => !theirs.includes(item)), theirs.filter((item) => !ours.includes(item))];
      if (more.length + less.length > 0) different += 1;
      print(`${arch} ${profile}: ${ours.length} packages, mmdebstrap --variant=${variant}: ${theirs.length}${more.length + less.length === 0 ? ', the same' : `; only ours: ${more.join(', ') || '-'}; only mmdebstrap: ${less.join(', ') || '-'}`}`);
    }
  } finally {
    await pair.close();
    await rm(folder, { recursive: true, force: true });
  }
  return different;
}

/** A dpkg status of a machine with this profile, as old as the release: what the differential test begins with. */
export async function profileStatus(profile: string, arch: string): Promise<string> {
  const pair = await openPair([arch]);
  try {
    const { universe } = pair.offer;
    return [...profileBaseline(universe, profile).values()].map(({ version }) => {
      const lines = universe.stanzaOf(version).split('\n').filter((line) => line !== '');
      return [lines[0], 'Status: install ok installed', ...lines.slice(1), ''].join('\n');
    }).join('\n');
  } finally {
    await pair.close();
  }
}
