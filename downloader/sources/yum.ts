import type { Digest } from '../../bom/digest.ts';
import type { LockedPackage, LockedPackageSet, LockedRepository } from '../../bom/lock.ts';
import type { Resolution, Source } from '../../bom/ports.ts';
import type { PackageSetRequirement } from '../../bom/requirement.ts';
import { PackageList } from './apt-locked.ts';
import { archPolicy } from '../solver/solv-arch.ts';
import { readText, type YumContext } from './yum-access.ts';
import { type AddressedRpm, addressedRpms, lockedAddressedRpm, offerRpms } from './yum-addressed.ts';
import { rpmArchOf } from './yum-entry.ts';
import { addInstalled } from './yum-installed.ts';
import { parseRpmList } from './yum-installed-list.ts';
import { type Draft, draftOf, digestOfDraft, lockedRpm } from './yum-locked.ts';
import { loadYumOffer, type YumOffer } from './yum-offer.ts';
import { profileBaseline } from './yum-profile.ts';
import { LockedRpms } from './yum-received.ts';
import { type DecidedSet, decideSets } from './yum-sets.ts';
import { SignatureBook, type SigningAnswer } from './yum-signed.ts';

export interface YumSourceOptions extends YumContext {
  /** Packages of the last lock: who signed them, and where they were found. */
  readonly previousPackages?: readonly LockedPackage[];
}

interface Group { readonly offer: YumOffer; readonly rpms: ReadonlyMap<number, AddressedRpm>; readonly sets: readonly DecidedSet[]; readonly warnings: readonly string[] }

/** Sets that are solved on the same offer. */
function groupsOf(wanted: readonly PackageSetRequirement[]): PackageSetRequirement[][] {
  return [...Map.groupBy(wanted, ({ target, repositories, assumeInstalled, urls }) => JSON.stringify([target, repositories, assumeInstalled, urls])).values()];
}

async function prepare(options: YumSourceOptions, sets: readonly PackageSetRequirement[], signal: AbortSignal): Promise<Group> {
  const [first] = sets;
  if (first === undefined) throw new Error('a group without sets');
  const offer = await loadYumOffer(options, first, signal);
  const profile = first.assumeInstalled !== undefined && 'profile' in first.assumeInstalled ? await profileBaseline(first, offer, first.assumeInstalled.profile, signal) : undefined;
  const { scoreOf } = archPolicy(rpmArchOf(first.target), first.arches.length === 0 ? undefined : first.arches);
  const rpms = offerRpms(offer, await addressedRpms(options, first, { offer, scoreOf, signal }));
  const notes: string[] = [];
  if (first.assumeInstalled !== undefined) {
    const entries = 'profile' in first.assumeInstalled ? profile ?? [] : parseRpmList(await readText(options, first.assumeInstalled.path), first.assumeInstalled.written);
    notes.push(...addInstalled(offer.universe, entries));
  }
  const { decided, warnings } = await decideSets(sets, { offer, files: [...rpms.keys()].map((solvable) => offer.universe.nevra(solvable)), signal });
  const known = decided.map((item) => ({ ...item, decision: { ...item.decision, exact: item.decision.exact && notes.length === 0 }, notes: [...item.notes, ...notes] }));
  return { offer, rpms, sets: known, warnings: [...offer.warnings, ...[...rpms.values()].flatMap(({ warning }) => warning ?? []), ...warnings] };
}

/** The stanzas of drafts, index by index. */
async function stanzasOf(offer: YumOffer, drafts: readonly Draft[]): Promise<ReadonlyMap<Draft, string>> {
  const found = new Map<Draft, string>();
  for (const [repository, some] of Map.groupBy(drafts, ({ facts }) => facts.repository)) {
    const texts = await offer.stanzas(repository, some.map(({ facts }) => facts.place));
    for (const [index, draft] of some.entries()) found.set(draft, texts[index] ?? '');
  }
  return found;
}

interface Lists { readonly packages: PackageList; readonly book: SignatureBook; readonly known: ReadonlyMap<string, readonly string[]> }

/** Everything that the sets of a group chose, each package looked at once. */
async function lockGroup({ offer, rpms, sets }: Group, { packages, book, known }: Lists, signal: AbortSignal): Promise<LockedPackageSet[]> {
  const solvables = [...new Set(sets.flatMap(({ decision: { chosen } }) => chosen.map(({ solvable }) => solvable)))].filter((solvable) => !rpms.has(solvable)).sort((a, b) => a - b);
  const drafts = solvables.map((solvable) => draftOf(offer, solvable, known));
  offer.weak.push(...drafts.flatMap(({ subject, facts }) => (facts.checksum.type === 'sha1' ? [subject] : [])));
  const stanzas = await stanzasOf(offer, drafts);
  const digests: Digest[] = [];
  for (const draft of drafts) digests.push(await digestOfDraft(draft, signal));
  const waived = new Set(sets.flatMap(({ set }) => set.allowUnsigned ?? []));
  const answers = await book.ask(drafts.map((draft, index) => ({ draft, digest: digests[index] as Digest, waived: waived.has(draft.identity.name) })), signal);
  const rows = new Map(solvables.map((solvable, index) => [solvable, { draft: drafts[index] as Draft, digest: digests[index] as Digest, answer: answers[index] as SigningAnswer }]));
  return sets.map(({ set, decision, notes }) => {
    const unsigned: string[] = [];
    for (const item of decision.chosen) {
      const requiredByName = item.requiredBy === undefined ? {} : { requiredByName: offer.universe.nameText(item.requiredBy) };
      const rpm = rpms.get(item.solvable);
      if (rpm !== undefined) { packages.add(lockedAddressedRpm(set, rpm, { ...item, ...requiredByName })); continue; }
      const row = rows.get(item.solvable);
      if (row === undefined) throw new Error(`package ${item.solvable} was not looked at`);
      const { draft, digest, answer } = row;
      if (answer.waived !== undefined) unsigned.push(`${draft.identity.name} is carried without a good signature, as allowUnsigned says: ${answer.waived}`);
      packages.add(lockedRpm(set, draft, {
        digest, stanza: stanzas.get(draft) ?? '', ...(answer.signedBy === undefined ? {} : { signedBy: answer.signedBy }),
        chosen: { solvable: item.solvable, reason: item.reason, ...(item.requiredBy === undefined ? {} : { requiredBy: offer.universe.nameText(item.requiredBy) }) },
      }));
    }
    return {
      id: set.id, target: set.target.id, engine: 'solv-like', mode: set.dependencies, requested: [...set.include.map(({ spec }) => spec), ...[...rpms.values()].map(({ content }) => content.name)], exact: decision.exact,
      notes: [...notes, ...unsigned], ...(decision.rejected.length === 0 ? {} : { rejected: [...decision.rejected] }),
    };
  });
}

/** One line for what only a sha1 covers. */
function weakWarnings([first, ...rest]: readonly string[]): string[] {
  return first === undefined ? [] : [`only a sha1, which can be forged, covers ${first}${rest.length === 0 ? '' : ` and ${rest.length} more`}`];
}

/**
 * Rpm packages from yum repositories. Metadata is checked as far as its definition asks (metalink hashes, repo_gpgcheck, checksums of every
 * index, no older than the last lock), every package by the hash of its index and, with gpgcheck, by its own signature: while locking over the
 * headers alone, while it is fetched over all of it, by the key that the lock names. Errors name the set, the repository or the package.
 */
export function createYumSource(options: YumSourceOptions): Source<'rpm'> {
  const locked = new LockedRpms(options);
  return {
    async resolve(wanted: readonly PackageSetRequirement[], signal: AbortSignal): Promise<Resolution<'rpm'>> {
      const before = options.previousPackages ?? [];
      const packages = new PackageList();
      const lists = { packages, book: new SignatureBook(options, before), known: new Map(before.map(({ digest, urls }) => [digest, urls])) };
      const packageSets: LockedPackageSet[] = [];
      const repositories = new Map<string, LockedRepository>();
      const warnings = new Set<string>();
      const weak = new Set<string>();
      for (const sets of groupsOf(wanted)) {
        const group = await prepare(options, sets, signal);
        packageSets.push(...await lockGroup(group, lists, signal));
        for (const repository of group.offer.locked(sets[0]?.target ?? { id: '', family: 'rhel', arch: '' })) repositories.set(`${repository.target}\n${repository.id}`, repository);
        for (const warning of group.warnings) warnings.add(warning);
        for (const what of group.offer.weak) weak.add(what);
      }
      for (const warning of packages.warnings) warnings.add(warning);
      for (const warning of weakWarnings([...weak])) warnings.add(warning);
      const inOrder = [...repositories.keys()].sort().flatMap((key) => repositories.get(key) ?? []);
      return { artifacts: packages.sorted(), repositories: inOrder, packageSets: wanted.flatMap(({ id }) => packageSets.filter((set) => set.id === id)), warnings: [...warnings], ...(weak.size === 0 ? {} : { weak: [...weak] }) };
    },
    fetch: (artifact, blob, options) => locked.fetch(artifact, blob, options),
  };
}
