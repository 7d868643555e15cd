// Sets that may meet on one machine: what they choose is compared, and where they name different versions they are solved as one where that is possible.
import { BundleError } from '../../bom/errors.ts';
import { parseStanzas } from '../../formats/deb/deb822.ts';
import { findPackage } from '../solver/apt-specs.ts';
import { checkClosure } from '../solver/checker.ts';
import { keepReachable } from '../solver/garbage.ts';
import type { Decision } from '../solver/solve.ts';
import { decide, type PreparedSet } from './apt-set.ts';

export interface Decided { readonly prepared: PreparedSet; readonly decision: Decision }

/** More sets than this are compared as one only, not in pairs. */
const maxPairs = 24;

/** What two decisions take of one package in different versions. */
function differing(a: Decided, b: Decided): { readonly label: string; readonly versions: readonly [string, string] } | undefined {
  const { universe } = a.prepared.offer;
  const taken = new Map(a.decision.chosen.map(({ version }) => [universe.ownerOf(version), version]));
  for (const { version } of b.decision.chosen) {
    const other = taken.get(universe.ownerOf(version));
    if (other !== undefined && other !== version) return { label: universe.label(universe.ownerOf(version)), versions: [universe.versionText(other), universe.versionText(version)] };
  }
  return undefined;
}

/** The part of a joint decision that one set leads to. */
function partOf(joint: Decision, { offer: { universe }, wanted }: PreparedSet, note: string): Decision {
  const selected = new Map(joint.chosen.map(({ version }) => [universe.ownerOf(version), version]));
  const roots = wanted.flatMap((spec) => findPackage(universe, spec.replace(/[=/].*$/, '')) ?? []).flatMap((pkg) => {
    if (selected.has(pkg)) return [pkg];
    return universe.providersOf(universe.nameOf(pkg)).map(({ version }) => universe.ownerOf(version)).filter((owner) => selected.has(owner));
  });
  const kept = keepReachable(universe, selected, roots);
  return {
    ...joint, notes: [...joint.notes, note],
    chosen: joint.chosen.filter(({ version }) => kept.has(universe.ownerOf(version))).map((item) => {
      const requested = roots.includes(universe.ownerOf(item.version));
      const { requiredBy: _, ...rest } = item;
      return requested ? { ...rest, reason: 'requested' as const } : item;
    }),
  };
}

/** Sets that differ in a version, and those that differ from them, and so on. */
function clusters(all: readonly Decided[]): number[][] {
  const groups = all.map((_, index) => index);
  for (const [i, a] of all.entries()) {
    for (const [j, b] of all.entries()) if (j > i && differing(a, b) !== undefined) groups.fill(groups[i] ?? i, j, j + 1);
  }
  const byGroup = Map.groupBy(all.keys(), (index) => groups[index] ?? index);
  return [...byGroup.values()].filter(({ length }) => length > 1);
}

function solveJointly(members: readonly Decided[]): Decision | BundleError {
  const [first] = members;
  if (first === undefined) throw new Error('no sets to solve together');
  try {
    return decide(first.prepared, members.flatMap(({ prepared }) => prepared.wanted));
  } catch (error) {
    if (error instanceof BundleError && error.family === 'resolve') return error;
    throw error;
  }
}

const mayMeet = ({ prepared: { set } }: Decided): boolean => set.dependencies === 'closure' && set.include.every(({ versions }) => versions !== 'all');

/** What cannot be installed beside each other, as one line for each pair of sets. */
function clashes(all: readonly Decided[]): string[] {
  const check = (some: readonly Decided[]): string[] => {
    const [first] = some;
    if (first === undefined) return [];
    const { offer: { universe }, set, installed, installedStanzas } = first.prepared;
    const versions = new Set(some.flatMap(({ decision }) => decision.chosen.map(({ version }) => version)));
    const stanzas = [...versions].flatMap((version) => parseStanzas(universe.stanzaOf(version), { subject: 'sets together' }));
    return checkClosure(stanzas, { nativeArch: set.target.arch, installed: installedStanzas, assumed: new Set([...installed].filter(([, version]) => version === undefined).map(([label]) => label)) });
  };
  if (all.length < 2 || check(all).length === 0) return [];
  if (all.length > maxPairs) return [`package sets ${all.map(({ prepared }) => prepared.set.id).join(', ')} cannot all be on one machine: ${check(all)[0] ?? ''}`];
  return all.flatMap((a, index) => all.slice(index + 1).flatMap((b) => {
    const [problem] = check([a, b]);
    return problem === undefined ? [] : [`package sets ${a.prepared.set.id} and ${b.prepared.set.id} cannot be on one machine: ${problem}`];
  }));
}

/**
 * Decisions of sets for the same machines. Where two of them take different versions of a package, all that are concerned are solved as one, and each keeps its
 * part; where that cannot be, each keeps its own and both versions travel. What then cannot be installed beside each other is in `warnings`.
 */
export function bringTogether(all: readonly Decided[]): { readonly decided: readonly Decided[]; readonly warnings: readonly string[] } {
  const meeting = all.filter(mayMeet);
  const replaced = new Map<PreparedSet, Decision>();
  const warnings: string[] = [];
  for (const cluster of clusters(meeting)) {
    const members = cluster.flatMap((index) => meeting[index] ?? []);
    const ids = members.map(({ prepared }) => prepared.set.id);
    const joint = solveJointly(members);
    if (joint instanceof BundleError) {
      const [a, b] = members;
      const what = a === undefined || b === undefined ? undefined : differing(a, b);
      const versions = what === undefined ? '' : ` (${what.label} ${what.versions.join(' and ')})`;
      warnings.push(`package sets ${ids.join(' and ')} want different versions${versions} and cannot be on one machine; each was solved for itself, and all versions are carried`);
      continue;
    }
    for (const { prepared } of members) replaced.set(prepared, partOf(joint, prepared, `solved together with ${ids.filter((id) => id !== prepared.set.id).join(', ')}, so that they can be on one machine`));
  }
  const decided = all.map(({ prepared, decision }) => ({ prepared, decision: replaced.get(prepared) ?? decision }));
  const settled = decided.filter((item) => mayMeet(item) && !warnings.some((warning) => warning.includes(item.prepared.set.id)));
  return { decided, warnings: [...warnings, ...clashes(settled)] };
}
