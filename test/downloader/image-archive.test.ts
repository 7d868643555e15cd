import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { create } from 'tar';
import { afterEach, describe, expect, it } from 'vitest';
import { indexMediaType, manifestMediaType } from '../../bom/bundle.ts';
import { type Descriptor, digestOf, hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { silent } from '../../bom/events.ts';
import type { LockedImage } from '../../bom/lock.ts';
import type { ImageRequirement } from '../../bom/requirement.ts';
import { createImageSource } from '../../downloader/sources/image.ts';
import { noise } from '../support/bytes.ts';
import { bzip2 } from '../support/bzip2.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';

const signal = new AbortController().signal;
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'longshore-test-'));
  open.push(() => rm(path, { recursive: true }));
  return path;
}

type Files = Readonly<Record<string, Uint8Array | string>>;
const configType = 'application/vnd.oci.image.config.v1+json';
const blobPath = (blob: Descriptor): string => `blobs/sha256/${hexOf(blob.digest)}`;
const layer = noise(150_000);

/** An OCI layout with images by name. */
function layout(names: Readonly<Record<string, string>>): { files: Files; manifests: Record<string, Descriptor> } {
  const files: Record<string, Uint8Array | string> = { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}' };
  const add = (mediaType: string, content: Uint8Array | string): Descriptor => {
    const blob = { mediaType, digest: digestOf(content), size: Buffer.byteLength(content) };
    files[blobPath(blob)] = content;
    return blob;
  };
  const manifests: Record<string, Descriptor> = {};
  for (const [name, architecture] of Object.entries(names)) {
    const config = add(configType, JSON.stringify({ os: 'linux', architecture, name }));
    manifests[name] = add(manifestMediaType, JSON.stringify({ schemaVersion: 2, mediaType: manifestMediaType, config, layers: [add('application/vnd.oci.image.layer.v1.tar', layer)] }));
  }
  const listed = Object.entries(manifests).map(([name, blob]) => ({ ...blob, annotations: { 'org.opencontainers.image.ref.name': name } }));
  files['index.json'] = JSON.stringify({ schemaVersion: 2, mediaType: indexMediaType, manifests: listed });
  return { files, manifests };
}

function saved(tags: readonly string[], packed = false): Files {
  const config = JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [digestOf(layer), digestOf('second')] } });
  const name = `${createHash('sha256').update(config).digest('hex')}.json`;
  const content = packed ? gzipSync(layer) : layer;
  return {
    [name]: config, 'aaa/layer.tar': content, 'bbb/layer.tar': packed ? gzipSync('second') : 'second',
    'manifest.json': JSON.stringify([{ Config: name, RepoTags: tags, Layers: ['aaa/layer.tar', 'bbb/layer.tar'] }]),
  };
}

async function write(files: Files): Promise<string> {
  const root = await folder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
  return root;
}

async function tarOf(root: string, file: string): Promise<string> {
  await create({ cwd: root, file }, (await readdir(root)).filter((name) => !file.endsWith(name)));
  return file;
}

interface Resolved { readonly image: LockedImage; readonly blobs: MemoryBlobs }

async function resolve(path: string, more: Partial<ImageRequirement> = {}): Promise<Resolved> {
  const blobs = new MemoryBlobs();
  const spoolDir = await folder();
  const source = createImageSource({ registry: { session: () => { throw new Error('no registry is asked'); }, endpoints: () => [] }, blobs, notify: silent, spoolDir });
  const { artifacts } = await source.resolve([{
    kind: 'image', ref: 'quay.io/team/app:1', platforms: ['linux/amd64'], sources: [], archive: { path, written: 'images/x', format: 'oci' }, artifactKind: 'image', role: 'runtime',
    extras: { signatures: false, attestations: false, sboms: false, referrers: false }, usedBy: [], at: [], ...more,
  }], signal);
  expect(await readdir(spoolDir)).toEqual([]);
  return { image: artifacts[0] as LockedImage, blobs };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  return error instanceof BundleError ? error.code : String(error);
}

describe('an OCI layout', () => {
  it('is read as folder and as tar, plain and compressed', async () => {
    const { files, manifests } = layout({ '1': 'amd64' });
    const root = await write(files);
    const tar = await tarOf(root, join(await folder(), 'image.tar'));
    const bytes = await (await import('node:fs/promises')).readFile(tar);
    await writeFile(`${tar}.gz`, gzipSync(bytes));
    await writeFile(`${tar}.zst`, zstdCompressSync(bytes));
    await writeFile(`${tar}.xz`, await xz.compress(bytes));
    await writeFile(`${tar}.bz2`, bzip2(bytes));
    for (const path of [root, ...['', '.gz', '.zst', '.xz', '.bz2'].map((end) => tar + end)]) {
      const { image, blobs } = await resolve(path);
      expect(image).toMatchObject({ digest: manifests['1']?.digest, sources: [], trust: 'first-use', platforms: { 'linux/amd64': manifests['1']?.digest } });
      for (const blob of [...image.manifests, ...image.blobs]) expect(await blobs.has(blob.digest)).toBe(true);
    }
  });

  it('gives the image of that name among several, or names what there is', async () => {
    const { files, manifests } = layout({ 'quay.io/team/app:1': 'amd64', 'quay.io/team/other:1': 'amd64', '2': 'amd64' });
    const root = await write(files);
    expect((await resolve(root)).image.digest).toBe(manifests['quay.io/team/app:1']?.digest);
    expect((await resolve(root, { ref: 'quay.io/x/y:2' })).image.digest).toBe(manifests['2']?.digest);
    expect(await codeOf(resolve(root, { ref: 'quay.io/x/y:3' }))).toBe('RESOLVE_NOT_FOUND');
    expect(await codeOf(resolve(root, { digest: digestOf('other') }))).toBe('INTEGRITY_DIGEST');
    expect(await codeOf(resolve(root, { platforms: ['linux/arm64'] }))).toBe('RESOLVE_PLATFORM');
  });

  it('is refused with a damaged, missing or misplaced part', async () => {
    const { files, manifests } = layout({ '1': 'amd64' });
    const manifest = blobPath(manifests['1'] as Descriptor);
    const layerPath = `blobs/sha256/${hexOf(digestOf(layer))}`;
    expect(await codeOf(resolve(await write({ ...files, [layerPath]: noise(150_000, 7) })))).toBe('INTEGRITY_DIGEST');
    expect(await codeOf(resolve(await write({ ...files, [layerPath]: 'short' })))).toBe('INTEGRITY_SIZE');
    expect(await codeOf(resolve(await write({ ...files, [manifest]: '{}' })))).toBe('INTEGRITY_DIGEST');
    expect(await codeOf(resolve(await write({ 'index.json': 'no' })))).toBe('INTEGRITY_METADATA');
    expect(await codeOf(resolve(await write({ x: 'y' })))).toBe('INTEGRITY_METADATA');
    expect(await codeOf(resolve(join(await folder(), 'none')))).toBe('INPUT_MISSING_FILE');
    expect(await codeOf(resolve(await write({ ...files, 'index.json': JSON.stringify({ schemaVersion: 2, manifests: [] }) })))).toBe('RESOLVE_NOT_FOUND');
  });
});

describe('docker save', () => {
  it('gets a manifest over its layers, the same each time', async () => {
    const tar = await tarOf(await write(saved(['quay.io/team/app:1'])), join(await folder(), 'saved.tar'));
    const { image, blobs } = await resolve(tar);
    expect(image.mediaType).toBe(manifestMediaType);
    expect(image.blobs.slice(1).map(({ digest }) => digest)).toEqual([digestOf(layer), digestOf('second')]);
    expect(await blobs.has(image.digest)).toBe(true);
    expect((await resolve(tar, { digest: image.digest })).image).toEqual({ ...image, trust: 'declared' });
    const bytes = await (await import('node:fs/promises')).readFile(tar);
    for (const [end, packed] of [['gz', gzipSync(bytes)], ['zst', zstdCompressSync(bytes)]] as const) {
      await writeFile(`${tar}.${end}`, packed);
      expect((await resolve(`${tar}.${end}`)).image).toEqual(image);
    }
  });

  it('may hold compressed layers, links for shared ones and short names', async () => {
    const packed = await tarOf(await write(saved(['nginx:1'], true)), join(await folder(), 'packed.tar'));
    const { image } = await resolve(packed, { ref: 'docker.io/library/nginx:1' });
    expect(image.blobs[1]?.digest).toBe(digestOf(gzipSync(layer)));
    const root = await write({ ...saved(['x/y:1']), 'bbb/VERSION': '1' });
    await rm(join(root, 'aaa/layer.tar'));
    await writeFile(join(root, 'shared.tar'), layer);
    await symlink('../shared.tar', join(root, 'aaa/layer.tar'));
    const linked = await tarOf(root, join(await folder(), 'linked.tar'));
    expect((await resolve(linked)).image.blobs[1]?.digest).toBe(digestOf(layer));
  });

  it('is refused when its parts do not fit', async () => {
    const good = saved(['x/y:1']);
    const tar = async (files: Files): Promise<string> => tarOf(await write(files), join(await folder(), 'bad.tar'));
    expect(await codeOf(resolve(await tar({ ...good, 'aaa/layer.tar': noise(150_000, 9) })))).toBe('INTEGRITY_DIGEST');
    expect(await codeOf(resolve(await tar({ ...good, 'manifest.json': '[]' })))).toBe('INTEGRITY_METADATA');
    expect(await codeOf(resolve(await tar({ ...good, 'manifest.json': '[{"Config":"../../etc/passwd","Layers":[]}]' })))).toBe('RESOLVE_NOT_FOUND');
  });
});

describe('a hostile tar', () => {
  it('is refused when cut, when no tar at all, and when links go in a circle', async () => {
    const whole = await tarOf(await write(layout({ '1': 'amd64' }).files), join(await folder(), 'a.tar'));
    const bytes = await (await import('node:fs/promises')).readFile(whole);
    const cut = join(await folder(), 'cut.tar');
    await writeFile(cut, bytes.subarray(0, 100_000));
    expect(await codeOf(resolve(cut))).toBe('INTEGRITY_METADATA');
    await writeFile(cut, noise(100_000));
    expect(await codeOf(resolve(cut))).toBe('INTEGRITY_METADATA');
    for (const compressed of [gzipSync(bytes), zstdCompressSync(bytes), await xz.compress(bytes), bzip2(bytes)]) {
      await writeFile(cut, compressed.subarray(0, 1000));
      expect(await codeOf(resolve(cut))).toBe('INTEGRITY_METADATA');
    }
    await writeFile(cut, '');
    expect(await codeOf(resolve(cut))).toBe('INTEGRITY_METADATA');
    const root = await folder();
    await symlink('index.json', join(root, 'manifest.json'));
    await symlink('manifest.json', join(root, 'index.json'));
    expect(await codeOf(resolve(await tarOf(root, join(await folder(), 'circle.tar'))))).toBe('INTEGRITY_METADATA');
  });
});
