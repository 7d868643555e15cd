import { packageMediaType } from '../../bom/lock.ts';
import { readDetails, readYumDocuments } from '../../formats/rpm/mirror-sources.ts';
import type { RpmDetails, YumMirror } from '../../formats/rpm/mirror.ts';
import type { RpmAt } from '../../store/rpm-details.ts';
import type { ServedBlobs } from '../content.ts';
import { runApart } from './apart.ts';
import type { MirrorOf } from './mirror-of.ts';
import { threadFrom } from './render.ts';
import { renderYumTask, type YumTask } from './yum-worker.ts';

export interface RenderOptions {
  /** Nobody waits for answers meanwhile, so no thread is worth its start. */
  readonly isAlone?: boolean;
}

/** The indexes of a mirror, rendered in a thread of its own when it would hold up the answers of others. A package whose blob is absent has the file list of its stanza. */
export async function renderYum({ packages, repositories, target, date }: MirrorOf, blobs: ServedBlobs, { isAlone = false }: RenderOptions = {}): Promise<YumMirror> {
  const places: RpmAt[] = [];
  const details = new Map<string, RpmDetails>();
  for (const { digest, size, name, version, arch } of packages) {
    const what = `${name}-${version}.${arch}.rpm`;
    const place = await blobs.locate(digest);
    if (place !== undefined) places.push({ digest, what, ...place });
    else if (await blobs.has(digest)) details.set(digest, await readDetails({ mediaType: packageMediaType.rpm, digest, size }, what, blobs));
  }
  const task: YumTask = { packages, places, details, documents: await readYumDocuments(repositories, blobs), options: { target: target.id, date } };
  return isAlone || packages.length < threadFrom ? renderYumTask(task) : runApart<YumMirror>(new URL('./yum-worker.ts', import.meta.url), task);
}
