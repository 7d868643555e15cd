import type { LockedPackage } from '../../bom/lock.ts';
import { type AptIndexes, aptIndexes, type AptMirror, aptMirrorOf, type AptMirrorOptions } from '../../formats/deb/mirror.ts';
import { runApart } from './apart.ts';
import type { RenderTask } from './render-worker.ts';

/** Fewer packages are rendered sooner than a thread starts. */
export const threadFrom = 200;
/** Only compressing takes long for fewer, and that is done apart in any case. */
export const stanzasApartFrom = 2000;

interface Kept { readonly packages: readonly LockedPackage[]; readonly target: string; readonly architectures: readonly string[]; readonly indexes: Promise<AptIndexes> }

/** By the first package: the same packages in the same order have the same indexes. */
const kept = new WeakMap<LockedPackage, Kept>();

function same<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at]);
}

/** Indexes of a mirror whose Release is made later, or again with another date: they are made once. */
export function indexesOf(packages: readonly LockedPackage[], { target, architectures }: Pick<AptMirrorOptions, 'target' | 'architectures'>): Promise<AptIndexes> {
  const [first] = packages;
  const known = first === undefined ? undefined : kept.get(first);
  if (known?.target === target && same(known.packages, packages) && same(known.architectures, architectures)) return known.indexes;
  const indexes = aptIndexes(packages, { target, architectures });
  if (first !== undefined) {
    kept.set(first, { packages, target, architectures, indexes });
    indexes.catch(() => { kept.delete(first); });
  }
  return indexes;
}

/** The mirror, rendered apart from the answers that it would hold up. */
export async function renderApart(packages: readonly LockedPackage[], options: AptMirrorOptions): Promise<AptMirror> {
  if (packages.length < stanzasApartFrom) return aptMirrorOf(await indexesOf(packages, options), options);
  return runApart<AptMirror>(new URL('./render-worker.ts', import.meta.url), { packages, options } satisfies RenderTask);
}
