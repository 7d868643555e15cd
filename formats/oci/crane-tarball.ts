// The tar that `crane pull --format=tarball` writes of an image, in the same bytes: go-containerregistry 0.4.1 to 0.11.0, pkg/v1/tarball/write.go.
import type { Descriptor } from '../../bom/digest.ts';
import type { Bytes } from '../../bom/ports.ts';
import { parseReference } from '../../bom/reference.ts';
import { goTarEnd, goTarMember } from '../archive/go-tar.ts';

/** What crane writes as the tag of a reference as it was given: the text itself, with `:latest` where there is no tag; of a digest, the full name with a tag that says so. */
export function craneTag(written: string): string {
  const { host, path } = parseReference(written);
  if (written.includes('@')) return `${host === 'docker.io' ? 'index.docker.io' : host}/${path}:i-was-a-digest`;
  return written.lastIndexOf(':') > written.lastIndexOf('/') ? written : `${written}:latest`;
}

/**
 * The tar of one image: its configuration under its digest, each layer once as `<hex>.tar.gz` however it is compressed, and `manifest.json`; no times, no owners.
 * `open` gives the whole content of a blob. Blobs are at most `maxGoTarBytes` large, and none is foreign.
 */
export async function* craneTarball(image: { readonly config: Descriptor; readonly layers: readonly Descriptor[] }, written: string, open: (blob: Descriptor) => Bytes): Bytes {
  const { config, layers } = image;
  const fileOf = ({ digest }: Descriptor): string => `${digest.slice('sha256:'.length)}.tar.gz`;
  yield* goTarMember(config.digest, config.size, open(config));
  for (const [name, layer] of new Map(layers.map((each) => [fileOf(each), each]))) yield* goTarMember(name, layer.size, open(layer));
  const manifest = Buffer.from(JSON.stringify([{ Config: config.digest, RepoTags: [craneTag(written)], Layers: layers.map(fileOf) }]));
  yield* goTarMember('manifest.json', manifest.length, [manifest]);
  yield goTarEnd;
}
