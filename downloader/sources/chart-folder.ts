// Charts that are folders, here or in a revision of a git repository, as files to be packed.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join, posix, resolve } from 'node:path';
import { BundleError } from '../../bom/errors.ts';
import type { ChartRequirement } from '../../bom/requirement.ts';
import { readTar } from '../../formats/archive/read-tar.ts';
import { isSafePath } from '../../formats/archive/tar-header.ts';
import { chartLimits } from '../../formats/helm/chart-archive.ts';
import { parseIgnore } from '../../formats/helm/ignore.ts';
import { checkTreePath, gitAddress } from '../git-address.ts';
import { gitBytes } from '../git-command.ts';
import { listConfig, readEntry } from './config-folder.ts';
import { fetchRevision, resolveRevision, runOf } from './git-repository.ts';

export type ChartFiles = Map<string, Uint8Array>;

/** A place that has folders of charts: paths count from wherever the chart itself is. */
export interface ChartPlace {
  /** Files of the folder at `path` as `helm package` takes them, or a packed chart. */
  read(path: string): Promise<{ readonly files: ChartFiles } | { readonly packed: Uint8Array }>;
  /** The path of what a `file://` dependency of the chart at `path` names. */
  beside(path: string, relative: string): string;
  /** For the lock: where the chart came from. */
  readonly source: string;
  readonly path: string;
}

interface Reading { readonly subject: string; readonly signal: AbortSignal }

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then((info) => info.isDirectory(), (cause: NodeJS.ErrnoException) => { if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return false; throw cause; });
}

/** Folders of this machine. */
export function localPlace(path: string, written: string, { subject, signal }: Reading): ChartPlace {
  return {
    path, source: written,
    beside: (from, relative) => resolve(from, relative),
    async read(at) {
      if (!(await isFolder(at))) {
        const { fromFile } = await import('./chart-origin.ts');
        return { packed: (await fromFile(at, subject)).packed };
      }
      const entries = await listConfig({ place: at, exclude: [], subject, signal });
      const raw: ChartFiles = new Map();
      for (const entry of entries) {
        if (entry.link === undefined) raw.set(entry.path, await readEntry(entry, subject));
        else raw.set(entry.path, await linked(entry, entries, subject));
      }
      return { files: kept(raw, subject) };
    },
  };
}

/** Links to files inside become what they lead to, as `helm package` makes them. */
async function linked({ path, link = '' }: { readonly path: string; readonly link?: string }, entries: Awaited<ReturnType<typeof listConfig>>, subject: string): Promise<Uint8Array> {
  const target = posix.normalize(posix.join(posix.dirname(path), link));
  const found = entries.find((entry) => entry.path === target && entry.link === undefined);
  if (found !== undefined) return readEntry(found, subject);
  throw new BundleError('INPUT_FIELD', { subject: `${subject}: ${path}`, expected: 'a link to a file of the chart', actual: `a link to ${link}`, next: 'Put a copy in its place, or leave it out with .helmignore.' });
}

/** A revision of a repository. `close` removes what was fetched. */
export async function gitPlace(git: NonNullable<ChartRequirement['git']>, options: Reading & { readonly headers: Readonly<Record<string, string>>; readonly authorities: string | undefined; readonly spoolDir: string }): Promise<ChartPlace & { readonly commit: string; close(): Promise<void> }> {
  const { subject, signal, headers, authorities, spoolDir } = options;
  const place = { url: gitAddress(git.url, subject), commit: '', subject, headers, authorities, signal, ...(git.ref === undefined ? {} : { ref: git.ref }) };
  const revision = await resolveRevision(place);
  const folder = await mkdtemp(join(spoolDir, 'longshore-git-'));
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const repository = await fetchRevision(place, revision, folder);
    const run = { ...runOf({ ...place, headers: {} }), repository };
    const path = checkTreePath(git.path ?? '', subject);
    return {
      path, commit: revision.commit, close, source: `git+${place.url}@${revision.commit}${path === '' ? '' : `#${path}`}`,
      beside: (from, relative) => {
        const joined = posix.normalize(posix.join(from, relative));
        return joined === '.' ? '' : checkTreePath(joined, subject);
      },
      async read(at) {
        if (/\.tgz$/.test(at)) return { packed: await gitBytes(['cat-file', 'blob', `${revision.commit}:${at}`], run, chartLimits.packedBytes) };
        const tar = await gitBytes(['archive', '--format=tar', `${revision.commit}:${at}`], run, chartLimits.bytes);
        const raw: ChartFiles = new Map();
        for (const entry of readTar(tar, subject)) {
          if (entry.type === 'folder') continue;
          if (entry.type !== 'file') throw new BundleError('INPUT_FIELD', { subject: `${subject}: ${entry.path}`, expected: 'files and folders', actual: 'a link' });
          raw.set(entry.path, entry.content);
        }
        return { files: kept(raw, subject) };
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Without what .helmignore names. */
function kept(raw: ChartFiles, subject: string): ChartFiles {
  const ignored = parseIgnore(new TextDecoder().decode(raw.get('.helmignore') ?? new Uint8Array()));
  const files: ChartFiles = new Map();
  let bytes = 0;
  for (const [path, content] of raw) {
    if (!isSafePath(path)) throw new BundleError('INPUT_FIELD', { subject, expected: 'names without control characters and backslashes', actual: JSON.stringify(path.slice(0, 200)) });
    const parts = path.split('/');
    if (parts.some((_, index) => ignored(parts.slice(0, index + 1).join('/'), index < parts.length - 1))) continue;
    bytes += content.length;
    if (bytes > chartLimits.bytes || files.size >= chartLimits.files) throw new BundleError('INPUT_FIELD', { subject, expected: `a chart of at most ${chartLimits.bytes} bytes and ${chartLimits.files} files`, actual: 'more', next: 'Leave out what does not belong to it with .helmignore.' });
    files.set(path, content);
  }
  return files;
}
