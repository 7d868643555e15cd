import { checkNotAborted } from '../bom/errors.ts';
import { isGood } from './loose-blobs.ts';
import { isSameFile, type PackRecord, type Packs, type PackVolume, stampOf } from './packs.ts';
import { readPieces } from './read-file.ts';

/** Files of packs that are not good, and those on a medium that is not there. */
export interface RecheckedPacks {
  readonly damaged: readonly string[];
  readonly away: readonly string[];
}

/** Takes packs as they lie now: what is good is entered, and so is what cannot be looked at because it lies elsewhere, on a medium that may come back. */
export async function recheckPacks(packs: Packs, { root, enter, signal }: { readonly root: string; readonly enter: (record: PackRecord) => void; readonly signal: AbortSignal }): Promise<RecheckedPacks> {
  const damaged: string[] = [];
  const away: string[] = [];
  for (const record of await packs.load()) {
    const paths = record.volumes.map(({ path }) => path);
    const now = await recheckPack(record, root, signal);
    const mayComeBack = now === 'away' && paths.every((path) => !packs.isOwn(path));
    if (typeof now === 'object') {
      if (now !== record) await packs.save(now);
      enter(now);
    } else if (mayComeBack) {
      away.push(...paths);
      enter(record);
    } else damaged.push(...paths);
  }
  return { damaged, away };
}

/**
 * `record` where its files look as they did; a renewed one where they do not and every blob was read again and is good (a store that was copied or
 * restored); `away` where a file is not there; else `damaged`.
 */
async function recheckPack(record: PackRecord, root: string, signal: AbortSignal): Promise<PackRecord | 'away' | 'damaged'> {
  const volumes: PackVolume[] = [];
  for (const volume of record.volumes) {
    const stamp = await stampOf(volume.path);
    if (stamp === undefined) return 'away';
    volumes.push({ path: volume.path, ...stamp });
  }
  if (volumes.every((now, number) => isSameFile(now, record.volumes[number]))) return record;
  for (const blob of record.blobs) {
    checkNotAborted(signal, root);
    const pieces = (blob.pieces ?? [blob]).map(({ volume, offset, size }) => ({ path: volumes[volume]?.path ?? '', offset, size }));
    if (!(await isGood(readPieces(pieces), blob.digest))) return 'damaged';
  }
  return { ...record, volumes };
}
