// The ModuleBOM document: README "Documents"; the schema is the reference, its JSON Schema stands in bom/schema.
import { z } from 'zod';
import { isRange } from '../version-range.ts';
import { annotations, anyDigest, apiVersion, count, entry, flag, moduleName, optional, origin, platform, scalar, text, texts } from './fields.ts';

/** Spellings of operators that are accepted, and what they mean. A trailing comma is dropped with a warning. */
export const operatorAliases: Readonly<Record<string, Operator>> = {
  'eq': 'eq', '=': 'eq', '==': 'eq', 'ne': 'ne', '!=': 'ne', 'in': 'in', 'In': 'in', 'notIn': 'notIn', 'NotIn': 'notIn', 'notin': 'notIn',
  'exists': 'exists', 'Exists': 'exists', 'notExists': 'notExists', 'DoesNotExist': 'notExists',
  'gt': 'gt', 'Gt': 'gt', '>': 'gt', 'ge': 'ge', '>=': 'ge', 'lt': 'lt', 'Lt': 'lt', '<': 'lt', 'le': 'le', '<=': 'le', 'range': 'range', '~': 'range',
};
export type Operator = 'eq' | 'ne' | 'in' | 'notIn' | 'exists' | 'notExists' | 'gt' | 'ge' | 'lt' | 'le' | 'range';

const operator = z.string().refine((value) => Object.hasOwn(operatorAliases, value.replace(/,$/, '')), 'one of eq ne in notIn exists notExists gt ge lt le range');
const aRange = 'a version or a range: >=2.7 <2.8.1, ^1.2, ~1.2, 1.x, =, !=, *, alternatives with ||';
const expression = z.strictObject({ key: text, operator, values: z.array(scalar).optional() })
  .refine((value) => operatorAliases[value.operator.replace(/,$/, '')] !== 'range' || (value.values ?? []).every((each) => isRange(each)), { message: aRange, path: ['values'] });
const group = z.array(expression).min(1);
const groups = z.array(group);

export const versionScheme = z.enum(['semver', 'rpm', 'deb', 'text']);

export const target = z.strictObject({
  id: text,
  family: z.enum(['debian', 'rhel', 'suse', 'any']),
  os: optional(text), release: optional(text), arch: text, foreignArches: texts.optional(), releasever: optional(text), basearch: optional(text),
  annotations: annotations.optional(),
});

const variable = z.strictObject({ description: optional(text), default: z.string().optional() });
const key = z.strictObject({ url: optional(text), path: optional(text), fingerprint: optional(text), digest: optional(anyDigest) });
const evidence = z.strictObject({ kind: text, value: text, tool: optional(text), format: optional(text), allowMismatch: flag.optional() });
const confidence = z.enum(['declared', 'rendered', 'guessed']);

const cosign = z.strictObject({
  key: optional(text), identity: optional(text), identityRegexp: optional(text), issuer: optional(text), issuerRegexp: optional(text), trustRoot: optional(text),
});

export const image = entry({
  ref: text,
  digest: optional(anyDigest),
  platforms: z.array(platform).optional(),
  kind: z.enum(['image', 'artifact', 'signature', 'attestation', 'sbom']).optional(),
  role: z.enum(['run', 'module', 'base', 'toolchain', 'bootstrap']).optional(),
  mirrors: texts.optional(),
  archive: z.strictObject({ path: text, format: z.enum(['docker', 'oci']) }).optional(),
  mutable: z.enum(['pin', 'follow', 'refuse']).optional(),
  as: optional(text),
  extras: z.strictObject({ signatures: flag.optional(), attestations: flag.optional(), sboms: flag.optional(), referrers: flag.optional() }).optional(),
  verify: z.strictObject({ cosign: cosign.optional() }).optional(),
  evidence: z.array(evidence).optional(),
  confidence: confidence.optional(),
});

export const file = entry({
  urls: texts.optional(),
  path: optional(text),
  digest: optional(anyDigest),
  weakDigests: z.array(anyDigest).optional(),
  size: count.optional(),
  saveAs: optional(text),
  mode: optional(z.string().regex(/^0?[0-7]{3}$/, 'three octal digits, such as 0644')),
  purpose: z.enum(['binary', 'library', 'chart', 'dashboard', 'icon', 'iso', 'cli', 'installer', 'script', 'os-package', 'toolchain', 'source', 'other']).optional(),
  platform: z.strictObject({ os: text, arch: text }).optional(),
  headersFrom: texts.optional(),
  signature: z.strictObject({ kind: z.enum(['gpg', 'minisign', 'cosign']), url: optional(text), key: optional(text) }).optional(),
  confidence: confidence.optional(),
});

const repositoryFields = {
  line: optional(text), uri: optional(text), suite: optional(text), components: texts.optional(), architectures: texts.optional(), flat: flag.optional(),
  /** deb: the text of a .sources file (deb822 style); every enabled stanza with Types: deb counts. */
  sources: optional(text),
  /** rpm: one address, several separated by blanks, or a list. */
  baseurl: optional(z.union([text, z.array(text).min(1)])), mirrorlist: optional(text), metalink: optional(text),
  /** rpm: a .repo file of this machine, or its text; every enabled section of it becomes a repository. */
  repoFile: optional(text), repoText: optional(text),
  /** rpm: values of `$name` in addresses, beside releasever, basearch and arch. */
  variables: z.record(z.string().regex(/^[A-Za-z0-9_]+$/, 'a name of letters, digits and _'), z.string()).optional(),
  gpgKeys: z.array(key).optional(),
  trusted: flag.optional(), gpgcheck: flag.optional(), repoGpgcheck: flag.optional(), allowExpired: flag.optional(),
  moduleHotfixes: flag.optional(), modules: texts.optional(), excludes: texts.optional(), includepkgs: texts.optional(), priority: count.optional(), cost: count.optional(),
  tls: z.strictObject({ clientCert: optional(text), clientKey: optional(text), caFile: optional(text) }).optional(),
  /** Names of credentials of the project that requests below its address need; never values. */
  headersFrom: texts.optional(),
};

/** Which versions are preferred, as apt_preferences(5) says it: in fields, as text, or as a file. */
export const preference = z.strictObject({
  /** Ids; all targets without them. */
  targets: texts.optional(),
  packages: texts.optional(), pin: optional(text), priority: optional(z.string().regex(/^(?:never|-?[1-9]\d{0,4})$/, 'a whole number other than 0, or never')),
  text: optional(text), path: optional(text), annotations: annotations.optional(),
}).refine((value) => [value.pin, value.text, value.path].filter((item) => item !== undefined).length === 1, 'packages with pin and priority, or text, or path')
  .refine((value) => (value.pin !== undefined) === (value.packages !== undefined) && (value.pin !== undefined) === (value.priority !== undefined), 'packages, pin and priority together');

/** A file of what machines have, or a profile that is made of the repositories' own indexes. */
export const baseline = z.union([text, z.strictObject({
  profile: z.enum(['essential', 'apt', 'minimal', 'container', 'buildd', 'important', 'standard', 'cloud']).optional(), path: optional(text),
}).refine((value) => (value.profile === undefined) !== (value.path === undefined), 'either profile or path')]);

/** A repository that a project maps a `system: true` one to: an apt line, a base URL, or the fields. */
export const systemRepository = z.union([text, z.strictObject({ id: optional(text), ...repositoryFields, annotations: annotations.optional() })]);

export const packageRepository = entry({
  id: text, manager: z.enum(['deb', 'rpm']), targets: texts.optional(), system: flag.optional(), ...repositoryFields,
});

const include = z.strictObject({
  spec: optional(text), name: optional(text), version: optional(text), arch: optional(text), versions: z.enum(['newest', 'all']).optional(),
  when: entry({}).shape.when, annotations: annotations.optional(),
}).refine((value) => (value.spec === undefined) !== (value.name === undefined), 'either spec or name');

export const packageSet = entry({
  manager: z.enum(['deb', 'rpm']),
  target: text,
  repositories: texts.optional(),
  role: z.enum(['bootstrap', 'normal']).optional(),
  /** rpm: `alldeps` solves each package alone, as if nothing were installed, and joins the answers. */
  dependencies: z.enum(['none', 'direct', 'closure', 'alldeps']).optional(),
  weakDependencies: flag.optional(),
  assumeInstalled: optional(baseline),
  /** `apt-get -t`: this suite or codename is preferred with 990. */
  targetRelease: optional(text),
  /** Packages that a named version needs in one exact version are taken in that too. */
  followExact: flag.optional(),
  /** Carries packages of the same source and version that need one of the set in its exact version. */
  siblings: z.enum(['same-source']).optional(),
  arches: texts.optional(),
  include: z.array(include).optional(),
  /** rpm: names of packages that may come unsigned or signed by a key that their repository does not give; recorded in the lock. */
  allowUnsigned: texts.optional(),
  /** rpm: the newest version of what is asked for, or a failure; true on the Red Hat family unless said. */
  best: flag.optional(),
  /** rpm: `joint` (all at once, as dnf install does) or `union` (each by itself, as dnf download does). */
  solve: z.enum(['joint', 'union']).optional(),
  urls: z.array(z.strictObject({ url: optional(text), path: optional(text), digest: optional(anyDigest), annotations: annotations.optional() })
    .refine((value) => (value.url === undefined) !== (value.path === undefined), 'either url or path')).optional(),
});

export const chart = entry({
  source: z.strictObject({
    repo: optional(text), name: optional(text), version: optional(text), oci: optional(text), git: optional(text), ref: optional(text), url: optional(text), path: optional(text),
  }).refine((value) => [value.repo, value.oci, value.git, value.url, ...(value.git === undefined ? [value.path] : [])].filter((item) => item !== undefined).length === 1, 'exactly one of repo, oci, git, url, path'),
  digest: optional(anyDigest),
  keyring: optional(text),
  valuesFiles: texts.optional(),
  withDependencies: flag.optional(),
  withImages: z.enum(['none', 'annotations', 'render']).optional(),
  as: optional(text),
  headersFrom: texts.optional(),
});

export const git = entry({
  url: text, ref: optional(text),
  commit: optional(z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/, '40 or 64 lower-case hex digits')),
  submodules: flag.optional(), mirrorAll: flag.optional(),
  headersFrom: texts.optional(),
});

const command = z.strictObject({ name: text, description: optional(text), command: optional(z.string()), envs: z.record(z.string(), z.string()).optional(), args: z.array(z.string()).optional() });
export const moduleComponent = entry({
  name: text, type: optional(text), version: text, latest: flag.optional(), image: optional(text), workdir: optional(text), mounts: texts.optional(), shared: optional(text),
  commands: z.array(command).optional(),
});

const tool = entry({ file: text, installAs: optional(text) });
const config = entry({ path: text, exclude: texts.optional(), redact: texts.optional() });
const produced = entry({
  image: optional(text), package: optional(text), file: optional(text), manager: z.enum(['deb', 'rpm']).optional(), from: texts.optional(), base: texts.optional(),
}).refine((value) => [value.image, value.package, value.file].filter((item) => item !== undefined).length === 1, 'exactly one of image, package, file');
const unresolved = entry({ where: text, what: text, reason: text, waive: flag.optional() });
const licence = z.strictObject({ name: text, url: optional(text), redistributable: flag.optional(), annotations: annotations.optional() });

export const moduleBomSchema = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('ModuleBOM'),
  metadata: z.strictObject({
    name: moduleName, version: optional(text), versionScheme: versionScheme.optional(), labels: z.record(z.string(), scalar).optional(),
    annotations: annotations.optional(), origin: origin.optional(),
  }),
  spec: z.strictObject({
    targets: z.array(target).optional(),
    variables: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/, 'a variable name of letters, digits, _ . -'), variable).optional(),
    requires: z.strictObject({ strong: groups.optional(), weak: groups.optional() }).optional(),
    influences: groups.optional(),
    conflicts: groups.optional(),
    upgrades: z.strictObject({ from: z.array(text.refine(isRange, aRange)).optional(), via: texts.optional() }).optional(),
    images: z.array(image).optional(),
    files: z.array(file).optional(),
    packageRepositories: z.array(packageRepository).optional(),
    preferences: z.array(preference).optional(),
    packages: z.array(packageSet).optional(),
    charts: z.array(chart).optional(),
    git: z.array(git).optional(),
    modules: z.array(moduleComponent).optional(),
    tools: z.array(tool).optional(),
    configs: z.array(config).optional(),
    produces: z.array(produced).optional(),
    unresolved: z.array(unresolved).optional(),
    licences: z.array(licence).optional(),
  }).optional(),
});

export type ModuleBom = z.output<typeof moduleBomSchema>;
export type BomSpec = NonNullable<ModuleBom['spec']>;
export type BomTarget = z.output<typeof target>;
export type BomImage = z.output<typeof image>;
export type BomFile = z.output<typeof file>;
export type BomRepository = z.output<typeof packageRepository>;
export type BomPackageSet = z.output<typeof packageSet>;
export type BomPreference = z.output<typeof preference>;
export type BomChart = z.output<typeof chart>;
export type BomGit = z.output<typeof git>;
export type BomKey = z.output<typeof key>;
export type SystemRepository = z.output<typeof systemRepository>;
export type Expression = z.output<typeof expression>;
export type VersionScheme = z.output<typeof versionScheme>;
