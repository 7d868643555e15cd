import { checkNotAborted } from '../bom/errors.ts';
import { isGood } from './loose-blobs.ts';
import { isSameFile, type PackRecord, type PackVolume, stampOf } from './packs.ts';
import { readPieces } from './read-file.ts';

/**
 * `record` where its files look as they did; a renewed one where they do not and every blob was read again and is good (a store that was copied or
 * restored); else `undefined`.
 */
export async function recheckPack(record: PackRecord, root: string, signal: AbortSignal): Promise<PackRecord | undefined> {
  const volumes: PackVolume[] = [];
  for (const volume of record.volumes) {
    const stamp = await stampOf(volume.path);
    if (stamp === undefined) return undefined;
    volumes.push({ path: volume.path, ...stamp });
  }
  if (volumes.every((now, number) => isSameFile(now, record.volumes[number]))) return record;
  for (const blob of record.blobs) {
    checkNotAborted(signal, root);
    const pieces = (blob.pieces ?? [blob]).map(({ volume, offset, size }) => ({ path: volumes[volume]?.path ?? '', offset, size }));
    if (!(await isGood(readPieces(pieces), blob.digest))) return undefined;
  }
  return { ...record, volumes };
}
