import { Worker } from 'node:worker_threads';
import type { LockedPackage } from '../../bom/lock.ts';
import { type AptMirror, type AptMirrorOptions, renderAptMirror } from '../../formats/deb/mirror.ts';
import type { RenderTask } from './render-worker.ts';

/** Fewer packages are rendered sooner than a thread starts. */
const threadFrom = 200;

/** {@link renderAptMirror}, in a thread of its own when it would hold up the answers of others. */
export async function renderApart(packages: readonly LockedPackage[], options: AptMirrorOptions): Promise<AptMirror> {
  if (packages.length < threadFrom) return renderAptMirror(packages, options);
  const script = import.meta.url.endsWith('.ts') ? new URL('./render-worker.ts', import.meta.url) : new URL('./render-worker.js', import.meta.url);
  const worker = new Worker(script, { workerData: { packages, options } satisfies RenderTask });
  worker.unref();
  try {
    return await new Promise<AptMirror>((done, fail) => {
      worker.once('message', (mirror: AptMirror) => { done(mirror); });
      worker.once('error', fail);
      worker.once('exit', (code) => { fail(new Error(`the rendering thread ended with code ${code}`)); });
    });
  } finally {
    await worker.terminate();
  }
}
