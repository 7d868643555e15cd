import { hexOf } from '../bom/digest.ts';
import type { IndexRow } from './blob-index.ts';
import type { PackBlob, PackRecord } from './packs.ts';

/** In the index, the offset of a blob that is cut over volumes: its pack's record has the pieces. */
export const cutOffset = -1;

/** What the index says of a blob of a pack. */
export function rowOf({ archive }: PackRecord, { size, volume, offset, pieces }: PackBlob): IndexRow & { readonly where: 'pack' } {
  return { where: 'pack', size, pack: hexOf(archive), volume, offset: pieces === undefined ? offset : cutOffset };
}
