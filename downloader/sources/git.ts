// Git repositories as bundles (git-bundle(1)): one file that `git clone` takes, with the whole history of a commit.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { BundleError } from '../../bom/errors.ts';
import type { Notify } from '../../bom/events.ts';
import { gitBundleMediaType, type LockedGit } from '../../bom/lock.ts';
import type { BlobReader, BlobWriter, Source } from '../../bom/ports.ts';
import type { GitRequirement } from '../../bom/requirement.ts';
import { formatPosition } from '../../bom/documents/yaml-tree.ts';
import { isSafePath } from '../../formats/archive/tar-header.ts';
import { settled } from '../failures.ts';
import { gitAddress } from '../git-address.ts';
import { git } from '../git-command.ts';
import { hashFile, openFile } from './file-local.ts';
import { bundleRefs, fetchRevision, type GitPlace, type ResolvedRevision, resolveRevision, runOf, submodulesOf } from './git-repository.ts';

export interface GitSourceOptions {
  readonly blobs: BlobReader & BlobWriter;
  readonly notify: Notify;
  readonly headersFor: (name: string) => Promise<Readonly<Record<string, string>>>;
  readonly spoolDir?: string;
  /** A file with the authorities that https servers are judged by; git's own list without one. */
  readonly authorities?: () => Promise<string | undefined>;
  /** Of the last lock: a bundle of the same commit that the store still has is kept as it is, whatever git makes today. */
  readonly previous?: readonly LockedGit[];
}

const limits = { depth: 8, repositories: 500, repackBytes: 1 << 30 } as const;

/**
 * Git repositories over https, http, ssh and file, through the machine's git. The commit is what is locked: `declared` when a document names
 * it, `first-use` when a branch or tag was asked for it. The bundle is made while locking and stored; submodules become bundles of their own.
 * Throws `RESOLVE_*`, `INPUT_URL`, `INPUT_CREDENTIAL`, transfer and storage errors.
 */
export function createGitSource(options: GitSourceOptions): Source<'git'> {
  const queue = new PQueue({ concurrency: 2 });
  return {
    async resolve(wanted, signal) {
      const warnings: string[] = [];
      const resolved = await settled(wanted.map((requirement) => queue.add(async () => resolveOne(requirement, { ...options, signal, warnings, count: { repositories: 0 } }), { signal })));
      return { artifacts: oneEach(resolved.flat()), warnings: warnings.sort() };
    },
    async *fetch(item, blob, { offset = 0, signal }) {
      const place: GitPlace = {
        url: item.url, commit: item.commit, subject: `git ${item.name}`, headers: await headersOf(item.headersFrom ?? [], options), authorities: await options.authorities?.(), signal,
        ...(item.ref === undefined ? {} : { ref: item.ref }), ...(item.mirror === undefined ? {} : { mirror: item.mirror }),
      };
      const folder = await scratch(options, place.subject);
      try {
        const repository = await fetchRevision(place, { commit: item.commit, ...(item.ref === undefined ? {} : { ref: item.ref }) }, folder);
        const made = await bundle(place, repository, folder);
        const { digest } = await hashFile(made, { subject: place.subject, checks: [], signal });
        if (digest !== blob.digest) throw new BundleError('INTEGRITY_DIGEST', { subject: place.subject, expected: `the bundle ${blob.digest} that was locked`, actual: `${digest}: git packed the same commit differently here`, next: 'Bring the store that the lock was made with, or run `longshore lock` again on this machine.' });
        yield* openFile(made, offset);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

interface Resolving extends GitSourceOptions { readonly signal: AbortSignal; readonly warnings: string[]; readonly count: { repositories: number } }

async function resolveOne(requirement: GitRequirement, context: Resolving): Promise<LockedGit[]> {
  const [at] = requirement.at;
  const subject = `${at === undefined ? '' : `${formatPosition(at)}: `}git ${requirement.name}`;
  if (!isSafePath(`${requirement.name}.bundle`)) throw new BundleError('INPUT_FIELD', { subject, expected: 'a name that can be a file name, in id', actual: JSON.stringify(requirement.name.slice(0, 200)) });
  const place: GitPlace = {
    url: gitAddress(requirement.url, subject), commit: requirement.commit, subject, headers: await headersOf(requirement.headersFrom, context), authorities: await context.authorities?.(), signal: context.signal, mirror: requirement.mirrorAll,
    ...(requirement.ref === undefined ? {} : { ref: requirement.ref }),
  };
  const revision = await resolveRevision(place);
  return lockRepository({ requirement, place, revision, name: requirement.name, depth: 0, trust: requirement.commit === '' ? 'first-use' : 'declared' }, context);
}

interface Locking {
  readonly requirement: GitRequirement; readonly place: GitPlace; readonly revision: ResolvedRevision; readonly name: string; readonly depth: number; readonly trust: LockedGit['trust'];
}

/** The repository, then its submodules. */
async function lockRepository(locking: Locking, context: Resolving): Promise<LockedGit[]> {
  const { requirement, place, revision, name } = locking;
  context.count.repositories += 1;
  if (locking.depth > limits.depth || context.count.repositories > limits.repositories) {
    throw new BundleError('INTEGRITY_METADATA', { subject: place.subject, expected: `submodules at most ${limits.depth} deep, and ${limits.repositories} of them`, actual: 'more' });
  }
  const entry = { name, url: place.url, commit: revision.commit, ...(revision.ref === undefined ? {} : { ref: revision.ref }), ...(place.mirror === true ? { mirror: true } : {}) };
  const kept = await keptBundle(entry, requirement, context);
  const folder = await scratch(context, place.subject);
  try {
    context.notify({ kind: 'step', phase: 'lock', message: `fetching ${name} from ${place.url}` });
    const needsTree = requirement.submodules;
    const repository = kept !== undefined && !needsTree ? undefined : await fetchRevision(place, revision, folder);
    const found = repository === undefined || !needsTree ? { submodules: [], unknown: [] } : await submodulesOf(place, revision.commit, repository);
    for (const path of found.unknown) context.warnings.push(`git ${name}: .gitmodules gives no address for the submodule ${path}; it is not carried`);
    const content = kept ?? await storeBundle(place, repository ?? '', { folder, context });
    context.notify({ kind: 'done', phase: 'lock', item: `git ${name}`, bytes: content.size });
    const inner = [];
    for (const submodule of found.submodules) inner.push(...await lockSubmodule(submodule, locking, context));
    return [{
      ...entry, ...(found.submodules.length === 0 ? {} : { submodules: found.submodules.map((each) => ({ ...each, name: `${name}/${each.path}` })) }),
      ...(requirement.headersFrom.length === 0 ? {} : { headersFrom: [...requirement.headersFrom] }),
      digest: content.digest, size: content.size, trust: locking.trust, usedBy: [...requirement.usedBy], ...(requirement.licence === undefined ? {} : { licence: requirement.licence }),
    }, ...inner];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A submodule is as trusted as the commit that names it. Credentials go to the same host only. */
async function lockSubmodule(submodule: { readonly path: string; readonly url: string; readonly commit: string }, { requirement, place, name, depth, trust }: Locking, context: Resolving): Promise<LockedGit[]> {
  const isSameHost = new URL(submodule.url).origin === new URL(place.url).origin && /^https?:/.test(submodule.url);
  if (submodule.url.startsWith('file:') && !place.url.startsWith('file:')) {
    throw new BundleError('INPUT_URL', { subject: `git ${name}, submodule ${submodule.path}`, expected: 'an address that the repository of another machine may name', actual: 'a path of this machine' });
  }
  const inner: GitPlace = { url: submodule.url, commit: submodule.commit, subject: `git ${name}/${submodule.path}`, authorities: place.authorities, signal: place.signal, ...(isSameHost && place.headers !== undefined ? { headers: place.headers } : {}) };
  const narrowed: GitRequirement = { ...requirement, headersFrom: isSameHost ? requirement.headersFrom : [] };
  return lockRepository({ requirement: narrowed, place: inner, revision: { commit: submodule.commit }, name: `${name}/${submodule.path}`, depth: depth + 1, trust }, context);
}

async function keptBundle(entry: Pick<LockedGit, 'name' | 'url' | 'commit' | 'ref' | 'mirror'>, { mirrorAll }: GitRequirement, { previous = [], blobs }: Resolving): Promise<{ readonly digest: LockedGit['digest']; readonly size: number } | undefined> {
  // A mirror of everything may have new branches although its commit is the same.
  if (mirrorAll) return undefined;
  const same = previous.find((item) => item.name === entry.name && item.url === entry.url && item.commit === entry.commit && item.ref === entry.ref && item.mirror === undefined);
  return same !== undefined && await blobs.has(same.digest) ? same : undefined;
}

async function storeBundle(place: GitPlace, repository: string, { folder, context }: { readonly folder: string; readonly context: Resolving }): Promise<{ readonly digest: LockedGit['digest']; readonly size: number }> {
  const path = await bundle(place, repository, folder);
  const content = await hashFile(path, { subject: place.subject, checks: [], signal: place.signal });
  await context.blobs.put({ mediaType: gitBundleMediaType, ...content }, openFile(path, 0), place.signal);
  return content;
}

/**
 * The bundle as a file. The same git makes the same bytes of the same commit: one thread packs, and what the server had packed is not reused
 * (above 1 GiB it is: packing anew would take hours).
 */
async function bundle(place: GitPlace, repository: string, folder: string): Promise<string> {
  const run = { ...runOf({ ...place, headers: {} }), repository };
  const packed = /^size-pack: (\d+)$/m.exec(await git(['count-objects', '-v'], run))?.[1] ?? '0';
  await git(['repack', '-q', '-a', '-d', ...(Number(packed) * 1024 > limits.repackBytes ? [] : ['-F'])], run);
  const path = join(folder, 'repository.bundle');
  const version = (await git(['rev-parse', '--show-object-format'], run)).trim() === 'sha256' ? 3 : 2;
  await git(['bundle', 'create', '-q', `--version=${version}`, path, ...await bundleRefs(repository, run)], run);
  await stat(path);
  return path;
}

async function scratch({ spoolDir }: GitSourceOptions, subject: string): Promise<string> {
  try {
    return await mkdtemp(join(spoolDir ?? tmpdir(), 'longshore-git-'));
  } catch (cause) {
    throw new BundleError('STORAGE_IO', { subject, expected: 'room for a temporary copy', actual: (cause as Error).message }, { cause });
  }
}

async function headersOf(names: readonly string[], { headersFor }: Pick<GitSourceOptions, 'headersFor'>): Promise<Readonly<Record<string, string>>> {
  return Object.assign({}, ...await Promise.all(names.map(headersFor))) as Readonly<Record<string, string>>;
}

/** One entry per name. Throws `RESOLVE_CONFLICT` for two repositories that would be one file. */
function oneEach(items: readonly LockedGit[]): LockedGit[] {
  const byName = new Map<string, LockedGit>();
  for (const item of items) {
    const before = byName.get(item.name);
    if (before !== undefined && (before.url !== item.url || before.commit !== item.commit)) {
      throw new BundleError('RESOLVE_CONFLICT', { subject: `git ${item.name}`, expected: 'one repository under one name', actual: `${before.url} at ${before.commit} and ${item.url} at ${item.commit}`, next: 'Give one of them another id.' });
    }
    byName.set(item.name, before === undefined ? item : { ...before, usedBy: [...new Set([...before.usedBy, ...item.usedBy])].sort() });
  }
  return [...byName.values()];
}
