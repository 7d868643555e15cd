// OS packages in a lock: what was chosen, how it was solved, and the repositories it came from.
import { z } from 'zod';
import { descriptor, digest, size, trust, usedBy } from './lock-fields.ts';

export const lockedPackage = z.strictObject({
  target: z.string(),
  manager: z.enum(['deb', 'rpm']),
  name: z.string(),
  /** Debian policy 5.6.12 version, or rpm [epoch:]version-release. */
  version: z.string(),
  /** As the package manager names it: amd64, all, x86_64, noarch, … */
  arch: z.string(),
  digest,
  size,
  /** Id of the repository in `repositories`. */
  repo: z.string(),
  urls: z.array(z.string()),
  /** Below the target's mirror: `pool/…` or `Packages/…`; unique per target. */
  path: z.string(),
  /** deb: upstream's stanza without Filename; rpm: upstream's `<package>` element with an empty location. */
  stanza: z.string(),
  role: z.enum(['bootstrap', 'normal']),
  /** `requested`, or the relation that pulled it in: `depends`, `pre-depends`, `recommends`, `requires`, `direct`, … */
  reason: z.string(),
  /** name of the package whose relation it was. */
  requiredBy: z.string().optional(),
  /** Package sets (`module/set`) it belongs to. */
  sets: z.array(z.string()),
  /** Fingerprint of the key that signed the package itself (rpm). */
  signedBy: z.string().optional(),
  trust,
  usedBy,
});

/** What `why` tells of one package set: how it was solved and which options were not taken. */
export const lockedPackageSet = z.strictObject({
  id: z.string(),
  target: z.string(),
  /** `apt-classic`, `solv-like`. */
  engine: z.string(),
  mode: z.enum(['none', 'direct', 'closure', 'alldeps']),
  /** Specs as the BOM wrote them. */
  requested: z.array(z.string()),
  /** false when the target's own solver may choose differently, with the reason in `notes`. */
  exact: z.boolean(),
  notes: z.array(z.string()),
  /** package -> what was offered and passed over for it. */
  rejected: z.array(z.strictObject({ for: z.string(), relation: z.string(), chosen: z.string().optional(), option: z.string(), because: z.string() })).optional(),
});

export const lockedRepository = z.strictObject({
  id: z.string(),
  target: z.string(),
  manager: z.enum(['deb', 'rpm']),
  uri: z.string(),
  suite: z.string().optional(),
  components: z.array(z.string()).optional(),
  architectures: z.array(z.string()).optional(),
  /** Fields of upstream's Release, or of repomd. */
  origin: z.string().optional(),
  label: z.string().optional(),
  codename: z.string().optional(),
  version: z.string().optional(),
  /** ISO 8601, UTC, seconds: upstream's Date and Valid-Until. */
  date: z.string().optional(),
  validUntil: z.string().optional(),
  /** The signed text as fetched: InRelease, Release or repomd.xml; a detached signature beside it. Kept in the store. */
  metadata: descriptor,
  signature: descriptor.optional(),
  /** Index files read, with their path in the repository. Kept in the store. */
  indexes: z.array(z.strictObject({ path: z.string(), digest, size })),
  /** Public keys offered for it: the blobs travel. */
  keys: z.array(descriptor),
  /** Primary key fingerprints whose signature on `metadata` was good. */
  keyFingerprints: z.array(z.string()),
  verified: z.boolean(),
  /** Names of credentials that requests below `uri` need; never values. */
  headersFrom: z.array(z.string()).optional(),
  /** Checks that the project waived: `valid-until`, `unsigned`, … */
  waivers: z.array(z.string()),
  /** rpm: upstream's modules.yaml, comps and updateinfo as fetched, decoded by their media type (`application/gzip`, `application/x-xz`, `application/zstd`, `application/x-bzip2`, else plain). The blobs travel. */
  modules: descriptor.optional(),
  groups: descriptor.optional(),
  updateinfo: descriptor.optional(),
  /** rpm: module_hotfixes, as the project said it. */
  moduleHotfixes: z.boolean().optional(),
  tls: z.strictObject({ clientCert: z.string().optional(), clientKey: z.string().optional(), caFile: z.string().optional() }).optional(),
  /** rpm: the section of a .repo file whose login or client certificate requests need; it is read again where packages are fetched. */
  repoFile: z.strictObject({ path: z.string(), section: z.string() }).optional(),
  /** rpm: PEM files of the machine that a .repo text in a document names. */
  tlsFiles: z.strictObject({ certFile: z.string().optional(), keyFile: z.string().optional(), caFile: z.string().optional() }).optional(),
  /** rpm: addresses beside `uri` that get its credentials too. */
  alsoAt: z.array(z.string()).optional(),
});

export type LockedPackage = z.infer<typeof lockedPackage>;
export type LockedPackageSet = z.infer<typeof lockedPackageSet>;
export type LockedRepository = z.infer<typeof lockedRepository>;
