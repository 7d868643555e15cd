// What a machine serves without some kinds of content.
import type { Lock } from '../bom/lock.ts';

export const contentKinds = ['images', 'packages', 'files', 'charts', 'git'] as const;
export type ContentKind = (typeof contentKinds)[number];

/** `lock` without all artifacts of these kinds. */
export function lockWithout(lock: Lock, kinds: ReadonlySet<ContentKind>): Lock {
  const { spec } = lock;
  return {
    ...lock,
    spec: {
      ...spec,
      ...(kinds.has('images') ? { images: [] } : {}),
      ...(kinds.has('packages') ? { packages: [], packageSets: [], repositories: [] } : {}),
      ...(kinds.has('files') ? { files: [] } : {}),
      ...(kinds.has('charts') ? { charts: [] } : {}),
      ...(kinds.has('git') ? { git: [] } : {}),
    },
  };
}
