/** Package universes as text, for tests: `name-[epoch:]version-release.arch; kind: relation, relation; files: path`. */
import { parseNevra } from '../../../formats/rpm/nevra.ts';
import type { RpmRelation } from '../../../formats/rpm/relation.ts';
import { type SolvDecision } from '../../../downloader/solver/solv-like.ts';
import { type SolvOffer, prepareOffer, type SolvSettings } from '../../../downloader/solver/solv-offer.ts';
import { dependencyKinds } from '../../../downloader/solver/solv-tables.ts';
import { RpmUniverse, type SolvPackage, type SolvRepository } from '../../../downloader/solver/solv-universe.ts';
import { relationOf } from '../../differential/rpm/oracle.ts';

/** Splits at commas. */
const relations = (text: string): RpmRelation[] => text.split(',').map((part) => part.trim()).filter((part) => part !== '').map(relationOf);

export function rpm(line: string): SolvPackage {
  const [head = '', ...fields] = line.split(';').map((part) => part.trim());
  const nevra = parseNevra(head);
  if (nevra === undefined) throw new Error(`no package: ${head}`);
  const values = new Map(fields.map((field) => { const at = field.indexOf(':'); return [field.slice(0, at).trim(), field.slice(at + 1)] as const; }));
  const [provides = [], requires = [], conflicts = [], obsoletes = [], recommends = [], suggests = [], supplements = [], enhances = []] = dependencyKinds.map((kind) => relations(values.get(kind) ?? ''));
  return { ...nevra, provides, requires, conflicts, obsoletes, recommends, suggests, supplements, enhances, files: (values.get('files') ?? '').split(',').map((path) => ({ path: path.trim() })).filter(({ path }) => path !== '') };
}

export interface RpmText extends Partial<SolvRepository> { readonly packages: string }

/** Repositories, one package a line. */
export function universeOf(...repositories: readonly (string | RpmText)[]): RpmUniverse {
  const universe = new RpmUniverse();
  for (const [index, each] of repositories.entries()) {
    const { packages, ...facts } = typeof each === 'string' ? { packages: each } : each;
    const add = universe.open({ id: `r${index}`, ...facts });
    for (const line of packages.split('\n')) if (line.trim() !== '') add(rpm(line));
  }
  return universe;
}

export const offerOf = (universe: RpmUniverse, settings: Partial<SolvSettings> = {}): SolvOffer => prepareOffer(universe, { arch: 'x86_64', ...settings });

/** What was chosen, sorted. */
export const nevrasOf = ({ view }: SolvOffer, { chosen }: SolvDecision): string[] => chosen.map(({ solvable }) => view.universe.nevra(solvable)).sort();
