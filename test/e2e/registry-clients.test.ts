// Real clients against the embedded registry, served in this process: what a lock carries is pulled, and images are pushed, by each of them.
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Descriptor, Digest } from '../../bom/digest.ts';
import type { LockedImage } from '../../bom/lock.ts';
import { type Bed, makeBed, makeLock, password, servedOf, user } from '../repository/support.ts';
import { must, run, type Service, startService } from '../support/command.ts';

const ociIndex = 'application/vnd.oci.image.index.v1+json';
const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
const creds = `${user}:${password}`;

/** A tar of one file, as a layer. */
function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  for (const [text, at] of [['0000644\0', 100], ['0000000\0', 108], ['0000000\0', 116], [`${content.length.toString(8).padStart(11, '0')}\0`, 124], ['00000000000\0', 136], ['        ', 148], ['0', 156], ['ustar\0' + '00', 257]] as const) header.write(text, at);
  header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512 + 1024)]);
}

/** An image for two platforms with a shared layer in gzip, and one of each in zstd, in the bed's store. */
async function makeIndex(bed: Bed, ref: string): Promise<LockedImage> {
  const blobs: Descriptor[] = [];
  const shared = tarOf('shared.bin', randomBytes(3_000_000));
  const manifests: Descriptor[] = [];
  const platforms: Record<string, Digest> = {};
  const listed: unknown[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const tars = [shared, tarOf(`only-${architecture}`, Buffer.from(`for ${architecture}`))];
    const layers = await Promise.all(tars.map((tar) => (tar === shared ? bed.add('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar)) : bed.add('application/vnd.oci.image.layer.v1.tar+zstd', zstdCompressSync(tar)))));
    const diffIds = tars.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`);
    const config = await bed.add('application/vnd.oci.image.config.v1+json', JSON.stringify({ architecture, os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: diffIds } }));
    const manifest = await bed.add(ociManifest, JSON.stringify({ schemaVersion: 2, mediaType: ociManifest, config, layers }));
    blobs.push(config, ...layers);
    manifests.push(manifest);
    platforms[`linux/${architecture}`] = manifest.digest;
    listed.push({ ...manifest, platform: { os: 'linux', architecture } });
  }
  const index = await bed.add(ociIndex, JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests: listed }));
  return {
    ref, digest: index.digest, mediaType: index.mediaType, size: index.size, sources: [ref], platforms, manifests: [index, ...manifests],
    blobs: [...new Map(blobs.map((blob) => [blob.digest, blob])).values()], kind: 'image', role: 'image', trust: 'declared', usedBy: ['app'],
  };
}

interface OldClient {
  getManifest(options: object, done: (error: Error | null | undefined, manifest: { layers: { digest: string }[] }, response: unknown, text: string) => void): void;
  listTags(done: (error: Error | null | undefined, tags: { tags: string[] }) => void): void;
  createBlobReadStream(options: object, done: (error: Error | null | undefined, stream: NodeJS.ReadableStream) => void): void;
  close(): void;
}

describe('registry clients', () => {
  let bed: Bed;
  let host: string;
  let image: LockedImage;
  /** One name in two registries, another image in each. */
  let others: readonly LockedImage[];
  const amd64 = (): string => image.platforms['linux/amd64'] ?? '';
  beforeAll(async () => {
    bed = await makeBed();
    host = bed.origin.replace('http://', '');
    image = await makeIndex(bed, 'docker.io/library/app:1.0');
    others = [await makeIndex(bed, 'quay.io/other/tool:1.0'), await makeIndex(bed, 'registry.example.org/other/tool:1.0')];
    bed.served.push(servedOf(makeLock('site', { images: [image, ...others] })));
    await bed.service.settled();
  });
  afterAll(() => bed.close());

  const skopeo = (...args: string[]): Promise<string> => must('skopeo', ['--insecure-policy', ...args]);

  it('skopeo copies all platforms out with their digests', async () => {
    const into = join(bed.folder, 'out');
    await skopeo('copy', '-q', '--all', '--src-tls-verify=false', `docker://${host}/docker.io/library/app:1.0`, `oci:${into}:app`);
    const { manifests } = JSON.parse(await readFile(join(into, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
    expect(manifests[0]?.digest).toBe(image.digest);
  });

  it('skopeo pushes with a password, reads back, lists, and deletes; without it nothing happens', async () => {
    const source = `docker://${host}/library/app:1.0`;
    const target = `docker://${host}/team/copy:1`;
    const refused = await run('skopeo', ['--insecure-policy', 'copy', '-q', '--all', '--src-tls-verify=false', '--dest-tls-verify=false', source, target]);
    expect(refused.status).not.toBe(0);
    const wrong = await run('skopeo', ['--insecure-policy', 'copy', '-q', '--all', '--src-tls-verify=false', '--dest-tls-verify=false', '--dest-creds', `${user}:wrong`, source, target]);
    expect(wrong.status).not.toBe(0);
    await skopeo('copy', '-q', '--all', '--src-tls-verify=false', '--dest-tls-verify=false', '--dest-creds', creds, source, target);
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', target);
    expect(`sha256:${createHash('sha256').update(raw).digest('hex')}`).toBe(image.digest);
    expect(JSON.parse(await skopeo('list-tags', '--tls-verify=false', `docker://${host}/team/copy`))).toMatchObject({ Tags: ['1'] });
    await skopeo('delete', '--tls-verify=false', '--creds', creds, target);
    expect((await bed.ask('/v2/team/copy/manifests/1')).status).toBe(404);
  });

  it('skopeo pushes from a layout, where every blob is uploaded', async () => {
    const layout = `oci:${join(bed.folder, 'out')}:app`;
    await skopeo('copy', '-q', '--all', '--dest-tls-verify=false', '--dest-creds', creds, layout, `docker://${host}/layout/app:2`);
    expect((await bed.ask('/v2/layout/app/manifests/2')).headers.get('docker-content-digest')).toBe(image.digest);
  });

  it('podman pulls by full name, bare name and digest, and pushes', async () => {
    const podman = ['--root', join(bed.folder, 'podman'), '--runroot', join(bed.folder, 'podman-run'), '--storage-driver', 'vfs'];
    for (const name of ['docker.io/library/app:1.0', 'library/app:1.0', `library/app@${image.digest}`]) {
      await must('podman', [...podman, 'pull', '-q', '--tls-verify=false', `${host}/${name}`]);
    }
    expect(await must('podman', [...podman, 'images', '--digests', '--format', '{{.Digest}}'])).toContain(image.digest);
    await must('podman', [...podman, 'push', '-q', '--tls-verify=false', '--creds', creds, `${host}/library/app:1.0`, `docker://${host}/team/podman:1`]);
    expect((await bed.ask('/v2/team/podman/manifests/1')).status).toBe(200);
    await must('podman', [...podman, 'rmi', '-a', '-f']);
  });

  it('podman logs in with the right password only', async () => {
    const file = join(bed.folder, 'auth.json');
    expect((await run('podman', ['login', '--authfile', file, '--tls-verify=false', '-u', user, '-p', 'wrong', host])).status).not.toBe(0);
    expect((await run('podman', ['login', '--authfile', file, '--tls-verify=false', '-u', user, '-p', password, host])).status).toBe(0);
  });

  it('buildah pulls and pushes', async () => {
    const buildah = ['--root', join(bed.folder, 'buildah'), '--runroot', join(bed.folder, 'buildah-run'), '--storage-driver', 'vfs'];
    await must('buildah', [...buildah, 'pull', '-q', '--tls-verify=false', `${host}/library/app:1.0`]);
    await must('buildah', [...buildah, 'push', '-q', '--tls-verify=false', '--creds', creds, `${host}/library/app:1.0`, `docker://${host}/team/buildah:1`]);
    expect((await bed.ask('/v2/team/buildah/manifests/1')).status).toBe(200);
    await must('buildah', [...buildah, 'rmi', '-a', '-f']);
  });

  it('curl resumes a blob', async () => {
    const blob = image.blobs.find(({ size }) => size > 1_000_000);
    const path = join(bed.folder, 'blob');
    const url = `${bed.origin}/v2/library/app/blobs/${blob?.digest}`;
    const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
    await writeFile(path, whole.subarray(0, 1_000_000));
    await must('curl', ['-fsS', '-C', '-', '-o', path, url]);
    expect(`sha256:${createHash('sha256').update(await readFile(path)).digest('hex')}`).toBe(blob?.digest);
  });

  it('docker-registry-client reads manifests, tags and blobs', async () => {
    const { createClientV2 } = createRequire(import.meta.url)('docker-registry-client') as { createClientV2(options: object): OldClient };
    const client = createClientV2({ name: `${host}/library/app`, insecure: true, scheme: 'http', maxSchemaVersion: 2, acceptOCIManifests: true, acceptManifestLists: true });
    try {
      const tags = await new Promise<string[]>((done, fail) => { client.listTags((error, list) => { if (!error) done(list.tags); else fail(error); }); });
      expect(tags).toEqual(['1.0']);
      const text = await new Promise<string>((done, fail) => { client.getManifest({ ref: amd64(), acceptOCIManifests: true }, (error, _manifest, _response, body) => { if (!error) done(body); else fail(error); }); });
      expect(`sha256:${createHash('sha256').update(text).digest('hex')}`).toBe(amd64());
      const layer = image.blobs.find(({ size }) => size > 1_000_000)?.digest ?? '';
      const hash = createHash('sha256');
      const stream = await new Promise<NodeJS.ReadableStream>((done, fail) => { client.createBlobReadStream({ digest: layer }, (error, body) => { if (!error) done(body); else fail(error); }); });
      for await (const chunk of stream) hash.update(chunk as Buffer);
      expect(`sha256:${hash.digest('hex')}`).toBe(layer);
    } finally {
      client.close();
    }
  });

  describe('containerd', () => {
    let containerd: Service;
    let ctr: string[];
    beforeAll(async () => {
      const folder = join(bed.folder, 'containerd');
      for (const upstream of ['docker.io', 'quay.io', '_default']) {
        await mkdir(join(folder, 'certs.d', upstream), { recursive: true });
        await writeFile(join(folder, 'certs.d', upstream, 'hosts.toml'), await (await bed.ask(`/client/files/etc/containerd/certs.d/${upstream}/hosts.toml?exclusive=yes`)).text());
      }
      await writeFile(join(folder, 'config.toml'), `version = 2\nroot = "${folder}/root"\nstate = "${folder}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${folder}/sock"\n`);
      ctr = ['--address', `${folder}/sock`];
      containerd = await startService('containerd', ['--config', join(folder, 'config.toml')], { ready: async () => (await run('ctr', [...ctr, 'version'])).status === 0 });
    });
    afterAll(() => containerd?.stop());

    it('pulls by the name here', async () => {
      await must('ctr', [...ctr, 'images', 'pull', '--plain-http', '--snapshotter', 'native', '--all-platforms', `${host}/docker.io/library/app:1.0`]);
      expect(await must('ctr', [...ctr, 'images', 'list'])).toContain(image.digest);
    });

    it('pulls the names of several registries through this one, with the settings that it gives', async () => {
      for (const { ref, digest } of [image, ...others]) {
        await must('ctr', [...ctr, 'images', 'pull', '--hosts-dir', join(bed.folder, 'containerd/certs.d'), '--snapshotter', 'native', ref]);
        expect(await must('ctr', [...ctr, 'images', 'list', `name==${ref}`])).toContain(digest);
      }
    });

    it('pushes', async () => {
      await must('ctr', [...ctr, 'images', 'push', '--plain-http', '--user', creds, `${host}/team/ctr:1`, `${host}/docker.io/library/app:1.0`]);
      expect((await bed.ask('/v2/team/ctr/manifests/1')).headers.get('docker-content-digest')).toBe(image.digest);
    });
  });
});
