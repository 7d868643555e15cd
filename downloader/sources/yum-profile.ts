// What rpm machines have from the start, by name: worked out from the repositories' own groups and packages, so that no list grows old here. docs/rpm.md, "What machines have before".
import { BundleError } from '../../bom/errors.ts';
import type { PackageSetRequirement } from '../../bom/requirement.ts';
import { compareEvr } from '../../formats/rpm/evr.ts';
import { groupMembers } from '../solver/solv-groups.ts';
import type { InstalledEntry } from './yum-installed-list.ts';
import type { YumOffer } from './yum-offer.ts';
import { ask } from './yum-question.ts';

/** Each of `wanted` in the first form that the repositories have, and of `optional` where they have any. */
interface Rule { readonly wanted: readonly (readonly string[])[]; readonly optional?: readonly (readonly string[])[] }

const cloud = [['cloud-init'], ['cloud-utils-growpart', 'growpart'], ['openssh-server', 'openssh']];
const redHatCore = ['@minimal-environment', '@core'];
const suseCore = ['patterns-base-minimal_base', 'patterns-openSUSE-minimal_base'];

/** By family: groups and environments of comps.xml there, patterns (which are packages) here. */
const rules: Readonly<Record<'rhel' | 'suse', Readonly<Record<string, Rule>>>> = {
  rhel: {
    container: { wanted: [['system-release'], ['bash'], ['coreutils-single', 'coreutils'], ['glibc-minimal-langpack', 'glibc'], ['rpm'], ['microdnf', 'dnf5', 'dnf', 'yum']] },
    minimal: { wanted: [redHatCore] },
    standard: { wanted: [redHatCore, ['@standard']] },
    cloud: { wanted: [redHatCore], optional: cloud },
  },
  suse: {
    container: { wanted: [['distribution-release'], ['bash'], ['coreutils-single', 'coreutils'], ['glibc'], ['rpm'], ['zypper']] },
    minimal: { wanted: [suseCore] },
    standard: { wanted: [suseCore, ['patterns-base-base']] },
    cloud: { wanted: [suseCore], optional: cloud },
  },
};

function ruleOf(set: PackageSetRequirement, profile: string): Rule {
  const known = rules[set.target.family === 'suse' ? 'suse' : 'rhel'];
  const rule = Object.hasOwn(known, profile) ? known[profile] : undefined;
  if (rule !== undefined) return rule;
  throw new BundleError('INPUT_FIELD', { subject: `package set ${set.id}: assumeInstalled`, expected: `one of the profiles ${Object.keys(known).join(', ')} for an rpm target`, actual: profile, next: 'Name one of these, or a file with the output of `rpm -qa` of such a machine.' });
}

/** Whether the repositories have what the spec names: a group, a package, or something provided. */
function isOffered(offer: YumOffer, names: ReadonlySet<string>, spec: string): boolean {
  return spec.startsWith('@') ? groupMembers(offer.repositories.flatMap(({ groupsRead }) => groupsRead ?? []), spec.slice(1)) !== undefined : names.has(spec);
}

function offeredNames({ universe }: YumOffer): Set<string> {
  const names = new Set<string>();
  for (let id = 1; id < universe.count; id += 1) for (const relation of universe.dependenciesOf(id, 'provides')) names.add(universe.text(universe.relationName(relation)));
  return names;
}

/** What a fresh machine would be asked to install. */
function specsOf(set: PackageSetRequirement, offer: YumOffer, profile: string): string[] {
  const { wanted, optional = [] } = ruleOf(set, profile);
  const names = offeredNames(offer);
  const firstOf = (forms: readonly string[]): string | undefined => forms.find((spec) => isOffered(offer, names, spec));
  const specs = wanted.map((forms) => {
    const found = firstOf(forms);
    if (found !== undefined) return found;
    throw new BundleError('RESOLVE_NOT_FOUND', {
      subject: `package set ${set.id}: profile ${profile}`, expected: `${forms.join(' or ')} in the repositories of the set`, actual: forms.some((each) => each.startsWith('@')) ? 'no such group: none of them has a comps.xml with it' : 'nothing of that name',
      next: 'Add the repository of the distribution that has it (BaseOS, oss), or name a file with the output of `rpm -qa` of such a machine.',
    });
  });
  return [...specs, ...optional.flatMap((forms) => firstOf(forms) ?? [])];
}

/**
 * The packages of a machine that is made today: what `dnf --setopt=install_weak_deps=0 --setopt=best=0 install` of the profile's groups and packages puts into an empty root. `offer` must not have installed
 * packages yet. Throws `INPUT_FIELD` for an unknown profile, `RESOLVE_NOT_FOUND` when the repositories have no such group, `RESOLVE_*`.
 */
export async function profilePackages(set: PackageSetRequirement, offer: YumOffer, profile: string, signal: AbortSignal): Promise<number[]> {
  const specs = specsOf(set, offer, profile);
  const { assumeInstalled: _, ...rest } = set;
  const fresh: PackageSetRequirement = {
    ...rest, id: `${set.id} (profile ${profile})`, dependencies: 'closure', weakDependencies: false, best: false, solve: 'joint', urls: [], include: specs.map((spec) => ({ spec, versions: 'newest' as const, at: set.at[0] ?? { file: '', line: 0, column: 0 } })),
  };
  const { chosen } = await ask({ set: fresh, offer, files: [], signal });
  return chosen.map(({ solvable }) => solvable);
}

/**
 * The same for a machine that may be as old as its release: each package in the oldest version that the repositories still offer, so that what needs a newer one brings it along.
 */
export async function profileBaseline(set: PackageSetRequirement, offer: YumOffer, profile: string, signal: AbortSignal): Promise<InstalledEntry[]> {
  const { universe } = offer;
  const chosen = await profilePackages(set, offer, profile, signal);
  const keyOf = (id: number): string => `${universe.nameText(id)}.${universe.archOf(id)}`;
  const oldest = new Map(chosen.map((id) => [keyOf(id), id]));
  for (let id = 1; id < universe.count; id += 1) {
    const best = oldest.get(keyOf(id));
    if (best !== undefined && compareEvr(universe.evr(universe.evrOf(id)), universe.evr(universe.evrOf(best))) < 0) oldest.set(keyOf(id), id);
  }
  return [...oldest.values()].map((id) => ({ name: universe.nameText(id), evr: universe.evr(universe.evrOf(id)), arch: universe.archOf(id) }));
}
