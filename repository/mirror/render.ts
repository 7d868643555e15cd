import type { LockedPackage } from '../../bom/lock.ts';
import { type AptMirror, type AptMirrorOptions, renderAptMirror } from '../../formats/deb/mirror.ts';
import { runApart } from './apart.ts';
import type { RenderTask } from './render-worker.ts';

/** Fewer packages are rendered sooner than a thread starts. */
export const threadFrom = 200;

/** {@link renderAptMirror}, in a thread of its own when it would hold up the answers of others. */
export async function renderApart(packages: readonly LockedPackage[], options: AptMirrorOptions): Promise<AptMirror> {
  if (packages.length < threadFrom) return renderAptMirror(packages, options);
  return runApart<AptMirror>(new URL('./render-worker.ts', import.meta.url), { packages, options } satisfies RenderTask);
}
