// The tar that `crane pull --format=legacy` writes of an image, in the same bytes: go-containerregistry 0.4.1 to 0.20.2, pkg/legacy/tarball/write.go;
// its layers are those of the Docker image specification 1.0 (one folder each, with `layer.tar`, `json`, `VERSION`).
import { createHash } from 'node:crypto';
import type { Descriptor } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import { goTarEnd, goTarMember, maxGoTarBytes } from '../archive/go-tar.ts';
import type { Compression } from '../compression.ts';
import { decompressed } from '../decompress-stream.ts';
import { type GoImageConfig, type GoRelease, parseGoImageConfig, valueOf } from './go-image-config.ts';

export interface LegacyImage { readonly config: Descriptor; readonly configBytes: Uint8Array; readonly layers: readonly Descriptor[]; readonly subject: string }

/** Releases of crane that may differ: older ones leave zstd as it is (0.11.0; 0.4.1 refuses it), newer ones unpack it and are built with another Go. */
export interface CraneRelease extends GoRelease { readonly unpacksZstd: boolean }
export const olderCrane: CraneRelease = { namesEscapes: false, unpacksZstd: false };
export const newerCrane: CraneRelease = { namesEscapes: true, unpacksZstd: true };

interface LegacyLayer { readonly id: string; readonly json: string; readonly blob: Descriptor }
type Open = (blob: Descriptor) => Bytes;

const hexOf = ({ digest }: Descriptor): string => digest.slice('sha256:'.length);

/**
 * The tar of one image: its configuration, of each layer the uncompressed tar and its metadata, `manifest.json` and `repositories`. `written` is the reference as crane was given
 * it. `open` gives the whole content of a blob, each layer's twice: its size stands before it. Throws `INTEGRITY_METADATA` where crane writes nothing either: a configuration that Go
 * does not read, a history that is not of these layers, damaged layers, ones of more than `maxGoTarBytes`.
 */
export async function* craneLegacy(image: LegacyImage, written: string, options: { readonly open: Open; readonly release: CraneRelease }): Bytes {
  const { config, configBytes, subject } = image;
  const layers = legacyLayers(image, options.release);
  const sizes = new Map<string, number>();
  yield* goTarMember(`${hexOf(config)}.json`, configBytes.length, [configBytes]);
  for (const { id, json, blob } of layers) {
    const content = (): Bytes => unpacked(blob, subject, options);
    const size = sizes.get(blob.digest) ?? await lengthOf(content());
    sizes.set(blob.digest, size);
    yield* goTarMember(`${id}/layer.tar`, size, content());
    yield* text(`${id}/json`, json);
    yield* text(`${id}/VERSION`, '1.0');
  }
  const tag = written.includes('@') ? undefined : written;
  const top = layers.at(-1)?.id ?? '';
  yield* text('manifest.json', JSON.stringify([{ Config: `${hexOf(config)}.json`, RepoTags: tag === undefined ? null : [tag], Layers: layers.map(({ id }) => `${id}/layer.tar`) }]));
  yield* text('repositories', JSON.stringify(tag === undefined ? {} : repositories(tag, top)));
  yield goTarEnd;
}

function text(path: string, content: string): Bytes {
  const bytes = Buffer.from(content);
  return goTarMember(path, bytes.length, [bytes]);
}

/** The name without its tag, the tag (empty where none was written), the id of the top layer. */
function repositories(written: string, top: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const colon = written.lastIndexOf(':');
  const isTagged = colon > written.lastIndexOf('/');
  return { [isTagged ? written.slice(0, colon) : written]: { [isTagged ? written.slice(colon + 1) : '']: top } };
}

/** Ids depend on the blobs below; that of the top layer also on the configuration, byte by byte. */
function legacyLayers({ configBytes, layers, subject }: LegacyImage, release: CraneRelease): readonly LegacyLayer[] {
  const config = parseGoImageConfig(configBytes, release, `${subject}, configuration`);
  const history = config.history.filter((entry) => valueOf(entry, 'empty_layer') !== true);
  if (layers.length === 0 || (history.length > 0 && history.length !== layers.length)) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `a history of its ${layers.length} layers`, actual: `one of ${history.length}` });
  const made: LegacyLayer[] = [];
  for (const [at, blob] of layers.entries()) {
    const parent = made.at(-1)?.id ?? '';
    const id = createHash('sha256').update(`${hexOf(blob)} ${parent}`);
    const isTop = at === layers.length - 1;
    if (isTop) id.update(' ').update(configBytes);
    const hex = id.digest('hex');
    made.push({ id: hex, blob, json: jsonOf(config, history[at] ?? {}, { id: hex, parent, isTop }) });
  }
  return made;
}

function jsonOf({ document, members, text: quoted }: GoImageConfig, history: Readonly<Record<string, unknown>>, { id, parent, isTop }: { readonly id: string; readonly parent: string; readonly isTop: boolean }): string {
  const names = ['architecture', 'container', 'created', 'docker_version', 'os', 'config'];
  const values = { created: valueOf(history, 'created'), ...(isTop ? Object.fromEntries(names.map((name) => [name, valueOf(document, name)])) : {}), author: valueOf(history, 'author') };
  const said = (name: string): string => {
    const value = valueOf(history, name) ?? '';
    if (typeof value !== 'string') throw new BundleError('INTEGRITY_METADATA', { subject: `history: ${name}`, expected: 'a text', actual: JSON.stringify(value).slice(0, 100) });
    return quoted(value);
  };
  const comment = said('comment');
  const more = [`"container_config":{"Cmd":[${said('created_by')}]}`, `"id":"${id}"`, ...(parent === '' ? [] : [`"parent":"${parent}"`]), ...(comment === '""' ? [] : [`"comment":${comment}`])];
  return `{${[...members(values), ...more].join(',')}}`;
}

/** gzip by its first bytes, whatever its media type says; with newer releases zstd too; anything else as it is. */
async function* unpacked(blob: Descriptor, subject: string, { open, release }: { readonly open: Open; readonly release: CraneRelease }): Bytes {
  const bytes = open(blob)[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let compression: Compression = 'plain';
  try {
    for (let held = 0; held < 4;) {
      const { value, done } = await bytes.next();
      if (done === true) break;
      first.push(Buffer.from(value));
      held += value.length;
    }
    const magic = Buffer.concat(first).toString('hex', 0, 4);
    compression = magic.startsWith('1f8b') ? 'gz' : release.unpacksZstd && magic === '28b52ffd' ? 'zst' : 'plain';
    yield* decompressed(joined(first, bytes), compression, { subject: `${subject}, layer ${blob.digest}`, maxBytes: maxGoTarBytes });
  } finally {
    await bytes.return?.();
  }
}

async function* joined(first: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): Bytes {
  yield* first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function lengthOf(bytes: Bytes): Promise<number> {
  let length = 0;
  for await (const chunk of bytes) length += chunk.length;
  return length;
}
