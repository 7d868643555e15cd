// What changed between two locks: artifacts by name, and the bytes that have to move.
import { type Descriptor, type Digest } from '../../bom/digest.ts';
import { contentOf, type Lock } from '../../bom/lock.ts';

export interface NamedArtifact {
  readonly kind: string;
  readonly name: string;
  readonly digest: Digest;
}

export interface Difference {
  readonly added: readonly NamedArtifact[];
  readonly removed: readonly NamedArtifact[];
  /** The same name with another content. */
  readonly changed: readonly (NamedArtifact & { readonly before: Digest })[];
  /** Blobs of the second that the first has not, and the other way round. */
  readonly newBlobs: { readonly count: number; readonly bytes: number };
  readonly goneBlobs: { readonly count: number; readonly bytes: number };
}

/** One entry per name: a package is named by target, name and architecture, so that a new version is a change. */
function artifactsOf(lock: Lock): Map<string, NamedArtifact> {
  const { images, files, packages, charts, git } = lock.spec;
  const all: NamedArtifact[] = [
    ...images.map((image) => ({ kind: 'image', name: image.ref, digest: image.digest })),
    ...files.map((file) => ({ kind: 'file', name: file.name, digest: file.digest })),
    ...packages.map((item) => ({ kind: item.manager, name: `${item.target} ${item.name}:${item.arch}`, digest: item.digest })),
    ...charts.map((chart) => ({ kind: 'chart', name: chart.name, digest: chart.digest })),
    ...git.map((item) => ({ kind: 'git', name: item.name, digest: item.digest })),
  ];
  const named = new Map<string, NamedArtifact>();
  for (const item of all) {
    let key = `${item.kind} ${item.name}`;
    // Several versions of one package side by side stay apart.
    while (named.has(key) && named.get(key)?.digest !== item.digest) key += '+';
    named.set(key, item);
  }
  return named;
}

function weigh(blobs: readonly Descriptor[]): { readonly count: number; readonly bytes: number } {
  return { count: blobs.length, bytes: blobs.reduce((sum, blob) => sum + blob.size, 0) };
}

/** From `before` to `after`; each list sorted by kind and name. */
export function differenceOf(before: Lock, after: Lock): Difference {
  const [old, now] = [artifactsOf(before), artifactsOf(after)];
  const inOrder = <T extends NamedArtifact>(list: T[]): T[] => list.sort((a, b) => (`${a.kind} ${a.name}` < `${b.kind} ${b.name}` ? -1 : 1));
  const [oldBlobs, nowBlobs] = [contentOf(before), contentOf(after)];
  return {
    added: inOrder([...now].filter(([key]) => !old.has(key)).map(([, item]) => item)),
    removed: inOrder([...old].filter(([key]) => !now.has(key)).map(([, item]) => item)),
    changed: inOrder([...now].flatMap(([key, item]) => {
      const was = old.get(key);
      return was === undefined || was.digest === item.digest ? [] : [{ ...item, before: was.digest }];
    })),
    newBlobs: weigh([...nowBlobs.values()].filter((blob) => !oldBlobs.has(blob.digest))),
    goneBlobs: weigh([...oldBlobs.values()].filter((blob) => !nowBlobs.has(blob.digest))),
  };
}

/** Against a receipt, which has no names: artifacts of which something is missing there. */
export function missingArtifacts(held: ReadonlySet<Digest>, after: Lock): { readonly missing: readonly string[]; readonly newBlobs: { readonly count: number; readonly bytes: number } } {
  const blobs = [...contentOf(after).values()].filter((blob) => !held.has(blob.digest));
  return { missing: [...new Set(blobs.map((blob) => blob.what))].sort(), newBlobs: weigh(blobs) };
}
