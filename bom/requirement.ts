import type { Digest } from './digest.ts';

/** Where something stands in a document: line and column count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One machine kind that packages are solved for. Names as in the ModuleBOM document; `arch` in Go's form (amd64, arm64, …). */
export interface Target {
  readonly id: string;
  readonly family: string;
  readonly os?: string;
  readonly release?: string;
  readonly arch: string;
  /** Further architectures that packages of this target may have (Debian multi-arch, rpm multilib). */
  readonly foreignArches?: readonly string[];
  readonly releasever?: string;
  readonly basearch?: string;
}

/** What every requirement says about itself after aggregation. */
export interface Wanted {
  /** Names of the modules that asked, sorted. */
  readonly usedBy: readonly string[];
  /** Every place that asked; the first is the one quoted in errors. */
  readonly at: readonly Position[];
  /** As the documents name it; several joined with AND. */
  readonly licence?: string;
}

export interface Evidence {
  readonly kind: string;
  readonly value: string;
  readonly tool?: string;
  /** `tarball` or `legacy`: the form of the file that a sum was taken of; either where it is left out. */
  readonly format?: string;
  /** The image's reference as the document wrote it. */
  readonly reference?: string;
  /** A difference is told, not refused. */
  readonly allowMismatch: boolean;
}

/** A signer: the holder of a public key, or whom a certificate names. Paths are absolute; texts are patterns where they say so. */
export type CosignTrust =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'identity'; readonly identity: CosignName; readonly issuer: CosignName; readonly trustRoot?: string };

export interface CosignName { readonly text: string; readonly regexp: boolean }

export interface ImageRequirement extends Wanted {
  readonly kind: 'image';
  /** Canonical: host/path with tag, digest or both (never neither). */
  readonly ref: string;
  readonly digest?: Digest;
  /** os/arch[/variant], sorted; `['all']` keeps everything. */
  readonly platforms: readonly string[];
  /** References to try in order: the rewritten `ref` first, then mirrors. */
  readonly sources: readonly string[];
  /** An image archive or layout instead of a registry: absolute path, and the path as its BOM wrote it. */
  readonly archive?: { readonly path: string; readonly written: string; readonly format: 'docker' | 'oci' };
  readonly as?: string;
  readonly artifactKind: 'image' | 'artifact' | 'signature' | 'attestation' | 'sbom';
  readonly role: string;
  readonly extras: { readonly signatures: boolean; readonly attestations: boolean; readonly sboms: boolean; readonly referrers: boolean };
  /** Who has to have signed it; each of them. */
  readonly cosign?: readonly CosignTrust[];
  /** `pin`: once locked, only a named update moves it; `follow` (the default): every update does. */
  readonly mutable?: 'pin' | 'follow';
  /** Checks that other systems published; never identity. */
  readonly evidence?: readonly Evidence[];
  /** true: a single-platform image may contradict the wanted platform. */
  readonly platformWaived?: boolean;
}

export interface FileRequirement extends Wanted {
  readonly kind: 'file';
  /** Path below `files/`. */
  readonly name: string;
  readonly urls: readonly string[];
  /** A local file instead of urls: absolute, and as its BOM wrote it. */
  readonly path?: { readonly absolute: string; readonly written: string };
  readonly digest?: Digest;
  readonly size?: number;
  readonly mode: string;
  readonly purpose: string;
  /** Where operators put it: an absolute path on their machine, from `tools[]`. */
  readonly installAs?: string;
  readonly platform?: { readonly os: string; readonly arch: string };
  readonly headersFrom: readonly string[];
  /** "sha1:…", "md5:…", "sha512:…": checked while the bytes pass, never identity. */
  readonly evidence: readonly string[];
  readonly signature?: FileSignature;
}

/** A signature over a file, checked before it is locked. */
export interface FileSignature {
  readonly kind: 'gpg' | 'minisign' | 'cosign';
  /** Where the signature is, when not beside the file (`.asc`, `.minisig`, `.sig`): an address, or an absolute path. */
  readonly place?: string;
  /** The public key: an absolute path and how its BOM wrote it, or the text of a minisign key itself. */
  readonly key: { readonly path: string; readonly written: string } | { readonly text: string };
}

/** Site files of this machine that travel as one tar: `configs[]`. */
export interface ConfigRequirement extends Wanted {
  readonly kind: 'config';
  /** Path below `files/`: `configs/<module>/<id>.tar`. */
  readonly name: string;
  /** A file or folder as its BOM wrote it, after variables; `~/` is the home of whoever locks, everything else counts from `folder`. */
  readonly path: { readonly folder: string; readonly written: string };
  /** Globs below it that stay here. */
  readonly exclude: readonly string[];
  /** Dotted paths of keys whose value stays here. */
  readonly redact: readonly string[];
}

export interface KeySource {
  /** One of these says where the key is, with both the path counts where it has the key; a fingerprint alone selects among keys that other sources give. */
  readonly url?: string;
  readonly path?: string;
  readonly digest?: Digest;
  readonly fingerprint?: string;
}

export interface RepositoryRequirement {
  readonly id: string;
  readonly manager: 'deb' | 'rpm';
  readonly at: Position;
  /** deb: one-line entry, verbatim; or `sources`; or the fields below. */
  readonly line?: string;
  /** deb: the text of a .sources file, its keys' paths absolute, and where it stands. */
  readonly sources?: { readonly text: string; readonly at: Position };
  readonly uris?: readonly string[];
  readonly suites?: readonly string[];
  readonly components?: readonly string[];
  readonly architectures?: readonly string[];
  /** rpm */
  readonly baseurls?: readonly string[];
  readonly mirrorlist?: string;
  readonly metalink?: string;
  /** A .repo file, or its text: each enabled section is a repository of its own. */
  readonly repoFile?: { readonly path: string; readonly written: string };
  readonly repoText?: string;
  /** Values of `$name` in addresses, beside releasever, basearch and arch. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly cost?: number;
  readonly keys: readonly KeySource[];
  readonly gpgcheck?: boolean;
  readonly repoGpgcheck?: boolean;
  /** No signature wanted; recorded as a waiver. */
  readonly trusted: boolean;
  /** Valid-Until may be past; recorded as a waiver. */
  readonly allowExpired?: boolean;
  readonly priority?: number;
  readonly moduleHotfixes?: boolean;
  readonly modules?: readonly string[];
  readonly excludes?: readonly string[];
  readonly includepkgs?: readonly string[];
  /** Credentials of the project that requests below its address need. */
  readonly headersFrom?: readonly string[];
  readonly tls?: { readonly clientCert?: string; readonly clientKey?: string; readonly caFile?: string };
  /** Of this machine's own repositories: what it prefers itself. */
  readonly preferences?: readonly PreferenceSource[];
}

/** Text of apt_preferences(5), or the absolute path of a file of it. `subject` names it in messages. */
export type PreferenceSource = { readonly subject: string } & ({ readonly text: string } | { readonly path: string });

/** What machines have before: a file (names, `name=version`, purls, `dpkg --get-selections`, or a dpkg status file) or a named profile. */
export type Baseline = { readonly written: string } & ({ readonly path: string } | { readonly profile: string });

export interface PackageInclude {
  /** rpm: the one version (or pattern with *) of a package that it asks for by name. */
  readonly pin?: { readonly name: string; readonly pattern: string };
  /** `name`, `name:arch`, `name=version`, `name/suite`; or an rpm spec in any of dnf's forms. */
  readonly spec: string;
  readonly versions: 'newest' | 'all';
  readonly at: Position;
}

/** A package file by address, or by path: absolute, and as its BOM wrote it. Exactly one of the two. */
export interface AddressedPackageRequirement {
  readonly url?: string;
  readonly path?: { readonly absolute: string; readonly written: string };
  readonly digest?: Digest;
  /** How far `digest` is trusted when an earlier lock gave it; as declared when left out. */
  readonly trust?: 'declared' | 'first-use';
  readonly at: Position;
}

/** One `packages[]` entry: one joint solve. */
export interface PackageSetRequirement extends Wanted {
  readonly kind: 'deb' | 'rpm';
  /** `module/set`. */
  readonly id: string;
  readonly target: Target;
  readonly repositories: readonly RepositoryRequirement[];
  readonly role: 'bootstrap' | 'normal';
  /** `alldeps`: of rpm sets only. */
  readonly dependencies: 'none' | 'direct' | 'closure' | 'alldeps';
  readonly weakDependencies: boolean;
  readonly assumeInstalled?: Baseline;
  /** In order: the first record that matches decides. */
  readonly preferences?: readonly PreferenceSource[];
  readonly targetRelease?: string;
  readonly followExact?: boolean;
  readonly siblings?: 'same-source';
  readonly arches: readonly string[];
  readonly include: readonly PackageInclude[];
  /** Packages by address or path, besides the repositories. All of them are wanted. */
  readonly urls: readonly AddressedPackageRequirement[];
  /** rpm: names of packages that may be unsigned, or signed by a key that their repository does not give. */
  readonly allowUnsigned?: readonly string[];
  /** rpm: the newest version or a failure; by distribution when left out. */
  readonly best?: boolean;
  /** rpm: `union` solves each spec by itself; `joint` when left out. */
  readonly solve?: 'joint' | 'union';
}

export interface ChartRequirement extends Wanted {
  readonly kind: 'chart';
  readonly name: string;
  readonly version?: string;
  readonly repo?: string;
  readonly oci?: string;
  /** A folder with Chart.yaml, or a packed chart, in a revision. */
  readonly git?: { readonly url: string; readonly ref?: string; readonly path?: string };
  readonly url?: string;
  readonly path?: { readonly absolute: string; readonly written: string };
  readonly digest?: Digest;
  readonly withDependencies: boolean;
  readonly withImages: 'none' | 'annotations' | 'render';
  /** Keys that must have signed it: an absolute path. */
  readonly keyring?: { readonly absolute: string; readonly written: string };
  /** Values for `withImages: render`: absolute paths. */
  readonly valuesFiles: readonly string[];
  /** File name below `charts/`; `<name>-<version>.tgz` when left out. */
  readonly as?: string;
  readonly headersFrom: readonly string[];
  /** Platforms of the images that it brings along. */
  readonly platforms: readonly string[];
}

export interface GitRequirement extends Wanted {
  readonly kind: 'git';
  readonly name: string;
  readonly url: string;
  readonly commit: string;
  readonly ref?: string;
  readonly submodules: boolean;
  readonly mirrorAll: boolean;
  readonly headersFrom: readonly string[];
}
