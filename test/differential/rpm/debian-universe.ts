/** The machine's Debian index as rpm packages, with what Debian does not have sprinkled over it by a fixed seed. Nothing of it is ever shipped. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parseStanzas, type Stanza } from '../../../formats/deb/deb822.ts';
import { parseRelations, type Relation } from '../../../formats/deb/relation.ts';
import { type Evr, formatEvr } from '../../../formats/rpm/evr.ts';
import type { RpmRelation } from '../../../formats/rpm/relation.ts';
import { randomFrom } from '../random-universe.ts';

export interface MadePackage {
  readonly name: string;
  readonly evr: Evr;
  readonly arch: string;
  readonly deps: Record<'provides' | 'requires' | 'conflicts' | 'obsoletes' | 'recommends' | 'suggests' | 'supplements' | 'enhances', RpmRelation[]>;
  /** In primary, and beside those in filelists only. */
  readonly files: string[];
  readonly moreFiles: string[];
}

const run = promisify(execFile);
/** The architecture whose packages run there, too, as rpm names it: on x86_64 those are installed, on aarch64 dnf looks at none of them. */
const otherArch: Readonly<Record<string, string>> = { x86_64: 'i686', aarch64: 'armv7hl' };
const operatorOf = { '<<': '<', '<=': '<=', '=': '=', '>=': '>=', '>>': '>' } as const;

/** The stanzas of every Packages index of the machine's sources. */
export async function machineStanzas(): Promise<Stanza[]> {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(FILENAME)', 'Created-By: Packages']);
  const stanzas: Stanza[] = [];
  for (const file of stdout.split('\n').filter((line) => line.endsWith('_Packages') || /_Packages\.\w+$/.test(line))) {
    const { stdout: text } = await run('/usr/lib/apt/apt-helper', ['cat-file', file], { maxBuffer: 1 << 30 });
    stanzas.push(...parseStanzas(text, { subject: file }));
  }
  return stanzas;
}

function evrOf(text: string, isRelation: boolean): Evr {
  const colon = text.indexOf(':');
  const rest = text.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  const clean = (part: string): string => part.replaceAll('-', '.');
  return { epoch: colon < 0 ? 0 : Number(text.slice(0, colon)), version: clean(dash < 0 ? rest : rest.slice(0, dash)), release: dash < 0 ? (isRelation ? '' : '0') : clean(rest.slice(dash + 1)) };
}

class Converter {
  /** Names that something provides without a version: there rpm takes any version, Debian none. */
  private readonly loose: ReadonlySet<string>;
  private readonly archOf: Readonly<Record<string, string>>;

  constructor(stanzas: readonly Stanza[], arch: string) {
    this.archOf = { amd64: arch, all: 'noarch' };
    this.loose = new Set(stanzas.flatMap((stanza) => parseRelations(stanza.get('provides') ?? '').flatMap(([relation]) => (relation === undefined || relation.version !== undefined ? [] : [relation.name]))));
  }

  private one({ name, operator, version }: Relation): RpmRelation {
    if (operator === undefined || version === undefined) return { name };
    const evr = evrOf(version, true);
    const op = operator === '>>' && evr.release === '' ? '>=' : operatorOf[operator];
    return { name: this.loose.has(name) ? `deb(${name})` : name, op, evr };
  }

  private groups(stanza: Stanza, field: string): RpmRelation[] {
    return parseRelations(stanza.get(field) ?? '').flatMap((group) => {
      const options = group.flatMap((relation) => (relation === undefined ? [] : [this.one(relation)]));
      const [first] = options;
      if (first === undefined) return [];
      if (options.length === 1) return [first];
      return [{ name: `(${options.map(({ name, op, evr }) => (op === undefined || evr === undefined ? name : `${name} ${op} ${formatEvr(evr)}`)).join(' or ')})` }];
    });
  }

  convert(stanza: Stanza): MadePackage | undefined {
    const [name, version, arch] = [stanza.get('package'), stanza.get('version'), this.archOf[stanza.get('architecture') ?? '']];
    if (name === undefined || version === undefined || arch === undefined) return undefined;
    const evr = evrOf(version, false);
    const provides: RpmRelation[] = [{ name, op: '=', evr }];
    if (this.loose.has(name)) provides.push({ name: `deb(${name})`, op: '=', evr });
    for (const relation of this.groups(stanza, 'provides')) provides.push(relation.op === undefined ? relation : { ...relation, name: relation.name.replace(/^deb\((.*)\)$/, '$1') }, ...(relation.name.startsWith('deb(') ? [relation] : []));
    const own = new Set(provides.map((relation) => relation.name));
    const conflicts = [...this.groups(stanza, 'conflicts'), ...this.groups(stanza, 'breaks')].filter((relation) => !own.has(relation.name) && !own.has(relation.name.replace(/^deb\((.*)\)$/, '$1')));
    return {
      name, evr, arch, files: [], moreFiles: [],
      deps: {
        provides, conflicts, obsoletes: [], supplements: [], requires: [...this.groups(stanza, 'pre-depends'), ...this.groups(stanza, 'depends')],
        recommends: this.groups(stanza, 'recommends'), suggests: this.groups(stanza, 'suggests'), enhances: this.groups(stanza, 'enhances'),
      },
    };
  }
}

/** One package for each name, version and architecture, in the order of the indexes. */
export function convertStanzas(stanzas: readonly Stanza[], arch = 'x86_64'): MadePackage[] {
  const converter = new Converter(stanzas, arch);
  const packages = new Map<string, MadePackage>();
  for (const stanza of stanzas) {
    const item = converter.convert(stanza);
    if (item !== undefined) packages.set(`${item.name} ${formatEvr(item.evr)} ${item.arch}`, packages.get(`${item.name} ${formatEvr(item.evr)} ${item.arch}`) ?? item);
  }
  return [...packages.values()];
}

/** Adds rich relations, paths, twins, obsoletes and supplements to a share of the packages; the same for the same seed. */
export function sprinkle(packages: readonly MadePackage[], seed: number, arch = 'x86_64'): MadePackage[] {
  const random = randomFrom(seed);
  const chance = (share: number): boolean => random() < share;
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const simple = packages.filter(({ deps }) => deps.requires.length + deps.recommends.length + deps.conflicts.length === 0);
  const leaves = simple.map(({ name }) => name);
  const pathOwners: { readonly primary: string[]; readonly lists: string[] } = { primary: [], lists: [] };
  const twins: MadePackage[] = [];
  for (const item of simple) {
    const own = item.name.replace(/[^a-z0-9]/g, '');
    if (chance(0.3)) { item.files.push(`/usr/bin/${own}`); pathOwners.primary.push(`/usr/bin/${own}`); }
    if (chance(0.3)) { item.moreFiles.push(`/usr/lib/${own}/plugin.so`); pathOwners.lists.push(`/usr/lib/${own}/plugin.so`); }
  }
  for (const path of pathOwners.primary.slice(0, 40)) pick(simple).files.push(path);
  for (const item of packages) {
    const { deps } = item;
    const known = deps.requires.filter(({ name, op }) => op === undefined && !name.startsWith('(')).map(({ name }) => name);
    const [near] = known;
    if (near !== undefined && chance(0.05)) {
      const leaf = pick(leaves);
      const texts = [`(${leaf} if ${near})`, `(${leaf} if ${near} else ${pick(leaves)})`, `(${leaf} unless ${near} else ${near})`, `(${near} and ${leaf})`, `(${near} with ${near})`, `(${leaf} or ${pick(leaves)})`, `(${near} without ${leaf})`];
      deps.requires.push({ name: pick(texts) });
    }
    if (near !== undefined && chance(0.04)) deps.recommends.push({ name: pick([`(${pick(leaves)} if ${near})`, `(${pick(leaves)} or ${pick(leaves)})`]) });
    if (chance(0.02)) deps.requires.push({ name: pick(pathOwners.primary) });
    if (chance(0.015)) deps.requires.push({ name: pick(pathOwners.lists) });
    if (near !== undefined && chance(0.02)) pick(simple).deps.supplements.push({ name: pick([item.name, `(${item.name} and ${near})`, `(${item.name} if ${near})`]) });
    if (chance(0.003)) { const other = pick(packages); if (other.name !== item.name) deps.obsoletes.push({ name: other.name, op: '<', evr: other.evr }); }
    if (chance(0.001)) { const other = pick(leaves); if (other !== item.name) deps.obsoletes.push({ name: other }); }
    if (item.arch === arch && item.name.startsWith('lib') && chance(0.08)) {
      deps.provides.push({ name: `${item.name}(64bit)` });
      twins.push({ ...item, arch: otherArch[arch] ?? arch, files: [], moreFiles: [], deps: { ...deps, provides: [...deps.provides.filter(({ name }) => !name.endsWith('(64bit)')), { name: `${item.name}(32bit)` }], obsoletes: [], supplements: [] } });
    }
  }
  for (const twin of twins.filter(({ deps }) => deps.requires.length <= 2).slice(0, 300)) pick(packages).deps.requires.push({ name: `${twin.name}(64bit)` });
  return [...packages, ...twins];
}

/** What `seeds` can lead to over requirements, with every provider of each: small enough for a test, and solvable as the whole. */
export function subset(packages: readonly MadePackage[], seeds: readonly string[]): MadePackage[] {
  const providers = new Map<string, MadePackage[]>();
  for (const item of packages) for (const { name } of item.deps.provides) providers.set(name, [...providers.get(name) ?? [], item]);
  const taken = new Set<MadePackage>();
  const queue = seeds.flatMap((name) => providers.get(name) ?? []);
  for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
    if (taken.has(item)) continue;
    taken.add(item);
    const names = item.deps.requires.flatMap(({ name }) => (name.startsWith('(') ? name.match(/[^\s()]+(?:\([^\s()]*\))*/g) ?? [] : [name]));
    queue.push(...names.flatMap((name) => providers.get(name) ?? []));
  }
  return packages.filter((item) => taken.has(item));
}
