// The Lock document: README "Documents"; canonical JSON (RFC 8785), no clock and no machine in it.
import { z } from 'zod';
import { canonicalBytes } from './canonical-json.ts';
import type { Descriptor, Digest } from './digest.ts';
import { shownKey, withHiddenKeys, withShownKeys } from './documents/proto-key.ts';
import { BundleError } from './errors.ts';
import { descriptor, digest, licence, size, trust, usedBy } from './lock-fields.ts';
import { lockedPackage, lockedPackageSet, lockedRepository } from './lock-packages.ts';
import { withoutCode } from './schema-parse.ts';

export type { Trust } from './lock-fields.ts';
export type { LockedPackage, LockedPackageSet, LockedRepository } from './lock-packages.ts';

export const apiVersion = 'longshore.dev/v1alpha1';

const lockedTarget = z.strictObject({
  id: z.string(),
  /** `debian`, `rhel`, `suse` or `any`. */
  family: z.string(),
  os: z.string().optional(),
  release: z.string().optional(),
  /** Go's names: amd64, arm64, …; `any` for targets without OS packages. */
  arch: z.string(),
});

const lockedBom = z.strictObject({
  name: z.string(),
  version: z.string(),
  /** Of the module's BOM as canonical JSON, the blob that travels. */
  digest,
  size,
  labels: z.record(z.string(), z.string()),
  /** Where it was read, when that was not a file of this machine: the address, and the digest of what was found there (commit of a git revision). */
  origin: z.strictObject({ url: z.string(), digest: digest.optional(), commit: z.string().optional(), found: z.string().optional() }).optional(),
});

/** A manifest or index that is carried; `platform` as os/arch[/variant] where the index above it says so. */
const lockedManifest = z.strictObject({ mediaType: z.string(), digest, size, platform: z.string().optional() });

const lockedReferrer = z.strictObject({
  subject: digest,
  digest,
  mediaType: z.string(),
  artifactType: z.string().optional(),
  size,
  /** `signature`, `attestation`, `sbom` or `referrer`. */
  kind: z.string(),
  /** The tag it is found by where the registry has no referrers API (cosign's scheme, or the OCI fallback tag). */
  tag: z.string().optional(),
});

const lockedImage = z.strictObject({
  /** Canonical reference: host/path:tag, host/path@digest, or host/path:tag@digest. One entry each. */
  ref: z.string(),
  /** The root: an index or a manifest, byte for byte as upstream serves it. */
  digest,
  mediaType: z.string(),
  size,
  /** Where to fetch it, in order, as references without credentials; first is `ref` after host rewrites. Empty: only the store has it. */
  sources: z.array(z.string()),
  /** os/arch[/variant] -> manifest digest, for every platform carried. */
  platforms: z.record(z.string(), digest),
  /** Every manifest and index carried, the root first. */
  manifests: z.array(lockedManifest),
  /** Configs and layers of them, each once, in order of first mention. */
  blobs: z.array(descriptor),
  referrers: z.array(lockedReferrer).optional(),
  /** Sums of `crane pull` tarballs, held against the content once it was downloaded; `reference` as the document wrote it. Never identity. */
  evidence: z.array(z.strictObject({ kind: z.string(), value: z.string(), reference: z.string(), format: z.string().optional(), allowMismatch: z.boolean().optional() })).optional(),
  /** Layers that upstream forbids to distribute: named, not carried (image specification 1.0, layer.md "Non-Distributable Layers"). */
  foreign: z.array(descriptor).optional(),
  /** Name in the registry inside, when it is not the upstream's. */
  as: z.string().optional(),
  kind: z.enum(['image', 'artifact', 'signature', 'attestation', 'sbom']),
  role: z.string(),
  trust,
  usedBy,
  licence,
});

const lockedFile = z.strictObject({
  /** Path below `files/`: relative, `/` between segments, never leaving its root. */
  name: z.string(),
  /** In order; empty for a file that came from a path. Without user, password and secrets. */
  urls: z.array(z.string()),
  /** The local path as its BOM wrote it: informative, its content is stored while locking. */
  path: z.string().optional(),
  digest,
  size,
  /** Octal, as text: "0644". */
  mode: z.string(),
  purpose: z.string(),
  /** Where operators put it: an absolute path on their machine. */
  installAs: z.string().optional(),
  platform: z.strictObject({ os: z.string(), arch: z.string() }).optional(),
  /** Names of credentials whose headers the request needs; never values. */
  headersFrom: z.array(z.string()).optional(),
  /** Other digests of the same bytes that were declared and checked: "sha1:…". */
  evidence: z.array(z.string()).optional(),
  /** The signature that was good while locking, and who made it: fingerprints or key ids. It travels beside the file. */
  signature: z.strictObject({ kind: z.string(), signers: z.array(z.string()), file: z.string() }).optional(),
  /** Media type of the blob; `application/octet-stream` unless known better. */
  mediaType: z.string(),
  trust,
  usedBy,
  licence,
});

const lockedChart = z.strictObject({
  name: z.string(),
  version: z.string(),
  /** File name below `charts/`. */
  path: z.string(),
  urls: z.array(z.string()),
  digest,
  size,
  /** Chart.yaml as canonical JSON values: what a Helm index needs. */
  metadata: z.record(z.string(), z.unknown()),
  provenance: descriptor.optional(),
  /** Fingerprints of the keys that signed the provenance. */
  keyFingerprints: z.array(z.string()).optional(),
  /** What was asked: a repository, an address, or the path or revision that it was packed from (then `urls` is empty, and only the store has it). */
  source: z.string().optional(),
  headersFrom: z.array(z.string()).optional(),
  trust,
  usedBy,
  licence,
});

const lockedGit = z.strictObject({
  name: z.string(),
  url: z.string(),
  commit: z.string(),
  ref: z.string().optional(),
  /** All branches and tags, not only the history of `commit`. */
  mirror: z.boolean().optional(),
  /** Bundles of its submodules: path in the tree -> name of the entry. */
  submodules: z.array(z.strictObject({ path: z.string(), url: z.string(), commit: z.string(), name: z.string() })).optional(),
  headersFrom: z.array(z.string()).optional(),
  digest,
  size,
  trust,
  usedBy,
  licence,
});

/** A file of longshore itself for the far side, per platform: below `longshore/bin/<platform>/` in an archive. */
const lockedRuntime = z.strictObject({
  /** linux-x64, linux-arm64, … as Node names them. */
  platform: z.string(),
  path: z.string(),
  digest,
  size,
  mode: z.string(),
});

const spec = z.strictObject({
  targets: z.array(lockedTarget),
  /** Module names, topological by `requires`, ties by name. */
  order: z.array(z.string()),
  boms: z.array(lockedBom),
  images: z.array(lockedImage),
  files: z.array(lockedFile),
  packages: z.array(lockedPackage),
  packageSets: z.array(lockedPackageSet),
  repositories: z.array(lockedRepository),
  charts: z.array(lockedChart),
  git: z.array(lockedGit),
  runtimes: z.array(lockedRuntime),
  /** What was not carried, and why. */
  dropped: z.array(z.strictObject({ what: z.string(), because: z.string() })),
  unresolved: z.array(z.strictObject({ module: z.string(), where: z.string(), what: z.string(), reason: z.string() })),
  warnings: z.array(z.string()),
  /** Modules to look at again after import: reported, never acted on. */
  influences: z.array(z.strictObject({ module: z.string(), influences: z.string() })),
  /** What modules demand of the destination: checked again where the bundle is imported. */
  clusterDemands: z.array(z.strictObject({ module: z.string(), expressions: z.array(z.strictObject({ key: z.string(), operator: z.string(), values: z.array(z.string()) })) })).optional(),
});

const lockSchema = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('Lock'),
  metadata: z.strictObject({
    name: z.string(),
    /** Digest of the project and BOM documents as canonical JSON. */
    project: digest,
    /** 1 for the first lock; the previous lock's + 1 when the content changed. */
    sequence: z.int().min(1),
  }),
  spec,
});

export type LockedTarget = z.infer<typeof lockedTarget>;
export type LockedBom = z.infer<typeof lockedBom>;
export type LockedManifest = z.infer<typeof lockedManifest>;
export type LockedReferrer = z.infer<typeof lockedReferrer>;
export type LockedImage = z.infer<typeof lockedImage>;
export type LockedFile = z.infer<typeof lockedFile>;
export type LockedChart = z.infer<typeof lockedChart>;
export type LockedGit = z.infer<typeof lockedGit>;
export type LockedRuntime = z.infer<typeof lockedRuntime>;
export type LockSpec = z.infer<typeof spec>;
export type Lock = z.infer<typeof lockSchema>;

/** A lock from its text. Throws `INPUT_SYNTAX` or `INPUT_FIELD` with `subject` (the file) in front. */
export function parseLock(text: string, subject: string): Lock {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BundleError('INPUT_SYNTAX', { subject, expected: 'a lock: one JSON document', actual: (cause as Error).message }, { cause });
  }
  const mayHide = /__proto__|\\u/.test(text);
  const result = lockSchema.safeParse(mayHide ? withHiddenKeys(value) : value, withoutCode);
  if (result.success) return mayHide ? withShownKeys(result.data) as Lock : result.data;
  const issue = result.error.issues[0];
  const where = issue === undefined ? '' : ` at ${issue.path.map(shownKey).join('.')}`;
  throw new BundleError('INPUT_FIELD', {
    subject: `${subject}${where}`,
    expected: `a Lock of ${apiVersion}`,
    actual: issue?.message.toWellFormed() ?? 'something else',
    next: 'Locks are written by `longshore lock`; write it again with this version.',
  });
}

const written = new WeakMap<Lock, Uint8Array>();

/** The one byte form of a lock: RFC 8785 and a final newline. Made once for each; nobody may write into it. */
export function lockBytes(lock: Lock): Uint8Array {
  const known = written.get(lock);
  if (known !== undefined) return known;
  const body = canonicalBytes(lock);
  const bytes = new Uint8Array(body.length + 1);
  bytes.set(body);
  bytes[body.length] = 0x0a;
  written.set(lock, bytes);
  return bytes;
}

/** Every blob of the artifacts of a lock and every BOM, each digest once, with a name for messages. The manifests that a bundle generates are not among them. */
export function contentOf(lock: Lock): Map<Digest, Descriptor & { readonly what: string }> {
  const blobs = new Map<Digest, Descriptor & { readonly what: string }>();
  const add = (blob: Descriptor, what: string): void => {
    if (!blobs.has(blob.digest)) blobs.set(blob.digest, { mediaType: blob.mediaType, digest: blob.digest, size: blob.size, what });
  };
  for (const image of lock.spec.images) {
    for (const manifest of image.manifests) add(manifest, `image ${image.ref}`);
    for (const blob of image.blobs) add(blob, `image ${image.ref}`);
  }
  for (const file of lock.spec.files) add(file, `file ${file.name}`);
  for (const item of lock.spec.packages) {
    add({ mediaType: packageMediaType[item.manager], digest: item.digest, size: item.size }, `package ${item.name} ${item.version} ${item.arch}`);
  }
  for (const chart of lock.spec.charts) {
    add({ mediaType: chartMediaType, digest: chart.digest, size: chart.size }, `chart ${chart.path}`);
    if (chart.provenance !== undefined) add(chart.provenance, `provenance of ${chart.path}`);
  }
  for (const git of lock.spec.git) add({ mediaType: gitBundleMediaType, digest: git.digest, size: git.size }, `git ${git.name}`);
  for (const runtime of lock.spec.runtimes) add({ mediaType: runtimeMediaType, digest: runtime.digest, size: runtime.size }, `runtime ${runtime.platform}/${runtime.path}`);
  for (const bom of lock.spec.boms) add({ mediaType: bomMediaType, digest: bom.digest, size: bom.size }, `BOM of ${bom.name}`);
  for (const repository of lock.spec.repositories) {
    for (const key of repository.keys) add(key, `key of ${repository.id}`);
    for (const document of ['modules', 'groups', 'updateinfo'] as const) {
      const blob = repository[document];
      if (blob !== undefined) add(blob, `${document} of ${repository.id}`);
    }
  }
  return blobs;
}

export const packageMediaType: Readonly<Record<'deb' | 'rpm', string>> = {
  deb: 'application/vnd.debian.binary-package',
  rpm: 'application/x-rpm',
};
export const chartMediaType = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
export const gitBundleMediaType = 'application/x-git-bundle';
export const bomMediaType = 'application/vnd.longshore.bom.v1+json';
export const runtimeMediaType = 'application/vnd.longshore.runtime.v1';
export const keyMediaType = 'application/pgp-keys';

/** The newest upstream date in a lock, in seconds since 1970; 1980-01-01 (the oldest that every archive format can say) when there is none. */
export function lockTime(lock: Lock): number {
  const oldest = 315_532_800;
  const dates = lock.spec.repositories.map((repository) => (repository.date === undefined ? oldest : Math.floor(Date.parse(repository.date) / 1000)));
  return Math.max(oldest, ...dates);
}
