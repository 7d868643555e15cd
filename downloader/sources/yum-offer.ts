// What the yum repositories of a target offer together: fetched, checked and read into one universe.
import { BundleError } from '../../bom/errors.ts';
import type { LockedRepository } from '../../bom/lock.ts';
import type { PackageSetRequirement, RepositoryRequirement, Target } from '../../bom/requirement.ts';
import { type Comps, parseComps } from '../../formats/rpm/comps.ts';
import { findOwners } from '../../formats/rpm/filelists.ts';
import { type ModuleDocument, parseModules } from '../../formats/rpm/modules.ts';
import type { RecordPlace } from '../../formats/rpm/xml-records.ts';
import { addOwners } from '../solver/solv-files.ts';
import type { SolvOffer, SolvSettings } from '../solver/solv-offer.ts';
import type { RpmUniverse } from '../solver/solv-universe.ts';
import { contextFor, readText, type YumContext } from './yum-access.ts';
import { rpmArchOf, yumRepositories, type YumRepository } from './yum-entry.ts';
import type { PackageFacts } from './yum-facts.ts';
import { fetchIndex, listedIndex, readIndex, type YumIndex } from './yum-index.ts';
import { type CheckedRepomd, fetchRepomd } from './yum-repomd.ts';
import { type LoadedRpms, loadRpms } from './yum-universe.ts';

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

/** What an index says of a package, and whose index. */
export interface OfferedFacts extends PackageFacts { readonly repository: LoadedRepository }

/** What the repositories of some sets on one target offer. */
export class YumOffer {
  readonly universe: RpmUniverse;
  /** By number of the repository in the universe. */
  readonly repositories: readonly LoadedRepository[];
  /** modules.yaml of each repository that has one, in the order of the document. */
  readonly modules: readonly (readonly ModuleDocument[])[];
  readonly warnings: string[] = [];
  /** Indexes that only a sha1 covers. */
  readonly weak: string[] = [];
  private readonly loaded: LoadedRpms;
  private filelists: readonly YumIndex[] | undefined;
  private known: { readonly key: string; readonly offer: SolvOffer } | undefined;

  constructor(repositories: readonly LoadedRepository[], loaded: LoadedRpms, modules: readonly (readonly ModuleDocument[])[]) {
    this.repositories = repositories;
    this.modules = modules;
    this.universe = loaded.universe;
    this.loaded = loaded;
  }

  /** What may be chosen under these settings; made anew when the universe has grown. */
  prepared(settings: SolvSettings, make: () => SolvOffer): SolvOffer {
    const key = JSON.stringify([settings.only, settings.excludes, settings.modules?.enabled, this.universe.revision]);
    if (this.known?.key !== key) this.known = { key, offer: make() };
    return this.known.offer;
  }

  factsOf(solvable: number): OfferedFacts {
    const repository = this.repositories[this.universe.repositoryIndex(solvable)];
    if (repository === undefined) throw new Error(`package ${solvable} of no repository`);
    return { repository, ...this.loaded.facts.of(solvable) };
  }

  /** The stanzas of packages of one repository, in the order of `places`. Throws as {@link cutStanzas}. */
  stanzas(repository: LoadedRepository, places: readonly RecordPlace[]): Promise<readonly string[]> {
    return this.loaded.stanzas(this.repositories.indexOf(repository), places);
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
  try {
    const loading = wanted.map((repository) => load(context, repository, both));
    const loaded = await Promise.all(loading);
    const inOrder = loaded.toSorted((a, b) => a.checked.repository.priority - b.checked.repository.priority || a.checked.repository.cost - b.checked.repository.cost);
    const offer = new YumOffer(inOrder, await loadRpms(context.cacheFolder, inOrder.map(({ checked: { repository }, primary }) => ({
      primary, repository: { id: repository.id, priority: repository.priority, cost: repository.cost, hotfixes: repository.moduleHotfixes, excludes: repository.excludes, includepkgs: repository.includepkgs },
    }))), loaded.map(({ modulesRead }) => modulesRead));
    for (const { checked, primary, modules, groups, updateinfo } of inOrder) {
      offer.warnings.push(...checked.warnings);
      offer.noteWeak([primary, modules, groups, updateinfo]);
    }
    return offer;
  } catch (error) {
    stop.abort(error);
    throw error;
  }
}
