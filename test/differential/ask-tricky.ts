import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeAptRoot } from '../support/apt-root.ts';
import { removedIn } from './real-apt.ts';
import { statusOfIndex, type TrickyCase, trickyCases } from './tricky-cases.ts';

/** What apt-get takes from an index that holds only this case, and what it takes away; undefined when it refuses. */
async function askApt({ packages, architectures = ['amd64'], wanted, recommends = false, installed = [] }: TrickyCase, folder: string): Promise<string[] | undefined> {
  const repository = join(folder, 'repository');
  await mkdir(repository, { recursive: true });
  const text = packages.trim().split('\n\n').map((stanza, number) => `${stanza}\nSize: 1\nSHA256: ${'0'.repeat(64)}\nFilename: ${number}.deb\n`).join('\n');
  await writeFile(join(repository, 'Packages'), text);
  const [native = ''] = architectures;
  const root = await makeAptRoot(folder, {
    architecture: native, sources: `Types: deb\nURIs: file:${repository}\nSuites: ./\nTrusted: yes\n`,
    extra: [`APT::Architectures { ${architectures.map((arch) => `"${arch}";`).join(' ')} };`], status: statusOfIndex(packages, installed),
  });
  await root.mustApt(['update', '-qq']);
  const outcome = await root.apt(['install', '--print-uris', '-y', recommends ? '--install-recommends' : '--no-install-recommends', ...wanted]);
  if (outcome.status !== 0) return undefined;
  const taken = [...outcome.stdout.matchAll(/^'[^']+' (\S+)_(\S+)_(\S+)\.deb \d+/gm)].map(([, name, version = '', arch]) =>
    `${name}${arch === native || arch === 'all' ? '' : `:${arch}`} ${decodeURIComponent(version)}`).sort();
  return [...taken, ...removedIn(outcome.stdout).map((name) => `without ${name}`)];
}

/** A line for every case that apt answers otherwise than it is recorded. */
export async function askTrickyCases(): Promise<string[]> {
  const wrong: string[] = [];
  for (const item of trickyCases) {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-tricky-'));
    try {
      const answer = await askApt(item, folder);
      const recorded = item.answer === undefined ? undefined : [...item.answer, ...(item.removed ?? []).map((name) => `without ${name}`)];
      if (answer?.join() !== recorded?.join()) wrong.push(`${item.name}: recorded ${recorded?.join(', ') ?? 'refused'}, apt says ${answer?.join(', ') ?? 'refused'}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return wrong;
}
