import { BundleError } from '../../bom/errors.ts';
import { type Notify, silent } from '../../bom/events.ts';
import type { LockedImage } from '../../bom/lock.ts';
import type { BlobReader, Target } from '../../bom/ports.ts';

/** Tells how much there is to bring into a registry; what it has already counts as done when that is known. */
export function tellPlan(images: readonly LockedImage[], notify: Notify): void {
  const bytes = images.flatMap(({ blobs }) => blobs).reduce((sum, { size }) => sum + size, 0);
  notify({ kind: 'plan', phase: 'publish', items: images.length, bytes, presentItems: 0, presentBytes: 0 });
}

/** All images at once. The first failure stops the others; it is thrown when nothing runs any more, and a stop is never thrown in its place. */
export async function publishAll(
  target: Pick<Target<'image'>, 'publish'>, images: readonly LockedImage[], { blobs, signal, notify = silent }: { readonly blobs: BlobReader; readonly signal: AbortSignal; readonly notify?: Notify },
): Promise<('published' | 'present')[]> {
  tellPlan(images, notify);
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const failures: unknown[] = [];
  const outcomes = await Promise.all(images.map((image) => target.publish(image, blobs, both).catch((error: unknown) => {
    failures.push(error);
    stop.abort();
    return undefined;
  })));
  if (failures.length > 0) throw failures.find((error) => !(error instanceof BundleError) || error.code !== 'INTERRUPTED') ?? failures[0];
  return outcomes.filter((outcome) => outcome !== undefined);
}
