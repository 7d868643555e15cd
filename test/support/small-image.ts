// Small images made on the spot: an OCI layout with the layers that a test names, pushed by skopeo.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { must } from './command.ts';

export interface SmallImage {
  readonly labels?: Readonly<Record<string, string>>;
  /** From the lowest: path -> content. */
  readonly layers?: readonly Readonly<Record<string, string>>[];
  readonly compression?: 'gzip' | 'zstd';
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Pushes it as `host/path:tag` to a registry without TLS; gives the digest. */
export async function pushSmallImage(folder: string, reference: string, image: SmallImage = {}): Promise<string> {
  const layout = await mkdtemp(join(folder, 'image-'));
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
  const store = async (mediaType: string, bytes: Uint8Array): Promise<{ mediaType: string; digest: string; size: number }> => {
    await writeFile(join(layout, 'blobs/sha256', digestOf(bytes).slice(7)), bytes);
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  const layers = [];
  const diffIds: string[] = [];
  for (const [number, files] of (image.layers ?? [{ 'hello.txt': reference }]).entries()) {
    const root = join(layout, `layer-${number}`);
    for (const [path, content] of Object.entries(files)) { await mkdir(dirname(join(root, path)), { recursive: true }); await writeFile(join(root, path), content); }
    await must('tar', ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '-C', root, '-cf', join(layout, 'layer.tar'), '.']);
    const tar = await readFile(join(layout, 'layer.tar'));
    diffIds.push(digestOf(tar));
    layers.push(image.compression === 'zstd' ? await store('application/vnd.oci.image.layer.v1.tar+zstd', zstdCompressSync(tar)) : await store('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar)));
  }
  const config = await store('application/vnd.oci.image.config.v1+json', Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Labels: image.labels ?? {} }, rootfs: { type: 'layers', diff_ids: diffIds } })));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await store(mediaType, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers })));
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'x' } }] }));
  await must('skopeo', ['copy', '-q', '--insecure-policy', '--dest-tls-verify=false', `oci:${layout}:x`, `docker://${reference}`]);
  return manifest.digest;
}

/** Pushes an image whose layers are these bytes, as they are. */
export async function pushLayers(folder: string, reference: string, { layers: contents, credentials }: { readonly layers: readonly Uint8Array[]; readonly credentials?: string }): Promise<void> {
  const layout = await mkdtemp(join(folder, 'layers-'));
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
  const store = async (mediaType: string, bytes: Uint8Array): Promise<{ mediaType: string; digest: string; size: number }> => {
    await writeFile(join(layout, 'blobs/sha256', digestOf(bytes).slice(7)), bytes);
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  const layers = await Promise.all(contents.map((bytes) => store('application/vnd.oci.image.layer.v1.tar+gzip', bytes)));
  const config = await store('application/vnd.oci.image.config.v1+json', Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) } })));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await store(mediaType, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers })));
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'x' } }] }));
  await must('skopeo', ['copy', '-q', '--insecure-policy', '--dest-tls-verify=false', ...(credentials === undefined ? [] : ['--dest-creds', credentials]), `oci:${layout}:x`, `docker://${reference}`]);
}

/** Pushes an artifact (a Helm chart, for one) as its own client does: blobs, then the manifest. */
export async function pushArtifact(host: string, path: string, tag: string, parts: { readonly config: { readonly mediaType: string; readonly bytes: Uint8Array }; readonly layers: readonly { readonly mediaType: string; readonly bytes: Uint8Array }[] }): Promise<string> {
  const push = async ({ mediaType, bytes }: { readonly mediaType: string; readonly bytes: Uint8Array }): Promise<{ mediaType: string; digest: string; size: number }> => {
    const begun = await fetch(`http://${host}/v2/${path}/blobs/uploads/`, { method: 'POST' });
    const location = new URL(begun.headers.get('location') ?? '', `http://${host}`);
    location.searchParams.set('digest', digestOf(bytes));
    const put = await fetch(location, { method: 'PUT', body: Buffer.from(bytes), headers: { 'content-type': 'application/octet-stream' } });
    if (!put.ok) throw new Error(`blob: ${put.status} ${await put.text()}`);
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const layers = [];
  for (const layer of parts.layers) layers.push(await push(layer));
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config: await push(parts.config), layers }));
  const put = await fetch(`http://${host}/v2/${path}/manifests/${tag}`, { method: 'PUT', body: manifest, headers: { 'content-type': mediaType } });
  if (!put.ok) throw new Error(`manifest: ${put.status} ${await put.text()}`);
  return digestOf(manifest);
}
