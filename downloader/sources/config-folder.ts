// What a site configuration consists of: files and inner symbolic links below a folder of this machine, or one file.
import { constants } from 'node:fs';
import { lstat, open, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, posix, sep } from 'node:path';
import { BundleError, checkNotAborted } from '../../bom/errors.ts';
import { isSafePath } from '../../formats/archive/tar-header.ts';

export interface ConfigEntry {
  /** Below the folder, `/` between segments; the file's own name when there is no folder. */
  readonly path: string;
  /** On this machine. */
  readonly source: string;
  readonly isExecutable: boolean;
  /** Where a symbolic link points, as it is written; absent for files. */
  readonly link?: string;
}

export interface Listing {
  readonly place: string;
  /** Globs: without `/` at any depth, otherwise from the folder; what they match goes with everything in it. */
  readonly exclude: readonly string[];
  /** Begins every message. */
  readonly subject: string;
  readonly signal: AbortSignal;
}

export const configLimits = { entries: 20_000, fileBytes: 32 * 1024 * 1024, depth: 64 } as const;

/**
 * Every entry, sorted by path. Throws `INPUT_MISSING_FILE`, and `INPUT_FIELD` for what cannot travel: devices, sockets, pipes, links out of
 * the folder, names that are not safe everywhere, more than {@link configLimits}.
 */
export async function listConfig(listing: Listing): Promise<readonly ConfigEntry[]> {
  const { place, subject } = listing;
  const root = await reading(subject, () => realpath(place));
  const kind = await reading(subject, () => stat(root));
  if (kind.isFile()) return [{ path: safe(basename(place), subject), source: root, isExecutable: (kind.mode & 0o100) !== 0 }];
  if (!kind.isDirectory()) throw refused(subject, 'a file or a folder', 'something else');
  const found: ConfigEntry[] = [];
  await walk('', { ...listing, root, patterns: listing.exclude.map(globPattern), found });
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

interface Walk extends Listing { readonly root: string; readonly patterns: readonly RegExp[]; readonly found: ConfigEntry[] }

async function walk(folder: string, run: Walk): Promise<void> {
  const { root, subject, patterns, found, signal } = run;
  checkNotAborted(signal, subject);
  if (folder.split('/').length > configLimits.depth) throw refused(`${subject}: ${folder}`, `folders at most ${configLimits.depth} deep`, 'more');
  for (const name of await reading(subject, () => readdir(join(root, folder)))) {
    const path = folder === '' ? name : `${folder}/${name}`;
    if (patterns.some((pattern) => pattern.test(path))) continue;
    safe(path, subject);
    const source = join(root, path);
    const kind = await reading(`${subject}: ${path}`, () => lstat(source));
    if (kind.isDirectory()) await walk(path, run);
    else if (kind.isFile()) found.push({ path, source, isExecutable: (kind.mode & 0o100) !== 0 });
    else if (kind.isSymbolicLink()) found.push({ path, source, isExecutable: false, link: await innerLink(path, source, run) });
    else throw refused(`${subject}: ${path}`, 'files, folders and links', 'a device, a socket or a pipe');
    if (found.length > configLimits.entries) throw refused(subject, `at most ${configLimits.entries} files`, 'more');
  }
}

/** Where a link points, when that is inside: by its text, and by what it leads to here. */
async function innerLink(path: string, source: string, { root, subject }: Walk): Promise<string> {
  const target = await reading(`${subject}: ${path}`, () => readlink(source));
  const joined = posix.normalize(posix.join(posix.dirname(path), target));
  const isOut = target === '' || posix.isAbsolute(target) || joined === '..' || joined.startsWith('../') || /[\u0000-\u001f\u007f\\]/.test(target) || Buffer.byteLength(target) > 1000;
  const real = isOut ? undefined : await realpath(source).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return join(root, dirname(path));
    throw refused(`${subject}: ${path}`, 'a symbolic link that leads somewhere', cause.code ?? 'an error', cause);
  });
  if (real !== undefined && (real === root || real.startsWith(root + sep))) return target;
  throw refused(`${subject}: ${path}`, 'a symbolic link that stays inside its folder', 'one that leads out of it');
}

function safe(path: string, subject: string): string {
  if (isSafePath(path)) return path;
  throw refused(`${subject}: ${JSON.stringify(path)}`, 'names without control characters and backslashes', 'another name');
}

function refused(subject: string, expected: string, actual: string, cause?: unknown): BundleError {
  return new BundleError('INPUT_FIELD', { subject, expected, actual, next: 'Leave it out with exclude, or change it.' }, { cause });
}

async function reading<T>(subject: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new BundleError('INPUT_MISSING_FILE', { subject, expected: 'a file or folder that can be read', actual: (cause as NodeJS.ErrnoException).code ?? 'an error' }, { cause });
  }
}

/** The whole of a regular file, which may not have become anything else since it was listed. Throws as {@link listConfig}. */
export async function readEntry({ path, source }: ConfigEntry, subject: string): Promise<Buffer> {
  const what = `${subject}: ${path}`;
  return reading(what, async () => {
    const file = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const kind = await file.stat();
      if (!kind.isFile()) throw refused(what, 'a regular file', 'something else');
      if (kind.size > configLimits.fileBytes) throw refused(what, `at most ${configLimits.fileBytes} bytes in a configuration file`, `${kind.size} bytes`);
      const bytes = Buffer.alloc(kind.size);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
      return bytes.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }).catch((error: unknown) => { throw error instanceof BundleError && error.cause instanceof BundleError ? error.cause : error; });
}

/** `*` and `?` within a segment, `[…]`, `**` over segments; a leading dot is a character like others. */
export function globPattern(glob: string): RegExp {
  const anchored = glob.replace(/^\.?\//, '').replace(/\/+$/, '');
  const whole = anchored.includes('/') ? anchored : `**/${anchored}`;
  const source = whole.split(/\/+/).map((part, index, all) => {
    if (part === '**') return index === all.length - 1 ? '.+' : '(?:[^/]+/)*';
    return part.replace(/\*+|\?|\[!?[^\]]+\]|[\s\S]/g, piece) + (index === all.length - 1 ? '' : '/');
  }).join('');
  return new RegExp(`^${source}(?:/.*)?$`, 's');
}

function piece(text: string): string {
  if (text.startsWith('*')) return '[^/]*';
  if (text === '?') return '[^/]';
  if (text.length > 2) return `[${text.startsWith('[!') ? '^/' : ''}${text.slice(text.startsWith('[!') ? 2 : 1, -1).replace(/[\\\]^]/g, '\\$&')}]`;
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
