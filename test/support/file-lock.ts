import { digestOf } from '../../bom/digest.ts';
import { apiVersion, type Lock, type LockedFile, type LockSpec } from '../../bom/lock.ts';

const empty: LockSpec = {
  targets: [], order: [], boms: [], images: [], files: [], packages: [], packageSets: [], repositories: [], charts: [], git: [], runtimes: [],
  dropped: [], unresolved: [], warnings: [], influences: [],
};

/** A lock of what `spec` says, and nothing else. */
export const lockOf = (spec: Partial<LockSpec>): Lock =>
  ({ apiVersion, kind: 'Lock', metadata: { name: 'test', project: digestOf(''), sequence: 1 }, spec: { ...empty, ...spec } });

export function file(name: string, content: Uint8Array, ...urls: string[]): LockedFile {
  return { name, urls, digest: digestOf(content), size: content.length, mode: '0644', purpose: 'other', mediaType: 'application/octet-stream', trust: 'declared', usedBy: [] };
}
