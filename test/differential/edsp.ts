// apt's own solver program, fed a scenario: External Dependency Solver Protocol 0.5 (apt's doc/external-dependency-solver-protocol.md).
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { compareVersions } from '../../formats/deb/version.ts';
import type { RandomUniverse } from './random-universe.ts';

export const solverProgram = '/usr/lib/apt/solvers/apt';

/** Packages as `name version arch`. */
export interface AptAnswer { readonly install: readonly string[]; readonly remove: readonly string[] }

/** The scenario as text: External Dependency Solver Protocol 0.5. */
function scenarioOf(universe: RandomUniverse, architectures: readonly string[]): string {
  const { packages, wanted } = universe;
  const newest = new Map<string, string>();
  for (const { name, arch, version } of packages) {
    const known = newest.get(`${name}:${arch}`);
    if (known === undefined || compareVersions(version, known) > 0) newest.set(`${name}:${arch}`, version);
  }
  for (const { name, arch, version, preferred } of packages) if (preferred === true) newest.set(`${name}:${arch}`, version);
  const native = architectures[0] ?? '';
  const request = ['Request: EDSP 0.5', `Architecture: ${native}`, `Architectures: ${architectures.join(' ')}`, `Install: ${wanted.join(' ')}`, 'Autoremove: no', ''];
  const stanzas = packages.flatMap(({ name, version, arch, fields, installed }, index) => [
    `Package: ${name}`, `Architecture: ${arch}`, `Version: ${version}`, `APT-ID: ${index + 1}`, 'APT-Pin: 500',
    ...(newest.get(`${name}:${arch}`) === version ? ['APT-Candidate: yes'] : []),
    ...(installed === true ? ['Installed: yes'] : []),
    ...Object.entries(fields).map(([field, value]) => `${field}: ${value}`), '',
  ]);
  return [...request, ...stanzas, ''].join('\n');
}

/** What apt's program may fail to do on a busy machine, over universes that it answers in 10 ms: to answer in five minutes, to read all before it ends. */
const isSilent = (error: Error): boolean => 'code' in error && (error.code === 'ETIMEDOUT' || error.code === 'EPIPE');

/** What apt would do; undefined when it finds no solution, 'silent' when its program gives no answer in three attempts. */
export function askApt(universe: RandomUniverse, architectures: readonly string[], more: readonly string[] = []): AptAnswer | 'silent' | undefined {
  const { packages, recommends } = universe;
  const ask = (): SpawnSyncReturns<string> => spawnSync(solverProgram, ['-o', `APT::Install-Recommends=${recommends}`, '-o', `APT::Architecture=${architectures[0] ?? ''}`, ...more], {
    input: scenarioOf(universe, architectures), encoding: 'utf8', env: { ...process.env, APT_CONFIG: '/dev/null' }, timeout: 300_000,
  });
  let run = ask();
  for (let attempt = 1; attempt < 3 && run.error !== undefined && isSilent(run.error); attempt += 1) run = ask();
  if (run.error !== undefined && isSilent(run.error)) return 'silent';
  if (run.error !== undefined) throw run.error;
  if (more.length > 0) process.stderr.write(run.stderr);
  if (/^Error:/m.test(run.stdout)) return undefined;
  const named = (field: string): string[] => [...run.stdout.matchAll(new RegExp(`^${field}: (\\d+)$`, 'gm'))].map((match) => {
    const item = packages[Number(match[1]) - 1];
    return item === undefined ? '?' : `${item.name} ${item.version} ${item.arch}`;
  }).sort();
  return { install: named('Install'), remove: named('Remove') };
}
