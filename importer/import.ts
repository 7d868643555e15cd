import { link, realpath, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { bundleOf } from '../bom/bundle.ts';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import type { BlobReader } from '../bom/ports.ts';
import { checkClusterFacts } from '../bom/cluster-facts.ts';
import type { Lock } from '../bom/lock.ts';
import { type ManifestBlob, piecesOf } from '../formats/archive/manifest.ts';
import type { PgpKey } from '../formats/pgp/keys.ts';
import { CopyPool } from '../store/copy-pool.ts';
import { makeDirectory, storageError, syncDirectory } from '../store/durable-file.ts';
import { type Generation, Generations } from '../store/generations.ts';
import { type PackBlob, type PackVolume, stampOf } from '../store/packs.ts';
import { putAll } from '../store/put-all.ts';
import type { Store } from '../store/store.ts';
import { ArchiveBlobs } from './archive-blobs.ts';
import { type Archive, damaged, openArchive } from './archive-file.ts';
import { checkBase } from './base.ts';
import { copyBlobs } from './copy-blobs.ts';
import { gatherVolumes, hasKeptVolumes, keepVolumes, packPath, refuseIncomplete } from './kept-volumes.ts';
import { pinKeys, pinnedKeys } from './pinned-keys.ts';
import { readLock } from './archive-lock.ts';
import { presentLock } from './present-lock.ts';
import { warnOfSharedNames } from './shared-names.ts';
import { checkSignature, type SignatureState, type TrustOptions } from './signature.ts';
import { checkUpgrades } from './upgrade-check.ts';
import { verifyArchive } from './verify.ts';

export interface ImportOptions extends TrustOptions {
  readonly paths: readonly string[];
  readonly store: Store;
  /** Copies blobs into the store; otherwise the archive is adopted where it lies. */
  readonly copy: boolean;
  /** Passes for a sequence below the highest that was imported for the project. */
  readonly allowDowngrade?: boolean;
  /** Passes for modules that do not say they can replace what is here. */
  readonly allowUpgradePath?: boolean;
  /** What this destination has, with or without `cluster.` in front: what modules demand of it is checked before anything is written. */
  readonly facts?: Readonly<Record<string, string>>;
  readonly concurrency: number;
  readonly notify: Notify;
  readonly signal: AbortSignal;
}

export interface ImportResult {
  readonly generation: Generation;
  readonly project: string;
  /** False when this archive was what is served already: nothing was done. After a repair, `generation` is what was served before and still is. */
  readonly changed: boolean;
  readonly blobs: number;
  /** Bytes of blobs in the archive. */
  readonly bytes: number;
  /** `linked` into the store's folder, read `in-place` from elsewhere, or `copied`. */
  readonly how: 'linked' | 'in-place' | 'copied' | 'present';
  readonly signature: SignatureState;
  /** Modules to look at again, as the lock reports them. */
  readonly influences: readonly { readonly module: string; readonly influences: string }[];
}

/**
 * Takes an archive into a repository machine's store and makes it the generation served. Nothing changes before the whole archive is verified and
 * a delta's base is met. The switch is the last step and one rename: interrupted at any moment, what was served before still is, and the
 * same call completes the work. Throws what {@link verifyArchive} throws, `TARGET_REPLAY` for an older archive than the newest
 * imported one, `TARGET_BASE` for an unmet delta, and `STORAGE_*`.
 */
export async function importArchive(options: ImportOptions): Promise<ImportResult> {
  const { store, signal, notify } = options;
  let archive = await gatherVolumes(await openArchive(await Promise.all(options.paths.map(realPath))), store.root);
  const { project } = archive.manifest;
  const pinned = await pinnedKeys(store.root, project);
  const keys = options.keys.length > 0 ? options.keys : pinned;
  const trust = { ...options, keys };
  const signature = await checkSignature(archive, trust);
  warnOfOtherKey(archive, { pinned, signature, notify });
  const generations = new Generations(store.root);
  const facts = { project, signature, ...countOf(archive) };
  const served = await servedAlready(archive, generations, store);
  if (served !== undefined) {
    notify({ kind: 'step', phase: 'import', message: `${served.project} sequence ${served.sequence} is served already as generation ${served.id}` });
    return { ...facts, generation: served, changed: false, how: 'present', influences: [] };
  }
  if (archive.manifest.repair !== true) await checkReplay(archive, generations, options);
  await refuseIncomplete(archive, trust);
  const repaired = archive.manifest.repair === true ? await repairedGeneration(archive, generations) : undefined;
  if (repaired === undefined) await checkBase(archive, store, { repairable: (await generations.current(project)) !== undefined });
  // Volumes that came one by one are the store's own files: so is the rest then.
  const kept = options.copy && hasKeptVolumes(archive, store.root);
  if (kept) archive = await keepVolumes(archive, trust);
  const stamps = await stampsOf(archive);
  await verifyArchive([...archive.volumes.values()].map((volume) => volume.path), trust);
  await checkUnchanged(stamps);
  const lock = await readLock(archive);
  checkNotAborted(signal, 'import');
  if (repaired === undefined) await checkSwitch(archive, lock, options);
  const copying = options.copy && !kept;
  const adopted = copying ? 'copied' : await adopt(archive, stamps, options);
  const how = kept ? 'copied' : adopted;
  if (copying) await copy(archive, archive.manifest.blobs, options);
  if (repaired !== undefined) return { ...facts, generation: repaired, changed: true, how, influences: [] };
  const bundle = bundleOf(lock);
  await putAll(store, bundle.generated);
  if (copying) await store.listInLayout(bundle.layoutIndex);
  if (signature.state === 'signed') await pinKeys(store.root, project, { keys, signers: signature.signers });
  const generation = await nextGeneration(archive, { lock, signature, generations, now: options.now });
  await generations.switchTo(generation.project, generation.id);
  return { ...facts, generation, changed: true, how, influences: lock.spec.influences };
}

/** What has to be known before anything is taken over: modules that cannot replace what is here are refused; names that other projects have too are told. */
async function checkSwitch(archive: Archive, lock: Lock, { store, notify, allowUpgradePath, facts }: ImportOptions): Promise<void> {
  const demands = lock.spec.clusterDemands ?? [];
  if (facts !== undefined) checkClusterFacts(lock, facts);
  else if (demands.length > 0) notify({ kind: 'warning', subject: lock.metadata.name, message: `modules demand ${[...new Set(demands.flatMap(({ expressions }) => expressions.map(({ key }) => key)))].sort().join(', ')} of this destination; give the facts with --fact or --facts to have it checked` });
  const [own, project] = [new ArchiveBlobs(archive), lock.metadata.name];
  const blobs: BlobReader = { has: async (digest) => (await own.has(digest)) || store.has(digest), open: (blob, range) => (own.rangesOf(blob.digest) === undefined ? store : own).open(blob, range) };
  await checkUpgrades(lock, { blobs, present: await presentLock(store, project), allow: allowUpgradePath === true, notify });
  await warnOfSharedNames(store, lock, notify);
}

/** Says so when an archive is taken that none of the keys of earlier ones signed. */
function warnOfOtherKey({ manifest, volumes }: Archive, { pinned, signature, notify }: { readonly pinned: readonly PgpKey[]; readonly signature: SignatureState; readonly notify: Notify }): void {
  const known = pinned.map((key) => key.fingerprint);
  if (known.length === 0 || (signature.state === 'signed' && signature.signers.some((signer) => known.includes(signer)))) return;
  const what = signature.state === 'signed' ? `signed by another key, ${signature.signers.join(', ')}` : 'not signed';
  notify({ kind: 'warning', subject: [...volumes.values()][0]?.path ?? manifest.project, message: `is ${what}; pinned for ${manifest.project} is ${known.join(', ')}` });
}

/** Where the file itself is: a link to a symbolic link would not keep it. A missing one is reported by whoever opens it. */
async function realPath(path: string): Promise<string> {
  return realpath(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return resolve(path);
    throw storageError(path, cause);
  });
}

function countOf({ manifest }: Archive): { readonly blobs: number; readonly bytes: number } {
  return { blobs: manifest.blobs.length, bytes: manifest.blobs.reduce((sum, blob) => sum + blob.size, 0) };
}

/** The current generation, when it came from this archive and all its blobs can still be read. */
async function servedAlready(archive: Archive, generations: Generations, store: Store): Promise<Generation | undefined> {
  const current = await generations.current(archive.manifest.project);
  if (current?.archive !== archive.archive) return undefined;
  for (const blob of archive.manifest.blobs) if (!(await store.has(blob.digest))) return undefined;
  return current;
}

async function checkReplay({ manifest, volumes }: Archive, generations: Generations, { allowDowngrade }: ImportOptions): Promise<void> {
  const highest = await generations.highestSequence(manifest.project);
  if (manifest.sequence >= highest || allowDowngrade === true) return;
  throw new BundleError('TARGET_REPLAY', {
    subject: [...volumes.values()][0]?.path ?? manifest.project,
    expected: `sequence ${highest} of ${manifest.project} or a later one`,
    actual: `sequence ${manifest.sequence}`,
  });
}

async function stampsOf(archive: Archive): Promise<PackVolume[]> {
  return Promise.all([...archive.volumes.values()].sort((a, b) => a.number - b.number).map(async ({ path }) => {
    const stamp = await stampOf(path);
    if (stamp === undefined) throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'an archive', actual: 'no such file' });
    return { path, ...stamp };
  }));
}

/** A repair brings blobs to what is there: the generation served stays. Throws `TARGET_BASE` when nothing is. */
async function repairedGeneration({ manifest, volumes }: Archive, generations: Generations): Promise<Generation> {
  const current = await generations.current(manifest.project);
  if (current !== undefined) return current;
  throw new BundleError('TARGET_BASE', {
    subject: [...volumes.values()][0]?.path ?? manifest.project, expected: `an imported archive of ${manifest.project}, which this one repairs`, actual: 'none', next: 'Import a full archive.',
  });
}

/** What was verified is what is taken. */
async function checkUnchanged(stamps: readonly PackVolume[]): Promise<void> {
  for (const before of stamps) {
    const now = await stampOf(before.path);
    if (now?.inode !== before.inode || now.mtimeMs !== before.mtimeMs || now.size !== before.size) throw damaged(before.path, 'a file that nobody writes to', 'one that changed while it was read');
  }
}

/** Makes the blobs readable where they lie: from a hard link below the store when it is on the same file system. */
async function adopt(archive: Archive, stamps: readonly PackVolume[], { store, notify }: ImportOptions): Promise<'linked' | 'in-place'> {
  const folder = dirname(packPath(store.root, archive, 1));
  await makeDirectory(folder);
  const volumes: PackVolume[] = [];
  let how: 'linked' | 'in-place' = 'linked';
  for (const [index, volume] of stamps.entries()) {
    const own = packPath(store.root, archive, index + 1);
    const linked = volume.path === own || (await hardLink(volume, own));
    if (!linked) {
      how = 'in-place';
      notify({ kind: 'warning', subject: volume.path, message: 'is on another file system and is served from there: keep it where it is, or import with --copy' });
    }
    volumes.push(linked ? { ...volume, path: own } : volume);
  }
  await syncDirectory(folder);
  await store.adoptPack({ archive: archive.archive, volumes, blobs: archive.manifest.blobs.map((blob) => packBlobOf(archive, blob)) });
  return how;
}

/** Where a blob lies in the volumes as files. */
function packBlobOf(archive: Archive, blob: ManifestBlob): PackBlob {
  const pieces = piecesOf(blob).map(({ volume: number, offset, size }) => {
    const volume = archive.volumes.get(number);
    if (volume === undefined) throw new Error(`volume ${number} is not open`);
    return { volume: number - 1, offset: volume.contentStart + offset, size };
  });
  const first = pieces[0] ?? { volume: 0, offset: 0 };
  return { digest: blob.digest, size: blob.size, volume: first.volume, offset: first.offset, ...(pieces.length > 1 ? { pieces } : {}) };
}

/** False where the file systems differ or have no hard links. */
async function hardLink(volume: PackVolume, own: string): Promise<boolean> {
  try {
    if ((await stampOf(own))?.inode === volume.inode) return true;
    await rm(own, { force: true });
    await link(volume.path, own);
    return true;
  } catch (cause) {
    if (['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'].includes((cause as NodeJS.ErrnoException).code ?? '')) return false;
    throw storageError(own, cause);
  }
}

async function copy(archive: Archive, blobs: readonly ManifestBlob[], { store, concurrency, notify, signal }: ImportOptions): Promise<void> {
  if (blobs.length === 0) return;
  const pool = new CopyPool({ concurrency, signal, onBytes: (bytes) => notify({ kind: 'bytes', phase: 'import', bytes }) });
  try {
    await copyBlobs(new ArchiveBlobs(archive), { blobs, store, pool, notify });
  } finally {
    await pool.close();
  }
}

/** The generation for this archive: the one that an interrupted import wrote, or a new one. */
async function nextGeneration(archive: Archive, { lock, signature, generations, now }: {
  readonly lock: Lock; readonly signature: SignatureState; readonly generations: Generations; readonly now: Date;
}): Promise<Generation> {
  const { manifest } = archive;
  const last = (await generations.list(manifest.project)).at(-1);
  if (last?.archive === archive.archive && last.collected !== true) return last;
  const [signedBy] = signature.state === 'signed' ? signature.signers : [];
  return generations.add({
    project: lock.metadata.name, sequence: lock.metadata.sequence, bundle: manifest.bundle.digest, lock: manifest.lock.digest, lockSize: manifest.lock.size,
    importedAt: now.toISOString(), archive: archive.archive, ...(signedBy === undefined ? {} : { signedBy }),
  });
}
