// The thread in which a big mirror is rendered: compressing its indexes takes seconds, and the service answers meanwhile.
import { parentPort, workerData } from 'node:worker_threads';
import type { LockedPackage } from '../../bom/lock.ts';
import { type AptMirrorOptions, renderAptMirror } from '../../formats/deb/mirror.ts';

/** What the thread is started with; it answers with one `AptMirror`. */
export interface RenderTask {
  readonly packages: readonly LockedPackage[];
  readonly options: AptMirrorOptions;
}

if (parentPort !== null) {
  const { packages, options } = workerData as RenderTask;
  parentPort.postMessage(renderAptMirror(packages, options));
}
