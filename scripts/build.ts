// npm run build: the program in dist/, a few files in place of hundreds, so that commands and threads start in half the time. bin/longshore takes it for as long as
// no source has changed since. Where it cannot be built (npm leaves out what is for developing, or for another Node), the sources run; with --if-possible that is no failure.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { rolldown as Rolldown } from 'rolldown';
import { type BuildRecord, builtFrom, type BuiltFrom, builtProgram, programPath, recordPath } from '../bin/built-program.ts';
import { commitFile } from '../store/durable-file.ts';

const root = resolve(import.meta.dirname, '..');
const folders = ['bin', 'bom', 'downloader', 'exporter', 'formats', 'importer', 'repository', 'store', 'transport'];
/** Each thread's script is one file: it starts without looking for others. */
const threads = ['transport/fetch-worker.ts', 'store/copy-worker.ts', 'bin/signature-worker.ts', 'repository/mirror/render-worker.ts', 'repository/mirror/yum-worker.ts'];
/** With what npm writes whenever it changes a package. */
const always = ['node_modules/.package-lock.json', 'package.json', 'tsconfig.json', 'scripts/build.ts'];
/** Native code; what is asked for by its path; and what is one file already. */
const apart = [/^better-sqlite3/, /^@napi-rs\//, /^yaml$/, /^undici/, /^openpgp/];
/**
 * What is loaded together anyway, with all that it needs, in one file each: looking for a file costs more than reading it. What a first one takes, the next leaves out;
 * bin/main.ts, which waits for what it loads, is in none.
 */
const groups = [
  { name: 'program', test: /\/bin\/(?:program|stdout)\.ts$/, priority: 3 },
  { name: 'core', test: /\/bin\/(?:context|documents|files)\.ts$|\/store\/(?:store|store-lock)\.ts$/, priority: 2 },
  { name: 'transfer', test: /\/bin\/wiring\.ts$|\/downloader\/download\.ts$|\/transport\/fetch-threads\.ts$/, priority: 1 },
  { name: 'locking', test: /\/bin\/aggregation\.ts$|\/downloader\/lock\.ts$/, priority: 0 },
];
/** Beside the newest. */
const keptBuilds = 3;

interface Entries { readonly input: Readonly<Record<string, string>>; readonly isOneFile: boolean }
interface Built { readonly name: string; readonly content: string }

/**
 * `import` of a module of Node's asks for every one of its exports, lazy ones too; this does not: a twentieth of a command's start. On the same lines as before.
 */
function takeBuiltins(code: string): string {
  return code.replace(/^import (?:([\w$]+)(?:, )?)?(?:\* as ([\w$]+)|\{([^}]*)\})? from "([\w:/]+)";/gm, (whole, own: string | undefined, all: string | undefined, named: string | undefined, name: string) => {
    if (!isBuiltin(name)) return whole;
    const taken = `process.getBuiltinModule("${name}")`;
    if (name === 'node:child_process' && all === undefined && /^(?: *spawn(?:Sync)?,? *)*$/.test(named ?? '')) return startersOf(taken, own, named);
    const names = [own, all, named === undefined ? undefined : `{${named.replaceAll(' as ', ': ')}}`].filter((each) => each !== undefined);
    return names.map((each) => `const ${each} = ${taken};`).join(' ');
  });
}

/** What starts other processes brings half of Node's network along, and few commands start any: taken when the first is started. */
function startersOf(taken: string, own: string | undefined, named = ''): string {
  const starters = ['spawn', 'spawnSync'].filter((each) => own !== undefined || named.split(',').some((name) => name.trim() === each));
  const later = (name: string): string => `(...args) => ${taken}.${name}(...args)`;
  if (own !== undefined) return `const ${own} = { ${starters.map((name) => `${name}: ${later(name)}`).join(', ')} };${named === '' ? '' : ` const {${named}} = ${own};`}`;
  return starters.map((name) => `const ${name} = ${later(name)};`).join(' ');
}

/** Files that `input` leads to; the paths of everything that was read go to `read`. */
async function bundle(rolldown: typeof Rolldown, { input, isOneFile }: Entries, read: Set<string>): Promise<Built[]> {
  const build = await rolldown({ cwd: root, input, platform: 'node', external: apart, checks: { ineffectiveDynamicImport: false } });
  const { output } = await build.generate({
    // What maps say of sources is said from there.
    dir: dirname(programPath(root, 'id')), format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js', sourcemap: true, sourcemapExcludeSources: true, comments: { legal: true, annotation: false, jsdoc: false },
    codeSplitting: isOneFile ? false : { groups },
  });
  for (const path of await build.watchFiles) read.add(relative(root, path));
  await build.close();
  return output.map((file) => ({ name: file.fileName, content: file.type === 'chunk' ? takeBuiltins(file.code) : String(file.source) }));
}

function statesOf(paths: readonly string[]): BuiltFrom[] {
  return paths.map((path) => builtFrom(root, path)).filter((state) => state !== undefined);
}

function sources(): string[] {
  const below = (folder: string): string[] => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts')).map((path) => join(folder, path));
  return [...folders.flatMap(below).sort(), ...always];
}

async function write(built: readonly Built[], from: readonly BuiltFrom[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, content } of built) hash.update(`${name}\0${content}\0`);
  const id = hash.digest('hex').slice(0, 16);
  const folder = dirname(programPath(root, id));
  await mkdir(folder, { recursive: true });
  await Promise.all(built.map(({ name, content }) => commitFile(join(folder, name), content)));
  await commitFile(recordPath(root), JSON.stringify({ id, from } satisfies BuildRecord));
  return id;
}

/** Programs that run may yet load a part of what they were started from. */
async function removeOld(id: string): Promise<void> {
  const folder = dirname(recordPath(root));
  const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory() && entry.name !== id).map(({ name }) => name);
  const dated = await Promise.all(names.map(async (name) => ({ name, modifiedMs: (await stat(join(folder, name))).mtimeMs })));
  dated.sort((a, b) => b.modifiedMs - a.modifiedMs);
  for (const { name } of dated.slice(keptBuilds)) await rm(join(folder, name), { recursive: true, force: true });
}

async function build(): Promise<void> {
  if (builtProgram(join(root, 'bin')) !== undefined) return;
  // Before anything is read: what is changed meanwhile makes the result a stale one.
  const states = statesOf(sources());
  const { rolldown } = await import('rolldown');
  const read = new Set<string>();
  const program = await bundle(rolldown, { input: { main: 'bin/main.ts' }, isOneFile: false }, read);
  const scripts = await Promise.all(threads.map((path) => bundle(rolldown, { input: { [basename(path, '.ts')]: path }, isOneFile: true }, read)));
  const from = states.filter(([path]) => read.has(path) || always.includes(path));
  const unseen = [...read].filter((path) => !path.startsWith('node_modules/') && !from.some(([known]) => known === path));
  if (unseen.length > 0) throw new Error(`read, and nothing would tell of a change: ${unseen.join(', ')}`);
  const built = [...program, ...scripts.flat()];
  const id = await write(built, from);
  await removeOld(id);
  console.log(`dist/${id}: ${built.filter(({ name }) => name.endsWith('.js')).length} files from ${from.length} sources`);
}

// Whoever may read the sources may read what is made of them: a start fails on a record that is there and cannot be read.
process.umask(0o022);
try {
  await build();
} catch (cause) {
  if (!process.argv.includes('--if-possible')) throw cause;
  console.log(`Nothing is built, and the sources run: ${String(cause).split('\n', 1)[0]}`);
}
