import { contentOf, type Lock, parseLock } from '../bom/lock.ts';
import type { Descriptor, Digest } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import type { Store } from '../store/store.ts';
import { type Bundle, bundleOf } from '../bom/bundle.ts';
import { readInput } from './context.ts';
import { existsSync } from 'node:fs';

export function readLock(path: string): Lock {
  if (!existsSync(path)) {
    throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'a lock', actual: 'no such file', next: 'Write it with `longshore lock -f PROJECT`, or name it with --lock.' });
  }
  return parseLock(readInput(path), path);
}

/** What a lock needs against what a store has. Bytes count each blob once. */
export interface Stock {
  readonly bundle: Bundle;
  readonly items: number;
  readonly bytes: number;
  readonly presentItems: number;
  readonly presentBytes: number;
  readonly missing: readonly (Descriptor & { readonly what: string })[];
  readonly missingBytes: number;
}

/** What a lock names and a store has not, and does not arrive there either: all that is to be fetched, known without what follows from the lock. */
export async function missingOf(lock: Lock, store: Store, arriving: ReadonlySet<Digest> = new Set()): Promise<Pick<Stock, 'missing' | 'missingBytes'>> {
  const missing = await store.missingOf([...contentOf(lock).values()].filter(({ digest }) => !arriving.has(digest)));
  return { missing, missingBytes: missing.reduce((sum, { size }) => sum + size, 0) };
}

export async function stockOf(lock: Lock, store: Store | undefined): Promise<Stock> {
  const bundle = bundleOf(lock);
  const missing = store === undefined ? bundle.content : await store.missingOf(bundle.content);
  const sizeOf = (blobs: readonly Descriptor[]): number => blobs.reduce((sum, { size }) => sum + size, 0);
  const [bytes, missingBytes] = [sizeOf(bundle.content), sizeOf(missing)];
  return { bundle, items: bundle.content.length, bytes, presentItems: bundle.content.length - missing.length, presentBytes: bytes - missingBytes, missing, missingBytes };
}

/** Counts and bytes per kind of artifact, as a person asks for them; a blob that several kinds share counts in each. */
export function kindsOf(lock: Lock): readonly { readonly kind: string; readonly count: number; readonly bytes: number }[] {
  const { images, files, packages, charts, git } = lock.spec;
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const imageBlobs = new Map(images.flatMap((image) => [...image.manifests, ...image.blobs]).map((blob) => [blob.digest, blob.size]));
  const unique = (items: readonly { readonly digest: string; readonly size: number }[]): number => sum([...new Map(items.map((item) => [item.digest, item.size])).values()]);
  return [
    { kind: 'images', count: images.length, bytes: sum([...imageBlobs.values()]) },
    { kind: 'files', count: files.length, bytes: unique(files) },
    { kind: 'packages', count: packages.length, bytes: unique(packages) },
    { kind: 'charts', count: charts.length, bytes: unique(charts) },
    { kind: 'git', count: git.length, bytes: unique(git) },
  ];
}
