// What lies below /yum/.
import type { Answer } from '../answer.ts';
import type { ServedBlobs } from '../content.ts';
import type { RepomdPairs } from './repomd-pairs.ts';
import type { YumMirrors } from './yum.ts';

export interface YumFacts {
  /** The current mirrors, then those of earlier generations. */
  readonly yums: readonly YumMirrors[];
  readonly blobs: ServedBlobs;
  readonly pairs: RepomdPairs;
  /** Of the client. */
  readonly address: string;
}

const root = 'repodata/repomd.xml';

/** `segments` follow `/yum/`. What a repomd.xml of an earlier generation leads to (indexes, packages, its signature) is found too. */
export async function yumAnswer({ yums, blobs, pairs, address }: YumFacts, segments: readonly string[]): Promise<Answer | undefined> {
  const path = segments.join('/');
  if (path.endsWith(`/${root}.asc`)) {
    const remembered = pairs.signatureFor(address, path);
    if (remembered !== undefined) return remembered;
  }
  const [current, ...older] = yums;
  const found = await current?.answer(segments, blobs);
  if (found !== undefined) {
    const signature = found.path === root ? await current?.answer([...segments.slice(0, -1), 'repomd.xml.asc'], blobs) : undefined;
    if (signature !== undefined) pairs.remember(address, `${path}.asc`, signature.answer);
    return found.answer;
  }
  if (path.endsWith('/repomd.xml') || path.endsWith('/repomd.xml.asc')) return undefined;
  for (const yum of older) {
    const earlier = await yum.answer(segments, blobs);
    if (earlier !== undefined) return earlier.answer;
  }
  return undefined;
}
