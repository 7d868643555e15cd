// Images of Docker's own media types out of an archive without longshore: the layout in it, read by Debian's skopeo, podman and containerd.
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Descriptor } from '../../bom/digest.ts';
import { dockerListMediaType, dockerManifestMediaType } from '../../formats/oci/manifest.ts';
import { createHttpClient } from '../../transport/http.ts';
import { createRegistryPool } from '../../transport/registry.ts';
import { pushBlob, pushManifest } from '../../transport/registry-push.ts';
import { longshorePath, must, run, startService } from '../support/command.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
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
  const image = async (architecture: string): Promise<Descriptor> => {
    const diffId = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
    const config = blobs.add('application/vnd.docker.container.image.v1+json', JSON.stringify({ os: 'linux', architecture, config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } }));
    const content = blobs.add('application/vnd.docker.image.rootfs.diff.tar.gzip', gzipSync(layer));
    for (const blob of [config, content]) await pushBlob(session, { path: 'team/app', blob, open: () => blobs.open(blob), signal });
    return push(dockerManifestMediaType, { config, layers: [content] }, architecture);
  };
  const parts = [await image('amd64'), await image('arm64')];
  await push(dockerListMediaType, { manifests: parts.map((part, at) => ({ ...part, platform: { os: 'linux', architecture: ['amd64', 'arm64'][at] } })) }, 'list');
  await http.close();
  const images = ['amd64', 'list'].map((tag) => `{ref: "${registry.host}/team/app:${tag}", platforms: [linux/amd64]}`).join(', ');
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
