// What a registry can hold beside the usual image, from Debian's docker-registry into an archive, and out of it: served, and as the layout in it for those without
// longshore, read by Debian's skopeo, podman and containerd.
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexMediaType, manifestMediaType } from '../../bom/bundle.ts';
import type { Descriptor } from '../../bom/digest.ts';
import { parseLock } from '../../bom/lock.ts';
import { dockerListMediaType, dockerManifestMediaType, manifestMediaTypes } from '../../formats/oci/manifest.ts';
import { createHttpClient } from '../../transport/http.ts';
import { createRegistryPool } from '../../transport/registry.ts';
import { pushBlob, pushManifest } from '../../transport/registry-push.ts';
import { longshorePath, must, run, startService } from '../support/command.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
import { startServe } from '../support/site.ts';
import { temporaryFolder } from '../support/temporary.ts';

const signal = new AbortController().signal;
let folder: string;
let registry: DockerRegistry;
const pushed = new Map<string, Descriptor>();

beforeAll(async () => {
  folder = await temporaryFolder('docker-types');
  registry = await startDockerRegistry(join(folder, 'registry'));
  await writeFile(join(folder, 'hello'), 'hello');
  await must('tar', ['cf', 'layer.tar', 'hello'], { cwd: folder });
  const layer = await readFile(join(folder, 'layer.tar'));
  const http = createHttpClient({ env: {} });
  const session = createRegistryPool({ http, insecureHosts: [registry.host] }).session(registry.host);
  const blobs = new MemoryBlobs();
  const push = async (mediaType: string, document: object, tag: string): Promise<Descriptor> => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...document }));
    const descriptor = { mediaType, digest: blobs.add(mediaType, bytes).digest, size: bytes.length };
    await pushManifest(session, { path: 'team/app', reference: tag, mediaType, bytes, signal });
    pushed.set(tag, descriptor);
    return descriptor;
  };
  const diffId = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
  const send = async (mediaType: string, content: Uint8Array | string): Promise<Descriptor> => {
    const blob = blobs.add(mediaType, content);
    await pushBlob(session, { path: 'team/app', blob, open: () => blobs.open(blob), signal });
    return blob;
  };
  const image = async (architecture: string): Promise<Descriptor> => push(dockerManifestMediaType, {
    config: await send('application/vnd.docker.container.image.v1+json', JSON.stringify({ os: 'linux', architecture, config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } })),
    layers: [await send('application/vnd.docker.image.rootfs.diff.tar.gzip', gzipSync(layer))],
  }, architecture);
  const listed = (parts: readonly Descriptor[]): object => ({ manifests: parts.map((part, at) => ({ ...part, platform: { os: 'linux', architecture: ['amd64', 'arm64'][at] } })) });
  const parts = [await image('amd64'), await image('arm64')];
  await push(dockerListMediaType, listed(parts), 'list');
  const config = await send('application/vnd.oci.image.config.v1+json', JSON.stringify({ os: 'linux', architecture: 'amd64', config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } }));
  const zstd = await push(manifestMediaType, { config, layers: [await send('application/vnd.oci.image.layer.v1.tar+zstd', zstdCompressSync(layer))] }, 'zstd');
  await push(indexMediaType, { manifests: [zstd, await push(indexMediaType, listed([zstd]), 'inner')] }, 'nested');
  const empty = await send('application/vnd.oci.empty.v1+json', '{}');
  await push(manifestMediaType, { artifactType: 'application/vnd.example.note', config: empty, layers: [await send('application/vnd.example.unheard-of', 'a note')] }, 'artifact');
  await http.close();
  const named = [...['amd64', 'list', 'zstd', `inner@${pushed.get('inner')?.digest}`].map((tag) => [tag, 'linux/amd64']), ...['nested', 'artifact'].map((tag) => [tag, 'all'])];
  const images = named.map(([tag, platform]) => `{ref: "${registry.host}/team/app:${tag}", platforms: [${platform}]}`).join(', ');
  await writeFile(join(folder, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: m, version: "1"}\nspec: {images: [${images}]}\n`);
  const longshore = (...args: string[]): Promise<string> => must(process.execPath, [longshorePath, ...args], { cwd: folder });
  await longshore('lock', '-f', 'bom.yaml', '--store', 'store', '--insecure-registry', registry.host);
  await longshore('download', '--store', 'store', '--insecure-registry', registry.host);
  await longshore('export', '--store', 'store', '-o', 'a.tar');
  await mkdir(join(folder, 'out'));
  await must('tar', ['xf', '../a.tar'], { cwd: join(folder, 'out') });
  await must('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: join(folder, 'out') });
});
afterAll(async () => { await registry.stop(); });

describe('each kind of image and artifact', () => {
  it('comes out of the archive served with the digests it has upstream, manifest by manifest and blob by blob', async () => {
    const lock = parseLock(await readFile(join(folder, 'longshore.lock.json'), 'utf8'), 'lock');
    const service = await startServe(['a.tar', '--allow-unsigned'], folder);
    try {
      const digests = async (origin: string, name: string): Promise<string[]> => Promise.all(lock.spec.images.flatMap(({ manifests, blobs }) => [
        ...manifests.map(({ digest }) => `manifests/${digest}`), ...blobs.map(({ digest }) => `blobs/${digest}`),
      ]).map(async (what) => {
        const answer = await fetch(`http://${origin}/v2/${name}/${what}`, { headers: { accept: manifestMediaTypes.join(', ') } });
        return `${what} ${answer.status} ${what.startsWith('m') ? answer.headers.get('content-type') : ''} ${createHash('sha256').update(Buffer.from(await answer.arrayBuffer())).digest('hex')}`;
      }));
      const here = await digests(service.host, `${registry.host.replace(':', '_')}/team/app`);
      expect(here).toEqual(await digests(registry.host, 'team/app'));
      for (const line of here) expect(line).toMatch(/sha256:([0-9a-f]{64}) 200 .*\1$/);
      expect(new Set(lock.spec.images.map(({ digest }) => digest))).toEqual(new Set(['amd64', 'list', 'zstd', 'inner', 'nested', 'artifact'].map((tag) => pushed.get(tag)?.digest)));
    } finally {
      await service.stop();
    }
  });

  it('podman unpacks zstd', async () => {
    const podman = ['--root', join(folder, 'podman'), '--runroot', join(folder, 'podman-run'), '--storage-driver', 'vfs'];
    const id = (await must('podman', [...podman, 'pull', '-q', `oci:out:${registry.host}/team/app:zstd`], { cwd: folder })).trim();
    expect(JSON.parse(await must('podman', [...podman, 'inspect', id]))).toMatchObject([{ RootFS: { Layers: [`sha256:${createHash('sha256').update(await readFile(join(folder, 'layer.tar'))).digest('hex')}`] } }]);
  });
});

describe('an image of Docker\'s media types, by name from the unpacked archive', () => {
  it.each(['amd64', 'list'])('skopeo copies it, its manifest as it was: %s', async (tag) => {
    const name = `${registry.host}/team/app:${tag}`;
    await must('skopeo', ['copy', '-q', '--insecure-policy', `oci:out:${name}`, `dir:copied-${tag}`], { cwd: folder });
    const manifest = await readFile(join(folder, `copied-${tag}/manifest.json`));
    expect(`sha256:${createHash('sha256').update(manifest).digest('hex')}`).toBe(pushed.get('amd64')?.digest);
  });

  it('podman pulls it', async () => {
    const id = await must('podman', ['--root', join(folder, 'podman'), '--runroot', join(folder, 'podman-run'), '--storage-driver', 'vfs', 'pull', '-q', `oci:out:${registry.host}/team/app:amd64`], { cwd: folder });
    expect(id.trim()).toMatch(/^[0-9a-f]{64}$/);
  });

  it('containerd imports it under its own digest', async () => {
    const state = join(folder, 'containerd');
    await mkdir(state);
    await writeFile(join(state, 'config.toml'), `version = 2\nroot = "${state}/root"\nstate = "${state}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${state}/sock"\n`);
    const ctr = ['--address', `${state}/sock`];
    const containerd = await startService('containerd', ['--config', join(state, 'config.toml')], { ready: async () => (await run('ctr', [...ctr, 'version'])).status === 0 });
    try {
      await must('ctr', [...ctr, 'images', 'import', '--no-unpack', 'a.tar'], { cwd: folder });
      expect(await must('ctr', [...ctr, 'images', 'list', `name==${registry.host}/team/app:amd64`])).toContain(pushed.get('amd64')?.digest);
    } finally {
      await containerd.stop();
    }
  });
});
