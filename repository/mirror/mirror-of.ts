// What apt and yum mirrors have in common: one for each target of each project, found with its project or without, packages from the blobs.
import type { Descriptor } from '../../bom/digest.ts';
import { type LockedPackage, type LockedRepository, type LockedTarget, packageMediaType } from '../../bom/lock.ts';
import { type Answer, blobAnswer, textAnswer } from '../answer.ts';
import type { Served, ServedBlobs } from '../content.ts';

/** One target of one project. */
export interface MirrorOf {
  readonly project: string;
  readonly target: LockedTarget;
  readonly packages: readonly LockedPackage[];
  readonly repositories: readonly LockedRepository[];
  /** Seconds since 1970 that its indexes say. */
  readonly date: number;
}

/** The mirrors of all served locks that have a package. */
export function mirrorsOf(served: readonly Served[], manager: 'deb' | 'rpm'): readonly MirrorOf[] {
  const belongs = ({ id }: LockedTarget) => (item: { readonly manager: string; readonly target: string }): boolean => item.manager === manager && item.target === id;
  return served.flatMap(({ lock, date }) => lock.spec.targets.map((target) => ({
    project: lock.metadata.name,
    target,
    packages: lock.spec.packages.filter(belongs(target)),
    repositories: lock.spec.repositories.filter(belongs(target)),
    date,
  }))).filter((mirror) => mirror.packages.length > 0);
}

/** The mirror under which a target is found without its project: where only one project has it. */
export function aliasOf(mirrors: readonly MirrorOf[], target: string): MirrorOf | undefined {
  const found = mirrors.filter((mirror) => mirror.target.id === target);
  return found.length === 1 ? found[0] : undefined;
}

/** Mirrors that a path may be about, with the path below their root; `segments` are `<project>/<target>/…` or `<target>/…`. */
export function candidatesOf(mirrors: readonly MirrorOf[], segments: readonly string[]): { readonly mirror: MirrorOf; readonly path: string }[] {
  const [first = '', second] = segments;
  const own = mirrors.find((mirror) => mirror.project === first && mirror.target.id === second);
  const alias = aliasOf(mirrors, first);
  return [
    ...(own === undefined ? [] : [{ mirror: own, path: segments.slice(2).join('/') }]),
    ...(alias === undefined ? [] : [{ mirror: alias, path: segments.slice(1).join('/') }]),
  ];
}

/** Packages of mirrors by their path, made once for each. */
export class Pools {
  private readonly pools = new Map<MirrorOf, Map<string, Descriptor>>();

  async answer(mirror: MirrorOf, path: string, blobs: ServedBlobs): Promise<Answer | undefined> {
    const pool = this.pools.get(mirror) ?? new Map(mirror.packages.map(({ path: name, manager, digest, size }) => [name, { mediaType: packageMediaType[manager], digest, size }]));
    this.pools.set(mirror, pool);
    const blob = pool.get(path);
    if (blob === undefined) return undefined;
    if (!(await blobs.has(blob.digest))) return textAnswer(404, `${path}: the package is not in the store; run \`longshore download\` or import the archive again\n`);
    return blobAnswer(blob, blobs, { 'last-modified': new Date(mirror.date * 1000).toUTCString() });
  }
}
