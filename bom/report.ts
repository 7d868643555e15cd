// What a lock holds, for the report of a run: what, from where, and how far it is trusted.
import type { Lock } from './lock.ts';

export interface ReportedArtifact {
  readonly kind: 'image' | 'file' | 'package' | 'chart' | 'git' | 'module';
  readonly name: string;
  readonly version?: string;
  readonly digest: string;
  readonly size: number;
  /** In the order in which they are tried; a path or nothing for what only the store has. */
  readonly from: readonly string[];
  readonly trust?: string;
  /** Fingerprints and key ids of good signatures. */
  readonly signedBy?: readonly string[];
  readonly usedBy: readonly string[];
}

/** Every artifact of a lock, in the lock's order. */
export function artifactsOf({ spec }: Lock): ReportedArtifact[] {
  const keys = new Map(spec.repositories.map(({ target, id, keyFingerprints }) => [`${target} ${id}`, keyFingerprints]));
  const signed = (signers: readonly string[] | undefined): { signedBy?: readonly string[] } => (signers === undefined || signers.length === 0 ? {} : { signedBy: signers });
  return [
    ...spec.boms.map(({ name, version, digest, size, origin }): ReportedArtifact => ({ kind: 'module', name, version, digest, size, from: origin === undefined ? [] : [origin.url], usedBy: [] })),
    ...spec.images.map(({ ref, digest, blobs, manifests, sources, trust, usedBy }): ReportedArtifact => ({ kind: 'image', name: ref, digest, size: [...manifests, ...blobs].reduce((sum, { size }) => sum + size, 0), from: sources, trust, usedBy })),
    ...spec.files.map(({ name, digest, size, urls, path, trust, usedBy, signature }): ReportedArtifact => ({ kind: 'file', name, digest, size, from: path === undefined ? urls : [path], trust, usedBy, ...signed(signature?.signers) })),
    ...spec.packages.map(({ name, version, arch, target, repo, digest, size, urls, trust, usedBy, signedBy }): ReportedArtifact =>
      ({ kind: 'package', name: `${target}/${name}:${arch}`, version, digest, size, from: urls, trust, usedBy, ...signed(signedBy === undefined ? keys.get(`${target} ${repo}`) : [signedBy]) })),
    ...spec.charts.map(({ name, version, digest, size, urls, source, trust, usedBy, keyFingerprints }): ReportedArtifact => ({ kind: 'chart', name, version, digest, size, from: urls.length === 0 && source !== undefined ? [source] : urls, trust, usedBy, ...signed(keyFingerprints) })),
    ...spec.git.map(({ name, commit, digest, size, url, trust, usedBy }): ReportedArtifact => ({ kind: 'git', name, version: commit, digest, size, from: [url], trust, usedBy })),
  ];
}
