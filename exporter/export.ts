import { statfs, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { bundleOf } from '../bom/bundle.ts';
import { canonicalJson } from '../bom/canonical-json.ts';
import { type Digest, digestOf } from '../bom/digest.ts';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import type { Lock } from '../bom/lock.ts';
import type { BlobReader } from '../bom/ports.ts';
import { type SignatureFiles, layoutVolume, type VolumeLayout } from '../formats/archive/layout.ts';
import { type ArchiveContent, type DeltaBase, planContent } from '../formats/archive/plan.ts';
import type { SigningKey } from '../formats/pgp/keys.ts';
import { signDetached } from '../formats/pgp/signature.ts';
import { CopyPool } from '../store/copy-pool.ts';
import { commitRename, storageError } from '../store/durable-file.ts';
import { PartialExport } from './partial-export.ts';
import { stubBytes } from '../formats/archive/stub.ts';
import { writeStub } from './stub-writer.ts';
import { renderPackageTrees, signatureTime, signPackageTrees } from './package-trees.ts';
import { type BlobLocator, type NamedBlob, writeVolumes } from './volume-writer.ts';

export interface ExportOptions {
  readonly lock: Lock;
  readonly store: BlobLocator & BlobReader;
  /** The file to write; with `split`, `<output>.001` and so on. */
  readonly output: string;
  readonly sign?: SigningKey;
  /** Most bytes of a volume; one file when left out. */
  readonly split?: number;
  readonly delta?: DeltaBase;
  /** Puts a shell script in front that checks, imports and serves the archive. One file only. */
  readonly selfExtracting?: boolean;
  /** The unpacked folder's apt indexes say that they are valid for so many seconds after the lock's date. */
  readonly aptValidForS?: number;
  readonly concurrency: number;
  readonly notify: Notify;
  readonly signal: AbortSignal;
}

export interface ExportResult {
  /** As written, in order of their numbers. */
  readonly paths: readonly string[];
  /** Of all files. */
  readonly bytes: number;
  readonly blobs: number;
  /** Digest of the manifest: the archive's identity. */
  readonly archive: Digest;
  /** Blobs that an earlier, interrupted run had written already. */
  readonly resumed: number;
}

export interface PlannedArchive {
  readonly content: ArchiveContent;
  readonly layouts: readonly VolumeLayout[];
  readonly bytes: number;
}

/** Everything about an archive before its first byte. Reads the lock, the key, and of the store what indexes of rpm packages need. */
export async function planArchive(options: Pick<ExportOptions, 'lock' | 'sign' | 'split' | 'delta' | 'aptValidForS'> & { readonly store: BlobReader }): Promise<PlannedArchive> {
  const { lock, sign, split, delta } = options;
  const trees = delta === undefined ? await renderPackageTrees(lock, options.store, options) : { files: [], releases: [] };
  const signatureBytes = trees.releases.reduce((sum, { bytes }) => sum + bytes.length + Math.ceil(bytes.length / 16) + 32 * 1024, 64 * 1024);
  const content = planContent({
    lock, bundle: bundleOf(lock), files: trees.files,
    ...(delta === undefined ? {} : { delta }), ...(split === undefined ? {} : { split: { volumeBytes: split, signatureBytes } }),
  });
  let signatures: SignatureFiles | undefined;
  if (sign !== undefined) {
    const date = signatureTime(lock, sign);
    signatures = { manifest: new TextEncoder().encode(await signDetached(content.manifestBytes, sign, date)), files: await signPackageTrees(trees, sign, date) };
  }
  const layouts = content.volumes.map((_, index) => layoutVolume(content, index + 1, signatures));
  return { content, layouts, bytes: layouts.reduce((sum, { size }) => sum + size, 0) };
}

/**
 * Writes the archive of a lock. Throws, before anything is written: `INTEGRITY_MISSING` naming blobs that the store lacks, `STORAGE_SPACE` when the
 * disk has less room than the archive takes, `INPUT_*` for names and volume sizes that cannot be. An existing file at `output` is replaced
 * by a rename at the end; until then, and after every failure, it is as it was. What an interrupted run wrote is found and used by the next
 * one with the same plan. The same lock (and key) gives the same bytes at every concurrency.
 */
export async function exportArchive(options: ExportOptions): Promise<ExportResult> {
  const output = resolve(options.output);
  const origin = originOf(options);
  const { content, layouts, bytes: tarBytes } = await planArchive(options);
  const bytes = origin + tarBytes;
  checkNotAborted(options.signal, output);
  await checkStored(content.fromStore, options.store);
  const paths = layouts.map(({ number }) => (options.split === undefined ? output : volumePath(output, number)));
  await checkTargets(paths);
  const plan = digestOf(canonicalJson({ archive: content.archive, layouts: layouts.map(({ size, contentStart }) => [size, contentStart]), split: options.split, origin }));
  const sizes = layouts.map(({ size }) => origin + size);
  await checkSpace(output, bytes);
  const partial = await PartialExport.open(output, plan, sizes);
  let resumed = 0;
  const pool = new CopyPool({
    concurrency: options.concurrency, signal: options.signal, onBytes: (count) => options.notify({ kind: 'bytes', phase: 'export', bytes: count }),
  });
  try {
    announce(content, partial, options.notify);
    await writeVolumes({
      layouts, blobs: content.fromStore, store: options.store, partial, pool, origin,
      onBlob: (blob, how) => {
        if (how === 'present') resumed += 1;
        else options.notify({ kind: 'done', phase: 'export', item: blob.what, bytes: blob.size });
      },
    });
    if (origin > 0) await writeStub(partial.volumePath(1), { content, layout: layouts[0], pool });
  } finally {
    await pool.close();
  }
  checkNotAborted(options.signal, output);
  for (const [index, path] of paths.entries()) await commitRename(partial.volumePath(index + 1), path);
  await partial.remove();
  if (options.split !== undefined) await warnOfStale(output, { from: paths.length + 1, notify: options.notify });
  return { paths, bytes, blobs: content.manifest.blobs.length, archive: content.archive, resumed };
}

function originOf({ selfExtracting, split }: ExportOptions): number {
  if (selfExtracting !== true) return 0;
  if (split !== undefined) throw new BundleError('INPUT_FLAG', { subject: '--self-extracting', expected: 'one file', actual: 'volumes (--split)' });
  return stubBytes;
}

/** `X.tar.001` */
export function volumePath(output: string, number: number): string {
  return `${output}.${String(number).padStart(3, '0')}`;
}

/** Volumes of an earlier, larger archive under the same name would be taken for ones of this. */
async function warnOfStale(output: string, { from, notify }: { readonly from: number; readonly notify: Notify }): Promise<void> {
  const path = volumePath(output, from);
  const there = await stat(path).then(() => true, (cause: NodeJS.ErrnoException) => { if (cause.code === 'ENOENT') return false; throw storageError(path, cause); });
  if (there) notify({ kind: 'warning', subject: path, message: `is not a volume of this archive, which has ${from - 1}: delete it and those after it` });
}

function announce(content: ArchiveContent, partial: PartialExport, notify: Notify): void {
  const finished = new Set(partial.finished.map((each) => each.digest));
  const present = content.fromStore.filter((blob) => finished.has(blob.digest));
  const sum = (blobs: readonly NamedBlob[]): number => blobs.reduce((total, blob) => total + blob.size, 0);
  notify({ kind: 'plan', phase: 'export', items: content.fromStore.length, bytes: sum(content.fromStore), presentItems: present.length, presentBytes: sum(present) });
}

async function checkStored(blobs: readonly NamedBlob[], store: BlobLocator): Promise<void> {
  const missing: NamedBlob[] = [];
  for (const blob of blobs) if ((await store.locate(blob.digest))?.size !== blob.size) missing.push(blob);
  const [first] = missing;
  if (first === undefined) return;
  throw new BundleError('INTEGRITY_MISSING', {
    subject: first.what,
    expected: `all ${blobs.length} blobs of the lock in the store`,
    actual: `${missing.length} not there: ${missing.slice(0, 5).map((blob) => `${blob.what} (${blob.digest})`).join(', ')}${missing.length > 5 ? ', …' : ''}`,
    details: { missing: missing.slice(0, 1000).map(({ digest, size, what }) => ({ digest, size, what })) },
  });
}

/** A folder or a device is not replaced by a rename. */
async function checkTargets(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const there = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined;
      throw storageError(path, cause);
    });
    if (there?.isFile() === false) throw new BundleError('INPUT_FLAG', { subject: path, expected: 'the name of a file', actual: there.isDirectory() ? 'a folder' : 'something that is no regular file' });
  }
}

async function checkSpace(output: string, bytes: number): Promise<void> {
  const folder = dirname(output);
  const { bavail, bsize } = await statfs(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw storageError(folder, cause);
    throw new BundleError('INPUT_FLAG', { subject: join(folder, basename(output)), expected: 'a folder that exists', actual: 'no such folder' }, { cause });
  });
  const reusable = await PartialExport.allocatedBytes(output);
  const free = bavail * bsize + reusable;
  if (free >= bytes) return;
  throw new BundleError('STORAGE_SPACE', {
    subject: output, expected: `${bytes} bytes free in ${folder}`, actual: `${free} bytes`, details: { neededBytes: bytes, freeBytes: free },
    next: 'Free space, or name another place with -o. Nothing was written.',
  });
}
