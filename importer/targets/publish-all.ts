import { BundleError } from '../../bom/errors.ts';
import type { LockedImage } from '../../bom/lock.ts';
import type { BlobReader, Target } from '../../bom/ports.ts';

/** All images at once. The first failure stops the others; it is thrown when nothing runs any more, and a stop is never thrown in its place. */
export async function publishAll(
  target: Pick<Target<'image'>, 'publish'>, images: readonly LockedImage[], { blobs, signal }: { readonly blobs: BlobReader; readonly signal: AbortSignal },
): Promise<('published' | 'present')[]> {
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
