// One revision of a git repository, in a bare repository of our own: nothing of it is checked out.
import { join } from 'node:path';
import { BundleError } from '../../bom/errors.ts';
import { checkRevision, checkTreePath, gitAddress, submoduleAddress } from '../git-address.ts';
import { git, type GitRun } from '../git-command.ts';

export interface GitPlace {
  readonly url: string;
  /** Full hex name; '' when only `ref` says what is meant. */
  readonly commit: string;
  readonly ref?: string;
  /** All branches and tags. */
  readonly mirror?: boolean;
  readonly subject: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** See {@link GitRun}. */
  readonly authorities?: string | undefined;
  readonly signal: AbortSignal;
  /** Where a repository may lie for a while: abbreviated commits have to be looked up in one. */
  readonly spoolDir?: string;
}

export interface ResolvedRevision {
  readonly commit: string;
  /** refs/heads/… or refs/tags/…, where the revision has such a name. */
  readonly ref?: string;
}

const fullHex = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

export function runOf({ url, subject, headers, authorities, signal }: Pick<GitPlace, 'url' | 'subject' | 'headers' | 'authorities' | 'signal'>, repository?: string): GitRun {
  const sends = headers !== undefined && Object.keys(headers).length > 0 && /^https?:/.test(url);
  return { subject, signal, ...(repository === undefined ? {} : { repository }), ...(sends ? { headers: { url, values: headers } } : {}), ...(authorities === undefined ? {} : { authorities }) };
}

/**
 * The commit that is meant, asked of the repository itself unless it is given. A branch comes before a tag of the same name only when it is
 * written as refs/heads/…, as git reads names. Throws `RESOLVE_NOT_FOUND`, `INPUT_FIELD`, `INPUT_URL`, transfer errors.
 */
export async function resolveRevision(place: GitPlace): Promise<ResolvedRevision> {
  const { commit, subject } = place;
  const ref = place.ref === undefined || place.ref === '' ? 'HEAD' : checkRevision(place.ref, subject);
  if (commit !== '') return { commit, ...(/^refs\/(?:heads|tags)\//.test(ref) && place.mirror !== true ? { ref } : {}) };
  if (fullHex.test(ref)) return { commit: ref };
  const url = gitAddress(place.url, subject);
  const lines = (await git(['ls-remote', '--symref', '--', url, 'HEAD', ref, `${ref}^{}`], runOf(place))).split('\n');
  const heads = new Map(lines.flatMap((line) => { const [id = '', name] = line.split('\t'); return name === undefined || id.startsWith('ref: ') ? [] : [[name, id] as const]; }));
  const branch = lines.find((line) => line.startsWith('ref: ') && line.endsWith('\tHEAD'))?.slice(5, -5);
  const candidates = ref === 'HEAD' ? [branch ?? 'HEAD', 'HEAD'] : ref.startsWith('refs/') ? [ref] : [`refs/${ref}`, `refs/tags/${ref}`, `refs/heads/${ref}`];
  for (const name of candidates) {
    const found = heads.get(`${name}^{}`) ?? heads.get(name);
    if (found !== undefined) return { commit: found, ...(/^refs\/(?:heads|tags)\//.test(name) ? { ref: name } : {}) };
  }
  if (/^[0-9a-f]{7,63}$/.test(ref) && place.spoolDir !== undefined) return { commit: await abbreviated(place, ref, place.spoolDir) };
  throw new BundleError('RESOLVE_NOT_FOUND', { subject, expected: `the revision ${ref}`, actual: 'no branch or tag of that name', next: 'Name a branch, a tag or a full commit.' });
}

/** The one commit on any branch or tag that begins like that. */
async function abbreviated(place: GitPlace, prefix: string, folder: string): Promise<string> {
  const repository = join(folder, 'abbreviated.git');
  const local = { ...runOf({ ...place, headers: {} }), repository };
  await git(['init', '-q', '--bare', '--template=', repository], runOf({ ...place, headers: {} }));
  await git(['fetch', '-q', '--no-tags', '--no-write-fetch-head', '--', gitAddress(place.url, place.subject), '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'], runOf(place, repository));
  const found = (await git(['rev-list', '--all'], local)).split('\n').filter((commit) => commit.startsWith(prefix));
  const [commit, second] = found;
  if (commit !== undefined && second === undefined) return commit;
  throw new BundleError('RESOLVE_NOT_FOUND', { subject: place.subject, expected: `one commit that begins with ${prefix}`, actual: commit === undefined ? 'none on any branch or tag' : `${found.length} of them`, next: 'Write the whole commit.' });
}

/** A bare repository in `folder` with the history of `revision`, under the names that a bundle of it gives. Throws as {@link resolveRevision}. */
export async function fetchRevision(place: GitPlace, revision: ResolvedRevision, folder: string): Promise<string> {
  const url = gitAddress(place.url, place.subject);
  const repository = join(folder, 'repository.git');
  const run = runOf(place, repository);
  const local = { ...runOf({ ...place, headers: {} }), repository };
  await git(['init', '-q', '--bare', '--template=', `--object-format=${revision.commit.length === 64 ? 'sha256' : 'sha1'}`, repository], runOf({ ...place, headers: {} }));
  const fetch = async (...refspecs: string[]): Promise<void> => { await git(['fetch', '-q', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--', url, ...refspecs], run); };
  const everything = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
  if (place.mirror === true) {
    await fetch(...everything);
    await requireCommit(revision.commit, local);
  } else {
    const tag = revision.ref?.startsWith('refs/tags/') === true ? [`+${revision.ref}:${revision.ref}`] : [];
    const wanted = `+${revision.commit}:refs/longshore/wanted`;
    // A tag that is gone does not matter where the commit is there; servers that give no commits by name have to give all branches and tags.
    const ways = [...(tag.length > 0 ? [[wanted, ...tag]] : []), [wanted], ['+refs/heads/*:refs/longshore/heads/*', '+refs/tags/*:refs/longshore/tags/*', '+HEAD:refs/longshore/head']];
    for (const [index, refspecs] of ways.entries()) {
      try {
        await fetch(...refspecs);
        break;
      } catch (error) {
        if (!(error instanceof BundleError) || error.code !== 'RESOLVE_NOT_FOUND' || index === ways.length - 1) throw error;
      }
    }
  }
  await nameRevision(revision, local);
  return repository;
}

/** HEAD is the commit; a branch or tag keeps its name. Nothing else has a name, so that a bundle holds no more than is wanted. */
async function nameRevision({ commit, ref }: ResolvedRevision, run: GitRun): Promise<void> {
  await requireCommit(commit, run);
  if (ref?.startsWith('refs/heads/') === true) {
    await git(['update-ref', ref, commit], run);
    await git(['symbolic-ref', 'HEAD', ref], run);
  } else await git(['update-ref', '--no-deref', 'HEAD', commit], run);
  if (ref?.startsWith('refs/tags/') === true) {
    const tagged = (await git(['for-each-ref', '--format=%(objectname) %(*objectname)', ref], run)).trim().split(' ');
    // The commit is what is meant; a tag that moved away from it would say something else about it.
    if (tagged[0] !== '' && !tagged.includes(commit)) await git(['update-ref', '-d', ref], run);
  }
  const others = (await git(['for-each-ref', '--format=%(refname)', 'refs/longshore'], run)).split('\n').filter((name) => name !== '');
  for (const name of others) await git(['update-ref', '-d', name], run);
}

async function requireCommit(commit: string, run: GitRun): Promise<void> {
  const type = await git(['cat-file', '-t', commit], run).catch((error: unknown) => {
    if (error instanceof BundleError && error.family !== 'interrupted') return '';
    throw error;
  });
  if (type.trim() === 'commit') return;
  throw new BundleError('RESOLVE_NOT_FOUND', { subject: run.subject, expected: `the commit ${commit}`, actual: type === '' ? 'a repository without it' : `a ${type.trim()}` });
}

/** Names of what a bundle of the repository lists, sorted. */
export async function bundleRefs(repository: string, run: GitRun): Promise<string[]> {
  const refs = (await git(['for-each-ref', '--format=%(refname)', 'refs/heads', 'refs/tags'], { ...run, repository })).split('\n').filter((name) => name !== '');
  return ['HEAD', ...refs.sort()];
}

export interface Submodule { readonly path: string; readonly url: string; readonly commit: string }

/** Submodules of a commit that .gitmodules gives an address for (gitmodules(5)); links without one are named in `unknown`. */
export async function submodulesOf(place: GitPlace, commit: string, repository: string): Promise<{ readonly submodules: readonly Submodule[]; readonly unknown: readonly string[] }> {
  const run = { ...runOf({ ...place, headers: {} }), repository };
  const links = (await git(['ls-tree', '-r', '-z', '--full-tree', commit], run)).split('\0').flatMap((line) => {
    const [, id, path] = /^160000 commit ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    return id === undefined || path === undefined ? [] : [{ path, commit: id }];
  });
  if (links.length === 0) return { submodules: [], unknown: [] };
  const urls = await declaredModules(commit, run);
  const submodules = links.flatMap(({ path, commit: id }): Submodule[] => {
    const url = urls.get(path);
    return url === undefined ? [] : [{ path: checkTreePath(path, `${place.subject}, submodule ${JSON.stringify(path)}`), commit: id, url: submoduleAddress(url, place.url, `${place.subject}, submodule ${path}`) }];
  });
  return { submodules, unknown: links.filter(({ path }) => !urls.has(path)).map(({ path }) => path) };
}

/** path -> url of .gitmodules. */
async function declaredModules(commit: string, run: GitRun): Promise<Map<string, string>> {
  const isThere = (await git(['ls-tree', '--full-tree', commit, '--', '.gitmodules'], run)).startsWith('100');
  if (!isThere) return new Map();
  const fields = new Map<string, { path?: string; url?: string }>();
  for (const entry of (await git(['config', `--blob=${commit}:.gitmodules`, '-z', '--list'], run)).split('\0')) {
    const [, name, key, value] = /^submodule\.(.+)\.(path|url)\n(.*)$/s.exec(entry) ?? [];
    if (name === undefined || key === undefined || value === undefined) continue;
    fields.set(name, { ...fields.get(name), [key]: value });
  }
  return new Map([...fields.values()].flatMap(({ path, url }) => (path === undefined || url === undefined ? [] : [[path, url] as const])));
}
