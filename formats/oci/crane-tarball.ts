// The tar that `crane pull --format=tarball` writes of an image, in the same bytes: go-containerregistry 0.4.1 to 0.11.0, pkg/v1/tarball/write.go.
import type { Descriptor } from '../../bom/digest.ts';
import type { Bytes } from '../../bom/ports.ts';
import { parseReference } from '../../bom/reference.ts';
import { blockBytes, paddedSize } from '../archive/tar-header.ts';

/** Sizes from here on go into tar headers in a way of Go's own. */
export const maxCraneBlobBytes = 2 ** 33 - 1;

/** What crane writes as the tag of a reference as it was given: the text itself, with `:latest` where there is no tag; of a digest, the full name with a tag that says so. */
export function craneTag(written: string): string {
  const { host, path } = parseReference(written);
  if (written.includes('@')) return `${host === 'docker.io' ? 'index.docker.io' : host}/${path}:i-was-a-digest`;
  return written.lastIndexOf(':') > written.lastIndexOf('/') ? written : `${written}:latest`;
}

/**
 * The tar of one image: its configuration under its digest, each layer once as `<hex>.tar.gz` however it is compressed, and `manifest.json`; no times, no owners.
 * `open` gives the whole content of a blob. Blobs are at most {@link maxCraneBlobBytes} large, and none is foreign.
 */
export async function* craneTarball(image: { readonly config: Descriptor; readonly layers: readonly Descriptor[] }, written: string, open: (blob: Descriptor) => Bytes): Bytes {
  const { config, layers } = image;
  const fileOf = ({ digest }: Descriptor): string => `${digest.slice('sha256:'.length)}.tar.gz`;
  yield* member(config.digest, config.size, open(config));
  for (const [name, layer] of new Map(layers.map((each) => [fileOf(each), each]))) yield* member(name, layer.size, open(layer));
  const manifest = Buffer.from(JSON.stringify([{ Config: config.digest, RepoTags: [craneTag(written)], Layers: layers.map(fileOf) }]));
  yield* member('manifest.json', manifest.length, [manifest]);
  yield Buffer.alloc(1024);
}

async function* member(path: string, size: number, content: Bytes | readonly Uint8Array[]): Bytes {
  yield headerOf(path, size);
  yield* content;
  yield Buffer.alloc(paddedSize(size) - size);
}

/** A ustar header as Go's archive/tar writes it: octal digits to the end of a field, one NUL; the checksum six digits, NUL, space. `path`: ASCII, under 100. */
function headerOf(path: string, size: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, width: number): void => { block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1'); };
  block.write(path, 0, 'latin1');
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.write('        0', 148, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(0, 329, 8);
  octal(0, 337, 8);
  octal(block.reduce((sum, byte) => sum + byte, 0), 148, 7);
  return block;
}
