// The thread in which a yum mirror is rendered: reading headers and compressing takes seconds for thousands of packages, and the service answers meanwhile.
import { parentPort, workerData } from 'node:worker_threads';
import type { LockedPackage } from '../../bom/lock.ts';
import { renderYumMirror, type RpmDetails, type YumDocuments, type YumMirror, type YumMirrorOptions } from '../../formats/rpm/mirror.ts';
import { readRpmDetails, type RpmAt } from '../../store/rpm-details.ts';

/** What the thread is started with; it answers with one `YumMirror`. */
export interface YumTask {
  readonly packages: readonly LockedPackage[];
  /** Packages whose header can be read out of a file. */
  readonly places: readonly RpmAt[];
  /** Of the others, by digest. */
  readonly details: ReadonlyMap<string, RpmDetails>;
  readonly documents: YumDocuments;
  readonly options: YumMirrorOptions;
}

export function renderYumTask({ packages, places, details, documents, options }: YumTask): Promise<YumMirror> {
  return renderYumMirror(packages, new Map([...details, ...readRpmDetails(places)]), { ...options, documents });
}

if (parentPort !== null && workerData !== null) {
  parentPort.postMessage(await renderYumTask(workerData as YumTask));
}
