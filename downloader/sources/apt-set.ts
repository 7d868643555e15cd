// One package set on the offer of its repositories: what its machines have, what it prefers, and what is chosen.
import { BundleError } from '../../bom/errors.ts';
import type { PackageSetRequirement, PreferenceSource } from '../../bom/requirement.ts';
import { parseStanzas, type Stanza } from '../../formats/deb/deb822.ts';
import { parsePreferences } from '../../formats/deb/preferences.ts';
import { solveAptClassic } from '../solver/apt-classic.ts';
import { findPackage } from '../solver/apt-specs.ts';
import { checkClosure } from '../solver/checker.ts';
import type { Installed } from '../solver/installed.ts';
import { PinPolicy } from '../solver/pins.ts';
import { profileBaseline } from '../solver/profiles.ts';
import type { Decision } from '../solver/solve.ts';
import type { Universe } from '../solver/universe.ts';
import { type AddressedDeb, specOf } from './apt-addressed.ts';
import { readLocal } from './apt-fetch.ts';
import type { Offer } from './apt-offer.ts';

const maxPreferenceBytes = 4 << 20;

export interface PreparedSet {
  readonly set: PackageSetRequirement;
  readonly offer: Offer;
  readonly wanted: readonly string[];
  /** Package files that it names by address or path. */
  readonly debs: readonly AddressedDeb[];
  readonly installed: Installed['packages'];
  readonly installedStanzas: readonly Stanza[];
  readonly pins?: PinPolicy;
}

type ReadFile = (path: string) => Promise<Uint8Array>;

async function pinsOf(set: PackageSetRequirement, universe: Universe, readFile: ReadFile | undefined): Promise<PinPolicy | undefined> {
  const sources: readonly PreferenceSource[] = [...(set.preferences ?? []), ...set.repositories.flatMap(({ preferences = [] }) => preferences)];
  if (sources.length === 0 && set.targetRelease === undefined) return undefined;
  const seen = new Set<string>();
  const preferences = [];
  for (const source of sources) {
    const text = 'text' in source ? source.text : Buffer.from(await (readFile ?? ((path: string) => readLocal(path, maxPreferenceBytes)))(source.path)).toString('utf8');
    if (seen.has(`${source.subject}\n${text}`)) continue;
    seen.add(`${source.subject}\n${text}`);
    preferences.push(...parsePreferences(text, source.subject));
  }
  return new PinPolicy(universe, { preferences, ...(set.targetRelease === undefined ? {} : { targetRelease: set.targetRelease }) });
}

/** Throws `INPUT_FIELD` for preferences or a profile that say nothing, `INPUT_MISSING_FILE`. */
export async function prepareSet(set: PackageSetRequirement, offer: Offer, { debs, readFile }: { readonly debs: readonly AddressedDeb[]; readonly readFile: ReadFile | undefined }): Promise<PreparedSet> {
  const { universe } = offer;
  const pins = await pinsOf(set, universe, readFile);
  const common = { set, offer, debs, wanted: [...set.include.map((item) => item.spec), ...debs.map((deb) => specOf(deb, set))], ...(pins === undefined ? {} : { pins }) };
  if (set.assumeInstalled === undefined || 'path' in set.assumeInstalled) return { ...common, installed: offer.installed, installedStanzas: offer.installedStanzas };
  const baseline = profileBaseline(universe, set.assumeInstalled.profile, pins);
  return {
    ...common,
    installed: new Map([...baseline].map(([label, { version }]) => [label, universe.versionText(version)])),
    installedStanzas: [...baseline.values()].flatMap(({ version }) => parseStanzas(universe.stanzaOf(version), { subject: set.id })),
  };
}

/** Throws `RESOLVE_UNSOLVABLE` when the independent checker finds that the closure cannot be installed as a whole. */
function demandInstallable({ set, offer: { universe }, installed, installedStanzas }: PreparedSet, { chosen, removed = [] }: Decision): void {
  const stanzaOf = (version: number): Stanza[] => parseStanzas(universe.stanzaOf(version), { subject: set.id });
  const assumed = [...installed].filter(([, version]) => version === undefined).map(([label]) => label);
  const assumedStanzas = assumed.flatMap((label) => {
    const version = universe.versionsOf(findPackage(universe, label) ?? -1)[0];
    return version === undefined ? [] : stanzaOf(version);
  });
  const problems = checkClosure(chosen.flatMap(({ version }) => stanzaOf(version)), {
    nativeArch: set.target.arch, installed: [...installedStanzas, ...assumedStanzas], assumed: new Set(assumed), removed,
  });
  if (problems.length === 0) return;
  throw new BundleError('RESOLVE_UNSOLVABLE', { subject: 'the whole', expected: 'packages that can be installed together', actual: problems.slice(0, 5).join('; ') });
}

/** Solves and checks. Errors name the set and, when one spec is to blame, the place that asked for it. */
export function decide(prepared: PreparedSet, wanted: readonly string[] = prepared.wanted): Decision {
  const { set, offer, installed, pins } = prepared;
  try {
    const decision = solveAptClassic(offer.universe, {
      wanted, recommends: set.weakDependencies, mode: set.dependencies === 'alldeps' ? 'closure' : set.dependencies, installed, held: offer.held,
      ...(pins === undefined ? {} : { pins }), ...(set.followExact === true ? { followExact: true } : {}),
    });
    if (set.dependencies === 'closure') demandInstallable(prepared, decision);
    return decision;
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    const at = set.include.find(({ spec }) => error.facts.subject === `package ${spec}`)?.at ?? set.at[0];
    const place = at === undefined ? '' : ` (${at.file}:${at.line}:${at.column})`;
    throw new BundleError(error.code, { ...error.facts, subject: `package set ${set.id}${place}: ${error.facts.subject}` }, { cause: error });
  }
}

/** The specs of the other versions of what is wanted in all its versions. Each is solved by itself: they cannot be installed together. */
export function otherVersions({ set, offer: { universe } }: PreparedSet, decision: Decision): string[] {
  const taken = new Set(decision.chosen.map(({ version }) => version));
  return set.include.filter((item) => item.versions === 'all').flatMap((item) => {
    const label = item.spec.replace(/[=/].*$/, '');
    const chosen = decision.chosen.find(({ version }) => universe.label(universe.ownerOf(version)) === label);
    if (chosen === undefined) return [];
    return universe.versionsOf(universe.ownerOf(chosen.version)).filter((version) => !taken.has(version) && universe.versionText(version) !== universe.versionText(chosen.version)).map((version) => `${label}=${universe.versionText(version)}`);
  });
}

/**
 * Specs of packages that are no part of the closure, but are built from the same source in the same version as one of it and need exactly that version of
 * it: a machine that has them could not upgrade to the closure without them.
 */
export function siblingSpecs({ set, offer: { universe } }: PreparedSet, decision: Decision): string[] {
  if (set.siblings === undefined) return [];
  const taken = new Map(decision.chosen.map(({ version }) => [universe.ownerOf(version), version]));
  const bySource = new Set(decision.chosen.map(({ version }) => `${universe.sourceOf(version)} ${universe.versionText(version)}`));
  const needsExactly = (version: number): boolean => (['Pre-Depends', 'Depends'] as const).some((field) => universe.relationsOf(version, field).flat().some(({ name, operator, version: wanted }) =>
    operator === '=' && name >= 0 && universe.architectures.some((_, arch) => {
      const there = taken.get(universe.packageOf(name, arch));
      return there !== undefined && universe.versionText(there) === wanted;
    })));
  return Array.from({ length: universe.versionCount }, (_, version) => version)
    .filter((version) => !taken.has(universe.ownerOf(version)) && needsExactly(version) && bySource.has(`${universe.sourceOf(version)} ${universe.versionText(version)}`))
    .map((version) => `${universe.label(universe.ownerOf(version))}=${universe.versionText(version)}`);
}
