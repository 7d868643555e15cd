// A small multi-platform image and what pushes and pulls it: the registry protocol as any client speaks it
// (OCI distribution specification 1.1, "Push" and "Pull"), on purpose without longshore's own client.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';

export interface MadeBlob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly bytes: Buffer;
}

export interface MadeImage {
  readonly index: MadeBlob;
  readonly manifests: readonly MadeBlob[];
  readonly blobs: readonly MadeBlob[];
}

const digest = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const blob = (mediaType: string, bytes: Buffer): MadeBlob => ({ mediaType, digest: digest(bytes), size: bytes.length, bytes });
const json = (mediaType: string, value: unknown): MadeBlob => blob(mediaType, Buffer.from(JSON.stringify(value)));
const plain = ({ mediaType, digest: name, size }: MadeBlob): object => ({ mediaType, digest: name, size });
const indexType = 'application/vnd.oci.image.index.v1+json';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';

async function layer(folder: string, name: string, content: Uint8Array): Promise<{ compressed: MadeBlob; diffId: string }> {
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, `${name}.txt`), content);
  const plainTar = join(folder, `${name}.tar`);
  await create({ portable: true, mtime: new Date(0), cwd: join(folder, name), file: plainTar }, ['.']);
  await create({ portable: true, mtime: new Date(0), gzip: true, cwd: join(folder, name), file: `${plainTar}.gz` }, ['.']);
  return { compressed: blob('application/vnd.oci.image.layer.v1.tar+gzip', await readFile(`${plainTar}.gz`)), diffId: digest(await readFile(plainTar)) };
}

/** An index of two platforms that share a base layer. */
export async function makeImage(folder: string): Promise<MadeImage> {
  await mkdir(folder, { recursive: true });
  const base = await layer(folder, 'base', Buffer.alloc(2_000_000, 'every platform shares this layer. '));
  const manifests: MadeBlob[] = [];
  const blobs: MadeBlob[] = [base.compressed];
  const listed: object[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const own = await layer(folder, architecture, Buffer.from(`made for ${architecture}\n`));
    const config = json('application/vnd.oci.image.config.v1+json', {
      architecture, os: 'linux', config: { Cmd: ['/bin/true'] }, rootfs: { type: 'layers', diff_ids: [base.diffId, own.diffId] },
    });
    const manifest = json(manifestType, { schemaVersion: 2, mediaType: manifestType, config: plain(config), layers: [plain(base.compressed), plain(own.compressed)] });
    blobs.push(own.compressed, config);
    manifests.push(manifest);
    listed.push({ ...plain(manifest), platform: { os: 'linux', architecture } });
  }
  await rm(folder, { recursive: true, force: true });
  return { index: json(indexType, { schemaVersion: 2, mediaType: indexType, manifests: listed }), manifests, blobs };
}

async function must(answer: Promise<Response>, what: string, status: readonly number[]): Promise<Response> {
  const response = await answer;
  if (!status.includes(response.status)) throw new Error(`${what}: status ${response.status}, ${(await response.text()).slice(0, 300)}`);
  return response;
}

/** Pushes an image to `<registry>/v2/<name>` with basic credentials (user:password). */
export async function pushImage(registry: string, name: string, tag: string, image: MadeImage, credentials: string): Promise<void> {
  const headers = { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  for (const each of image.blobs) {
    const started = await must(fetch(`${registry}/v2/${name}/blobs/uploads/`, { method: 'POST', headers }), 'starting an upload', [202]);
    const place = new URL(started.headers.get('location') ?? '', registry);
    place.searchParams.set('digest', each.digest);
    await must(fetch(place, { method: 'PUT', headers, body: new Uint8Array(each.bytes) }), `uploading ${each.digest}`, [201]);
  }
  const put = (reference: string, manifest: MadeBlob): Promise<Response> => must(fetch(`${registry}/v2/${name}/manifests/${reference}`, {
    method: 'PUT', headers: { ...headers, 'content-type': manifest.mediaType }, body: new Uint8Array(manifest.bytes),
  }), `pushing the manifest ${reference}`, [201]);
  for (const manifest of image.manifests) await put(manifest.digest, manifest);
  await put(tag, image.index);
}

/** Pulls one platform of an image, checking every digest on the way; returns the index's digest and the bytes read. */
export async function pullImage(registry: string, name: string, tag: string, architecture: string): Promise<{ digest: string; bytes: number; blobs: number }> {
  const headers = { accept: `${indexType}, ${manifestType}` };
  const read = async (path: string, expected?: string): Promise<Buffer> => {
    const response = await must(fetch(`${registry}/v2/${name}/${path}`, { headers }), `pulling ${path}`, [200]);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (expected !== undefined && digest(bytes) !== expected) throw new Error(`pulling ${path}: the digest is ${digest(bytes)}`);
    return bytes;
  };
  const index = await read(`manifests/${tag}`);
  const entries = (JSON.parse(index.toString()) as { manifests: { digest: string; platform: { architecture: string } }[] }).manifests;
  const entry = entries.find((each) => each.platform.architecture === architecture);
  if (entry === undefined) throw new Error(`${name}:${tag} has no ${architecture}`);
  const manifest = await read(`manifests/${entry.digest}`, entry.digest);
  const { config, layers } = JSON.parse(manifest.toString()) as { config: { digest: string }; layers: { digest: string }[] };
  let bytes = index.length + manifest.length;
  for (const each of [config, ...layers]) bytes += (await read(`blobs/${each.digest}`, each.digest)).length;
  return { digest: digest(index), bytes, blobs: layers.length + 1 };
}
