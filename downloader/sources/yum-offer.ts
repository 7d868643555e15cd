// What the yum repositories of a target offer together: fetched, checked and read into one universe.
import { BundleError } from '../../bom/errors.ts';
import type { LockedRepository } from '../../bom/lock.ts';
import type { PackageSetRequirement, RepositoryRequirement, Target } from '../../bom/requirement.ts';
import { type Comps, parseComps } from '../../formats/rpm/comps.ts';
import { findOwners } from '../../formats/rpm/filelists.ts';
import { type ModuleDocument, parseModules } from '../../formats/rpm/modules.ts';
import type { RpmChecksum, RpmPackage } from '../../formats/rpm/package.ts';
import { readPrimary } from '../../formats/rpm/primary.ts';
import type { RecordPlace } from '../../formats/rpm/xml-records.ts';
import { addOwners } from '../solver/solv-files.ts';
import type { SolvOffer, SolvSettings } from '../solver/solv-offer.ts';
import { RpmUniverse } from '../solver/solv-universe.ts';
import { contextFor, readText, type YumContext } from './yum-access.ts';
import { rpmArchOf, yumRepositories, type YumRepository } from './yum-entry.ts';
import { fetchIndex, listedIndex, readIndex, type YumIndex } from './yum-index.ts';
import { type CheckedRepomd, fetchRepomd } from './yum-repomd.ts';

const maxModulesBytes = 256 << 20;
const maxCompsBytes = 64 << 20;

/** A repository whose metadata is at hand. Filelists join when they are needed. */
export interface LoadedRepository {
  readonly checked: CheckedRepomd;
  readonly context: YumContext;
  readonly primary: YumIndex;
  readonly modules: YumIndex | undefined;
  readonly groups: YumIndex | undefined;
  readonly updateinfo: YumIndex | undefined;
  readonly modulesRead: readonly ModuleDocument[];
  readonly groupsRead: Comps | undefined;
}

/** What the index says of a package beside what choosing needs. */
export interface PackageFacts {
  readonly repository: LoadedRepository;
  /** Of its element in the decompressed primary. */
  readonly place: RecordPlace;
  readonly checksum: RpmChecksum;
  readonly size: number;
  readonly location: string;
  readonly base: string | undefined;
  /** Where its headers end, as the index says; 0 when it does not. */
  readonly headerEnd: number;
}

/** Columns by package number: a row as an object would cost four times as much. */
class FactTable {
  private readonly numbers = new NumberColumns(4);
  private readonly checksums: string[] = [];
  private readonly locations: string[] = [];
  private readonly bases = new Map<number, string>();

  set(id: number, { place, size, checksum, location, base, headerRange }: RpmPackage): void {
    this.numbers.set(id, [place.offset, place.length, size, headerRange?.end ?? 0]);
    this.checksums[id] = `${checksum.type}:${checksum.value}`;
    this.locations[id] = location;
    if (base !== undefined) this.bases.set(id, base);
  }

  of(id: number): Omit<PackageFacts, 'repository'> {
    const [offset = 0, length = 0, size = 0, headerEnd = 0] = this.numbers.of(id);
    const [type = '', value = ''] = (this.checksums[id] ?? '').split(':');
    return { place: { offset, length }, size, headerEnd, checksum: { type, value }, location: this.locations[id] ?? '', base: this.bases.get(id) };
  }
}

/** Rows of `width` numbers below 2^53. */
class NumberColumns {
  private values = new Float64Array(1 << 14);
  private readonly width: number;

  constructor(width: number) { this.width = width; }

  set(row: number, numbers: readonly number[]): void {
    const at = row * this.width;
    if (at + this.width > this.values.length) {
      const more = new Float64Array(Math.max(this.values.length * 2, at + this.width));
      more.set(this.values);
      this.values = more;
    }
    this.values.set(numbers, at);
  }

  of(row: number): Float64Array { return this.values.subarray(row * this.width, (row + 1) * this.width); }
}

/** What the repositories of some sets on one target offer. */
export class YumOffer {
  readonly universe = new RpmUniverse();
  /** By number of the repository in the universe. */
  readonly repositories: LoadedRepository[] = [];
  /** modules.yaml of each repository that has one, in the order of the document. */
  readonly modules: (readonly ModuleDocument[])[] = [];
  readonly warnings: string[] = [];
  /** Indexes that only a sha1 covers. */
  readonly weak: string[] = [];
  private readonly facts = new FactTable();
  private filelists: readonly YumIndex[] | undefined;
  private known: { readonly key: string; readonly offer: SolvOffer } | undefined;

  /** Reads one repository into the universe, behind those before it. Throws `INTEGRITY_METADATA` for what is no primary.xml. */
  async add(loaded: LoadedRepository): Promise<void> {
    const { repository } = loaded.checked;
    this.repositories.push(loaded);
    const insert = this.universe.open({ id: repository.id, priority: repository.priority, cost: repository.cost, hotfixes: repository.moduleHotfixes, excludes: repository.excludes, includepkgs: repository.includepkgs });
    await readPrimary(loaded.primary.open(), { subject: loaded.primary.subject }, (item) => {
      if (item.arch === 'src' || item.arch === 'nosrc') return;
      const id = insert(item);
      this.facts.set(id, item);
    });
  }

  /** What may be chosen under these settings; made anew when the universe has grown. */
  prepared(settings: SolvSettings, make: () => SolvOffer): SolvOffer {
    const key = JSON.stringify([settings.only, settings.excludes, settings.modules?.enabled, this.universe.revision]);
    if (this.known?.key !== key) this.known = { key, offer: make() };
    return this.known.offer;
  }

  factsOf(solvable: number): PackageFacts {
    const repository = this.repositories[this.universe.repositoryIndex(solvable)];
    if (repository === undefined) throw new Error(`package ${solvable} of no repository`);
    return { repository, ...this.facts.of(solvable) };
  }

  /** Streams that repositories' definitions enable. */
  get enabledModules(): readonly string[] { return [...new Set(this.repositories.flatMap(({ checked }) => checked.repository.modules))]; }

  /**
   * Asks filelists who owns `paths`, each once, and tells the universe. The lists are fetched when this is first called. Repositories without
   * any know no more than their primary.
   */
  async learnOwners(paths: Iterable<string>, signal: AbortSignal): Promise<void> {
    const wanted = [...new Set(paths)];
    const owners = new Map<number, Awaited<ReturnType<typeof findOwners>>>();
    this.filelists ??= await this.fetchFilelists(signal);
    for (const [index, list] of this.filelists.entries()) owners.set(index, await findOwners(list.open(), wanted, { subject: list.subject }));
    addOwners(this.universe, wanted, owners);
  }

  /** Paths that are mentioned anywhere and that only filelists know the owners of. */
  unknownPaths(): string[] {
    const { universe } = this;
    return universe.allNames().filter((name, id) => name.startsWith('/') && !universe.knowsPath(id));
  }

  private async fetchFilelists(signal: AbortSignal): Promise<readonly YumIndex[]> {
    const lists: YumIndex[] = [];
    for (const { checked, context } of this.repositories) {
      const file = listedIndex(checked, 'filelists');
      lists.push(file === undefined ? emptyList(checked) : await fetchIndex(context, checked, file, signal));
    }
    this.noteWeak(lists);
    return lists;
  }

  noteWeak(indexes: readonly (YumIndex | undefined)[]): void {
    for (const index of indexes) if (index?.isWeak === true) this.weak.push(index.subject);
  }

  /** What the lock says of the repositories, filelists among their indexes when they were needed. */
  locked(target: Target): LockedRepository[] {
    return this.repositories.map(({ checked, primary, modules, groups, updateinfo }, index) => {
      const list = this.filelists?.[index];
      const read = [primary, ...(list === undefined || list.blob.size === 0 ? [] : [list])];
      return {
        ...checked.locked, target: target.id, architectures: [rpmArchOf(target)],
        indexes: read.map(({ path, blob }) => ({ path, digest: blob.digest, size: blob.size })),
        ...(modules === undefined ? {} : { modules: modules.blob }), ...(groups === undefined ? {} : { groups: groups.blob }), ...(updateinfo === undefined ? {} : { updateinfo: updateinfo.blob }),
      };
    });
  }
}

/** Stands for the filelists of a repository that has none: dnf takes such a one too. */
function emptyList({ repository, locked }: CheckedRepomd): YumIndex {
  return {
    type: 'filelists', path: '', isWeak: false, subject: `filelists of repository ${repository.id}`, blob: { ...locked.metadata, size: 0 },
    open: async function* open() { yield Buffer.from('<filelists/>'); },
  };
}

async function loadOnce(context: YumContext, repository: YumRepository, signal: AbortSignal): Promise<LoadedRepository> {
  const checked = await fetchRepomd(context, repository, signal);
  const primary = listedIndex(checked, 'primary');
  if (primary === undefined) throw new BundleError('INTEGRITY_METADATA', { subject: `repository ${repository.id}`, expected: 'a primary index', actual: 'none in its repomd.xml' });
  const optional = async (type: string): Promise<YumIndex | undefined> => {
    const file = listedIndex(checked, type);
    return file === undefined ? undefined : fetchIndex(context, checked, file, signal);
  };
  const [packages, modules, groups, updateinfo] = await Promise.all([fetchIndex(context, checked, primary, signal), optional('modules'), optional('group'), optional('updateinfo')]);
  return {
    checked, context, primary: packages, modules, groups, updateinfo,
    modulesRead: modules === undefined ? [] : parseModules(await readIndex(modules, maxModulesBytes), modules.subject),
    groupsRead: groups === undefined ? undefined : parseComps(await readIndex(groups, maxCompsBytes), groups.subject),
  };
}

/** A repository whose indexes do not match its repomd.xml is read once more from the start: the mirror may have been in the middle of an update. */
async function load(base: YumContext, repository: YumRepository, signal: AbortSignal): Promise<LoadedRepository> {
  const context = await contextFor(base, repository);
  context.notify({ kind: 'step', phase: 'lock', message: `reading ${repository.id}` });
  try {
    return await loadOnce(context, repository, signal);
  } catch (error) {
    const isStale = error instanceof BundleError && (error.code === 'INTEGRITY_DIGEST' || error.code === 'INTEGRITY_SIZE' || (error.code === 'RESOLVE_NOT_FOUND' && /^\w+ of repository /.test(error.facts.subject)));
    if (!isStale) throw error;
    return loadOnce(context, repository, signal);
  }
}

async function expanded(context: YumContext, requirements: readonly RepositoryRequirement[], target: Target): Promise<YumRepository[]> {
  const found: YumRepository[] = [];
  for (const requirement of requirements) found.push(...await yumRepositories(requirement, target, (path) => readText(context, path)));
  return found;
}

/** Fetches, verifies and reads every repository of a set. All are fetched at once; the first that fails stops the others. */
export async function loadYumOffer(context: YumContext, { target, repositories }: Pick<PackageSetRequirement, 'target' | 'repositories'>, signal: AbortSignal): Promise<YumOffer> {
  const wanted = await expanded(context, repositories, target);
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const offer = new YumOffer();
  try {
    const loading = wanted.map((repository) => load(context, repository, both));
    const loaded = await Promise.all(loading);
    offer.modules.push(...loaded.map(({ modulesRead }) => modulesRead));
    const inOrder = loaded.toSorted((a, b) => a.checked.repository.priority - b.checked.repository.priority || a.checked.repository.cost - b.checked.repository.cost);
    for (const repository of inOrder) {
      offer.warnings.push(...repository.checked.warnings);
      offer.noteWeak([repository.primary, repository.modules, repository.groups, repository.updateinfo]);
      await offer.add(repository);
    }
  } catch (error) {
    stop.abort(error);
    throw error;
  }
  return offer;
}
