import { BundleError } from '../../bom/errors.ts';
import { exactSiblings } from './apt-follow.ts';
import { type AptState, hardFields } from './apt-state.ts';
import { textOf, versionsDenied, versionsMeeting } from './match.ts';
import type { DependencyGroup } from './universe.ts';

interface DeadEnd { readonly text: string; readonly fix?: string }

/** Why no candidate meets the group at all; undefined when one does. */
function deadEndOf(state: AptState, version: number, group: DependencyGroup): DeadEnd | undefined {
  const { universe } = state;
  const from = state.archOf(version);
  const meeting = group.flatMap((dependency) => versionsMeeting(universe, dependency, from));
  if (meeting.some((item) => state.originalCandidateOf(universe.ownerOf(item)) === item)) return undefined;
  const [other] = meeting;
  if (other !== undefined) return notTaken(state, other);
  const labelOf = (item: number): string => `${universe.label(universe.ownerOf(item))} ${universe.versionText(item)}`;
  const versionsIn = (arch: number): string[] => group.flatMap(({ name }) => (name < 0 ? [] : universe.versionsOf(universe.packageOf(name, arch)))).map(labelOf);
  const there = versionsIn(from);
  if (there.length > 0) return { text: `while there is only ${there.slice(0, 3).join(', ')}` };
  const elsewhere = universe.architectures.flatMap((_, arch) => versionsIn(arch));
  if (elsewhere.length === 0) return { text: 'which nothing offers', fix: 'Add the repository that has it, or correct the name.' };
  return { text: `while there is only ${elsewhere.slice(0, 3).join(', ')}, which does not serve ${universe.architectures[from]}`, fix: `Add an index of ${universe.architectures[from]} that has it.` };
}

/** Why a version that would do is no candidate, and how it becomes one. */
function notTaken(state: AptState, version: number): DeadEnd {
  const { universe } = state;
  const owner = universe.ownerOf(version);
  const name = `${universe.label(owner)} ${universe.versionText(version)}`;
  const taken = state.originalCandidateOf(owner);
  const fix = `Name ${universe.label(owner)}=${universe.versionText(version)} in the set as well`;
  if (taken >= 0 && state.installed.get(owner) === taken && state.pinnedVersion(owner) === taken) {
    return { text: `which only ${name} meets, while ${universe.versionText(taken)} is installed and on hold`, fix: `Take ${universe.label(owner)} off hold (apt-mark unhold), or leave out what needs the newer one.` };
  }
  const release = universe.input(version).release;
  const place = release?.codename ?? release?.suite;
  const priority = state.priorityOf(version);
  const of = place === undefined ? '' : ` of ${place}`;
  if (taken < 0 && priority <= 0) return { text: `which only ${name}${of} meets, and a preference forbids that (priority ${priority <= -32_768 ? 'never' : priority})`, fix: `Change the preference, or name ${universe.label(owner)}=${universe.versionText(version)} in the set as well.` };
  const other = taken < 0 ? 'none' : universe.versionText(taken);
  const differs = taken >= 0 && state.priorityOf(taken) > priority;
  return {
    text: `which only ${name}${differs ? `${of} (priority ${priority})` : ''} meets, while ${other}${differs ? ` (priority ${state.priorityOf(taken)})` : ''} would be taken`,
    fix: differs && place !== undefined ? `${fix}, or ${universe.label(owner)}/${place}.` : `${fix}.`,
  };
}

/** The relation by which `version` does not bear `other`, as words. */
function denial(state: AptState, version: number, other: number): string {
  const { universe } = state;
  for (const [field, verb] of [['Conflicts', 'conflicts with'], ['Breaks', 'breaks']] as const) {
    const dependency = universe.relationsOf(version, field).flat().find((item) => versionsDenied(universe, item, version).includes(other));
    if (dependency !== undefined) return `${verb} ${textOf(universe, dependency)}`;
  }
  return 'cannot be beside the same package of another architecture';
}

interface Step { readonly pkg: number; readonly path: readonly string[] }

/** The shortest chain of needs from `roots` to something that cannot be had, or to a conflict. */
function shortestChain(state: AptState, roots: readonly number[]): { readonly text: string; readonly fix?: string } | undefined {
  const { universe } = state;
  const queue: Step[] = roots.map((pkg) => ({ pkg, path: [] }));
  const seen = new Set(roots);
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
    const { pkg, path } = step;
    const version = state.originalCandidateOf(pkg);
    if (version < 0) continue;
    for (const group of hardFields.flatMap((field) => universe.relationsOf(version, field))) {
      const isMet = state.isMet(version, group);
      const need = `${universe.label(pkg)} needs ${group.map((dependency) => textOf(universe, dependency)).join(' | ')}`;
      const end = isMet ? undefined : deadEndOf(state, version, group);
      if (end !== undefined) return { text: [...path, `${need}, ${end.text}`].join('; '), ...(end.fix === undefined ? {} : { fix: end.fix }) };
      for (const item of group.flatMap((dependency) => versionsMeeting(universe, dependency, state.archOf(version)))) {
        const owner = universe.ownerOf(item);
        const isFine = isMet && (state.stateOf(owner) !== item || !state.isBroken(item));
        if (isFine || seen.has(owner)) continue;
        seen.add(owner);
        queue.push({ pkg: owner, path: [...path, need] });
      }
    }
    const clash = state.clashesOf(version)[0];
    if (clash !== undefined) {
      const other = universe.ownerOf(clash);
      const role = state.marks.get(other)?.reason === 'requested' ? 'asked for' : state.installed.get(other) === clash ? 'installed' : 'needed';
      return { text: [...path, `${universe.label(pkg)} ${universe.versionText(version)} ${denial(state, version, clash)}, and ${universe.label(other)} ${universe.versionText(clash)} is ${role} too`].join('; '), fix: 'Leave one of them out, or put them into sets for different machines.' };
    }
  }
  return undefined;
}

/** Two things that `pkg` needs and that do not bear each other. */
function needsApart(state: AptState, pkg: number): string | undefined {
  const { universe } = state;
  const version = state.originalCandidateOf(pkg);
  if (version < 0) return undefined;
  const needs = hardFields.flatMap((field) => universe.relationsOf(version, field)).flatMap((group) => {
    const options = [...new Set(group.flatMap((dependency) => versionsMeeting(universe, dependency, state.archOf(version))))];
    return options[0] !== undefined && options.length === 1 ? [{ option: options[0], text: group.map((dependency) => textOf(universe, dependency)).join(' | ') }] : [];
  });
  const labelOf = (item: number): string => `${universe.label(universe.ownerOf(item))} ${universe.versionText(item)}`;
  for (const { option, text } of needs) {
    const denied = new Set(state.conflictsOf(option));
    const other = needs.find((need) => denied.has(need.option));
    if (other !== undefined) return `${universe.label(pkg)} needs ${text} and ${other.text}, but ${labelOf(option)} ${denial(state, option, other.option)}, which is ${labelOf(other.option)}`;
  }
  return undefined;
}

/** `RESOLVE_UNSOLVABLE` with the shortest chain from what was asked for, and what would help where that is known. */
export function unsolvable(state: AptState, wanted: readonly number[], broken: number): BundleError {
  const chain = shortestChain(state, wanted) ?? shortestChain(state, [broken]);
  const siblings = new Map(wanted.flatMap((pkg) => [...exactSiblings(state, pkg)]));
  const specs = [...siblings].map(([pkg, version]) => `${state.universe.label(pkg)}=${state.universe.versionText(version)}`).sort();
  const fix = specs.length === 0 ? chain?.fix : `Name ${specs.join(', ')} in the set as well, or say followExact: true.`;
  return new BundleError('RESOLVE_UNSOLVABLE', {
    subject: `package ${state.universe.label(broken)}`, expected: 'packages that can be installed together',
    actual: chain?.text ?? needsApart(state, broken) ?? `${state.universe.label(broken)} cannot be chosen beside the others`, ...(fix === undefined ? {} : { next: fix }),
  });
}
