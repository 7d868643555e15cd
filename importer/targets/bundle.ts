// A whole bundle in a registry: image specification 1.1, image-index.md; everything below one name, reached from one index.
import { type Bundle, bundleOf, type GeneratedBlob } from '../../bom/bundle.ts';
import type { ByteRange, Descriptor, Digest } from '../../bom/digest.ts';
import type { Notify } from '../../bom/events.ts';
import type { Lock, LockedImage } from '../../bom/lock.ts';
import type { BlobReader, Bytes, ReadHow } from '../../bom/ports.ts';
import { manifestMediaTypes } from '../../formats/oci/manifest.ts';
import type { RegistrySession } from '../../transport/registry.ts';
import { tellPlan } from './publish-all.ts';
import { createRegistryTarget } from './registry.ts';
import { pushTags } from './registry-tags.ts';

export interface PublishBundleOptions {
  /** The repository: every blob and manifest of the bundle goes there. */
  readonly path: string;
  readonly lock: Lock;
  readonly blobs: BlobReader;
  readonly concurrency: number;
  readonly notify: Notify;
  readonly signal: AbortSignal;
}

/** Sends what is not there yet, the index after what it names, and its tags (`<sequence>` and `latest`) last. Throws `TARGET_REFUSED`, `TRANSFER_*`, and what `blobs` throws. */
export async function publishBundleTo(session: RegistrySession, { path, lock, blobs, concurrency, notify, signal }: PublishBundleOptions): Promise<{ readonly digest: Digest; readonly state: 'published' | 'present' }> {
  const bundle = bundleOf(lock);
  const ref = `${session.host}/${path}:${lock.metadata.sequence}`;
  const target = createRegistryTarget({ session, names: new Map([[ref, { path, tag: String(lock.metadata.sequence) }]]), concurrency, notify });
  const image = asImage(ref, bundle, lock);
  tellPlan([image], notify);
  const state = await target.publish(image, new BundleBlobs(bundle.generated, blobs), signal);
  await target.commit(signal);
  await pushTags(session, [{ kind: 'tag', path, tag: 'latest', digest: bundle.index.digest }], { signal, notify });
  return { digest: bundle.index.digest, state };
}

/** A bundle is an image to a registry: manifests in the order root first, and blobs. */
function asImage(ref: string, { index, generated, content }: Bundle, lock: Lock): LockedImage {
  const carried = lock.spec.images.flatMap(({ manifests }) => manifests);
  const isManifest = ({ mediaType }: Descriptor): boolean => manifestMediaTypes.includes(mediaType);
  const manifests = [index, ...generated.filter((blob) => blob.digest !== index.digest && isManifest(blob)), ...carried];
  const unique = [...new Map(manifests.map(({ mediaType, digest, size }) => [digest, { mediaType, digest, size }])).values()];
  const named = new Set(unique.map(({ digest }) => digest));
  const blobs = [...generated, ...content].filter(({ digest }) => !named.has(digest)).map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
  return {
    ref, digest: index.digest, mediaType: index.mediaType, size: index.size, sources: [], platforms: {}, manifests: unique, blobs,
    kind: 'artifact', role: 'normal', trust: 'declared', usedBy: [],
  };
}

/** What follows from the lock, in front of what a store holds. */
class BundleBlobs implements BlobReader {
  private readonly generated: ReadonlyMap<Digest, GeneratedBlob>;
  private readonly others: BlobReader;

  constructor(generated: readonly GeneratedBlob[], others: BlobReader) {
    this.generated = new Map(generated.map((blob) => [blob.digest, blob]));
    this.others = others;
  }

  async has(digest: Digest): Promise<boolean> {
    return this.generated.has(digest) || this.others.has(digest);
  }

  async *open(blob: Descriptor, range?: ByteRange, how?: ReadHow): Bytes {
    const own = this.generated.get(blob.digest);
    if (own === undefined) yield* this.others.open(blob, range, how);
    else yield range === undefined ? own.bytes : own.bytes.subarray(range.start, range.end);
  }
}
