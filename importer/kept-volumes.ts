// Volumes that come one medium at a time: copied into the store's folder until all are there. Nothing refers to them before.
import { open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, hexOf } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import { CopyPool } from '../store/copy-pool.ts';
import { commitRename, makeDirectory, storageError } from '../store/durable-file.ts';
import { stampOf } from '../store/packs.ts';
import { type Archive, checkComplete, openArchive } from './archive-file.ts';
import { verifyArchive, type VerifyOptions } from './verify.ts';

/** Where a volume lies once the store has it. */
export function packPath(root: string, archive: Archive, number: number): string {
  const name = hexOf(archive.archive);
  return join(root, 'packs', archive.manifest.volumes.length === 1 ? `${name}.tar` : `${name}.${String(number).padStart(3, '0')}.tar`);
}

export function hasKeptVolumes(archive: Archive, root: string): boolean {
  return [...archive.volumes.values()].some((volume) => volume.path === packPath(root, archive, volume.number));
}

/** The archive with the volumes that earlier runs kept. */
export async function gatherVolumes(archive: Archive, root: string): Promise<Archive> {
  const kept: string[] = [];
  for (const number of archive.missing) {
    const path = packPath(root, archive, number);
    if ((await stampOf(path)) !== undefined) kept.push(path);
  }
  return kept.length === 0 ? archive : openArchive([...[...archive.volumes.values()].map((volume) => volume.path), ...kept]);
}

/** Volumes that wait in a store for the others of their archive. */
export interface WaitingVolumes {
  readonly project: string;
  readonly sequence: number;
  readonly present: readonly number[];
  readonly missing: readonly number[];
  readonly bytes: number;
}

export async function waitingVolumes(store: { readonly root: string; packRecords(): readonly { readonly archive: Digest }[] }): Promise<readonly WaitingVolumes[]> {
  const folder = join(store.root, 'packs');
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException): string[] => {
    if (cause.code === 'ENOENT') return [];
    throw storageError(folder, cause);
  });
  const adopted = new Set(store.packRecords().map(({ archive }) => hexOf(archive)));
  const byArchive = Map.groupBy(names.filter((name) => /^[0-9a-f]{64}\.\d{3,}\.tar$/.test(name) && !adopted.has(name.slice(0, 64))), (name) => name.slice(0, 64));
  return Promise.all([...byArchive.values()].map(async (files) => {
    const { manifest, volumes, missing } = await openArchive(files.map((name) => join(folder, name)));
    return { project: manifest.project, sequence: manifest.sequence, present: [...volumes.keys()].sort((a, b) => a - b), missing, bytes: [...volumes.values()].reduce((sum, { size }) => sum + size, 0) };
  }));
}

interface KeepOptions extends VerifyOptions {
  readonly store: { readonly root: string };
  readonly copy: boolean;
}

/** Copies the volumes given into the store's folder, each checked first, and returns the archive as it lies there. */
export async function keepVolumes(archive: Archive, options: KeepOptions): Promise<Archive> {
  const { root } = options.store;
  const given = [...archive.volumes.values()].filter((volume) => volume.path !== packPath(root, archive, volume.number));
  await verifyArchive(given.map((volume) => volume.path), { ...options, partial: true });
  await makeDirectory(join(root, 'packs'));
  const pool = new CopyPool({ concurrency: options.concurrency, signal: options.signal, onBytes: (bytes) => options.notify({ kind: 'bytes', phase: 'import', bytes }) });
  try {
    for (const volume of given) await copyVolume(volume.path, packPath(root, archive, volume.number), pool);
  } finally {
    await pool.close();
  }
  return openArchive([...archive.volumes.keys()].map((number) => packPath(root, archive, number)));
}

/**
 * With volumes missing: keeps those that are here when copying is asked for, then throws `INTEGRITY_ARCHIVE` naming the missing ones. What is kept need
 * not be given again.
 */
export async function refuseIncomplete(archive: Archive, options: KeepOptions): Promise<void> {
  if (archive.missing.length === 0) return;
  if (options.copy) await keepVolumes(archive, options);
  try {
    checkComplete(archive);
  } catch (cause) {
    if (!(cause instanceof BundleError)) throw cause;
    const kept = [...archive.volumes.keys()].sort((a, b) => a - b);
    const next = options.copy
      ? `${kept.length === 1 ? 'Volume' : 'Volumes'} ${kept.join(', ')} ${kept.length === 1 ? 'is' : 'are'} kept: run again with the missing ones.`
      : 'Name the missing volumes too, or pass --copy to bring them in one medium at a time.';
    throw new BundleError(cause.code, { ...cause.facts, next }, { cause });
  }
}

async function copyVolume(from: string, to: string, pool: CopyPool): Promise<void> {
  const temporary = `${to}.${process.pid}.tmp`;
  try {
    const { size } = await stat(from);
    await writeFile(temporary, '');
    await pool.run([{ from: { path: from, offset: 0 }, to: { path: temporary, offset: 0 }, size }]);
    const handle = await open(temporary, 'r+');
    await handle.sync().finally(() => handle.close());
    await commitRename(temporary, to);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw storageError(to, cause);
  }
}
