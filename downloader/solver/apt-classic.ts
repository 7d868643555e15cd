// The choice of apt's classic resolver (apt 2.2 to 3.1.9) for an install: behaviour found by experiment, see README.md in this folder.
import { Marker } from './apt-mark.ts';
import { followExact } from './apt-follow.ts';
import { repair } from './apt-repair.ts';
import { followReleases } from './apt-release.ts';
import { readCommandLine } from './apt-command-line.ts';
import { findPackage } from './apt-specs.ts';
import { AptState } from './apt-state.ts';
import { newerVersions } from './apt-newer.ts';
import { unsolvable } from './explain.ts';
import { keepReachable } from './garbage.ts';
import type { Decision, SolveRequest } from './solve.ts';
import type { Universe } from './universe.ts';

function assume(state: AptState, { installed = new Map(), held }: SolveRequest): void {
  for (const [label, version] of installed) {
    const pkg = findPackage(state.universe, label);
    if (pkg === undefined) continue;
    const known = version === undefined ? state.originalCandidateOf(pkg) : state.universe.versionsOf(pkg).find((item) => state.universe.versionText(item) === version) ?? -1;
    if (known >= 0) state.installed.set(pkg, known);
    state.forgetCandidate(pkg);
    if (known >= 0 && held?.has(label) === true) state.pin(pkg, known);
  }
  state.excuse();
}

/** What is installed in a version that was said. */
function versioned({ universe, installed }: AptState, said: NonNullable<SolveRequest['installed']>): Map<number, number> {
  return new Map([...said].flatMap(([label, version]) => {
    const pkg = version === undefined ? undefined : findPackage(universe, label);
    const known = pkg === undefined ? undefined : installed.get(pkg);
    return pkg === undefined || known === undefined ? [] : [[pkg, known] as const];
  }));
}

function markWanted(state: AptState, pkg: number): void {
  state.protectedPackages.add(pkg);
  const version = state.candidateOf(pkg);
  if (state.installed.get(pkg) !== version) state.marks.set(pkg, { version, reason: 'requested', expanded: false });
}

/** See {@link Solve}: what apt's classic resolver would install. */
export function solveAptClassic(universe: Universe, request: SolveRequest): Decision {
  const state = new AptState(universe, request.pins);
  const marker = new Marker(state, request);
  assume(state, request);
  const before = versioned(state, request.installed ?? new Map());
  const { wanted, unwanted } = readCommandLine(state, request.wanted);
  for (const pkg of unwanted) {
    state.struck.add(pkg);
    if (state.installed.has(pkg)) state.removed.add(pkg);
    state.frozen.add(pkg);
  }
  if (request.followExact === true) for (const pkg of wanted) followExact(state, pkg);
  for (const pkg of wanted) markWanted(state, pkg);
  if (state.fromReleases.length > 0) {
    followReleases(state, state.fromReleases, request);
    for (const pkg of wanted) markWanted(state, pkg);
  }
  if (request.mode !== 'none') for (const pkg of wanted) marker.install(pkg, 'requested', undefined, 0);
  const repaired = request.mode === 'closure' && repair(state, marker, new Set(wanted));
  const removed = [...before.keys()].filter((pkg) => state.stateOf(pkg) < 0).map((pkg) => universe.label(pkg)).sort();
  for (const pkg of wanted) if (state.stateOf(pkg) < 0) throw unsolvable(state, wanted, pkg);
  const kept = request.mode === 'closure' ? keepReachable(universe, state.selection(), [...wanted, ...[...state.installed.keys()].filter((pkg) => !state.removed.has(pkg))]) : new Set(state.marks.keys());
  if (request.mode === 'closure') for (const [pkg, version] of state.selection()) if (state.isBroken(version)) throw unsolvable(state, wanted, pkg);
  const chosen = [...state.marks].filter(([pkg]) => kept.has(pkg)).map(([, { version, reason, requiredBy }]) =>
    ({ version, reason, ...(requiredBy === undefined ? {} : { requiredBy }) }));
  const notes = [...(repaired ? ['conflicts were repaired as apt does'] : []), ...(removed.length === 0 ? [] : [`machines lose ${removed.join(', ')}`])];
  return { chosen, rejected: [...marker.rejections, ...newerVersions(state, chosen.map(({ version }) => version))], exact: !repaired, notes, removed };
}
