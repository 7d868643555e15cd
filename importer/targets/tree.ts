// A folder that any web server serves: one tree for each publication, switched by one symbolic link. nginx "root", Apache "DocumentRoot": `<folder>/current`.
import { readdir, readFile, readlink, rename, rm, stat, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../../bom/canonical-json.ts';
import { BundleError } from '../../bom/errors.ts';
import { commitFile, makeDirectory, storageError, syncDirectory } from '../../store/durable-file.ts';
import { buildTree, keyOf, type TreeBlobs, type TreeCounts, type TreeFile, type TreeRecord } from './tree-build.ts';

export interface TreeOptions {
  readonly folder: string;
  readonly files: readonly TreeFile[];
  readonly blobs: TreeBlobs;
  /** Trees that stay, the new one among them; files of theirs that old indexes lead to stay readable in the new one. At least 1. */
  readonly keep: number;
  /** Whether a file of an earlier tree stays readable under its path although the new one does not name it. */
  readonly outlives: (path: string) => boolean;
  readonly signal: AbortSignal;
}

export interface TreeResult extends TreeCounts {
  /** 1, 2, … in order of publication. */
  readonly tree: number;
  /** False when what is served is the same already. */
  readonly changed: boolean;
  readonly files: number;
}

const marker = 'longshore-tree';

/**
 * Publishes a tree. A reader sees the tree before or the new one, whole: the switch is one rename of a symbolic link, after everything is on the disk. Killed at
 * any moment, what was served is served, and the next call begins anew. Throws `STORAGE_FOREIGN` for a folder with something else in it, `STORAGE_*`, and what `blobs` throws.
 */
export async function publishTree(options: TreeOptions): Promise<TreeResult> {
  const { folder, files, keep } = options;
  await checkTreeFolder(folder);
  const trees = join(folder, '.trees');
  await makeDirectory(trees);
  for (const name of await readdir(trees)) if (name.endsWith('.tmp')) await rm(join(trees, name), { recursive: true, force: true });
  const served = await currentTree(folder);
  const record: TreeRecord = Object.fromEntries(files.map((file) => [file.path, keyOf(file)]));
  const before = served === undefined ? undefined : await readRecord(trees, served);
  const none = { files: files.length, linked: 0, cloned: 0, written: 0 };
  if (served !== undefined && before !== undefined && canonicalJson(before) === canonicalJson(record)) return { ...none, tree: served, changed: false };
  const number = Math.max(0, ...(await numbersOf(trees))) + 1;
  const building = join(trees, `${number}.tmp`);
  const modified = await nextSecond(trees, served);
  const previous = served === undefined ? undefined : { folder: join(trees, String(served)), record: before ?? {}, outliving: await outliving(trees, served, options) };
  const counts = await buildTree(building, { ...options, modified, ...(previous === undefined ? {} : { previous }) });
  const recordPath = join(trees, `${number}.json`);
  await commitFile(recordPath, `${canonicalJson(record)}\n`);
  await utimes(recordPath, modified, modified).catch((cause: unknown) => { throw storageError(recordPath, cause); });
  await rename(building, join(trees, String(number)));
  await syncDirectory(trees);
  await switchTo(folder, number);
  const old = (await numbersOf(trees)).filter((each) => each !== number).sort((a, b) => b - a).slice(keep - 1);
  for (const each of old) {
    await rm(join(trees, String(each)), { recursive: true, force: true });
    await rm(join(trees, `${each}.json`), { force: true });
  }
  return { tree: number, changed: true, files: files.length, ...counts };
}

/** Passes for an empty folder, which becomes one for trees, and for one that was published to. Throws `STORAGE_FOREIGN`. */
export async function checkTreeFolder(folder: string): Promise<void> {
  await makeDirectory(folder);
  const names = await readdir(folder);
  if (names.includes(marker)) return;
  const strange = names.find((name) => name !== 'lost+found' && !name.endsWith('.tmp'));
  if (strange !== undefined) throw new BundleError('STORAGE_FOREIGN', { subject: folder, expected: 'an empty folder, or one that was published to', actual: `a folder that holds ${strange}`, next: 'Name a folder of its own; the web server\'s root is <folder>/current.' });
  await commitFile(join(folder, marker), 'The web server\'s root is the folder `current` beside this file. It is switched by longshore publish --tree.\n');
}

/** When what is written for the next tree was modified: web servers tell clients in whole seconds, and two trees in one second would look the same to apt. */
async function nextSecond(trees: string, served: number | undefined): Promise<Date> {
  const path = join(trees, `${served}.json`);
  const last = served === undefined ? 0 : await stat(path).then(({ mtimeMs }) => mtimeMs, (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return 0;
    throw storageError(path, cause);
  });
  return new Date(Math.max(Date.now(), Math.floor(last / 1000) * 1000 + 1000));
}

async function numbersOf(trees: string): Promise<number[]> {
  return (await readdir(trees)).filter((name) => /^\d+$/.test(name)).map(Number);
}

async function currentTree(folder: string): Promise<number | undefined> {
  const target = await readlink(join(folder, 'current')).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw storageError(join(folder, 'current'), cause);
  });
  const number = /^\.trees\/(\d+)$/.exec(target ?? '')?.[1];
  return number === undefined ? undefined : Number(number);
}

/** A tree without a readable record is built anew. */
async function readRecord(trees: string, number: number): Promise<TreeRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(trees, `${number}.json`), 'utf8')) as TreeRecord;
  } catch (cause) {
    if (cause instanceof SyntaxError || (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw storageError(join(trees, `${number}.json`), cause);
  }
}

async function switchTo(folder: string, number: number): Promise<void> {
  const temporary = join(folder, `current.${process.pid}.tmp`);
  try {
    await rm(temporary, { force: true });
    await symlink(`.trees/${number}`, temporary);
    await rename(temporary, join(folder, 'current'));
  } catch (cause) {
    throw storageError(join(folder, 'current'), cause);
  }
  await syncDirectory(folder);
}

/** Files of the kept trees before that old indexes lead to: they lie in the tree served, which carried them over too. */
async function outliving(trees: string, served: number, { files, keep, outlives }: TreeOptions): Promise<string[]> {
  const own = new Set(files.map(({ path }) => path));
  const found = new Set<string>();
  for (const number of (await numbersOf(trees)).sort((a, b) => b - a).slice(0, keep)) {
    for (const path of Object.keys((await readRecord(trees, number)) ?? {})) {
      if (!own.has(path) && outlives(path) && (await stat(join(trees, String(served), path)).then((info) => info.isFile(), () => false))) found.add(path);
    }
  }
  return [...found];
}
