// What the repositories of a target offer, as numbers: rpm-md "primary". Packages are numbered from 1 in order of reading, which decides ties.
import { type Evr, formatEvr } from '../../formats/rpm/evr.ts';
import type { RpmRelations } from '../../formats/rpm/package.ts';
import { parseRich, type RichRelation, type RpmOperator, type RpmRelation } from '../../formats/rpm/relation.ts';
import type { NumberList, TripleTable } from './solv-numbers.ts';
import { meantBy } from './solv-suse.ts';
import { type DependencyKind, dependencyKinds, emptyTables, kindCount, type SolvTables } from './solv-tables.ts';
import type { TextTable } from './solv-texts.ts';

/** The fields of `RpmPackage` that choosing needs. */
export interface SolvPackage extends RpmRelations {
  readonly name: string;
  readonly evr: Evr;
  readonly arch: string;
  readonly files: readonly { readonly path: string }[];
  readonly sourceRpm?: string;
}

export interface SolvRepository {
  readonly id: string;
  /** dnf's: the lower number wins, 99 unless said. */
  readonly priority?: number;
  readonly cost?: number;
  /** `module_hotfixes`: its packages are not filtered by modules. */
  readonly hotfixes?: boolean;
  /** Specs of packages not to take from it, and the only ones to take. */
  readonly excludes?: readonly string[];
  readonly includepkgs?: readonly string[];
  /** Its packages are on the machine before. */
  readonly installed?: boolean;
}

const openingBracket = '('.charCodeAt(0);

/** Bits of an operator: what it accepts beside the version named. */
export const versionBits = { greater: 1, equal: 2, less: 4 } as const;
const bitsOf: Readonly<Record<RpmOperator, number>> = { '=': 2, '<': 4, '<=': 6, '>': 1, '>=': 3 };
const operatorOf: Readonly<Record<number, RpmOperator>> = { 2: '=', 4: '<', 6: '<=', 1: '>', 3: '>=' };

/** Relations, names and versions are numbers; see the class's methods for what each stands for. */
export class RpmUniverse {
  readonly repositories: SolvRepository[] = [];
  private readonly names: TextTable;
  private readonly evrs: Evr[];
  private evrIds: Map<string, number> | undefined;
  private readonly relations: TripleTable;
  private readonly rich = new Map<number, RichRelation | undefined>();
  private readonly solvables: Readonly<Record<'name' | 'evr' | 'arch' | 'repository' | 'source', NumberList>>;
  /** For each package and kind where its relations begin; they end where the next begins. */
  private readonly starts: NumberList;
  private readonly dependencies: NumberList;
  /** Pairs (path, package). */
  private readonly files: NumberList;
  private readonly loadedPaths = new Set<number>();
  /** Grows with everything that is added: what was derived from an older state is stale. */
  revision = 0;

  /** Without anything, or as `tables` hold it; they are kept and written to. */
  constructor(tables: SolvTables = emptyTables(), repositories: readonly SolvRepository[] = []) {
    ({ names: this.names, relations: this.relations, starts: this.starts, dependencies: this.dependencies, files: this.files } = tables);
    this.evrs = [...tables.evrs];
    const { name, evr, arch, repository, source } = tables;
    this.solvables = { name, evr, arch, repository, source };
    this.repositories.push(...repositories);
  }

  /** What it can be made of again, with the same repositories. Only before {@link RpmUniverse.addFileOwners} was told anything. */
  tables(): SolvTables {
    return { names: this.names, evrs: this.evrs, relations: this.relations, ...this.solvables, starts: this.starts, dependencies: this.dependencies, files: this.files };
  }

  /** Packages are 1 to `count - 1`. */
  get count(): number { return this.solvables.name.length; }
  get relationCount(): number { return this.relations.size; }

  nameId(name: string): number { return this.names.intern(name); }
  /** Undefined when no index mentions the name. */
  findName(name: string): number | undefined { return this.names.find(name); }
  text(name: number): string { return this.names.text(name); }
  allNames(): readonly string[] { return this.names.all(); }

  private evrId(evr: Evr): number {
    this.evrIds ??= new Map(this.evrs.map((each, id) => [formatEvr(each), id]));
    const key = formatEvr(evr);
    const known = this.evrIds.get(key);
    if (known !== undefined) return known;
    this.evrIds.set(key, this.evrs.length);
    return this.evrs.push(evr) - 1;
  }

  evr(id: number): Evr { return this.evrs[id] as Evr; }

  /** The number of a relation: equal ones have the same. */
  relationId({ name, op, evr }: RpmRelation): number {
    return this.relations.intern(this.nameId(name), op === undefined || evr === undefined ? 0 : bitsOf[op], op === undefined || evr === undefined ? -1 : this.evrId(evr));
  }

  /** The number of a mere name as a relation. */
  nameRelation(name: number): number { return this.relations.intern(name, 0, -1); }

  relationName(relation: number): number { return this.relations.part(relation, 0); }
  /** {@link versionBits}; 0 for any version. */
  relationBits(relation: number): number { return this.relations.part(relation, 1); }
  relationEvr(relation: number): number { return this.relations.part(relation, 2); }

  relation(id: number): RpmRelation {
    const name = this.text(this.relationName(id));
    const op = operatorOf[this.relationBits(id)];
    return op === undefined ? { name } : { name, op, evr: this.evr(this.relationEvr(id)) };
  }

  isRich(relation: number): boolean { return this.text(this.relationName(relation)).charCodeAt(0) === openingBracket; }

  /** The parts of a rich relation; undefined when its text is none. */
  richOf(relation: number): RichRelation | undefined {
    if (!this.rich.has(relation)) this.rich.set(relation, parseRich(this.text(this.relationName(relation))));
    return this.rich.get(relation);
  }

  /**
   * Opens a repository; the function it returns adds a package and gives its number. Repositories are to be opened in the order of priority,
   * cost and configuration, one after the other.
   */
  open(repository: SolvRepository): (item: SolvPackage) => number {
    const index = this.repositories.push(repository) - 1;
    const seen = new Map<RpmRelation, number>();
    const idOf = (relation: RpmRelation): number => {
      let id = seen.get(relation);
      if (id === undefined) {
        id = this.relationId(relation);
        seen.set(relation, id);
      }
      return id;
    };
    return (item) => this.add(item, index, idOf);
  }

  private add(item: SolvPackage, repository: number, idOf: (relation: RpmRelation) => number): number {
    const id = this.count;
    this.revision += 1;
    const name = this.nameId(item.name);
    const evr = this.evrId(item.evr);
    this.solvables.name.push(name);
    this.solvables.evr.push(evr);
    this.solvables.arch.push(this.nameId(item.arch));
    this.solvables.repository.push(repository);
    this.solvables.source.push(item.sourceRpm === undefined || item.sourceRpm === '' ? -1 : this.nameId(item.sourceRpm));
    for (const kind of dependencyKinds) {
      for (const relation of item[kind]) {
        const meant = meantBy(kind, relation);
        this.dependencies.push(meant === relation ? idOf(relation) : this.relationId(meant));
      }
      if (kind === 'provides') this.dependencies.push(this.relations.intern(name, versionBits.equal, evr));
      this.starts.push(this.dependencies.length);
    }
    for (const { path } of item.files) this.addFile(path, id);
    return id;
  }

  private addFile(path: string, solvable: number): void {
    this.files.push(this.nameId(path));
    this.files.push(solvable);
  }

  /** What filelists say of `path`: who owns it. To be told once for each path, with all its owners. */
  addFileOwners(path: string, owners: readonly number[]): void {
    this.revision += 1;
    this.loadedPaths.add(this.nameId(path));
    for (const owner of owners) this.addFile(path, owner);
  }

  /** Whether primary alone, or what {@link addFileOwners} said, names every owner of the path. */
  knowsPath(name: number): boolean {
    return this.loadedPaths.has(name) || isPrimaryPath(this.text(name));
  }

  eachFile(visit: (path: number, solvable: number) => void): void {
    for (let at = 0; at < this.files.length; at += 2) visit(this.files.at(at), this.files.at(at + 1));
  }

  nameOf(solvable: number): number { return this.solvables.name.at(solvable); }
  nameText(solvable: number): string { return this.text(this.nameOf(solvable)); }
  evrOf(solvable: number): number { return this.solvables.evr.at(solvable); }
  archOf(solvable: number): string { return this.text(this.solvables.arch.at(solvable)); }
  sourceOf(solvable: number): string { return this.solvables.source.at(solvable) < 0 ? '' : this.text(this.solvables.source.at(solvable)); }
  repositoryOf(solvable: number): SolvRepository { return this.repositories[this.solvables.repository.at(solvable)] as SolvRepository; }
  repositoryIndex(solvable: number): number { return this.solvables.repository.at(solvable); }
  /** `[epoch:]version-release` */
  versionText(solvable: number): string { return formatEvr(this.evr(this.evrOf(solvable))); }
  /** `name-[epoch:]version-release.arch` */
  nevra(solvable: number): string { return `${this.nameText(solvable)}-${this.versionText(solvable)}.${this.archOf(solvable)}`; }

  /** Relations of one kind, in order of the index. Its own `name = version` stands last among the provides. */
  dependenciesOf(solvable: number, kind: DependencyKind): Int32Array {
    const at = solvable * kindCount + dependencyKinds.indexOf(kind);
    return this.dependencies.slice(this.starts.at(at), this.starts.at(at + 1));
  }
}

/** Paths of which primary.xml lists every owner: createrepo_c(8); dnf relies on it in the same way. */
export function isPrimaryPath(path: string): boolean {
  return path.startsWith('/etc/') || path.includes('bin/') || path === '/usr/lib/sendmail';
}
