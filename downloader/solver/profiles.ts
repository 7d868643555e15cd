// What machines have from the start, by name: worked out from the repositories' own indexes, so that no list grows old here. README, "Profiles".
import { BundleError } from '../../bom/errors.ts';
import { solveAptClassic } from './apt-classic.ts';
import { AptState } from './apt-state.ts';
import type { PinPolicy } from './pins.ts';
import type { Universe } from './universe.ts';

/** Debian Policy 2.5: what stands at which priority number of {@link Universe.priorityOf}. */
const required = 0;
const important = 1;
const standard = 2;

interface Rule {
  /** Packages of this priority and of the more important ones; none without it. */
  readonly priority?: number;
  readonly names: readonly string[];
  /** Taken where the indexes have them. */
  readonly optional?: readonly string[];
  /** Packages whose Task field names it (Ubuntu). */
  readonly task?: string;
}

/** As mmdebstrap's variants of those names do it; `container` is what the distributions' base images are made of, `cloud` what every cloud image has. */
const rules: Readonly<Record<string, Rule>> = {
  essential: { names: [] },
  apt: { names: ['apt'] },
  minimal: { priority: required, names: ['apt'] },
  container: { priority: required, names: ['apt'] },
  buildd: { priority: required, names: ['apt', 'build-essential'] },
  important: { priority: important, names: ['apt'] },
  standard: { priority: standard, names: ['apt'] },
  cloud: { priority: important, names: ['apt'], optional: ['cloud-init', 'cloud-guest-utils', 'openssh-server'], task: 'cloud-image' },
};

/** What a fresh machine would be asked to install. Essential packages are always among it. */
function specsOf(universe: Universe, state: AptState, rule: Rule): string[] {
  const found = new Set<string>();
  for (let version = 0; version < universe.versionCount; version += 1) {
    const owner = universe.ownerOf(version);
    if (universe.archOf(owner) !== 0 || state.candidateOf(owner) !== version) continue;
    const named = rule.priority !== undefined && universe.priorityOf(version) <= rule.priority;
    const tasked = rule.task !== undefined && new RegExp(`^Task:.*\\b${rule.task}\\b`, 'm').test(universe.stanzaOf(version));
    if (universe.isEssential(owner) || named || tasked) found.add(universe.label(owner));
  }
  const has = (name: string): boolean => state.candidateOf(universe.packageOf(universe.names.find(name), 0)) >= 0;
  return [...found, ...rule.names, ...(rule.optional ?? []).filter((name) => universe.names.find(name) >= 0 && has(name))];
}

/** Package to version of a machine that is made today: what mmdebstrap installs. Throws `INPUT_FIELD` for an unknown profile, `RESOLVE_*` when it cannot be had. */
export function profilePackages(universe: Universe, profile: string, pins?: PinPolicy): Map<number, number> {
  const rule = rules[profile];
  if (rule === undefined) throw new BundleError('INPUT_FIELD', { subject: `profile ${profile}`, expected: `one of ${Object.keys(rules).join(', ')}`, actual: profile });
  const options = pins === undefined ? {} : { pins };
  const wanted = specsOf(universe, new AptState(universe, pins), rule);
  const { chosen } = solveAptClassic(universe, { wanted, recommends: false, mode: 'closure', ...options });
  return new Map(chosen.map(({ version }) => [universe.ownerOf(version), version]));
}

/**
 * The same for a machine that may be as old as its release: each package in the oldest version that the indexes still offer, so that what needs a newer
 * one brings it along. By name (or name:arch).
 */
export function profileBaseline(universe: Universe, profile: string, pins?: PinPolicy): Map<string, { readonly version: number }> {
  return new Map([...profilePackages(universe, profile, pins)].map(([pkg, version]) => [universe.label(pkg), { version: universe.versionsOf(pkg).at(-1) ?? version }]));
}
