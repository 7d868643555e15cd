// Proves that packages can be installed together: Debian Policy 4.7, sections 7.2 to 7.5, and the Multi-Arch rules. It shares nothing with the
// engines but the parsers, so that a mistake of theirs does not repeat here.
import type { Stanza } from '../../formats/deb/deb822.ts';
import { parseRelations, type Relation } from '../../formats/deb/relation.ts';
import { versionMatches } from '../../formats/deb/version.ts';

interface Present {
  readonly label: string;
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly multiArch: string;
  readonly stanza: Stanza;
}

interface Offered { readonly by: Present; readonly version: string | undefined }

export interface CheckOptions {
  readonly nativeArch: string;
  /** Stanzas of what is there before: none of it may break that was whole before. */
  readonly installed: readonly Stanza[];
  /** Those of them that go: name or name:arch. */
  readonly removed?: readonly string[];
  /** Names that are there before in whatever version is needed. */
  readonly assumed: ReadonlySet<string>;
}

function presentOf(stanza: Stanza, nativeArch: string): Present {
  const field = (name: string): string => (stanza.get(name) ?? '').trim();
  const arch = field('architecture') === 'all' || field('architecture') === '' ? nativeArch : field('architecture');
  return { label: `${field('package')} ${field('version')} ${field('architecture')}`, name: field('package'), version: field('version'), arch, multiArch: field('multi-arch').toLowerCase(), stanza };
}

function offersOf(all: readonly Present[]): Map<string, Offered[]> {
  const offers = new Map<string, Offered[]>();
  const put = (name: string, offer: Offered): void => { offers.set(name, [...(offers.get(name) ?? []), offer]); };
  for (const by of all) {
    put(by.name, { by, version: by.version });
    for (const relation of parseRelations(by.stanza.get('provides') ?? '').flat()) if (relation !== undefined) put(relation.name, { by, version: relation.version });
  }
  return offers;
}

/** A Conflicts or Breaks without a qualifier speaks of every architecture. */
function isDenied(relation: Relation, from: Present, offer: Offered, nativeArch: string): boolean {
  return fits(relation.arch === undefined ? { ...relation, arch: offer.by.arch } : relation, from, offer, nativeArch);
}

function fits(relation: Relation, from: Present, { by, version }: Offered, nativeArch: string): boolean {
  if (relation.operator !== undefined && (version === undefined || !versionMatches(version, relation.operator, relation.version ?? ''))) return false;
  if (relation.arch === 'any') return by.multiArch === 'allowed';
  if (relation.arch !== undefined) return by.arch === (relation.arch === 'native' ? nativeArch : relation.arch);
  return by.arch === from.arch || by.multiArch === 'foreign';
}

function textOf(group: readonly (Relation | undefined)[]): string {
  return group.map((relation) => (relation === undefined ? '?' : `${relation.name}${relation.version === undefined ? '' : ` (${relation.operator} ${relation.version})`}`)).join(' | ');
}

/** What stands in the way of installing `chosen` together; empty when nothing does. Negative relations of what is installed count too. */
export function checkClosure(chosen: readonly Stanza[], options: CheckOptions): string[] {
  const own = chosen.map((stanza) => presentOf(stanza, options.nativeArch));
  const replaced = new Set(own.map(({ name, arch }) => `${name}:${arch}`));
  const gone = new Set((options.removed ?? []).map((label) => (label.includes(':') ? label : `${label}:${options.nativeArch}`)));
  const there = options.installed.map((stanza) => presentOf(stanza, options.nativeArch));
  const before = there.filter(({ name, arch }) => !replaced.has(`${name}:${arch}`) && !gone.has(`${name}:${arch}`));
  const all = [...own, ...before];
  const offers = offersOf(all);
  const problems: string[] = [];
  const isOwnItem = new Set(own);
  const offersBefore = before.length === there.length ? offers : offersOf(there);
  const isMet = (item: Present, group: readonly (Relation | undefined)[], from: ReadonlyMap<string, readonly Offered[]>): boolean => group.some((relation) => relation !== undefined
    && (options.assumed.has(relation.name) || (from.get(relation.name) ?? []).some((offer) => fits(relation, item, offer, options.nativeArch))));
  for (const item of all) {
    const isOwn = isOwnItem.has(item);
    if (!isOwn && offersBefore === offers) continue;
    for (const group of ['pre-depends', 'depends'].flatMap((field) => parseRelations(item.stanza.get(field) ?? ''))) {
      if (!isMet(item, group, offers) && (isOwn || isMet(item, group, offersBefore))) problems.push(`${item.label} needs ${textOf(group)}`);
    }
  }
  for (const item of all) {
    for (const relation of ['conflicts', 'breaks'].flatMap((field) => parseRelations(item.stanza.get(field) ?? '').flat())) {
      if (relation === undefined) continue;
      const clash = (offers.get(relation.name) ?? []).find((offer) => offer.by.name !== item.name && isDenied(relation, item, offer, options.nativeArch));
      if (clash !== undefined && (isOwnItem.has(item) || isOwnItem.has(clash.by))) problems.push(`${item.label} cannot be beside ${clash.by.label}`);
    }
    const twin = all.find((other) => other !== item && other.name === item.name
      && (other.arch === item.arch || item.multiArch !== 'same' || other.multiArch !== 'same' || other.version !== item.version));
    if (twin !== undefined && isOwnItem.has(item)) problems.push(`${item.label} cannot be beside ${twin.label}`);
  }
  return problems;
}
