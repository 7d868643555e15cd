// longshore itself for the far side: a Node, the compiled program, and a script that starts them. formats/archive/FORMAT.md, section 2, member 3.
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { basename, join, relative } from 'node:path';
import { type Descriptor, digestOf, hexOf } from '../bom/digest.ts';
import { checkNotAborted } from '../bom/errors.ts';
import { type LockedRuntime, runtimeMediaType } from '../bom/lock.ts';
import type { BlobWriter, Bytes } from '../bom/ports.ts';
import { endBytes } from '../formats/archive/layout.ts';
import { encodeEntry, paddedSize } from '../formats/archive/tar-header.ts';
import { renderLauncher } from './launcher.ts';
import { type PackageFolders, packageFolders } from './runtime-packages.ts';

export interface RuntimeOptions {
  /** linux-x64, linux-arm64. */
  readonly platforms: readonly string[];
  /** The folder with package.json, bin/ and node_modules/. */
  readonly root: string;
  readonly store: BlobWriter;
  readonly signal: AbortSignal;
}

const folders = ['bin', 'bom', 'downloader', 'exporter', 'formats', 'importer', 'repository', 'store', 'transport'];
/** What a program needs of a package at run time. */
const carried = /\.(?:js|mjs|cjs|json|wasm)$|^licen[cs]e/i;
/** Sources, builds for browsers, types, tests: most of the bytes of some packages. */
const dropped = /(?:^|\/)(?:test|tests|docs|examples|src|deps|prebuilds|lightweight|include|share)(?:\/|$)|\.d\.[cm]?ts$|\.map$|^dist\/openpgp\./;

/**
 * Puts longshore for each platform into the store and returns the lock's entries for it. The bytes depend on this version of longshore and its packages
 * only. Packages for a platform that are not installed here are fetched; throws as {@link packageFolders} does.
 */
export async function collectRuntimes({ platforms, root, store, signal }: RuntimeOptions): Promise<LockedRuntime[]> {
  if (platforms.length === 0) return [];
  const put = async (bytes: Uint8Array): Promise<Pick<Descriptor, 'digest' | 'size'>> => {
    const blob = { mediaType: runtimeMediaType, digest: digestOf(bytes), size: bytes.length };
    await store.put(blob, (async function* whole(): Bytes { yield bytes; })(), signal);
    return { digest: blob.digest, size: blob.size };
  };
  const packages = await packagesOf(root);
  const program = await put(tarOf(await programFiles(root, packages, signal)));
  const runtimes: LockedRuntime[] = [];
  const folders = packageFolders(root, signal);
  try {
    for (const platform of [...new Set(platforms)].sort()) {
      checkNotAborted(signal, platform);
      const native = await put(tarOf(await nativeFiles({ root, folders }, platform, packages)));
      const id = hexOf(digestOf(`${program.digest}${native.digest}`)).slice(0, 16);
      const add = (path: string, blob: Pick<Descriptor, 'digest' | 'size'>, mode: string): number => runtimes.push({ platform, path, ...blob, mode });
      add('longshore', await put(Buffer.from(renderLauncher(id))), '0755');
      add('node', await putNode(join(await folders.folderOf(`node-${platform}`, platform), 'bin/node'), { store, signal }), '0755');
      add('program.tar', program, '0644');
      add('native.tar', native, '0644');
    }
    return runtimes;
  } finally {
    await folders.close();
  }
}

interface ProgramFile { readonly path: string; readonly bytes: Uint8Array }

/** A plain tar, sorted, without clocks and owners. */
function tarOf(files: readonly ProgramFile[]): Buffer {
  const parts = [...files].sort((a, b) => (a.path < b.path ? -1 : 1)).flatMap(({ path, bytes }) => [
    encodeEntry({ path, type: 'File', size: bytes.length, mode: 0o644 }, 0), bytes, Buffer.alloc(paddedSize(bytes.length) - bytes.length),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(endBytes)]);
}

/** The program as JavaScript, with every package that it needs at run time, native code left out. */
async function programFiles(root: string, packages: readonly string[], signal: AbortSignal): Promise<ProgramFile[]> {
  const files: ProgramFile[] = [{ path: 'package.json', bytes: await readFile(join(root, 'package.json')) }];
  for (const folder of folders) {
    for (const path of await filesBelow(join(root, folder))) {
      checkNotAborted(signal, path);
      const name = relative(root, path);
      const bytes = await readFile(path);
      if (name.endsWith('.d.ts')) continue;
      if (name.endsWith('.ts')) files.push({ path: `${name.slice(0, -3)}.js`, bytes: Buffer.from(compile(bytes.toString('utf8'))) });
      else files.push({ path: name, bytes });
    }
  }
  for (const name of packages) {
    const folder = join(root, 'node_modules', name);
    for (const path of await filesBelow(folder)) {
      const inside = relative(folder, path);
      if (carried.test(basename(inside)) && !dropped.test(inside)) files.push({ path: `node_modules/${name}/${inside}`, bytes: await readFile(path) });
    }
  }
  return files;
}

/** JavaScript at the same lines and columns, importing `.js`. */
function compile(source: string): string {
  return stripTypeScriptTypes(source).replace(/(\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)(['"])(\.{1,2}\/[^'"\n]+)\.ts\2/g, '$1$2$3.js$2');
}

interface Places { readonly root: string; readonly folders: PackageFolders }

async function nativeFiles({ root, folders }: Places, platform: string, packages: readonly string[]): Promise<ProgramFile[]> {
  const files: ProgramFile[] = [];
  const sqlite = `node_modules/better-sqlite3/prebuilds/${platform}.node`;
  files.push({ path: sqlite, bytes: await readFile(join(root, sqlite)) });
  const lzma = `@napi-rs/lzma-${platform}-gnu`;
  if (packages.includes('@napi-rs/lzma')) {
    const folder = await folders.folderOf(lzma, platform);
    for (const file of ['package.json', `lzma.${platform}-gnu.node`]) files.push({ path: `node_modules/${lzma}/${file}`, bytes: await readFile(join(folder, file)) });
  }
  return files;
}

async function putNode(path: string, { store, signal }: Pick<RuntimeOptions, 'store' | 'signal'>): Promise<Pick<Descriptor, 'digest' | 'size'>> {
  const bytes = await readFile(path);
  const blob = { mediaType: runtimeMediaType, digest: digestOf(bytes), size: bytes.length };
  await store.put(blob, createReadStream(path), signal);
  return { digest: blob.digest, size: blob.size };
}

/** Names of all packages that the program needs, their own dependencies included; those with native code per platform are not among them. */
async function packagesOf(root: string): Promise<string[]> {
  interface Manifest { readonly dependencies?: Readonly<Record<string, string>> }
  const read = async (folder: string): Promise<Manifest> => JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
  const found = new Set<string>();
  const queue = Object.keys((await read(root)).dependencies ?? {});
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (found.has(name)) continue;
    found.add(name);
    // A package nested below another one is carried with it.
    const folder = join(root, 'node_modules', name);
    const exists = await stat(folder).then(() => true, (cause: NodeJS.ErrnoException) => { if (cause.code === 'ENOENT') return false; throw cause; });
    if (!exists) found.delete(name);
    else queue.push(...Object.keys((await read(folder)).dependencies ?? {}));
  }
  return [...found].sort();
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
}
