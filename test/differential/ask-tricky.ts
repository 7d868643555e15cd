import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AptRoot, makeAptRoot } from '../support/apt-root.ts';
import { must } from '../support/command.ts';
import { removedIn } from './real-apt.ts';
import { statusOfIndex, tableCases, type TrickyCase, trickyCases } from './tricky-cases.ts';

/** A root of apt's over one index, updated. */
async function rootOver(packages: string, folder: string, { architectures, installed }: { readonly architectures: readonly string[]; readonly installed: readonly string[] }): Promise<AptRoot> {
  const repository = join(folder, 'repository');
  await mkdir(repository, { recursive: true });
  const text = packages.trim().split('\n\n').map((stanza, number) => `${stanza}\nSize: 1\nSHA256: ${'0'.repeat(64)}\nFilename: ${number}.deb\n`).join('\n');
  await writeFile(join(repository, 'Packages'), text);
  const root = await makeAptRoot(folder, {
    architecture: architectures[0] ?? '', sources: `Types: deb\nURIs: file:${repository}\nSuites: ./\nTrusted: yes\n`,
    extra: [`APT::Architectures { ${architectures.map((arch) => `"${arch}";`).join(' ')} };`], status: statusOfIndex(packages, installed),
  });
  await root.mustApt(['update', '-qq']);
  return root;
}

/** What apt-get takes from an index that holds only this case, and what it takes away; undefined when it refuses. */
async function askApt({ packages, architectures = ['amd64'], wanted, recommends = false, installed = [] }: TrickyCase, folder: string): Promise<string[] | undefined> {
  const [native = ''] = architectures;
  const root = await rootOver(packages, folder, { architectures, installed });
  const outcome = await root.apt(['install', '--print-uris', '-y', recommends ? '--install-recommends' : '--no-install-recommends', ...wanted]);
  if (outcome.status !== 0) return undefined;
  const taken = [...outcome.stdout.matchAll(/^'[^']+' (\S+)_(\S+)_(\S+)\.deb \d+/gm)].map(([, name, version = '', arch]) =>
    `${name}${arch === native || arch === 'all' ? '' : `:${arch}`} ${decodeURIComponent(version)}`).sort();
  return [...taken, ...removedIn(outcome.stdout).map((name) => `without ${name}`)];
}

/** A line for every table that apt has in another order than it is recorded. */
async function askTables(): Promise<string[]> {
  const wrong: string[] = [];
  for (const { packages, architectures, order } of tableCases) {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-table-'));
    try {
      await rootOver(packages, folder, { architectures, installed: [] });
      const dump = await must('apt-cache', ['dump'], { env: { APT_CONFIG: join(folder, 'apt.conf'), LC_ALL: 'C' } });
      const names = [...dump.matchAll(/^Package: (\S+)/gm)].map(([, name]) => name);
      if (names.join() !== order.join()) wrong.push(`table: recorded ${order.join(' ')}, apt has ${names.join(' ')}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return wrong;
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
  return [...wrong, ...await askTables()];
}
