// apt's own solver program, fed a scenario: External Dependency Solver Protocol 0.5 (apt's doc/external-dependency-solver-protocol.md).
import { spawnSync } from 'node:child_process';
import { compareVersions } from '../../formats/deb/version.ts';
import type { RandomUniverse } from './random-universe.ts';

export const solverProgram = '/usr/lib/apt/solvers/apt';

/** What apt answers: the packages (`name version arch`) that it would install, sorted; undefined when it finds no solution. */
export function askApt(universe: RandomUniverse, architectures: readonly string[]): string[] | undefined {
  const { packages, wanted, recommends } = universe;
  const newest = new Map<string, string>();
  for (const { name, arch, version } of packages) {
    const known = newest.get(`${name}:${arch}`);
    if (known === undefined || compareVersions(version, known) > 0) newest.set(`${name}:${arch}`, version);
  }
  const native = architectures[0] ?? '';
  const request = ['Request: EDSP 0.5', `Architecture: ${native}`, `Architectures: ${architectures.join(' ')}`, `Install: ${wanted.join(' ')}`, 'Autoremove: no', ''];
  const stanzas = packages.flatMap(({ name, version, arch, fields }, index) => [
    `Package: ${name}`, `Architecture: ${arch}`, `Version: ${version}`, `APT-ID: ${index + 1}`, 'APT-Pin: 500',
    ...(newest.get(`${name}:${arch}`) === version ? ['APT-Candidate: yes'] : []),
    ...Object.entries(fields).map(([field, value]) => `${field}: ${value}`), '',
  ]);
  const run = spawnSync(solverProgram, ['-o', `APT::Install-Recommends=${recommends}`, '-o', `APT::Architecture=${native}`], {
    input: [...request, ...stanzas, ''].join('\n'), encoding: 'utf8', env: { ...process.env, APT_CONFIG: '/dev/null' }, timeout: 10_000,
  });
  if (run.error !== undefined) throw run.error;
  if (/^Error:/m.test(run.stdout)) return undefined;
  return [...run.stdout.matchAll(/^Install: (\d+)$/gm)].map((match) => {
    const item = packages[Number(match[1]) - 1];
    return item === undefined ? '?' : `${item.name} ${item.version} ${item.arch}`;
  }).sort();
}
