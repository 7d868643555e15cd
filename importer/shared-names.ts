// Image names that several projects of a machine use for different content.
import { layoutName } from '../bom/bundle.ts';
import type { Digest } from '../bom/digest.ts';
import type { Notify } from '../bom/events.ts';
import type { Lock, LockedImage } from '../bom/lock.ts';
import { Generations } from '../store/generations.ts';
import type { Store } from '../store/store.ts';
import { presentLock } from './present-lock.ts';

/** Tags of an image: its upstream's, and the one it was given for inside. */
function tagsOf(image: LockedImage): string[] {
  const upstream = layoutName(image.ref);
  return [...(upstream.includes('@') ? [] : [upstream]), ...(image.as === undefined ? [] : [image.as])];
}

/** One warning for each tag of `lock` that another project of this machine has for other content, saying who has the plain name and where the other one is. */
export async function warnOfSharedNames(store: Store, lock: Lock, notify: Notify): Promise<void> {
  const project = lock.metadata.name;
  const own = new Map<string, Digest>(lock.spec.images.flatMap((image) => tagsOf(image).map((tag) => [tag, image.digest] as const)));
  for (const other of await new Generations(store.root).projects()) {
    if (other === project) continue;
    const present = await presentLock(store, other);
    for (const image of present?.spec.images ?? []) {
      for (const tag of tagsOf(image)) {
        const digest = own.get(tag);
        if (digest === undefined || digest === image.digest) continue;
        const [first, second] = [project, other].sort();
        notify({ kind: 'warning', subject: tag, message: `is ${digest} in ${project} and ${image.digest} in ${other}: the name serves that of ${first}; that of ${second} is at projects/${second}/${tag}, and by its digest` });
      }
    }
  }
}
