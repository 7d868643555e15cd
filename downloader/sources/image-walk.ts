// Which manifests and blobs of an image travel: OCI image specification 1.1, image-index.md; a sparse index keeps its digest.
import type { Descriptor, Digest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { ImageRequirement } from '../../bom/requirement.ts';
import { type ContentDescriptor, isForeign, isIndexType, type Manifest, parseManifest } from '../../formats/oci/manifest.ts';
import { bestPlatform, isImageConfig, parsePlatform, platformName, platformOfConfig } from '../../formats/oci/platform.ts';
import type { FetchedManifest } from '../../transport/registry.ts';
import { settled } from '../failures.ts';

export interface WalkedManifest extends Descriptor {
  readonly bytes: Uint8Array;
  readonly platform?: string;
}

export interface ImageContent {
  /** platform -> manifest. */
  readonly platforms: Readonly<Record<string, Digest>>;
  /** The root first, every index before what it lists. */
  readonly manifests: readonly WalkedManifest[];
  readonly blobs: readonly Descriptor[];
  readonly foreign: readonly Descriptor[];
  /** Whether attestations that sit in the index itself are among the manifests. */
  readonly attestations: boolean;
}

export interface Walk {
  readonly requirement: Pick<ImageRequirement, 'ref' | 'platforms' | 'artifactKind' | 'platformWaived' | 'extras'>;
  readonly manifest: (descriptor: Descriptor) => Promise<FetchedManifest>;
  /** All of a small blob, checked. */
  readonly blob: (descriptor: Descriptor) => Promise<Uint8Array>;
}

/** A manifest that an index leads to, with the indexes on the way. */
interface Leaf { readonly entry: ContentDescriptor; readonly platform?: string; readonly via: readonly WalkedManifest[] }
interface Parsed { readonly fetched: FetchedManifest; readonly parsed: Manifest }

const maxDepth = 8;
const maxIndexes = 1000;
/** What build tools give attestations that sit in an index beside the images. */
const noPlatform = 'unknown/unknown';

/**
 * What of the image behind `root` is wanted. Throws `RESOLVE_PLATFORM` when a wanted platform is not there, naming those that are;
 * `INTEGRITY_METADATA` for documents that contradict themselves.
 */
export async function walkImage(root: FetchedManifest, walk: Walk): Promise<ImageContent> {
  const parsed = read(root, walk);
  const found = new Collected(walk.requirement.ref);
  if (parsed.parsed.kind === 'manifest') {
    await addSingle(parsed, found, walk);
    return found.content();
  }
  const leaves = await leavesOf({ index: parsed, via: [], depth: 0, count: { indexes: 0 } }, walk);
  const { chosen, platforms } = await choose(leaves, walk);
  found.addManifest(walked(parsed), undefined);
  const children = await settled(chosen.map(async ({ entry }) => read(await walk.manifest(entry), walk, entry)));
  for (const [at, leaf] of chosen.entries()) {
    const child = children[at] as Parsed;
    for (const index of leaf.via) found.addManifest(index, undefined);
    found.addManifest(walked(child), leaf.platform);
    found.addBlobs(child.parsed);
    found.attestations ||= isAttestation(leaf.entry);
  }
  return found.content(platforms);
}

function read(fetched: FetchedManifest, walk: Walk, entry?: ContentDescriptor): Parsed {
  const subject = `image ${walk.requirement.ref}${entry === undefined ? '' : `, manifest ${entry.digest}`}`;
  return { fetched, parsed: parseManifest(fetched.bytes, entry?.mediaType ?? fetched.mediaType, subject) };
}

function walked({ fetched, parsed }: Parsed): WalkedManifest {
  return { mediaType: parsed.mediaType, digest: fetched.digest, size: fetched.size, bytes: fetched.bytes };
}

async function addSingle(single: Parsed, found: Collected, walk: Walk): Promise<void> {
  const platform = await platformOf(single.parsed, walk);
  const { requirement } = walk;
  const wanted = wantedPlatforms(requirement);
  const missing = platform === undefined || wanted === 'all' ? [] : wanted.filter((name) => bestPlatform(name, new Set([platform])) === undefined);
  if (missing.length > 0 && requirement.platformWaived !== true) throw platformError(requirement.ref, missing, [platform ?? '']);
  const implied = platform ?? (isImage(single.parsed) && wanted !== 'all' && wanted.length === 1 ? wanted[0] : undefined);
  found.addManifest(walked(single), undefined);
  found.addBlobs(single.parsed);
  if (implied !== undefined) found.platforms[implied] = single.fetched.digest;
}

function isImage(manifest: Manifest): boolean {
  return manifest.kind === 'manifest' && isImageConfig(manifest.config.mediaType);
}

async function platformOf(manifest: Manifest, walk: Walk): Promise<string | undefined> {
  if (manifest.kind !== 'manifest' || !isImage(manifest) || walk.requirement.artifactKind !== 'image') return undefined;
  return platformOfConfig(await walk.blob(manifest.config), `image ${walk.requirement.ref}, config ${manifest.config.digest}`);
}

function wantedPlatforms({ platforms, artifactKind, ref }: Walk['requirement']): readonly string[] | 'all' {
  if (artifactKind !== 'image' || platforms.includes('all')) return 'all';
  return platforms.map((platform) => parsePlatform(platform, `image ${ref}`));
}

interface Branch { readonly index: Parsed; readonly via: readonly WalkedManifest[]; readonly depth: number; readonly count: { indexes: number } }

async function leavesOf({ index, via, depth, count }: Branch, walk: Walk): Promise<Leaf[]> {
  const { parsed } = index;
  if (parsed.kind !== 'index') throw new Error('not an index');
  count.indexes += 1;
  if (depth > maxDepth || count.indexes > maxIndexes) {
    throw new BundleError('INTEGRITY_METADATA', { subject: `image ${walk.requirement.ref}`, expected: `indexes at most ${maxDepth} deep`, actual: 'more' });
  }
  const leaves: Leaf[] = [];
  for (const entry of parsed.manifests) {
    if (isIndexType(entry.mediaType)) {
      const child = read(await walk.manifest(entry), walk, entry);
      leaves.push(...await leavesOf({ index: child, via: [...via, walked(child)], depth: depth + 1, count }, walk));
    } else {
      leaves.push({ entry, via, ...(entry.platform === undefined ? {} : { platform: platformName(entry.platform) }) });
    }
  }
  return leaves;
}

interface Choice { readonly chosen: readonly Leaf[]; readonly platforms: Readonly<Record<string, Digest>> }

async function choose(leaves: readonly Leaf[], walk: Walk): Promise<Choice> {
  const wanted = wantedPlatforms(walk.requirement);
  if (wanted === 'all') return { chosen: leaves, platforms: platformsOf(leaves) };
  const known = await settled(leaves.map((leaf) => withPlatform(leaf, walk)));
  const available = new Set(known.flatMap(({ platform }) => (platform === undefined || platform === noPlatform ? [] : [platform])));
  const best = wanted.map((name) => bestPlatform(name, available));
  const missing = wanted.filter((_, at) => best[at] === undefined);
  if (missing.length > 0) throw platformError(walk.requirement.ref, missing, [...available].sort());
  const images = known.filter(({ platform }) => platform !== undefined && best.includes(platform));
  const digests = new Set<string>(images.map(({ entry }) => entry.digest));
  const attestations = walk.requirement.extras.attestations ? known.filter(({ entry }) => isAttestation(entry) && digests.has(entry.annotations?.[attestedAnnotation] ?? '')) : [];
  return { chosen: [...images, ...attestations], platforms: platformsOf(images) };
}

/** Build tools put attestations into the index, beside the image that they are about (moby/buildkit, docs/attestations/attestation-storage.md). */
const attestedAnnotation = 'vnd.docker.reference.digest';

function isAttestation({ annotations }: ContentDescriptor): boolean {
  return annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';
}

/** A leaf whose index says no platform is looked into, as container runtimes do. */
async function withPlatform(leaf: Leaf, walk: Walk): Promise<Leaf> {
  if (leaf.platform !== undefined) return leaf;
  const { parsed } = read(await walk.manifest(leaf.entry), walk, leaf.entry);
  const platform = await platformOf(parsed, walk);
  return platform === undefined ? leaf : { ...leaf, platform };
}

/** The first manifest of each platform, which is the one that clients take. */
function platformsOf(leaves: readonly Leaf[]): Record<string, Digest> {
  const platforms: Record<string, Digest> = {};
  for (const { platform, entry } of leaves) {
    if (platform !== undefined && platform !== noPlatform) platforms[platform] ??= entry.digest;
  }
  return platforms;
}

function platformError(ref: string, missing: readonly string[], available: readonly string[]): BundleError {
  return new BundleError('RESOLVE_PLATFORM', {
    subject: `image ${ref}`,
    expected: missing.join(', '),
    actual: available.length === 0 ? 'an index that names no platforms' : `only ${available.join(', ')}`,
    details: { missing, available },
  });
}

class Collected {
  readonly platforms: Record<string, Digest> = {};
  attestations = false;
  private readonly manifests = new Map<Digest, WalkedManifest>();
  private readonly blobs = new Map<Digest, Descriptor>();
  private readonly foreign = new Map<Digest, Descriptor>();
  private readonly ref: string;

  constructor(ref: string) {
    this.ref = ref;
  }

  addManifest(manifest: WalkedManifest, platform: string | undefined): void {
    if (!this.manifests.has(manifest.digest)) this.manifests.set(manifest.digest, platform === undefined ? manifest : { ...manifest, platform });
  }

  addBlobs(manifest: Manifest): void {
    if (manifest.kind !== 'manifest') return;
    for (const { mediaType, digest, size } of [manifest.config, ...manifest.layers]) {
      const into = isForeign({ mediaType, digest, size }) ? this.foreign : this.blobs;
      const known = into.get(digest);
      if (known !== undefined && known.size !== size) {
        throw new BundleError('INTEGRITY_METADATA', { subject: `image ${this.ref}, blob ${digest}`, expected: 'one size', actual: `${known.size} and ${size}` });
      }
      if (known === undefined) into.set(digest, { mediaType, digest, size });
    }
  }

  content(platforms: Readonly<Record<string, Digest>> = this.platforms): ImageContent {
    return {
      platforms, manifests: [...this.manifests.values()], blobs: [...this.blobs.values()], foreign: [...this.foreign.values()], attestations: this.attestations,
    };
  }
}
