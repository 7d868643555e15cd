// Indexes for registries that take no sparse ones: OCI image specification 1.1, image-index.md.
import { type Descriptor, type Digest, digestOf } from '../../bom/digest.ts';
import type { LockedImage } from '../../bom/lock.ts';
import { isIndexType } from '../../formats/oci/manifest.ts';

export interface ManifestBytes extends Descriptor {
  readonly bytes: Uint8Array;
}

/** A new index in place of a sparse one. */
export interface RewrittenIndex extends ManifestBytes {
  readonly replaces: Digest;
}

/**
 * The indexes of `image` that list what is not carried, without those entries, inner ones first; every other byte of their documents keeps
 * its value. `read` gives the bytes of a carried manifest. The result is in the order to push; the last one replaces the root when the root
 * changed.
 */
export async function rewriteIndexes(image: LockedImage, read: (manifest: Descriptor) => Promise<Uint8Array>): Promise<RewrittenIndex[]> {
  const carried = new Set<string>(image.manifests.map(({ digest }) => digest));
  const rewritten = new Map<string, RewrittenIndex>();
  // The lock lists every index before what it leads to, so that the reverse order meets inner ones first.
  for (const manifest of image.manifests.toReversed()) {
    if (!isIndexType(manifest.mediaType)) continue;
    const document = JSON.parse(new TextDecoder().decode(await read(manifest))) as { readonly manifests?: readonly (Descriptor & Readonly<Record<string, unknown>>)[] };
    const entries = document.manifests ?? [];
    const kept = entries.filter(({ digest }) => carried.has(digest)).map((entry) => {
      const inner = rewritten.get(entry.digest);
      return inner === undefined ? entry : { ...entry, digest: inner.digest, size: inner.size };
    });
    if (kept.length === entries.length && kept.every((entry, at) => entry === entries[at])) continue;
    const bytes = new TextEncoder().encode(JSON.stringify({ ...document, manifests: kept }));
    rewritten.set(manifest.digest, { mediaType: manifest.mediaType, digest: digestOf(bytes), size: bytes.length, bytes, replaces: manifest.digest });
  }
  return [...rewritten.values()];
}
