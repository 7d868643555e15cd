// `docker save`, as Docker, podman and crane read it: moby image specification 1.2, "Combined Image JSON + Filesystem Changeset Format".
import type { Descriptor } from '../../bom/digest.ts';
import { blockBytes, encodeEntry, paddedSize } from '../archive/tar-header.ts';

/** Bytes of a file in order: literal ones, and whole blobs. */
export type FilePart = Uint8Array | Descriptor;

export interface DockerArchive {
  readonly parts: readonly FilePart[];
  /** Bytes of all parts together. */
  readonly size: number;
}

/**
 * An image of one platform as a tar: its config, each layer once and as it is (compressed ones stay so, as with crane), then `manifest.json`.
 * `tags` are what the image is called once it is loaded. Same input, same bytes; times are 0.
 */
export function dockerArchive(image: { readonly config: Descriptor; readonly layers: readonly Descriptor[]; readonly tags: readonly string[] }): DockerArchive {
  const layerName = ({ digest, mediaType }: Descriptor): string => `${hex(digest)}.tar${mediaType.endsWith('gzip') ? '.gz' : ''}`;
  const parts: FilePart[] = [];
  let size = 0;
  const add = (path: string, content: FilePart): void => {
    const bytes = content instanceof Uint8Array ? content.length : content.size;
    const padding = new Uint8Array(paddedSize(bytes) - bytes);
    const header = encodeEntry({ path, type: 'File', size: bytes, mode: 0o644 }, 0);
    parts.push(header, content, ...(padding.length === 0 ? [] : [padding]));
    size += header.length + bytes + padding.length;
  };
  add(image.config.digest, image.config);
  const seen = new Set<string>();
  for (const layer of image.layers) {
    if (seen.has(layer.digest)) continue;
    seen.add(layer.digest);
    add(layerName(layer), layer);
  }
  const manifest = [{ Config: image.config.digest, RepoTags: [...image.tags], Layers: image.layers.map(layerName) }];
  add('manifest.json', new TextEncoder().encode(JSON.stringify(manifest)));
  parts.push(new Uint8Array(2 * blockBytes));
  return { parts, size: size + 2 * blockBytes };
}

function hex(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1);
}
